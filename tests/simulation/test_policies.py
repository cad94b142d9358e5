# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories about policies show a policy that breaks a promise, and are the same for the same seed.

When stories change, so do the seeds that catch one: run `python -m tests.simulation.test_policies 1 200`, which lists
them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
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
from tests.simulation.policy_generator import POLICY, policies
from tests.simulation.script import SERVICES
from tests.simulation.soak import judged, soak, trace

Patch = Callable[[], Any]


def _without_pins(*given: Any) -> list[Any]:
    return [replace(point, pinned=False, named=False, pin_until=None) for point in POINTS(*given)]


def _of_everybody(*given: Any) -> list[Any]:
    return [replace(point, outside=None) for point in POINTS(*given)]


def _not_kept(point: Any, *_given: Any) -> Verdict:
    """A policy that has rules, and keeps by none of them."""
    return Verdict(point, False, "not_kept", "no rule of keep keeps it")


def _removes_first(*given: Any, patience: Any, **more: Any) -> Plan:
    made: Plan = PLAN(*given, patience=patience, **more)
    return replace(made, actions=tuple(sorted(made.actions, key=lambda each: each.verb != "delete")))


def _without_limit(decision: Any, *_given: Any) -> Any:
    return decision


POINTS: Any = _scope.points_of
PLAN: Any = _planner.plan
BROKEN: dict[str, tuple[Patch, str, tuple[int, ...]]] = {
    "ignores pins": (
        lambda: mock.patch.object(_planner, "points_of", _without_pins),
        "a policy removes nothing that is pinned",
        (3, 6, 10),
    ),
    "governs what others have made": (
        lambda: mock.patch.object(_planner, "points_of", _of_everybody),
        "a policy removes nothing of others",
        (2, 5, 7),
    ),
    "keeps nothing": (
        lambda: mock.patch.object(_retention, "_of_good", _not_kept),
        "a policy leaves min_good",
        (6, 7, 10),
    ),
    "removes before it creates": (
        lambda: mock.patch.object(_kind, "plan", _removes_first),
        "a policy creates before it removes",
        (3, 6, 10),
    ),
    "removes however many are due": (
        lambda: mock.patch.object(_planner, "_leave", _without_limit),
        "a policy stays within max_deletes",
        (2, 9, 11),
    ),
    "takes whatever is there for fresh": (
        lambda: mock.patch.multiple(_planner, is_due=mock.Mock(return_value=False)),
        "a policy's success is fresh",
        (1, 3, 7),
    ),
}
"""How the policy is broken, what no longer holds of it, and the seeds of which at least one shows that."""


def shows(seed: int, patch: Patch, breaks: str) -> bool:
    """Whether a seed's story shows that `breaks` does not hold of the policy so patched."""
    with patch():
        return breaks in judged(policies(seed, SERVICES)).kinds


@pytest.mark.parametrize("what", list(BROKEN))
def test_a_policy_that_breaks_a_promise_is_caught(what: str) -> None:
    patch, breaks, seeds = BROKEN[what]
    assert any(shows(seed, patch, breaks) for seed in seeds)
    assert not any(breaks in judged(policies(seed, SERVICES)).kinds for seed in seeds)


def test_a_seed_is_one_story_about_policies() -> None:
    assert list(trace(soak(3, of_policies=True))) == list(trace(soak(3, of_policies=True)))


def test_policies_are_played_on_every_service_with_every_kind_of_rule() -> None:
    tasks = [task for seed in range(1, 61) for task in policies(seed, SERVICES, (1, 2)).tasks if task.module == POLICY]
    assert {task.service for task in tasks} == set(SERVICES)
    given = {name for task in tasks for name in (*task.options, *task.options.get("keep", {}))}
    assert {"last", "daily", "weekly", "monthly", "within", "within_daily", "max_age", "pins"} <= given
    assert {"max_deletes", "max_deletes_total", "min_good", "keep_failed"} <= given


def main() -> None:
    """The seeds that catch each broken policy; the first and last seed are the arguments."""
    first, last = map(int, sys.argv[1:3])
    for what, (patch, breaks, _seeds) in BROKEN.items():
        found = [seed for seed in range(first, last + 1) if shows(seed, patch, breaks)]
        sys.stdout.write(f"{what}: {found}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
