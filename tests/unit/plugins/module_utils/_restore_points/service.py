# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure as the kinds of this room read it: what is there by name, and what was asked in which order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, cast

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import parse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError, Forbidden
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import (
    CollectionEntity,
    PointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.client import RestorePointClient
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.specs import (
    CollectionSpec,
    PointSpec,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
RG = "/subscriptions/33333333-0000-4000-8000-000000000001/resourceGroups/rg/providers/Microsoft.Compute"
VM, HOME = f"{RG}/virtualMachines/v", f"{RG}/restorePointCollections/c"
ORIGIN, POINT = f"{RG}/restorePointCollections/origin", f"{HOME}/restorePoints/p"
HERE = parse(HOME)
KEY = f"{RG}/diskEncryptionSets/k"
LOCK = {"id": f"{HOME}/providers/Microsoft.Authorization/locks/l", "name": "l", "properties": {"level": "ReadOnly"}}


class Service:
    """Each thing is there by its name, a list for one reading after another; of an error each reading is that."""

    service = "https://arm"

    def __init__(self, now: datetime | None = NOW, locks: Sequence[dict[str, Any]] = (), **there: object) -> None:
        self.there, self.now, self._locks = there, now, list(locks)
        self.calls: list[str] = []

    @property
    def client(self) -> RestorePointClient:
        return cast(RestorePointClient, self)

    def _read(self, what: str, resource: object) -> Any:
        name = str(resource).rsplit("/", 1)[-1]
        self.calls.append(f"{what} {name}")
        known = self.there.get(name)
        found = known.pop(0) if isinstance(known, list) else known
        if isinstance(found, CheckpointError):
            raise found
        return found

    async def vm(self, vm: object) -> Any:
        return self._read("vm", vm)

    async def disk(self, disk: object) -> Any:
        return self._read("disk", disk)

    async def point(self, point: object) -> Any:
        return self._read("point", point)

    async def collection(self, home: object, *, grouped: bool = False) -> Any:
        return self._read("collection in its group" if grouped else "collection", home)

    async def dated_collection(self, home: object, *, grouped: bool = False) -> Any:
        return await self.collection(home, grouped=grouped), self.now

    async def locks(self, home: object, *within: str) -> list[dict[str, Any]]:
        self.calls.append(" ".join(["locks", *(each.rsplit("/", 1)[-1] for each in (str(home), *within))]))
        return self._locks

    async def put_collection(self, home: object, spec: CollectionSpec, location: str) -> None:
        self.calls.append(f"put {home} of {spec.source} in {location!r}")

    async def patch_collection(self, home: object, now: CollectionEntity, fields: object) -> None:
        self.calls.append(f"patch {home} as {now.properties.restorePointCollectionId}: {fields}")

    async def put_point(self, point: str, spec: PointSpec, fields: object) -> None:
        self.calls.append(f"put {point} {spec.consistency}: {fields}")

    async def delete(self, resource: str) -> None:
        self.calls.append(f"delete {resource}")


def hidden(what: str = "reading v") -> Forbidden:
    """What may not be read."""
    return Forbidden(f"{what}: forbidden.", status=403)


def asked_collection(**options: Any) -> CollectionSpec:
    """The spec of collection c."""
    return validate_options(CollectionSpec, {"name": "c", "resource_group": "rg", **options})


def asked_point(**options: Any) -> PointSpec:
    """The spec of restore point p in collection c."""
    return validate_options(PointSpec, {"name": "p", "collection": "c", "resource_group": "rg", **options})


def point(state: str = "Succeeded", name: str = "p", **properties: Any) -> PointEntity:
    """A restore point in collection c."""
    members = {"provisioningState": state, **properties}
    return PointEntity.model_validate({"id": f"{HOME}/restorePoints/{name}", "name": name, "properties": members})


def home(
    *points: PointEntity,
    source: str | None = VM,
    location: str = "westeurope",
    tags: dict[str, str] | None = None,
    **properties: Any,
) -> CollectionEntity:
    """Collection c with these points."""
    members = {"source": source and {"id": source}, "restorePoints": [each.model_dump(mode="json") for each in points]}
    document = {"id": HOME, "name": "c", "location": location, "tags": tags, "properties": {**members, **properties}}
    return CollectionEntity.model_validate(document)


def machine(power: str = "running", os_type: str | None = None, **properties: Any) -> VmEntity:
    """VM v with OS disk o and data disk d at LUN 0."""
    data = {"lun": 0, "name": "d", "managedDisk": {"id": f"{RG}/disks/D"}}
    os_disk = {"name": "o", "osType": os_type, "managedDisk": {"id": f"{RG}/disks/O"}}
    view = {"statuses": [{"code": f"PowerState/{power}"}], "vmAgent": {"statuses": [{"displayStatus": "Ready"}]}}
    members = {"instanceView": view, "storageProfile": {"osDisk": os_disk, "dataDisks": [data]}, **properties}
    return VmEntity.model_validate({"id": VM, "name": "v", "location": "northeurope", "properties": members})


def disk(name: str, **more: Any) -> DiskEntity:
    """A managed disk."""
    document = {"id": f"{RG}/disks/{name}", "name": name, "location": "northeurope", "properties": {}, **more}
    return DiskEntity.model_validate(document)
