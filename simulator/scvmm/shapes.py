# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The JSON of a machine and of its SCVMM instance, member for member as recorded on 2023-10-31."""

from __future__ import annotations

import uuid
from typing import Any

from simulator.arm.common import arm_time
from simulator.vmm.effects import merged
from simulator.vmm.jobs import Kind
from simulator.vmm.machines import Checkpoint, VirtualMachine
from simulator.wire.ids import same
from simulator.world import World

POWER_WORDS = {"PowerOff": "Stopped"}
ADDRESSES_KNOWN = 900.0  # seconds after its creation a VM's addresses are shown (recorded: between 5 and 16 minutes)
SECRETS = frozenset({"adminPassword", "domainPassword", "productKey"})  # x-ms-secret: never read back


def instance_id(resource_uri: str) -> str:
    return f"{resource_uri}/providers/Microsoft.ScVmm/virtualMachineInstances/default"


def etag(vm: VirtualMachine) -> str:
    """Changes at every write: `"0b00cf15-0000-3300-0000-67110f430000"`."""
    return f'"{vm.etag + 0x0B00CF15:08x}-0000-3300-0000-{int(vm.modified):08x}0000"'


def instance(world: World, vm: VirtualMachine) -> dict[str, Any]:
    """The virtual machine instance as GET shows it."""
    running = world.arc.vmm.running(vm)
    new = running is not None and running.kind is Kind.PUT
    return envelope(world, vm, accepted_properties(vm) if new else properties(world, vm))


def envelope(world: World, vm: VirtualMachine, content: dict[str, Any]) -> dict[str, Any]:
    """The resource around its properties."""
    given = vm.instance or {}
    who = world.credentials.client_id
    return {
        "id": instance_id(vm.resource_uri or ""),
        "name": "default",
        "type": "microsoft.scvmm/virtualmachineinstances",
        "extendedLocation": given.get("extendedLocation", _custom_location(world)),
        "systemData": {
            "createdBy": who,
            "createdByType": "Application",
            "createdAt": arm_time(vm.added),
            "lastModifiedBy": who,
            "lastModifiedByType": "Application",
            "lastModifiedAt": arm_time(vm.modified),
        },
        "properties": content,
    }


def accepted_properties(vm: VirtualMachine) -> dict[str, Any]:
    """Just after PUT: what was sent, without secrets, and nothing from the host yet (recorded)."""
    sent = {name: value for name, value in (vm.instance or {}).items() if name != "extendedLocation"}
    if "osProfile" in sent:
        sent["osProfile"] = {name: value for name, value in sent["osProfile"].items() if name not in SECRETS}
    return {"provisioningState": "Accepted", **sent}


def properties(world: World, vm: VirtualMachine) -> dict[str, Any]:
    """All profiles; what was put or patched wins over the simulator's own facts."""
    running = world.arc.vmm.running(vm)
    busy = running is not None and running.kind is not Kind.BACKGROUND
    state = world.switches.arc_provisioning_during if busy else "Succeeded"
    given = accepted_properties(vm)
    hardware: dict[str, Any] = merged(
        {
            "limitCpuForMigration": "false",
            "dynamicMemoryEnabled": "false",
            "isHighlyAvailable": "false",
        },
        {
            **given.get("hardwareProfile", {}),
            "memoryMB": vm.hardware.memory_mb,
            "cpuCount": vm.hardware.cpu_count,
        },
    )
    if hardware["dynamicMemoryEnabled"] == "true":
        hardware = {"dynamicMemoryMaxMB": 1048576, "dynamicMemoryMinMB": 32, **hardware}
    return {
        "provisioningState": state,
        "availabilitySets": [
            {"id": each["id"], "name": each.get("name", each["id"].rpartition("/")[2])}
            for each in given.get("availabilitySets", [])
        ],
        "networkProfile": {"networkInterfaces": _nics(vm, world.now())},
        "storageProfile": {"disks": _disks(vm, given)},
        "infrastructureProfile": _infrastructure(world, vm, given.get("infrastructureProfile", {})),
        "osProfile": merged(
            {
                "computerName": vm.name.upper(),
                "osType": "Linux",
                "osSku": "Debian GNU/Linux 12 (64 bit)",
                "osVersion": "12",
            },
            given.get("osProfile", {}),
        ),
        "hardwareProfile": hardware,
        "powerState": POWER_WORDS.get(vm.power, vm.power),
    }


def inventory(world: World, vm: VirtualMachine) -> dict[str, Any]:
    """`lastRestoredVMCheckpoint` and `checkpoints`: the only list of checkpoints there is.

    The first is the checkpoint the VM stands on, `{}` when it stands on none (recorded); of one that is gone only the
    id is left, and nothing at all is null ([I]).
    """
    shown = [
        point
        for point in vm.checkpoints
        if point.in_database
        and point.checkpoint_id is not None
        and (point.made is not None or world.switches.arc_lists_running_create)
    ]
    current = next((point for point in shown if same(point.checkpoint_id, vm.pointer)), None)
    return {
        "lastRestoredVMCheckpoint": _checkpoint(world, vm, current) if current else _elsewhere(world, vm),
        "checkpoints": [_checkpoint(world, vm, point) for point in shown],
    }


def _elsewhere(world: World, vm: VirtualMachine) -> dict[str, Any] | None:
    if vm.pointer is None:
        return None
    known = same(vm.pointer, vm.vm_id) or any(same(vm.pointer, point.checkpoint_id) for point in vm.checkpoints)
    return {} if known else {"checkpointID": _cased(world, vm.pointer)}


