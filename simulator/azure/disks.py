# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed disks: made empty, from another disk or from a disk restore point; changed; deleted."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import Any

from simulator.azure.access import restorable
from simulator.azure.jobs import AzureJob, Refused
from simulator.azure.model import Disk
from simulator.azure.subscription import Azure
from simulator.wire.ids import same, same_region

KNOWN = {"creationData", "diskSizeGB", "osType", "hyperVGeneration", "encryption", "maxShares"}
# Which kinds of disk take them: descriptions in the swagger; that Premium SSD v2 is like Ultra here, disk pages.
ONLY_DIRECT = frozenset({"diskIOPSReadWrite", "diskMBpsReadWrite", "diskIOPSReadOnly", "diskMBpsReadOnly"})
NOT_DIRECT = frozenset({"tier", "burstingEnabled"})


def put(azure: Azure, id_: str, body: dict[str, Any]) -> tuple[Disk, AzureJob]:
    """Make a disk, or change it; what it is made from cannot be changed any more."""
    name = id_.rpartition("/")[2]
    properties = body.get("properties") or {}
    existing = azure.disk(id_)
    creation = properties.get("creationData")
    if existing is not None:
        if creation is not None and not _same_creation(existing.creation, creation):
            # azure-cli#14286, ansible#38883
            raise Refused(
                409,
                "PropertyChangeNotAllowed",
                "Changing property 'creationData' is not allowed.",
                target="creationData",
            )
        if not same_region(str(body.get("location", existing.location)), existing.location):
            raise Refused(
                409,
                "InvalidResourceLocation",
                f"The resource '{name}' already exists in location '{existing.location}'. A resource with the same "
                f"name cannot be created in location '{body['location']}'. Please select a new resource name.",
            )
        return patch(azure, existing, body)
    if not isinstance(creation, dict) or "createOption" not in creation:
        raise Refused(
            400, "InvalidParameter", "Required parameter 'creationData' is missing (null).", target="creationData"
        )
    location = _known_location(azure, body.get("location"))
    if str((body.get("sku") or {}).get("name", "")).upper().endswith("_ZRS") and body.get("zones"):
        raise Refused(400, "InvalidParameter", "A zone-redundant disk takes no zones.", target="zones")
    disk = Disk(
        id=id_,
        location=location,
        created=azure.now(),
        unique_id=azure.ids.guid(),
        size_gb=0,
        sku=(body.get("sku") or {}).get("name", "Standard_LRS"),
        zones=list(body.get("zones") or []),
        tags=dict(body.get("tags") or {}),
        creation=deepcopy(creation),
        extra=deepcopy({key: value for key, value in properties.items() if key not in KNOWN}),
        state="Updating",
    )
    _fill(azure, disk, creation)
    _check_settings(disk.direct_drive, properties)
    disk.os_type = properties.get("osType", disk.os_type)
    disk.generation = properties.get("hyperVGeneration", disk.generation)
    disk.max_shares = properties.get("maxShares", 1)
    disk.encryption = {"type": "EncryptionAtRestWithPlatformKey", **(properties.get("encryption") or {})}
    _resize(disk, properties.get("diskSizeGB"))
    if not disk.size_gb:
        raise Refused(
            400, "InvalidParameter", "Required parameter 'disk.diskSizeGB' is missing (null).", target="disk.diskSizeGB"
        )
    planned = azure.planned_end("disk", name)
    azure.add_disk(disk)

    def made() -> None:
        disk.state = "Succeeded"

    def failed() -> None:
        disk.state = "Failed"

    timing = azure.switches.timing("compute_disk")
    job = azure.begin("disk", location, timing, made, on_failure=failed, failure=planned, disk_rp=True, subject=disk)
    return disk, job


def patch(azure: Azure, disk: Disk, body: dict[str, Any]) -> tuple[Disk, AzureJob]:
    """Tags, SKU, size (only more) and the properties that mean nothing here."""
    properties = body.get("properties") or {}
    planned = azure.planned_end("disk", disk.name)
    sku = (body.get("sku") or {}).get("name", disk.sku)
    _check_settings(replace(disk, sku=sku).direct_drive, properties)
    if planned is None:
        _resize(disk, properties.get("diskSizeGB"))
        if body.get("tags") is not None:
            disk.tags = dict(body["tags"])
        disk.sku = sku
        disk.encryption = {**disk.encryption, **(properties.get("encryption") or {})}
        disk.max_shares = properties.get("maxShares", disk.max_shares)
        disk.extra.update(deepcopy({key: value for key, value in properties.items() if key not in KNOWN}))
    disk.state = "Updating"

    def changed() -> None:
        disk.state = "Succeeded"

    timing = azure.switches.timing("compute_disk")
    job = azure.begin(
        "disk", disk.location, timing, changed, on_failure=changed, failure=planned, disk_rp=True, subject=disk
    )
    return disk, job


