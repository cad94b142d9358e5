# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What restores in place and failed creates have left of an Azure VM, and what of it may go. Pure.

A disk is ours in two ways: a restore of this very VM made it (its tags and its name say so), or such a disk has taken
its place, and the VM's restore points know it. Tags are claims that anyone may forge, so one alone is never enough for
a disk that no restore made.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._core.model import Leftover
from .disk_entities import DiskEntity
from .restore.runs import RestoredDisks, disks_of, is_spent
from .state import AzureVmState
from .tags import DONE, GIVEN_UP, RestoreTags, slot_in

NOT_OURS = "no restore of this VM has made it or taken its place"
UNPROVEN = "a tag says that it was replaced, and none of the VM's restore points knows it"
UNFINISHED = "that restore is not finished and may still need it: run it again first"


@dataclass(frozen=True)
class LeftDisk:
    """A disk that no VM has, and the reason why it is there. `needed` is why it must stay all the same."""

    disk: DiskEntity
    reason: str
    needed: str = ""

    def show(self) -> Leftover:
        """As results show it."""
        properties = self.disk.properties
        return Leftover(
            "disk",
            self.disk.id,
            self.disk.name,
            f"{self.reason}; {self.needed}" if self.needed else self.reason,
            properties.timeCreated,
            properties.diskSizeGB,
            removable=not self.needed,
        )


def leftovers(state: AzureVmState) -> list[Leftover]:
    """The points that failed, and the disks that are left."""
    points = [
        Leftover(
            "restore_point",
            point.id,
            point.name,
            "it failed, and Azure counts it as a point. Remove it with vm_checkpoint, state: absent and its "
            "checkpoint_id.",
            point.created,
        )
        for point in state.points
        if point.failed
    ]
    return [*points, *(each.show() for each in left_disks(state))]


def left_disks(state: AzureVmState) -> list[LeftDisk]:
    """The disks that restores of this VM have left, by name."""
    found = [left_disk(state, disk) for disk in sorted(state.disks.values(), key=lambda disk: disk.name)]
    return [each for each in found if each is not None]


def left_disk(state: AzureVmState, disk: DiskEntity) -> LeftDisk | None:
    """The disk as a leftover; None if a VM has it, or if no restore of this VM has to do with it."""
    if owner_of(state, disk):
        return None
    replaced = _replaced(state, disk)
    if replaced is not None:
        return _with_state(replaced)
    tags = RestoreTags.of(disk)
    run = disks_of(state, tags.run)
    if all(each.id.lower() != disk.id.lower() for each in run.values()):
        return None
    reason = f"made by the restore {tags.run}{_to(tags)}"
    if tags.state == DONE:
        return _with_state(LeftDisk(disk, f"{reason}, and detached since"))
    if tags.state == GIVEN_UP:
        return _with_state(LeftDisk(disk, f"{reason}, which was given up"))
    needed = UNFINISHED if _is_under_way(state, run) else ""
    ended = "which leads nowhere: its restore point is gone" if is_spent(state, run) else "which was interrupted"
    return _with_state(LeftDisk(disk, f"{reason}, {ended}", needed))


def why_kept(state: AzureVmState, disk: DiskEntity) -> str:
    """Why a disk must not go; empty for a leftover that nothing needs."""
    if owner := owner_of(state, disk):
        return owner
    found = left_disk(state, disk)
    return NOT_OURS if found is None else found.needed


def owner_of(state: AzureVmState, disk: DiskEntity) -> str:
    """Who has the disk; empty where nobody is shown to have it."""
    if disk.id.lower() in state.attached_ids:
        return "this VM has it"
    owners = [owner for owner in (disk.managedBy, *(disk.managedByExtended or [])) if owner]
    return f"{owners[0].rpartition('/')[2]} has it" if owners else ""


def not_idle(disk: DiskEntity) -> str:
    """What the service shows a disk to be used for; empty for one that is attached to nothing and at rest.

    The swagger's diskState: Unattached, Attached, Reserved (its VM is deallocated), Frozen, ActiveSAS, ActiveSASFrozen,
    ReadyToUpload, ActiveUpload.
    """
    if disk.state in ("creating", "updating", "deleting"):
        return f"it is {disk.state}"
    state = disk.properties.diskState
    if state is None:
        return "the service does not show whether it is attached"
    return "" if state.lower() == "unattached" else f"its state is {state}"


def claims_on(state: AzureVmState, disk: DiskEntity) -> list[DiskEntity]:
    """The disks of restores of this VM whose tags say that they took the disk's place."""
    return [
        each
        for each in state.restored
        if _is_named_as_made(state, each)
        and (short := RestoreTags.of(each).replaces)
        and (old := state.disk(short)) is not None
        and old.id.lower() == disk.id.lower()
    ]


def _replaced(state: AzureVmState, disk: DiskEntity) -> LeftDisk | None:
    """The disk as one that restores have replaced. One that was given up, or never got that far, has replaced none."""
    found: LeftDisk | None = None
    for new in claims_on(state, disk):
        tags = RestoreTags.of(new)
        run = disks_of(state, tags.run)
        reason = f"replaced by {new.name} in the restore {tags.run}{_to(tags)}"
        if _is_under_way(state, run):
            return LeftDisk(disk, reason, UNFINISHED)
        if tags.state == DONE or run.is_done:
            found = LeftDisk(disk, reason, "" if state.is_own(disk) else UNPROVEN)
    return found


def _with_state(found: LeftDisk) -> LeftDisk:
    return LeftDisk(found.disk, found.reason, found.needed or not_idle(found.disk))


def _is_under_way(state: AzureVmState, run: RestoredDisks) -> bool:
    """Whether a run has begun to change the VM and has not ended: what it put off may have to come back."""
    if run.is_done or any(tags.state == GIVEN_UP for tags in run.tags):
        return False
    now = {slot: state.attached(slot) for slot in run}
    return any(held is None or held.managed_id == run[slot].id.lower() for slot, held in now.items())


def _is_named_as_made(state: AzureVmState, disk: DiskEntity) -> bool:
    run = disks_of(state, RestoreTags.of(disk).run)
    made: t.Optional[DiskEntity] = run.get(slot_in(disk.name))
    return made is not None and made.id.lower() == disk.id.lower()


def _to(tags: RestoreTags) -> str:
    return f" to {tags.point}" if tags.point else ""
