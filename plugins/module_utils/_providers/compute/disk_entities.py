# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed disks and disk restore points, of the disk resource provider (DiskRP 2024-03-02)."""

from __future__ import annotations

import typing as t
from datetime import datetime

from ..._deps import pydantic
from .fields import ArmModel, Resource, Tags
from .vm_entities import Encryption, EncryptionSettings


class Sku(ArmModel):
    name: str | None = None


class CreationData(ArmModel):
    sourceResourceId: str | None = None
    logicalSectorSize: int | None = None
    performancePlus: bool | None = None


class UpdatesInProgress(ArmModel):
    targetTier: str | None = None


class OfDisk(ArmModel):
    """What a managed disk and a disk restore point both tell."""

    timeCreated: datetime | None = None
    hyperVGeneration: str | None = None
    osType: str | None = None
    encryption: Encryption | None = None
    networkAccessPolicy: str | None = None
    diskAccessId: str | None = None
    publicNetworkAccess: str | None = None
    supportsHibernation: bool | None = None
    purchasePlan: dict[str, t.Any] | None = None
    supportedCapabilities: dict[str, t.Any] | None = None
    securityProfile: dict[str, t.Any] | None = None


class ManagedDiskProperties(OfDisk):
    """Members that are not known here are kept: what a user may have set is reported where it cannot be kept."""

    model_config = pydantic.ConfigDict(extra="allow")

    provisioningState: str | None = None
    diskState: str | None = None
    uniqueId: str | None = None
    maxShares: int | None = None
    creationData: CreationData | None = None
    encryptionSettingsCollection: EncryptionSettings | None = None
    diskSizeGB: int | None = None
    tier: str | None = None
    burstingEnabled: bool | None = None
    diskIOPSReadWrite: int | None = None
    diskMBpsReadWrite: int | None = None
    diskIOPSReadOnly: int | None = None
    diskMBpsReadOnly: int | None = None
    dataAccessAuthMode: str | None = None
    optimizedForFrequentAttach: bool | None = None
    availabilityPolicy: dict[str, t.Any] | None = None
    propertyUpdatesInProgress: UpdatesInProgress | None = None

    @property
    def is_shared(self) -> bool:
        """Whether several VMs may have it."""
        return self.maxShares is not None and self.maxShares > 1


class DiskEntity(Resource):
    """Microsoft.Compute/disks."""

    location: str
    zones: list[str] | None = None
    sku: Sku | None = None
    tags: Tags | None = None
    managedBy: str | None = None
    managedByExtended: list[str] | None = None
    extendedLocation: dict[str, t.Any] | None = None
    properties: ManagedDiskProperties

    @property
    def guest_encrypted(self) -> bool:
        """Whether Azure Disk Encryption is enabled on it."""
        settings = self.properties.encryptionSettingsCollection
        return bool(settings and settings.enabled)

    @property
    def has_own_key(self) -> bool:
        """Whether it is encrypted at rest with a key of the customer's."""
        return bool(self.properties.encryption and self.properties.encryption.diskEncryptionSetId)


class DiskRestorePointProperties(OfDisk):
    sourceResourceId: str | None = None
    replicationState: str | None = None
    completionPercent: float | None = None
    snapshotAccessState: str | None = None
    logicalSectorSize: int | None = None


class DiskRestorePointEntity(Resource):
    """diskRestorePoints, of the disk resource provider."""

    properties: DiskRestorePointProperties
