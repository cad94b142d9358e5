# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore points over HTTP."""

from __future__ import annotations

from typing import Any

from simulator.arm.common import ArmError
from simulator.azure.jobs import Refused
from simulator.azure.model import AzureVm, Collection, Point
from simulator.azure.points import Wanted, create, delete
from simulator.compute.common import ComputeRequest, accepted, answered, begun_headers, missing
from simulator.compute.shapes import VIEWED, point_shape
from simulator.wire.exchange import Answer
from simulator.wire.ids import same
from simulator.world import World

ENCRYPTIONS = frozenset(
    {
        "EncryptionAtRestWithPlatformKey",
        "EncryptionAtRestWithCustomerKey",
        "EncryptionAtRestWithPlatformAndCustomerKeys",
    }
)


class Points:
    """`restorePoints`; there is no list of them but the collection's $expand."""

    def __init__(self, world: World) -> None:
        self.world = world

    def one(self, request: ComputeRequest) -> Answer:
        """GET, PUT or DELETE of one point."""
        request.since("2021-03-01")
        if len(request.names) < 2:
            raise ArmError(404, "InvalidResourceType", "There is no list of restore points.")
        collection = self._collection(request)
        point = collection.point(request.names[1]) if collection else None
        if request.method == "DELETE" and point is None:
            return Answer(204)
        if collection is None:
            raise self._no_parent(request)
        if request.method == "PUT":
            return self._put(request, collection, point)
        if point is None:
            code = self.world.switches.compute_missing_point_code
            raise Refused(404, code, f"The restore point '{request.names[1]}' was not found.")
        if request.method == "DELETE":
            return accepted(self.world, request, delete(self.world.azure, collection, point))
        if request.method != "GET":
            raise request.not_possible()
        if point.job is not None:
            self.world.azure.look(point.job)
        view = request.expands("instanceView")
        if view and point.replication is not None:
            point.replication.looks += 1
        return answered(200, point_shape(self.world, collection, point, request.version, instance_view=view))

    def _collection(self, request: ComputeRequest) -> Collection | None:
        return self.world.azure.collection(request.id.rsplit("/", 2)[0])

    def _no_parent(self, request: ComputeRequest) -> ArmError:
        if request.method != "PUT":
            return missing(
                "restorePointCollections",
                "/".join((request.names[0], "restorePoints", request.names[1])),
                request.group,
            )
        return ArmError(
            404,
            "ParentResourceNotFound",
            "Failed to perform 'write' on resource(s) of type 'restorePointCollections/restorePoints', because the "
            f"parent resource '{request.id.rsplit('/', 2)[0]}' could not be found.",
        )

    def _put(self, request: ComputeRequest, collection: Collection, existing: Point | None) -> Answer:
        wanted = wanted_from(request, collection, self.world.azure.vm(collection.source))
        if existing is not None:
            position = self.world.switches.compute_reput
            if position == "200":
                return answered(200, point_shape(self.world, collection, existing, request.version))
            if position == "409" or (existing.job is not None and existing.job.running):
                raise Refused(
                    409,
                    "OperationNotAllowed",
                    f"The restore point '{existing.name}' exists. Updating properties of an existing restore point "
                    "is not allowed.",
                )
            collection.points.remove(existing)
        try:
            point, job = create(self.world.azure, collection, request.names[1], wanted)
        except Refused:
            if existing is not None:
                collection.points.append(existing)
            raise
        # 201 with Azure-AsyncOperation only (recorded 2021, 2023, 2026)
        headers = begun_headers(self.world, request, job, location=self.world.switches.compute_location_header)
        return answered(201, point_shape(self.world, collection, point, request.version), headers)


def wanted_from(request: ComputeRequest, collection: Collection, vm: AzureVm | None = None) -> Wanted:
    """What the body asks for; what needs a newer api-version is refused."""
    properties = request.body().get("properties") or {}
    mode = properties.get("consistencyMode")
    if mode is not None and mode != "CrashConsistent":
        raise Refused(
            400,
            "InvalidParameter",
            f"The value '{mode}' of parameter 'consistencyMode' is not allowed. Allowed values are: CrashConsistent.",
            target="consistencyMode",
        )
    if mode is not None:
        request.since("2021-07-01")
    minutes = properties.get("instantAccessDurationMinutes")
    if minutes is not None:
        request.since("2025-04-01")
        if not isinstance(minutes, int) or not 60 <= minutes <= 300:
            raise Refused(400, "InvalidParameter", "'instantAccessDurationMinutes' is from 60 to 300.")
        if mode is not None or not collection.instant_access:
            raise Refused(
                400, "BadRequest", "Instant access is for application consistent points of a collection with it."
            )
    elif collection.instant_access and mode is None and request.version >= "2025-04-01":
        minutes = 300
    source = (properties.get("sourceRestorePoint") or {}).get("id")
    if source is not None:
        request.since(VIEWED)
    return Wanted(
        version=request.version,
        exclude=_excluded(properties.get("excludeDisks") or []),
        crash=mode is not None,
        source_point=source,
        instant_minutes=minutes,
        encryption=_encryption(request, properties, vm),
    )


def _excluded(given: Any) -> list[str]:
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise Refused(400, "InvalidParameter", "'excludeDisks' is a list of ids.", target="excludeDisks")
    return [str(each.get("id", "")) for each in given]


def _encryption(
    request: ComputeRequest, properties: dict[str, Any], vm: AzureVm | None
) -> dict[int | None, dict[str, Any]]:
    """The one part of sourceMetadata that is input.

    Which data disk is meant is shown by `managedDisk.id`, or by `lun`, which the swagger marks readOnly, the
    identifier of the list; without either by its place in the list ([U]).
    """
    storage = (properties.get("sourceMetadata") or {}).get("storageProfile") or {}
    given: dict[int | None, dict[str, Any]] = {}
    disks: list[tuple[int | None, Any]] = [(None, storage.get("osDisk"))]
    disks += [(_lun(each, place, vm), each) for place, each in enumerate(storage.get("dataDisks") or [])]
    for lun, disk in disks:
        encryption = ((disk or {}).get("diskRestorePoint") or {}).get("encryption")
        if encryption is None:
            continue
        request.since("2023-03-01")
        kind = encryption.get("type")
        if kind not in ENCRYPTIONS:
            raise Refused(400, "InvalidParameter", f"The value '{kind}' of parameter 'encryption.type' is invalid.")
        key = encryption.get("diskEncryptionSet")
        if (kind != "EncryptionAtRestWithPlatformKey") is not bool(key):
            raise Refused(400, "InvalidParameter", "A customer's key needs diskEncryptionSet, the platform's has none.")
        given[lun] = dict(encryption)
    return given


def _lun(given: dict[str, Any], place: int, vm: AzureVm | None) -> int | None:
    held = vm.data_disks if vm is not None else []
    id_ = (given.get("managedDisk") or {}).get("id")
    if id_ is not None:
        found = next((each for each in held if same(each.disk, str(id_))), None)
        if found is None:
            raise Refused(400, "InvalidParameter", f"The disk '{id_}' is not attached to the VM.")
        return found.lun
    if "lun" in given:
        return int(given["lun"])
    return held[place].lun if place < len(held) else None
