# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that a restore makes keeps what the replaced one was set to; what it cannot keep stands in the plan."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.azure.machines import move
from tests.contract.compute.azure_harness import GOOD, azure_vm, bodies, document, done, make_lab, restore
from tests.support.lab import Lab, Result

PREMIUM: dict[str, Any] = {
    "tier": "P50",
    "burstingEnabled": True,
    "dataAccessAuthMode": "AzureActiveDirectory",
    "optimizedForFrequentAttach": True,
    "availabilityPolicy": {"actionOnDiskDelay": "AutomaticReattach"},
}
DIRECT: dict[str, Any] = {"diskIOPSReadWrite": 5000, "diskMBpsReadWrite": 200}
SYSTEM: dict[str, Any] = {
    "supportsHibernation": True,
    "purchasePlan": {"name": "n", "publisher": "p", "product": "q"},
    "supportedCapabilities": {"acceleratedNetwork": True, "diskControllerTypes": "SCSI, NVMe", "architecture": "x64"},
    "securityProfile": {"securityType": "TrustedLaunch"},
}


def _make_lab(properties: dict[str, Any], *, size_gb: int = 64, sku: str = "Premium_LRS", os: bool = False) -> Lab:
    disk = {"sku": sku, "size_gb": size_gb, "properties": properties}
    if os:
        return make_lab(document(os_disk={"files": GOOD["os"], **disk}))
    return make_lab(document(data_disks=[{"lun": 0, "files": GOOD["0"], **disk}]))


def _warnings(result: Result, part: str = "will not have") -> list[str]:
    return [text for text in done(result)["warnings"] if part in text]


def _restored(lab: Lab, *, os: bool = False) -> tuple[Any, list[str]]:
    """The disk that the VM has after it, and what check mode and the run alike have reported that it lacks."""
    checked = _warnings(restore(lab, check=True))
    assert _warnings(restore(lab)) == checked
    vm = azure_vm(lab)
    held = vm.os_disk if os else vm.data_disks[0]
    return lab.world.azure.disks[held.disk.lower()], checked


@pytest.mark.parametrize("sku", ["Premium_LRS", "Premium_ZRS"])
def test_a_premium_disk(sku: str) -> None:
    lab = _make_lab(PREMIUM, size_gb=1024, sku=sku)
    for _time in range(2):
        disk, lacks = _restored(lab)
        assert lacks == []
        assert {name: disk.extra.get(name) for name in PREMIUM} == PREMIUM


@pytest.mark.parametrize("sku", ["UltraSSD_LRS", "PremiumV2_LRS"])
def test_a_disk_whose_performance_is_set(sku: str) -> None:
    shared = {"maxShares": 2, "diskIOPSReadOnly": 100, "diskMBpsReadOnly": 10}
    lab = _make_lab({**DIRECT, **shared}, sku=sku)
    disk, lacks = _restored(lab)
    assert (lacks, disk.max_shares) == ([], 2)
    assert {**DIRECT, "diskIOPSReadOnly": 100, "diskMBpsReadOnly": 10}.items() <= disk.extra.items()


def test_the_system_disk() -> None:
    lab = _make_lab({**SYSTEM, "dataAccessAuthMode": "AzureActiveDirectory"}, os=True)
    disk, lacks = _restored(lab, os=True)
    assert lacks == []
    assert {**SYSTEM, "dataAccessAuthMode": "AzureActiveDirectory"}.items() <= disk.extra.items()


def test_performance_plus_is_given_at_the_creation() -> None:
    lab = _make_lab({}, size_gb=1024)
    lab.world.azure.disks[azure_vm(lab).data_disks[0].disk.lower()].creation["performancePlus"] = True
    disk, lacks = _restored(lab)
    assert (disk.creation.get("performancePlus"), lacks) == (True, [])


@pytest.mark.parametrize(
    ("sku", "size_gb", "properties", "expected"),
    [
        ("StandardSSD_LRS", 64, {"tier": "P30"}, "tier P30 (only Premium SSD takes it)"),
        (
            "Premium_LRS",
            64,
            {"burstingEnabled": True},
            "burstingEnabled (only Premium SSD of more than 512 GiB takes it)",
        ),
        ("StandardSSD_LRS", 1024, {"burstingEnabled": True}, "burstingEnabled (only"),
        ("Premium_LRS", 64, {"diskIOPSReadWrite": 5000}, "diskIOPSReadWrite 5000 (follows from its size and tier"),
        ("StandardSSD_LRS", 64, {"diskMBpsReadWrite": 750}, "diskMBpsReadWrite 750 (follows"),
        ("Standard_LRS", 64, {"maxShares": 2}, "maxShares 2 (Standard HDD takes none)"),
        ("PremiumV2_LRS", 64, {"newSetting": {"a": 1}}, "newSetting (not known to this collection)"),
    ],
)
def test_what_cannot_be_kept_is_reported(sku: str, size_gb: int, properties: dict[str, Any], expected: str) -> None:
    lab = _make_lab(properties, sku=sku, size_gb=size_gb)
    disk, warnings = _restored(lab)
    (warning,) = warnings
    assert expected in warning
    assert "rg-shop/shop01_DataDisk_0" in warning
    assert not properties.keys() & disk.extra.keys()


