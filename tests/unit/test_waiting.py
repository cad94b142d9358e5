# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""No test can fail because a machine is busy: tests wait for events, and only `tests.support.waiting` has the bound."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PLACE = TESTS / "support" / "waiting.py"
FILES = sorted(path for path in TESTS.rglob("*.py") if path != PLACE and "integration" not in path.parts)
WAITS = {
    "run",
    "check_output",
    "check_call",
    "call",
    "communicate",
    "join",
    "wait",
    "urlopen",
    "get",
    "result",
    "select",
}
"""Calls that take a timeout for something outside the test's own clock."""


def bounds(tree: ast.AST) -> Iterator[str]:
    """Calls that sleep by the wall clock, or bound another process or thread by a number of their own."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        if node.func.attr == "sleep" and ast.unparse(node.func) == "time.sleep":
            yield f"{node.lineno}: {ast.unparse(node)}"
        for each in node.keywords:
            is_number = isinstance(each.value, ast.Constant) and each.value.value is not None
            if node.func.attr in WAITS and each.arg == "timeout" and is_number:
                yield f"{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize(
    ("call", "seen"),
    [
        ("time.sleep(1)", True),
        ("subprocess.run(command, timeout=120)", True),
        ("process.wait(timeout=HANG)", False),
        ("client.get(url, timeout=None)", False),
    ],
)
def test_such_a_bound_is_seen(call: str, seen: bool) -> None:
    assert bool(list(bounds(ast.parse(call)))) is seen


def test_no_test_bounds_another_process_but_by_what_only_a_hang_reaches() -> None:
    found = {str(path.relative_to(TESTS)): list(bounds(ast.parse(path.read_text()))) for path in FILES}
    assert {path: calls for path, calls in found.items() if calls} == {}
