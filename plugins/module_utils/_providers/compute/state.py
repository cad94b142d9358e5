# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of an Azure VM besides its checkpoints. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import cached_property

from ..._core.errors import Forbidden
from .disk_entities import DiskEntity
from .entities import CollectionEntity, PointEntity
from .tags import RestoreTags, short_hash
from .vm_entities import Disk, VmEntity


@dataclass(frozen=True)
class Attachment:
    """A disk for a slot of the VM (`os`, or `lun` and its number): a name in the VM's resource group, or `group/name`.

    `held` says how the VM is to hold it (see AzureVmState.held); None for a new disk, whose own tags say that.
    """

    slot: str
    disk: str
    held: str | None = None


@dataclass(frozen=True)
class AzureVmState:
    """A VM, its collection with all points, and disks by lower-case id: those of the resource groups in `groups`.

    `unlisted` is why the disks could not be listed, where the right to do so is missing.
    """

    vm: VmEntity
    raw: t.Mapping[str, t.Any]
    etag: str | None
    group: str
    collection: CollectionEntity | None
    disks: t.Mapping[str, DiskEntity]
    groups: frozenset[str] = frozenset()
    unlisted: Forbidden | None = None

    @property
    def points(self) -> list[PointEntity]:
        """The restore points of the VM's collection."""
        return self.collection.points if self.collection else []

    def point(self, checkpoint_id: str) -> PointEntity | None:
        """The restore point behind a checkpoint."""
        return next((point for point in self.points if point.id.lower() == checkpoint_id.lower()), None)

    def named(self, name: str) -> DiskEntity | None:
        """The disk of that name in the VM's resource group."""
        return self._in_group(self.group, name)

    def disk(self, short: str) -> DiskEntity | None:
        """The disk of `group/name`, or of a name in the VM's own group."""
        group, _slash, name = short.rpartition("/")
        return self._in_group(group or self.group, name)

    def replaced(self, short: str, source: Disk) -> DiskEntity | None:
        """What a new disk for `source` is to be like: the disk that it replaces, else the one in the point."""
        return self.disk(short) or self.disks.get(source.managed_id)

    def _in_group(self, group: str, name: str) -> DiskEntity | None:
        ends = f"/resourcegroups/{group.lower()}/providers/microsoft.compute/disks/{name.lower()}"
        return next((disk for key, disk in self.disks.items() if key.endswith(ends)), None)

    @property
    def generation(self) -> str:
        """The VM's generation, as its OS disk or its instance view tells; empty where neither does."""
        attached = self.attached("os")
        disk = self.disks.get(attached.managed_id) if attached else None
        view = self.vm.properties.instanceView
        return (disk.properties.hyperVGeneration if disk else None) or (view.hyperVGeneration if view else None) or ""

    @cached_property
    def restored(self) -> list[DiskEntity]:
        """The disks that restores of this very VM have made."""
        return [disk for disk in self.disks.values() if self._is_restored(disk)]

    def _is_restored(self, disk: DiskEntity) -> bool:
        return RestoreTags.of(disk).vm == short_hash(self.vm.id)

    def own_disks(self) -> list[str]:
        """The ids, in lower case, of the disks that a restore may be about: attached, made by one, replaced by one."""
        replaced = [self.disk(short) for each in self.restored if (short := RestoreTags.of(each).replaces)]
        known = [*self.restored, *(disk for disk in replaced if disk is not None)]
        return sorted(self.attached_ids | {disk.id.lower() for disk in known})

    def is_own(self, disk: DiskEntity) -> bool:
        """Whether a disk that only a tag names is the VM's: attached, in a point of it, or made by a restore of it."""
        in_points = {each.managed_id for point in self.points for each in point.disks}
        return disk.id.lower() in in_points | self.attached_ids or self._is_restored(disk)

    # What is attached -------------------------------------------------------------------------------------------------

    @property
    def attached_ids(self) -> set[str]:
        """The ids, in lower case, of the managed disks that the VM has now."""
        return {disk.managed_id for disk in self.vm.disks if disk.managed_id}

    def attached(self, slot: str) -> Disk | None:
        """The disk that the VM has there now."""
        return next((disk for disk in self.vm.disks if disk.slot == slot), None)

    def delete_option(self, slot: str) -> str:
        """What becomes of the disk there when the VM goes, or with some services when it is detached."""
        return str(self._attachment(slot).get("deleteOption") or "")

    def held(self, slot: str) -> str:
        """`caching/deleteOption/accelerated` of the disk there; empty where there is none."""
        found = self._attachment(slot)
        accelerated = "accelerated" if found.get("writeAcceleratorEnabled") else ""
        return "/".join([str(found.get("caching") or ""), self.delete_option(slot), accelerated]) if found else ""

    def _attachment(self, slot: str) -> t.Mapping[str, t.Any]:
        return self.os_disk if slot == "os" else self.data_disks.get(slot, {})

    @property
    def os_disk(self) -> t.Mapping[str, t.Any]:
        """The VM's OS disk as it was answered: a PATCH leaves alone what is not known here."""
        return self.raw["properties"]["storageProfile"].get("osDisk") or {}

    @property
    def data_disks(self) -> dict[str, dict[str, t.Any]]:
        """Its data disks as they were answered, by slot."""
        disks = self.raw["properties"]["storageProfile"].get("dataDisks") or []
        return {f"lun{disk.get('lun')}": disk for disk in disks}

    def is_made(self, disk: DiskEntity) -> bool:
        """Whether a disk has been made. `Updating` does not say: a disk that is being made shows it, and so does one
        whose tags are being written. But a VM is only ever on disks that were made.
        """
        return disk.id.lower() in self.attached_ids or disk.state == "succeeded"

    def is_on(self, attachments: t.Collection[Attachment]) -> bool:
        """Whether the VM has all of these disks attached, each in its slot."""
        return bool(attachments) and all(self._holds(each) for each in attachments)

    def in_the_way(self, attachments: t.Iterable[Attachment]) -> list[str]:
        """The LUNs of `attachments` that another disk is attached at."""
        return [
            each.slot
            for each in attachments
            if each.slot != "os" and self.attached(each.slot) is not None and not self._holds(each)
        ]

    def _holds(self, attachment: Attachment) -> bool:
        attached, disk = self.attached(attachment.slot), self.disk(attachment.disk)
        return attached is not None and disk is not None and attached.managed_id == disk.id.lower()


def held_options(held: str) -> dict[str, t.Any]:
    """AzureVmState.held as members of a storage profile. It may come from a tag, which is a claim: so only what the
    service knows.
    """
    caching, option, accelerated = [*held.split("/"), "", ""][:3]
    options: dict[str, t.Any] = {"writeAcceleratorEnabled": True} if accelerated == "accelerated" else {}
    if caching in ("None", "ReadOnly", "ReadWrite"):
        options["caching"] = caching
    if option in ("Delete", "Detach"):
        options["deleteOption"] = option
    return options
