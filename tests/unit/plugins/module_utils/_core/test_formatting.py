# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in the words of an error."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.formatting import DEEPEST, MOST, format_value


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
