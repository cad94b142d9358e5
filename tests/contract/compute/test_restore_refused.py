# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a swap of disks is documented to refuse is refused by the plan of a restore in place, with the VM left on."""

from __future__ import annotations

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
    jobs,
    kill_at,
    killed,
    make_lab,
    point,
    points,
    restore,
    revive,
)
from tests.support.lab import Lab
from tests.support.wire import Killed

SWAP = "OSDiskSwapNotSupportedForVMsUsingDiskEncryption"
checks = pytest.mark.parametrize("check", [True, False])


def _encrypted(where: str) -> dict[str, Any]:
    if where == "data":
        return document(data_disks=[{"lun": 0, "files": GOOD["0"], "ade": "disk"}])
    return document(os_disk={"files": GOOD["os"], "ade": where})


@checks
@pytest.mark.parametrize("safety", [True, False])
@pytest.mark.parametrize("where", ["vm", "disk", "data"])
def test_a_vm_with_azure_disk_encryption(where: str, safety: bool, check: bool) -> None:
    """As the VM shows it, the OS disk, or a data disk alone; a new point is made all the same."""
    lab = make_lab(_encrypted(where))
    message = failed(restore(lab, check=check, safety_checkpoint=safety), "vm_state")
    assert SWAP in message
    assert "create a VM" in message
    assert "Nothing was changed" in message
    assert (lab.sent(), azure_vm(lab).power) == ([], "running")
    assert done(checkpoint(lab, check=check, name="new"))["changed"] is True
    assert done(point(lab, check=check, name="more"))["changed"] is True


def _encrypt(lab: Lab) -> None:
    azure_vm(lab).os_disk.encryption_settings = True


@checks
def test_an_interrupted_restore_of_a_vm_that_was_encrypted_since(check: bool) -> None:
    """Its disks are there; what is left of it would still be refused at the swap."""
    lab = make_lab()
    killed(lab, 3, "watch")
    assert jobs(lab, "disk") == 2
    _encrypt(lab)
    writes = lab.writes()
    assert SWAP in failed(restore(lab, check=check), "vm_state")
    assert (lab.writes(), azure_vm(lab).power) == (writes, "running")


def test_a_vm_that_is_on_its_new_disks_is_not_left_off() -> None:
    lab = make_lab()
    kill_at(lab, 6, "watch")
    with pytest.raises(Killed):
        restore(lab)
    revive(lab)
    assert azure_vm(lab).power == "deallocated"
    _encrypt(lab)
    done(restore(lab))
    assert azure_vm(lab).power == "running"


@checks
def test_a_point_of_a_time_when_its_disks_were_encrypted(check: bool) -> None:
    """The VM holds no key for what would be on its disks."""
    lab = make_lab(_encrypted("vm"))
    vm = azure_vm(lab)
    vm.os_disk.encryption_settings = False
    lab.world.azure.disks[vm.os_disk.disk.lower()].extra.clear()
    message = failed(restore(lab, check=check), "vm_state")
    assert "restore point before" in message
    assert "Azure Disk Encryption" in message
    assert lab.sent() == []


@checks
@pytest.mark.parametrize(
    ("members", "expected"),
    [({"os_type": "Windows"}, "holds a Linux disk, and the VM runs Windows"), ({"generation": "V1"}, "generation V2")],
)
def test_a_vm_of_another_system_than_the_points(members: dict[str, Any], expected: str, check: bool) -> None:
    """A VM that was made anew under the name."""
    lab = make_lab()
    vm = azure_vm(lab)
    disk = lab.world.azure.disks[vm.os_disk.disk.lower()]
    for name, value in members.items():
        setattr(vm, name, value)
        setattr(disk, name, value)
    message = failed(restore(lab, check=check), "vm_state")
    assert expected in message
    assert lab.sent() == []


@checks
def test_an_unmanaged_disk_is_not_swapped(check: bool) -> None:
    lab = make_lab()
    lab.world.azure.disks[azure_vm(lab).os_disk.disk.lower()].kind = "unmanaged"
    assert "unmanaged" in failed(restore(lab, check=check), "vm_state")
    assert lab.sent() == []


def test_encryption_at_rest_is_no_obstacle() -> None:
    """Azure Disk Encryption that was disabled again, too."""
    lab = make_lab()
    for disk in lab.world.azure.disks.values():
        disk.extra["encryptionSettingsCollection"] = {"enabled": False}
    done(restore(lab))


@checks
def test_without_points_of_it_no_lock_is_named(check: bool) -> None:
    """What can never be done is reported before what may be tried again later."""
    lab = make_lab(_encrypted("disk"))
    plant_lock(lab.world.azure, {"level": "ReadOnly", "name": "hands-off"})
    assert SWAP in failed(restore(lab, check=check), "vm_state")
    assert len(points(lab)) == 1
