# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SPF's entities mean: states that hold a VM, states that take no checkpoint, power, jobs and their verbs."""

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
    JobEntity,
    VmEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.reader import _parsed_one_by_one

ID = "831e819f-f852-47a8-b4b0-c61ba062df73"
VM = "5b9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10"
NONE = "00000000-0000-0000-0000-000000000000"


def _vm(**fields: Any) -> VmEntity:
    return VmEntity.model_validate({"ID": VM, **fields})


def _job(**fields: Any) -> JobEntity:
    return JobEntity.model_validate({"ID": ID, **fields})


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
    ("cmdlet", "name", "work"),
    [
        ("New-SCVMCheckpoint", None, "create"),
        (None, "Create checkpoint", "create"),
        ("Restore-SCVMCheckpoint", None, "restore"),
        (None, "Recover to checkpoint", "restore"),
        ("Remove-SCVMCheckpoint", None, "delete"),
        (None, "Delete checkpoint", "delete"),
        ("Set-SCVMCheckpoint", None, "update"),
        (None, "Change properties of checkpoint", "update"),
        (None, "Update checkpoint", "update"),
        ("Read-SCVMCheckpoint", None, "other"),
        ("Read-SCVirtualMachine", "Refresh virtual machine", None),
    ],
)
def test_what_a_job_does_to_the_checkpoints_of_a_vm(cmdlet: str | None, name: str | None, work: str | None) -> None:
    members = {"CmdletName": cmdlet, "Name": name}
    assert _job(TargetObjectID=VM, **members).checkpoint_work(VM.upper()) == work
    assert _job(ResultObjectID=VM.upper(), **members).checkpoint_work(VM) == work
    assert _job(TargetObjectID=ID, **members).checkpoint_work(VM) is None
    assert _job(**members).checkpoint_work(VM) is None


@pytest.mark.parametrize(
    ("info", "text", "message"),
    [
        (
            {"ErrorCodeString": "12710", "Problem": "It broke.", "RecommendedAction": "Mend it."},
            "",
            "VMM error 12710: It broke. Mend it.",
        ),
        ({"ErrorCodeString": " 7 ", "Problem": "It broke."}, "", "VMM error 7: It broke."),
        ({"ErrorCodeString": "0", "Problem": "It broke."}, "", "It broke."),
        ({"Problem": "It broke."}, "", "It broke."),
        ({}, "Failed at step 2", "Failed at step 2"),
        (None, "", "failed"),
    ],
)
def test_why_a_job_has_failed(info: dict[str, str] | None, text: str, message: str) -> None:
    status = _job(Status="Failed", StatusString=text, ErrorInfo=info).status("r")
    assert (status.state, status.message, status.request_id) == ("failed", message, "r")


@pytest.mark.parametrize("word", ["Cancelled", "CompletedWithInfo", "Completed w/ Info", "SucceededWithInfo", "Done"])
def test_a_completed_job_in_a_word_that_nobody_knows_has_ended_and_reading_tells_how(word: str) -> None:
    """Windows Azure Pack itself polls IsCompleted; a word may be spelled otherwise, or mean what we do not know."""
    ended = _job(Status=word, IsCompleted=True).status("r")
    assert (ended.state, ended.message, ended.locked, ended.warnings) == ("unknown", "", False, ())
    for completed in (False, None):
        assert _job(Status=word, IsCompleted=completed).status("r").state == "running"


def test_a_job_that_says_it_runs_does() -> None:
    assert _job(Status="Running", IsCompleted=True).status("r").state == "running"
    assert _job(Status=" completed ", IsCompleted=None).status("r").state == "succeeded"
    assert _job(Status="", IsCompleted=True).status("r").state == "succeeded"


TEXT = "Unable to perform the job because one or more of the selected objects are locked by another job."


