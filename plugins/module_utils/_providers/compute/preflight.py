# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a restore point, known before anything is sent. Pure.

Sources: the support matrix and the limitations of VM restore points (learn.microsoft.com), summed up in
docs/services.md.
"""

from __future__ import annotations

import typing as t

from ..._core.errors import Forbidden
from ..._core.model import Obstacle
from .entities import Disk, DiskEntity, VmEntity
from .state import AzureVmState
from .tags import short_name

LOCKS = "/providers/microsoft.authorization/locks/"
OF_VM = ("power", "change_vm")
OF_NEW_DISKS = ("create_disk", "tag_disk")
OF_COLLECTION = ("make_collection", "create", "update")
"""What writes to what (`Action.kinds`): verbs of plans, and AzureStep.writes_to."""
_CRASH = "a crash-consistent point, the only kind of a VM that is off, cannot hold it."
_DIRECT = {"ultrassd_lrs": "Ultra", "premiumv2_lrs": "Premium SSD v2"}


def obstacles(
    vm: VmEntity,
    disks: t.Mapping[str, DiskEntity],
    locks: t.Sequence[t.Mapping[str, t.Any]] = (),
    *,
    disks_in: t.Sequence[Disk] | None = None,
    crash: bool = False,
) -> tuple[Obstacle, ...]:
    """The disks that cannot be captured, and the locks that forbid a write, each with the remedy.

    `disks_in` are those the point would hold, all when not given; `crash` says that crash consistency is asked for.
    """
    within = vm.disks if disks_in is None else disks_in
    return (*_of_disks(within, disks, crash=crash or vm.power != "on"), *of_locks(locks))


def _of_disks(within: t.Sequence[Disk], disks: t.Mapping[str, DiskEntity], *, crash: bool) -> t.Iterator[Obstacle]:
    for disk in within:
        name = f"{'OS disk' if disk.lun is None else f'data disk at LUN {disk.lun}'} ({disk.name})"
        entity = disks.get(disk.managed_id)
        # A deallocated VM does not show its disks' kinds; the disks themselves do.
        shown = disk.managedDisk.storageAccountType if disk.managedDisk else None
        sku = ((entity.sku.name if entity and entity.sku else shown) or "").lower()
        exclude = "Make the point with restore_point and exclude_disks."
        if disk.vhd and not disk.managed_id:
            yield Obstacle(("create",), f"its {name} is unmanaged.", "Convert it to a managed disk.")
        elif disk.diffDiskSettings and disk.diffDiskSettings.get("option"):
            yield Obstacle(("create", "step"), f"its {name} is ephemeral.", "Only persistent OS disks can be captured.")
        elif entity is not None and (entity.properties.maxShares or 1) > 1:
            yield Obstacle(("create",), f"its {name} is a shared disk.", exclude)
        elif crash and sku in _DIRECT:
            why = f"its {name} is {_DIRECT[sku]}; {_CRASH}"
            yield Obstacle(("create",), why, f"Start the VM. {exclude}")
        elif crash and disk.writeAcceleratorEnabled:
            why = f"its {name} is write-accelerated; {_CRASH}"
            yield Obstacle(("create",), why, f"Start the VM. {exclude}")


def of_locks(locks: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Obstacle]:
    """Management locks: unlike the locks of other jobs they do not pass."""
    for lock in locks:
        verbs = {"readonly": ("create", "update", "delete", "step", "power"), "cannotdelete": ("delete",)}
        yield from _locked(lock, verbs.get(_level(lock), ()))


def of_locks_on(state: AzureVmState, collection: str, locks: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Obstacle]:
    """The same for a VM and its checkpoints, each lock by what it lies on: it forbids writes to that and what is in it.

    `collection` is the id, in lower case, of the one that the VM has or will have.
    """
    new_disks = f"{_group(state.vm.id)}/providers/microsoft.compute/disks"
    points = [point.id.lower() for point in state.points]
    for lock in locks:
        scope, level = _scope(lock), _level(lock)
        disks = [disk for disk in state.own_disks() if _within(disk, scope)]
        verbs: list[str] = []
        if level in ("readonly", "cannotdelete"):
            verbs += ["delete"] if _within(collection, scope) else []
            verbs += [f"delete {point}" for point in points if _within(point, scope)]
            verbs += [f"delete_disk {short_name(disk)}" for disk in disks]
        if level == "readonly":
            verbs += OF_VM if _within(state.vm.id.lower(), scope) else ()
            verbs += OF_COLLECTION if _within(collection, scope) else ()
            verbs += OF_NEW_DISKS if _within(new_disks, scope) else ()
            verbs += [f"tag_disk {disk.rpartition('/')[2]}" for disk in disks]
        yield from _locked(lock, tuple(verbs))


def _locked(lock: t.Mapping[str, t.Any], verbs: tuple[str, ...]) -> t.Iterator[Obstacle]:
    which = f'the lock "{lock.get("name")}" on {_scope(lock).rpartition("/")[2] or "its scope"}'
    what = "change" if _level(lock) == "readonly" else "deletion"
    if verbs:
        yield Obstacle(verbs, f"{which} allows no {what}.", "Have the lock removed for the time of the task.")


def _within(resource: str, scope: str) -> bool:
    return resource == scope or resource.startswith(f"{scope}/")


def _scope(lock: t.Mapping[str, t.Any]) -> str:
    return str(lock.get("id") or "").lower().rpartition(LOCKS)[0]


def _level(lock: t.Mapping[str, t.Any]) -> str:
    properties = lock.get("properties")
    return str(properties.get("level", "") if isinstance(properties, dict) else "").lower()


def _group(resource: str) -> str:
    return "/".join(resource.lower().split("/")[:5])


def cautions(vm: VmEntity) -> tuple[tuple[str, str], ...]:
    """Why a new point will be less consistent than the service can make it, with the verb that this is about."""
    if vm.power == "off":
        return (("create", "it is off, so its restore point is only crash-consistent."),)
    if vm.power == "on" and vm.agent.lower() != "ready":
        shown = f'is shown as "{vm.agent}"' if vm.agent else "is not shown"
        return (
            (
                "create",
                f"its agent {shown}: a new restore point is then at best crash-consistent, or its create fails.",
            ),
        )
    return ()


def cautions_of(unlisted: Forbidden | None) -> tuple[tuple[str, str], ...]:
    """What could not be checked before a create."""
    if unlisted is None:
        return ()
    return (("create", f"its disks may not be listed, so their kinds were not checked: {unlisted.message}"),)
