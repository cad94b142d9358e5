# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service may have made of a name or a description that it was sent."""

from __future__ import annotations

import html

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.normalising import (
    LEAST_MARKED_NAME,
    is_cut_of,
    is_form_of,
    is_same_text,
    may_come_of,
)


@pytest.mark.parametrize(
    ("sent", "kept", "may"),
    [
        ("before patching", "before patching", True),
        ("before patching", "Before_Patching", True),
        ("before-patching", "before  patching ", True),
        ("Straße 1", "STRASSE 1", True),
        ("\u00e9t\u00e9", "e\u0301te\u0301", True),
        ("before patching", "before p", True),
        ("before patching", "before ", False),  # too little is left to say so
        ("abcdefghi", "abcdefgh", True),
        ("abcdefghi", "abcdefg", False),
        ("before", "before patching", False),
        ("before patching", "patching", False),
        ("ab", "ab", True),
        ("ab", "a b", True),
        ("pre-patch 02:00", "prepatch0200", True),
        ("patch & reboot", "patch &amp; reboot", True),
        ("patch & reboot", "patch %26 reboot", True),
        ("patch one", "patch%20one", True),
        ("patch one", "patch+one", True),
        ("Vor Prüfung 1", "Vor Prufung 1", True),
        ("Vor Prüfung 1", "Vor Pr?fung 1", True),
        ("Vor Pru\u0308fung 1", "Vor Pru?fung 1", True),
        ("Vor Prüfung 1", "Vor PrÃ¼fung 1", True),
        ("Vor Prüfung 1", "Vor Pruefung 1", False),
        ("Straße", "Stra?e", True),
        ("升級前快照", "?????", True),
        ("升級前快照", "??????????????????", False),
        ("한국", "??", True),
        ("before 🚀", "before ??", True),
        ("🚀", "?", True),
        ("🚀", "go", False),
        ("ready?", "ready", True),
        ("a?b", "a?b", True),
        ("a?b", "ab", True),
        ("a?b", "a??b", False),
        ("a long name of it", "a long name...", True),
        ("升級前快照備份檢查", "?級前", False),
        ("nightly", "", False),
        ("nightly", "???", False),
        ("nightly", "web01 - nightly", False),
        ("nightly", "nightly - (11/20/2026)", False),
    ],
)
def test_a_name_that_may_have_been_stored_otherwise(sent: str, kept: str, may: bool) -> None:
    assert may_come_of(sent, kept) is may


@pytest.mark.parametrize(
    ("kept", "may"), [("nigh", True), ("n-i-g", True), ("ni", False), ("ni?", False), ("nig?t", False), ("day", False)]
)
def test_fewer_letters_are_enough_where_a_mark_tells_the_name(kept: str, may: bool) -> None:
    assert may_come_of("nightly", kept, LEAST_MARKED_NAME) is may
    assert not may_come_of("nightly", kept)


def test_a_name_that_is_only_question_marks_is_found_in_no_time() -> None:
    assert may_come_of("ß" * 255, "?" * 255)
    assert not may_come_of("ß" * 255, "?" * 253 + "y")
    assert not may_come_of("x" * 255, "?x" * 254 + "y")
    assert not may_come_of("x" * 255, "?" * 100_000)


@pytest.mark.parametrize(
    ("sent", "kept", "same"),
    [
        ("a\nb", "a\r\nb", True),
        ("a  \nb", "a\nb", True),
        (" a\nb\n", "a\nb", True),
        ("\u00e9", "e\u0301", True),
        ("a\n  b", "a\nb", False),
        ("a", "A", False),
        ("a\nb", "a b", False),
    ],
)
def test_a_description_that_is_the_same_but_for_line_ends(sent: str, kept: str, same: bool) -> None:
    assert is_same_text(sent, kept) is same


@pytest.mark.parametrize("limit", [100, 128, 200, 250, 255, 256, 500, 512, 1000, 1023, 1024])
def test_a_description_that_a_column_has_cut(limit: int) -> None:
    assert is_cut_of("x" * (limit + 1), "x" * limit)
    assert not is_cut_of("x" * limit, "x" * limit)
    assert not is_cut_of("y" + "x" * limit, "x" * limit)
    assert not is_cut_of("x" * 2000, "x" * (limit + 2))


TEXT = "Before patching & reboot of Prüf-System <a>\nsecond line  with  blanks"


