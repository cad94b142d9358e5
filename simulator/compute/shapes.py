# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collections, restore points, disk restore points and disks as documents, in the shape of each api-version."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from simulator.azure.access import access_state, instant_disks, percent_of
from simulator.azure.model import Collection, Disk, DiskPoint, Point
from simulator.compute.common import stamped
from simulator.compute.vm_shapes import encryption_settings
from simulator.world import World

VIEWED = "2021-11-01"  # the models of azure-mgmt-compute 30.0 have instance views and copies from here on
OLD = "2021-07-01"  # before it: provisioningDetails and disks/{disk}?id={guid} (recorded with 2021-04-01)
GB = 2**30
_PLACED = frozenset(
    {"vmId", "location", "vmSize", "generation", "controller"}
)  # shown elsewhere than at their own name


def collection_shape(
    world: World, collection: Collection, version: str, *, expand: bool = False, upper: bool = False
) -> dict[str, Any]:
    """`restorePoints` only when asked for, then also when empty; `upper`: the group as listAll writes it (recorded)."""
    parts = collection.id.split("/")
    if upper:
        parts[4] = parts[4].upper()
    properties: dict[str, Any] = {
        "source": {"location": collection.source_location, "id": collection.source},
        "restorePointCollectionId": collection.guid,
    }
    if expand:
        properties["restorePoints"] = [point_shape(world, collection, each, version) for each in collection.points]
    properties["provisioningState"] = collection.state
    if version >= "2025-04-01" and collection.instant_access is not None:
        properties["instantAccess"] = collection.instant_access
    return {
        "name": collection.name,
        "id": "/".join(parts),
        "type": "Microsoft.Compute/restorePointCollections",
        "location": collection.location,
        **({"tags": dict(collection.tags)} if collection.tags else {}),
        "properties": properties,
    }


def point_shape(
    world: World, collection: Collection, point: Point, version: str, *, instance_view: bool = False
) -> dict[str, Any]:
    """No tags, no location, no etag, no type (recorded 2021 to 2023)."""
    id_ = f"{collection.id}/restorePoints/{point.name}"
    properties: dict[str, Any] = {}
    if point.exclude:
        properties["excludeDisks"] = [{"id": each} for each in point.exclude]
    if point.source_point is not None:
        properties["sourceRestorePoint"] = {"id": point.source_point}
    properties["sourceMetadata"] = _metadata(id_, point, version)
    properties["provisioningState"] = point.state
    if point.consistency is not None:
        properties["consistencyMode"] = point.consistency
    created = stamped(world, point.created)
    if version < OLD:
        properties["provisioningDetails"] = {
            "creationTime": created,
            "totalUsedSizeInBytes": sum(each.disk.size_gb for each in point.disks) * GB,
            "statusCode": 0,
            "statusMessage": "",
        }
    else:
        properties["timeCreated"] = created
    if version >= "2025-04-01" and point.instant_minutes is not None:
        properties["instantAccessDurationMinutes"] = point.instant_minutes
    if instance_view and version >= VIEWED:
        properties["instanceView"] = _instance_view(world, id_, point, version)
    return {"name": point.name, "id": id_, "properties": properties}


def _metadata(id_: str, point: Point, version: str) -> dict[str, Any]:
    known = point.metadata
    storage: dict[str, Any] = {}
    data: list[dict[str, Any]] = []
    for each in point.disks:
        shown = _source_disk(id_, point, each, version)
        if each.attachment.lun is None:
            storage["osDisk"] = shown
        else:
            data.append(shown)
    storage["dataDisks"] = data
    if known.get("controller", "SCSI") != "SCSI":
        storage["diskControllerType"] = known["controller"]  # recorded without for SCSI
    rest = {key: deepcopy(value) for key, value in known.items() if key not in _PLACED}
    return {
        "vmId": known.get("vmId"),
        "location": known.get("location"),
        "hardwareProfile": {"vmSize": known.get("vmSize")},
        "storageProfile": storage,
        **rest,
        **({"hyperVGeneration": known.get("generation")} if version >= OLD else {}),
    }


def _source_disk(id_: str, point: Point, each: DiskPoint, version: str) -> dict[str, Any]:
    disk, held = each.disk, each.attachment
    shown: dict[str, Any] = {"osType": disk.os_type} if held.lun is None else {"lun": held.lun}
    shown |= {
        "name": held.name,
        "diskSizeGB": disk.size_gb,
        "caching": held.caching,
        "managedDisk": {"storageAccountType": disk.sku, "id": disk.id},
    }
    if held.encryption_settings:
        shown["encryptionSettings"] = encryption_settings()
    if held.write_accelerator:
        shown["writeAcceleratorEnabled"] = True
    attributes: dict[str, Any] = {}
    if version >= "2023-09-01" or each.asked_encryption:
        attributes["encryption"] = dict(each.encryption)
    if version < OLD or point.state == "Succeeded":  # 2022 and later show ids only then (recorded)
        attributes["id"] = disk_point_id(id_, each, version)
        if point.kind == "copy" and version >= "2023-03-01":
            attributes["sourceDiskRestorePoint"] = {"id": each.source}
        shown["diskRestorePoint"] = attributes
    elif each.asked_encryption:
        shown["diskRestorePoint"] = attributes
    return shown


