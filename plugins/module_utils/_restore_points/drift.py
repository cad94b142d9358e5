# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an existing restore point is not that the task asks for. Pure."""

from __future__ import annotations

import re
import typing as t

from .._providers.compute.entities import PointEntity
from .._providers.compute.vm_entities import Disk
from .changes import spelled
from .consistency import is_downgrade
from .specs import EncryptionSet, PointSpec

_PLACE = re.compile(r"os|(lun)?[0-9]{1,3}")


def drift(
    spec: PointSpec, now: PointEntity, fields: t.Mapping[str, t.Any], os_type: str = ""
) -> tuple[dict[str, t.Any], ...]:
    """What an existing point has otherwise; nothing of it can be changed. `os_type` as in is_downgrade."""
    found: list[dict[str, t.Any]] = []
    if spec.exclude_disks is not None and not _leaves_out(now, spec.exclude_disks):
        excluded = sorted((ref.id or "").lower() for ref in now.properties.excludeDisks or [])
        wanted = sorted(disk.strip().lower() for disk in spec.exclude_disks)
        found.append({"field": "exclude_disks", "desired": wanted, "actual": excluded})
    for name, actual in (
        ("source_restore_point", now.properties.sourceRestorePoint.id if now.properties.sourceRestorePoint else None),
        ("instant_access_duration", now.properties.instantAccessDurationMinutes),
    ):
        wanted_value = fields.get(name)
        if wanted_value is not None and (actual is None or spelled(name, wanted_value) != spelled(name, actual)):
            found.append({"field": name, "desired": wanted_value, "actual": actual})
    keys = [each for each in spec.encryption_sets or [] if _has_other_key(now, each)]
    if now.state == "succeeded" and keys:
        places = {each.disk.strip().lower() for each in keys}
        shown = [_key_of(disk) for disk in now.disks if places & disk_names(disk)]
        found.append({"field": "encryption_sets", "desired": [each.model_dump() for each in keys], "actual": shown})
    achieved = now.properties.consistencyMode
    if now.state == "succeeded" and is_downgrade(spec, achieved, os_type):
        found.append({"field": "consistency", "desired": spec.consistency, "actual": achieved})
    return tuple(found)


def _has_other_key(now: PointEntity, wanted: EncryptionSet) -> bool:
    """Whether a disk of a point is known to be encrypted otherwise than asked for; older api-versions do not tell."""
    place = wanted.disk.strip().lower()
    shown = next((_key_of(disk) for disk in now.disks if place in disk_names(disk)), None)
    if shown is None or shown["type"] is None:
        return False
    asked = (wanted.type.lower(), _disk_spelled(wanted.id))
    return asked != (shown["type"].lower(), _disk_spelled(shown["id"] or ""))


def _key_of(disk: Disk) -> dict[str, str | None]:
    """The disk encryption set of a disk in a point, in the form of the option."""
    encryption = disk.diskRestorePoint.encryption if disk.diskRestorePoint else None
    key = encryption.diskEncryptionSet if encryption else None
    return {"disk": disk.slot, "id": key.id if key else None, "type": encryption.type if encryption else None}


def _leaves_out(now: PointEntity, disks: t.Sequence[str]) -> bool:
    """Whether a point leaves out just these. It tells the ids of those it leaves out, and the places of all others."""
    wanted = {_disk_spelled(disk) for disk in disks}
    if any(wanted & disk_names(disk) for disk in now.disks):
        return False
    left_out = {_disk_spelled(ref.id or "") for ref in now.properties.excludeDisks or []}
    extra = {disk for disk in left_out if disk not in wanted and disk.rpartition("/")[2] not in wanted}
    others = wanted - left_out - {disk.rpartition("/")[2] for disk in left_out}
    # What else is wanted can only be places, which are not shown for disks that were left out.
    if others and not (left_out and all(_PLACE.fullmatch(other) for other in others)):
        return False
    return len(extra) <= len(others)


def _disk_spelled(given: str) -> str:
    """A disk's id, name or place for comparison."""
    bare = given.strip().lower()
    return f"/{bare.strip('/')}" if "/" in bare else bare


def disk_names(disk: Disk) -> set[str]:
    """What a disk may be called in an option: its id, its name, its place, its LUN."""
    names = {disk.managed_id, (disk.name or "").lower(), disk.slot, "" if disk.lun is None else str(disk.lun)}
    return names - {""}
