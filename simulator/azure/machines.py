# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtual machines of Azure: made from disks, changed, switched on and off, deleted."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from simulator.azure.disks import checked_location
from simulator.azure.jobs import AzureJob, Refused
from simulator.azure.model import Attachment, AzureVm, group_of
from simulator.azure.subscription import Azure
from simulator.azure.swap import check_attachable, wanted_data_disks, wanted_os_disk
from simulator.wire.ids import same, same_region

STORED = ("osProfile", "networkProfile", "securityProfile", "diagnosticsProfile", "licenseType", "userData", "priority")
POWER = {"start": "running", "restart": "running", "powerOff": "stopped", "deallocate": "deallocated"}
DURING = {"start": "starting", "restart": "running", "powerOff": "stopping", "deallocate": "deallocating"}


def power(azure: Azure, vm: AzureVm, action: str) -> AzureJob:
    """start, restart, powerOff or deallocate; each is in order in a state that it would lead to."""
    azure.busy(vm)
    planned = azure.planned_end("power", vm.name, action)
    if action == "restart" and vm.power != "running":
        raise Refused(409, "OperationNotAllowed", f"Cannot restart VM '{vm.name}': it is not running.")

    def done() -> None:
        if action == "restart" or (action == "start" and vm.power != "running"):
            vm.agent_from = azure.now() + azure.switches.compute_agent_seconds
        vm.power = POWER[action]

    timing = azure.switches.timing("compute_vm_power")
    return azure.begin(action, vm.location, timing, done, vm=vm, failure=planned)


def update(azure: Azure, vm: AzureVm, body: dict[str, Any], *, whole: bool) -> AzureJob:
    """Change the model; `whole`: a PUT, whose missing members are taken back. Disks move at once ([I])."""
    azure.busy(vm)
    if not same_region(str(body.get("location", vm.location)), vm.location):
        raise Refused(
            409,
            "InvalidResourceLocation",
            f"The resource '{vm.name}' already exists in location '{vm.location}'. A resource with the same name "
            f"cannot be created in location '{body['location']}'. Please select a new resource name.",
        )
    if whole and "zones" in body and list(body["zones"] or []) != vm.zones:
        raise Refused(409, "PropertyChangeNotAllowed", "Changing property 'zones' is not allowed.", target="zones")
    properties = body.get("properties") or {}
    storage = properties.get("storageProfile") or {}
    os_disk = wanted_os_disk(azure, vm, storage.get("osDisk"))
    data_disks = wanted_data_disks(azure, vm, storage.get("dataDisks"))
    azure.disturb(vm)
    planned = azure.planned_end("vm", vm.name)
    if planned is None:
        move(azure, vm, os_disk, data_disks)
        vm.size = (properties.get("hardwareProfile") or {}).get("vmSize", vm.size)
        for name in STORED:
            if name in properties:
                vm.properties[name] = deepcopy(properties[name])
            elif whole and name != "osProfile":  # which only a new VM takes
                vm.properties.pop(name, None)
        if whole or "tags" in body:
            vm.tags = dict(body.get("tags") or {})
    vm.etag += 1
    vm.state = "Updating"

    def done() -> None:
        vm.state = "Succeeded"

    def failed() -> None:
        vm.state = "Failed"

    timing = azure.switches.timing("compute_vm")
    return azure.begin("vm", vm.location, timing, done, vm=vm, on_failure=failed, failure=planned)


def attach_detach(azure: Azure, vm: AzureVm, body: dict[str, Any]) -> AzureJob:
    """POST attachDetachDataDisks: only what it names changes."""
    azure.busy(vm)
    leaving = {str(each.get("diskId", "")).lower() for each in body.get("dataDisksToDetach") or []}
    for id_ in leaving:
        if not any(same(held.disk, id_) for held in vm.data_disks):
            raise Refused(404, "ResourceNotFound", f"The disk '{id_}' is not attached to the VM '{vm.name}'.")
    kept = [held for held in vm.data_disks if held.disk.lower() not in leaving]
    for each in body.get("dataDisksToAttach") or []:
        id_ = str(each.get("diskId", ""))
        disk = check_attachable(azure, vm, id_)
        free = next(lun for lun in range(64) if lun not in {held.lun for held in kept})
        lun = each.get("lun", free)
        if any(held.lun == lun for held in kept):
            raise Refused(409, "InvalidParameter", f"A disk at LUN {lun} already exists.", target="dataDisk.lun")
        kept.append(
            Attachment(
                disk.id,
                disk.name,
                lun,
                each.get("caching", "None"),
                "Attach",
                each.get("deleteOption", "Detach"),
                bool(each.get("writeAcceleratorEnabled", False)),
            )
        )
    azure.disturb(vm)
    planned = azure.planned_end("vm", vm.name)
    if planned is None:
        move(azure, vm, vm.os_disk, kept)
    vm.etag += 1
    timing = azure.switches.timing("compute_vm")
    return azure.begin("attach", vm.location, timing, lambda: None, vm=vm, failure=planned, subject=vm)


