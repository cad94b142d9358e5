# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories about groups show a group that breaks a promise, and are the same for the same seed."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine import group as _group
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.group import Group, GroupRun
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.undo import Undo
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import group_result
from tests.simulation.broken import Broken, list_seeds
from tests.simulation.group_generator import groups
from tests.simulation.script import SERVICES
from tests.simulation.soak import soak, trace
from tests.support.sampling import one_in


async def _goes_on(self: Any, act: Any, concurrency: Any) -> bool:
    await ALL(self, act, concurrency)
    self._each.__self__._stopped = False  # of the fleet, which would do nothing more by itself
    return True


async def _all_at_once(self: Any, member: Any) -> None:
    """The whole plan of a target in the first stage."""
    member.started = member.finished = True
    await member.reconciler.carry_out(self._approval)


async def _undoes_nothing(_self: Any) -> Undo:
    return Undo("removed")


def _without_turns(_self: Any, levels: Any) -> Any:
    return levels.writing


ALL: Any = GroupRun._all
BROKEN = {
    "restores before all are safe": Broken(
        lambda: mock.patch.object(GroupRun, "_make", _all_at_once),
        "no VM goes back before all are safe",
        (4, 7, 10),
    ),
    "removes before all are there": Broken(
        lambda: mock.patch.object(GroupRun, "_make", _all_at_once),
        "a group is whole before anything goes",
        (3, 9, 14),
    ),
    "goes on after a failure": Broken(
        lambda: mock.patch.object(GroupRun, "_all", _goes_on),
        "a group is whole before anything goes",
        (24, 28, 39),
    ),
    "takes no turns": Broken(
        lambda: mock.patch.object(Group, "writing", _without_turns),
        "a group has one at a time",
        (1, 4, 6),
    ),
    "says that it has undone what it left": Broken(
        lambda: mock.patch.object(_group, "undo", _undoes_nothing),
        "what was undone has gone",
        (3, 8, 24),
    ),
    "is silent about what it leaves": Broken(
        lambda: mock.patch.object(group_result, "_created", return_value=[]),
        "what a group leaves is named",
        (1, 2, 3),
    ),
}


@pytest.mark.parametrize("what", one_in(5, BROKEN))
def test_a_group_that_breaks_a_promise_is_caught(what: str) -> None:
    BROKEN[what].check("groups")


def test_a_seed_is_one_story_about_groups() -> None:
    assert list(trace(soak(3, about="groups"))) == list(trace(soak(3, about="groups")))


def test_groups_are_of_one_service_and_of_several_with_every_order_and_end() -> None:
    tasks = [task for seed in range(1, 61) for task in groups(seed, SERVICES, (1, 2)).tasks if "group" in task.options]
    assert {task.service for task in tasks} == {*SERVICES, "mixed"}
    assert {task.module for task in tasks} == {"vm_checkpoint", "vm_checkpoint_restore"}
    given = {tuple(sorted(task.options["group"].items())) for task in tasks}
    orders, ends = ("given", "parallel"), ("keep", "undo")
    assert given >= {(("on_failure", end), ("order", order)) for end in ends for order in orders}
    assert given >= {(("order", order),) for order in orders}


if __name__ == "__main__":
    list_seeds("groups", BROKEN)
