# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulated world holds, as flat text that can be compared: checkpoints, power, files, disks, tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.scenarios.record import GENERATED

if TYPE_CHECKING:
    from simulator.azure.model import AzureVm, Collection
    from simulator.vmm.machines import VirtualMachine
    from simulator.world import World

_MARK = re.compile(r"\s*\[hybridvm\.checkpoints [^\]]*\]\s*\Z")


def look(world: World) -> dict[str, str]:
    """Key by key; what exists several times under one name holds several ids."""
    world.settle()
    found: dict[str, str] = {}
    for site in (world.spf, world.arc):
        for vm in site.vmm.vms:
            _vmm(vm, found)
    for machine in world.azure.vms.values():
        _machine(machine, world, found)
    for disk in world.azure.disks.values():
        found[f"disk {disk.name}"] = disk.unique_id
        found[f"disk {disk.name}/tags"] = _tags(disk.tags)
    for collection in world.azure.collections.values():
        _collection(collection, found)
    return found


def _vmm(vm: VirtualMachine, found: dict[str, str]) -> None:
    stands = vm.by_host_id(vm.pointer)
    found[f"{vm.name}/power"] = vm.power
    found[f"{vm.name}/stands on"] = str(stands.name) if stands else ""
    found.update({f"{vm.name}/file {path}": content for path, content in vm.files.items()})
    for point in vm.checkpoints:
        key = f"{vm.name}/checkpoint {point.name}"
        ids = "|".join(each.lower() for each in (point.id, point.checkpoint_id) if each)
        found[key] = f"{found[key]} {ids}" if key in found else ids
        found[f"{key}/description"] = _MARK.sub("", point.description or "")
        mark = _MARK.search(point.description or "")
        if mark is not None and " pin" in mark[0]:
            found[f"{key}/pin"] = "pinned"


def _machine(vm: AzureVm, world: World, found: dict[str, str]) -> None:
    found[f"{vm.name}/power"] = vm.power
    for held in vm.attachments():
        place = "os" if held.lun is None else f"lun{held.lun}"
        found[f"{vm.name}/disk {place}"] = held.name
        disk = world.azure.disk(held.disk)
        for path, content in (disk.files if disk else {}).items():
            found[f"{vm.name}/file {place} {path}"] = content


def _collection(collection: Collection, found: dict[str, str]) -> None:
    key = f"collection {collection.name}"
    found[key] = collection.guid
    found[f"{key}/tags"] = _tags(collection.tags)
    found[f"{key}/source"] = collection.source.lower()
    for point in collection.points:
        of_it = f"{key}/point {GENERATED.sub('', point.name)}"
        # One that was made anew under its name is another one: its disks are.
        which = ",".join(disk.name for disk in point.disks)
        ids = f"{collection.id}/restorepoints/{point.name}|{which}".lower()
        found[of_it] = f"{found[of_it]} {ids}" if of_it in found else ids
        found[f"{of_it}/state"] = point.state


def _tags(tags: dict[str, str]) -> str:
    return " ".join(f"{name}={value}" for name, value in sorted(tags.items()))
