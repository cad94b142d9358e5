# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM and its storage profile as the core needs them: of a VM as it is, and of the one that a point was made of."""

from __future__ import annotations

import typing as t

from ..._core.model import Power
from ..._deps import pydantic
from .fields import ArmModel, Resource, ResourceId


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


class EncryptionSettings(ArmModel):
    """Azure Disk Encryption, which encrypts inside the guest: of a disk, or of a VM's OS disk."""

    enabled: bool | None = None


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
    diskSizeGB: int | None = None
    encryptionSettings: EncryptionSettings | None = None

    @property
    def slot(self) -> str:
        """`os`, or `lun` and its number: what names a disk in plans and disk names."""
        return "os" if self.lun is None else f"lun{self.lun}"

    @property
    def managed_id(self) -> str:
        """The managed disk's id in lower case; empty for any other kind."""
        return (self.managedDisk.id or "").lower() if self.managedDisk else ""

    @property
    def guest_encrypted(self) -> bool:
        """Whether the VM, or the point's source, shows Azure Disk Encryption on it."""
        return bool(self.encryptionSettings and self.encryptionSettings.enabled)


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


class Agent(ArmModel):
    """What a VM's agent says of itself."""

    statuses: list[InstanceStatus] | None = None


class DiskInstance(ArmModel):
    """One disk in a VM's instance view."""

    name: str | None = None
    encryptionSettings: list[EncryptionSettings] | None = None
    statuses: list[InstanceStatus] | None = None

    @property
    def guest_encrypted(self) -> bool:
        """Whether it shows Azure Disk Encryption: by its settings, or by a status (`az vm encryption show`)."""
        codes = [(status.code or "").lower() for status in self.statuses or []]
        return "encryptionstate/encrypted" in codes or any(each.enabled for each in self.encryptionSettings or [])


class VmView(ArmModel):
    """A VM's instance view."""

    statuses: list[InstanceStatus] | None = None
    vmAgent: Agent | None = None
    hyperVGeneration: str | None = None
    disks: list[DiskInstance] | None = None


class HardwareProfile(ArmModel):
    vmSize: str | None = None


class SecurityProfile(ArmModel):
    securityType: str | None = None


class OsProfile(ArmModel):
    """How a VM was made; which configuration it has tells the operating system."""

    windowsConfiguration: dict[str, t.Any] | None = None
    linuxConfiguration: dict[str, t.Any] | None = None


class VmProperties(ArmModel):
    vmId: str | None = None
    provisioningState: str | None = None
    hardwareProfile: HardwareProfile | None = None
    securityProfile: SecurityProfile | None = None
    storageProfile: StorageProfile | None = None
    osProfile: OsProfile | None = None
    instanceView: VmView | None = None


class VmEntity(Resource):
    """Microsoft.Compute/virtualMachines."""

    location: str
    zones: list[str] | None = None
    properties: VmProperties

    @property
    def disks(self) -> list[Disk]:
        """Its disks, the OS disk first."""
        profile = self.properties.storageProfile
        return profile.disks if profile else []

    @property
    def power_code(self) -> str:
        """`running`, `deallocated`, `stopped`, …: the PowerState status without its prefix."""
        states = [code.partition("/") for code in self._codes]
        return next((state for kind, slash, state in states if slash and kind == "powerstate"), "")

    @property
    def hibernated(self) -> bool:
        """Whether it is hibernated: its power state alone is then that of any VM that is deallocated."""
        return "hibernationstate/hibernated" in self._codes

    @property
    def _codes(self) -> list[str]:
        """The codes of its instance view, in lower case: `powerstate/running`."""
        view = self.properties.instanceView
        return [(status.code or "").lower() for status in (view.statuses or [])] if view else []

    @property
    def agent(self) -> str:
        """What its agent is shown as: `Ready`, `Not Ready`, …; empty where no agent is shown."""
        view = self.properties.instanceView
        statuses = (view.vmAgent.statuses or []) if view and view.vmAgent else []
        return next((status.displayStatus for status in statuses if status.displayStatus), "")

    @property
    def power(self) -> Power:
        """On or off; a VM that is stopped but still allocated is off."""
        return "on" if self.is_on else "off" if self.is_off else "unknown"

    @property
    def is_on(self) -> bool:
        """Whether it is known to run."""
        return self.power_code == "running"

    @property
    def is_off(self) -> bool:
        """Whether it is known not to run."""
        return self.power_code in ("deallocated", "stopped")

    @property
    def size(self) -> str:
        """`Standard_D2s_v5`, …; empty where it is not shown."""
        hardware = self.properties.hardwareProfile
        return (hardware.vmSize or "") if hardware else ""

    @property
    def confidential(self) -> bool:
        """Whether it is a confidential VM."""
        security = self.properties.securityProfile
        return bool(security and (security.securityType or "").lower() == "confidentialvm")

    @property
    def os_type(self) -> str:
        """`windows` or `linux`; empty where nothing tells."""
        return os_type_of(self.properties.storageProfile, self.properties.osProfile)

    @property
    def encrypted_disks(self) -> set[str]:
        """The names, in lower case, of the disks that its instance view shows with Azure Disk Encryption."""
        view = self.properties.instanceView
        rows = (view.disks or []) if view else []
        return {row.name.lower() for row in rows if row.name and row.guest_encrypted}


def known_id(vm_id: str | None) -> str:
    """A `vmId` in one spelling; empty where it is none, such as one of zeros."""
    bare = (vm_id or "").strip().lower()
    return bare if bare.strip("0-") else ""


def os_type_of(storage: StorageProfile | None, profile: OsProfile | None) -> str:
    """By the OS disk, else by how the VM was made."""
    if storage and storage.osDisk and storage.osDisk.osType:
        return storage.osDisk.osType.lower()
    if profile and profile.windowsConfiguration is not None:
        return "windows"
    return "linux" if profile and profile.linuxConfiguration is not None else ""
