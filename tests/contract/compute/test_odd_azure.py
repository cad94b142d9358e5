# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of Azure that are well formed and cannot be: nothing is written because of one, and no id leads elsewhere."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import httpx
import pytest

from tests.contract.compute.azure_harness import (
    GOOD,
    HOME,
    azure_vm,
    collection,
    done,
    failed,
    guest,
    killed,
    make_lab,
    point,
    restore,
)
from tests.support.lab import Lab
from tests.support.wire import Change, Changed


def _changed(path: str, change: Change, **switches: Any) -> Lab:
    lab = make_lab(**switches)
    lab.through = lambda wire: Changed(wire, path, change)
    return lab


def _profile(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["properties"]["storageProfile"]
    return found


def _twice(document: dict[str, Any]) -> None:
    disks = _profile(document)["dataDisks"]
    disks.append(deepcopy(disks[0]))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda vm: vm["properties"].pop("storageProfile"), "without its disks"),
        (lambda vm: _profile(vm)["dataDisks"][0].pop("lun"), "LUNs are missing or not unique"),
        (lambda vm: _profile(vm)["osDisk"].update(lun=1), "LUNs are missing or not unique"),
        (_twice, "LUNs are missing or not unique"),
        (lambda vm: _profile(vm)["dataDisks"][0].update(lun="0"), "lun"),
        (lambda vm: _profile(vm)["dataDisks"][0].update(lun=-1), "lun"),
        (lambda vm: _profile(vm)["osDisk"]["managedDisk"].update(id=".evil.test/x"), "is no resource id"),
        (lambda vm: _profile(vm)["osDisk"]["managedDisk"].update(id="/subscriptions/../x"), "is no resource id"),
        (lambda vm: vm.update(name="a/../b"), "is no name of a resource"),
        (lambda vm: vm.update(id="x"), "is no resource id"),
    ],
)
def test_a_vm_that_cannot_be(change: Change, expected: str) -> None:
    lab = _changed("/virtualMachines/shop01", change)
    assert expected in failed(restore(lab), "bad_answer")
    assert lab.writes() == 0


def test_a_vm_that_is_shown_without_an_os_disk_is_not_given_one() -> None:
    """Nor switched off for it: the first reading has shown that it cannot be swapped."""
    for change in (lambda vm: _profile(vm).update(osDisk=None), lambda vm: _profile(vm).update(osDisk={})):
        lab = _changed("/virtualMachines/shop01", change)
        for check in (True, False):
            assert "shows no OS disk" in failed(restore(lab, check=check), "vm_state")
        assert (lab.writes(), azure_vm(lab).power) == (0, "running")


def test_one_that_shows_it_no_more_when_it_is_off() -> None:
    """The swap says so then; and once it is shown again, the same task ends."""
    lab = make_lab()

    def gone(document: dict[str, Any]) -> None:
        if lab.sent("POST", path="/deallocate"):
            _profile(document)["osDisk"] = None

    lab.through = lambda wire: Changed(wire, "/virtualMachines/shop01", gone)
    message = failed(restore(lab), "not_found")
    assert "shows no OS disk to be replaced" in message
    assert "The VM is off; it ran when the restore began" in message
    assert lab.world.dump()["compute"]["vms"][0]["os_disk"]["name"] == "shop01_OsDisk"
    lab.through = lambda wire: wire
    done(restore(lab))
    assert (guest(lab), azure_vm(lab).power) == (GOOD, "running")


def test_a_disk_that_another_run_has_begun_and_whose_making_was_canceled() -> None:
    lab = make_lab(compute_disk_takes="600s")
    killed(lab, 1, "heard", restore_key="deploy-1")
    (name,) = (disk.name for disk in lab.world.azure.disks.values() if disk.name.startswith("shop01-os-"))
    lab.through = lambda wire: Changed(
        wire, f"/disks/{name}", lambda disk: disk["properties"].update(provisioningState="Canceled")
    )
    result = restore(lab, restore_key="deploy-1")
    assert "canceled" in failed(result, "operation_failed")
    assert (result["changed"], azure_vm(lab).power) == (False, "running")


