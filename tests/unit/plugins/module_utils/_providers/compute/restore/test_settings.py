# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings of a replaced disk a new one takes, by its kind and size, and which are named as lost."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.settings import (
    Settings,
    settings_of,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import Disk
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import GROUP


def _settings(sku: str, size: int | None, old_size: int | None = None, **properties: Any) -> Settings:
    source = Disk.model_validate({"diskSizeGB": size})
    members = {"diskSizeGB": old_size or size, **properties}
    document = {"id": f"{GROUP}/disks/o", "name": "o", "location": "l", "sku": {"name": sku}, "properties": members}
    return settings_of(source, DiskEntity.model_validate(document))


@pytest.mark.parametrize(
    ("sku", "size", "old_size", "tier", "kept", "lost"),
    [
        ("Premium_LRS", 512, 512, "P40", "P40", False),
        ("Premium_ZRS", 512, 512, "P20", "P20", False),
        ("Premium_LRS", 128, 512, "P20", None, False),  # its old size gave it
        ("Premium_LRS", 128, 512, "P30", "P30", False),
        ("Premium_LRS", 1024, 128, "P15", None, False),  # its new size gives more
        ("Premium_LRS", 2048, 8192, "P70", None, True),
        ("Premium_LRS", 16384, 8192, "P80", "P80", False),
        ("StandardSSD_LRS", 512, 512, "E20", None, False),
        ("Standard_LRS", 16, 16, "S4", None, False),
        ("StandardSSD_ZRS", 512, 512, "P20", None, True),
        ("PremiumV2_LRS", 512, 512, "P20", None, True),
        ("Premium_LRS", None, None, "P20", "P20", False),
    ],
)
def test_tiers(sku: str, size: int | None, old_size: int | None, tier: str, kept: str | None, lost: bool) -> None:
    made = _settings(sku, size, old_size, tier=tier)
    assert (made.properties.get("tier"), [each for each in made.lost if tier in each] != []) == (kept, lost)


def test_iops_of_a_smaller_disk_are_not_asked_for() -> None:
    assert _settings("PremiumV2_LRS", 8, 8, diskIOPSReadWrite=4000).properties == {"diskIOPSReadWrite": 4000}
    smaller = _settings("PremiumV2_LRS", 8, 64, diskIOPSReadWrite=20000)
    assert (smaller.properties, smaller.lost) == ({}, ["diskIOPSReadWrite 20000 (the new disk is smaller)"])


@pytest.mark.parametrize(
    ("sku", "size", "properties", "lost"),
    [
        ("Premium_LRS", 1024, {"tier": "P30", "diskIOPSReadWrite": 5000, "diskMBpsReadWrite": 200}, 0),
        ("Premium_LRS", 64, {"tier": "P30", "diskIOPSReadWrite": 5000, "diskMBpsReadWrite": 200}, 0),
        ("Premium_LRS", 64, {"tier": "P6", "diskIOPSReadWrite": 5000, "diskMBpsReadWrite": 200}, 2),
        ("StandardSSD_LRS", 64, {"diskIOPSReadWrite": 500, "diskMBpsReadWrite": 60}, 0),
        ("StandardSSD_LRS", 16384, {"diskIOPSReadWrite": 4000, "diskMBpsReadWrite": 600}, 0),
        ("Standard_LRS", 8192, {"diskIOPSReadWrite": 1300, "diskMBpsReadWrite": 300}, 0),
        ("Standard_LRS", 64, {"diskIOPSReadWrite": 1300}, 1),
        ("Unheard_LRS", 64, {"diskIOPSReadWrite": 1300}, 0),
        ("Premium_LRS", 64, {"diskIOPSReadOnly": 10}, 1),
    ],
)
def test_what_follows_from_size_and_tier_is_no_setting(
    sku: str, size: int, properties: dict[str, Any], lost: int
) -> None:
    made = _settings(sku, size, **properties)
    assert (len(made.lost), "diskIOPSReadWrite" in made.properties) == (lost, False)


