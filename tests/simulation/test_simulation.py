# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulation itself: the same seed is the same story, and a client that breaks a promise is caught."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any
from unittest import mock

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints import planner as _planner
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints import restore_planner as _plan_restore
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints import writes
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.run_options import RunOptions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import client as _http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points import collection_planner, point
from simulator.switches.all import Switches
from tests.simulation.broken import never_failed, sent_again
from tests.simulation.generator import script
from tests.simulation.script import SERVICES
from tests.simulation.soak import Verdict, judged, shrink, soak, trace
from tests.simulation.switch_positions import LEFT, positions
from tests.support.sampling import one_in

SEEDS = range(1, 400)
Patch = Callable[[], Any]


def caught(patch: Patch, breaks: str) -> Verdict:
    """The first seed that shows that `breaks` does not hold of the client so patched, and holds of the client as is."""
    for seed in SEEDS:
        services, switches = SELDOM.get(breaks, (SERVICES, {}))
        story = script(seed, services)
        story = replace(story, switches=story.switches | switches)
        with patch():
            verdict = judged(story)
        if breaks in verdict.kinds and breaks not in judged(story).kinds:
            return verdict
    raise AssertionError(f"{len(SEEDS)} seeds, and none shows: {breaks}")


def _in_earnest(options: Any, deadline: Any, _check_only: bool, *more: Any) -> Any:
    return FLEET(options, deadline, False, *more)


FLEET: Any = RunOptions.fleet


def _all_of_them(actual: Any, _name: Any, _id: Any) -> list[Any]:
    return list(actual.checkpoints)


def _always(_actual: Any, _point: Any) -> bool:
    return True


def _without_fields(*given: Any) -> Any:
    return tuple(replace(each, fields={}) for each in DELETE_COLLECTION(*given))


DELETE_COLLECTION: Any = collection_planner._delete_collection


def _not_yet(_actual: Any, _safety: Any) -> bool:
    return False


SELDOM: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "what a restore_key cannot remember is said": (("spf", "scvmm"), {"pointer_after_restore": "stays"}),
    "what goes along was planned": (("compute",), {}),
}
"""Services and switches for what is seldom met."""
BROKEN: dict[str, tuple[Patch, str]] = {
    "sends a lost create again": (
        lambda: mock.patch.object(_http.Http, "write", sent_again),
        "no create after a lost one",
    ),
    "makes two": (
        lambda: mock.patch.object(_http.Http, "write", sent_again),
        "a run makes at most one checkpoint of a VM",
    ),
    "deletes what nobody named": (
        lambda: mock.patch.object(_planner, "matches", _all_of_them),
        "what is deleted was meant",
    ),
    "writes in check mode": (
        lambda: mock.patch.object(RunOptions, "fleet", _in_earnest),
        "check mode and info write nothing",
    ),
    "restores again under one key": (
        lambda: mock.patch.object(_plan_restore, "_has_happened", _not_yet),
        "one restore for one restore_key",
    ),
    "is silent about a restore that its key will not remember": (
        lambda: mock.patch.object(writes, "is_current", _always),
        "what a restore_key cannot remember is said",
    ),
    "does not say which points go along with a collection": (
        lambda: mock.patch.object(collection_planner, "_delete_collection", _without_fields),
        "what goes along was planned",
    ),
    "takes a point that is arriving for one that is there": (
        lambda: mock.patch.object(point, "_is_complete", return_value=True),
        "the point is as asked for",
    ),
    "takes a failure for success": (
        lambda: mock.patch.object(WaitPolicy, "ended", never_failed),
        "changed is what was done",
    ),
}


@pytest.mark.parametrize("what", one_in(5, BROKEN))
def test_a_client_that_breaks_a_promise_is_caught(what: str) -> None:
    patch, breaks = BROKEN[what]
    assert caught(patch, breaks).broken


def test_a_failing_story_becomes_smaller_and_still_fails() -> None:
    patch, breaks = BROKEN["deletes what nobody named"]
    verdict = caught(patch, breaks)
    with patch():
        small = shrink(verdict)
    assert small.kinds & verdict.kinds
    assert len(small.script.tasks) <= len(verdict.script.tasks)
    assert any("DELETE" in line or "deleteCheckpoint" in line for line in trace(small))


def test_every_switch_is_thrown_or_says_why_not() -> None:
    """What nobody knows is in random position in some story; a new switch needs choices, or a reason."""
    thrown = set()
    for seed in range(300):
        thrown |= set(positions(random.Random(seed), list(SERVICES))) | set(script(seed, SERVICES).switches)
    names = {each.name for each in fields(Switches)}
    assert thrown | set(LEFT) == names
    assert not thrown & set(LEFT)


@pytest.mark.parametrize("seed", [3, 11, 27])
def test_a_seed_is_one_story(seed: int) -> None:
    assert list(trace(soak(seed))) == list(trace(soak(seed)))
