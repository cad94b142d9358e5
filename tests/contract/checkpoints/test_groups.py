# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group of VMs: all of them or none, on every service and on all three at once."""

from __future__ import annotations

import signal
from typing import Any

import httpx
import pytest

from tests.contract.checkpoints.fleets import BROKEN, CREATES, FLEETS, GOOD, Fleet
from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Result
from tests.support.wire import Killed

UNDO = {"order": "given", "on_failure": "undo"}
KEEP = {"order": "given", "on_failure": "keep"}
NONE, NEW = ["baseline"], ["baseline", "new"]
DELETES = {"method": "DELETE|POST", "path": "VMCheckPoints\\(|deleteCheckpoint|/restorePoints/"}


@pytest.fixture(params=FLEETS)
def fleet(request: pytest.FixtureRequest) -> Fleet:
    return Fleet(FLEETS[request.param])


def _create(fleet: Fleet, group: Any = None, **options: Any) -> Result:
    return fleet.lab.run("vm_checkpoint", **{"vms": fleet.vms, "name": "new", "group": group or UNDO, **options})


def _restore(fleet: Fleet, **options: Any) -> Result:
    given = {"vms": fleet.vms, "name": "baseline", "group": {}, "safety_checkpoint": True}
    return fleet.lab.run("vm_checkpoint_restore", **{**given, **options})


def _of(result: Result, key: str) -> list[Any]:
    return [each[key] for each in result["vms"]]


def _fail(fleet: Fleet, number: int = 4) -> None:
    """The create of that VM is refused, where all are made one after the other."""
    fleet.lab.world.faults.add(kind="status", status=400, **CREATES, nth=number)


def test_the_fourth_of_five_fails_and_all_is_undone(fleet: Fleet) -> None:
    _fail(fleet)
    result = _create(fleet)
    assert code(result) == "some_failed"
    assert fleet.names() == [NONE] * 5
    assert _of(result, "status") == ["undone"] * 3 + ["failed", "not_started"]
    assert _of(result, "undo") == ["removed"] * 3 + ["not_needed"] * 2
    assert _of(result, "undo_error") == _of(result, "checkpoint") == [None] * 5
    group = result["group"]
    assert [group[key] for key in ("order", "on_failure", "complete", "created", "unknown")] == [
        "given",
        "undo",
        False,
        [],
        [],
    ]
    assert [each["vm"] for each in group["undone"]] == fleet.vms[:3]
    assert {each["name"] for each in group["undone"]} == {"new"}
    assert all(each["id"] for each in group["undone"])
    assert result["changed"] is True
    assert "1 of 5 VMs failed" in result["msg"]
    assert "Removed again: 3 of 3 checkpoints that this run had created." in result["msg"]
    assert all(each["before"] == each["after"] for each in result["diff"])
    again = _create(fleet)
    assert (code(again), again["group"]["complete"], fleet.names()) == (None, True, [NEW] * 5)
    assert len(again["group"]["created"]) == 5
    unchanged = _create(fleet)
    assert (unchanged["changed"], unchanged["group"]["complete"]) == (False, True)


def test_what_was_there_is_never_undone(fleet: Fleet) -> None:
    fleet.lab.run("vm_checkpoint", vm=fleet.vms[1], name="new")
    _fail(fleet, 3)
    result = _create(fleet)
    assert _of(result, "status") == ["undone", "unchanged", "undone", "failed", "not_started"]
    assert fleet.names() == [NONE, NEW, NONE, NONE, NONE]


def test_keep_leaves_them_and_a_further_run_makes_the_rest(fleet: Fleet) -> None:
    _fail(fleet)
    result = _create(fleet, KEEP)
    assert _of(result, "status") == ["changed"] * 3 + ["failed", "not_started"]
    assert "undo" not in result["vms"][0]
    assert (result["group"]["undone"], len(result["group"]["created"])) == ([], 3)
    assert all(each["id"] in result["msg"] for each in result["group"]["created"])
    assert _of(_create(fleet, KEEP), "status") == ["unchanged"] * 3 + ["changed"] * 2
    assert fleet.names() == [NEW] * 5


