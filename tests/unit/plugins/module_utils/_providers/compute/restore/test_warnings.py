# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a restore in place warns of: what stays, what comes back, and what new disks will lack."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import RestoreRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.base import RestoreRun
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.warnings import (
    disk_warnings,
    vm_warnings,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import (
    Attachment,
    AzureVmState,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    ID,
    detail,
    disk,
)

RUN = RestoreRun("r", "c/p", "hash", RestoreRequest(name="p"))
NEW: dict[str, str] = {"os": "v-os-r"}
OLD: dict[str, str | None] = {"os": "rg/o"}
MANY = {f"t{number:02}": "x" for number in range(42)}


def old(tags: dict[str, str] | None = None, extended: list[str] | None = None, **properties: Any) -> DiskEntity:
    document = {"id": f"{GROUP}/disks/o", "name": "o", "location": "l", "tags": tags, "managedByExtended": extended}
    return DiskEntity.model_validate({**document, "properties": properties})


def told(of: AzureVmState, replaced: dict[str, str | None] | None = None) -> list[str]:
    return list(disk_warnings(of, RUN, NEW, OLD if replaced is None else replaced))


def sized(of: AzureVmState, size: int) -> AzureVmState:
    """The disk in the point has so many GiB."""
    assert of.collection is not None
    document = of.collection.model_dump(mode="json")
    source = document["properties"]["restorePoints"][0]["properties"]["sourceMetadata"]
    source["storageProfile"]["osDisk"]["diskSizeGB"] = size
    return replace(of, collection=type(of.collection).model_validate(document))


def test_what_stays_and_what_comes_back() -> None:
    of = detail(attached={"os": "o", "lun3": "d", "lun1": "e"})
    assert list(vm_warnings(of, NEW, [Attachment("lun5", "rg/f", "//")])) == [
        "the point holds no lun1, lun3; what is attached there stays as it is.",
        "a restore that was interrupted has detached lun5; rg/f comes back there.",
    ]
    assert list(vm_warnings(detail(), NEW, [])) == []


def test_a_disk_that_is_as_it_was_needs_no_warning() -> None:
    assert told(detail(old())) == []
    assert told(detail(old(), disk("v-os-r", run="r"))) == []
    assert told(detail(old(tags={f"t{number:02}": "x" for number in range(40)}))) == []
    assert told(sized(detail(old(diskSizeGB=32)), 32)) == []
    assert told(detail(old(extended=[ID.upper()]))) == []


def test_what_a_new_disk_will_lack() -> None:
    assert told(detail(old(tags=MANY))) == ["no room on disk v-os-r for the tags t40, t41 of rg/o."]
    assert told(sized(detail(old(diskSizeGB=64)), 32)) == [
        "disk v-os-r has 32 GiB as the restore point holds it; rg/o has 64 GiB."
    ]
    others = [f"{GROUP}/virtualMachines/{name}" for name in ("y", "x")]
    assert told(detail(old(extended=[*others, ID]))) == ["rg/o is shared with x, y, which stay on the old one."]
    assert told(detail(old(unheardOf="x"))) == [
        "disk v-os-r will not have of rg/o: unheardOf (not known to this collection)."
    ]


def test_a_size_that_is_not_told_is_no_smaller_one() -> None:
    assert told(detail(old(diskSizeGB=64))) == []
    assert told(sized(detail(old()), 32)) == []
    assert told(sized(detail(old(diskSizeGB=16)), 32)) == []


def test_only_disks_that_are_still_to_be_made_are_warned_of() -> None:
    """One is made already, one is of no disk of the point, and one replaces another disk than the point's."""
    of = detail(
        *(disk("v-os-r", run="r"), old(unheardOf="x"), disk("e").model_copy(update={"tags": MANY})),
        also={"lun0": "d", "lun2": "d"},
    )
    new = {"os": "v-os-r", "lun9": "v-lun9-r", "lun0": "v-lun0-r", "lun2": "v-lun2-r"}
    replaced = {"os": "rg/o", "lun9": "rg/o", "lun0": "rg/e", "lun2": None}
    assert list(disk_warnings(of, RUN, new, replaced)) == [
        "no room on disk v-lun0-r for the tags t40, t41 of rg/e.",
        "what lun2 was is gone, so disk v-lun2-r gets what the restore point tells of it: no tags, and of its "
        "performance and access settings only those of a new disk.",
    ]


def test_a_disk_that_is_gone_gives_nothing_to_keep() -> None:
    assert told(detail(), {"os": None}) == [
        "what os was is gone, so disk v-os-r gets what the restore point tells of it: no tags, and of its performance "
        "and access settings only those of a new disk."
    ]