@pytest.mark.parametrize(
    "kept",
    [
        TEXT,
        html.escape(TEXT),
        "Say &quot;no&quot;",
        TEXT.upper(),
        TEXT.lower(),
        " ".join(TEXT.split()),
        html.escape(" ".join(TEXT.split())),
        TEXT.replace("\n", "<br>"),
        TEXT.replace("<a>", ""),
        TEXT.replace("<", "").replace(">", ""),
        TEXT.replace("ü", "u"),
        TEXT.replace("ü", "?"),
        TEXT.replace("ü", "?").upper(),
        TEXT.encode().decode("latin-1"),
        TEXT.replace("\n", "\r\n"),
    ],
)
def test_what_a_service_makes_of_a_description_is_known_again(kept: str) -> None:
    sent = 'Say "no"' if "quot" in kept else TEXT
    for whole in (True, False):
        assert is_form_of(sent, kept, whole=whole)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("", TEXT),
        (TEXT, ""),
        ("before patching", "Before patching"),  # no service capitalises; somebody has edited it
        ("Before Patching", "Before patching"),
        ("one line of words", "one line\nof words"),
        ("ready?", "ready!"),
        ("Prufung", "Prüfung"),
        ("after installation, and more", "after installation"),
        ("after installation", "after installation, and more"),
        ("patching", "patch"),
        (TEXT, f"[tenant] {TEXT}"),
    ],
)
def test_another_wording_is_an_edit(sent: str, kept: str) -> None:
    assert not is_form_of(sent, kept, whole=True)
    assert not is_form_of(sent, kept, whole=False)


@pytest.mark.parametrize(
    ("kept", "cut"),
    [
        (TEXT[:48], True),  # within a word
        (TEXT[:50], True),  # where a column ends
        (html.escape(TEXT)[:30], True),
        (TEXT[:16], False),  # between words
        (TEXT[:12], False),  # too little is left to say so
        (f"{TEXT}\n[hybridvm.chec", True),
        (f"{TEXT}\n[", True),
        (f"{TEXT}\n[hybridvm.checkpoints 1 nonce=9f2c41d07ab3 at=2026", True),
        (f"{TEXT.upper()}\n[HYBRIDVM.CHECKPOINTS 1 NONCE=9F2C41D07AB3 AT=2026-11-20T11:30:02Z]", True),
        (f"{TEXT}\nhybridvm.checkpoints 1 nonce=9f2c41d07ab3 at=2026-11-20T11:30:02Z", True),
        (TEXT.replace("\n", "<br>") + "<br>[hybridvm.checkpoints 1 nonce=9f2c41d07ab3", True),
        (f"{TEXT}\n[hybrid cloud]", False),
        (f"{TEXT}<br>", False),  # nothing of a mark stands behind it
    ],
)
def test_a_description_that_was_cut_with_the_mark_behind_it(kept: str, cut: bool) -> None:
    """Where an edit could as well end there, it is taken for one; where the mark is still there, nothing was cut."""
    assert is_form_of(TEXT, kept, whole=False) is cut
    assert not is_form_of(TEXT, kept, whole=True)
    assert is_form_of("x y " * 40, ("x y " * 40)[:100], whole=False)


def test_a_description_that_was_cut_within_a_word_has_at_least_sixteen_characters() -> None:
    sent = "Before patchworks"
    assert is_form_of(sent, "Before patchwork", whole=False)
    assert not is_form_of(sent, "Before patchwor", whole=False)


COLUMNS = {32, 40, 50, 60, 63, 64, 80, 100, 120, 127, 128, 150, 200, 250, 255, 256, 500, 512, 1000, 1023, 1024}


def test_where_columns_end() -> None:
    """Between words an edit may end as well, but for where columns do."""
    words = "x y " * 300
    lengths = [*range(16, 300), *range(490, 520), *range(990, 1100)]
    found = {length for length in lengths if is_form_of(words[: length + 4], words[:length], whole=False)}
    assert found == COLUMNS


def test_a_description_is_cut_where_most_columns_end() -> None:
    assert {length for length in range(1100) if is_cut_of("x" * 1200, "x" * length)} == COLUMNS - {
        *(32, 40, 50, 60, 63, 64, 80, 120, 127, 150)
    }


def test_a_service_may_escape_markup_and_leave_quotes() -> None:
    assert is_form_of('Say "no" & go', 'Say "no" &amp; go', whole=True)
    assert is_form_of('Say "no" & go', "Say &quot;no&quot; &amp; go", whole=True)


def test_what_is_no_letter_and_no_question_mark_is_nothing_of_a_name() -> None:
    assert may_come_of("a_b-c.d e", "abcde")
    assert may_come_of("\u00bd\u0660x", "\u00bd\u0660x")
