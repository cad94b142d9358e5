# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task is carried out: the defaults, and what cannot be asked for."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import unheard
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.run_options import RunOptions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.write import Outcome


def test_defaults() -> None:
    options = RunOptions.of({})
    assert (options.wait, options.concurrency, options.on_error) == (True, "auto", "continue")
    durations = [each.total_seconds() for each in (options.wait_timeout, options.poll_interval, options.settle_time)]
    assert durations == [600, 5, 120]
    assert options.approval(False) is None


@pytest.mark.parametrize(
    "options",
    [
        {"wait_timeout": "1s"},
        {"concurrency": 1},
        {"concurrency": "256"},
        {"concurrency": "auto"},
        {"poll_interval": "100ms"},
    ],
)
def test_what_is_just_possible(options: dict[str, Any]) -> None:
    assert RunOptions.of(options)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"wait_timeout": "999ms"}, "wait_timeout must be at least 1s"),
        ({"concurrency": 0}, "concurrency: takes auto, or 1 to 256"),
        ({"concurrency": 257}, "concurrency: takes auto, or 1 to 256"),
        ({"concurrency": "many"}, "concurrency: takes auto, or 1 to 256"),
        ({"poll_interval": "99ms"}, "poll_interval must be at least 100ms"),
        ({"on_error": "report"}, "on_error: "),
    ],
)
def test_what_is_not(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        RunOptions.of(options)


def test_a_group_waits_and_stops_at_its_first_failure() -> None:
    group = RunOptions.of({"group": {"order": "parallel", "on_failure": "undo"}, "wait": True}).group
    assert group is not None
    assert group.to_result() == {"order": "parallel", "on_failure": "undo"}
    assert RunOptions.of({"wait": False}).wait is False
    assert WaitPolicy(cast(Any, None)) == WaitPolicy(cast(Any, None), True, 5.0, 120.0, unheard)


def test_an_outcome_says_nothing_that_it_was_not_told() -> None:
    bare = Outcome[int](changed=True, done=True, sent=True)
    assert (bare.created, bare.adopted, bare.lost, bare.replan, bare.error) == (False, False, False, False, None)
    assert bare.completed == Completed(None, (), (), None)
