# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a new resource needs: a VM that is gone or may not be read is no obstacle to what exists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    HOME,
    azure_vm,
    bodies,
    collection,
    document,
    done,
    failed,
    make_lab,
    names,
    point,
)
from tests.support.lab import Lab

DES = (
    "/subscriptions/33333333-0000-4000-8000-000000000001/resourceGroups/rg-keys/providers/Microsoft.Compute/"
    "diskEncryptionSets/shop"
)


def _deleted(lab: Lab) -> Lab:
    lab.world.azure.vms.pop(azure_vm(lab).id.lower())
    return lab


def _unreadable(lab: Lab, path: str = "virtualMachines/shop01") -> Lab:
    lab.world.faults.add(kind="status", status=403, method="GET", path=path, count=None)
    return lab


@pytest.mark.parametrize("hide", [_deleted, _unreadable])
@pytest.mark.parametrize("check", [True, False])
def test_an_existing_point_needs_no_vm(hide: Any, check: bool) -> None:
    lab = make_lab()
    done(point(lab, exclude_disks=["lun0"]))
    hide(lab)
    for options in ({}, {"exclude_disks": ["lun0"]}, {"exclude_disks": ["SHOP01_DataDisk_0"]}):
        result = done(point(lab, check=check, **options))
        assert (result["changed"], "drift" in result, result["warnings"]) == (False, False, [])
    assert done(point(lab, check=check, exclude_disks=["os"]))["drift"][0]["field"] == "exclude_disks"
    gone = done(point(lab, check=check, state="absent"))
    assert (gone["changed"], names(lab)) == (True, ["before", "new"] if check else ["before"])


def test_an_existing_copy_needs_no_source() -> None:
    lab = make_lab()
    source = lab.world.azure.resource_id("restorePointCollections", HOME)
    done(collection(lab, name="copies", source=source, location="northeurope"))
    copy: dict[str, Any] = {"name": "copy", "collection": "copies", "source_restore_point": "before"}
    done(point(lab, **copy))
    done(collection(lab, state="absent", force=True))
    assert done(point(lab, **copy))["changed"] is False
    message = failed(point(lab, **{**copy, "name": "other"}), "not_found")
    assert "source collection" in message


@pytest.mark.parametrize("check", [True, False])
def test_a_new_point_needs_it(check: bool) -> None:
    lab = _deleted(make_lab())
    message = failed(point(lab, check=check), "not_found")
    assert "virtualMachines/shop01 does not exist" in message
    assert lab.sent() == []


def test_who_may_not_read_the_vm_may_make_points_all_the_same() -> None:
    lab = _unreadable(make_lab())
    unchecked = ["restore point new: its VM may not be read, so nothing could be checked beforehand."]
    for check in (True, False):
        result = done(point(lab, check=check))
        assert (result["changed"], result["warnings"]) == (True, unchecked)


