# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure's own resources while another operation is at them: waited for, planned anew, held against the approval."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from simulator.azure.jobs import CONCURRENT
from tests.contract.compute.azure_harness import (
    HOME,
    azure_vm,
    collection,
    done,
    fail_next,
    failed,
    make_lab,
    names,
    point,
    points,
    verbs,
)
from tests.support.lab import Lab, Result

BUSY = {"error": {"code": "AnotherOperationInProgress", "message": "Another operation is in progress."}}
TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "create": ("PUT", {"name": "mine"}),
    "update": ("PATCH", {"tags": {"a": "b"}}),
    "delete": ("DELETE", {"state": "absent", "force": True}),
}
POINT = "create a point"


def _run(lab: Lab, task: str, **more: Any) -> Result:
    options = dict(TASKS[task][1])
    if task == "create":
        options["source"] = lab.azure_vm
    return collection(lab, **options, **more)


def _busy(lab: Lab, method: str, count: int | None) -> None:
    lab.world.faults.add(kind="status", status=409, method=method, body=BUSY, count=count)


@pytest.mark.parametrize("task", TASKS)
def test_but_not_beyond_the_deadline(task: str) -> None:
    lab = make_lab()
    _busy(lab, TASKS[task][0], None)
    result = _run(lab, task, wait_timeout="60s")
    message = failed(result, "locked")
    assert "Still locked after 1m. Nothing was changed. Raise wait_timeout" in message
    assert (result["changed"], verbs(result)) == (False, [task])
    assert 50 < lab.seconds <= 60
    assert len(lab.sent()) < 8


def test_a_collection_whose_delete_failed_half_way_tells_which_points_went() -> None:
    lab = make_lab()
    fail_next(lab, "collection_delete", HOME)

    def lose_a_point(request: httpx.Request) -> None:
        if request.method == "DELETE":
            next(iter(lab.world.azure.collections.values())).points.clear()

    lab.heard = lose_a_point
    result = collection(lab, state="absent", force=True)
    assert "Of its restore points, before went." in failed(result, "operation_failed")
    assert result["changed"] is True


@pytest.mark.parametrize("times", [1, 20])
def test_a_delete_that_was_locked_out_half_way(times: int) -> None:
    """The operation began and failed for another's sake: that has changed nothing."""
    lab = make_lab()
    for _time in range(times):
        fail_next(lab, "collection_delete", HOME, "Conflict")
    result = collection(lab, state="absent", force=True, wait_timeout="60s")
    if times == 1:
        assert (done(result)["changed"], len(lab.sent("DELETE"))) == (True, 2)
    else:
        assert "Nothing was changed" in failed(result, "locked")
        assert (result["changed"], names(lab)) == (False, ["before"])


@pytest.mark.parametrize("times", [1, None])
@pytest.mark.parametrize("task", ["update", "create", POINT])
def test_a_write_that_was_locked_out_half_way(task: str, times: int | None) -> None:
    """An update that was has changed nothing; a create may have left something that failed."""
    lab = make_lab()
    url = "https://simulator.test/subscriptions/x/operations/1"
    lab.world.faults.add(
        kind="status", status=202, method="PUT|PATCH", count=times, headers={"Azure-AsyncOperation": url}
    )
    ended = {"status": "Failed", "error": {"code": "Conflict", "message": "Another operation is in progress."}}
    lab.world.faults.add(kind="status", status=200, path="/operations/1", count=None, body=ended)
    result = point(lab, wait_timeout="60s") if task == POINT else _run(lab, task, wait_timeout="60s")
    if times == 1:
        assert (done(result)["changed"], len(lab.sent())) == (True, 2)
        return
    message = failed(result, "locked")
    assert (result["changed"], "Nothing was changed" in message) == (task != "update", task == "update")


def _at_the_first(lab: Lab, method: str, happens: Any) -> None:
    """Something happens while the first write of that method is refused."""

    def watch() -> None:
        happens()

    lab.before_each(lambda request: request.method == method and len(lab.sent(method)) == 1, watch)


