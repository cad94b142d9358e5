# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disks a VM can take: the rules of attaching and of swapping the OS disk."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from simulator.azure.jobs import Refused
from simulator.azure.model import Attachment, AzureVm, Disk
from simulator.azure.subscription import Azure
from simulator.wire.ids import same, same_region


def check_attachable(azure: Azure, vm: AzureVm, id_: str) -> Disk:
    """The disk, if the VM may have it: there, same region and zone, nobody else's."""
    disk = azure.disk(id_)
    if disk is None or disk.kind != "managed":
        raise Refused(404, "ResourceNotFound", f"The disk '{id_}' was not found.")
    others = [owner for owner in disk.owners if not same(owner, vm.id)]
    if len(others) >= disk.max_shares:
        raise Refused(
            409,
            "ConflictingUserInput",
            f"Disk '{disk.name}' cannot be attached as the disk is already owned by VM '{others[0]}'.",
        )
    if disk.state != "Succeeded":
        raise Refused(409, "OperationNotAllowed", f"The disk '{disk.name}' is in state '{disk.state}'.")
    if not same_region(disk.location, vm.location):
        raise Refused(
            400,
            "BadRequest",
            f"Disk '{disk.name}' in '{disk.location}' cannot be attached to VM '{vm.name}' in '{vm.location}'.",
        )
    if not disk.sku.endswith("_ZRS") and disk.zones != vm.zones:
        place = f"zone '{vm.zones[0]}'" if vm.zones else "no zone"
        raise Refused(400, "BadRequest", f"{disk.id} cannot be attached to the VM because it is not in {place}.")
    return disk


def wanted_os_disk(azure: Azure, vm: AzureVm, given: dict[str, Any] | None) -> Attachment:
    """What the VM's OS disk is to be; another one only in a VM that is off (os-disk-swap.md)."""
    if not given:
        return vm.os_disk
    option = given.get("createOption")
    if option is not None and str(option) != vm.os_disk.create_option:
        # A swap keeps createOption as it was: azure-sdk-for-python#3001, azure-sdk-for-net#37285
        raise _unchangeable("osDisk.createOption")
    held = replace(
        vm.os_disk,
        caching=given.get("caching", vm.os_disk.caching),
        delete_option=given.get("deleteOption", vm.os_disk.delete_option),
        write_accelerator=given.get("writeAcceleratorEnabled", vm.os_disk.write_accelerator),
    )
    id_ = (given.get("managedDisk") or {}).get("id")
    if id_ is None or same(id_, vm.os_disk.disk):
        _check_unchanged(azure, vm, vm.os_disk.disk, given)
        if not same(given.get("name", held.name), held.name):
            raise _unchangeable("osDisk.name")
        return held
    present = azure.disk(vm.os_disk.disk)
    if vm.os_disk.encryption_settings or (present is not None and present.guest_encrypted):
        raise Refused(  # os-disk-swap.md and the code's own page; azure-docs#115712
            409,
            "OSDiskSwapNotSupportedForVMsUsingDiskEncryption",
            f"Swapping the OS disk of VM '{vm.name}' is not supported because it uses disk encryption.",
        )
    disk = check_attachable(azure, vm, str(id_))
    if not same(given.get("name", disk.name), disk.name):
        raise _unchangeable("osDisk.name")  # azure-docs#11611; the documented swap sets both
    if vm.power not in {"stopped", "deallocated"}:
        raise Refused(
            409,
            "OperationNotAllowed",
            f"The OS disk of VM '{vm.name}' cannot be swapped while the VM is running. Stop or deallocate it first.",
        )
    if disk.os_type != vm.os_type:
        raise Refused(409, "OperationNotAllowed", f"The disk '{disk.name}' does not hold {vm.os_type}.")
    if (disk.generation or "V1") != vm.generation:
        raise Refused(
            409,
            "OperationNotAllowed",
            f"The disk '{disk.name}' is of generation {disk.generation or 'V1'}, the VM of {vm.generation}.",
        )
    _check_unchanged(azure, vm, disk.id, given)
    return replace(held, disk=disk.id, name=disk.name)


def wanted_data_disks(azure: Azure, vm: AzureVm, given: list[dict[str, Any]] | None) -> list[Attachment]:
    """The list by LUN; what it does not name is detached. No list at all: as they are."""
    if given is None:
        return vm.data_disks
    wanted: list[Attachment] = []
    for each in given:
        if each.get("toBeDetached"):
            continue
        lun = each.get("lun")
        if not isinstance(lun, int) or not 0 <= lun < 64:
            raise Refused(
                400, "InvalidParameter", f"The value '{lun}' of 'dataDisk.lun' is invalid.", target="dataDisk.lun"
            )
        if any(held.lun == lun for held in wanted):
            raise Refused(400, "InvalidParameter", f"The LUN {lun} is used more than once.", target="dataDisk.lun")
        wanted.append(_data_disk(azure, vm, lun, each))
    return wanted


def _data_disk(azure: Azure, vm: AzureVm, lun: int, given: dict[str, Any]) -> Attachment:
    before = next((held for held in vm.data_disks if held.lun == lun), None)
    id_ = (given.get("managedDisk") or {}).get("id")
    if id_ is None and before is not None and same(given.get("name", before.name), before.name):
        id_ = before.disk
    if id_ is None:
        raise Refused(400, "InvalidParameter", "The simulator attaches data disks by managedDisk.id only.")
    known = next((held for held in vm.data_disks if same(held.disk, str(id_))), None)
    if known is None:
        disk = check_attachable(azure, vm, str(id_))
        if str(given.get("createOption")) != "Attach":
            raise Refused(400, "InvalidParameter", "A data disk with an id is attached with createOption 'Attach'.")
        if before is not None and azure.switches.compute_lun_swap == "refused":
            raise _unchangeable("dataDisk.managedDisk.id")  # azure-sdk-for-java#2925
        if not same(given.get("name", disk.name), disk.name):
            raise _unchangeable("dataDisk.name")  # terraform-provider-azurerm#592
        known = Attachment(disk.id, disk.name, lun, "None")
    _check_unchanged(azure, vm, known.disk, given)
    return replace(
        known,
        lun=lun,
        caching=given.get("caching", known.caching),
        delete_option=given.get("deleteOption", known.delete_option),
        write_accelerator=given.get("writeAcceleratorEnabled", known.write_accelerator),
    )


def _check_unchanged(azure: Azure, vm: AzureVm, id_: str, given: dict[str, Any]) -> None:
    """Size and type of a disk are not changed through its VM, be it by accident in a swap."""
    disk = azure.disk(id_)
    size, sku = given.get("diskSizeGB"), (given.get("managedDisk") or {}).get("storageAccountType")
    if disk is not None and size is not None and size != disk.size_gb:
        raise Refused(  # terraform-provider-azurerm#539
            400,
            "ResizeDiskError",
            f"Managed disk resize via Virtual Machine '{vm.name}' is not allowed. "
            f"Please resize disk resource at {id_}.",
        )
    if disk is not None and sku is not None and not same(sku, disk.sku):
        raise Refused(  # terraform-provider-azurerm#921
            409,
            "OperationNotAllowed",
            f"Managed disk storage account type change through Virtual Machine '{vm.name}' is not allowed. Please "
            f"update disk resource at {id_}.",
        )


def _unchangeable(target: str) -> Refused:
    return Refused(409, "PropertyChangeNotAllowed", f"Changing property '{target}' is not allowed.", target=target)
