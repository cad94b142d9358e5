# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What undoing a group may remove: only what this run is proven to have created, whatever else bears the name."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.azure.jobs import PlannedEnd, Refused
from simulator.azure.model import Point
from tests.contract.checkpoints.fleets import CREATES, FLEETS, Fleet
from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Result

UNDO = {"order": "given", "on_failure": "undo"}
NONE, NEW = ["baseline"], ["baseline", "new"]


def _create(fleet: Fleet, **options: Any) -> Result:
    return fleet.lab.run("vm_checkpoint", **{"vms": fleet.vms, "name": "new", "group": UNDO, **options})


def _undos(result: Result) -> list[str]:
    return [each["undo"] for each in result["vms"]]


def test_what_a_failed_create_left_goes_with_the_others() -> None:
    """On Arc nothing ever shows it."""
    fleet = Fleet(FLEETS["spf"], failed_create_row="left")
    fleet.lab.fail_next("spf", "create", "vm4")
    result = _create(fleet)
    assert _undos(result) == ["removed"] * 4 + ["not_needed"]
    assert fleet.names() == [NONE] * 5
    error = result["vms"][3]["error"]["message"]
    assert "behind, which may be unusable" in error
    assert "What it had left behind was removed: the group was undone." in error
    assert [each["vm"] for each in result["group"]["undone"]] == fleet.vms[:4]


@pytest.mark.parametrize(("options", "undo"), [({}, "unknown"), ({"max_age": "1h"}, "removed")])
def test_on_azure_a_failed_point_of_a_fixed_name_proves_nothing_and_a_generated_one_does(
    options: dict[str, str], undo: str
) -> None:
    fleet = Fleet(FLEETS["compute"])
    refused = Refused(409, "InternalExecutionError")
    fleet.lab.world.azure.planned += [PlannedEnd("point", None, refused, None)]
    result = _create(fleet, **options)
    assert code(result) == "some_failed"
    assert result["vms"][0]["error"]["code"] == "operation_failed"
    assert _undos(result) == [undo] + ["not_needed"] * 4
    assert [len(names) for names in fleet.names()] == [2 if undo == "unknown" else 1] + [1] * 4


def test_one_without_its_mark_stays() -> None:
    fleet = Fleet(FLEETS["spf"], vmm_descriptions="cut_200")
    fleet.lab.world.faults.add(kind="status", status=400, **CREATES, nth=4)
    result = _create(fleet, description="long " * 60)
    assert _undos(result) == ["unknown"] * 3 + ["not_needed"] * 2
    assert fleet.names() == [NEW] * 3 + [NONE] * 2
    assert [each["vm"] for each in result["group"]["created"]] == fleet.vms[:3]
    assert [each["status"] for each in result["vms"]] == ["changed"] * 3 + ["failed", "not_started"]


@pytest.mark.parametrize(("reput", "undo"), [("200", "unknown"), ("201", "removed")])
def test_on_azure_a_point_that_somebody_made_meanwhile_stays(reput: str, undo: str) -> None:
    """Where the service answers a PUT of what exists with 200; with 201 it has made it anew."""
    fleet = Fleet(FLEETS["compute"], compute_reput=reput)
    lab = fleet.lab

    def make() -> None:
        home = next(each for each in lab.world.azure.collections.values() if each.name == "checkpoints-vm2")
        (baseline,) = home.points
        home.points.append(Point(**{**vars(baseline), "name": "new", "created": lab.clock()}))

    lab.before_first(lab.nth_write(2, "PUT"), make)
    lab.world.faults.add(kind="status", status=400, **CREATES, nth=4)
    result = _create(fleet)
    assert _undos(result) == ["removed", undo, "removed", "not_needed", "not_needed"]
    assert fleet.names()[1] == (NEW if undo == "unknown" else NONE)


def test_the_collection_that_a_first_point_needs_stays() -> None:
    fleet = Fleet(FLEETS["compute"], without=2)
    fleet.lab.world.faults.add(kind="status", status=400, **CREATES, nth=4)
    result = _create(fleet)
    assert [each["action"] for each in result["plan"]["actions"]] == ["create", "step", "create"] + ["create"] * 3
    assert _undos(result) == ["removed"] * 3 + ["not_needed"] * 2
    assert fleet.names() == [NONE, [], NONE, NONE, NONE]
    assert "checkpoints-vm2" in [each.name for each in fleet.lab.world.azure.collections.values()]


def test_one_that_somebody_has_removed_meanwhile_is_nothing_to_undo() -> None:
    fleet = Fleet(FLEETS["spf"])
    lab = fleet.lab

    def remove() -> None:
        vm = lab.world.vm("vm2")
        vm.checkpoints[:] = [each for each in vm.checkpoints if each.name != "new"]

    lab.before_first(lab.nth_write(4, "POST"), remove)
    lab.world.faults.add(kind="status", status=400, **CREATES, nth=4)
    result = _create(fleet)
    assert _undos(result) == ["removed"] * 3 + ["not_needed"] * 2
    assert [each["vm"] for each in result["group"]["undone"]] == [fleet.vms[0], fleet.vms[2]]
    assert result["group"]["created"] == []


def test_a_sign_in_that_is_withdrawn_is_tried_once_more_at_most() -> None:
    fleet = Fleet(FLEETS["spf"])

    def withdraw() -> None:
        fleet.lab.world.credentials.spf_password = "changed meanwhile"

    fleet.lab.before_first(fleet.lab.nth_write(3, "POST"), withdraw)
    result = _create(fleet)
    assert _undos(result) == ["not_tried"] * 3 + ["not_needed"] * 2
    assert result["vms"][0]["undo_error"]["code"] == "sign_in_refused"
    assert len([each for each in fleet.lab.world.journal.entries if each.status == 401]) == 1
    assert [each["vm"] for each in result["group"]["created"]] == fleet.vms[:2]
