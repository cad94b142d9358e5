# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task is carried out: the defaults, and what cannot be asked for."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import ApprovalMissing, InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import unheard
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.concurrency import Levels
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.fleet import FleetOptions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.group import Group
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.interruption import Interruption
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.run_options import RunOptions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.write import Outcome
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual


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


DIGEST = "sha256:" + "0" * 64


def test_the_engine_is_told_all_of_it() -> None:
    async def main() -> None:
        deadline, interruption, levels = RunOptions.of({"wait_timeout": "90s"}).deadline(), Interruption(), Levels()
        options = RunOptions.of(
            {"wait": False, "poll_interval": "7s", "settle_time": "9s", "on_error": "stop", "expected_plan": DIGEST}
        )
        reports: list[Any] = []
        asked = options.fleet(deadline, True, interruption, levels, show=repr, report=reports.append)
        assert (asked.approval is not None, deadline.total) == (True, 90.0)
        policy = WaitPolicy(deadline, False, 7.0, 9.0, reports.append)
        assert asked == FleetOptions(policy, asked.approval, levels, "stop", True, interruption, None, repr)
        group = RunOptions.of({"group": {"on_failure": "undo"}})
        bare = group.fleet(deadline, False, interruption, levels)
        policy = WaitPolicy(deadline, True, 5.0, 120.0, unheard)
        undo = Group("given", "undo")
        assert bare == FleetOptions(policy, None, levels, "continue", False, interruption, undo, None, None)

    virtual(main)


@pytest.mark.parametrize("given", [None, " ", {}, []])
def test_a_gate_whose_variable_is_empty_does_not_stand_open(given: Any) -> None:
    options = RunOptions.of({"require_approval": True, "expected_plan": given})
    assert options.approval(True) is None
    with pytest.raises(ApprovalMissing) as caught:
        options.approval(False)
    assert str(caught.value) == (
        "expected_plan: is not given, and require_approval is set. Nothing was changed. Run the task in check mode, "
        "have its plan approved, and give that plan as expected_plan."
    )


def test_what_was_approved_counts_whether_or_not_it_must_be() -> None:
    for required in (True, False):
        options = RunOptions.of({"require_approval": required, "expected_plan": DIGEST})
        for check_only in (True, False):
            approval = options.approval(check_only)
            assert approval is not None
            assert approval.is_of_all
    with pytest.raises(InvalidInput, match=r"^expected_plan: takes a plan as returned, or its digest"):
        RunOptions.of({"expected_plan": " "}).approval(False)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            {"group": {}, "wait": False},
            "wait: false and group exclude each other; what is not awaited cannot be undone or relied on",
        ),
        ({"group": {}, "on_error": "continue"}, "on_error and group exclude each other; a group stops at its first"),
        ({"concurrency": "1" * 10}, "concurrency: takes auto, or 1 to 256"),
        ({"concurrency": "0000000010"}, "concurrency: takes auto, or 1 to 256"),
        ({"concurrency": "0000000019999"}, "concurrency: takes auto, or 1 to 256"),
        ({"concurrency": "٣"}, "concurrency: takes auto, or 1 to 256"),
        ({"concurrency": "-1"}, "concurrency: takes auto, or 1 to 256"),
    ],
)
def test_what_does_not_go_together_or_is_no_number(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        RunOptions.of(options)


@pytest.mark.parametrize(("given", "kept"), [(7, 7), ("7", 7), ("256", 256), ("000000010", 10), ("auto", "auto")])
def test_a_number_may_come_as_text(given: Any, kept: Any) -> None:
    assert RunOptions.of({"concurrency": given}).concurrency == kept
