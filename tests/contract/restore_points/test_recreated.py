# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name is not the thing: what another run has made under it since is neither removed nor taken for our own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from simulator.azure.model import Collection
from tests.contract.checkpoints.scenarios import code
from tests.contract.compute.azure_harness import (
    HOME,
    collection,
    done,
    failed,
    make_lab,
    names,
    point,
    points,
    steps_of,
    verbs,
)
from tests.support.lab import Lab


def _home(lab: Lab) -> Collection:
    return next(each for each in lab.world.azure.collections.values() if each.name == HOME)


@pytest.mark.parametrize("loss", ["lose_answer", "lose_request"])
@pytest.mark.parametrize("state", ["Creating", "Succeeded"])
def test_a_point_made_anew_by_another_run_is_kept(state: str, loss: str) -> None:
    """The failed point is gone, and only the answer that says so was lost; or another run has removed it."""
    lab = make_lab()
    home, failed_one = _home(lab), points(lab)[0]
    failed_one.state = "Failed"
    lab.world.faults.add(kind=loss, method="DELETE")

    def watch(request: httpx.Request) -> None:
        lab.world.settle()
        if request.method != "GET" or len(lab.sent("DELETE")) != 1:
            return
        if loss == "lose_request" and failed_one in home.points:
            home.points.remove(failed_one)
        if not home.points:
            home.points.append(replace(failed_one, state=state, created=lab.clock()))
        elif lab.clock() > home.points[0].created + 60:
            home.points[0].state = "Succeeded"

    lab.watch = watch
    result = done(point(lab, name="before"))
    assert (result["changed"], steps_of(lab.sent())) == (True, [("DELETE", "before")])
    assert verbs(result) == ["delete", "keep"]
    assert (names(lab), result["restore_point"]["usable"]) == (["before"], True)


@pytest.mark.parametrize("loss", ["lose_answer", None])
@pytest.mark.parametrize("what", ["point", "collection"])
def test_what_is_to_be_absent_and_was_made_anew_is_not_removed_a_second_time(what: str, loss: str | None) -> None:
    """It was gone; what bears the name now is another run's, and no plan has named it."""
    lab = make_lab()
    if loss is not None:
        lab.world.faults.add(kind=loss, method="DELETE")
    home, gone = _home(lab), points(lab)[0]

    def watch(request: httpx.Request) -> None:
        lab.world.settle()
        if request.method != "GET" or not lab.sent("DELETE"):
            return
        if what == "point" and not home.points:
            home.points.append(replace(gone, created=lab.clock()))
        if what == "collection" and not lab.world.azure.collections:
            lab.world.azure.collections[home.id.lower()] = replace(home, guid="another", points=[gone])

    lab.watch = watch
    options: dict[str, Any] = {"state": "absent"}
    result = done(point(lab, name="before", **options) if what == "point" else collection(lab, force=True, **options))
    assert (result["changed"], len(lab.sent()), names(lab)) == (True, 1, ["before"])
    assert [text for text in result["warnings"] if "made anew by another run" in text]
    assert result["restore_point" if what == "point" else "restore_point_collection"]["name"] in ("before", HOME)


@pytest.mark.parametrize("what", ["point", "collection"])
def test_what_was_made_anew_between_a_lost_delete_and_one_that_was_locked_out_is_kept(what: str) -> None:
    """The first DELETE was still at work when reading gave it up; the second one met the other run's create."""
    lab = make_lab()
    lab.world.faults.add(kind="lose_request", method="DELETE")
    busy = {"error": {"code": "AnotherOperationInProgress", "message": "Another operation is in progress."}}
    lab.world.faults.add(kind="status", status=409, method="DELETE", nth=2, body=busy)
    home, gone = _home(lab), points(lab)[0]

    def watch() -> None:
        if what == "point":
            home.points[:] = [replace(gone, created=lab.clock())]
        else:
            lab.world.azure.collections[home.id.lower()] = replace(home, guid="another")

    lab.before_each(lambda request: request.method == "DELETE" and len(lab.sent("DELETE")) == 2, watch)
    options: dict[str, Any] = {"state": "absent", "settle_time": "5s"}
    result = done(point(lab, name="before", **options) if what == "point" else collection(lab, force=True, **options))
    assert (result["changed"], len(lab.sent()), names(lab)) == (True, 2, ["before"])
    assert [text for text in result["warnings"] if "made anew by another run" in text]
    assert verbs(result)[0] == "delete"


