# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore points of a VM: what is refused, what is captured, how it ends."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.azure.access import instant_disks
from simulator.azure.copies import begin_copy, replicate
from simulator.azure.jobs import CONCURRENT, AzureJob, Refused
from simulator.azure.limits import count, over_hourly, over_points
from simulator.azure.model import Attachment, AzureVm, Collection, Disk, DiskPoint, Point
from simulator.azure.subscription import Azure
from simulator.wire.ids import same, same_region


@dataclass
class Wanted:
    """What the body of a PUT asked for."""

    version: str
    exclude: list[str] = field(default_factory=list)
    crash: bool = False
    source_point: str | None = None
    instant_minutes: int | None = None
    encryption: dict[int | None, dict[str, Any]] = field(default_factory=dict)  # by LUN, None for the OS disk


def create(azure: Azure, collection: Collection, name: str, wanted: Wanted) -> tuple[Point, AzureJob]:
    """Begin a restore point, of the collection's VM or as a copy of another point."""
    if collection.state != "Succeeded":
        raise Refused(409, "OperationNotAllowed", f"The collection '{collection.name}' is being deleted.")
    planned = azure.planned_end("copy" if wanted.source_point else "point", name, collection.source.rpartition("/")[2])
    if wanted.source_point is not None or collection.copies:
        return begin_copy(azure, collection, name, wanted.source_point, bool(wanted.exclude), wanted.version, planned)
    vm = azure.vm(collection.source)
    if vm is None:
        raise Refused(404, "ResourceNotFound", f"The source virtual machine '{collection.source}' was not found.")
    return _capture(azure, collection, vm, name, wanted, planned)


def _capture(
    azure: Azure, collection: Collection, vm: AzureVm, name: str, wanted: Wanted, planned: Refused | None
) -> tuple[Point, AzureJob]:
    switches = azure.switches
    kind = "crash" if wanted.crash else "application"
    failure = planned or _concurrent(azure, vm)
    limited = over_hourly(azure, vm.id, kind)
    if limited is not None and failure is None:
        if switches.compute_hourly_limit == "429":
            raise limited
        failure = limited
    refusal = over_points(azure, vm.id) or unsupported(azure, vm, wanted)
    if refusal is not None and failure is None:
        if switches.compute_refusals == "409":
            raise refusal
        failure = refusal
    reached, agent_missing = _consistency(azure, vm, wanted.crash)
    failure = failure or agent_missing
    now = azure.now()
    point = Point(
        name=name,
        created=now,
        version=wanted.version,
        kind=kind,
        exclude=list(wanted.exclude),
        instant_minutes=wanted.instant_minutes,
        metadata=metadata(vm),
        vm_id=vm.id,
        region=vm.location,
        disks=[_captured(azure, held, wanted) for held in vm.attachments() if not _excluded(held, wanted.exclude)],
    )
    if wanted.crash:
        point.consistency = reached
    count(azure, vm.id, kind)
    collection.points.append(point)

    def made() -> None:
        point.state, point.consistency, point.finished = "Succeeded", reached, azure.now()
        if not same_region(collection.location, vm.location):
            replicate(azure, point, "compute_copy")
        elif instant_disks(point):
            replicate(azure, point, "compute_instant", direct_only=True)
        elif switches.compute_hydration_takes != "0s":
            replicate(azure, point, "compute_hydration")

    point.job = azure.begin(
        "point",
        spelled(collection),
        switches.timing("compute_point"),
        made,
        on_failure=lambda: failed(azure, collection, point),
        failure=failure,
    )
    return point, point.job


def spelled(collection: Collection) -> str:
    """The collection's region as its source spells it: that is how status URLs have it (recorded 2023-05)."""
    if same_region(collection.location, collection.source_location):
        return collection.source_location
    return collection.location


def failed(azure: Azure, collection: Collection, point: Point) -> None:
    """What a failed create leaves."""
    point.state = "Failed"
    if azure.switches.compute_failed_point == "removed" and point in collection.points:
        collection.points.remove(point)


def metadata(vm: AzureVm) -> dict[str, Any]:
    """The VM's model beside its disks, as it is now."""
    return {
        "vmId": vm.vm_id,
        "location": vm.location,
        "vmSize": vm.size,
        "generation": vm.generation,
        "controller": vm.controller,
        **{
            name: deepcopy(vm.properties[name])
            for name in ("osProfile", "diagnosticsProfile", "licenseType", "securityProfile", "userData")
            if name in vm.properties
        },
    }


def _concurrent(azure: Azure, vm: AzureVm) -> Refused | None:
    if not any(
        point.job is not None and point.job.running and point.state == "Creating" for point in azure.points_of(vm.id)
    ):
        return None
    refusal = Refused(409, "VMRestorePointClientError", CONCURRENT)
    if azure.switches.compute_concurrent_create == "409":
        raise refusal
    return refusal


