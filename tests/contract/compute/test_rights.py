# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only a new resource needs: a VM that is gone or may not be read is no obstacle to what exists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.shop import HOME, bench, bodies, collection, document, done, failed, names, point, shop
from tests.support.bench import Bench

DES = (
    "/subscriptions/33333333-0000-4000-8000-000000000001/resourceGroups/rg-keys/providers/Microsoft.Compute/"
    "diskEncryptionSets/shop"
)


def _deleted(made: Bench) -> Bench:
    made.world.azure.vms.pop(shop(made).id.lower())
    return made


def _unreadable(made: Bench, path: str = "virtualMachines/shop01") -> Bench:
    made.world.faults.add(kind="status", status=403, method="GET", path=path, count=None)
    return made


@pytest.mark.parametrize("hide", [_deleted, _unreadable])
@pytest.mark.parametrize("check", [True, False])
def test_an_existing_point_needs_no_vm(hide: Any, check: bool) -> None:
    made = bench()
    done(point(made, exclude_disks=["lun0"]))
    hide(made)
    for options in ({}, {"exclude_disks": ["lun0"]}, {"exclude_disks": ["SHOP01_DataDisk_0"]}):
        result = done(point(made, check=check, **options))
        assert (result["changed"], "drift" in result, result["warnings"]) == (False, False, [])
    assert done(point(made, check=check, exclude_disks=["os"]))["drift"][0]["field"] == "exclude_disks"
    gone = done(point(made, check=check, state="absent"))
    assert (gone["changed"], names(made)) == (True, ["before", "new"] if check else ["before"])


def test_an_existing_copy_needs_no_source() -> None:
    made = bench()
    source = made.world.azure.resource_id("restorePointCollections", HOME)
    done(collection(made, name="copies", source=source, location="northeurope"))
    copy: dict[str, Any] = {"name": "copy", "collection": "copies", "source_restore_point": "before"}
    done(point(made, **copy))
    done(collection(made, state="absent", force=True))
    assert done(point(made, **copy))["changed"] is False
    message = failed(point(made, **{**copy, "name": "other"}), "not_found")
    assert "source collection" in message


@pytest.mark.parametrize("check", [True, False])
def test_a_new_point_needs_it(check: bool) -> None:
    made = _deleted(bench())
    message = failed(point(made, check=check), "not_found")
    assert "virtualMachines/shop01 does not exist" in message
    assert made.sent() == []


def test_who_may_not_read_the_vm_may_make_points_all_the_same() -> None:
    made = _unreadable(bench())
    told = ["restore point new: its VM may not be read, so nothing could be checked beforehand."]
    for check in (True, False):
        result = done(point(made, check=check))
        assert (result["changed"], result["warnings"]) == (True, told)


