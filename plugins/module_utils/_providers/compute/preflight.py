# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a restore point, or of a restore in place, known before anything is sent. Pure.

Sources: the support matrix and the limitations of VM restore points, the pages on swapping OS disks and on hibernation
(learn.microsoft.com), summed up in docs/services.md.
"""

from __future__ import annotations

import typing as t

from ..._core.model import Obstacle
from .disk_entities import DiskEntity
from .pins import lock_ids
from .sizes import confidential_points
from .state import AzureVmState
from .tags import short_name
from .vm_entities import Disk, VmEntity

LOCKS = "/providers/microsoft.authorization/locks/"
OF_VM = ("power", "change_vm")
OF_NEW_DISKS = ("create_disk", "tag_disk")
OF_COLLECTION = ("make_collection", "create", "update")
"""What writes to what (`Action.kinds`): verbs of plans, and AzureStep.writes_to."""
RESTORE = ("create_disk", "swap")
"""What only a restore in place does before the VM is on its new disks. What is left after that passes."""
NO_SWAP = (
    "Azure swaps no OS disk of a VM that uses Azure Disk Encryption (OSDiskSwapNotSupportedForVMsUsingDiskEncryption)"
)
INSTEAD_OF_SWAP = (
    "Make disks from the restore point and create a VM from them. In place it works with points that were made after "
    "the encryption was disabled."
)
_DIRECT = {"ultrassd_lrs": "Ultra", "premiumv2_lrs": "Premium SSD v2"}


def obstacles(
    vm: VmEntity,
    disks: t.Mapping[str, DiskEntity],
    *,
    disks_in: t.Sequence[Disk] | None = None,
    crash: bool = False,
) -> tuple[Obstacle, ...]:
    """The VMs and disks that cannot be captured or swapped, each with the remedy.

    `disks_in` are those the point would hold, where the task can leave some out; `crash` says that crash consistency is
    asked for.
    """
    within = vm.disks if disks_in is None else disks_in
    can_leave_out = disks_in is not None
    return (
        *_of_vm(vm, crash=crash),
        *_of_encryption(vm, disks),
        *_of_hibernation(vm),
        *_of_disks(vm, within, disks, crash=crash, can_leave_out=can_leave_out),
    )


def _of_vm(vm: VmEntity, *, crash: bool) -> t.Iterator[Obstacle]:
    if not vm.confidential or (confidential_points(vm) and not crash and vm.is_on):
        return
    why = "it is a confidential VM, of which Azure makes no restore point"
    if confidential_points(vm):
        advice = "Set consistency: application. " if crash else ""
        advice += "Start the VM. " if not vm.is_on else ""
        yield Obstacle(("create",), f"{why} that is only crash-consistent.", advice.strip())
    else:
        yield Obstacle(("create",), f"{why}.", "Save what it holds from within the guest.")


def encrypted_slots(vm: VmEntity, disks: t.Mapping[str, DiskEntity]) -> list[str]:
    """Where Azure Disk Encryption is enabled: the VM shows it, its instance view, or the disks alone."""
    shown = vm.encrypted_disks
    return [
        disk.slot
        for disk in vm.disks
        if disk.guest_encrypted
        or (disk.name is not None and disk.name.lower() in shown)
        or ((entity := disks.get(disk.managed_id)) is not None and entity.guest_encrypted)
    ]


def _of_encryption(vm: VmEntity, disks: t.Mapping[str, DiskEntity]) -> t.Iterator[Obstacle]:
    if encrypted := encrypted_slots(vm, disks):
        yield Obstacle(RESTORE, f"{NO_SWAP}, and it is enabled on {', '.join(encrypted)}.", INSTEAD_OF_SWAP)


def _of_hibernation(vm: VmEntity) -> t.Iterator[Obstacle]:
    """A deallocate does not end it, so that the swap would be refused once the new disks are made."""
    if vm.hibernated:
        why = "it is hibernated, and Azure attaches, detaches or changes no disk of such a VM."
        yield Obstacle(RESTORE, why, "Start the VM, or deallocate it without hibernation.")


def _of_disks(
    vm: VmEntity,
    within: t.Sequence[Disk],
    disks: t.Mapping[str, DiskEntity],
    *,
    crash: bool,
    can_leave_out: bool,
) -> t.Iterator[Obstacle]:
    exclude = "leave the disk out with exclude_disks" if can_leave_out else "make it with restore_point, exclude_disks"
    leave_out = f"{exclude[0].upper()}{exclude[1:]}."
    for disk in within:
        name = f"{'OS disk' if disk.lun is None else f'data disk at LUN {disk.lun}'} ({disk.name})"
        entity = disks.get(disk.managed_id)
        # A deallocated VM does not show its disks' kinds; the disks themselves do.
        shown = disk.managedDisk.storageAccountType if disk.managedDisk else None
        sku = ((entity.sku.name if entity and entity.sku else shown) or "").lower()
        kind = _DIRECT.get(sku) or ("write-accelerated" if disk.writeAcceleratorEnabled else "")
        if disk.vhd and not disk.managed_id:
            yield Obstacle(("create", *RESTORE), f"its {name} is unmanaged.", "Convert it to a managed disk.")
        elif disk.diffDiskSettings and disk.diffDiskSettings.get("option"):
            yield Obstacle(("create",), f"its {name} is ephemeral.", leave_out)
            yield Obstacle(("step",), f"its {name} is ephemeral.", "Only a persistent OS disk can be swapped.")
        elif entity is not None and entity.properties.is_shared:
            yield Obstacle(("create",), f"its {name} is a shared disk.", leave_out)
        elif kind and (crash or not vm.is_on):
            yield _only_application(vm, f"its {name} is {kind}", exclude, crash=crash)


def _only_application(vm: VmEntity, what: str, exclude: str, *, crash: bool) -> Obstacle:
    """A disk that no crash-consistent point can hold: the remedy is what makes the point another one."""
    todo = [*(["start the VM"] if not vm.is_on else []), *(["set consistency: application"] if crash else [])]
    only = "" if crash else ", the only kind of a VM that does not run,"
    remedy = f"{' and '.join(todo)}, or {exclude}."
    return Obstacle(
        ("create",), f"{what}; a crash-consistent point{only} cannot hold it.", f"{remedy[0].upper()}{remedy[1:]}"
    )


def of_locks(locks: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Obstacle]:
    """Management locks: unlike the locks of other jobs they do not pass."""
    for lock in locks:
        verbs = {"readonly": ("create", "update", "delete", "step", "power"), "cannotdelete": ("delete",)}
        yield from _locked(lock, verbs.get(_level(lock), ()))


def of_locks_on(state: AzureVmState, collection: str, locks: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Obstacle]:
    """The same for a VM and its checkpoints, each lock by what it lies on: it forbids writes to that and what is in it.

    `collection` is the id, in lower case, of the one that the VM has or will have.
    """
    group = state.vm.id.lower().partition("/providers/")[0]
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
            verbs += OF_NEW_DISKS if _within(group, scope) else ()
            verbs += [f"tag_disk {disk.rpartition('/')[2]}" for disk in disks]
        yield from _locked(lock, tuple(verbs))


def _locked(lock: t.Mapping[str, t.Any], verbs: tuple[str, ...]) -> t.Iterator[Obstacle]:
    if verbs:
        which = f'the lock "{lock.get("name")}" on {_scope(lock).rpartition("/")[2] or "its scope"}'
        what = {"readonly": "change", "cannotdelete": "deletion"}[_level(lock)]
        remedy, lifted_by = "Have the lock removed for the time of the task.", ""
        if lock_ids([lock]):
            remedy = "Lift the pin with vm_checkpoint, pin: false; its lock goes with it."
            lifted_by = f"unlock {_scope(lock)}"
        yield Obstacle(verbs, f"{which} allows no {what}.", remedy, lifted_by)


def _within(resource: str, scope: str) -> bool:
    return resource == scope or resource.startswith(f"{scope}/")


def _scope(lock: t.Mapping[str, t.Any]) -> str:
    return str(lock.get("id")).lower().rpartition(LOCKS)[0]


def _level(lock: t.Mapping[str, t.Any]) -> str:
    properties = lock.get("properties")
    return str(properties.get("level", "") if isinstance(properties, dict) else "").lower()