def _first(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["properties"]["restorePoints"][0]
    return found


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda home: _first(home).update(name="before/../../x"), "is no name of a resource"),
        (lambda home: _first(home).update(name="a\x1b[2J"), "is no name of a resource"),
        (lambda home: _first(home).update(id="https://evil.test/x"), "is no resource id"),
        (lambda home: _first(home)["properties"].update(timeCreated=7), "is not a time"),
        (lambda home: _first(home)["properties"].pop("sourceMetadata"), "is shown without its disks"),
        (lambda home: home["properties"].update(restorePoints=[_first(home)] * 2001), "no service holds so many"),
    ],
)
def test_a_collection_that_cannot_be(change: Change, expected: str) -> None:
    lab = _changed(f"/restorePointCollections/{HOME}", change)
    assert expected in failed(restore(lab), "bad_answer")
    assert lab.writes() == 0


def test_a_list_of_disks_that_holds_one_of_elsewhere() -> None:
    """Its id is what a PATCH or DELETE would go to."""

    def elsewhere(document: dict[str, Any]) -> None:
        disk = document["value"][0]
        disk["id"] = disk["id"].replace("rg-shop", "rg-other")

    lab = _changed("/disks", elsewhere)
    assert "holds one of elsewhere" in failed(restore(lab), "bad_answer")
    assert lab.writes() == 0


def test_disks_that_lead_to_ever_more_groups() -> None:
    asked: list[int] = []

    def onward(document: dict[str, Any]) -> None:
        asked.append(1)
        group = "rg-shop" if len(asked) == 1 else f"g{len(asked) - 1}"
        disk = f"/subscriptions/{lab.world.azure.subscription_id}/resourceGroups/{group}/x/d"
        tags = {"hybridvm-restore-replaces": f"g{len(asked)}/old"}
        document.pop("error", None)  # there are no such groups
        document["value"] = [{"id": disk, "name": "shop01-os", "location": "x", "tags": tags, "properties": {}}]

    lab = _changed("/disks", onward)
    assert "more than 100 resource groups" in failed(restore(lab), "bad_answer")
    assert len(asked) == 100


@pytest.mark.parametrize("lost", [False, True], ids=["accepted", "answer lost"])
@pytest.mark.parametrize("status", [401, 403, 503])
def test_a_point_that_was_asked_for_and_cannot_be_looked_at(status: int, lost: bool) -> None:
    """Once the create has left, no error says that nothing was changed."""
    lab = make_lab()
    if lost:
        lab.world.faults.add(kind="lose_answer", method="PUT")
    lab.world.faults.add(kind="status", status=status, method="GET", path="/restorePoints/new", nth=2, count=None)
    said = "Whether it ran is open" if lost else "the service reports that it succeeded"
    assert said in failed(point(lab), "outcome_unknown")
    assert lab.writes() == 1


def test_a_collection_of_another_source_after_the_create_is_no_wrong_option() -> None:
    lab = make_lab()
    changed: list[str] = []

    def other(document: dict[str, Any]) -> None:
        if lab.writes():
            changed.append("x")
            document["properties"]["source"]["id"] = "/subscriptions/x"

    lab.through = lambda wire: Changed(wire, f"/restorePointCollections/{HOME}", other)
    result = lab.run("vm_checkpoint", vm=lab.azure_vm, name="new")
    assert "holds restore points of /subscriptions/x" in failed(result, "outcome_unknown")
    assert changed


def test_a_list_s_next_page_by_a_token_that_is_none() -> None:
    lab = make_lab()

    def number(document: dict[str, Any]) -> None:
        document["$skipToken"] = 7

    class Graph(Changed):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await self._wire.handle_async_request(request)
            if "ResourceGraph" not in request.url.path:
                return answer
            document = json.loads(await answer.aread())
            number(document)
            return httpx.Response(200, json=document)

    lab.through = lambda wire: Graph(wire, "", number)
    assert "is no text" in failed(lab.run("restore_point_collection_info"), "bad_answer")
    assert collection(make_lab(), check=True)["changed"] is False
