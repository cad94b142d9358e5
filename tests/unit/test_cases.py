# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of reported cases lists each of them, with tests that exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "cases.md").read_text()
CONTRACT = ("checkpoints", "compute", "restore_points", "playbooks", "simulator")
ROWS = [line.split(" | ") for line in PAGE.splitlines() if re.match(r"\| [A-F]\d* \|", line)]


@cache
def names_in(path: str) -> frozenset[str]:
    """The names of the tests in a file below tests/."""
    folder = TESTS / "contract" if path.partition("/")[0] in CONTRACT else TESTS
    return frozenset(re.findall(r"^(?:async )?def (test_\w+)", (folder / path).read_text(), re.M))


def test_no_case_is_missing() -> None:
    ids = [row[0].strip("| ") for row in ROWS]
    groups = {"A": 9, "B": 13, "C": 6, "D": 12}
    assert ids == [f"{group}{number + 1}" for group, count in groups.items() for number in range(count)] + ["E", "F"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("| "))
def test_a_case_says_what_holds_and_names_tests_that_exist(row: list[str]) -> None:
    assert all(cell.strip() for cell in row)
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", row[3])
    assert named
    assert [test for path, test in named if test not in names_in(path)] == []
