# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished job has done to the VM: capture, roll back, merge, switch on and off."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simulator.switches.all import Switches
from simulator.vmm.hardware import brought_back, changed
from simulator.vmm.jobs import Job, Kind
from simulator.vmm.machines import Checkpoint, VirtualMachine
from simulator.vmm.names import stored_description, stored_name
from simulator.wire.ids import Ids, same

# VirtualMachine.Operation (dn458378, WAPack cmdlets, sirocco enum) -> the power state it leads to.
OPERATIONS: dict[str, str | None] = {
    "Start": "Running",
    "Stop": "PowerOff",
    "Shutdown": "PowerOff",
    "Reset": "Running",
    "Suspend": "Paused",
    "Resume": "Running",
    "SaveState": "Saved",
    "DiscardSavedState": "PowerOff",
    "Repair": None,
    "Refresh": None,
    "Store": "Stored",
    "Deploy": "PowerOff",
}


@dataclass(frozen=True)
class Effects:
    """What an effect needs of its VMM: new ids, the switches, and the way a VM leaves it."""

    ids: Ids
    switches: Switches
    remove: Callable[[VirtualMachine], None]

    def apply(self, vm: VirtualMachine, job: Job, at: float) -> None:
        """Carry out `job`, which was done at the moment `at`."""
        effect = _EFFECTS.get(job.kind)
        if effect is not None:
            effect(self, vm, job, at)
        vm.modified = at
        vm.etag += 1

    def make(self, vm: VirtualMachine, point: Checkpoint, at: float) -> None:
        """The host makes the checkpoint: it captures the guest and becomes the place the VM stands on."""
        point.checkpoint_id = point.checkpoint_id or self.ids.guid()
        point.parent_id = vm.place
        point.files = dict(vm.files)
        point.hardware = vm.hardware
        point.power, point.checkpoint_type = vm.power, vm.checkpoint_type
        point.made = point.modified = at
        vm.stand(point.checkpoint_id, point.checkpoint_id)  # the pointer moves on create: 9 of 9 VMs, docs/services.md
        vm.disk_generation += 1


def _create(effects: Effects, vm: VirtualMachine, job: Job, at: float) -> None:
    effects.make(vm, _point(vm, job), at)


def _restore(effects: Effects, vm: VirtualMachine, job: Job, at: float) -> None:
    point = _point(vm, job)
    vm.files = dict(point.files)
    kept = effects.switches.arc_restored_nic_network == "kept"
    vm.hardware = brought_back(vm.id, vm.hardware, point.hardware, f" {vm.disk_generation}", network_kept=kept)
    vm.power = _power_after(effects, point)
    made = point.checkpoint_id or vm.vm_id
    shown = {"moves": made, "stays": vm.pointer, "root": vm.vm_id, "none": None}
    vm.stand(made, shown[effects.switches.pointer_after_restore])
    vm.disk_generation += 1
    if job.arguments:  # a PUT that restores changes the other members along (dn458380)
        _update(effects, vm, job, at)


def _power_after(effects: Effects, point: Checkpoint) -> str:
    """A production checkpoint holds no memory, so that a VM that ran is off after it."""
    position = effects.switches.restored_power
    if position == "by_type":
        position = "off" if point.checkpoint_type.startswith("Production") else "captured"
    return point.power if position == "captured" else "PowerOff"


def _delete(effects: Effects, vm: VirtualMachine, job: Job, at: float) -> None:
    if job.checkpoint is None:  # a service that calls the delete of an unknown checkpoint a success
        return
    point = _point(vm, job)
    gone = [point]
    if effects.switches.delete_children == "deleted":
        for each in gone:
            gone.extend(vm.children(each))
    for child in vm.children(point):
        if child not in gone:
            child.parent_id = point.parent_id
    # [I] docs/services.md: on to the parent, or to the VM's own id at the root
    parent = point.parent_id or vm.vm_id
    place, shown = vm.place, vm.pointer
    if any(same(place, each.checkpoint_id) for each in gone):
        place = parent
    if any(same(shown, each.checkpoint_id) for each in gone):
        positions = {"parent": parent, "stays": shown, "root": vm.vm_id, "none": None}
        shown = positions[effects.switches.pointer_after_delete]
    vm.stand(place, shown)
    vm.checkpoints = [each for each in vm.checkpoints if each not in gone]
    vm.disk_generation += 1


def _update(effects: Effects, vm: VirtualMachine, job: Job, at: float) -> None:
    point = _point(vm, job)
    name, description = job.arguments.get("name"), job.arguments.get("description")
    if name is not None:
        point.name = stored_name(name, effects.switches)
    if description is not None:
        point.description = stored_description(description, effects.switches)
    point.modified = at


def _power(effects: Effects, vm: VirtualMachine, job: Job, at: float) -> None:
    target = OPERATIONS.get(job.arguments.get("operation") or "")
    if target is None:
        return
    if vm.power == "Stored" and target != "Stored":
        vm.pointer = vm.vm_id
    vm.power = target
    if target == "Stored":
        vm.pointer = None  # stored VMs have none: 2 of 2, docs/services.md


def _refresh(effects: Effects, vm: VirtualMachine, job: Job, at: float) -> None:
    for point in vm.checkpoints:
        point.in_database = True
        if point.made is not None:
            point.modified = at + effects.ids.milliseconds(40)  # all of a VM within 40 ms, docs/services.md


def _patch(effects: Effects, vm: VirtualMachine, job: Job, at: float) -> None:
    changes = json.loads(job.arguments.get("properties") or "{}")
    wanted = changes.get("infrastructureProfile", {}).get("checkpointType")
    vm.checkpoint_type = wanted or vm.checkpoint_type
    vm.instance = merged(vm.instance or {}, changes)
    vm.hardware = changed(vm.id, vm.hardware, changes, f" {vm.etag}")


def _remove(effects: Effects, vm: VirtualMachine, job: Job, at: float) -> None:
    effects.remove(vm)


def merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """`old` with what `new` says, member by member; lists are replaced."""
    result = dict(old)
    for name, value in new.items():
        before = result.get(name)
        result[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return result


_EFFECTS: dict[Kind, Callable[[Effects, VirtualMachine, Job, float], None]] = {
    Kind.CREATE: _create,
    Kind.RESTORE: _restore,
    Kind.DELETE: _delete,
    Kind.UPDATE: _update,
    Kind.POWER: _power,
    Kind.REFRESH: _refresh,
    Kind.BACKGROUND: _refresh,
    Kind.PATCH: _patch,
    Kind.REMOVE: _remove,
}


def _point(vm: VirtualMachine, job: Job) -> Checkpoint:
    point = vm.by_id(job.checkpoint or "")
    if point is None:  # its VM was locked by this very job, so it cannot have gone
        raise LookupError(f"job {job.id} has lost its checkpoint")
    return point