def test_a_lost_answer_leaves_it_open_and_what_may_be_there_is_not_touched(fleet: Fleet) -> None:
    fleet.lab.world.faults.add(kind="lose_request", **CREATES, nth=4)
    result = _create(fleet, settle_time="5s")
    assert _of(result, "status") == ["undone"] * 3 + ["outcome_unknown", "not_started"]
    assert _of(result, "undo") == ["removed"] * 3 + ["unknown", "not_needed"]
    assert result["group"]["unknown"] == [{"vm": fleet.vms[3], "name": "new"}]
    assert "Whether one was created is open (outcome_unknown): vm4." in result["msg"]
    assert fleet.names() == [NONE] * 5


def test_a_lost_answer_that_reading_settles_ends_nothing(fleet: Fleet) -> None:
    fleet.lab.world.faults.add(kind="lose_answer", **CREATES, nth=4)
    result = _create(fleet)
    assert (code(result), result["group"]["complete"], fleet.names()) == (None, True, [NEW] * 5)


def test_undoing_that_fails_is_said_of_its_vm(fleet: Fleet) -> None:
    _fail(fleet)
    fleet.lab.world.faults.add(kind="status", status=400, **DELETES, nth=2)
    result = _create(fleet)
    assert _of(result, "undo") == ["removed", "failed", "removed", "not_needed", "not_needed"]
    assert _of(result, "status") == ["undone", "changed", "undone", "failed", "not_started"]
    assert fleet.names() == [NONE, NEW, NONE, NONE, NONE]
    (left,) = result["group"]["created"]
    assert (left["vm"], left["name"]) == (fleet.vms[1], "new")
    assert left["id"] in result["msg"]
    assert "Removed again: 2 of 3 checkpoints that this run had created." in result["msg"]
    assert result["vms"][1]["undo_error"]["code"] == "refused"
    assert result["vms"][1]["error"] is None
    assert result["vms"][1]["checkpoint"]["id"] == left["id"]


def test_older_ones_go_only_after_all_have_their_new_one(fleet: Fleet) -> None:
    series: dict[str, Any] = {"max_age": "1h", "supersede": True, "name": "series"}
    first = _create(fleet, **series)["group"]["created"]
    names = fleet.names()
    fleet.lab.advance(7200)
    predicted = _create(fleet, **series, check=True)
    assert [each["action"] for each in predicted["plan"]["actions"]] == ["create"] * 5 + ["delete"] * 5
    assert predicted["group"]["complete"] is False
    _fail(fleet)
    assert code(_create(fleet, **series, expected_plan=predicted["plan"])) == "some_failed"
    assert fleet.names() == names
    result = _create(fleet, **series, expected_plan=predicted["plan"])
    assert (code(result), result["group"]["complete"]) == (None, True)
    assert [len(each) for each in fleet.names()] == [2] * 5
    assert not {each["id"] for each in first} & {each["id"] for each in result["group"]["created"]}


def test_a_delete_that_fails_later_undoes_nothing(fleet: Fleet) -> None:
    series: dict[str, Any] = {"max_age": "1h", "supersede": True, "name": "series"}
    _create(fleet, **series)
    fleet.lab.advance(7200)
    fleet.lab.world.faults.add(kind="status", status=400, **DELETES, nth=3)
    result = _create(fleet, **series)
    assert _of(result, "status") == ["changed", "changed", "failed", "stopped", "stopped"]
    assert _of(result, "undo") == [None] * 5
    assert [len(each) for each in fleet.names()] == [2, 2, 3, 3, 3]
    assert len(result["group"]["created"]) == 5


@pytest.mark.parametrize("order", ["given", "parallel"])
@pytest.mark.parametrize("when", ["watch", "heard"])
def test_a_signal_undoes_nothing_and_says_what_is_there(fleet: Fleet, order: str, when: str) -> None:
    def strike(request: httpx.Request) -> None:
        if request in fleet.lab.sent("POST", "PUT")[2:3]:
            fleet.lab.signal(signal.SIGTERM)

    setattr(fleet.lab, when, strike)
    result = _create(fleet, {"order": order, "on_failure": "undo"}, concurrency=2)
    assert code(result) == "some_failed"
    assert "SIGTERM" in result["msg"]
    assert set(_of(result, "undo")) <= {"not_tried", "not_needed"}
    assert not fleet.lab.sent("DELETE")
    there = {vm for vm, names in zip(fleet.vms, fleet.names(), strict=True) if names == NEW}
    assert there <= {each["vm"] for each in (*result["group"]["created"], *result["group"]["unknown"])}
    fleet.lab.undisturbed()
    fleet.lab.advance(3600)
    assert code(_create(fleet)) is None
    assert fleet.names() == [NEW] * 5


