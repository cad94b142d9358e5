# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Compute's resources as the core needs them: the second trust boundary for restore points.

Shapes follow the swagger (Microsoft.Compute 2024-07-01, DiskRP 2024-03-02) and the recordings, whose 2021 form of a
point has `provisioningDetails` where later ones have `timeCreated`.
"""

from __future__ import annotations

import typing as t
from datetime import datetime

from ..._core.model import Power
from ..._deps import pydantic
from .fields import ArmModel, Named, ResourceId, Tags


class SubResource(ArmModel):
    """A reference to another resource."""

    id: str | None = None


class Encryption(ArmModel):
    """How a disk or a disk restore point is encrypted at rest."""

    type: str | None = None
    diskEncryptionSetId: str | None = None
    diskEncryptionSet: SubResource | None = None


class DiskRestorePointRef(ArmModel):
    """Which disk restore point belongs to a disk of a point; only there once the point has succeeded."""

    id: str | None = None
    encryption: Encryption | None = None


class ManagedDisk(ArmModel):
    """What of a managed disk a VM shows."""

    id: t.Optional[ResourceId] = None
    storageAccountType: str | None = None


class Disk(ArmModel):
    """One disk of a storage profile; the OS disk has no lun."""

    lun: t.Annotated[t.Optional[int], pydantic.Field(strict=True, ge=0, le=999)] = None
    name: str | None = None
    osType: str | None = None
    caching: str | None = None
    writeAcceleratorEnabled: bool | None = None
    managedDisk: ManagedDisk | None = None
    diskRestorePoint: DiskRestorePointRef | None = None
    diffDiskSettings: dict[str, t.Any] | None = None
    vhd: dict[str, t.Any] | None = None

    @property
    def slot(self) -> str:
        """`os`, or `lun` and its number: what names a disk in plans and disk names."""
        return "os" if self.lun is None else f"lun{self.lun}"

    @property
    def managed_id(self) -> str:
        """The managed disk's id in lower case; empty for any other kind."""
        return (self.managedDisk.id or "").lower() if self.managedDisk else ""


class StorageProfile(ArmModel):
    """OS disk and data disks."""

    osDisk: Disk | None = None
    dataDisks: list[Disk] | None = None

    @pydantic.model_validator(mode="after")
    def _slots(self) -> t.Self:
        """A disk is known by its slot, so no two may have the same."""
        slots = [disk.slot for disk in self.disks]
        if len(set(slots)) != len(slots) or (self.osDisk is not None and self.osDisk.lun is not None):
            raise ValueError("its disks' LUNs are missing or not unique")
        return self

    @property
    def disks(self) -> list[Disk]:
        """All of them, the OS disk first."""
        return [*([self.osDisk] if self.osDisk else []), *(self.dataDisks or [])]


class InstanceStatus(ArmModel):
    """One of an instance view's statuses."""

    code: str | None = None
    displayStatus: str | None = None
    message: str | None = None


class Agent(ArmModel):
    """What a VM's agent says of itself."""

    statuses: list[InstanceStatus] | None = None


class VmView(ArmModel):
    """A VM's instance view."""

    statuses: list[InstanceStatus] | None = None
    vmAgent: Agent | None = None


class VmProperties(ArmModel):
    vmId: str | None = None
    provisioningState: str | None = None
    storageProfile: StorageProfile | None = None
    instanceView: VmView | None = None


class VmEntity(ArmModel):
    """Microsoft.Compute/virtualMachines."""

    id: ResourceId
    name: Named
    location: str
    zones: list[str] | None = None
    properties: VmProperties

    @property
    def state(self) -> str:
        """`succeeded`, `updating`, `deleting`, …; one that does not say is as it should be."""
        return (self.properties.provisioningState or "succeeded").lower()

    @property
    def disks(self) -> list[Disk]:
        """Its disks, the OS disk first."""
        profile = self.properties.storageProfile
        return profile.disks if profile else []

    @property
    def power_code(self) -> str:
        """`running`, `deallocated`, `stopped`, …: the PowerState status without its prefix."""
        view = self.properties.instanceView
        codes = [status.code or "" for status in (view.statuses or [])] if view else []
        return next((code.split("/", 1)[1].lower() for code in codes if code.lower().startswith("powerstate/")), "")

    @property
    def agent(self) -> str:
        """What its agent is shown as: `Ready`, `Not Ready`, …; empty where no agent is shown."""
        view = self.properties.instanceView
        statuses = (view.vmAgent.statuses or []) if view and view.vmAgent else []
        return next((status.displayStatus for status in statuses if status.displayStatus), "")

    @property
    def power(self) -> Power:
        """On or off; a VM that is stopped but still allocated is off."""
        known: dict[str, Power] = {"running": "on", "deallocated": "off", "stopped": "off"}
        return known.get(self.power_code, "unknown")


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
    location: str | None = None
    storageProfile: StorageProfile | None = None


