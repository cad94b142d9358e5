# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new restore point may lack, or have to wait for: warnings in a plan, because Azure may make it all the same.

Sources: the support matrix, the limitations and the overview of VM restore points (learn.microsoft.com). Pure.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from ..._core.clocks import FUTURE
from ..._core.errors import Forbidden
from ..._core.times import format_time
from .disk_entities import DiskEntity
from .entities import PointEntity
from .sizes import confidential_points, lacks_premium_storage, snapshots_disks_apart
from .usability import is_copy
from .vm_entities import Disk, VmEntity

Caution = tuple[str, str]
"""The verb that it is about, and the text (ObservedVm.cautions)."""
HOUR = timedelta(hours=1)
PER_HOUR = 3
"""Of each VM and consistency (limitations of restore points; the header of a first create says that 2 are left)."""


def less_consistent(vm: VmEntity) -> str:
    """Why a new point will be less consistent than the service can make it; empty where nothing tells."""
    if vm.is_off:
        return "it is off, so its restore point is only crash-consistent."
    if vm.is_on and vm.agent.lower() != "ready":
        shown = f'is shown as "{vm.agent}"' if vm.agent else "is not shown"
        return f"its agent {shown}: a new restore point is then at best crash-consistent, or its create fails."
    return ""


def keys_not_kept(
    within: t.Sequence[Disk], disks: t.Mapping[str, DiskEntity], given: t.Container[str] = ()
) -> t.Iterator[str]:
    """A disk's own encryption is not carried over to a point unless it is given again (documented).

    `given` are the disks, by place or by id in lower case, for which it is.
    """
    slots = [
        disk.slot
        for disk in within
        if disk.slot not in given
        and disk.managed_id not in given
        and (entity := disks.get(disk.managed_id)) is not None
        and entity.has_own_key
    ]
    if slots:
        yield (
            f"{', '.join(slots)} {'is' if len(slots) == 1 else 'are'} encrypted with a customer-managed key, and the "
            "new restore point will not be; restore_point with encryption_sets makes one that is."
        )


def cautions(
    vm: VmEntity,
    points: t.Iterable[PointEntity],
    now: datetime,
    unlisted: Forbidden | None = None,
    disks: t.Mapping[str, DiskEntity] | None = None,
) -> tuple[Caution, ...]:
    """What a new checkpoint will be less than. No consistency is asked for: it is the best that the VM allows."""
    found = [less_consistent(vm), *of_new_point(vm, vm.disks, crash=False), _unchecked(unlisted)]
    found += keys_not_kept(vm.disks, disks or {})
    return tuple(("create", text) for text in (*found, hourly(vm, points, now)) if text)


def of_new_point(vm: VmEntity, within: t.Sequence[Disk], *, crash: bool) -> list[str]:
    """What a new point may lack whatever its consistency is called; `within` are the disks that it would hold."""
    found: list[str] = []
    if crash and lacks_premium_storage(vm.size):
        found.append(f"its size {vm.size} is without Premium Storage, which a crash-consistent point needs.")
    if crash or less_consistent(vm):
        found += _not_of_one_moment(vm, within)
    if vm.confidential and confidential_points(vm):
        found.append("restore points of confidential VMs are a preview of Azure's.")
    return found


def _not_of_one_moment(vm: VmEntity, within: t.Sequence[Disk]) -> t.Iterator[str]:
    """What crash consistency cannot be guaranteed for. A VM that is off writes nothing meanwhile."""
    if vm.is_off:
        return
    cached = [disk.slot for disk in within if (disk.caching or "").lower() == "readwrite"]
    advice = "An application-consistent point is not concerned."
    if sum(disk.lun is not None for disk in within) > 1 and snapshots_disks_apart(vm.size):
        yield (
            f"its size {vm.size} runs on Azure Boost and it has more than one data disk: a crash-consistent point may "
            f"hold them of different moments. {advice}"
        )
    if cached:
        yield (
            f"{', '.join(cached)} {'is' if len(cached) == 1 else 'are'} cached ReadWrite: a crash-consistent point may "
            f"lack what the host has not written yet. {advice}"
        )


def hourly(vm: VmEntity, points: t.Iterable[PointEntity], now: datetime, *, crash: bool = False) -> str:
    """That no more points may be possible within this hour, and when the next one is.

    No refusal: the pages on restore points differ about the limit, Azure answers an excess with 429 and Retry-After,
    which is waited for within the deadline, and what consistency a point was asked for with is not shown.
    """
    recent = _within_the_hour(vm, points, now, crash=crash)
    if len(recent) < PER_HOUR:
        return ""
    return (
        f"{len(recent)} restore points of it were made within the last hour, failed ones and safety checkpoints "
        f"included, and Azure allows {PER_HOUR}: the next one is possible at {format_time(recent[-PER_HOUR] + HOUR)}. "
        "Until then it may be refused (429), which the task waits for within wait_timeout."
    )


def next_slot(vm: VmEntity, points: t.Iterable[PointEntity], now: datetime) -> datetime | None:
    """When the next create is possible as far as can be seen, None where one is now.

    Points that went, and those in other collections, count as well and cannot be seen: a 429 is never excluded.
    """
    recent = _within_the_hour(vm, points, now, crash=False)
    return None if len(recent) < PER_HOUR else recent[-PER_HOUR] + HOUR


def _within_the_hour(vm: VmEntity, points: t.Iterable[PointEntity], now: datetime, *, crash: bool) -> list[datetime]:
    """When the points were made that count for a new one. One from the future is none: some clock is wrong."""
    return sorted(
        point.created
        for point in points
        if point.created is not None
        and now - HOUR < point.created <= now + FUTURE
        and not is_copy(point)
        and _counts(point, vm, crash)
    )


def _counts(point: PointEntity, vm: VmEntity, crash: bool) -> bool:
    """Whether it counts as the new one will. Those of a VM that is off are crash-consistent in any case."""
    is_crash = point.properties.consistencyMode == "CrashConsistent"
    return is_crash if crash else not is_crash or vm.is_off


def _unchecked(unlisted: Forbidden | None) -> str:
    """What could not be checked before a create; empty where all of it was."""
    if unlisted is None:
        return ""
    return f"its disks may not be listed, so their kinds were not checked: {unlisted.message}"
