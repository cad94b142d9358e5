# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Azure VM as it was read, for tests of what is decided about it: disks, a restore point, what is attached."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm, Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import CollectionEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import AzureVmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import short_hash
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity

SUBSCRIPTION = "/subscriptions/22222222-0000-4000-8000-000000000002"
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute"
ID = f"{GROUP}/virtualMachines/v"
WHO = VM(reference=ID, name="v", id=ID, canonical=ID.lower(), provider="compute", service="https://arm")
POINT = f"{GROUP}/restorePointCollections/c/restorePoints/p"
TARGET = Checkpoint(POINT, "p")
SOURCE = f"{POINT}/diskRestorePoints/o_1"


def made_of(name: str) -> str:
    """The disk restore point of the disk of that name."""
    return f"{POINT}/diskRestorePoints/{name}_1"


def disk(name: str, provisioning: str | None = "Succeeded", of: str = "o", **tags: str) -> DiskEntity:
    """A managed disk; with tags one that a restore has made, of the point's OS disk unless `of` names another."""
    own = {"hybridvm-restore-vm": short_hash(ID), "hybridvm-restore-point-id": short_hash(POINT)} if tags else {}
    own |= {f"hybridvm-restore-{key}": value for key, value in tags.items()}
    document = {"id": f"{GROUP}/disks/{name}", "name": name, "location": "l", "tags": own or None}
    made_from = {"creationData": {"createOption": "Restore", "sourceResourceId": made_of(of)}} if tags else {}
    return DiskEntity.model_validate({**document, "properties": {"provisioningState": provisioning, **made_from}})


def detail(
    *disks: DiskEntity,
    attached: dict[str, str] | None = None,
    point: bool = True,
    source: str | None = SOURCE,
    also: dict[str, str] | None = None,
    power: str = "running",
    held: dict[str, dict[str, Any]] | None = None,
) -> AzureVmState:
    """The VM with what is attached by place, and a collection with one point of its OS disk and of what it has `also`.

    A data disk of the point comes from the disk of that name; `held` are more members of attachments.
    """
    shown = {
        place: {"managedDisk": {"id": f"{GROUP}/disks/{name}"}, **(held or {}).get(place, {})}
        for place, name in ({"os": "o"} if attached is None else attached).items()
    }
    data = [{"lun": int(place[3:]), **each} for place, each in shown.items() if place != "os"]
    os_disk = shown.get("os")
    view = {"statuses": [{"code": f"PowerState/{power}"}]}
    properties: dict[str, Any] = {"storageProfile": {"osDisk": os_disk, "dataDisks": data}, "instanceView": view}
    raw = {"id": ID, "name": "v", "location": "l", "properties": properties}
    kept = [
        {
            "lun": int(place[3:]),
            "managedDisk": {"id": f"{GROUP}/disks/{name}"},
            "diskRestorePoint": {"id": made_of(name)},
        }
        for place, name in (also or {}).items()
    ]
    os_kept = {"name": "o", "managedDisk": {"id": f"{GROUP}/disks/o"}, "diskRestorePoint": {"id": source}}
    storage = {"storageProfile": {"osDisk": os_kept, "dataDisks": kept}}
    kept_point = {"id": POINT, "name": "p", "properties": {"provisioningState": "Succeeded", "sourceMetadata": storage}}
    home = {
        "id": POINT.rpartition("/restorePoints/")[0],
        "name": "c",
        "location": "l",
        "properties": {"restorePoints": [kept_point] if point else []},
    }
    return AzureVmState(
        VmEntity.model_validate(raw),
        raw,
        None,
        "rg",
        CollectionEntity.model_validate(home),
        {each.id.lower(): each for each in disks},
        frozenset({"rg"}),
    )


def inventory(of: AzureVmState, power: Power = "on", points: tuple[Checkpoint, ...] = (TARGET,)) -> ObservedVm:
    """The VM as the planner gets it."""
    return ObservedVm(WHO, points, now=datetime(2026, 11, 20, tzinfo=UTC), power=power, detail=of)
