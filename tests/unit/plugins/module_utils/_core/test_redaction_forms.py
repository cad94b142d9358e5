# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A text read without its spelling, and where each of its characters came from."""

from __future__ import annotations

import html
import json
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction_forms import (
    bare,
    decoded,
    folded,
    read_bare,
    read_decoded,
    read_folded,
)

TEXTS = st.text(
    st.one_of(st.sampled_from("%&\\;#ux+ \n\t\0aAfF0123456789…"), st.characters(exclude_categories=["Cs"])), max_size=60
)


@pytest.mark.parametrize(
    ("spelled", "meant"),
    [
        ("a%2Fb%2fc", "a/b/c"),
        ("%C3%BC %c3%bc", "ü ü"),
        ("%FC", "ü"),
        ("%u00fc", "ü"),
        ("%252F", "/"),
        ("&amp;amp;", "&"),
        ("&#39;&#x27;&apos;&#39", "''''"),
        ("&nosuch;", "&nosuch;"),
        (r"\u00fc\x41\"\/", 'üA"/'),
        (r"\ud83d\ude00", "\N{GRINNING FACE}"),
        (r"\ud83d", "\N{REPLACEMENT CHARACTER}"),
        (r"a\nb", "a b"),
        (r"&#92;u0041", "A"),
        ("100 %", "100 %"),
        ("plain", "plain"),
    ],
)
def test_escapes_are_undone_layer_by_layer(spelled: str, meant: str) -> None:
    assert decoded(spelled) == meant


def test_it_ends_however_many_layers_there_are() -> None:
    text = "%" + "25" * 9 + "41"
    assert decoded(text).startswith("%25")
    assert read_decoded(text).text == decoded(text)


def test_white_space_control_characters_and_plus_signs_become_one_space() -> None:
    assert folded(" a\r\n\tb\0c+d\u200be  f ") == "a b c d e f"


def test_letters_and_digits_are_what_every_layer_leaves_alone() -> None:
    assert bare("Pa$$-W0rd'\n ü") == "paw0rd"


@settings(derandomize=True)
@given(TEXTS)
def test_what_a_layer_escapes_reads_as_what_it_escaped(text: str) -> None:
    for spelled in (urllib.parse.quote(text), html.escape(text), html.escape(urllib.parse.quote(text))):
        assert decoded(spelled) == decoded(text)
    assert bare(decoded(json.dumps(text))) == bare(decoded(text))


@settings(derandomize=True)
@given(TEXTS)
def test_a_reading_says_the_same_and_where_it_stands(text: str) -> None:
    reading = read_decoded(text)
    assert reading.text == decoded(text)
    assert read_folded(reading).text.strip(" ") == folded(reading.text)
    assert read_bare(reading).text == bare(reading.text)
    for view, length in ((reading, len(text)), (read_folded(reading), len(reading.text))):
        assert len(view.spans) == len(view.text)
        assert all(0 <= start < end <= length for start, end in view.spans)
        assert [start for start, _end in view.spans] == sorted(start for start, _end in view.spans)


def test_each_character_leads_back_to_its_escape() -> None:
    text = "x&amp;%41\\u0042"
    reading = read_decoded(text)
    assert [(reading.text[n], text[a:b]) for n, (a, b) in enumerate(reading.spans)] == [
        ("x", "x"),
        ("&", "&amp;"),
        ("A", "%41"),
        ("B", "\\u0042"),
    ]