def create(azure: Azure, id_: str, body: dict[str, Any]) -> tuple[AzureVm, AzureJob]:
    """A new VM from existing disks (the documented way to restore to a new VM); images are not simulated."""
    properties = body.get("properties") or {}
    storage = properties.get("storageProfile") or {}
    given = storage.get("osDisk") or {}
    if str(given.get("createOption")) != "Attach":
        raise Refused(400, "InvalidParameter", "The simulator makes virtual machines with createOption Attach only.")
    if "osProfile" in properties:
        raise Refused(400, "InvalidParameter", "Parameter 'osProfile' is not allowed.", target="osProfile")
    vm = AzureVm(
        id=id_,
        vm_id=azure.ids.guid(),
        location=checked_location(azure, str(body.get("location", ""))),
        created=azure.now(),
        os_disk=Attachment("", ""),
        os_type=given.get("osType", "Linux"),
        size=(properties.get("hardwareProfile") or {}).get("vmSize", "Standard_D2s_v5"),
        zones=list(body.get("zones") or []),
        tags=dict(body.get("tags") or {}),
        properties={name: deepcopy(properties[name]) for name in STORED if name in properties},
        power="stopped",
        state="Creating",
    )
    disk = check_attachable(azure, vm, str((given.get("managedDisk") or {}).get("id")))
    vm.generation = disk.generation or "V1"
    first = Attachment(disk.id, disk.name, None, given.get("caching", "ReadWrite"), "Attach")
    data_disks = wanted_data_disks(azure, vm, storage.get("dataDisks"))
    planned = azure.planned_end("vm", vm.name)
    move(azure, vm, first, data_disks)
    azure.add_vm(vm)

    def made() -> None:
        vm.state, vm.power = "Succeeded", "running"

    def failed() -> None:
        vm.state = "Failed"

    timing = azure.switches.timing("compute_vm")
    return vm, azure.begin("vm", vm.location, timing, made, vm=vm, on_failure=failed, failure=planned)


def delete(azure: Azure, vm: AzureVm) -> AzureJob:
    """Its disks stay unless their deleteOption says otherwise; its collections stay ([I])."""
    azure.busy(vm)
    azure.disturb(vm)
    planned = azure.planned_end("vm_delete", vm.name)

    def gone() -> None:
        azure.vms.pop(vm.id.lower(), None)
        for held in vm.attachments():
            _let_go(azure, vm, held, deleting=True)

    return azure.begin("vm_delete", vm.location, azure.switches.timing("compute_vm"), gone, vm=vm, failure=planned)


def move(azure: Azure, vm: AzureVm, os_disk: Attachment, data_disks: list[Attachment]) -> None:
    """Give the VM these disks and no others."""
    kept = {held.disk.lower() for held in [os_disk, *data_disks]}
    for held in vm.attachments():
        if held.disk and held.disk.lower() not in kept:
            _let_go(azure, vm, held, deleting=azure.switches.compute_swap_delete_option == "honoured")
    vm.os_disk, vm.data_disks = os_disk, data_disks
    for held in vm.attachments():
        disk = azure.disk(held.disk)
        if disk is not None and not any(same(owner, vm.id) for owner in disk.owners):
            disk.owners.append(vm.id)


def _let_go(azure: Azure, vm: AzureVm, held: Attachment, *, deleting: bool) -> None:
    disk = azure.disk(held.disk)
    if disk is None:
        return
    disk.owners = [owner for owner in disk.owners if not same(owner, vm.id)]
    if disk.kind != "managed" or (deleting and held.delete_option == "Delete" and not disk.owners):
        azure.disks.pop(disk.id.lower(), None)


def power_state(vm: AzureVm) -> str:
    """The power state while an operation runs, too."""
    if vm.job is not None and vm.job.running and vm.job.kind in DURING:
        return DURING[vm.job.kind]
    return vm.power


def in_group(azure: Azure, group: str | None) -> list[AzureVm]:
    return [vm for vm in azure.vms.values() if group is None or same(group_of(vm.id), group)]
