# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure Compute knows: virtual machines, disks with their guest's files, collections, restore points."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.azure.jobs import AzureJob
from simulator.timing import Timing


@dataclass(eq=False)
class Disk:
    """One disk; `files` is what the guest has written to it.

    `kind`: managed, or unmanaged and ephemeral, which are no resources of their own.
    """

    id: str
    location: str
    created: float
    unique_id: str
    size_gb: int
    files: dict[str, str] = field(default_factory=dict)
    kind: str = "managed"
    sku: str = "Premium_LRS"
    zones: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    os_type: str | None = None
    generation: str | None = None
    max_shares: int = 1
    encryption: dict[str, Any] = field(default_factory=lambda: {"type": "EncryptionAtRestWithPlatformKey"})
    creation: dict[str, Any] = field(default_factory=lambda: {"createOption": "Empty"})
    owners: list[str] = field(default_factory=list)  # ids of the VMs it is attached to
    extra: dict[str, Any] = field(default_factory=dict)  # properties that are kept and shown, and mean nothing here
    state: str = "Succeeded"

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]

    @property
    def guest_encrypted(self) -> bool:
        """Azure Disk Encryption, as the disk shows it."""
        return bool((self.extra.get("encryptionSettingsCollection") or {}).get("enabled"))

    @property
    def direct_drive(self) -> bool:
        """Ultra and Premium SSD v2: no crash mode, instant access, sectors of 4096 bytes (documented)."""
        return self.sku in {"UltraSSD_LRS", "PremiumV2_LRS"}


@dataclass(eq=False)
class Attachment:
    """How a VM holds a disk; `lun` None: the OS disk."""

    disk: str  # the disk's id
    name: str
    lun: int | None = None
    caching: str = "ReadWrite"
    create_option: str = "Attach"
    delete_option: str = "Detach"
    write_accelerator: bool = False
    encryption_settings: bool = False  # Azure Disk Encryption that shows at the VM (its older form)


@dataclass(eq=False)
class AzureVm:
    """One virtual machine; `properties` are the parts of the model that mean nothing here."""

    id: str
    vm_id: str
    location: str
    created: float
    os_disk: Attachment
    data_disks: list[Attachment] = field(default_factory=list)
    os_type: str = "Linux"
    generation: str = "V2"
    size: str = "Standard_D2s_v5"
    controller: str = "SCSI"  # or NVMe
    zones: list[str] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)
    power: str = "running"  # running, stopped, deallocated
    agent: str = "Ready"  # or anything else that an agent's status may say
    agent_from: float = 0.0  # the moment from which the agent is ready
    properties: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, Any] | None = None
    etag: int = 1
    state: str = "Succeeded"
    job: AzureJob | None = None

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]

    def attachments(self) -> list[Attachment]:
        return [self.os_disk, *self.data_disks]


@dataclass(eq=False)
class DiskPoint:
    """One disk as a restore point captured it."""

    name: str
    disk: Disk  # a copy: nothing that happens to the disk afterwards reaches it
    attachment: Attachment
    created: float
    family: str
    source: str  # id of the disk, or of the disk restore point it was copied from
    encryption: dict[str, Any] = field(default_factory=dict)
    asked_encryption: bool = False
    granted_until: float | None = None  # a SAS is open until then
    grant: str | None = None


@dataclass(eq=False)
class Replication:
    """The data of one restore point on its way: into another region, or beside its VM."""

    begun: float
    timing: Timing
    looks: int = 0
    failed: bool = False
    direct_only: bool = False  # the other disks have theirs

    def percent(self, now: float, place: int, count: int, step: float) -> int:
        """How far the disk in that place of `count` is; the later ones end later, the last one with the whole."""
        if self.timing.looks is not None:
            whole = self.looks / max(self.timing.looks, 1)
        elif self.timing.seconds is None:
            whole = 0.0
        else:
            passed = now - self.begun
            if step and passed < self.timing.seconds:
                passed -= passed % step
            whole = passed / self.timing.seconds if self.timing.seconds else 1.0
        if self.failed:
            whole = min(whole, 0.5)
        return max(0, min(100, int(100 * whole * count / (place + 1))))


@dataclass(eq=False)
class Point:
    """A restore point."""

    name: str
    created: float
    version: str
    kind: str  # application, crash or copy: what was asked for
    state: str = "Creating"
    consistency: str | None = None  # what was reached
    exclude: list[str] = field(default_factory=list)
    source_point: str | None = None
    instant_minutes: int | None = None
    metadata: dict[str, Any] = field(default_factory=dict)  # the VM's model without its disks
    vm_id: str = ""  # the VM's ARM id, as it was
    region: str = ""  # where the VM was
    disks: list[DiskPoint] = field(default_factory=list)
    replication: Replication | None = None
    job: AzureJob | None = None
    finished: float | None = None

    def disk_point(self, name: str) -> DiskPoint | None:
        return next((each for each in self.disks if each.name.lower() == name.lower()), None)

    def percents(self, now: float, step: float) -> list[int]:
        """Of each disk, in the order of `disks`."""
        if self.replication is None:
            return [100] * len(self.disks)
        moving = [each for each in self.disks if each.disk.direct_drive or not self.replication.direct_only]
        return [
            self.replication.percent(now, moving.index(each), len(moving), step) if each in moving else 100
            for each in self.disks
        ]


@dataclass(eq=False)
class Collection:
    """A restore point collection; `source` is a VM's id, or another collection's for copies."""

    id: str
    location: str
    source: str
    source_location: str
    guid: str
    tags: dict[str, str] = field(default_factory=dict)
    instant_access: bool | None = None
    state: str = "Succeeded"
    points: list[Point] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.id.rpartition("/")[2]

    @property
    def copies(self) -> bool:
        return "/restorepointcollections/" in self.source.lower()

    def point(self, name: str) -> Point | None:
        return next((each for each in self.points if each.name.lower() == name.lower()), None)


@dataclass(eq=False)
class Lock:
    """A management lock; `scope` is an ARM id."""

    scope: str
    name: str
    level: str  # CanNotDelete or ReadOnly
    notes: str = ""


def group_of(resource_id: str) -> str:
    """The resource group in an ARM id; empty when there is none."""
    parts = resource_id.split("/")
    return parts[4] if len(parts) > 4 and parts[3].lower() == "resourcegroups" else ""