def test_a_signal_while_it_is_undone(fleet: Fleet) -> None:
    _fail(fleet)

    def strike(request: httpx.Request) -> None:
        if request in fleet.lab.sent()[5:6]:  # four creates, and then the second that is undone
            fleet.lab.signal(signal.SIGTERM)

    fleet.lab.watch = strike
    result = _create(fleet)
    assert _of(result, "undo") == ["not_tried", "unknown", "removed", "not_needed", "not_needed"]
    assert _of(result, "status") == ["changed", "changed", "undone", "failed", "not_started"]
    for number in (0, 1):
        assert "ended by SIGTERM before it was undone" in result["vms"][number]["undo_error"]["message"]
    assert {each["vm"] for each in result["group"]["created"]} == set(fleet.vms[:2])
    assert "1 of 5 VMs failed" in result["msg"]


def test_a_run_that_was_killed_leaves_what_the_next_one_counts_and_never_removes() -> None:
    fleet = Fleet(FLEETS["mixed"])
    third = fleet.lab.nth_write(3, "POST", "PUT")

    def die(request: httpx.Request) -> None:
        if third(request):
            raise Killed

    fleet.lab.heard = die
    with pytest.raises(Killed):
        _create(fleet)
    fleet.lab.undisturbed()
    fleet.lab.advance(600)
    there = fleet.names()
    assert there == [NEW] * 3 + [NONE] * 2
    _fail(fleet, 2)
    result = _create(fleet)
    assert _of(result, "status") == ["unchanged"] * 3 + ["undone", "failed"]
    assert fleet.names() == there


def test_the_end_of_the_time_undoes_nothing(fleet: Fleet) -> None:
    slow = Fleet(fleet.services, create_takes="100s", compute_point_takes="100s")
    result = _create(slow, wait_timeout="350s")
    assert result["vms"][3]["error"]["code"] == "timed_out"
    assert _of(result, "undo") == ["not_tried"] * 4 + ["not_needed"]
    assert [each["vm"] for each in result["group"]["created"]] == slow.vms[:3]
    assert [each["vm"] for each in result["group"]["unknown"]] == [slow.vms[3]]
    assert slow.names()[:3] == [NEW] * 3


@pytest.mark.parametrize("number", [1, 5])
def test_one_that_cannot_be_planned_keeps_all_from_beginning(fleet: Fleet, number: int) -> None:
    result = _restore(Fleet(fleet.services, without=number))
    assert _of(result, "status") == ["failed" if each == number else "not_started" for each in range(1, 6)]


def test_a_target_that_is_missing_keeps_every_vm_where_it_is(fleet: Fleet) -> None:
    other = Fleet(fleet.services, without=3)
    result = _restore(other)
    assert (code(result), result["changed"], other.lab.writes()) == ("some_failed", False, 0)
    assert result["vms"][2]["error"]["code"] == "missing_checkpoint"
    assert other.guests() == [BROKEN] * 5
    assert result["group"]["not_back"] == other.vms
    assert (result["group"]["went_back"], result["group"]["created"]) == ([], [])


def test_all_safety_checkpoints_exist_before_the_first_goes_back(fleet: Fleet) -> None:
    seen: list[tuple[list[int], list[str]]] = []

    def look(request: httpx.Request) -> None:
        if request in fleet.lab.sent():
            seen.append(([len(names) for names in fleet.names()], fleet.guests()))

    fleet.lab.watch = look
    result = _restore(fleet)
    assert code(result) is None, result["msg"]
    assert fleet.guests() == [GOOD] * 5
    back = [counts for counts, guests in seen if GOOD in guests]
    assert all(count == [2] * 5 for count in back)
    assert result["group"]["went_back"] == fleet.vms
    assert len(result["group"]["created"]) == 5
    assert _of(result, "status") == ["changed"] * 5


def test_a_safety_checkpoint_that_fails_keeps_every_vm_where_it_is(fleet: Fleet) -> None:
    _fail(fleet)
    result = _restore(fleet)
    assert _of(result, "status") == ["stopped"] * 3 + ["failed", "not_started"]
    assert fleet.guests() == [BROKEN] * 5
    group = result["group"]
    assert (group["went_back"], group["unfinished"], group["not_back"]) == ([], [], fleet.vms)
    assert [each["vm"] for each in group["created"]] == fleet.vms[:3]
    assert "Went back: none." in result["msg"]