@pytest.mark.parametrize(
    ("sku", "size", "kept"),
    [
        ("Premium_LRS", 1024, True),
        ("StandardSSD_LRS", 513, True),
        ("Premium_LRS", 512, False),
        ("UltraSSD_LRS", 1024, False),
    ],
)
def test_performance_plus(sku: str, size: int, kept: bool) -> None:
    made = _settings(sku, size, creationData={"performancePlus": True}, diskIOPSReadWrite=9000 if kept else None)
    assert (made.creation == {"performancePlus": True}, made.lost == []) == (kept, kept)


def test_what_is_not_set_is_neither_kept_nor_lost() -> None:
    nothing: dict[str, Any] = {
        "burstingEnabled": False,
        "dataAccessAuthMode": "None",
        "maxShares": 1,
        "shareInfo": [],
        "newThing": None,
    }
    made = _settings("Premium_LRS", 64, **nothing)
    assert (made.properties, made.creation, made.lost) == ({}, {}, [])


def test_a_source_that_shows_no_size() -> None:
    assert _settings("Premium_LRS", None, 1024, burstingEnabled=True).properties == {"burstingEnabled": True}


@pytest.mark.parametrize("value", [None, False, 0, "", "None", [], {}])
def test_a_member_that_nobody_knows_and_that_says_nothing_is_not_lost(value: Any) -> None:
    assert _settings("Premium_LRS", 64, newThing=value).lost == []


def test_a_member_that_nobody_knows_is_lost() -> None:
    made = _settings("Premium_LRS", 64, zone="z", newThing={"a": 1})
    assert made.lost == ["newThing (not known to this collection)", "zone (not known to this collection)"]


@pytest.mark.parametrize(
    "name", ["diskSizeBytes", "shareInfo", "burstingEnabledTime", "completionPercent", "LastOwnershipUpdateTime"]
)
def test_what_only_says_what_a_disk_is_can_be_no_loss(name: str) -> None:
    shown: dict[str, Any] = {name: "x"}
    assert _settings("Premium_LRS", 64, **shown).lost == []


@pytest.mark.parametrize(
    ("sku", "kept"),
    [
        *((sku, True) for sku in ("Premium_LRS", "Premium_ZRS", "StandardSSD_LRS", "StandardSSD_ZRS")),
        *((sku, True) for sku in ("UltraSSD_LRS", "PremiumV2_LRS")),
        ("Standard_LRS", False),
    ],
)
def test_which_kinds_can_be_shared(sku: str, kept: bool) -> None:
    made = _settings(sku, 512, maxShares=2)
    assert made.properties == ({"maxShares": 2} if kept else {})
    assert made.lost == ([] if kept else ["maxShares 2 (Standard HDD takes none)"])


@pytest.mark.parametrize(
    ("sku", "size", "kept"),
    [
        ("Premium_LRS", 513, True),
        ("Premium_ZRS", 513, True),
        ("Premium_LRS", 512, False),
        ("StandardSSD_LRS", 1024, False),
    ],
)
def test_on_demand_bursting(sku: str, size: int, kept: bool) -> None:
    made = _settings(sku, size, burstingEnabled=True)
    assert made.properties == ({"burstingEnabled": True} if kept else {})
    assert made.lost == ([] if kept else ["burstingEnabled (only Premium SSD of more than 512 GiB takes it)"])


@pytest.mark.parametrize(("size", "tier", "kept"), [(4096, "P60", False), (4097, "P70", True), (4096, "P59", True)])
def test_tiers_from_p60_on_need_a_larger_disk(size: int, tier: str, kept: bool) -> None:
    made = _settings("Premium_LRS", size, size, tier=tier)
    assert (made.properties.get("tier"), made.lost) == (
        (tier, []) if kept else (None, [f"tier {tier} (a disk of this size takes less)"])
    )