def _consistency(azure: Azure, vm: AzureVm, crash: bool) -> tuple[str, Refused | None]:
    """What will be reached; a VM that is shut down gives a crash consistent point (README of the feature)."""
    if crash or vm.power != "running":
        return "CrashConsistent", None
    if vm.agent == "Ready" and azure.now() >= vm.agent_from:
        return ("ApplicationConsistent" if vm.os_type == "Windows" else "FileSystemConsistent"), None
    if azure.switches.compute_no_agent == "downgrades":
        return "CrashConsistent", None
    return "CrashConsistent", Refused(409, "VMAgentStatusCommunicationError")


def unsupported(azure: Azure, vm: AzureVm, wanted: Wanted) -> Refused | None:
    """Disks and VMs that cannot be captured (documented; code and words of some are [I])."""
    security = (vm.properties.get("securityProfile") or {}).get("securityType")
    if security == "ConfidentialVM":
        return Refused(409, "OperationNotAllowed", "Restore points are not supported for confidential VMs.")
    own = {held.disk.lower() for held in vm.attachments()}
    for each in wanted.exclude:
        if each.lower() not in own:
            return Refused(400, "InvalidParameter", f"The disk '{each}' in excludeDisks is not attached to the VM.")
    for held in vm.attachments():
        disk = azure.disk(held.disk)
        if disk is None or _excluded(held, wanted.exclude):
            continue
        reason = _reason(disk, held, wanted.crash)
        if reason is not None:
            code = "VMRestorePointClientError" if disk.max_shares > 1 else "OperationNotAllowed"
            return Refused(409, code, f"Restore point creation is not supported for {reason} '{disk.name}'.")
    return None


def _reason(disk: Disk, held: Attachment, crash: bool) -> str | None:
    if disk.kind == "unmanaged":
        return "the unmanaged disk"
    if disk.kind == "ephemeral":
        return "the ephemeral OS disk"
    if disk.max_shares > 1:
        return "the shared disk"
    if crash and disk.direct_drive:
        return f"crash consistency and the {disk.sku} disk"
    if crash and held.write_accelerator:
        return "crash consistency and the write accelerated disk"
    return None


def _excluded(held: Attachment, exclude: list[str]) -> bool:
    return any(same(held.disk, each) for each in exclude)


def _captured(azure: Azure, held: Attachment, wanted: Wanted) -> DiskPoint:
    disk = azure.disk(held.disk)
    if disk is None:
        raise Refused(409, "OperationNotAllowed", f"The disk '{held.disk}' is not allocated.")
    encryption = wanted.encryption.get(held.lun)
    return DiskPoint(
        name=f"{disk.name}_{azure.ids.guid()}",
        disk=replace(disk, files=dict(disk.files), extra=deepcopy(disk.extra), owners=[], tags={}),
        attachment=replace(held),
        created=azure.now(),
        family=disk.unique_id,
        source=disk.id,
        # The disk's own encryption is not carried over unless it is given again (documented).
        encryption=dict(encryption or {"type": "EncryptionAtRestWithPlatformKey"}),
        asked_encryption=encryption is not None,
    )


def delete(azure: Azure, collection: Collection, point: Point) -> AzureJob:
    """Refused while the point is made, or read through a SAS."""
    planned = azure.planned_end("point_delete", point.name) or _undeletable(azure, [point])
    before = "Succeeded" if point.state == "Deleting" else point.state
    point.state = "Deleting"

    def gone() -> None:
        if point in collection.points:
            collection.points.remove(point)
        scope = f"{collection.id}/restorePoints/{point.name}".lower()
        azure.locks = [lock for lock in azure.locks if lock.scope.lower() != scope]

    def stays() -> None:
        point.state = before

    timing = azure.switches.timing("compute_point_delete")
    return azure.begin("point_delete", spelled(collection), timing, gone, on_failure=stays, failure=planned)


def delete_collection(azure: Azure, collection: Collection) -> AzureJob:
    """With all its points."""
    planned = azure.planned_end("collection_delete", collection.name) or _undeletable(azure, collection.points)
    collection.state = "Deleting"

    def gone() -> None:
        azure.collections.pop(collection.id.lower(), None)

    def stays() -> None:
        collection.state = "Succeeded"

    timing = azure.switches.timing("compute_collection_delete")
    return azure.begin("collection_delete", spelled(collection), timing, gone, on_failure=stays, failure=planned)


def _undeletable(azure: Azure, points: list[Point]) -> Refused | None:
    refusal = None
    for point in points:
        if point.job is not None and point.job.running:
            raise Refused(409, "OperationNotAllowed", f"The restore point '{point.name}' is being created.")
        if any(each.granted_until is not None and each.granted_until > azure.now() for each in point.disks):
            refusal = Refused(409, "DiskRestorePointUsedByCustomer")
    if refusal is not None and azure.switches.compute_refusals == "409":
        raise refusal
    return refusal
