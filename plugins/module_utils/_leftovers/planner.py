# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=redundant-keyword-arg # it does not see the fields of a dataclass's base in another room
"""plan for the disks that restores of a VM have left: pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.errors import CheckpointError, InvalidInput, Obstructed
from .._core.model import Obstacle
from .._core.plan import Plan, refuse_obstructed
from .._core.targets import Target
from .._core.times import format_time
from .._providers.compute.disk_entities import DiskEntity
from .._providers.compute.leftovers import NOT_OURS, claims_on, left_disk, left_disks, not_idle, why_kept
from .._providers.compute.state import AzureVmState
from .._providers.compute.tags import RestoreTags
from .actions import DeleteLeftover

Disks = t.Mapping[str, t.Optional[DiskEntity]]
"""The disks that are asked for, by id in lower case; None for one that does not exist."""


@dataclass(frozen=True)
class ObservedDisks:
    """The VM with the disks around it as last read whole, and the disks that are asked for as last read."""

    state: AzureVmState
    asked: Disks
    obstacles: tuple[Obstacle, ...] = ()


def plan(target: Target, observed: ObservedDisks, done: t.Container[str]) -> Plan:
    """One delete for each disk that is asked for and exists, older ones first. A single one that must stay refuses all.

    `done` are the ids, in lower case, that this run has removed: what bears one of them now is another disk, which
    nobody asked to remove.
    """
    todo = [disk for key, disk in observed.asked.items() if disk is not None and key not in done]
    _refuse(observed.state, todo)
    actions = [DeleteLeftover(target, _reason(observed.state, disk), disk) for disk in sorted(todo, key=_age)]
    refuse_obstructed(actions, observed.obstacles)
    return Plan(target, tuple(actions), tuple(_warnings(observed.state, observed.asked, todo)))


def in_use(state: AzureVmState, disk: DiskEntity) -> str:
    """Why a disk that was to go must stay after all: it has been attached, or is used, since the plan.

    What showed it to be ours may have gone before it in this very run.
    """
    found = why_kept(state, disk)
    return ("" if found == NOT_OURS else found) or not_idle(disk)


def same_disk(now: DiskEntity, planned: DiskEntity) -> bool:
    """Whether what bears the id now is the disk that was planned for."""
    ids = [each.properties.uniqueId for each in (now, planned)]
    return ids[0] == ids[1] if all(ids) else now.properties.timeCreated == planned.properties.timeCreated


def _refuse(state: AzureVmState, disks: t.Sequence[DiskEntity]) -> None:
    kept = {disk.name: why for disk in disks if (why := why_kept(state, disk))}
    if not kept:
        return
    reasons = "; ".join(f"{name}: {why}" for name, why in kept.items())
    refused: type[CheckpointError] = InvalidInput if NOT_OURS in kept.values() else Obstructed
    raise refused(
        f"ids: {len(kept)} of {len(disks)} disks are no leftovers that may go: {reasons}.",
        remedy="vm_checkpoint_info with leftovers: true lists those that can be removed.",
        changed_nothing=True,
    )


def _reason(state: AzureVmState, disk: DiskEntity) -> str:
    found = left_disk(state, disk)
    return "" if found is None else found.reason


def _age(disk: DiskEntity) -> tuple[str, str]:
    created = disk.properties.timeCreated
    return ("" if created is None else format_time(created), disk.name)


def _warnings(state: AzureVmState, asked: Disks, disks: t.Sequence[DiskEntity]) -> t.Iterator[str]:
    """A disk's tags are what shows that another one was replaced."""
    if not asked:
        yield "ids is empty, so nothing is removed."
    going = {disk.id.lower() for disk in disks}
    for left in left_disks(state):
        claims = {claim.id.lower() for claim in claims_on(state, left.disk)}
        is_made = bool(RestoreTags.of(left.disk).run)
        if left.disk.id.lower() not in going and claims <= going and not is_made:
            yield (
                f"with these disks goes what shows that disk {left.disk.name} is a leftover. "
                "Give its id too, or remove it by other means."
            )
