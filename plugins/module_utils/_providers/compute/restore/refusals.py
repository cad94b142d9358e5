# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a restore in place is refused before its first write. Pure."""

from __future__ import annotations

import typing as t

from ...._core.errors import InvalidInput, MissingCheckpoint, Obstructed, VmState
from ...._core.model import ObservedVm
from ...._core.spec import RestoreRequest
from ..entities import PointEntity
from ..preflight import INSTEAD_OF_SWAP, encrypted_slots
from ..state import AzureVmState
from ..tags import RestoreTags, short_name
from ..vm_entities import Disk


def refuse_unusable(entity: PointEntity, todo: t.Sequence[Disk]) -> None:
    """A point from which not every disk can be made is refused before the first one is."""
    lacking = [disk.slot for disk in todo if not (disk.diskRestorePoint and disk.diskRestorePoint.id)]
    if todo and entity.state != "succeeded":
        why = f"it is {entity.state}"
    elif lacking:
        why = f"it lacks the disk restore point of {', '.join(lacking)}"
    else:
        return
    raise MissingCheckpoint(
        f"restore point {entity.name} cannot be restored: {why}.",
        remedy="Choose another.",
        changed_nothing=True,
    )


def refuse_strangers(actual: ObservedVm, new: t.Mapping[str, str], disks: t.Sequence[Disk]) -> None:
    """A disk that only bears the name is not this restore's: names follow from what anybody can know."""
    sources = {disk.slot: disk.diskRestorePoint.id for disk in disks if disk.diskRestorePoint}
    for slot, name in new.items():
        found, source = actual.detail.named(name), sources.get(slot)
        made_from = found.properties.creationData if found else None
        if found and source and (not made_from or (made_from.sourceResourceId or "").lower() != source.lower()):
            raise InvalidInput(
                f"a disk named {name} exists and was not made from that restore point.",
                remedy="Remove that disk, or use another restore_key.",
                changed_nothing=True,
            )


def refuse_unknown_power(spec: RestoreRequest, actual: ObservedVm, power_before: str) -> None:
    """The VM is switched off on the way: whether it is to run afterwards must be known before."""
    if power_before == "unknown" and spec.power_after == "previous":
        shown = f'"{code}", neither on nor off' if (code := actual.detail.vm.power_code) else "not shown"
        raise VmState(
            f"its power state is {shown}, so nobody can tell whether it is to run after the restore.",
            remedy="Run the task again once it is on or off, or set power_after to on or off.",
            changed_nothing=True,
        )


def refuse_no_os_disk(actual: ObservedVm, new: t.Mapping[str, str]) -> None:
    """An OS disk is swapped in the place of another: a VM that shows none would be switched off for nothing."""
    if "os" in new and not actual.detail.held("os"):
        raise VmState(
            "it shows no OS disk to be replaced.",
            remedy="Run the task again once it shows its OS disk.",
            changed_nothing=True,
        )


def refuse_another_system(actual: ObservedVm, entity: PointEntity) -> None:
    """An OS disk is swapped only for one of the same system and generation, and what is encrypted within cannot be
    read without the key that the VM was given.
    """
    state: AzureVmState = actual.detail
    metadata = entity.properties.sourceMetadata
    theirs, generation = entity.os_type, metadata.hyperVGeneration if metadata else None
    encrypted = [disk.slot for disk in entity.disks if disk.guest_encrypted]
    why, remedy = "", "Make disks from the restore point and create a VM from them."
    # Where the VM itself is encrypted that is an obstacle, whatever the point holds.
    if encrypted and not encrypted_slots(state.vm, state.disks):
        why = f"its {', '.join(encrypted)} used Azure Disk Encryption, for which the VM would have no key"
        remedy = INSTEAD_OF_SWAP
    elif not any(disk.slot == "os" for disk in entity.disks):
        return
    elif theirs and state.vm.os_type and theirs != state.vm.os_type:
        why = f"it holds a {theirs.title()} disk, and the VM runs {state.vm.os_type.title()}"
    elif generation and state.generation and generation.lower() != state.generation.lower():
        why = f"it is of a VM of generation {generation}, and the VM is of generation {state.generation}"
    if why:
        raise VmState(
            f"restore point {entity.name} cannot be restored in place: {why}.", remedy=remedy, changed_nothing=True
        )


def refuse_elsewhere(actual: ObservedVm, new: t.Mapping[str, str], disks: t.Sequence[Disk]) -> None:
    """A disk of the point that sits at another LUN by now would be attached twice: as it was and as it is."""
    state: AzureVmState = actual.detail
    homes = {origin(state, disk.managed_id): disk.slot for disk in disks if disk.managed_id}
    for held in state.vm.disks:
        home = homes.get(origin(state, held.managed_id)) if held.slot not in new else None
        if home is not None:
            name = held.name or held.managed_id.rpartition("/")[2]
            raise Obstructed(
                f"data disk {name} sits at {held.slot}, and the restore point holds it at {home}: it would be "
                "attached twice, old and new.",
                remedy=f"Move it back to {home} or detach it, then run the task again.",
                changed_nothing=True,
            )


def origin(state: AzureVmState, disk_id: str) -> str:
    """`group/name` of the disk that one was before it was ever restored: a restore's disks stand for others."""
    short = short_name(disk_id).lower()
    replaces = {short_name(disk.id).lower(): RestoreTags.of(disk).replaces.lower() for disk in state.restored}
    seen: set[str] = set()
    while short not in seen:
        seen.add(short)
        short = replaces.get(short) or short
    return short
