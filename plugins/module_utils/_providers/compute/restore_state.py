# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of an Azure VM besides its checkpoints, and how a restore's disks are known: names and tags. Pure."""

from __future__ import annotations

import hashlib
import typing as t
from dataclasses import dataclass

from .entities import CollectionEntity, Disk, DiskEntity, PointEntity, VmEntity

PREFIX = "hybridvm-restore-"
RUN_TAG = "hybridvm-restore-run"
STATE_TAG = "hybridvm-restore-state"
POINT_TAG = "hybridvm-restore-point"
POWER_TAG = "hybridvm-restore-power"
REPLACES_TAG = "hybridvm-restore-replaces"
HELD_TAG = "hybridvm-restore-held"
"""How the VM held the disk that this one takes the place of; see Detail.held."""
VM_TAG = "hybridvm-restore-vm"
POINT_ID_TAG = "hybridvm-restore-point-id"
SOURCE_TAG = "hybridvm-restore-source"
"""The disk restore point that a disk was made from: a point made anew under the same id has others."""
KEYED_TAG = "hybridvm-restore-keyed"
"""Set where the run follows from a restore_key: its retry may come at any time."""
PENDING, DONE, GIVEN_UP = "pending", "done", "given-up"
"""The values of STATE_TAG. `done` on a run's lead disk says that the restore has happened."""

Item = t.TypeVar("Item")


@dataclass(frozen=True)
class Detail:
    """What was read of an Azure VM besides its checkpoints. `disks` are those of `groups`, by lower-case id."""

    vm: VmEntity
    raw: t.Mapping[str, t.Any]
    etag: str | None
    group: str
    collection: CollectionEntity | None
    disks: t.Mapping[str, DiskEntity]
    groups: frozenset[str] = frozenset()

    def delete_option(self, place: str) -> str:
        """What becomes of the disk there when the VM goes, or with some services when it is detached."""
        return str(self._attachment(place).get("deleteOption") or "")

    def held(self, place: str) -> str:
        """`caching/deleteOption/accelerated` of the disk there, as HELD_TAG tells it; empty where there is none."""
        found = self._attachment(place)
        accelerated = "accelerated" if found.get("writeAcceleratorEnabled") else ""
        return "/".join([str(found.get("caching") or ""), self.delete_option(place), accelerated]) if found else ""

    def _attachment(self, place: str) -> t.Mapping[str, t.Any]:
        profile = self.raw["properties"]["storageProfile"]
        disks = [profile.get("osDisk") or {}] if place == "os" else profile.get("dataDisks") or []
        return next((d for d in disks if place == "os" or f"lun{d.get('lun')}" == place), {})

    def point(self, checkpoint_id: str) -> PointEntity | None:
        """The restore point behind a checkpoint."""
        points = (self.collection.properties.restorePoints or []) if self.collection else []
        return next((p for p in points if p.id.lower() == checkpoint_id.lower()), None)

    def named(self, name: str) -> DiskEntity | None:
        """The disk of that name in the VM's resource group."""
        ends = f"/resourcegroups/{self.group.lower()}/providers/microsoft.compute/disks/{name.lower()}"
        return next((disk for key, disk in self.disks.items() if key.endswith(ends)), None)

    def attached(self, place: str) -> Disk | None:
        """The disk that the VM has there now."""
        return next((disk for disk in self.vm.disks if disk.slot == place), None)

    @property
    def _ours(self) -> list[DiskEntity]:
        """The disks that restores of this very VM have made."""
        wanted = short_hash(self.vm.id)
        return [disk for disk in self.disks.values() if (disk.tags or {}).get(VM_TAG) == wanted]

    def own_disks(self) -> list[str]:
        """The ids, in lower case, of the disks that a restore may be about: attached, made by one, replaced by one."""
        replaced = [by_short(self, told) for disk in self._ours if (told := _told(disk, REPLACES_TAG))]
        known = [*self._ours, *(disk for disk in replaced if disk is not None)]
        return sorted({disk.managed_id for disk in self.vm.disks if disk.managed_id} | {d.id.lower() for d in known})

    def left_open(self, run: str, replaced: t.Collection[str]) -> dict[str, str]:
        """The disks that other restores of this VM have left pending, and the state that is due to each.

        `replaced` are the short names of the disks that `run` takes the place of. One with a key that was never begun
        in earnest stays pending: its retry goes on with it.
        """
        stood = {each.managed_id for each in self.vm.disks}
        stood |= {disk.id.lower() for name in replaced if (disk := by_short(self, name)) is not None}
        happened = {_told(disk, RUN_TAG) for disk in self._ours if disk.id.lower() in stood}
        due = {}
        for disk in sorted(self._ours, key=lambda disk: disk.name):
            other = _told(disk, RUN_TAG)
            if _told(disk, STATE_TAG) != PENDING or other == run:
                continue
            if other in happened:
                due[disk.name] = DONE
            elif not _told(disk, KEYED_TAG) or self.is_spent(self.of_run(other)):
                due[disk.name] = GIVEN_UP
        return due

    def unfinished(self, point_id: str) -> str:
        """The run that an earlier restore of this VM to that very point has begun and not ended, if there is one."""
        for disk in self._ours:
            if _told(disk, STATE_TAG) == PENDING and _told(disk, POINT_ID_TAG) == short_hash(point_id):
                run = _told(disk, RUN_TAG)
                if not self.is_spent(self.of_run(run)):
                    return run
        return ""

    def is_spent(self, made: t.Mapping[str, DiskEntity]) -> bool:
        """Whether a run's disks lead nowhere: it was given up, or its point has gone before the VM was on any of them.

        Such a run has restored nothing, and what it has not made yet can no longer be made.
        """
        if any(_told(disk, STATE_TAG) == GIVEN_UP for disk in made.values()):
            return True
        held = {each.managed_id for each in self.vm.disks}
        if is_done(made) or any(disk.id.lower() in held for disk in made.values()):
            return False
        points = (self.collection.properties.restorePoints or []) if self.collection else []
        sources = {source_hash(disk) for point in points for disk in point.disks}
        return any(_told(disk, SOURCE_TAG) not in sources for disk in made.values())

    def abandoned(self) -> dict[str, DiskEntity]:
        """By place, the disks of runs that lead nowhere and are not marked yet: what they tell of the VM holds."""
        runs = sorted({_told(disk, RUN_TAG) for disk in self._ours if _told(disk, STATE_TAG) == PENDING})
        return {
            place: disk
            for run in runs
            if self.is_spent(made := self.of_run(run))
            for place, disk in made.items()
            if _told(disk, STATE_TAG) == PENDING
        }

    def interrupted(self, run: str) -> dict[str, DiskEntity]:
        """By place, the disks that other runs have left pending: they tell how the VM was before those began."""
        others = [d for d in self._ours if _told(d, STATE_TAG) == PENDING and _told(d, RUN_TAG) != run]
        ordered = sorted(others, key=lambda disk: (_told(disk, RUN_TAG), disk.name))
        return {place_in(disk.name): disk for disk in ordered}

    def of_run(self, run: str) -> dict[str, DiskEntity]:
        """The disks that a run of this VM has made, by place."""
        made = [disk for disk in self._ours if (disk.tags or {}).get(RUN_TAG) == run]
        return {
            place: disk
            for disk in made
            for place in [place_in(disk.name)]
            if disk_name(self.vm.name, place, run) == disk.name
        }