def test_without_the_vm_disks_are_named_by_id() -> None:
    lab = _unreadable(make_lab())
    disk = lab.world.azure.resource_id("disks", "shop01_DataDisk_0")
    sets = [{"disk": place, "id": DES, "type": "EncryptionAtRestWithCustomerKey"} for place in ("os",)]
    done(point(lab, exclude_disks=[disk], encryption_sets=sets))
    properties = bodies(lab)[0]["properties"]
    assert properties["excludeDisks"] == [{"id": disk.lower()}]
    assert list(properties["sourceMetadata"]["storageProfile"]) == ["osDisk"]
    done(point(lab, name="second", encryption_sets=[{**sets[0], "disk": disk.upper()}]))
    encrypted = bodies(lab)[1]["properties"]["sourceMetadata"]["storageProfile"]["dataDisks"][0]
    assert encrypted["managedDisk"] == {"id": disk.lower()}
    assert "excludeDisks" not in bodies(lab)[1]["properties"]
    for options, name in (
        ({"exclude_disks": ["lun0"]}, "lun0"),
        ({"encryption_sets": [{**sets[0], "disk": "shop01_OsDisk"}]}, "shop01_OsDisk"),
        ({"encryption_sets": [{**sets[0], "disk": "lun0"}]}, "lun0"),
    ):
        message = failed(point(lab, name="third", **options), "forbidden")
        assert f"To find {name} the VM must be read" in message
    assert len(lab.sent()) == 2


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("disks", "places", "expected"),
    [
        (["{disk}", " {DISK} "], [], "exclude_disks: {DISK} is named twice"),
        ([], ["{disk}", " {DISK}"], "encryption_sets: {DISK} is named twice"),
        ([], ["os", " OS"], "encryption_sets: OS is named twice"),
        (["/nonsense?x=1#"], [], "exclude_disks"),
        (["{disk}/../x"], [], "exclude_disks"),
        ([DES], [], "exclude_disks: is the id of one of Microsoft.Compute/diskEncryptionSets"),
    ],
)
def test_what_needs_no_vm_is_checked_without_it_too(
    disks: list[str], places: list[str], expected: str, check: bool
) -> None:
    lab = _unreadable(make_lab())
    disk = lab.world.azure.resource_id("disks", "shop01_DataDisk_0")

    def filled(text: str) -> str:
        return text.format(disk=disk, DISK=disk.upper())

    sets = [{"disk": filled(place), "id": DES, "type": "EncryptionAtRestWithCustomerKey"} for place in places]
    given = {"exclude_disks": [filled(each) for each in disks], "encryption_sets": sets}
    assert filled(expected) in failed(point(lab, check=check, **given), "invalid_input")
    assert lab.sent() == []


def test_the_digest_is_one_whether_the_vm_may_be_read_or_not() -> None:
    """Who approves a plan need not have the rights of who carries it out."""
    disks = [make_lab().world.azure.resource_id("disks", f"shop01_DataDisk_{number}") for number in (0, 1, 2)]
    sets = [
        {"disk": place, "id": key, "type": "EncryptionAtRestWithCustomerKey"}
        for place, key in ((disks[2].upper(), DES), ("os", DES.upper()))
    ]
    more = [{"lun": lun} for lun in (0, 1, 2)]

    def digest(lab: Lab, excluded: list[str], encrypted: list[dict[str, str]]) -> str:
        plan = done(point(lab, check=True, exclude_disks=excluded, encryption_sets=encrypted))["plan"]
        return str(plan["digest"])

    found = digest(make_lab(document(data_disks=more)), ["lun0", "shop01_DataDisk_1"], sets)
    for excluded, encrypted in ((disks[:2], sets), ([disks[1].upper(), f" {disks[0]}"], sets[::-1])):
        for prepare in (lambda lab: lab, _unreadable):
            assert digest(prepare(make_lab(document(data_disks=more))), excluded, encrypted) == found


@pytest.mark.parametrize("check", [True, False])
def test_a_collection_whose_source_may_not_be_read(check: bool) -> None:
    lab = _unreadable(make_lab(point=False))
    message = failed(collection(lab, check=check, source=lab.azure_vm), "forbidden")
    assert "Set location" in message
    result = done(collection(lab, check=check, source=lab.azure_vm, location="westeurope"))
    assert (result["changed"], len(result["warnings"])) == (True, 1)
    assert "may not be read" in result["warnings"][0]


def test_copies_from_a_collection_that_may_not_be_read() -> None:
    lab = make_lab()
    source = lab.world.azure.resource_id("restorePointCollections", HOME)
    _unreadable(lab, f"restorePointCollections/{HOME}")
    made_for = done(collection(lab, name="copies", source=source, location="northeurope"))
    copied = done(point(lab, name="copy", collection="copies", source_restore_point="before"))
    assert [len(each["warnings"]) for each in (made_for, copied)] == [1, 1]


def test_a_collection_that_exists_needs_no_source() -> None:
    lab = _deleted(make_lab())
    assert done(collection(lab, source=lab.world.azure.resource_id("virtualMachines", "shop01")))["changed"] is False
    assert done(collection(lab, tags={"a": "b"}))["changed"] is True
    assert done(collection(lab, state="absent", force=True))["changed"] is True