def test_a_plan_made_anew_after_a_lock_is_held_against_the_approval() -> None:
    lab = make_lab()
    plan = done(point(lab, check=True))["plan"]
    concurrent = {"error": {"code": "VMRestorePointClientError", "message": CONCURRENT}}
    lab.world.faults.add(kind="status", status=409, method="PUT", body=concurrent)
    home = next(each for each in lab.world.azure.collections.values() if each.name == HOME)
    failed_one = replace(points(lab)[0], name="new", state="Failed")
    _at_the_first(lab, "PUT", lambda: home.points.append(failed_one))
    result = point(lab, expected_plan=plan)
    assert "delete restore point new" in failed(result, "plan_changed")
    assert [request.method for request in lab.sent()] == ["PUT"]
    # What is shown is what would be done now.
    assert verbs(result) == ["delete", "create"]


def test_one_that_was_approved_to_go_goes_once() -> None:
    """The failed point goes, as approved; one that failed under its name while the create was locked out was not."""
    lab = make_lab()
    points(lab)[0].state = "Failed"
    plan = done(point(lab, name="before", check=True))["plan"]
    _busy(lab, "PUT", 1)
    home = next(each for each in lab.world.azure.collections.values() if each.name == HOME)
    another = replace(points(lab)[0], state="Failed")
    _at_the_first(lab, "PUT", lambda: home.points.append(another))
    assert "delete restore point before" in failed(point(lab, name="before", expected_plan=plan), "plan_changed")
    assert [request.method for request in lab.sent()] == ["DELETE", "PUT"]


def test_what_has_come_into_a_collection_during_a_lock_was_not_approved_to_go() -> None:
    lab = make_lab()
    plan = done(collection(lab, check=True, state="absent", force=True))["plan"]
    _busy(lab, "DELETE", 1)
    home = next(each for each in lab.world.azure.collections.values() if each.name == HOME)
    _at_the_first(lab, "DELETE", lambda: home.points.append(replace(points(lab)[0], name="later")))
    result = collection(lab, state="absent", force=True, expected_plan=plan)
    assert "later" in failed(result, "plan_changed")
    assert (names(lab), len(lab.sent())) == (["before", "later"], 1)


def test_points_that_came_during_a_lock_count() -> None:
    lab = make_lab()
    concurrent = {"error": {"code": "VMRestorePointClientError", "message": CONCURRENT}}
    lab.world.faults.add(kind="status", status=409, method="PUT", body=concurrent)
    home = next(each for each in lab.world.azure.collections.values() if each.name == HOME)
    more = [replace(points(lab)[0], name=f"p{n:03}") for n in range(499)]
    _at_the_first(lab, "PUT", lambda: home.points.extend(more))
    assert "holds 500 restore points" in failed(point(lab), "limit_reached")
    assert len(lab.sent()) == 1


def test_what_was_changed_before_a_lock_is_not_denied_after_it() -> None:
    """The failed point is gone when the new one is refused: first for another's sake, then for the VM that stopped."""
    lab = make_lab()
    points(lab)[0].state = "Failed"
    concurrent = {"error": {"code": "VMRestorePointClientError", "message": CONCURRENT}}
    lab.world.faults.add(kind="status", status=409, method="PUT", body=concurrent)
    _at_the_first(lab, "PUT", lambda: setattr(azure_vm(lab), "power", "deallocated"))
    result = point(lab, name="before", on_downgrade="fail")
    message = failed(result, "vm_state")
    assert "not running" in message
    assert "Nothing was changed" not in result["msg"]
    assert (result["changed"], names(lab), verbs(result)) == (True, [], ["delete", "create"])


@pytest.mark.parametrize("second", ["404", "locked"])
@pytest.mark.parametrize("what", ["point", "collection"])
def test_what_goes_after_a_lost_delete_went_by_it(what: str, second: str) -> None:
    """The first DELETE's answer is lost; when the second is refused, the resource is gone: this run did it."""
    lab = make_lab()
    lab.world.faults.add(kind="lose_request", method="DELETE")
    body = {"error": {"code": "NotFound"}} if second == "404" else BUSY
    lab.world.faults.add(kind="status", status=404 if second == "404" else 409, method="DELETE", nth=2, body=body)

    def watch() -> None:
        if what == "point":
            next(iter(lab.world.azure.collections.values())).points.clear()
        else:
            lab.world.azure.collections.clear()

    lab.before_each(lambda request: request.method == "DELETE" and len(lab.sent("DELETE")) == 2, watch)
    options: dict[str, Any] = {"state": "absent", "settle_time": "5s"}
    result = point(lab, name="before", **options) if what == "point" else collection(lab, force=True, **options)
    done(result)
    assert (result["changed"], verbs(result), len(lab.sent("DELETE"))) == (True, ["delete"], 2)