def disk_point_id(point_id: str, each: DiskPoint, version: str) -> str:
    """In the shape of the api-version: both were recorded."""
    if version < OLD:
        guid = each.name.removeprefix(f"{each.disk.name}_")
        return f"{point_id}/disks/{each.disk.name}?id={guid}"
    return f"{point_id}/diskRestorePoints/{each.name}"


def _instance_view(world: World, id_: str, point: Point, version: str) -> dict[str, Any]:
    """Replication per disk; the whole is as far as its slowest disk."""
    if point.state in {"Creating", "Failed"}:
        return {"diskRestorePoints": [], "statuses": []}
    azure = world.azure
    stopped = point.replication is not None and point.replication.failed
    listed = point.disks
    if world.switches.compute_view_rows == "instant":
        listed = instant_disks(point) or point.disks
    percents = [percent_of(azure, point, each) for each in listed]
    shown = []
    for each, percent in zip(listed, percents, strict=True):
        entry: dict[str, Any] = {"id": disk_point_id(id_, each, version)}
        if version >= "2025-04-01":
            entry["snapshotAccessState"] = access_state(azure, point, each)
        entry["replicationStatus"] = {"status": _replication(percent, stopped), "completionPercent": percent}
        shown.append(entry)
    return {"diskRestorePoints": shown, "statuses": [_replication(min(percents, default=100), stopped)]}


def _replication(percent: int, stopped: bool) -> dict[str, str]:
    """`succeeded` is published, `replicating` recorded 2026-04, `failed` [I]."""
    code, text = ("failed", "Failed") if stopped and percent < 100 else ("replicating", "Replicating")
    if percent == 100:
        code, text = "succeeded", "Succeeded"
    return {"code": f"ReplicationState/{code}", "level": "Error" if code == "failed" else "Info", "displayStatus": text}


def disk_point_shape(
    world: World, collection: Collection, point: Point, each: DiskPoint, version: str
) -> dict[str, Any]:
    """A disk restore point as DiskRP shows it; replication only where there is one (examples of 2024-03-02)."""
    disk = each.disk
    percent = percent_of(world.azure, point, each)
    properties: dict[str, Any] = {
        "timeCreated": stamped(world, each.created),
        "sourceResourceId": each.source,
        **({"osType": disk.os_type} if disk.os_type else {}),
        "hyperVGeneration": disk.generation or "V1",
        "familyId": each.family,
        "sourceUniqueId": disk.unique_id,
        "encryption": _disk_encryption(each),
        "networkAccessPolicy": "AllowAll",
        "publicNetworkAccess": "Enabled",
        "logicalSectorSize": 4096 if disk.direct_drive else 512,
    }
    if point.replication is not None:
        word = "Failed" if point.replication.failed else "Succeeded" if percent == 100 else "InProgress"
        properties |= {"replicationState": word, "completionPercent": percent, "sourceResourceLocation": point.region}
    if version >= "2026-03-02":
        properties["snapshotAccessState"] = access_state(world.azure, point, each)
    return {
        "id": f"{collection.id}/restorePoints/{point.name}/diskRestorePoints/{each.name}",
        "name": each.name,
        "properties": properties,
    }


def _disk_encryption(each: DiskPoint) -> dict[str, Any]:
    """DiskRP has `diskEncryptionSetId` where ComputeRP has `diskEncryptionSet.id` (swagger)."""
    key = (each.encryption.get("diskEncryptionSet") or {}).get("id")
    return {"type": each.encryption.get("type"), **({"diskEncryptionSetId": key} if key else {})}


def access_shape(each: DiskPoint) -> dict[str, Any]:
    return {"accessSAS": each.grant}


def disk_shape(world: World, disk: Disk) -> dict[str, Any]:
    """A managed disk; `managedBy` only while a VM has it."""
    azure = world.azure
    vms = [vm for owner in disk.owners if (vm := azure.vm(owner)) is not None]
    state = "Unattached"
    if vms:
        state = "Attached" if any(vm.power != "deallocated" for vm in vms) else "Reserved"
    return {
        "name": disk.name,
        "id": disk.id,
        "type": "Microsoft.Compute/disks",
        "location": disk.location,
        **({"tags": dict(disk.tags)} if disk.tags else {}),
        **({"zones": list(disk.zones)} if disk.zones else {}),
        "sku": {"name": disk.sku, "tier": disk.sku.partition("_")[0].removesuffix("V2").removesuffix("SSD")},
        **({"managedBy": disk.owners[0]} if disk.owners else {}),
        **({"managedByExtended": list(disk.owners)} if disk.max_shares > 1 and disk.owners else {}),
        "properties": {
            **deepcopy(disk.extra),
            **({"osType": disk.os_type} if disk.os_type else {}),
            **({"hyperVGeneration": disk.generation} if disk.generation else {}),
            "creationData": deepcopy(disk.creation),
            "diskSizeGB": disk.size_gb,
            "diskSizeBytes": disk.size_gb * GB,
            "encryption": dict(disk.encryption),
            **({"maxShares": disk.max_shares} if disk.max_shares > 1 else {}),
            "networkAccessPolicy": disk.extra.get("networkAccessPolicy", "AllowAll"),
            "publicNetworkAccess": disk.extra.get("publicNetworkAccess", "Enabled"),
            "timeCreated": stamped(world, disk.created),
            "provisioningState": disk.state,
            "diskState": state,
            "uniqueId": disk.unique_id,
        },
    }
