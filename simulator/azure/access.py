# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may use the data of a disk restore point, and for what (KnownSnapshotAccessState, learn).

Pending: it cannot be used. InstantAccess: a disk can be made of it, but it is neither copied nor downloaded.
AvailableWithInstantAccess and Available: everything.
"""

from __future__ import annotations

from simulator.azure.model import DiskPoint, Point
from simulator.azure.subscription import Azure


def instant_disks(point: Point) -> list[DiskPoint]:
    """The disks that take part in instant access: Ultra and Premium SSD v2 ones (documented, preview)."""
    if point.instant_minutes is None:
        return []
    return [each for each in point.disks if each.disk.direct_drive]


def percent_of(azure: Azure, point: Point, each: DiskPoint) -> int:
    """How much of a disk's data has arrived."""
    return point.percents(azure.now(), azure.switches.compute_copy_step)[point.disks.index(each)]


def access_state(azure: Azure, point: Point, each: DiskPoint) -> str:
    """`snapshotAccessState`; that it is Pending when instant access ends before the data has arrived is [I]."""
    finished = point.created if point.finished is None else point.finished
    if azure.now() < finished + azure.switches.compute_pending_seconds:
        return "Pending"
    whole = percent_of(azure, point, each) == 100
    if each in instant_disks(point) and azure.now() < finished + (point.instant_minutes or 0) * 60:
        return "AvailableWithInstantAccess" if whole else "InstantAccess"
    return "Available" if whole else "Pending"


def restorable(azure: Azure, point: Point, each: DiskPoint) -> bool:
    """Whether a disk made of it has its data."""
    return access_state(azure, point, each) != "Pending"


def readable(azure: Azure, point: Point, each: DiskPoint) -> bool:
    """Whether it can be copied or downloaded; of what is Pending nothing is checked (documented of copies)."""
    return access_state(azure, point, each) != "InstantAccess"
