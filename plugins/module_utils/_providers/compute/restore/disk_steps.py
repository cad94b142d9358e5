# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that change managed disks: new ones are made, old ones deleted, and tags say what has happened."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ...._arm.ids import ArmId, parse, quote
from ...._core.errors import NotFound, VmState
from ...._core.model import ObservedVm
from ...._core.operation import Operation
from ..client import DISK_ENDS, ComputeClient, Request
from ..disk_entities import DiskEntity, DiskRestorePointEntity
from ..state import Attachment, AzureVmState
from ..tags import DONE, GIVEN_UP, PENDING, RestoreTags, short_hash, source_hash, with_state
from ..usability import of_access_state
from ..vm_entities import Disk
from .base import RestoreStep
from .new_disk import new_disk
from .runs import disks_of


@dataclass(frozen=True)
class DiskStep(RestoreStep):
    """A step that changes `disk`: a name in the VM's resource group, or `group/name`.

    `words` are its summary, `gerund` is their first one as errors say it.
    """

    words: t.ClassVar[str] = ""
    gerund: t.ClassVar[str] = ""
    disk: str

    @property
    def summary(self) -> str:
        return self.words.format(disk=self.disk)

    @property
    def activity(self) -> str:
        return f"{self.gerund} {self.summary.partition(' ')[2]}"

    @property
    def kinds(self) -> tuple[str, ...]:
        return (*super().kinds, f"{self.writes_to} {self.disk}".lower())

    def about(self) -> dict[str, t.Any]:
        return super().about() | {"disk": self.disk}

    def existing(self, disk: DiskEntity | None) -> DiskEntity:
        """The disk; NotFound where it has gone since the plan."""
        if disk is None:
            raise self.gone(f"disk {self.disk} is gone.")
        return disk


@dataclass(frozen=True)
class CreateDisk(DiskStep):
    """A new disk from the disk restore point, where the VM is, of the kind it replaces, encrypted as that was.

    `power`, `keyed`, `replaces` and `held` go into its tags (see RestoreTags).
    """

    op = writes_to = "create_disk"
    words, gerund, before_shutdown = "create disk {disk}", "creating", True
    slot: str
    power: str
    keyed: bool
    replaces: str
    held: str

    def about(self) -> dict[str, t.Any]:
        tags = {"power": self.power, "keyed": self.keyed, "replaces": self.replaces, "held": self.held}
        return super().about() | {"place": self.slot} | tags

    def covered(self) -> dict[str, t.Any]:
        """The very point: another one may have its name, and so its id, by the time of the apply."""
        return self.details() | ({} if self.run.created is None else {"created": self.run.created.isoformat()})

    def is_shown(self, state: AzureVmState) -> bool:
        disk = state.named(self.disk)
        return disk is not None and state.is_made(disk)

    async def send(self, client: ComputeClient, observed: ObservedVm) -> Operation:
        """Joins an earlier run's request that is still at it. All of the point's disks are looked at before the first
        one is made.
        """
        state: AzureVmState = observed.detail
        disk = state.named(self.disk)
        if disk is not None and disk.state not in DISK_ENDS:
            return client.join_creation(disk)
        source, begun = self._source(state), bool(disks_of(state, self.run.id))
        needed = {self.slot: source} if begun else self.run.sources(state)
        read = {slot: await self._disk_restore_point(client, each, begun) for slot, each in needed.items()}
        return await client.send(self.request(state, read[self.slot]))

    def request(self, state: AzureVmState, disk_point: DiskRestorePointEntity | None = None) -> Request:
        source, vm = self._source(state), parse(self.target.id)
        old = state.replaced(self.replaces, source)
        tags = RestoreTags(
            run=self.run.id,
            state=PENDING,
            point=self.run.point or "",
            point_id=self.run.point_id,
            source=source_hash(source),
            keyed="yes" if self.keyed else "",
            vm=short_hash(state.vm.id),
            power=self.power,
            replaces=self.replaces,
            held=self.held,
        )
        path = ArmId(vm.subscription, vm.group, "Microsoft.Compute/disks", self.disk).path
        return Request("PUT", path, new_disk(tags, state.vm, source, disk_point, old), self.activity, to_disk=True)

    def _source(self, state: AzureVmState) -> Disk:
        source = self.run.sources(state).get(self.slot)
        if source is not None and source.diskRestorePoint and source.diskRestorePoint.id:
            return source
        why = f"restore point {self.run.point} no longer holds {self.slot}."
        if source is not None:
            why = f"the restore point has no disk restore point for {self.slot}."
        raise NotFound(why, remedy="Choose another restore point.")

    async def _disk_restore_point(
        self, client: ComputeClient, source: Disk, begun: bool
    ) -> DiskRestorePointEntity | None:
        """It says how the disk is encrypted, and whether all of it is there."""
        point_id = source.diskRestorePoint.id if source.diskRestorePoint else None
        found = await client.disk_restore_point(point_id) if point_id else None
        if found is None:
            return None
        percent, state = found.properties.completionPercent, found.properties.snapshotAccessState
        said = of_access_state(state)
        if said == "usable" or (said is None and (percent is None or percent >= 100)):
            return found
        if said is None and of_access_state(await client.access_state(found.id)) == "usable":
            return found
        shown = state if said else f"at {percent:g} %"
        raise VmState(
            f"the restore point is not usable yet: {found.name} is {shown}.",
            changed_nothing=not begun,
            remedy="Run the task again when all of its data is there.",
        )


class DeleteDisk(DiskStep):
    """A disk that was replaced goes. Only a resource group that was listed can show that it is gone."""

    op = writes_to = "delete_disk"
    words, gerund = "delete disk {disk}", "deleting"

    def is_shown(self, state: AzureVmState) -> bool:
        return self.disk.rpartition("/")[0].lower() in state.groups and state.disk(self.disk) is None

    def request(self, state: AzureVmState) -> Request:
        disk = self.existing(state.disk(self.disk))
        return Request("DELETE", quote(disk.id), None, self.activity, to_disk=True)


@dataclass(frozen=True)
class MarkDisk(DiskStep):
    """A tag says what became of the restore that the disk was made for, once the VM is on `attachments`."""

    writes_to = "tag_disk"
    gerund = "marking"
    mark: t.ClassVar[str] = ""
    attachments: tuple[Attachment, ...]

    def about(self) -> dict[str, t.Any]:
        return super().about() | {"disks": {each.slot: each.disk for each in self.attachments}}

    def is_shown(self, state: AzureVmState) -> bool:
        disk = state.named(self.disk)
        return state.is_on(self.attachments) and disk is not None and RestoreTags.of(disk).state == self.mark

    def request(self, state: AzureVmState) -> Request:
        disk = self.existing(state.named(self.disk))
        return Request("PATCH", quote(disk.id), {"tags": with_state(disk, self.mark)}, self.activity, to_disk=True)


class MarkDone(MarkDisk):
    """The restore that the disk was made for has happened."""

    op, mark, words = "finish", DONE, "mark disk {disk} as done"


class MarkRunDone(MarkDone):
    """The same on the run's lead disk, whose tag speaks for the run: so it comes last."""

    words = "mark the run as done"


class MarkGivenUp(MarkDisk):
    """The restore that the disk was made for leads nowhere, and is not to be taken for unfinished."""

    op, mark, words = "give_up", GIVEN_UP, "mark disk {disk} as given up"
