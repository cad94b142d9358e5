# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this restore and earlier ones have left behind, and how the VM was before any of them began. Pure."""

from __future__ import annotations

import re
import typing as t

from ...._core.model import ObservedVm
from ..disk_entities import DiskEntity
from ..state import AzureVmState
from ..tags import (
    DONE,
    GIVEN_UP,
    PENDING,
    RestoreTags,
    disk_name,
    lead_slot,
    short_hash,
    short_name,
    slot_in,
    source_hash,
)


class RestoredDisks(dict[str, DiskEntity]):
    """Disks that restores have made, by the slot that each was made for."""

    @property
    def tags(self) -> list[RestoreTags]:
        """What the disks' tags say."""
        return [RestoreTags.of(disk) for disk in self.values()]

    @property
    def lead(self) -> RestoreTags:
        """The tags of the disk that speaks for its run."""
        return RestoreTags.of(self[lead_slot(self)])

    @property
    def is_done(self) -> bool:
        """Whether the run has ended, as its lead disk says."""
        return bool(self) and self.lead.state == DONE

    @property
    def power(self) -> str | None:
        """The power state of the VM when the run began."""
        return next((tags.power for tags in self.tags if tags.power), None)

    @property
    def names(self) -> str:
        """The disks' names, for a sentence."""
        return ", ".join(sorted(disk.name for disk in self.values()))


def disks_of(state: AzureVmState, run: str) -> RestoredDisks:
    """The disks that a run of this VM has made."""
    return RestoredDisks(
        (slot_in(disk.name), disk)
        for disk in state.restored
        if run and RestoreTags.of(disk).run == run and _bears_its_run(state, disk)
    )


def interrupted(state: AzureVmState, run: str = "") -> RestoredDisks:
    """The disks that runs other than `run` have left pending: they tell how the VM was before those began."""
    others = [disk for disk in _pending(state) if RestoreTags.of(disk).run != run and _bears_its_run(state, disk)]
    others.sort(key=lambda disk: (RestoreTags.of(disk).run, disk.name))
    return RestoredDisks((slot_in(disk.name), disk) for disk in others)


def abandoned(state: AzureVmState) -> RestoredDisks:
    """The disks of runs that lead nowhere and are not marked yet."""
    runs = sorted({RestoreTags.of(disk).run for disk in _pending(state)})
    spent = [disks for run in runs if is_spent(state, disks := disks_of(state, run))]
    return RestoredDisks(
        (slot, disk) for disks in spent for slot, disk in disks.items() if RestoreTags.of(disk).state == PENDING
    )


def unfinished(state: AzureVmState, point_id: str) -> str:
    """The run that an earlier restore of this VM to that very point has begun and not ended, if there is one."""
    for tags in map(RestoreTags.of, _pending(state)):
        if tags.point_id == short_hash(point_id) and not is_spent(state, disks_of(state, tags.run)):
            return tags.run
    return ""


def is_spent(state: AzureVmState, disks: RestoredDisks) -> bool:
    """Whether a run's disks lead nowhere: it was given up, or its point has gone before the VM was on any of them.

    Such a run has restored nothing, and what it has not made yet can no longer be made.
    """
    if any(tags.state == GIVEN_UP for tags in disks.tags):
        return True
    if disks.is_done or any(disk.id.lower() in state.attached_ids for disk in disks.values()):
        return False
    sources = {source_hash(disk) for point in state.points for disk in point.disks}
    return any(tags.source not in sources for tags in disks.tags)


def left_open(state: AzureVmState, run: str, replaced: t.Collection[str]) -> dict[str, str]:
    """The disks that other restores of this VM have left pending, and the state that is due to each.

    `replaced` are the short names of the disks that `run` takes the place of. A run with a key whose disks the VM was
    never on stays pending: its retry goes on with it.
    """
    used = state.attached_ids | {disk.id.lower() for short in replaced if (disk := state.disk(short)) is not None}
    happened = {RestoreTags.of(disk).run for disk in state.restored if disk.id.lower() in used}
    due = {}
    for disk in sorted(_pending(state), key=lambda disk: disk.name):
        tags = RestoreTags.of(disk)
        if tags.run == run:
            continue
        if tags.run in happened:
            due[disk.name] = DONE
        elif not tags.keyed or is_spent(state, disks_of(state, tags.run)):
            due[disk.name] = GIVEN_UP
    return due


def _bears_its_run(state: AzureVmState, disk: DiskEntity) -> bool:
    """Whether it is called as its run calls the disk of a place: somebody may have copied one with its tags."""
    slot = slot_in(disk.name)
    named = disk_name(state.vm.name, slot, RestoreTags.of(disk).run)
    return re.fullmatch(r"os|lun\d+", slot) is not None and disk.name == named


def _pending(state: AzureVmState) -> list[DiskEntity]:
    return [disk for disk in state.restored if RestoreTags.of(disk).state == PENDING]


# How the VM was -------------------------------------------------------------------------------------------------------


def replaced_by(state: AzureVmState, slot: str, new: str) -> str | None:
    """`group/name` of the disk that `new` takes the place of: attached now, or named by the tag of `new`.

    A tag is a claim: it counts only for a disk that a point of the VM names as its own, or that a restore of it made.
    """
    entity, attached = state.named(new), state.attached(slot)
    if entity is None and attached is None:
        entity = interrupted(state).get(slot)  # what a run before this one has detached
    claimed = RestoreTags.of(entity).replaces if entity is not None else ""
    if claimed:
        disk = state.disk(claimed)
        return claimed if disk is None or state.is_own(disk) else None
    managed = attached.managedDisk if attached else None
    return short_name(managed.id) if managed and managed.id else None


def held_before(state: AzureVmState, slot: str, new: str) -> str:
    """How the VM held the disk that `new` takes the place of, before any run began to change that."""
    old = replaced_by(state, slot, new)
    for disk in (state.named(new), interrupted(state).get(slot)):
        tags = RestoreTags.of(disk) if disk is not None else RestoreTags()
        if tags.held and old is not None and tags.replaces.lower() == old.lower():
            return tags.held
    return state.held(slot)


def ran_before(before: ObservedVm, run: str) -> bool:
    """Whether the VM ran before the restore began; a run before this one may have switched it off."""
    earlier = "on" if interrupted(before.detail, run).power == "on" else before.power
    return (disks_of(before.detail, run).power or earlier) == "on"


def describe_vm(run: str, before: ObservedVm, now: ObservedVm) -> str:
    """Whether the VM is on, and which disks it has."""
    state: AzureVmState = now.detail
    disks = disks_of(state, run)
    code = state.vm.power_code
    unknown = f'shown as "{code}"' if code else "not shown as on or off"
    power = {"on": "running", "off": "off"}.get(now.power, unknown)
    if (disks.power or before.power) == "on" and now.power != "on":
        power += "; it ran when the restore began"
    slots: dict[str, list[str]] = {"new": [], "old": [], "no": []}
    for slot in sorted(disks, key=lambda slot: (slot != "os", slot)):
        attached = state.attached(slot)
        disk = state.disks.get(attached.managed_id) if attached else None
        name = disk.name if disk else attached.name if attached else None
        kind = "no" if attached is None else "new" if attached.managed_id == disks[slot].id.lower() else "old"
        slots[kind].append(f"{slot} ({name})" if name else slot)
    shown = [f"{kind} disk at {', '.join(found)}" for kind, found in slots.items() if found]
    return f"The VM is {power}, with {' and '.join(shown) or 'the disks that it had'}."