def test_the_tier_that_a_disk_is_changing_to_counts() -> None:
    made = _settings("Premium_LRS", 512, tier="P20", propertyUpdatesInProgress={"targetTier": "P40"})
    assert made.properties == {"tier": "P40"}


@pytest.mark.parametrize("sku", ["UltraSSD_LRS", "PremiumV2_LRS"])
@pytest.mark.parametrize("shares", [1, 2])
def test_what_readers_of_a_shared_disk_may_do(sku: str, shares: int) -> None:
    made = _settings(sku, 512, maxShares=shares, diskIOPSReadOnly=100, diskMBpsReadOnly=10)
    reading = {"diskIOPSReadOnly": 100, "diskMBpsReadOnly": 10}
    assert made.properties == ({"maxShares": 2, **reading} if shares == 2 else {})
    assert len(made.lost) == (0 if shares == 2 else 2)


@pytest.mark.parametrize("sku", ["Premium_LRS", "StandardSSD_ZRS"])
def test_readers_of_a_shared_disk_of_another_kind_have_no_limits_of_their_own(sku: str) -> None:
    made = _settings(sku, 512, maxShares=2, diskIOPSReadOnly=100, diskMBpsReadOnly=10)
    assert (made.properties, made.lost) == (
        {"maxShares": 2},
        [
            "diskIOPSReadOnly 100 (only shared Ultra and Premium SSD v2 disks take it)",
            "diskMBpsReadOnly 10 (only shared Ultra and Premium SSD v2 disks take it)",
        ],
    )


def test_an_old_disk_that_shows_no_size_had_that_of_the_point() -> None:
    old = {"id": f"{GROUP}/disks/o", "name": "o", "location": "l", "sku": {"name": "Premium_LRS"}}
    for tier in ("P20", "P40"):
        entity = DiskEntity.model_validate({**old, "properties": {"tier": tier}})
        assert settings_of(Disk.model_validate({"diskSizeGB": 512}), entity).properties == {"tier": tier}


def test_a_tier_raises_the_performance_of_premium_ssd_alone() -> None:
    made = _settings("StandardSSD_LRS", 64, tier="E60", diskIOPSReadWrite=1500)
    assert made.lost == [
        "tier E60 (only Premium SSD takes it)",
        "diskIOPSReadWrite 1500 (follows from its size and tier on this kind of disk)",
    ]


def test_only_performance_plus_explains_more_than_size_and_tier() -> None:
    for creation, lost in ({}, 1), ({"performancePlus": False}, 1), ({"performancePlus": True}, 0):
        made = _settings("StandardSSD_LRS", 1024, diskIOPSReadWrite=1500, creationData=creation)
        assert len(made.lost) == lost


@pytest.mark.parametrize(
    ("sku", "size", "old_size", "tier", "lost"),
    [
        ("Premium_LRS", 512, 1024, "P20", []),  # no more than its new size gives
        ("StandardSSD_LRS", 512, 512, "e20", []),
        ("StandardSSD_LRS", 512, 512, "E30", ["tier E30 (only Premium SSD takes it)"]),
        ("PremiumV2_LRS", 512, 512, "P20", ["tier P20 (Ultra and Premium SSD v2 have none)"]),
        ("UltraSSD_LRS", 512, 512, "P20", ["tier P20 (Ultra and Premium SSD v2 have none)"]),
    ],
)
def test_a_tier_that_is_not_kept(sku: str, size: int, old_size: int, tier: str, lost: list[str]) -> None:
    made = _settings(sku, size, old_size, tier=tier)
    assert (made.properties, made.lost) == ({}, lost)


def test_settings_that_every_disk_takes() -> None:
    given: dict[str, Any] = {
        "dataAccessAuthMode": "AzureActiveDirectory",
        "optimizedForFrequentAttach": True,
        "availabilityPolicy": {"actionOnDiskDelay": "AutomaticReattach"},
    }
    assert _settings("Standard_LRS", 64, **given).properties == given