@pytest.mark.parametrize("approved", [False, True])
def test_a_point_that_came_into_a_collection_after_a_lost_delete_goes_with_no_plan_that_does_not_name_it(
    approved: bool,
) -> None:
    """The first DELETE never came; before the second one the plan is made anew."""
    lab = make_lab()
    lab.world.faults.add(kind="lose_request", method="DELETE")
    home, old = _home(lab), points(lab)[0]

    def watch() -> None:
        home.points.append(replace(old, name="later", created=lab.clock()))

    options: dict[str, Any] = {"state": "absent", "force": True, "settle_time": "5s"}
    if approved:
        options["expected_plan"] = done(collection(lab, check=True, **options))["plan"]
    lab.before_each(lambda request: request.method == "DELETE" and len(home.points) == 1, watch)
    result = collection(lab, **options)
    if approved:
        assert "later" in failed(result, "plan_changed")
        assert (len(lab.sent("DELETE")), names(lab)) == (1, ["before", "later"])
    else:
        gone = result["plan"]["actions"][-1]["fields"]["restore_points_that_go"]["after"]
        assert (code(result), gone) == (None, ["before", "later"])
        assert (len(lab.sent("DELETE")), verbs(result)) == (2, ["delete"])


@pytest.mark.parametrize("spelling", [str, str.upper, lambda vm: vm.lstrip("/")], ids=["same", "case", "slash"])
def test_a_collection_of_another_vm_is_not_taken_for_one_whose_answer_was_lost(spelling: Callable[[str], str]) -> None:
    """The request never came; another run has made a collection of that name: of the same VM it is as good as ours."""
    for vm, error in (("shop01", None), ("shop02", "outcome_unknown")):
        lab = make_lab()
        lab.world.faults.add(kind="lose_request", method="PUT")
        source = lab.world.azure.named(vm).id
        _other_run(lab, _theirs(lab, spelling(source)))
        result = collection(lab, name="mine", source=lab.azure_vm, settle_time="10s")
        assert (code(result), len(lab.sent())) == (error, 1), result.get("msg")
        if error:
            assert "is open" in result["msg"]
            assert "source is" in failed(collection(lab, name="mine", source=lab.azure_vm), "invalid_input")


def _theirs(lab: Lab, source: str) -> Callable[[], None]:
    def make() -> None:
        made_it = replace(_home(lab), id=_home(lab).id.replace(HOME, "mine"), source=source, points=[])
        lab.world.azure.collections[made_it.id.lower()] = made_it

    return make


def _other_run(lab: Lab, makes: Callable[[], None]) -> None:
    """What another run makes while our own request leaves."""

    def watch() -> None:
        makes()

    lab.before_each(lambda request: request.method == "PUT", watch)


ASKED: list[dict[str, Any]] = [{}, {"exclude_disks": []}, {"consistency": "crash", "exclude_disks": ["os"]}]


@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_what_a_point_that_was_adopted_has_otherwise_is_reported(asked: dict[str, Any]) -> None:
    """Nothing of a point can be changed: the same drift as the next run tells."""
    lab = make_lab()
    lab.world.faults.add(kind="lose_request", method="PUT")
    one = replace(points(lab)[0], name="new", consistency="CrashConsistent", exclude=["/x"])
    one.disks = one.disks[:1]
    _other_run(lab, lambda: _home(lab).points.append(one))
    result = done(point(lab, **asked))
    assert (result["changed"], len(lab.sent())) == (True, 1)
    assert result["drift"] == done(point(lab, **asked))["drift"]
    assert {each["field"] for each in result["drift"]} == (
        {"exclude_disks"} if "consistency" in asked else {"consistency", *asked}
    )


def test_a_point_of_ours_whose_answer_was_lost_has_no_drift() -> None:
    lab = make_lab()
    lab.world.faults.add(kind="lose_answer", method="PUT")
    result = done(point(lab, exclude_disks=["lun0"]))
    assert (result["changed"], len(lab.sent()), "drift" in result) == (True, 1, False)
