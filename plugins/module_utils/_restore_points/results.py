# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections and restore points as results show them."""

from __future__ import annotations

import typing as t
from datetime import datetime

from .._core.formatting import format_value, printable
from .._core.plan import Action
from .._core.times import format_time
from .._providers.compute.disk_entities import DiskRestorePointEntity
from .._providers.compute.entities import CollectionEntity, PointEntity
from .._providers.compute.usability import percent, usability
from .actions import ResourceAction

_TEXT = 1000
"""Characters of a line in a diff: what Azure allows is shorter."""


def collection(
    entity: CollectionEntity | None, points: list[dict[str, t.Any]] | None = None
) -> dict[str, t.Any] | None:
    """The `restore_point_collection` key; null when there is none."""
    if entity is None:
        return None
    source = entity.properties.source
    if points is None:
        points = [point(each, elsewhere=entity.is_elsewhere) for each in entity.points]
    return {
        "id": entity.id,
        "name": entity.name,
        "location": entity.location,
        "tags": entity.tags or {},
        "source": source.id if source else None,
        "source_location": source.location if source else None,
        "instant_access": bool(entity.properties.instantAccess),
        "provisioning_state": entity.properties.provisioningState,
        "restore_points": points,
    }


def unread_collection(collection_id: str) -> dict[str, t.Any]:
    """One that is known by its id alone, because it could not be read."""
    unknown = ("location", "tags", "source", "source_location", "provisioning_state", "restore_points")
    name = collection_id.rpartition("/")[2]
    return {"id": collection_id, "name": name, **dict.fromkeys(unknown), "instant_access": False}


def point(entity: PointEntity, requested: str | None = None, *, elsewhere: bool = False) -> dict[str, t.Any]:
    """The `restore_point` key: what it is, what was asked for and what was achieved, and how far each disk is.

    `elsewhere`: its collection is not in the region of its source.
    """
    judged = usability(entity, elsewhere=elsewhere)
    properties = entity.properties
    return {
        "id": entity.id,
        "name": entity.name,
        "provisioning_state": properties.provisioningState,
        "created": _time(entity.created),
        "consistency": {"requested": requested, "achieved": properties.consistencyMode},
        "exclude_disks": [ref.id for ref in properties.excludeDisks or []],
        "source_restore_point": properties.sourceRestorePoint.id if properties.sourceRestorePoint else None,
        "instant_access_duration": properties.instantAccessDurationMinutes,
        "disks": [
            {
                "place": disk.slot,
                "name": disk.name,
                "source_id": disk.managedDisk.id if disk.managedDisk else None,
                "disk_restore_point_id": disk.diskRestorePoint.id if disk.diskRestorePoint else None,
            }
            for disk in entity.disks
        ],
        "replication": replication(entity),
        "percent": percent(entity),
        "usable": judged == "usable",
        "usability": judged,
    }


def replication(entity: PointEntity) -> list[dict[str, t.Any]]:
    """How far each disk is, in percent, and what it can be used for; empty where the service does not tell."""
    found = []
    for disk in entity.views:
        status = disk.replicationStatus
        found.append(
            {
                "disk_restore_point_id": disk.id,
                "percent": status.completionPercent if status else None,
                "access_state": disk.snapshotAccessState,
                "state": (status.status.displayStatus or status.status.code) if status and status.status else None,
            }
        )
    return found


def disk_restore_point(entity: DiskRestorePointEntity) -> dict[str, t.Any]:
    """One element of `disk_restore_points`."""
    properties = entity.properties
    return {
        "id": entity.id,
        "name": entity.name,
        "created": _time(properties.timeCreated),
        "source_id": properties.sourceResourceId,
        "os_type": properties.osType,
        "replication_state": properties.replicationState,
        "percent": properties.completionPercent,
        "access_state": properties.snapshotAccessState,
    }


def diff(subject: str, actions: t.Sequence[Action]) -> dict[str, str]:
    """Ansible's diff: what each step sets, before and after."""
    before, after = [], []
    for action in actions:
        if not isinstance(action, ResourceAction):
            continue
        name = action.target.name
        if action.verb != "create":
            before.append(f"  {name}\n")
        if action.verb != "delete":
            after.append(f"  {name}  {action.reason}\n")
        for field, change in sorted(action.fields.items()):
            if change["before"] is not None:
                before += _lines(field, change["before"])
            (before if action.verb == "delete" else after).extend(_lines(field, change["after"]))
    return {"before_header": subject, "after_header": subject, "before": "".join(before), "after": "".join(after)}


def _lines(field: str, value: t.Any) -> list[str]:
    """A field in words; of tags and lists a line for each, so that a diff shows just what differs."""
    if not isinstance(value, (dict, list)):
        return [f"    {field}: {printable(format_value(value), _TEXT)}\n"]
    rows = [format_value([each]) for each in value]
    if isinstance(value, dict):
        rows = [f"{name}: {format_value(value[name])}" for name in sorted(value)]
    return [f"    {field}:{'' if rows else ' none'}\n", *(f"      {printable(row, _TEXT)}\n" for row in rows)]


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)
