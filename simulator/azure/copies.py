# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies of restore points in another region: what is refused, and data that is on its way for a while."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

from simulator.azure.access import readable
from simulator.azure.jobs import AzureJob, Refused
from simulator.azure.limits import count, over_hourly
from simulator.azure.model import Collection, DiskPoint, Point, Replication
from simulator.azure.subscription import Azure
from simulator.timing import Timing
from simulator.wire.ids import same, same_region


def begin_copy(
    azure: Azure,
    collection: Collection,
    name: str,
    source_id: str | None,
    excludes: bool,
    version: str,
    planned: Refused | None,
) -> tuple[Point, AzureJob]:
    """Begin to copy the point `source_id`; the operation ends when the data has begun to flow (recorded 2023-05)."""
    if source_id is None:
        raise Refused(
            400,
            "InvalidParameter",
            "Required parameter 'sourceRestorePoint' is missing (null).",
            target="sourceRestorePoint",
        )
    if not collection.copies:
        raise Refused(400, "BadRequest", "The collection's source is no restore point collection: it takes no copies.")
    if excludes:
        raise Refused(400, "BadRequest", "excludeDisks cannot be given for a copy.")
    found = azure.find_point(source_id)
    if found is None or not same(found[0].id, collection.source):
        raise Refused(
            404, "ResourceNotFound", f"The source restore point '{source_id}' was not found in the source collection."
        )
    origin, source = found
    if source.state != "Succeeded":
        raise Refused(
            409, "OperationNotAllowed", f"The source restore point '{source.name}' is in state '{source.state}'."
        )
    if not all(readable(azure, source, each) for each in source.disks):
        raise Refused(409, "OperationNotAllowed", f"The data of the source restore point '{source.name}' is not there.")
    _check_order(azure, collection, source, source_id)
    limited = over_hourly(azure, collection.id, "copy")
    if limited is not None:
        if azure.switches.compute_hourly_limit == "429":
            raise limited
        planned = planned or limited
    point = Point(
        name=name,
        created=source.created if azure.switches.compute_copy_time == "source" else azure.now(),
        version=version,
        kind="copy",
        consistency=source.consistency,
        source_point=source_id,
        metadata=deepcopy(source.metadata),
        vm_id=source.vm_id,
        region=source.region,
        disks=[_copied(azure, origin, source, each) for each in source.disks],
    )
    count(azure, collection.id, "copy")
    collection.points.append(point)

    def begun() -> None:
        point.state, point.finished = "Succeeded", azure.now()
        replicate(azure, point, "compute_copy")

    def failed() -> None:
        point.state = "Failed"
        if azure.switches.compute_failed_point == "removed":
            collection.points.remove(point)

    timing = Timing.parse(azure.switches.compute_copy_starts)
    point.job = azure.begin("copy", collection.location, timing, begun, on_failure=failed, failure=planned)
    return point, point.job


def replicate(azure: Azure, point: Point, kind: str, *, direct_only: bool = False) -> None:
    """Let the point's data begin to flow; a planned failure stops it half-way, without a reason (documented)."""
    stops = azure.planned_end("replication", point.name) is not None
    timing = azure.switches.timing(kind).drawn(azure.chance.between)
    begun = azure.now() if point.job is None else (point.job.finished or azure.now())
    point.replication = Replication(begun, timing, failed=stops, direct_only=direct_only)


def _check_order(azure: Azure, collection: Collection, source: Point, source_id: str) -> None:
    """One copy of a point per region, one at a time, none of a point older than one already copied (documented)."""
    step = azure.switches.compute_copy_step
    for other in azure.collections.values():
        if not same(other.source, collection.source) or not same_region(other.location, collection.location):
            continue
        for point in other.points:
            if same(point.source_point, source_id) and point.state != "Failed":
                raise Refused(
                    409, "OperationNotAllowed", f"The restore point '{source.name}' has a copy in that region."
                )
            running = point.job is not None and point.job.running
            if running or (
                point.replication is not None
                and not point.replication.failed
                and min(point.percents(azure.now(), step), default=100) < 100
            ):
                raise Refused(409, "OperationNotAllowed", "Another restore point is being copied to that region.")
    copied = [
        found[1].created
        for each in collection.points
        if each.source_point and (found := azure.find_point(each.source_point))
    ]
    if copied and source.created < max(copied):
        raise Refused(409, "OperationNotAllowed", "A restore point that is newer than the source has been copied.")


def _copied(azure: Azure, origin: Collection, source: Point, disk_point: DiskPoint) -> DiskPoint:
    """Keys of the customer do not travel: the copy is encrypted with the platform's (documented)."""
    guid = azure.ids.guid()
    return DiskPoint(
        name=f"{disk_point.disk.name}_{guid}",
        disk=replace(disk_point.disk, files=dict(disk_point.disk.files)),
        attachment=replace(disk_point.attachment),
        created=azure.now(),
        family=disk_point.family,
        source=f"{origin.id}/restorePoints/{source.name}/diskRestorePoints/{disk_point.name}",
        encryption={"type": "EncryptionAtRestWithPlatformKey"},
    )