def _told(disk: DiskEntity, tag: str) -> str:
    return (disk.tags or {}).get(tag, "")


def source_hash(disk: Disk) -> str:
    """What SOURCE_TAG holds for a disk of a restore point."""
    return short_hash(disk.diskRestorePoint.id if disk.diskRestorePoint and disk.diskRestorePoint.id else "")


def is_done(made: t.Mapping[str, DiskEntity]) -> bool:
    """Whether the run has ended, as its lead disk's tag tells."""
    return bool(made) and _told(lead(made), STATE_TAG) == DONE


def lead(disks: t.Mapping[str, Item]) -> Item:
    """The disk that speaks for a run: the OS disk, where the point holds it."""
    return disks["os"] if "os" in disks else disks[min(disks)]


def by_short(detail: Detail, short: str) -> DiskEntity | None:
    """The disk of `group/name`, or of a name in the VM's own group."""
    group, _slash, name = short.rpartition("/")
    if not group:
        return detail.named(name)
    ends = f"/resourcegroups/{group.lower()}/providers/microsoft.compute/disks/{name.lower()}"
    return next((disk for key, disk in detail.disks.items() if key.endswith(ends)), None)


def short_name(disk_id: str) -> str:
    """`group/name`: a tag's value holds 256 characters, an id can be longer."""
    parts = disk_id.split("/")
    return f"{parts[4]}/{parts[8]}" if len(parts) == 9 else disk_id


def disk_name(vm: str, place: str, run: str) -> str:
    """At most 80 characters, as Azure allows; the run tells VMs apart whose names begin alike."""
    return f"{vm[:58]}-{place}-{run}"


def as_held(told: str) -> dict[str, t.Any]:
    """What of HELD_TAG goes into a storage profile: a tag is a claim, so only what the service knows."""
    caching, option, accelerated = [*told.split("/"), "", ""][:3]
    found: dict[str, t.Any] = {"writeAcceleratorEnabled": True} if accelerated == "accelerated" else {}
    if caching in ("None", "ReadOnly", "ReadWrite"):
        found["caching"] = caching
    if option in ("Delete", "Detach"):
        found["deleteOption"] = option
    return found


def place_in(name: str) -> str:
    """The place that a restore's disk was made for."""
    parts = name.rsplit("-", 2)
    return parts[1] if len(parts) == 3 else ""


def short_hash(resource_id: str) -> str:
    """What a tag holds of an id, which may be longer than a tag's value."""
    return hashed("id", resource_id.strip("/"))


def hashed(*parts: str) -> str:
    """The first 48 bits of what identifies a run, as text."""
    return hashlib.sha256("\0".join(parts).lower().encode()).hexdigest()[:12]
