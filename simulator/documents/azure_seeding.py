# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The compute part of a world document: how it is read, and how it is written again."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

from simulator.azure.model import Attachment, AzureVm, Collection, Disk, DiskPoint, Lock, Point, Replication
from simulator.azure.points import metadata
from simulator.azure.subscription import Azure
from simulator.timing import Timing

DAY = 86400.0
LOCATIONS = ["westeurope", "northeurope", "eastus", "westus", "norwayeast"]

DEFAULT_COMPUTE: dict[str, Any] = {
    "vms": [
        {
            "name": "shop01",
            "zones": ["1"],
            "os_disk": {"files": {"/etc/shop.conf": "version = 1\n", "/var/www/index.html": "<h1>Shop</h1>\n"}},
            "data_disks": [{"lun": 0, "size_gb": 64, "files": {"/data/orders": "1 2 3\n"}}],
        },
        {"name": "shop02", "zones": ["2"], "os_disk": {"files": {"/etc/shop.conf": "version = 1\n"}}},
    ]
}


def plant_compute(azure: Azure, document: dict[str, Any]) -> None:
    """Everything that `document` names; members may be left out except names."""
    azure.resource_group = document.get("resource_group", "rg-shop")
    azure.add_group(azure.resource_group, document.get("location", azure.locations[0]))
    for each in document.get("resource_groups", []):
        azure.add_group(each["name"], each.get("location", azure.locations[0]))
    for each in document.get("vms", []):
        plant_azure_vm(azure, each)
    for each in document.get("disks", []):
        azure.add_disk(_disk(azure, each, each["name"], each.get("location", azure.locations[0]), None))
    for each in document.get("collections", []):
        _plant_collection(azure, each)
    for each in document.get("locks", []):
        plant_lock(azure, each)


def plant_lock(azure: Azure, given: dict[str, Any]) -> Lock:
    """`scope`: an ARM id, or the name of a resource group."""
    scope = given.get("scope", azure.resource_group)
    if not scope.startswith("/"):
        scope = f"/subscriptions/{azure.subscription_id}/resourceGroups/{scope}"
    level = given.get("level", "CanNotDelete")
    if level not in {"CanNotDelete", "ReadOnly"}:
        raise ValueError(f"a lock's level is CanNotDelete or ReadOnly, not {level!r}")
    lock = Lock(scope, given.get("name", "keep"), level, given.get("notes", ""))
    azure.locks.append(lock)
    return lock


def plant_azure_vm(azure: Azure, given: dict[str, Any]) -> AzureVm:
    """One VM with its disks."""
    name, group = given["name"], given.get("resource_group")
    location = given.get("location", azure.locations[0])
    os_type = given.get("os_type", "Linux")
    generation = given.get("generation", "V2")
    first = dict(given.get("os_disk") or {})
    first_name = first.get("name", f"{name}_OsDisk")
    vm = AzureVm(
        id=given.get("id") or azure.resource_id("virtualMachines", name, group),
        vm_id=given.get("vm_id") or azure.ids.guid(),
        location=location,
        created=given.get("created", azure.now() - float(given.get("days_old", 30)) * DAY),
        os_disk=_attachment(azure, first, first_name, group, None),
        os_type=os_type,
        generation=generation,
        size=given.get("size", "Standard_D2s_v5"),
        controller=given.get("controller", "SCSI"),
        zones=[str(zone) for zone in given.get("zones", [])],
        tags=dict(given.get("tags", {})),
        power=given.get("power", "running"),
        agent=given.get("agent", "Ready"),
        properties=dict(given["properties"] if "properties" in given else _profiles(name, os_type, generation)),
        identity=given.get("identity"),
    )
    disks = [(vm.os_disk, {"os_type": os_type, "generation": vm.generation, **first}, first_name)]
    for each in given.get("data_disks", []):
        disk_name = each.get("name", f"{name}_DataDisk_{each['lun']}")
        vm.data_disks.append(_attachment(azure, {"caching": "None", **each}, disk_name, group, int(each["lun"])))
        disks.append((vm.data_disks[-1], each, disk_name))
    for held, each, disk_name in disks:
        disk = azure.disk(held.disk)
        if disk is None:  # a shared disk may be there already
            disk = _disk(azure, {"resource_group": group, "zones": vm.zones, **each}, disk_name, location, vm)
            azure.add_disk(disk)
        disk.owners.append(vm.id)
    azure.add_vm(vm)
    return vm