@pytest.mark.parametrize(
    ("info", "locked"),
    [
        ({"ErrorCodeString": "2602"}, True),
        ({"ErrorCodeString": 2602}, True),
        ({"ErrorCodeString": " VMM2602 "}, True),
        ({"ErrorCodeString": "", "DisplayableErrorCode": 2602}, True),
        ({"ErrorCodeString": None, "DisplayableErrorCode": "2602"}, True),
        ({"Code": 2602, "Problem": "locked"}, True),
        ({"Code": "2602", "Problem": TEXT}, True),
        ({"Code": "ObjectLocked", "ErrorCodeString": "ObjectLocked", "Problem": f"{TEXT} (Error 2602)"}, True),
        ({"Problem": f"Error (2602)\n{TEXT}"}, True),
        ({"Problem": f"{TEXT} (Error ID: 2602)"}, True),
        ({"Problem": f"VMM 2602: {TEXT}"}, True),
        ({"ErrorCodeString": "12602"}, False),
        ({"ErrorCodeString": "12710", "Problem": "26021 of 2602 blocks"}, False),
        ({"ErrorCodeString": "10803", "Problem": "The checkpoint Azure Local (2602) is too large."}, False),
        ({"ErrorCodeString": "10803", "Problem": f"{TEXT} (Error 2602)"}, False),
        ({"DisplayableErrorCode": 10803, "Problem": f"{TEXT} (Error 2602)"}, False),
        ({"ErrorCodeString": "Locked", "Code": 10803, "Problem": f"{TEXT} (Error 2602)"}, False),
        ({"ErrorCodeString": "23234", "Problem": f"{TEXT} (Error 2602)"}, True),
        ({"ErrorCodeString": "23234", "Code": "10803", "Problem": f"{TEXT} (Error 2602)"}, False),
        ({"ErrorCodeString": "0", "Code": "2602"}, True),
        ({"Problem": "The checkpoint 'before error 2602' is too large."}, False),
        ({"Problem": "The checkpoint Azure Local (2602) is too large."}, False),
        ({"Problem": "Error 26021"}, False),
        ({"Problem": "VM 831e819f-2602-4c1b-9c1f-77aa00000000 (2602-4c1b) is gone"}, False),
        ({"Code": "ObjectLocked"}, False),
        ({"Code": {"number": 2602}, "Problem": "x"}, False),
        (None, False),
    ],
    ids=str,
)
def test_another_job_s_lock_is_known_in_whichever_member_its_number_stands(
    info: dict[str, Any] | None, locked: bool
) -> None:
    assert _job(Status="Failed", ErrorInfo=info).status("r").locked is locked
    assert not _job(Status="Completed", ErrorInfo=info).status("r").locked


@pytest.mark.parametrize(
    ("code", "locked"), [("23234", True), ("0", True), (None, True), ("10803", False), ("12710", False)]
)
def test_a_part_s_lock_is_the_job_s_where_no_other_cause_is_named(code: str | None, locked: bool) -> None:
    """23234 stands over the 2602 of its parts (VMM team blog, 2014-12-15); a full disk does not."""
    parts = [{"ErrorCodeString": "1"}, {"ErrorCodeString": "2602", "Problem": TEXT}]
    job = _job(Status="Failed", ErrorInfo={"ErrorCodeString": code, "Problem": "x"}, AdditionalMessages=parts)
    assert job.status("r").locked is locked
    assert not _job(Status="Failed", ErrorInfo={"ErrorCodeString": code}).status("r").locked


LARGER = {"ErrorCodeString": "23234", "Problem": "The job ended with errors."}
LOCKED_PART = {"ErrorCodeString": "2602", "Problem": TEXT, "RecommendedAction": "Try again."}


@pytest.mark.parametrize("word", ["SucceedWithInfo", "Completed w/ Info", "CompletedWithInfo", " SUCCEEDWITHINFO"])
def test_a_larger_job_that_was_locked_out_is_no_success(word: str) -> None:
    """23234 with the status Completed w/ Info stands over the 2602 of its parts (VMM team blog, 2014-12-15)."""
    for info, parts in ((LARGER, [LOCKED_PART]), (LOCKED_PART, None)):
        status = _job(Status=word, IsCompleted=True, ErrorInfo=info, AdditionalMessages=parts).status("r")
        assert (status.state, status.locked, status.warnings) == ("failed", True, ())
        assert f"2602: {TEXT} Try again." in status.message
    assert status.message.startswith("VMM error 2602: ")


