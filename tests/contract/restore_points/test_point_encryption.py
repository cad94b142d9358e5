# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encryption sets of a restore point: for which disk, named how, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    bodies,
    checkpoint,
    done,
    failed,
    make_lab,
    point,
)
from tests.support.lab import Lab

DES = (
    "/subscriptions/33333333-0000-4000-8000-000000000001/resourceGroups/rg-keys/providers/Microsoft.Compute/"
    "diskEncryptionSets/shop"
)


def _disk(lab: Lab, name: str) -> str:
    return lab.world.azure.resource_id("disks", name)


def test_encryption_sets_on_the_wire() -> None:
    lab = make_lab()
    sets = [
        {"disk": "os", "id": DES, "type": "EncryptionAtRestWithCustomerKey"},
        {"disk": "shop01_DataDisk_0", "id": DES, "type": "EncryptionAtRestWithPlatformAndCustomerKeys"},
    ]
    done(point(lab, encryption_sets=sets))
    first, second = sets[0]["type"], sets[1]["type"]
    assert bodies(lab)[0]["properties"]["sourceMetadata"]["storageProfile"] == {
        "osDisk": {"diskRestorePoint": {"encryption": {"type": first, "diskEncryptionSet": {"id": DES}}}},
        "dataDisks": [
            {
                "managedDisk": {"id": _disk(lab, "shop01_DataDisk_0").lower()},
                "diskRestorePoint": {"encryption": {"type": second, "diskEncryptionSet": {"id": DES}}},
            }
        ],
    }
    old = failed(point(lab, name="x", encryption_sets=sets, compute_api_version="2022-11-01"), "invalid_input")
    assert "2023-03-01" in old


@pytest.mark.parametrize("disk", ["nope", "lun7", "lunx"])
def test_an_encryption_set_for_a_disk_that_is_not_there(disk: str) -> None:
    lab = make_lab()
    sets = [{"disk": disk, "id": DES, "type": "EncryptionAtRestWithCustomerKey"}]
    failed(point(lab, encryption_sets=sets), "invalid_input")
    assert lab.sent() == []


@pytest.mark.parametrize(("disk", "options"), [("LUN0", {}), ("os", {"exclude_disks": ["os"]})])
def test_an_encryption_set_twice_or_for_an_excluded_disk(disk: str, options: dict[str, Any]) -> None:
    lab = make_lab()
    sets = [{"disk": each, "id": DES, "type": "EncryptionAtRestWithCustomerKey"} for each in ("lun0", disk)]
    failed(point(lab, encryption_sets=sets, **options), "invalid_input")
    assert lab.sent() == []


def test_an_encryption_set_by_id_in_any_case() -> None:
    lab = make_lab()
    sets = [{"disk": _disk(lab, "SHOP01_datadisk_0").upper(), "id": DES, "type": "EncryptionAtRestWithCustomerKey"}]
    done(point(lab, encryption_sets=sets))
    assert bodies(lab)[0]["properties"]["sourceMetadata"]["storageProfile"]["dataDisks"][0]["managedDisk"] == {
        "id": _disk(lab, "shop01_DataDisk_0").lower()
    }


def test_an_existing_point_that_is_encrypted_otherwise() -> None:
    """A point cannot be changed: that a disk in it has another key than was asked for does not pass in silence."""
    lab = make_lab()
    kind = "EncryptionAtRestWithCustomerKey"
    done(point(lab, encryption_sets=[{"disk": "os", "id": DES, "type": kind}]))
    same = {"disk": "SHOP01_osdisk", "id": DES.upper(), "type": kind}
    assert "drift" not in done(point(lab, encryption_sets=[same]))
    for other in (
        {"disk": "os", "id": f"{DES}-2", "type": kind},
        {"disk": "os", "id": DES, "type": "EncryptionAtRestWithPlatformAndCustomerKeys"},
        {"disk": "lun0", "id": DES, "type": kind},
    ):
        result = done(point(lab, encryption_sets=[other]))
        (differs,) = result["drift"]
        assert (result["changed"], differs["field"], differs["desired"]) == (False, "encryption_sets", [other])
        assert [each["disk"] for each in differs["actual"]] == [other["disk"]]
        assert "encryption_sets is not as asked for" in result["warnings"][0]
    assert len(lab.sent()) == 1


@pytest.mark.parametrize("check", [True, False])
def test_a_key_of_the_source_that_a_point_does_not_take_over(check: bool) -> None:
    """A disk's own encryption is not carried over to a point unless it is given again (documented)."""
    lab = make_lab()
    for disk in lab.world.azure.disks.values():
        if disk.name.startswith("shop01"):
            disk.encryption = {"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSetId": DES}
    for made in (checkpoint(lab, name="x", check=check), point(lab, name="y", check=check)):
        (warning,) = [text for text in done(made)["warnings"] if "encrypt" in text]
        assert "os, lun0 are encrypted with a customer-managed key, and the new restore point will not be" in warning
        assert "restore_point with encryption_sets" in warning
    lab.advance(3600)
    sets = [{"disk": disk, "id": DES} for disk in ("os", "lun0")]
    assert done(point(lab, name="z", check=check, encryption_sets=sets))["warnings"] == []
    (left,) = done(point(lab, name="w", check=check, encryption_sets=sets[:1]))["warnings"]
    assert "lun0 is encrypted with a customer-managed key" in left