def _profiles(name: str, os_type: str, generation: str) -> dict[str, Any]:
    """The parts of a VM's model as recorded 2023-05, where a VM of generation 1 had no securityProfile."""
    own: dict[str, Any] = {"provisionVMAgent": True}
    own |= {"enableAutomaticUpdates": True} if os_type == "Windows" else {"disablePasswordAuthentication": True}
    kind = "windowsConfiguration" if os_type == "Windows" else "linuxConfiguration"
    return {
        "osProfile": {
            "computerName": name,
            "adminUsername": "azureuser",
            kind: own,
            "secrets": [],
            "allowExtensionOperations": True,
            "requireGuestProvisionSignal": True,
        },
        **({"securityProfile": {"securityType": "TrustedLaunch"}} if generation == "V2" else {}),
    }


def _attachment(azure: Azure, given: dict[str, Any], name: str, group: str | None, lun: int | None) -> Attachment:
    return Attachment(
        disk=given.get("id") or azure.resource_id("disks", name, given.get("resource_group", group)),
        name=name,
        lun=lun,
        caching=given.get("caching", "ReadWrite"),
        create_option=given.get("create_option", "FromImage" if lun is None else "Attach"),
        delete_option=given.get("delete_option", "Detach"),
        write_accelerator=bool(given.get("write_accelerator", False)),
        encryption_settings=bool(given.get("encryption_settings", lun is None and given.get("ade") == "vm")),
    )


def _disk(azure: Azure, given: dict[str, Any], name: str, location: str, vm: AzureVm | None) -> Disk:
    kind = given.get("kind", "managed")
    if kind not in {"managed", "unmanaged", "ephemeral"}:
        raise ValueError(f"a disk's kind is managed, unmanaged or ephemeral, not {kind!r}")
    return Disk(
        id=given.get("id") or azure.resource_id("disks", name, given.get("resource_group")),
        location=given.get("location", location),
        created=given.get("created", vm.created if vm else azure.now() - DAY),
        unique_id=given.get("unique_id") or azure.ids.guid(),
        size_gb=int(given.get("size_gb", 30)),
        files=dict(given.get("files", {})),
        kind=kind,
        sku=given.get("sku", "Premium_LRS"),
        zones=[str(zone) for zone in given.get("zones", [])],
        tags=dict(given.get("tags", {})),
        os_type=given.get("os_type"),
        generation=given.get("generation"),
        max_shares=int(given.get("max_shares", (given.get("properties") or {}).get("maxShares", 1))),
        encryption=dict(given.get("encryption", {"type": "EncryptionAtRestWithPlatformKey"})),
        creation=dict(given.get("creation", {"createOption": "Empty"})),
        extra={
            **(given.get("extra") or {}),
            **{key: value for key, value in (given.get("properties") or {}).items() if key != "maxShares"},
            **({"encryptionSettingsCollection": _encrypted()} if given.get("ade") else {}),
        },
    )


def _encrypted() -> dict[str, Any]:
    """Azure Disk Encryption as a disk shows it (swagger: EncryptionSettingsCollection)."""
    vault = {"id": "/subscriptions/s/resourceGroups/keys/providers/Microsoft.KeyVault/vaults/ade"}
    key = {"secretUrl": "https://ade.vault.example/secrets/disk/1", "sourceVault": vault}
    return {"enabled": True, "encryptionSettings": [{"diskEncryptionKey": key}], "encryptionSettingsVersion": "1.1"}


def _plant_collection(azure: Azure, given: dict[str, Any]) -> None:
    kind = "restorePointCollections"
    source = given["source"]
    if not source.startswith("/"):  # a collection that stands before this one, or a VM of this world
        beside = azure.collection(azure.resource_id(kind, source, given.get("resource_group")))
        source = beside.id if beside else azure.named(source).id
    source_vm, origin = azure.vm(source), azure.collection(source)
    there = source_vm.location if source_vm else origin.location if origin else azure.locations[0]
    collection = Collection(
        id=given.get("id") or azure.resource_id(kind, given["name"], given.get("resource_group")),
        location=given.get("location", there),
        source=source,
        source_location=given.get("source_location", there),
        guid=given.get("guid") or azure.ids.guid(),
        tags=dict(given.get("tags", {})),
        instant_access=given.get("instant_access"),
    )
    azure.add_collection(collection)
    for each in given.get("points", []):
        collection.points.append(_point(azure, source_vm, each))