class ProvisioningDetails(ArmModel):
    """The 2021 form's place for times and failures."""

    creationTime: datetime | None = None
    statusMessage: str | None = None


class PointProperties(ArmModel):
    provisioningState: str | None = None
    timeCreated: datetime | None = None
    provisioningDetails: ProvisioningDetails | None = None
    consistencyMode: str | None = None
    excludeDisks: list[SubResource] | None = None
    sourceRestorePoint: SubResource | None = None
    instantAccessDurationMinutes: int | None = None
    sourceMetadata: SourceMetadata | None = None
    instanceView: PointView | None = None


class PointEntity(ArmModel):
    """restorePointCollections/restorePoints."""

    id: ResourceId
    name: Named
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
    def state(self) -> str:
        """`creating`, `succeeded`, `failed`, `canceled`, `deleting`, …; one that does not tell is as it should be."""
        return (self.properties.provisioningState or "succeeded").lower()

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


class CollectionEntity(ArmModel):
    """Microsoft.Compute/restorePointCollections."""

    id: ResourceId
    name: Named
    location: str
    tags: Tags | None = None
    properties: CollectionProperties

    @property
    def state(self) -> str:
        """`succeeded`, `updating`, `deleting`, …; one that does not tell is as it should be."""
        return (self.properties.provisioningState or "succeeded").lower()

    @property
    def source_id(self) -> str:
        """The id of the VM or collection that it is made for, as it was answered."""
        return (self.properties.source.id or "") if self.properties.source else ""

    @property
    def source_path(self) -> str:
        """The same as a path: published examples leave the first slash out."""
        return f"/{self.source_id.strip('/')}"

    def is_of(self, source: str) -> bool:
        """Whether it is made for that VM or collection, in whatever spelling."""
        return self.source_path.lower() == f"/{source.strip('/')}".lower()


class Sku(ArmModel):
    name: str | None = None


class CreationData(ArmModel):
    sourceResourceId: str | None = None


class ManagedDiskProperties(ArmModel):
    provisioningState: str | None = None
    diskState: str | None = None
    diskSizeGB: int | None = None
    timeCreated: datetime | None = None
    uniqueId: str | None = None
    maxShares: int | None = None
    hyperVGeneration: str | None = None
    osType: str | None = None
    encryption: Encryption | None = None
    networkAccessPolicy: str | None = None
    diskAccessId: str | None = None
    publicNetworkAccess: str | None = None
    creationData: CreationData | None = None


class DiskEntity(ArmModel):
    """Microsoft.Compute/disks."""

    id: ResourceId
    name: Named
    location: str
    zones: list[str] | None = None
    sku: Sku | None = None
    tags: Tags | None = None
    managedBy: str | None = None
    managedByExtended: list[str] | None = None
    properties: ManagedDiskProperties

    @property
    def state(self) -> str:
        """`succeeded`, `updating` (also while it is being made), `failed`, …; one that does not say has succeeded."""
        return (self.properties.provisioningState or "succeeded").lower()


class DiskRestorePointProperties(ArmModel):
    timeCreated: datetime | None = None
    sourceResourceId: str | None = None
    osType: str | None = None
    hyperVGeneration: str | None = None
    encryption: Encryption | None = None
    replicationState: str | None = None
    completionPercent: float | None = None
    snapshotAccessState: str | None = None


class DiskRestorePointEntity(ArmModel):
    """diskRestorePoints, of the disk resource provider."""

    id: ResourceId
    name: Named
    properties: DiskRestorePointProperties
