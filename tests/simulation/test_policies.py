# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories about policies show a policy that breaks a promise, and are the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies import kind as _kind
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies import planner as _planner
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies import retention as _retention
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies import scope as _scope
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.retention import Verdict
from tests.simulation.broken import Broken, list_seeds
from tests.simulation.policy_generator import POLICY, policies
from tests.simulation.script import SERVICES
from tests.simulation.soak import soak, trace
from tests.support.sampling import one_in


def _without_pins(*given: Any) -> list[Any]:
    return [replace(point, pinned=False, named=False, pin_until=None) for point in POINTS(*given)]


def _all_selected(*given: Any) -> list[Any]:
    return [replace(point, selected=True) for point in POINTS(*given)]


def _of_everybody(*given: Any) -> list[Any]:
    return [replace(point, outside=None) for point in POINTS(*given)]


def _not_kept(point: Any, *_given: Any) -> Verdict:
    """A policy that has rules, and keeps by none of them."""
    return Verdict(point, False, "not_kept", "no rule of keep keeps it")


def _removes_first(*given: Any, patience: Any, **more: Any) -> Plan:
    made: Plan = PLAN(*given, patience=patience, **more)
    return replace(made, actions=tuple(sorted(made.actions, key=lambda each: each.verb != "delete")))


POINTS: Any = _scope.points_of
PLAN: Any = _planner.plan
BROKEN = {
    "ignores pins": Broken(
        lambda: mock.patch.object(_planner, "points_of", _without_pins),
        "a policy removes nothing that is pinned",
        (3, 6, 10),
    ),
    "governs what others have made": Broken(
        lambda: mock.patch.object(_planner, "points_of", _of_everybody),
        "a policy removes nothing of others",
        (2, 5, 7),
    ),
    "removes what is not selected": Broken(
        lambda: mock.patch.object(_planner, "points_of", _all_selected),
        "a policy removes only what is selected",
        (17, 44, 45),
    ),
    "keeps nothing": Broken(
        lambda: mock.patch.object(_retention, "_of_good", _not_kept),
        "a policy leaves min_good",
        (6, 7, 10),
    ),
    "removes before it creates": Broken(
        lambda: mock.patch.object(_kind, "plan", _removes_first),
        "a policy creates before it removes",
        (3, 6, 10),
    ),
    "removes however many are due": Broken(
        lambda: mock.patch.object(_planner, "_bound", mock.Mock(return_value=None)),
        "a policy stays within max_deletes",
        (2, 9, 11),
    ),
    "takes whatever is there for fresh": Broken(
        lambda: mock.patch.multiple(_planner, is_due=mock.Mock(return_value=False)),
        "a policy's success is fresh",
        (1, 3, 7),
    ),
}


@pytest.mark.parametrize("what", one_in(5, BROKEN))
def test_a_policy_that_breaks_a_promise_is_caught(what: str) -> None:
    BROKEN[what].check("policies")


def test_a_seed_is_one_story_about_policies() -> None:
    assert list(trace(soak(3, about="policies"))) == list(trace(soak(3, about="policies")))


def test_policies_are_played_on_every_service_with_every_kind_of_rule() -> None:
    tasks = [task for seed in range(1, 61) for task in policies(seed, SERVICES, (1, 2)).tasks if task.module == POLICY]
    assert {task.service for task in tasks} == set(SERVICES)
    given = {name for task in tasks for name in (*task.options, *task.options.get("keep", {}))}
    assert {"last", "daily", "weekly", "monthly", "within", "within_daily", "max_age", "pins"} <= given
    assert {"max_deletes", "max_deletes_total", "min_good", "keep_failed"} <= given
    assert {"timezone", "include_unmanaged", "adopt", "select"} <= given
    assert {task.approval for task in tasks} == {None, "plan", "digest"}


if __name__ == "__main__":
    list_seeds("policies", BROKEN)
