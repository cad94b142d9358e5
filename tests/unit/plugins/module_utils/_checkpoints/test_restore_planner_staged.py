# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore that takes several steps: which, its provider says; what comes around them is everybody's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Create
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.progress import CheckpointProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import RestorePlan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import MissingCheckpoint, VmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import key_hash
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    UNIQUE,
    WEB01,
    NamedStep,
    mark,
    planned,
    point,
    restore,
    steps,
)

SWAP = NamedStep(WEB01, "asked", "swap")
START = NamedStep(WEB01, "power_after", "start")
COLLECTION = NamedStep(WEB01, "it does not exist yet", "make collection")
TARGET = point("t")


class FakeProvider:
    """A service whose restore is described here; it remembers what it was asked."""

    def __init__(self, **staged: Any) -> None:
        self._staged = staged
        self.power_before = ""

    def __call__(
        self, spec: Any, actual: ObservedVm, target: Callable[[], Checkpoint], power_before: str, under_way: str | None
    ) -> RestorePlan:
        self.power_before = power_before
        given = {"steps": (SWAP, START), **self._staged}
        return RestorePlan(**({"target": target()} | given if "target" not in given else given))

    def plan(self, *points: Checkpoint, options: dict[str, Any] | None = None, **fields: Any) -> Plan:
        return planned(restore(**options or {}), *points, capabilities=replace(UNIQUE, restore_steps=self), **fields)


def test_its_steps_are_the_plan_and_its_warnings_the_user_s() -> None:
    made = FakeProvider(warnings=("one disk stays",)).plan(TARGET)
    assert steps(made) == ["step swap", "step start"]
    assert made.warnings == ("one disk stays",)
    assert made.satisfied_by == TARGET


def test_the_target_is_picked_by_everybody_s_rules() -> None:
    with pytest.raises(MissingCheckpoint):
        FakeProvider().plan()


def test_it_learns_the_power_that_the_run_began_with() -> None:
    provider = FakeProvider()
    provider.plan(TARGET, power="off", memory=CheckpointProgress(power="on"))
    assert provider.power_before == "on"


def test_the_safety_checkpoint_comes_first_with_what_it_needs_under_a_generated_name() -> None:
    made = FakeProvider().plan(TARGET, options={"safety_checkpoint": True}, prelude=(COLLECTION,))
    assert steps(made) == ["step make collection", "create s-2a3b62b5", "step swap", "step start"]
    reason = "safety_checkpoint: a way back from this restore"
    assert made.writes[1] == Create(WEB01, reason, name="s-2a3b62b5", safety=True, generate=True, back_from="t")


@pytest.mark.parametrize(
    ("name", "staged", "points", "memory"),
    [
        ("an earlier run has begun", {"resumed": True}, (TARGET,), CheckpointProgress()),
        ("the point is gone", {"target": None}, (TARGET,), CheckpointProgress()),
        (
            "this run has made it",
            {},
            (TARGET, point("s", name="safety-x", mark=mark("5afe", safety=True))),
            CheckpointProgress(made=frozenset({mark("5afe").nonce})),
        ),
    ],
)
def test_no_safety_checkpoint_is_made(
    name: str, staged: dict[str, Any], points: tuple[Checkpoint, ...], memory: CheckpointProgress
) -> None:
    made = FakeProvider(**staged).plan(*points, options={"safety_checkpoint": True}, memory=memory)
    assert steps(made) == ["step swap", "step start"], name


def test_a_key_needs_no_safety_checkpoint_for_the_steps_leave_their_own_evidence() -> None:
    assert steps(FakeProvider().plan(TARGET, options={"restore_key": "k"})) == ["step swap", "step start"]
    made = FakeProvider().plan(TARGET, options={"restore_key": "k", "safety_checkpoint": True})
    assert isinstance(made.writes[0], Create)
    assert made.writes[0].key == key_hash("k")


@pytest.mark.parametrize(("target", "kept"), [(TARGET, ["keep"]), (None, [])])
def test_done_is_done(target: Checkpoint | None, kept: list[str]) -> None:
    made = FakeProvider(target=target, steps=(), done="its disks say so", warnings=("w",)).plan(
        options={"if_running": "fail", "safety_checkpoint": True}, power="on"
    )
    assert [action.verb for action in made.actions] == kept
    assert [action.reason for action in made.actions] == ["its disks say so"] * len(kept)
    assert [getattr(action, "checkpoint", None) for action in made.actions] == [target] * len(kept)
    assert (made.satisfied_by, made.warnings) == (target, ("w",))


def test_what_is_left_behind_a_restore_that_is_done_is_carried_out() -> None:
    made = FakeProvider(target=TARGET, steps=(START,), done="its disks say so").plan()
    assert (steps(made), [action.verb for action in made.actions]) == (["step start"], ["keep", "step"])


def test_a_running_vm_is_refused_where_the_user_says_so() -> None:
    with pytest.raises(VmState, match="if_running is fail"):
        FakeProvider().plan(TARGET, options={"if_running": "fail"}, power="on")
    resumed = FakeProvider(resumed=True).plan(TARGET, options={"if_running": "fail"}, power="on")
    assert steps(resumed) == ["step swap", "step start"]