@pytest.mark.parametrize(
    ("info", "parts"),
    [
        ({"ErrorCodeString": "0", "Code": "Success"}, [LOCKED_PART]),
        (None, [LOCKED_PART]),
        (LARGER, [{"ErrorCodeString": "10803", "Problem": "x"}]),
        (LARGER, None),
        ({"ErrorCodeString": "10803", "Problem": "x"}, [LOCKED_PART]),
    ],
)
def test_a_success_with_other_information_is_one(info: dict[str, str] | None, parts: list[dict[str, str]]) -> None:
    members = {"IsCompleted": True, "ErrorInfo": info, "AdditionalMessages": parts}
    status = _job(Status="SucceedWithInfo", **members).status("r")
    assert (status.state, status.locked, status.message) == ("succeeded", False, "")
    unknown = _job(Status="Completed w/ Info", **members).status("r")
    assert (unknown.state, unknown.locked, unknown.warnings) == ("unknown", False, status.warnings)
    said = "; ".join(status.warnings)
    assert unknown.message == f"it ended as Completed w/ Info, which is no known state; {said}"
    running = _job(Status="Completed w/ Info", **{**members, "IsCompleted": False}).status("r")
    assert (running.state, running.message, running.warnings) == ("running", "", ())
    completed = _job(Status="Completed", **members).status("r")
    assert (completed.state, completed.locked) == ("succeeded", False)


def test_of_a_failure_that_names_no_cause_the_parts_are_told() -> None:
    parts = [{"ErrorCodeString": "10803", "Problem": "The disk is full."}, {"Problem": " "}]
    for info, message in (
        (LARGER, "VMM error 23234: The job ended with errors.; VMM 10803: The disk is full."),
        (None, "VMM 10803: The disk is full."),
        ({"ErrorCodeString": "7", "Problem": "x"}, "VMM error 7: x"),
    ):
        assert _job(Status="Failed", ErrorInfo=info, AdditionalMessages=parts).status("r").message == message
    many = [{"Problem": f"m{number}."} for number in range(11)]
    assert _job(Status="Failed", AdditionalMessages=many).status("r").message.endswith("VMM message: m9.")


@pytest.mark.parametrize("name", ["before error 2602", "Locked (2602)"])
def test_a_name_that_the_job_is_about_is_known_without_quotes(name: str) -> None:
    for problem in ({"Problem": f"{name} is too large."}, {"Problem": f"X: {name} is too large."}):
        job = _job(Status="Failed", ErrorInfo=problem)
        assert job.status("r").locked
        assert not job.status("r", ["web01", name.upper()]).locked
        part = _job(Status="Failed", AdditionalMessages=[problem])
        assert part.status("r").locked
        assert not part.status("r", [name]).locked


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ({"Code": 10803}, "10803"),
        ({"DisplayableErrorCode": 10803}, "10803"),
        ({"Code": " VMM10803 "}, "VMM10803"),
        ({"Code": "Success"}, ""),
        ({"ErrorCodeString": "0", "Code": "Success"}, "0"),
    ],
)
def test_an_error_s_number_is_found_in_any_member(info: dict[str, Any], code: str) -> None:
    assert _job(Status="Failed", ErrorInfo=info).status("r").code == code


@pytest.mark.parametrize(
    ("progress", "percent"), [(0, 0), (33.9, 33), (100, 100), (-1, None), (101, None), ("33", None)]
)
def test_progress_that_is_no_whole_percentage_ends_nothing(progress: object, percent: int | None) -> None:
    assert _job(Status="Running", ProgressValue=progress).status("r").percent == percent