@pytest.mark.parametrize("name", ["spf", "scvmm", "compute"])
def test_a_restore_that_fails_stops_and_says_which_went_back(name: str) -> None:
    fleet = Fleet(FLEETS[name])
    if name == "compute":
        path, nth = {"method": "PUT", "path": "Microsoft.Compute/disks/"}, 4
    else:
        path, nth = {"method": "MERGE|POST", "path": "VMCheckpoints\\(|restoreCheckpoint"}, 4
    fleet.lab.world.faults.add(kind="status", status=400, nth=nth, **path)
    result = _restore(fleet)
    group = result["group"]
    assert group["went_back"] == fleet.vms[:3]
    assert group["unfinished"] == [fleet.vms[3]]
    assert group["not_back"] == [fleet.vms[4]]
    assert fleet.guests() == [GOOD] * 3 + [BROKEN] * 2
    assert _of(result, "status") == ["changed"] * 3 + ["failed", "stopped"]
    assert "Went back: vm1, vm2, vm3. Did not, or not wholly: vm4, vm5." in result["msg"]


def test_a_target_that_goes_during_the_safety_checkpoints_keeps_every_vm_where_it_is() -> None:
    fleet = Fleet(FLEETS["spf"])

    def remove() -> None:
        vm = fleet.lab.world.vm("vm5")
        vm.checkpoints[:] = [each for each in vm.checkpoints if each.name != "baseline"]

    fleet.lab.before_first(fleet.lab.nth_write(5, "POST"), remove)
    result = _restore(fleet)
    assert fleet.guests() == [BROKEN] * 5
    assert result["group"]["went_back"] == []
    assert result["vms"][4]["error"]["code"] == "missing_checkpoint"


def test_a_restore_with_a_key_goes_on_where_it_stopped(fleet: Fleet) -> None:
    if "compute" not in fleet.services:
        fleet.lab.world.faults.add(
            kind="status", status=400, method="MERGE|POST", nth=4, path="VMCheckpoints\\(|restoreCheckpoint"
        )
    else:
        fleet.lab.world.faults.add(kind="status", status=400, method="PUT", nth=2, path="Microsoft.Compute/disks/")
    first = _restore(fleet, restore_key="job-1")
    assert code(first) == "some_failed"
    counts = [len(names) for names in fleet.names()]
    again = _restore(fleet, restore_key="job-1")
    assert code(again) is None, again["msg"]
    assert again["group"]["went_back"] == fleet.vms
    assert fleet.guests() == [GOOD] * 5
    assert [len(names) for names in fleet.names()] == counts


@pytest.mark.parametrize(
    ("module", "options", "said"),
    [
        ("vm_checkpoint", {"vms": []}, "needs vms, and at least one VM"),
        ("vm_checkpoint", {"vms": None, "vm": "vm1"}, "needs vms"),
        ("vm_checkpoint", {"wait": False}, "wait: false and group exclude each other"),
        ("vm_checkpoint", {"on_error": "continue"}, "on_error and group exclude each other"),
        ("vm_checkpoint", {"on_error": "stop"}, "on_error and group exclude each other"),
        ("vm_checkpoint", {"state": "absent"}, "state=present only"),
        ("vm_checkpoint", {"group": {"order": "random"}}, "group.order"),
        ("vm_checkpoint", {"group": {"undo": True}}, "group.undo"),
        ("vm_checkpoint_restore", {"vms": []}, "needs vms, and at least one VM"),
        ("vm_checkpoint_restore", {"group": UNDO}, "a restore cannot be undone"),
    ],
)
def test_what_is_no_group_is_refused(module: str, options: dict[str, Any], said: str) -> None:
    fleet = Fleet(FLEETS["spf"])
    result = fleet.lab.run(module, **{"vms": fleet.vms, "name": "new", "group": {}, **options})
    assert code(result) == "invalid_input"
    assert said in result["msg"]
    assert fleet.lab.requests == []


def test_without_a_group_an_empty_list_is_unchanged() -> None:
    fleet = Fleet(FLEETS["spf"])
    result = fleet.lab.run("vm_checkpoint", vms=[], name="new")
    assert (code(result), result["changed"], "group" in result) == (None, False, False)
