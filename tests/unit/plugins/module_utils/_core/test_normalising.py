# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service may have made of a name or a description that it was sent."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.normalising import (
    is_cut_of,
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
        ("ab", "a b", False),
    ],
)
def test_a_name_that_may_have_been_stored_otherwise(sent: str, kept: str, may: bool) -> None:
    assert may_come_of(sent, kept) is may


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