def delete(azure: Azure, disk: Disk) -> AzureJob:
    """Refused while a VM has it."""
    if disk.owners:
        raise Refused(
            409,
            "OperationNotAllowed",
            f"Disk {disk.name} is attached to VM {disk.owners[0]}.",
        )
    planned = azure.planned_end("disk_delete", disk.name)
    before = "Succeeded" if disk.state == "Deleting" else disk.state
    if azure.switches.compute_disk_deleting == "shown":
        disk.state = "Deleting"

    def gone() -> None:
        azure.disks.pop(disk.id.lower(), None)

    def stays() -> None:
        disk.state = before

    timing = azure.switches.timing("compute_disk")
    return azure.begin("disk_delete", disk.location, timing, gone, on_failure=stays, failure=planned, disk_rp=True)


def _fill(azure: Azure, disk: Disk, creation: dict[str, Any]) -> None:
    """Bring in what the source has."""
    option = str(creation["createOption"])
    source = str(creation.get("sourceResourceId") or "")
    if option == "Empty":
        return
    if option not in {"Copy", "Restore"}:
        raise Refused(400, "InvalidParameter", f"The simulator does not make disks with createOption '{option}'.")
    if option == "Copy":
        other = azure.disk(source)
        if other is None or other.kind != "managed":
            raise _missing(source)
        origin, region, complete = other, other.location, True
    else:
        found = azure.find_disk_point(source)
        if found is None:
            raise _missing(source)
        collection, point, disk_point = found
        if point.state != "Succeeded":
            raise Refused(409, "OperationNotAllowed", f"The restore point '{point.name}' is in state '{point.state}'.")
        complete = restorable(azure, point, disk_point)
        origin, region = disk_point.disk, collection.location
    if not same_region(region, disk.location):
        raise Refused(
            400,
            "BadRequest",
            f"The source resource '{source}' is in location '{region}', not in '{disk.location}'.",
        )
    if not complete and azure.switches.compute_incomplete_copy == "refused":
        raise Refused(409, "OperationNotAllowed", f"The copy of '{source}' is not complete.")
    disk.files = dict(origin.files) if complete else {}
    disk.size_gb, disk.os_type, disk.generation = origin.size_gb, origin.os_type, origin.generation


def _check_settings(direct: bool, properties: dict[str, Any]) -> None:
    for key, value in properties.items():
        if value and key in (NOT_DIRECT if direct else ONLY_DIRECT):
            text = f"The property '{key}' cannot be set for a disk of this SKU."
            raise Refused(400, "InvalidParameter", text, target=f"disk.{key}")


def _resize(disk: Disk, size: Any) -> None:
    if size is None:
        return
    if not isinstance(size, int) or size < 1:
        raise Refused(400, "InvalidParameter", f"The value '{size}' of parameter 'disk.diskSizeGB' is invalid.")
    if size < disk.size_gb:
        raise Refused(
            400,
            "InvalidParameter",
            f"The value of parameter 'disk.diskSizeGB' is out of range: {size} is less than {disk.size_gb}; "
            "a disk cannot be made smaller.",
            target="disk.diskSizeGB",
        )
    disk.size_gb = size


def _same_creation(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return same(left.get("createOption"), right.get("createOption")) and same(
        str(left.get("sourceResourceId")), str(right.get("sourceResourceId"))
    )


def _known_location(azure: Azure, location: Any) -> str:
    if not isinstance(location, str) or not location:
        raise Refused(400, "LocationRequired", "The location property is required for this definition.")
    return checked_location(azure, location)


def checked_location(azure: Azure, location: str) -> str:
    """The location as it was written, when this subscription has it; ARM ignores case and spaces."""
    if location.lower().replace(" ", "") not in {each.lower() for each in azure.locations}:
        raise Refused(
            400,
            "LocationNotAvailableForResourceType",
            f"The provided location '{location}' is not available for resource type 'Microsoft.Compute'. List of "
            f"available regions for the resource type is '{','.join(azure.locations)}'.",
        )
    return location


def _missing(source: str) -> Refused:
    return Refused(
        404,
        "ResourceNotFound",
        f"The source resource '{source}' was not found.",
        target="creationData.sourceResourceId",
    )
