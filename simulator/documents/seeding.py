# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Worlds as documents: the default one, one with many VMs, and how a VM is read from and written to one."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from simulator.documents.azure_seeding import DEFAULT_COMPUTE
from simulator.vmm.hardware import changed, from_document
from simulator.vmm.machines import Checkpoint, VirtualMachine
from simulator.vmm.server import Vmm
from simulator.wire.clock import utc

DAY = 86400.0

DEFAULT_DOCUMENT: dict[str, Any] = {
    "spf": {
        "vms": [
            {
                "name": "web01",
                "files": {"/etc/app.conf": "version = 1\n", "/var/www/index.html": "<h1>It works</h1>\n"},
                "checkpoints": [{"name": "baseline", "description": "after installation", "days_old": 12}],
            },
            {
                "name": "db01",
                "files": {"/etc/app.conf": "version = 1\n", "/var/lib/db/rows": "1 2 3\n"},
                "checkpoints": [{"name": "baseline", "description": "after installation", "days_old": 9}],
            },
            {"name": "gold-image", "power": "Stored", "files": {"/etc/app.conf": "version = 0\n"}},
        ],
    },
    "scvmm": {
        "vms": [
            {
                "name": "app01",
                "files": {"/etc/app.conf": "version = 1\n"},
                "checkpoints": [{"name": "baseline", "description": "after installation", "days_old": 12}],
            },
            {
                "name": "app02",
                "files": {"/etc/app.conf": "version = 1\n"},
                "checkpoints": [{"name": "baseline", "description": "after installation", "days_old": 9}],
            },
        ],
        "machines": [{"name": "bare01", "kind": None}, {"name": "vsphere01", "kind": "VMware"}],
    },
    "compute": DEFAULT_COMPUTE,
}


def numbered_document(document: dict[str, Any], spf: int, scvmm: int, compute: int = 0) -> dict[str, Any]:
    """`document` with its VMs replaced by `spf001`, `spf002`, ..., `arc001`, ... and `azure001`, ..."""

    def vms(prefix: str, count: int) -> list[dict[str, Any]]:
        return [
            {
                "name": f"{prefix}{number:03}",
                "files": {"/etc/app.conf": "version = 1\n"},
                "checkpoints": [{"name": "baseline", "days_old": 10}],
            }
            for number in range(1, count + 1)
        ]

    return {
        **document,
        "spf": {**document["spf"], "vms": vms("spf", spf)},
        "scvmm": {**document["scvmm"], "vms": vms("arc", scvmm)},
        "compute": {
            "resource_group": document["compute"]["resource_group"],
            "locations": document["compute"]["locations"],
            "vms": [
                {"name": f"azure{number:03}", "os_disk": {"files": {"/etc/app.conf": "version = 1\n"}}}
                for number in range(1, compute + 1)
            ],
        },
    }


def plant(vmm: Vmm, given: dict[str, Any]) -> VirtualMachine:
    """Put the VM that `given` describes into `vmm`; every member but `name` may be left out."""
    now = vmm.now()
    added = _moment(given, now, now - 30 * DAY)
    vm = VirtualMachine(
        id=given.get("id") or vmm.ids.guid(),
        vm_id=given.get("vm_id") or vmm.ids.guid(),
        name=given["name"],
        added=added,
        modified=now - 60,
        description=given.get("description", ""),
        files=dict(given.get("files", {})),
        power=given.get("power", "Running"),
        status=given.get("status"),
        checkpoint_type=given.get("checkpoint_type", "Production"),
        owner=given.get("owner", "CONTOSO\\svc-ansible"),
        resource_uri=given.get("resource_uri"),
        instance=given.get("instance"),
    )
    vm.hardware = from_document(vm.id, given, changed(vm.id, from_document(vm.id, {}), vm.instance or {}, ""))
    vm.pointer = None if vm.stored else vm.vm_id
    for each in given.get("checkpoints", []):
        point = _checkpoint(vmm, vm, each)
        vm.checkpoints.append(point)
        if point.made is not None:
            vm.pointer = point.checkpoint_id
    if "pointer" in given:
        vm.pointer = given["pointer"]
    vm.stands_on = given.get("stands_on")
    vm.disk_generation = len(vm.checkpoints)
    vmm.add(vm)
    return vm


def _checkpoint(vmm: Vmm, vm: VirtualMachine, given: dict[str, Any]) -> Checkpoint:
    now = vmm.now()
    added = _moment(given, now, now - DAY)
    made = given.get("made", True)
    parent = given.get("parent", vm.pointer)
    by_name = next((other for other in vm.checkpoints if other.name == parent), None)
    return Checkpoint(
        id=given.get("id") or vmm.ids.guid(),
        name=given.get("name"),
        description=given.get("description", ""),
        added=added,
        modified=max(added, now - 3600),
        checkpoint_id=(given.get("checkpoint_id") or vmm.ids.guid()) if made else None,
        parent_id=(by_name.checkpoint_id if by_name else parent) if made else None,
        files=dict(given.get("files", vm.files)),
        hardware=from_document(vm.id, given.get("hardware", {}), vm.hardware),
        power=given.get("power", vm.power),
        checkpoint_type=given.get("checkpoint_type", vm.checkpoint_type),
        enabled=given.get("enabled", True),
        made=added if made else None,
        in_database=given.get("in_database", True),
        host_id_known=given.get("host_id_known", True),
    )


def _moment(given: dict[str, Any], now: float, default: float) -> float:
    if "added" in given:
        return datetime.fromisoformat(given["added"]).timestamp()
    if "days_old" in given:
        return now - float(given["days_old"]) * DAY
    return now - float(given["age_seconds"]) if "age_seconds" in given else default


def dump_vm(vm: VirtualMachine) -> dict[str, Any]:
    """The VM as `plant` takes it, and its state as people call it."""
    return {
        "id": vm.id,
        "vm_id": vm.vm_id,
        "name": vm.name,
        "description": vm.description,
        "added": utc(vm.added).isoformat(),
        "files": dict(vm.files),
        "power": vm.power,
        "status": vm.status,
        "checkpoint_type": vm.checkpoint_type,
        "owner": vm.owner,
        "pointer": vm.pointer,
        "stands_on": vm.stands_on,
        "resource_uri": vm.resource_uri,
        "instance": vm.instance,
        **vm.hardware.as_document(),
        "checkpoints": [
            {
                "id": point.id,
                "checkpoint_id": point.checkpoint_id,
                "parent": point.parent_id,
                "name": point.name,
                "description": point.description,
                "added": utc(point.added).isoformat(),
                "files": dict(point.files),
                "hardware": point.hardware.as_document(),
                "power": point.power,
                "checkpoint_type": point.checkpoint_type,
                "enabled": point.enabled,
                "made": point.made is not None,
                "in_database": point.in_database,
                "host_id_known": point.host_id_known,
            }
            for point in vm.checkpoints
        ],
    }
