# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines and their instance view as documents."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from simulator.azure.machines import power_state
from simulator.azure.model import Attachment, AzureVm
from simulator.compute.common import stamped
from simulator.world import World


def etag(vm: AzureVm) -> str:
    return f'"{vm.etag}"'


def vm_shape(world: World, vm: AzureVm, *, instance_view: bool = False) -> dict[str, Any]:
    """`etag` as a member and as a header."""
    properties: dict[str, Any] = {
        "hardwareProfile": {"vmSize": vm.size},
        "provisioningState": vm.state,
        "vmId": vm.vm_id,
        **deepcopy(vm.properties),
        "storageProfile": storage_shape(world, vm),
        "timeCreated": stamped(world, vm.created),
    }
    if instance_view:
        properties["instanceView"] = view_shape(world, vm)
    return {
        "name": vm.name,
        "id": vm.id,
        "type": "Microsoft.Compute/virtualMachines",
        "location": vm.location,
        **({"tags": dict(vm.tags)} if vm.tags else {}),
        **({"zones": list(vm.zones)} if vm.zones else {}),
        **({"identity": deepcopy(vm.identity)} if vm.identity else {}),
        "etag": etag(vm),
        "properties": properties,
    }


def storage_shape(world: World, vm: AzureVm) -> dict[str, Any]:
    """The disks; size and type are missing while the VM is deallocated (azure-powershell#13213, ansible#52181)."""
    return {
        "osDisk": {"osType": vm.os_type, **_held(world, vm, vm.os_disk)},
        "dataDisks": [{"lun": held.lun, **_held(world, vm, held)} for held in vm.data_disks],
        "diskControllerType": vm.controller,
    }


def _held(world: World, vm: AzureVm, held: Attachment) -> dict[str, Any]:
    disk = world.azure.disk(held.disk)
    shown: dict[str, Any] = {
        "name": held.name,
        "createOption": held.create_option,
        "caching": held.caching,
        "writeAcceleratorEnabled": held.write_accelerator,
        "deleteOption": held.delete_option,
    }
    if held.encryption_settings:
        shown["encryptionSettings"] = encryption_settings()
    if disk is None:
        return shown
    known = vm.power != "deallocated"
    if disk.kind == "unmanaged":
        shown["vhd"] = {"uri": f"https://simulated.blob.core.windows.net/vhds/{disk.name}.vhd"}
    else:
        shown["managedDisk"] = {**({"storageAccountType": disk.sku} if known else {}), "id": held.disk}
    if disk.kind == "ephemeral":
        shown["diffDiskSettings"] = {"option": "Local", "placement": "CacheDisk"}
    return {**shown, **({"diskSizeGB": disk.size_gb} if known else {})}


def encryption_settings() -> dict[str, Any]:
    """Azure Disk Encryption as `osDisk` of a VM and of a point's source shows it (swagger)."""
    vault = {"id": "/subscriptions/s/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/ade"}
    key = {"secretUrl": "https://ade.vault.example/secrets/disk/1", "sourceVault": vault}
    return {"enabled": True, "diskEncryptionKey": key}


def view_shape(world: World, vm: AzureVm) -> dict[str, Any]:
    """Power, agent and disks; the agent shows only while the VM runs."""
    power = power_state(vm)
    now = stamped(world, world.now())
    view: dict[str, Any] = {"computerName": vm.name, "hyperVGeneration": vm.generation}
    if vm.power == "running":
        ready = world.now() >= vm.agent_from
        word = vm.agent if ready else "Not Ready"
        message = "Guest Agent is running" if word == "Ready" else "VM status blob is found but not yet populated."
        view["vmAgent"] = {
            "vmAgentVersion": "2.9.1.1" if word == "Ready" else "Unknown",
            "statuses": [
                {
                    "code": f"ProvisioningState/{'succeeded' if word == 'Ready' else 'Unavailable'}",
                    "level": "Info" if word == "Ready" else "Warning",
                    "displayStatus": word,
                    "message": message,
                    "time": now,
                }
            ],
            "extensionHandlers": [],
        }
    done = {
        "code": "ProvisioningState/succeeded",
        "level": "Info",
        "displayStatus": "Provisioning succeeded",
        "time": now,
    }
    view["disks"] = [{"name": held.name, "statuses": [done]} for held in vm.attachments()]
    state = {"Succeeded": done}.get(
        vm.state,
        {"code": f"ProvisioningState/{vm.state.lower()}", "level": "Info", "displayStatus": vm.state, "time": now},
    )
    view["statuses"] = [
        state,
        {"code": f"PowerState/{power}", "level": "Info", "displayStatus": f"VM {power}"},
    ]
    return view
