# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new disk of a restore keeps of what the replaced one was set to, and what it cannot keep. Pure.

A disk that is made of a restore point has nothing but its data: what else it is to have must be sent. Which kinds of
disk take what: the swagger's descriptions (DiskRP 2024-03-02) and the pages on managed disks; see docs/services.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ..disk_entities import DiskEntity
from ..vm_entities import Disk
from .performance import (
    DIRECT,
    LARGEST_BELOW_P60,
    LETTERS,
    PREMIUM,
    STANDARD_SSD,
    more_than,
    number_by_size,
    number_of,
    performance_of,
)

FOR_BURSTING = FOR_PERFORMANCE_PLUS = 512
"""GiB. On-demand bursting and performance plus are for larger disks."""
SHOWN_ONLY = {
    "diskSizeBytes",
    "shareInfo",
    "burstingEnabledTime",
    "completionPercent",
    "LastOwnershipUpdateTime",
}
"""Members that say what a disk is, not what it was set to (swagger: readOnly)."""
NOTHING = (None, 0, "", "None")
"""What says that a member is not set; False is among them, for it equals 0."""


@dataclass
class Settings:
    """`properties` and `creation` (of `creationData`) are sent; `lost` are settings that are not, with the reason."""

    properties: dict[str, t.Any] = field(default_factory=dict)
    creation: dict[str, t.Any] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def set(self, name: str, value: t.Any, *, lost_because: str = "") -> None:
        """Keep it where it is set at all, unless there is a reason why it cannot be kept."""
        if value in NOTHING:
            return
        if lost_because:
            self.lost.append(f"{name}{'' if value is True else f' {value}'} ({lost_because})")
        else:
            self.properties[name] = value


def sku_of(source: Disk, old: DiskEntity | None) -> str | None:
    """The kind of the new disk: as the old one is, else as the point's was."""
    shown = source.managedDisk.storageAccountType if source.managedDisk else None
    return (old.sku.name if old and old.sku else None) or shown


def settings_of(source: Disk, old: DiskEntity) -> Settings:
    """What a disk made of `source` keeps of `old`, and what it cannot keep."""
    made, properties = Settings(), old.properties
    sku = (sku_of(source, old) or "").lower()
    old_size = properties.diskSizeGB or source.diskSizeGB or 0
    size = source.diskSizeGB or old_size
    _performance(made, old, sku, size, old_size)
    large = sku in PREMIUM and size > FOR_BURSTING
    made.set(
        "burstingEnabled",
        properties.burstingEnabled,
        lost_because="" if large else "only Premium SSD of more than 512 GiB takes it",
    )
    if properties.is_shared:
        no_hdd = "" if sku in (*PREMIUM, *STANDARD_SSD, *DIRECT) else "Standard HDD takes none"
        made.set("maxShares", properties.maxShares, lost_because=no_hdd)
    made.set("dataAccessAuthMode", properties.dataAccessAuthMode)
    made.set("optimizedForFrequentAttach", properties.optimizedForFrequentAttach)
    made.set("availabilityPolicy", properties.availabilityPolicy)
    if properties.creationData and properties.creationData.performancePlus:
        if sku in LETTERS and size > FOR_PERFORMANCE_PLUS:
            made.creation["performancePlus"] = True
        else:
            made.lost.append("performancePlus (no Ultra or Premium SSD v2, and none of up to 512 GiB, takes it)")
    for name, value in sorted((properties.model_extra or {}).items()):
        if name not in SHOWN_ONLY and value not in (*NOTHING, [], {}):
            made.lost.append(f"{name} (not known to this collection)")
    return made


def _performance(made: Settings, old: DiskEntity, sku: str, size: int, old_size: int) -> None:
    """Tier, IOPS and MBps. What followed from a larger size is the size's own."""
    properties = old.properties
    under_way = properties.propertyUpdatesInProgress
    tier = (under_way.targetTier if under_way else None) or properties.tier or ""
    number, by_size = number_of(tier), number_by_size(sku, old_size)
    if sku in PREMIUM:
        raised = size == old_size or (number != by_size and number > number_by_size(sku, size))
        too_high = number >= 60 and size <= LARGEST_BELOW_P60
        made.set("tier", tier if raised else "", lost_because="a disk of this size takes less" if too_high else "")
    elif sku not in DIRECT and tier[:1].upper() + str(number) != f"{LETTERS.get(sku, '')}{by_size}":
        made.set("tier", tier, lost_because="only Premium SSD takes it")
    elif sku in DIRECT:
        made.set("tier", tier, lost_because="Ultra and Premium SSD v2 have none")
    by_tier = performance_of(sku, max(number, by_size) if sku in PREMIUM else by_size) or (None, None)
    plus = bool(properties.creationData and properties.creationData.performancePlus)
    for name, shown, given in (
        ("diskIOPSReadWrite", properties.diskIOPSReadWrite, by_tier[0]),
        ("diskMBpsReadWrite", properties.diskMBpsReadWrite, by_tier[1]),
    ):
        if sku in DIRECT:
            made.set(name, shown, lost_because="the new disk is smaller" if size < old_size else "")
        elif more_than(shown, given) and not plus:
            made.set(name, shown, lost_because="follows from its size and tier on this kind of disk")
    for name, shown in (
        ("diskIOPSReadOnly", properties.diskIOPSReadOnly),
        ("diskMBpsReadOnly", properties.diskMBpsReadOnly),
    ):
        shared = sku in DIRECT and properties.is_shared
        made.set(name, shown, lost_because="" if shared else "only shared Ultra and Premium SSD v2 disks take it")
