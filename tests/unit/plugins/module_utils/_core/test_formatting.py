# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in the words of an error."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.formatting import (
    DEEPEST,
    MOST,
    format_value,
    one_line,
    printable,
    without_queries,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import LONGEST


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("it's said", "it's said"),
        (None, "none"),
        (True, "true"),
        (False, "false"),
        (7, "7"),
        ([], ""),
        ({}, ""),
        (["a", "b"], "a, b"),
        ({"a": "c", "d": None}, "a: c, d: none"),
        ({"tags": {"a": "c"}, "zones": ["1", "2"]}, "tags: (a: c), zones: (1, 2)"),
        ([{"place": "os", "id": "/x"}], "(place: os, id: /x)"),
    ],
)
def test_each_kind_of_value(value: object, words: str) -> None:
    assert format_value(value) == words


def test_long_and_deep_ones_are_cut() -> None:
    assert format_value(list(range(MOST + 5))).endswith("18, 19, …")
    assert format_value({str(i): i for i in range(MOST + 1)}).endswith("19: 19, …")
    deep: object = "found"
    for _level in range(DEEPEST + 3):
        deep = [deep]
    assert format_value(deep) == f"{'(' * (DEEPEST - 1)}…{')' * (DEEPEST - 1)}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\r\n\tb \x1b[1mc", "a b [1mc"),
        ("see https://h/x?sig=S&a=b now", "see https://h/x?… now"),
        ("'/subscriptions/x?a=b'", "'/subscriptions/x?…'"),
        ("https://h?sig=S", "https://h?…"),
        ("what? a/b", "what? a/b"),
        ("why?a/b", "why?a/b"),
        ("/?a", "/?a"),
    ],
)
def test_one_line_without_queries(text: str, shown: str) -> None:
    assert one_line(text) == shown


def test_a_line_has_a_length() -> None:
    assert one_line("x" * 1000) == "x" * 1000
    assert one_line("x" * 1001) == "x" * 999 + "…"
    assert one_line("x" * 10, 10) == printable("x" * 10, 10) == "x" * 10
    assert one_line("x" * 11, 10) == printable("x" * 11, 10) == "x" * 9 + "…"


def test_more_than_the_limit_is_looked_at_because_queries_go() -> None:
    signed = "https://h/x?" + "s" * 140
    assert one_line(f"{signed} end", 16) == "https://h/x?… e…"
    assert printable("https://h/x?s=1", 100) == "https://h/x?s=1"
    assert printable("a\x07b", 100) == "a b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/a?b", "/a?…"),
        ("/?a", "/?a"),
        ("//?a", "//?…"),
        ("a/b?c?d", "a/b?…"),
        ("?a/b", "?a/b"),
        ("https://h/a?", "https://h/a?…"),
        ("https://h/a/b?c/d", "https://h/a/b?…"),
    ],
)
def test_where_a_query_begins(text: str, shown: str) -> None:
    assert without_queries(text) == shown


def test_so_much_is_looked_at_and_no_more() -> None:
    pad = " " * LONGEST
    begins = "https://h/x?"
    assert one_line(f"{begins:s<320} end{pad}", 20) == "https://h/x?…"
    assert one_line(f"{begins:s<316} end{pad}", 20) == "https://h/x?… end"
    assert (printable(f"{' ' * 159}x", 10), printable(f"{' ' * 160}x", 10)) == ("x", "")
    assert printable(f"{' ' * 159}x{pad}", 10) == "x"


def test_as_many_parts_as_fit_are_all() -> None:
    assert "…" not in format_value(list(range(MOST)))
    assert "…" not in format_value({str(i): i for i in range(MOST)})


def test_deep_dictionaries_are_cut_as_lists_are() -> None:
    deep: object = "found"
    for _level in range(DEEPEST - 1):
        deep = {"a": deep}
    assert format_value(deep) == f"a: {'(a: ' * (DEEPEST - 2)}found{')' * (DEEPEST - 2)}"
    assert format_value({"a": deep}) == f"a: {'(a: ' * (DEEPEST - 1)}found{')' * (DEEPEST - 1)}"
    assert format_value({"a": {"a": deep}}) == f"a: {'(a: ' * (DEEPEST - 1)}…{')' * (DEEPEST - 1)}"
