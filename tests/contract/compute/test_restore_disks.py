# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore in place and the disks: what is kept of each, which ones change, and which stay."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from simulator.azure.machines import move
from tests.contract.compute.azure_harness import (
    BROKEN,
    GOOD,
    azure_vm,
    disks,
    document,
    done,
    guest,
    make_lab,
    restore,
    spoil,
    verbs,
)
from tests.support.lab import Lab

KEY = (
    "/subscriptions/33333333-0000-4000-8000-000000000001/resourceGroups/rg-keys/providers/Microsoft.Compute/"
    "diskEncryptionSets/shop"
)
BY_KEY = {"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": KEY}


def _new(lab: Lab) -> dict[str, Any]:
    """The disks that the VM has now, by place."""
    azure = lab.world.azure
    return {
        "os" if held.lun is None else str(held.lun): azure.disks[held.disk.lower()]
        for held in azure_vm(lab).attachments()
    }


def test_zones_kind_size_and_system_are_kept() -> None:
    lab = make_lab()
    done(restore(lab))
    new = _new(lab)
    assert {disk.location for disk in new.values()} == {"westeurope"}
    assert [disk.zones for disk in new.values()] == [["1"], ["1"]]
    assert (new["os"].sku, new["0"].sku) == ("Premium_LRS", "StandardSSD_LRS")
    assert (new["os"].size_gb, new["0"].size_gb) == (30, 64)
    assert (new["os"].os_type, new["os"].generation) == ("Linux", "V2")


def test_without_zones_there_are_none() -> None:
    lab = make_lab(document(zones=[]))
    done(restore(lab))
    assert [disk.zones for disk in _new(lab).values()] == [[], []]
    bodies = [json.loads(request.content) for request in lab.sent("PUT", path="/disks/")]
    assert all("zones" not in body for body in bodies)


@pytest.mark.parametrize("sku", ["Premium_ZRS", "StandardSSD_ZRS"])
@pytest.mark.parametrize("gone", [False, True])
def test_a_zone_redundant_disk_takes_no_zones(sku: str, gone: bool) -> None:
    """Also where only the point tells its kind."""
    lab = make_lab(document(data_disks=[{"lun": 0, "files": GOOD["0"], "sku": sku, "zones": []}]))
    vm, azure = azure_vm(lab), lab.world.azure
    if gone:
        held = vm.data_disks[0].disk
        move(azure, vm, vm.os_disk, [])
        del azure.disks[held.lower()]
    done(restore(lab))
    new = _new(lab)
    assert [(disk.sku, disk.zones) for disk in new.values()] == [("Premium_LRS", ["1"]), (sku, [])]


def test_network_access_and_the_users_tags_are_those_of_the_old_disk() -> None:
    access = KEY.replace("diskEncryptionSets", "diskAccesses")
    closed = {"networkAccessPolicy": "AllowPrivate", "diskAccessId": access, "publicNetworkAccess": "Disabled"}
    data = {"lun": 0, "files": GOOD["0"], "extra": closed, "tags": {"owner": "shop", "Cost": "7"}}
    lab = make_lab(document(data_disks=[data]))
    for _time in range(2):  # the tags of a restore are not the user's
        done(restore(lab))
        new = _new(lab)["0"]
        assert {name: new.extra[name] for name in closed} == closed
        users = {name: value for name, value in new.tags.items() if not name.startswith("hybridvm-")}
        assert users == {"owner": "shop", "Cost": "7"}
        assert new.tags["hybridvm-restore-state"] == "done"
        assert len(new.tags) == 12


def test_tags_that_have_no_room_are_reported() -> None:
    lab = make_lab(document(data_disks=[{"lun": 0, "files": GOOD["0"], "tags": {f"t{n:02}": "x" for n in range(45)}}]))
    checked = done(restore(lab, check=True))
    result = done(restore(lab))
    assert len(_new(lab)["0"].tags) == 50
    (warning,) = [text for text in result["warnings"] if "no room" in text]
    assert "t40, t41, t42, t43, t44 of rg-shop/shop01_DataDisk_0" in warning
    assert warning in checked["warnings"]
    again = done(restore(lab))  # those of the first restore take no room of the user's
    assert not any("no room" in text for text in again["warnings"])
    assert sum(name.startswith("t") for name in _new(lab)["0"].tags) == 40


@pytest.mark.parametrize("os_type", ["Linux", "Windows"])
@pytest.mark.parametrize("generation", ["V1", "V2"])
def test_the_system_of_the_vm(os_type: str, generation: str) -> None:
    lab = make_lab(document(os_type=os_type, generation=generation))
    done(restore(lab))
    assert (_new(lab)["os"].os_type, _new(lab)["os"].generation) == (os_type, generation)