def _cased(world: World, id_: str) -> str:
    return id_.upper() if world.switches.arc_id_case == "upper" else id_.lower()


def _checkpoint(world: World, vm: VirtualMachine, point: Checkpoint) -> dict[str, Any]:
    return {
        "parentCheckpointID": _cased(world, point.parent_id or vm.place),  # a root's is in no list (recorded)
        "checkpointID": _cased(world, point.checkpoint_id or ""),
        "name": point.name,
        "description": point.description,
    }


def _infrastructure(world: World, vm: VirtualMachine, given: dict[str, Any]) -> dict[str, Any]:
    shown = inventory(world, vm)
    if vm.stale is not None:
        job, before = vm.stale
        if job.running or world.now() < (job.finished or 0) + world.switches.arc_stale_seconds:
            shown = before
    group = f"/subscriptions/{world.arc.subscription_id}/resourceGroups/{world.arc.resource_group}"
    base = f"{group}/providers/Microsoft.ScVmm"
    made = {
        "cloudId": f"{base}/clouds/tenant-cloud",
        "templateId": f"{base}/virtualMachineTemplates/debian-12",
        "vmName": vm.name,
        **shown,
        "vmmServerId": f"{base}/vmmServers/vmm01",
        "uuid": vm.id,
        "generation": 2,
        "checkpointType": vm.checkpoint_type,
        "biosGuid": _guid(vm, "bios"),
    }
    read_only = {"lastRestoredVMCheckpoint", "checkpoints", "checkpointType"}
    return {**made, **{name: value for name, value in given.items() if name not in read_only}}


def _disks(vm: VirtualMachine, given: dict[str, Any]) -> list[dict[str, Any]]:
    """Differencing disks, renamed by every create and restore; Dynamic again without checkpoints (recorded)."""
    differencing = bool(vm.checkpoints)
    sent = given.get("storageProfile", {}).get("disks", [])
    # The template's own disk comes first, unless a disk that was sent stands for it (templateDiskId).
    boot = {"displayName": f"{vm.name}_os", "maxDiskSizeGB": 40, "volumeType": "BootAndSystem"}
    disks = [] if any("templateDiskId" in each for each in sent) else [boot]
    disks += [
        {
            **{name: value for name, value in each.items() if name != "name" or not vm.disk_generation},
            "displayName": each.get("name", f"{vm.name}_disk"),
            "maxDiskSizeGB": each.get("diskSizeGB", 10),
            "volumeType": "None",
        }
        for each in sent
    ]
    shown = []
    for number, disk in enumerate(disks):
        id_ = _guid(vm, f"disk {number} {vm.disk_generation}")
        display = f"{disk['displayName']}_{id_.upper()}" if differencing else str(disk["displayName"])
        shown.append(
            {
                **disk,
                "displayName": display,
                "diskId": id_,
                "diskSizeGB": 0 if differencing else 10,
                "bus": 0,
                "lun": number,
                "busType": "SCSI",
                "vhdType": "Differencing" if differencing else "Dynamic",
                "vhdFormatType": "VHDX",
                "createDiffDisk": "false",
            }
        )
    return shown


def _nics(vm: VirtualMachine, now: float) -> list[dict[str, Any]]:
    """The adapters; one without a network has neither its id nor its name."""
    known = now >= vm.added + ADDRESSES_KNOWN
    return [
        {
            **({"name": nic.name} if nic.name is not None else {}),
            "displayName": nic.display_name,
            "nicId": nic.id,
            **({"virtualNetworkId": nic.network} if nic.network else {}),
            **({"networkName": nic.network_name} if nic.network_name else {}),
            **(_addresses(number) if known and nic.network_name else {}),
            **({"macAddress": nic.mac} if known or nic.settings["macAddressType"] == "Static" else {}),
            **nic.settings,
        }
        for number, nic in enumerate(vm.hardware.nics)
    ]


def _addresses(number: int) -> dict[str, Any]:
    address = number + 10
    return {"ipv4Addresses": [f"192.0.2.{address}"], "ipv6Addresses": [f"2001:db8::{address:x}"]}


def _custom_location(world: World) -> dict[str, str]:
    return {
        "name": f"/subscriptions/{world.arc.subscription_id}/resourceGroups/{world.arc.resource_group}"
        "/providers/Microsoft.ExtendedLocation/customLocations/datacenter",
        "type": "customLocation",
    }


def machine(world: World, resource_uri: str, kind: str | None) -> dict[str, Any]:
    """A Microsoft.HybridCompute machine; `kind` tells SCVMM ones from others ([I] from general API knowledge)."""
    name = resource_uri.rpartition("/")[2]
    document: dict[str, Any] = {
        "id": resource_uri,
        "name": name,
        "type": "Microsoft.HybridCompute/machines",
        "location": world.arc.location,
        "tags": {},
        "properties": {
            "provisioningState": "Succeeded",
            "status": "Connected",
            "vmId": str(uuid.uuid5(uuid.NAMESPACE_URL, resource_uri.lower())),
            "displayName": name,
            "osType": "linux",
        },
    }
    if kind is not None:
        document["kind"] = kind
    return document


def _guid(vm: VirtualMachine, what: str) -> str:
    """A GUID that belongs to this VM and this thing."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{vm.id}/{what}"))
