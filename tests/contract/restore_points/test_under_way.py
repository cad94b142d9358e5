# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What somebody else, or an earlier run, has begun: found by reading, waited for only where waiting is asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.compute.azure_harness import HOME, collection, done, failed, make_lab, names, point, verbs
from tests.support.lab import Lab, Result

GONE: dict[str, Any] = {"name": "before", "state": "absent"}


def _reasons(result: Result) -> list[str]:
    return [action["reason"] for action in result["plan"]["actions"]]


def test_the_removal_of_a_point_that_is_not_waited_for() -> None:
    lab = make_lab(compute_point_delete_takes="100s")
    first = done(point(lab, **GONE, wait=False))
    assert (first["changed"], first["restore_point"]["provisioning_state"]) == (True, "Deleting")
    assert (first["operation"]["status"], lab.seconds < 5) == ("running", True)
    for check in (True, False):
        again = done(point(lab, **GONE, wait=False, check=check))
        assert (again["changed"], _reasons(again), lab.seconds < 5) == (False, ["it is being removed"], True)
    assert again["operation"]["status"] == "running"
    last = done(point(lab, **GONE))
    assert (last["changed"], last["restore_point"], last["operation"]["status"]) == (False, None, "unknown")
    assert (names(lab), len(lab.sent("DELETE"))) == ([], 1)


def test_the_removal_of_a_collection_that_is_not_waited_for() -> None:
    lab = make_lab(compute_collection_delete_takes="100s")
    gone: dict[str, Any] = {"state": "absent", "force": True}
    first = done(collection(lab, **gone, wait=False))
    assert (first["changed"], first["restore_point_collection"]["provisioning_state"]) == (True, "Deleting")
    assert (first["operation"]["status"], lab.seconds < 5) == ("running", True)
    # It is going, so nothing in it is a reason to refuse.
    for check in (True, False):
        again = done(collection(lab, state="absent", wait=False, check=check))
        assert (again["changed"], _reasons(again), lab.seconds < 5) == (False, ["it is being removed"], True)
    failed(collection(lab, **gone, wait_timeout="20s"), "timed_out")
    last = done(collection(lab, **gone))
    assert (last["changed"], last["restore_point_collection"]) == (False, None)
    assert len(lab.sent("DELETE")) == 1


def test_a_collection_that_is_going_is_made_once_it_is_gone() -> None:
    lab = make_lab(compute_collection_delete_takes="100s")
    done(collection(lab, state="absent", force=True, wait=False))
    checked = done(collection(lab, check=True, source=lab.azure_vm))
    assert (verbs(checked), _reasons(checked), lab.seconds < 5) == (["create"], ["it is being removed"], True)
    result = done(collection(lab, source=lab.azure_vm, wait=False))
    assert (result["changed"], names(lab), lab.seconds > 50) == (True, [], True)
    assert result["plan"]["digest"] == checked["plan"]["digest"]
    assert result["restore_point_collection"]["provisioning_state"] == "Succeeded"


def test_a_point_in_the_making_does_not_hold_up_a_plan() -> None:
    lab = make_lab(compute_point_takes="200s")
    done(point(lab, wait=False))
    checked = done(point(lab, check=True))
    assert (checked["changed"], verbs(checked), _reasons(checked)) == (False, ["keep"], ["it is being made"])
    assert lab.seconds < 5
    looked = done(point(lab, wait=False))
    assert (looked["changed"], looked["restore_point"]["provisioning_state"]) == (False, "Creating")
    assert (looked["operation"]["kind"], looked["operation"]["status"]) == ("restore point", "running")
    assert lab.seconds < 5
    waited = done(point(lab))
    assert (waited["changed"], waited["restore_point"]["usable"], lab.seconds > 100) == (False, True, True)


def test_a_point_that_is_going_is_planned_anew_at_once() -> None:
    lab = make_lab(compute_point_delete_takes="100s")
    done(point(lab, **GONE, wait=False))
    checked = done(point(lab, check=True, name="before"))
    assert (verbs(checked), _reasons(checked), lab.seconds < 5) == (["create"], ["it is being removed"], True)
    # Nothing can be made before it is gone: that is waited for, the new one is not.
    result = done(point(lab, name="before", wait=False, expected_plan=checked["plan"]["digest"]))
    assert (result["changed"], result["restore_point"]["provisioning_state"]) == (True, "Creating")
    assert 50 < lab.seconds < 105


def test_what_a_point_in_the_making_became_is_held_against_the_approval() -> None:
    lab = make_lab(compute_point_takes="100s")
    done(point(lab, wait=False))
    lab.world.azure.disturb(lab.world.azure.named("shop01"))  # it will fail
    plan = done(point(lab, check=True))["plan"]
    result = point(lab, expected_plan=plan)
    assert "delete restore point new" in failed(result, "plan_changed")
    assert (len(lab.sent()), result["changed"]) == (1, False)


def test_what_a_change_of_a_collection_brought_is_held_against_the_approval() -> None:
    lab = make_lab()
    home = next(iter(lab.world.azure.collections.values()))
    home.state = "Updating"
    gone: dict[str, Any] = {"state": "absent", "force": True}
    plan = done(collection(lab, check=True, **gone))["plan"]

    began = lab.clock()

    def changed() -> None:
        home.state = "Succeeded"
        home.points.append(replace(home.points[0], name="later"))

    lab.before_each(lambda _request: lab.clock() > began + 20 and home.state == "Updating", changed)
    result = collection(lab, **gone, expected_plan=plan)
    assert "later" in failed(result, "plan_changed")
    assert (lab.sent(), result["changed"]) == ([], False)


@pytest.mark.parametrize("what", ["point", "collection"])
def test_a_run_that_waits_in_vain_still_tells_its_plan(what: str) -> None:
    lab = make_lab(compute_point_takes="200s", compute_collection_delete_takes="200s")
    if what == "point":
        done(point(lab, wait=False))
        result = point(lab, wait_timeout="30s")
        assert result["restore_point"]["provisioning_state"] == "Creating"
    else:
        done(collection(lab, state="absent", force=True, wait=False))
        result = collection(lab, state="absent", wait_timeout="30s")
        assert result["restore_point_collection"]["provisioning_state"] == "Deleting"
    failed(result, "timed_out")
    assert (result["changed"], verbs(result)) == (False, ["keep"])
    assert result["error"]["operation"]["status"] == "running"


def _keys(lab: Lab, *, check: bool) -> list[set[str]]:
    results = (point(lab, check=check), collection(lab, check=check, tags={"a": "b"}))
    return [set(done(each)["timing"]) for each in results]


def test_how_long_it_took() -> None:
    lab = make_lab()
    assert _keys(lab, check=True) == [{"read", "total"}] * 2
    assert _keys(lab, check=False) == [{"read", "apply", "total"}] * 2
    timing = done(point(lab, name="timed"))["timing"]
    assert timing["total"] >= timing["apply"] >= 1
    assert timing["total"] == round(lab.seconds, 2)
    assert done(collection(lab))["restore_point_collection"]["name"] == HOME


def test_only_the_last_step_is_not_waited_for() -> None:
    """What failed has to be gone before the new one can be made."""
    lab = make_lab(compute_point_delete_takes="50s", compute_point_takes="50s")
    failed_one = next(iter(lab.world.azure.collections.values())).points[0]
    failed_one.state = "Failed"
    result = done(point(lab, name="before", wait=False))
    assert (verbs(result), result["restore_point"]["provisioning_state"]) == (["delete", "create"], "Creating")
    assert 50 <= lab.seconds < 60