def test_caching_and_what_becomes_of_the_disk_are_kept() -> None:
    data = {"lun": 3, "caching": "ReadOnly", "write_accelerator": True, "files": GOOD["0"]}
    lab = make_lab(document(data_disks=[data], os_disk={"caching": "ReadWrite", "files": GOOD["os"]}))
    done(restore(lab))
    os_disk, data_disk = azure_vm(lab).attachments()
    assert (os_disk.lun, os_disk.caching, os_disk.delete_option) == (None, "ReadWrite", "Detach")
    assert (data_disk.lun, data_disk.caching, data_disk.write_accelerator) == (3, "ReadOnly", True)


def test_encryption_with_a_customers_key_is_given_again() -> None:
    data = {"lun": 0, "files": GOOD["0"], "encryption": BY_KEY}
    lab = make_lab(document(data_disks=[data]))
    done(restore(lab))
    new = _new(lab)
    assert new["0"].encryption == BY_KEY
    assert new["os"].encryption == {"type": "EncryptionAtRestWithPlatformKey"}


def test_the_new_disks_say_what_they_are_for() -> None:
    lab = make_lab()
    done(restore(lab))
    for disk in _new(lab).values():
        tags = {name.removeprefix("hybridvm-restore-"): value for name, value in disk.tags.items()}
        assert tags["point"] == "checkpoints-shop01/before"
        assert tags["power"] == "on"
        assert tags["run"] in disk.name
        assert tags["replaces"].startswith("rg-shop/shop01_")
        assert tags["state"] == "done"


def test_a_disk_that_the_point_leaves_out_stays() -> None:
    lab = make_lab(point=False)
    vm = azure_vm(lab)
    done(lab.run("restore_point_collection", name="checkpoints-shop01", resource_group="rg-shop", source=lab.azure_vm))
    done(
        lab.run(
            "restore_point",
            name="before",
            collection="checkpoints-shop01",
            resource_group="rg-shop",
            exclude_disks=["lun0"],
        )
    )
    spoil(lab)
    for check in (True, False):
        result = done(restore(lab, check=check))
        assert any("lun0" in text and "stays as it is" in text for text in result["warnings"])
        assert not any("lun0" in verb for verb in verbs(result))
    assert vm.data_disks[0].name == "shop01_DataDisk_0"
    assert guest(lab) == {"os": {**GOOD["os"], **_rest(lab)}, "0": BROKEN["0"]}


def _rest(lab: Lab) -> dict[str, str]:
    return {name: text for name, text in guest(lab)["os"].items() if name not in GOOD["os"]}


def test_a_disk_that_was_added_since_stays() -> None:
    lab = make_lab()
    vm, azure = azure_vm(lab), lab.world.azure
    azure.add_disk(
        replace(azure.disks[vm.data_disks[0].disk.lower()], id=azure.resource_id("disks", "extra"), owners=[])
    )
    extra = replace(vm.data_disks[0], disk=azure.resource_id("disks", "extra"), name="extra", lun=7, caching="ReadOnly")
    move(azure, vm, vm.os_disk, [*vm.data_disks, extra])
    result = done(restore(lab))
    assert any("lun7" in text for text in result["warnings"])
    assert [(held.lun, held.caching) for held in vm.data_disks] == [(0, "None"), (7, "ReadOnly")]
    assert vm.data_disks[1].name == "extra"
    assert guest(lab)["os"] == GOOD["os"]
    assert guest(lab)["0"] == GOOD["0"]


def test_a_disk_that_is_gone_comes_back() -> None:
    """Its kind is read from the point then."""
    lab = make_lab()
    vm = azure_vm(lab)
    gone = vm.data_disks[0].disk
    move(lab.world.azure, vm, vm.os_disk, [])
    del lab.world.azure.disks[gone.lower()]
    done(restore(lab, old_disks="delete"))
    assert guest(lab) == GOOD
    assert _new(lab)["0"].sku == "StandardSSD_LRS"
    assert "shop01_OsDisk" not in disks(lab)


def test_many_data_disks() -> None:
    luns = [0, 1, 5, 12, 63]
    data = [{"lun": lun, "files": {"/data": f"{lun}\n"}} for lun in luns]
    lab = make_lab(document(data_disks=data))
    done(restore(lab))
    assert [held.lun for held in azure_vm(lab).data_disks] == luns
    assert all(guest(lab)[str(lun)] == {"/data": f"{lun}\n"} for lun in luns)


def test_long_names() -> None:
    compute = document(name="a" * 64)
    compute["collections"] = [{**compute["collections"][0], "source": "a" * 64, "name": f"checkpoints-{'a' * 64}"}]
    lab = make_lab(point=False, compute=compute)
    vm = azure_vm(lab, "a" * 64)
    lab.run("vm_checkpoint", vm=vm.id, name="before")
    result = done(lab.run("vm_checkpoint_restore", vm=vm.id, name="before"))
    assert result["changed"] is True
    assert all(len(held.name) <= 80 for held in vm.attachments())
