# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks and locks that stand in the way of some of the verbs only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.documents.azure_seeding import plant_lock
from tests.contract.compute.azure_harness import (
    GOOD,
    azure_vm,
    checkpoint,
    document,
    done,
    failed,
    guest,
    make_lab,
    point,
    restore,
)
from tests.support.lab import Lab
from tests.support.wire import Changed

DATA: dict[str, Any] = {"lun": 0, "files": GOOD["0"]}


NOT_WITHOUT_THE_GUEST: dict[str, tuple[dict[str, Any], str]] = {
    "Ultra": ({"data_disks": [{**DATA, "sku": "UltraSSD_LRS"}]}, "Ultra"),
    "Premium v2": ({"data_disks": [{**DATA, "sku": "PremiumV2_LRS"}]}, "Premium SSD v2"),
    "write accelerator": ({"data_disks": [{**DATA, "write_accelerator": True}]}, "write-accelerated"),
}


def _make_lab(of_vm: dict[str, Any]) -> Lab:
    compute = document(**of_vm)
    compute["collections"][0]["points"] = []
    return make_lab(compute)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("case", NOT_WITHOUT_THE_GUEST)
def test_disks_that_need_the_guest(case: str, check: bool) -> None:
    """Application mode of a VM that runs takes them; crash mode, or a VM that is off, does not."""
    of_vm, said = NOT_WITHOUT_THE_GUEST[case]
    lab = _make_lab(of_vm)
    assert said in failed(point(lab, check=check, consistency="crash"), "vm_state")
    azure_vm(lab).power = "deallocated"
    assert said in failed(checkpoint(lab, check=check, name="x"), "vm_state")
    assert said in failed(point(lab, check=check), "vm_state")
    assert lab.sent() == []
    done(point(lab, consistency="crash", exclude_disks=["lun0"]))
    azure_vm(lab).power = "running"
    assert done(checkpoint(lab, name="x"))["changed"] is True


@pytest.mark.parametrize("check", [True, False])
def test_a_lock_against_deletion(check: bool) -> None:
    lab = make_lab()
    plant_lock(lab.world.azure, {"level": "CanNotDelete", "name": "keep-it"})
    assert "keep-it" in failed(checkpoint(lab, check=check, name="before", state="absent"), "vm_state")
    assert "keep-it" in failed(checkpoint(lab, check=check, name="before", max_age=1, supersede=True), "vm_state")
    assert "keep-it" in failed(restore(lab, check=check, old_disks="delete"), "vm_state")
    assert lab.sent() == []
    assert done(checkpoint(lab, name="x"))["changed"] is True
    done(restore(lab))
    assert guest(lab) == GOOD


@pytest.mark.parametrize("level", ["ReadOnly", "CanNotDelete"])
def test_a_lock_on_something_else_in_the_group_is_no_obstacle(level: str) -> None:
    lab = make_lab()
    plant_lock(lab.world.azure, {"level": level, "scope": lab.world.azure.named("shop02").id})
    assert done(checkpoint(lab, name="x"))["changed"] is True
    done(restore(lab))
    assert guest(lab) == GOOD
    assert done(checkpoint(lab, name="before", state="absent"))["changed"] is True


# Each lock by what it lies on: scope -> what is still possible. A delete lock on the VM or on a disk that stays stops
# nothing; one against changes on the collection leaves restores alone, and the other way round.
DOES: dict[str, dict[str, Any]] = {
    "create": {"name": "x"},
    "remove": {"name": "before", "state": "absent"},
    "restore": {},
    "restore, old disks go": {"old_disks": "delete"},
    "without the data disk": {"old_disks": "delete", "name": "os-only"},
}
HOME_ID = "/providers/Microsoft.Compute/restorePointCollections/checkpoints-shop01"
SCOPES = {
    "vm": "/providers/Microsoft.Compute/virtualMachines/shop01",
    "collection": HOME_ID,
    "point": f"{HOME_ID}/restorePoints/before",
    "data disk": "/providers/Microsoft.Compute/disks/shop01_DataDisk_0",
    "group": "",
    "elsewhere": "/providers/Microsoft.Compute/disks/of-nobody",
}
RESTORES = {"restore", "restore, old disks go", "without the data disk"}
STOPS: dict[tuple[str, str], set[str]] = {
    ("vm", "ReadOnly"): RESTORES,
    ("vm", "CanNotDelete"): set(),
    ("collection", "ReadOnly"): {"create", "remove"},
    ("collection", "CanNotDelete"): {"remove"},
    ("point", "CanNotDelete"): {"remove"},
    ("point", "ReadOnly"): {"remove"},
    ("data disk", "CanNotDelete"): {"restore, old disks go"},
    ("data disk", "ReadOnly"): {"restore, old disks go"},
    ("group", "ReadOnly"): set(DOES),
    ("group", "CanNotDelete"): {"remove", "restore, old disks go", "without the data disk"},
    ("elsewhere", "ReadOnly"): set(),
}


@pytest.mark.slow
@pytest.mark.parametrize("does", DOES)
@pytest.mark.parametrize(("scope", "level"), STOPS)
def test_a_lock_stops_what_writes_to_what_it_lies_on(scope: str, level: str, does: str) -> None:
    """And nothing else: what is not refused beforehand the service does not refuse either."""
    lab = make_lab(compute_page_size=1)
    home = next(iter(lab.world.azure.collections.values()))
    kept = [disk for disk in home.points[0].disks if disk.attachment.lun is None]
    home.points.append(replace(home.points[0], name="os-only", disks=kept))
    within = f"/subscriptions/{lab.world.azure.subscription_id}/resourceGroups/rg-shop"
    plant_lock(lab.world.azure, {"level": "CanNotDelete", "name": "other", "scope": azure_vm(lab, "shop02").id})
    plant_lock(lab.world.azure, {"level": level, "name": "keep-it", "scope": f"{within}{SCOPES[scope]}"})
    run = checkpoint if does in ("create", "remove") else restore
    for check in (True, False):
        result = run(lab, check=check, **DOES[does])
        if does in STOPS[scope, level]:
            assert '"keep-it"' in failed(result, "vm_state")
            assert (result["error"]["retry"], lab.sent()) == ("never", [])
        else:
            assert done(result)["changed"] is True


@pytest.mark.parametrize("check", [True, False])
def test_a_hibernated_vm_cannot_be_restored_in_place(check: bool) -> None:
    """Azure refuses to attach, detach or change anything of it; a checkpoint may still be removed."""
    lab = make_lab()
    azure_vm(lab).power = "deallocated"

    def hibernate(vm: dict[str, Any]) -> None:
        vm["properties"]["instanceView"]["statuses"].append({"code": "HibernationState/Hibernated"})

    lab.through = lambda wire: Changed(wire, "/virtualMachines/shop01", hibernate)
    message = failed(restore(lab, check=check, power_after="off"), "vm_state")
    assert ("it is hibernated" in message, "Start the VM" in message, lab.sent()) == (True, True, [])
    assert done(checkpoint(lab, check=check, name="before", state="absent"))["changed"] is True


@pytest.mark.parametrize("check", [True, False])
def test_an_ephemeral_os_disk_cannot_be_restored_in_place(check: bool) -> None:
    """There is no disk to take its place; what a point holds of the VM does not change that."""
    lab = make_lab(document(os_disk={"kind": "ephemeral", "files": GOOD["os"]}))
    assert "its OS disk (shop01_OsDisk) is ephemeral" in failed(restore(lab, check=check), "vm_state")
    assert lab.sent() == []
    assert done(checkpoint(lab, check=check, name="before", state="absent"))["changed"] is True
