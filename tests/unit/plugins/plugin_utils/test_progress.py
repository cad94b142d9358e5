# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress: each step when it begins, then only what is news."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Waiting
from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils._progress import Lines, line


def shown(*looks: tuple[int | None, float], subject: str = "vm web01") -> list[str]:
    lines: list[str] = []
    show = Lines(lines.append)
    for percent, seconds in looks:
        show(Waiting(subject, "create n", percent, seconds))
    return lines


def test_the_end_of_a_step_adds_no_line() -> None:
    lines: list[str] = []
    show = Lines(lines.append)
    show(Waiting("vm web01", "create n", None, 1.0))
    show(Waiting("vm web01", "create n", None, 40.0, over=True))
    assert lines == ["vm web01: create n: 1 s"]


def test_a_step_is_shown_with_what_is_known_of_it() -> None:
    assert shown((None, 0.2)) == ["vm web01: create n: 0 s"]
    assert shown((40, 12.4)) == ["vm web01: create n: 40 %, 12 s"]
    assert line(Waiting("vm web01", "create n", 0, 3, "job 4711")) == "vm web01: create n: 0 %, 3 s [job 4711]"


def test_no_name_forges_a_line_or_steers_the_terminal() -> None:
    forged = line(Waiting("vm web01\n[ERROR]: all is lost\x1b]0;x\x07", 'create "\u202en\r"', 40, 12, "job\x9b2J"))
    assert forged == 'vm web01 [ERROR]: all is lost ]0;x : create " n ": 40 %, 12 s [job 2J]'
    assert len(line(Waiting("v" * 5000, "create"))) == 1000


@pytest.mark.parametrize(
    ("second", "is_news"),
    [
        ((9, 1), False),
        ((10, 1), True),
        ((0, 29), False),
        ((0, 30), True),
        ((None, 5), False),
        ((0, -1), True),  # the same step again: a second operation
    ],
)
def test_what_is_news(second: tuple[int | None, float], is_news: bool) -> None:
    assert len(shown((0, 0), second)) == 1 + is_news


def test_it_is_measured_from_what_was_shown() -> None:
    assert len(shown((0, 0), (6, 1), (12, 2))) == 2


def test_each_vm_and_each_step_has_its_own() -> None:
    lines: list[str] = []
    show = Lines(lines.append)
    for subject in ("vm a", "vm b"):
        for context in ("create", "remove"):
            show(Waiting(subject, context))
    assert len(lines) == 4
