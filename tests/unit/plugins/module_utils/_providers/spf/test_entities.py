# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SPF's entities mean: states that hold a VM, states that take no checkpoint, and power."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ancestry import Row
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import Mark
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import Response
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.entities import (
    BUSY,
    REFUSING,
    CheckpointEntity,
    VmEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.job_entities import JobEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.reader import _parsed_one_by_one

ID = "831e819f-f852-47a8-b4b0-c61ba062df73"
VM = "5b9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10"
NONE = "00000000-0000-0000-0000-000000000000"


def _vm(**fields: Any) -> VmEntity:
    return VmEntity.model_validate({"ID": VM, **fields})


@pytest.mark.parametrize(
    "state",
    [
        "CreatingCheckpoint",
        "DeletingCheckpoint",
        "RecoveringCheckpoint",
        "InitializingCheckpointOperation",
        "FinishingCheckpointOperation",
        "MergingDrives",
        "DiscardingDrives",
    ],
)
def test_states_in_which_a_checkpoint_job_holds_the_vm(state: str) -> None:
    for shown in (_vm(Status=state), _vm(Status="Running", VirtualMachineState=state)):
        assert (shown.state_in(BUSY), shown.state_in(REFUSING)) == (state, None)


@pytest.mark.parametrize(
    "state",
    [
        "Stored",
        "Missing",
        "HostNotResponding",
        "UnderMigration",
        "UnderCreation",
        "UnderTemplateCreation",
        "CreationFailed",
        "Deleting",
        "P2VCreationFailed",
        "V2VCreationFailed",
    ],
)
def test_states_in_which_vmm_makes_no_checkpoint(state: str) -> None:
    assert (_vm(VirtualMachineState=state).state_in(REFUSING), _vm(Status=state).state_in(BUSY)) == (state, None)


@pytest.mark.parametrize(
    ("state", "power"),
    [
        ("Running", "on"),
        ("Paused", "on"),
        ("PowerOff", "off"),
        ("Saved", "off"),
        ("Stored", "off"),
        ("Stopping", "unknown"),
        (None, "unknown"),
    ],
)
def test_power_is_the_machine_s_state_and_only_without_one_its_status(state: str | None, power: str) -> None:
    assert _vm(VirtualMachineState=state, Status=None).power == power
    assert _vm(Status=state).power == power
    if state:
        assert _vm(VirtualMachineState=state, Status="UnsupportedCluster").power == power
        assert _vm(VirtualMachineState="UnsupportedCluster", Status=state).power == "unknown"


@pytest.mark.parametrize("field", ["VMId", "LastRestoredCheckpointId", "MostRecentTaskId"])
def test_an_id_of_zeros_is_none(field: str) -> None:
    assert getattr(_vm(**{field: NONE}), field) is None
    assert getattr(_vm(**{field: ""}), field) is None
    assert getattr(_vm(**{field: f"{{{NONE}}}"}), field) is None
    assert getattr(_vm(**{field: ID}), field) == getattr(_vm(**{field: f"{{{ID}}}"}), field) == ID


@pytest.mark.parametrize(
    ("enabled", "host_id", "usability"),
    [
        (None, ID, "usable"),
        (True, ID, "usable"),
        (False, ID, "unusable"),
        (None, None, "unknown"),
        (False, None, "unusable"),
    ],
)
def test_what_a_checkpoint_can_be_used_for(enabled: bool | None, host_id: str | None, usability: str) -> None:
    row = CheckpointEntity.model_validate({"ID": ID.upper(), "Enabled": enabled, "CheckpointID": host_id}).row()
    assert (row.checkpoint.usability, row.checkpoint.id, row.checkpoint.name) == (usability, ID, "")


def test_a_checkpoint_as_it_is_handed_on() -> None:
    shown = {
        "ID": ID.upper(),
        "Name": "nightly",
        "Description": "words\n[hybridvm.checkpoints 1 nonce=9f2c41d07ab3 at=2026-11-20T07:30:02Z]",
        "CheckpointID": VM.upper(),
        "ParentCheckpointID": ID,
        "AddedTime": "2026-11-20T00:30:03-07:00",
    }
    made = datetime(2026, 11, 20, 7, 30, 3, tzinfo=UTC)
    mark = Mark("9f2c41d07ab3", made.replace(second=2))
    checkpoint = Checkpoint(ID, "nightly", "words", host_id=VM, created=made, usability="usable", mark=mark)
    assert CheckpointEntity.model_validate(shown).row() == Row(checkpoint, ID)


def test_a_packed_vm_is_small_and_the_same() -> None:
    """A task about thousands of VMs keeps each so from finding it until it is its turn."""
    points = [
        {
            "ID": ID,
            "VMId": VM,
            "Name": f"nightly {number}",
            "CheckpointID": VM,
            "AddedTime": "2026-11-20T04:30:00-07:00",
        }
        for number in range(20)
    ]
    machine = _vm(Name="web01", Status="Running", VMCheckpoints=points, **{"VMCheckpoints@odata.nextLink": "?page=2"})
    packed = machine.packed()
    assert VmEntity.unpacked(packed) == machine
    assert machine.more_checkpoints == "?page=2"
    assert len(packed) < 2000


def test_a_page_is_used_up_as_it_is_parsed() -> None:
    """One page may hold all checkpoints of a tenant: they are never there twice."""
    page: list[dict[str, Any]] = [{"ID": VM, "Name": f"vm{number}"} for number in range(3)]
    response = Response(200, {}, b"", "spf https://spf.example")
    names = [(machine.Name, len(page)) for machine in _parsed_one_by_one(VmEntity, page, response)]
    assert names == [("vm0", 2), ("vm1", 1), ("vm2", 0)]


def test_what_is_asked_for_of_each_entity() -> None:
    assert CheckpointEntity.select() == (
        "ID,StampId,VMId,Name,Description,CheckpointID,ParentCheckpointID,AddedTime,ModifiedTime,Enabled"
    )
    assert VmEntity.select() == (
        "ID,StampId,VMId,Name,Status,VirtualMachineState,LastRestoredCheckpointId,MostRecentTaskId,ModifiedTime"
    )


def test_checkpoints_that_came_along_are_all_or_none() -> None:
    point = {"ID": ID}
    assert _vm().expanded == _vm(VMCheckpoints=[]).expanded == _vm(VMCheckpoints=None).expanded == []
    assert [each.ID for each in _vm(VMCheckpoints=[point]).expanded] == [ID]
    assert _vm(VMCheckpoints=[point], **{"VMCheckpoints@odata.nextLink": ""}).expanded == []


@pytest.mark.parametrize("kind", [CheckpointEntity, VmEntity, JobEntity])
def test_an_entity_does_not_change_and_passes_over_what_it_does_not_know(kind: Any) -> None:
    made = kind.model_validate({"ID": ID, "unknown": 1})
    assert "unknown" not in made.model_dump()
    with pytest.raises(ValidationError, match="frozen"):
        made.ID = VM
    for wrong in (NONE, f"{{{ID}}}", "x", ""):
        with pytest.raises(ValidationError):
            kind.model_validate({"ID": wrong})


def test_a_packed_vm_holds_no_more_than_it_must() -> None:
    packed = _vm(**{"VMCheckpoints@odata.nextLink": "next"}).packed()
    assert zlib.decompress(packed) == f'{{"ID":"{VM}","VMCheckpoints@odata.nextLink":"next"}}'.encode()
    assert packed.startswith(b"\x78\x01")  # zlib's mark of the quickest level: RFC 1950
