# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF's jobs: how one stands, what it is about, which number means another job's lock, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.job_entities import JobEntity

ID = "831e819f-f852-47a8-b4b0-c61ba062df73"
VM = "5b9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10"
TEXT = "Unable to perform the job because one or more of the selected objects are locked by another job."
LARGER = {"ErrorCodeString": "23234", "Problem": "The job ended with errors."}
LOCKED_PART = {"ErrorCodeString": "2602", "Problem": TEXT, "RecommendedAction": "Try again."}


def _job(**fields: Any) -> JobEntity:
    return JobEntity.model_validate({"ID": ID, **fields})


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