def test_a_message_names_its_number_in_whichever_member_it_stands() -> None:
    messages = [
        {"ErrorCodeString": "1", "Code": "2", "Problem": "a"},
        {"Code": "2", "Problem": "b"},
        {"RecommendedAction": "c"},
        {"ErrorCodeString": "4", "Problem": " ", "RecommendedAction": "\n"},
        {"Code": True, "Problem": "d"},
        {"DisplayableErrorCode": 5, "Code": "Word", "Problem": "e"},
    ]
    status = _job(Status="SucceedWithInfo", AdditionalMessages=messages).status(None)
    assert status.warnings == ("VMM 1: a", "VMM 2: b", "VMM message: c", "VMM message: d", "VMM 5: e")


def test_long_texts_of_a_job_are_shortened() -> None:
    status = _job(Status="SucceedWithInfo", StatusString="s" * 99, AdditionalMessages=[{"Problem": "p" * 999}]).status(
        ""
    )
    assert (len(status.text), [len(each) for each in status.warnings]) == (60, [600])


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


def test_of_many_messages_ten_are_shown() -> None:
    def warnings(count: int) -> tuple[str, ...]:
        messages = [{"Problem": f"m{number}"} for number in range(count)]
        return _job(Status="SucceedWithInfo", AdditionalMessages=messages).status(None).warnings

    assert warnings(10) == tuple(f"VMM message: m{number}" for number in range(10))
    assert warnings(11)[10:] == ("and 1 more messages of this job",)
    assert warnings(13)[9:] == ("VMM message: m9", "and 3 more messages of this job")


def test_the_job_s_own_message_is_the_first_and_one_that_is_said_twice_comes_once() -> None:
    info = {"ErrorCodeString": "7", "Problem": " a ", "RecommendedAction": " b "}
    job = _job(Status="SucceedWithInfo", ErrorInfo=info, AdditionalMessages=[{"Problem": "c"}, {"Problem": "c"}])
    assert job.status(None).warnings == ("VMM 7: a b", "VMM message: c")
    assert _job(Status="Failed", ErrorInfo=info, AdditionalMessages=[{"Problem": "c"}]).status(None).warnings == ()
    for code in ("0", ""):
        silent = _job(Status="SucceedWithInfo", ErrorInfo={**info, "ErrorCodeString": code})
        assert silent.status(None).warnings == ()


@pytest.mark.parametrize(
    ("status", "completed", "code", "state"),
    [
        ("Completed", False, "7", "succeeded"),
        ("SUCCEEDWITHINFO", None, "", "succeeded"),
        ("Failed", False, "", "failed"),
        ("Canceled", None, "", "failed"),
        ("Invalid", None, "", "failed"),
        ("Running", True, "", "running"),
        (None, None, "", "running"),
        (None, False, "7", "running"),
        (None, True, "", "succeeded"),
        ("  ", True, "0", "succeeded"),
        (None, True, "7", "failed"),
        ("Odd", True, "7", "unknown"),
        ("RunningOut", True, "", "unknown"),
        ("Odd", False, "7", "running"),
    ],
)
def test_how_a_job_stands(status: str | None, completed: bool | None, code: str, state: str) -> None:
    assert _job(Status=status, IsCompleted=completed, ErrorInfo={"ErrorCodeString": code}).status(None).state == state


@pytest.mark.parametrize("member", ["TargetObjectID", "ResultObjectID"])
@pytest.mark.parametrize("own", [VM, VM.upper()])
def test_a_job_is_about_a_vm_in_any_spelling(member: str, own: str) -> None:
    job = _job(CmdletName="New-SCVMCheckpoint", **{member: VM.upper()})
    assert (job.checkpoint_work(own), job.checkpoint_work(ID)) == ("create", None)


def test_a_packed_vm_holds_no_more_than_it_must() -> None:
    packed = _vm(**{"VMCheckpoints@odata.nextLink": "next"}).packed()
    assert zlib.decompress(packed) == f'{{"ID":"{VM}","VMCheckpoints@odata.nextLink":"next"}}'.encode()
    assert packed.startswith(b"\x78\x01")  # zlib's mark of the quickest level: RFC 1950