@pytest.mark.parametrize(
    ("sku", "properties"),
    [
        ("Premium_LRS", {"tier": "P6", "diskIOPSReadWrite": 240, "diskMBpsReadWrite": 50, "burstingEnabled": False}),
        ("StandardSSD_LRS", {"tier": "E6", "diskIOPSReadWrite": 500, "diskMBpsReadWrite": 100, "maxShares": 1}),
        ("Standard_LRS", {"tier": "S6", "diskIOPSReadWrite": 500, "diskMBpsReadWrite": 60}),
        (
            "Premium_LRS",
            {"dataAccessAuthMode": "None", "shareInfo": [], "LastOwnershipUpdateTime": "2026-11-01T00:00Z"},
        ),
    ],
)
def test_what_azure_shows_of_every_disk_is_not_reported(sku: str, properties: dict[str, Any]) -> None:
    assert _restored(_make_lab(properties, sku=sku))[1] == []


def test_a_disk_that_has_grown_since() -> None:
    """Its size is the point's own. What follows from the larger one is not asked of the smaller."""
    lab = _make_lab({"tier": "P6"})
    disk = lab.world.azure.disks[azure_vm(lab).data_disks[0].disk.lower()]
    disk.size_gb, disk.extra["tier"], disk.extra["diskIOPSReadWrite"] = 1024, "P30", 5000
    (warning,) = _warnings(restore(lab, check=True), "GiB")
    assert "has 64 GiB" in warning
    assert "has 1024 GiB" in warning
    new, lost = _restored(lab)
    assert (new.size_gb, "tier" in new.extra, lost) == (64, False, [])


def test_a_change_of_tier_under_way_counts() -> None:
    lab = _make_lab({"tier": "P10", "propertyUpdatesInProgress": {"targetTier": "P20"}})
    disk, lacks = _restored(lab)
    assert (disk.extra["tier"], lacks) == ("P20", [])


@pytest.mark.parametrize("now", ["PremiumV2_LRS", "UltraSSD_LRS", "shared"])
def test_a_disk_that_cannot_be_cached_any_more(now: str) -> None:
    """The point knows its caching from before; with that Azure would refuse the swap."""
    data = {"lun": 0, "files": GOOD["0"], "caching": "ReadOnly", "sku": "Premium_LRS"}
    lab = make_lab(document(data_disks=[data]))
    held = azure_vm(lab).data_disks[0]
    disk = lab.world.azure.disks[held.disk.lower()]
    held.caching = "None"
    if now == "shared":
        disk.max_shares = 2
    else:
        disk.sku = now
    done(restore(lab))
    assert azure_vm(lab).data_disks[0].caching == "None"


def test_other_vms_of_a_shared_disk_stay_on_the_old_one() -> None:
    lab = _make_lab({"maxShares": 2}, sku="Premium_LRS")
    azure = lab.world.azure
    azure.disks[azure_vm(lab).data_disks[0].disk.lower()].owners.append(azure_vm(lab, "shop02").id)
    (warning,) = _warnings(restore(lab, check=True), "shop02")
    assert "stay on the old one" in warning


def test_a_replaced_disk_that_is_gone_is_reported() -> None:
    """What the point tells of it is kept; nothing tells the rest."""
    lab = _make_lab({"dataAccessAuthMode": "AzureActiveDirectory"})
    vm = azure_vm(lab)
    gone = vm.data_disks[0].disk
    move(lab.world.azure, vm, vm.os_disk, [])
    del lab.world.azure.disks[gone.lower()]
    for check in (True, False):
        (warning,) = _warnings(restore(lab, check=check), "is gone")
        assert "lun0" in warning
    body = next(
        each
        for each in bodies(lab, path="/disks/")
        if "-lun0-" in str(each["tags"]) or "osType" not in each["properties"]
    )
    assert body["properties"]["publicNetworkAccess"] == "Enabled"