def test_without_the_vm_disks_are_named_by_id_and_by_place() -> None:
    made = _unreadable(bench())
    disk = made.world.azure.resource_id("disks", "shop01_DataDisk_0")
    sets = [{"disk": place, "id": DES, "type": "EncryptionAtRestWithCustomerKey"} for place in ("os",)]
    done(point(made, exclude_disks=[disk], encryption_sets=sets))
    properties = bodies(made)[0]["properties"]
    assert properties["excludeDisks"] == [{"id": disk.lower()}]
    assert list(properties["sourceMetadata"]["storageProfile"]) == ["osDisk"]
    done(point(made, name="second", encryption_sets=[{**sets[0], "disk": "0"}]))
    assert bodies(made)[1]["properties"]["sourceMetadata"]["storageProfile"]["dataDisks"][0]["lun"] == 0
    assert "excludeDisks" not in bodies(made)[1]["properties"]
    for options, name in (
        ({"exclude_disks": ["lun0"]}, "lun0"),
        ({"encryption_sets": [{**sets[0], "disk": "shop01_OsDisk"}]}, "shop01_OsDisk"),
    ):
        message = failed(point(made, name="third", **options), "forbidden")
        assert f"To find {name} the VM must be read" in message
    assert len(made.sent()) == 2


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("disks", "places", "told"),
    [
        (["{disk}", " {DISK} "], [], "exclude_disks: {DISK} is named twice"),
        ([], ["lun0", "0"], "encryption_sets: 0 is named twice"),
        ([], ["LUN7", "lun007"], "encryption_sets: lun007 is named twice"),
        ([], ["os", " OS"], "encryption_sets: OS is named twice"),
        (["/nonsense?x=1#"], [], "exclude_disks"),
        (["{disk}/../x"], [], "exclude_disks"),
        ([DES], [], "exclude_disks: is the id of one of Microsoft.Compute/diskEncryptionSets"),
    ],
)
def test_what_needs_no_vm_is_checked_without_it_too(
    disks: list[str], places: list[str], told: str, check: bool
) -> None:
    made = _unreadable(bench())
    disk = made.world.azure.resource_id("disks", "shop01_DataDisk_0")

    def filled(text: str) -> str:
        return text.format(disk=disk, DISK=disk.upper())

    sets = [{"disk": place, "id": DES, "type": "EncryptionAtRestWithCustomerKey"} for place in places]
    given = {"exclude_disks": [filled(each) for each in disks], "encryption_sets": sets}
    assert filled(told) in failed(point(made, check=check, **given), "invalid_input")
    assert made.sent() == []


def test_the_digest_is_one_whether_the_vm_may_be_read_or_not() -> None:
    """Who approves a plan need not have the rights of who carries it out."""
    disks = [bench().world.azure.resource_id("disks", f"shop01_DataDisk_{number}") for number in (0, 1)]
    sets = [
        {"disk": place, "id": key, "type": "EncryptionAtRestWithCustomerKey"}
        for place, key in (("LUN2", DES), ("os", DES.upper()))
    ]
    more = [{"lun": lun} for lun in (0, 1, 2)]

    def digest(made: Bench, excluded: list[str], encrypted: list[dict[str, str]]) -> str:
        plan = done(point(made, check=True, exclude_disks=excluded, encryption_sets=encrypted))["plan"]
        return str(plan["digest"])

    found = digest(bench(document(data_disks=more)), ["lun0", "shop01_DataDisk_1"], sets)
    for excluded, encrypted in ((disks, sets), ([disks[1].upper(), f" {disks[0]}"], sets[::-1])):
        for prepare in (lambda made: made, _unreadable):
            assert digest(prepare(bench(document(data_disks=more))), excluded, encrypted) == found


@pytest.mark.parametrize("check", [True, False])
def test_a_collection_whose_source_may_not_be_read(check: bool) -> None:
    made = _unreadable(bench(point=False))
    message = failed(collection(made, check=check, source=made.azure_vm), "forbidden")
    assert "Set location" in message
    result = done(collection(made, check=check, source=made.azure_vm, location="westeurope"))
    assert (result["changed"], len(result["warnings"])) == (True, 1)
    assert "may not be read" in result["warnings"][0]


def test_copies_from_a_collection_that_may_not_be_read() -> None:
    made = bench()
    source = made.world.azure.resource_id("restorePointCollections", HOME)
    _unreadable(made, f"restorePointCollections/{HOME}")
    made_for = done(collection(made, name="copies", source=source, location="northeurope"))
    copied = done(point(made, name="copy", collection="copies", source_restore_point="before"))
    assert [len(each["warnings"]) for each in (made_for, copied)] == [1, 1]


def test_a_collection_that_exists_needs_no_source() -> None:
    made = _deleted(bench())
    assert done(collection(made, source=made.world.azure.resource_id("virtualMachines", "shop01")))["changed"] is False
    assert done(collection(made, tags={"a": "b"}))["changed"] is True
    assert done(collection(made, state="absent", force=True))["changed"] is True
