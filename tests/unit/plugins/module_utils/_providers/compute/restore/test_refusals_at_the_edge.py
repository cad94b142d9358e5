# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refusals of a restore in place where the point, the VM or a disk says only part of what is compared."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    MissingCheckpoint,
    Obstructed,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import PointEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.refusals import (
    origin,
    refuse_another_system,
    refuse_elsewhere,
    refuse_strangers,
    refuse_unusable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import Disk, VmEntity
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    POINT,
    SOURCE,
    detail,
    disk,
    inventory,
)


def point(**metadata: Any) -> PointEntity:
    properties = {"provisioningState": "Succeeded", "sourceMetadata": metadata or None}
    return PointEntity.model_validate({"id": POINT, "name": "p", "properties": properties})


def storage(os_type: str | None = None, *luns: int, os_disk: bool = True) -> dict[str, Any]:
    """What a point keeps of a VM's disks."""
    return {"osDisk": {"osType": os_type} if os_disk else None, "dataDisks": [{"lun": number} for number in luns]}


def refused(entity: PointEntity, generation: str | None = None, os_type: str | None = None) -> str:
    """Why the point cannot be restored in place to a VM of that kind; empty where it can."""
    of = detail(disk("o"))
    document = of.vm.model_dump(mode="json")
    document["properties"]["instanceView"]["hyperVGeneration"] = generation
    document["properties"]["storageProfile"]["osDisk"]["osType"] = os_type
    try:
        refuse_another_system(inventory(replace(of, vm=VmEntity.model_validate(document))), entity)
    except CheckpointError as problem:
        return str(problem).partition(": ")[2].partition(".")[0]
    return ""


OLDER = "it is of a VM of generation V1, and the VM is of generation V2"


@pytest.mark.parametrize(
    ("entity", "generation", "os_type", "why"),
    [
        (point(), "V2", "Linux", ""),
        (point(storageProfile=storage()), "V2", None, ""),
        (point(storageProfile=storage(), hyperVGeneration="V2"), "V2", None, ""),
        (point(storageProfile=storage(), hyperVGeneration="V2"), "v2", None, ""),
        (point(storageProfile=storage(), hyperVGeneration="v2"), "V2", None, ""),
        (point(storageProfile=storage(), hyperVGeneration="V1"), None, None, ""),
        (point(storageProfile=storage(None, 0, 1), hyperVGeneration="V1"), "V2", None, OLDER),
        (point(storageProfile=storage(None, 0, os_disk=False), hyperVGeneration="V1"), "V2", None, ""),
        (point(storageProfile=storage("Windows")), "V2", None, ""),
        (point(storageProfile=storage()), None, "Linux", ""),
        (point(storageProfile=storage("Linux")), None, "linux", ""),
        (point(storageProfile=storage("Linux")), None, "Windows", "it holds a Linux disk, and the VM runs Windows"),
    ],
)
def test_only_what_both_tell_can_be_another_system(
    entity: PointEntity, generation: str | None, os_type: str | None, why: str
) -> None:
    assert refused(entity, generation, os_type) == why


@pytest.mark.parametrize("kept", [None, {}, {"id": None}])
def test_each_disk_that_lacks_its_disk_restore_point_is_named(kept: dict[str, Any] | None) -> None:
    lacking = [Disk.model_validate({"diskRestorePoint": kept, "lun": number}) for number in (3, 4)]
    whole = Disk.model_validate({"diskRestorePoint": {"id": SOURCE}})
    with pytest.raises(MissingCheckpoint) as caught:
        refuse_unusable(point(), [lacking[0], whole, lacking[1]])
    assert str(caught.value) == (
        "restore point p cannot be restored: it lacks the disk restore point of lun3, lun4. Nothing was changed. "
        "Choose another."
    )
    refuse_unusable(point(), [whole])


@pytest.mark.parametrize("kept", [None, {}, {"id": None}])
def test_where_the_point_does_not_tell_nobody_is_a_stranger(kept: dict[str, Any] | None) -> None:
    """There is nothing to compare it with; making a disk of that is refused elsewhere."""
    found = DiskEntity.model_validate({"id": f"{GROUP}/disks/n", "name": "n", "location": "l", "properties": {}})
    refuse_strangers(inventory(detail(found)), {"os": "n"}, [Disk.model_validate({"diskRestorePoint": kept})])


def test_disks_that_are_not_managed_are_not_the_same_disk() -> None:
    of = detail(attached={"os": "o", "lun3": "d"}, held={"lun3": {"managedDisk": None, "vhd": {"uri": "u"}}})
    refuse_elsewhere(inventory(of), {"os": "n", "lun0": "m"}, [Disk.model_validate({"lun": 0})])


@pytest.mark.parametrize(("shown", "called"), [({"name": "shown"}, "shown"), ({}, "d")])
def test_a_disk_at_another_lun_is_called_as_the_vm_calls_it(shown: dict[str, Any], called: str) -> None:
    of = detail(attached={"os": "o", "lun3": "d"}, held={"lun3": shown})
    kept = Disk.model_validate({"lun": 0, "managedDisk": {"id": f"{GROUP}/disks/D"}})
    with pytest.raises(Obstructed) as caught:
        refuse_elsewhere(inventory(of), {"os": "n", "lun0": "m"}, [kept])
    assert str(caught.value) == (
        f"data disk {called} sits at lun3, and the restore point holds it at lun0: it would be attached twice, "
        "old and new. Nothing was changed. Move it back to lun0 or detach it, then run the task again."
    )


def test_what_a_disk_stood_for_is_found_in_any_spelling() -> None:
    first = disk("V-lun0-a", run="a", state="done", replaces="RG/D")
    second = disk("v-lun0-b", run="b", state="done", replaces="rg/V-LUN0-A")
    of = detail(first, second)
    for name in ("v-lun0-a", "V-LUN0-A", "v-lun0-B", "d", "D"):
        assert origin(of, f"{GROUP}/disks/{name}") == "rg/d"
