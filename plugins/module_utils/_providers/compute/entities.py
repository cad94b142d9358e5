# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore points and collections as the core needs them: the second trust boundary; VMs and disks stand beside.

Shapes follow the swagger (Microsoft.Compute 2024-07-01, DiskRP 2024-03-02) and the recordings, whose 2021 form of a
point has `provisioningDetails` where later ones have `timeCreated`.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from .fields import ArmModel, ConsistencyMode, Resource, Tags, region_key
from .vm_entities import Disk, InstanceStatus, OsProfile, StorageProfile, SubResource, VmEntity, known_id, os_type_of


class Replication(ArmModel):
    status: InstanceStatus | None = None
    completionPercent: int | None = None


class DiskView(ArmModel):
    """How far one disk restore point is, and what it can be used for."""

    id: str | None = None
    snapshotAccessState: str | None = None
    replicationStatus: Replication | None = None


class PointView(ArmModel):
    """A restore point's instance view."""

    statuses: list[InstanceStatus] | None = None
    diskRestorePoints: list[DiskView] | None = None


class SourceMetadata(ArmModel):
    vmId: str | None = None
    hyperVGeneration: str | None = None
    storageProfile: StorageProfile | None = None
    osProfile: OsProfile | None = None


class ProvisioningDetails(ArmModel):
    """The 2021 form's place for times and failures."""

    creationTime: datetime | None = None
    statusMessage: str | None = None


class PointProperties(ArmModel):
    provisioningState: str | None = None
    timeCreated: datetime | None = None
    provisioningDetails: ProvisioningDetails | None = None
    consistencyMode: t.Optional[ConsistencyMode] = None
    excludeDisks: list[SubResource] | None = None
    sourceRestorePoint: SubResource | None = None
    instantAccessDurationMinutes: int | None = None
    sourceMetadata: SourceMetadata | None = None
    instanceView: PointView | None = None


class PointEntity(Resource):
    """restorePointCollections/restorePoints."""

    properties: PointProperties

    @property
    def failed(self) -> bool:
        """Whether it, or the copying of one of its disks, has failed: a copy must then be made anew (documented).

        One whose making was canceled has failed too: nothing more comes of it.
        """
        view = self.properties.instanceView
        rows = [row.replicationStatus.status for row in self.views if row.replicationStatus]
        statuses = [*((view.statuses or []) if view else []), *rows]
        codes = [(status.code or "").lower() for status in statuses if status]
        return self.state in ("failed", "canceled") or "replicationstate/failed" in codes

    @property
    def created(self) -> datetime | None:
        """When it was made, in either recorded form."""
        details = self.properties.provisioningDetails
        return self.properties.timeCreated or (details.creationTime if details else None)

    @property
    def disks(self) -> list[Disk]:
        """The disks it holds, with their disk restore points once it has succeeded."""
        metadata = self.properties.sourceMetadata
        return metadata.storageProfile.disks if metadata and metadata.storageProfile else []

    @property
    def made_of(self) -> str:
        """The id of the very VM that it was made of, which no other of its name has; empty where it tells none."""
        metadata = self.properties.sourceMetadata
        return known_id(metadata.vmId if metadata else None)

    def is_of_another(self, vm: VmEntity) -> bool:
        """Whether it is known to be made of another VM than this one, which has the same ARM id."""
        known = {self.made_of, known_id(vm.properties.vmId)}
        return "" not in known and len(known) > 1

    @property
    def os_type(self) -> str:
        """`windows` or `linux`; empty where nothing of its source tells, as without the OS disk."""
        metadata = self.properties.sourceMetadata
        return os_type_of(metadata.storageProfile, metadata.osProfile) if metadata else ""

    @property
    def views(self) -> list[DiskView]:
        """How far its disks are, as far as the instance view lists them."""
        view = self.properties.instanceView
        return (view.diskRestorePoints or []) if view else []


class CollectionSource(ArmModel):
    id: str | None = None
    location: str | None = None


class CollectionProperties(ArmModel):
    source: CollectionSource | None = None
    provisioningState: str | None = None
    restorePointCollectionId: str | None = None
    instantAccess: bool | None = None
    restorePoints: list[PointEntity] | None = None


class CollectionEntity(Resource):
    """Microsoft.Compute/restorePointCollections."""

    location: str
    tags: Tags | None = None
    properties: CollectionProperties

    @property
    def points(self) -> list[PointEntity]:
        """Its restore points, where they were asked for."""
        return self.properties.restorePoints or []

    @property
    def source_id(self) -> str:
        """The id of the VM or collection that it is made for, as it was answered."""
        return (self.properties.source.id or "") if self.properties.source else ""

    @property
    def is_elsewhere(self) -> bool:
        """Whether it is not in its source's region: Succeeded says of a point in it only that copying has begun."""
        source = self.properties.source.location if self.properties.source else None
        return source is not None and region_key(source) != region_key(self.location)

    @property
    def source_path(self) -> str:
        """The same as a path: published examples leave the first slash out."""
        return f"/{self.source_id.strip('/')}"

    def is_of(self, source: str) -> bool:
        """Whether it is made for that VM or collection, in whatever spelling."""
        return self.source_path.lower() == f"/{source.strip('/')}".lower()
