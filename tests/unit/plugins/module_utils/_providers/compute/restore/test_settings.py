# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which settings of a replaced disk a new one takes, by its kind and size, and which are named as lost."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.performance import (
    number_by_size,
    performance_of,
)
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


def test_what_disks_have_by_themselves() -> None:
    assert [number_by_size("premium_lrs", size) for size in (1, 4, 5, 1024, 1025, 99999)] == [1, 1, 2, 30, 40, 80]
    assert number_by_size("standard_lrs", 4) == 4
    assert performance_of("premium_lrs", 30) == (5000, 200)
    assert performance_of("premium_lrs", 31) is None
    assert performance_of("ultrassd_lrs", 30) is None