def _point(azure: Azure, vm: AzureVm | None, given: dict[str, Any]) -> Point:
    """A point in full, as `dump_compute` writes it, or one made of the VM as it stands."""
    created = given.get("created", azure.now() - float(given.get("days_old", 1)) * DAY)
    point = Point(
        name=given["name"],
        created=created,
        version=given.get("version", "2024-07-01"),
        kind=given.get("kind", "application"),
        state=given.get("state", "Succeeded"),
        consistency=given.get("consistency", "FileSystemConsistent"),
        exclude=list(given.get("exclude", [])),
        source_point=given.get("source_point"),
        instant_minutes=given.get("instant_minutes"),
        metadata=given.get("metadata") or (metadata(vm) if vm else {}),
        vm_id=given.get("vm_id") or (vm.id if vm else ""),
        region=given.get("region") or (vm.location if vm else ""),
        finished=given.get("finished", created),
    )
    for each in given.get("disks", []):
        disk, held = Disk(**each["disk"]), Attachment(**each["attachment"])
        point.disks.append(DiskPoint(**{**each, "disk": disk, "attachment": held}))
    if "disks" not in given and vm is not None:
        for held in vm.attachments():
            disk = azure.disks[held.disk.lower()]
            files = dict(given.get("files", {}).get("os" if held.lun is None else str(held.lun), disk.files))
            kept = replace(disk, files=files, owners=[])
            name = f"{disk.name}_{azure.ids.guid()}"
            point.disks.append(
                DiskPoint(name, kept, replace(held), created, disk.unique_id, disk.id, dict(disk.encryption))
            )
    if given.get("replication"):
        copying = given["replication"]
        point.replication = Replication(
            copying["begun"],
            Timing(**copying["timing"]),
            copying["looks"],
            copying["failed"],
            copying.get("direct_only", False),
        )
    return point


def dump_compute(azure: Azure) -> dict[str, Any]:
    """A document that `plant_compute` takes; what runs is shown as it stands."""
    attached = {held.disk.lower() for vm in azure.vms.values() for held in vm.attachments()}
    return {
        "resource_group": azure.resource_group,
        "locations": list(azure.locations),
        "resource_groups": [{"name": name, "location": location} for name, location in azure.groups.values()],
        "vms": [dump_azure_vm(azure, vm) for vm in azure.vms.values()],
        "disks": [_dump_disk(disk) for key, disk in azure.disks.items() if key not in attached],
        "collections": [
            {**_members(each, {"points"}), "name": each.name, "points": [_dump_point(point) for point in each.points]}
            for each in azure.collections.values()
        ],
        "locks": [asdict(lock) for lock in azure.locks],
    }


def dump_azure_vm(azure: Azure, vm: AzureVm) -> dict[str, Any]:
    def held(each: Attachment) -> dict[str, Any]:
        disk = azure.disk(each.disk)
        own = {name: value for name, value in asdict(each).items() if name not in {"disk", "lun"}}
        place = {} if each.lun is None else {"lun": each.lun}
        return {**(_dump_disk(disk) if disk else {}), **own, **place}

    kept = _members(vm, {"job", "os_disk", "data_disks", "etag", "agent_from", "state"})
    return {
        **kept,
        "name": vm.name,
        "os_disk": held(vm.os_disk),
        "data_disks": [held(each) for each in vm.data_disks],
        "state": vm.state,
    }


def _dump_disk(disk: Disk) -> dict[str, Any]:
    return {**_members(disk, {"owners", "state"}), "name": disk.name}


def _dump_point(point: Point) -> dict[str, Any]:
    copying = point.replication
    return {
        **_members(point, {"job", "disks", "replication"}),
        "disks": [asdict(each) for each in point.disks],
        "replication": asdict(copying) if copying else None,
    }


def _members(thing: Any, without: set[str]) -> dict[str, Any]:
    return {each.name: getattr(thing, each.name) for each in fields(thing) if each.name not in without}
