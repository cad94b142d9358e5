# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that fail, never end, end with messages, or are not waited for; and what VMM will not do."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.checkpoints.scenarios import BROKEN, CASES, IDS, SERVICES, VMS, Scenario, code, make_lab
from tests.support.lab import Lab
from tests.support.wire import Changed

WRITING = [(service, case) for service, case in CASES if case.job]
SPF_WRITING = [(service, case) for service, case in WRITING if service == "spf"]
WRITING_IDS = [name for (_service, case), name in zip(CASES, IDS, strict=True) if case.job]


def _vm(lab: Lab, service: str) -> str:
    return VMS[service] if service == "spf" else lab.arm_vm


@pytest.mark.parametrize("end", ["Failed", "Canceled"])
@pytest.mark.parametrize(("service", "case"), WRITING, ids=WRITING_IDS)
def test_a_job_that_fails(service: str, case: Scenario, end: str) -> None:
    lab = make_lab(service)
    before = lab.state()
    lab.fail_next(service, str(case.job), end=end)
    result = case.run(lab, service)
    assert code(result) == "operation_failed"
    assert "The disk is full." in result["msg"]
    assert result["error"]["retry"] == "after_reading"
    assert result["error"]["operation"]["status"] == "failed"
    assert result["error"]["operation"]["id"] == result["operation"]["id"]
    assert lab.state() == before
    assert lab.writes() == 1
    if case.name in ("create", "delete", "update"):
        assert result["changed"] is False
    assert code(case.run(lab, service)) is None


def test_a_failed_create_with_residue() -> None:
    """What it left is named, not deleted; it satisfies nothing that asks for a usable one."""
    lab = make_lab("spf", failed_create_row="left")
    lab.fail_next("spf", "create")
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert code(result) == "operation_failed"
    left = next(point for point in lab.world.vm("web01").checkpoints if point.name == "new")
    assert f"left the checkpoint {left.id} behind" in result["msg"]
    assert result["changed"] is True
    assert not lab.sent("DELETE")
    assert code(lab.run("vm_checkpoint_restore", vm="web01", name="new")) == "missing_checkpoint"
    by_id = lab.run("vm_checkpoint_restore", vm="web01", checkpoint_id=left.id)
    assert (code(by_id), by_id["error"]["retry"], by_id["changed"]) == ("vm_state", "never", False)
    assert 'checkpoint "new" is not usable: creating it failed: VMM error 10803: The disk is full.' in by_id["msg"]
    lab.advance(86400)
    foreseen = lab.run("vm_checkpoint", vm="web01", name="new", check=True)
    usual = lab.run("vm_checkpoint", vm="web01", name="new")
    assert (code(usual), usual["changed"], foreseen["changed"]) == (None, True, True)
    assert usual["plan"]["actions"][0]["reason"] == 'no usable checkpoint named "new" exists'
    assert (usual["checkpoint"]["usable"], usual["checkpoint"]["id"] != left.id) == (True, True)
    assert lab.run("vm_checkpoint", vm="web01", name="new")["changed"] is False
    assert lab.run("vm_checkpoint", vm="web01", name="new", max_age="1d")["changed"] is False


def test_messages_of_a_success_are_warnings() -> None:
    lab = make_lab("spf")
    lab.fail_next("spf", "create", problem="It was in use.", end="SucceedWithInfo")
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert (code(result), result["changed"]) == (None, True)
    assert [text for text in result["warnings"] if "10803" in text and "It was in use." in text]


@pytest.mark.parametrize(("service", "case"), WRITING, ids=WRITING_IDS)
def test_a_job_that_never_ends(service: str, case: Scenario) -> None:
    lab = make_lab(service, **{f"{case.job}_takes": "never"})
    result = case.run(lab, service, wait_timeout="5m")
    assert code(result) == "timed_out"
    assert 299 <= lab.seconds <= 301
    assert "was still running at the task's deadline of 5m" in result["msg"]
    assert result["error"]["operation"]["status"] == "running"
    job = next(iter(lab.world.site(service).vmm.jobs))
    assert f"[job {job}" in result["msg"] or service == "scvmm"
    assert result["error"]["operation"]["id"] == job
    assert result["error"]["operation"]["seconds"] > 290
    assert result["changed"] is True
    assert lab.writes() == 1


@pytest.mark.parametrize("case", [case for service, case in WRITING if service == "spf"], ids=lambda case: case.name)
def test_not_waiting_on_spf(case: Scenario) -> None:
    """The last write is accepted, its job is reported, and the work goes on."""
    lab = make_lab("spf", create_takes="50s", restore_takes="50s", delete_takes="50s", update_takes="50s")
    result = case.run(lab, "spf", wait=False)
    assert code(result) is None
    assert result["changed"] is True
    assert result["operation"]["id"] in lab.world.spf.vmm.jobs
    # Behind a restore comes the VM's power, so that the restore is waited for.
    assert (result["operation"]["status"], lab.seconds < 5) == ("running", case.job != "restore")
    lab.advance(60)
    assert case.is_done(lab, "spf")


def test_not_waiting_waits_between_steps() -> None:
    """The safety checkpoint must be there before the restore is sent, and the restore before the VM's power is."""
    lab = make_lab("spf", create_takes="50s", restore_takes="50s")
    result = lab.run("vm_checkpoint_restore", vm="web01", name="baseline", safety_checkpoint=True, wait=False)
    assert code(result) is None
    assert 100 <= lab.seconds < 110
    assert lab.jobs("restore") == 1


def test_not_waiting_is_refused_on_arc() -> None:
    """Nothing leads back to an operation: said before anything is written, for all VMs of the task."""
    lab = Lab()
    for options in ({"vm": lab.arm_vm}, {"vms": ["web01", lab.arm_vm]}):
        result = lab.run("vm_checkpoint", name="new", wait=False, **options)
        assert code(result) == "invalid_input"
        assert "wait: false" in result["msg"]
    assert lab.writes() == 0


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("service", SERVICES)
def test_the_fifty_first_checkpoint(service: str, check: bool) -> None:
    lab = make_lab(service, create_takes="0s")
    for number in range(48):
        lab.world.site(service).vmm.create_checkpoint(lab.world.vm(VMS[service]), f"c{number}", "")
    assert len(lab.names(VMS[service])) == 50
    result = lab.run("vm_checkpoint", vm=_vm(lab, service), name="new", check=check)
    assert code(result) == "limit_reached"
    assert "50" in result["msg"]
    assert lab.writes() == 0
    lab.run("vm_checkpoint", vm=_vm(lab, service), name="c0", state="absent")
    safe: dict[str, Any] = {"name": "baseline", "safety_checkpoint": True}
    assert code(lab.run("vm_checkpoint_restore", vm=_vm(lab, service), check=check, **safe)) is None
    if check:
        return
    assert len(lab.names(VMS[service])) == 50
    assert code(lab.run("vm_checkpoint_restore", vm=_vm(lab, service), **safe)) == "limit_reached"
    assert code(lab.run("vm_checkpoint_restore", vm=_vm(lab, service), name="baseline")) is None


@pytest.mark.parametrize("status", ["Stored", "Missing", "HostNotResponding", "UnderMigration", "UnderCreation"])
def test_a_state_that_refuses(status: str) -> None:
    lab = make_lab("spf")
    lab.world.vm("web01").status = status
    for check in (True, False):
        result = lab.run("vm_checkpoint", vm="web01", name="new", check=check)
        assert code(result) == "vm_state"
        assert status in result["msg"]
    assert lab.writes() == 0
    kept = lab.run("vm_checkpoint", vm="web01", name="baseline")
    assert (code(kept), kept["changed"]) == (None, False)


@pytest.mark.parametrize(
    "switches",
    [
        {"spf_vmm_errors": "job"},
        {"spf_vmm_errors": "sync", "spf_sync_error_status": 400},
        {"arc_refusals": "fails"},
        {"arc_refusals": "400"},
    ],
    ids=str,
)
def test_checkpoints_switched_off(switches: dict[str, Any]) -> None:
    """SPF does not show a VM's checkpoint type, and on Arc it may change after the plan; the service's words reach the
    user.
    """
    service = "scvmm" if "arc_refusals" in switches else "spf"
    lab = make_lab(service, **switches)
    before = lab.state()

    def disable() -> None:
        lab.world.vm(VMS[service]).checkpoint_type = "Disabled"

    lab.before_each(lab.a_write(), disable)
    result = lab.run("vm_checkpoint", vm=_vm(lab, service), name="new")
    assert code(result) in ("operation_failed", "refused")
    assert "Checkpoints are disabled" in result["msg"]
    assert (result["changed"], lab.state()) == (False, before)


@pytest.mark.parametrize("rights", ["restore_only", "view"])
@pytest.mark.parametrize(
    ("service", "switches"),
    [("spf", {}), ("spf", {"spf_rights_refusal": "job"}), ("scvmm", {})],
    ids=["403 on SPF", "a job on SPF", "403 on Arc"],
)
def test_rights_that_are_missing(service: str, switches: dict[str, Any], rights: str) -> None:
    lab = make_lab(service, **switches, restored_power="captured")
    lab.world.site(service).vmm.rights = rights
    before = lab.state()
    result = lab.run("vm_checkpoint", vm=_vm(lab, service), name="new")
    assert code(result) == ("operation_failed" if switches else "forbidden")
    assert (result["changed"], lab.state()) == (False, before)
    result = lab.run("vm_checkpoint_restore", vm=_vm(lab, service), name="baseline")
    assert (code(result) is None) is (rights == "restore_only")
    assert (lab.world.vm(VMS[service]).files["/etc/app.conf"] != BROKEN) is (rights == "restore_only")


def test_no_rights_to_read() -> None:
    lab = make_lab("scvmm")
    lab.world.arc.vmm.rights = "none"
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new", state="absent")
    assert code(result) == "forbidden"
    assert "AuthorizationFailed" in result["msg"]


@pytest.mark.parametrize("header", [True, False])
def test_a_background_job_as_most_recent_task(header: bool) -> None:
    """Refreshers become the VM's most recent task; without a job's id they must not be taken for ours."""
    lab = make_lab("spf", spf_request_id_header=header, create_takes="10s")

    def refresh() -> None:
        lab.world.spf.vmm.background(lab.world.vm("web01"), 5, locks=False)

    lab.before_each(lambda _request: lab.sent("POST"), refresh)
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert (code(result), result["changed"]) == (None, True)
    assert result["checkpoint"]["usable"] is True
    assert lab.jobs("create") == 1


def test_a_job_that_no_header_names_is_shown_once_it_is_found() -> None:
    lab = make_lab("spf", spf_request_id_header=False)
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert (code(result), result["operation"]["id"]) == (None, next(iter(lab.world.spf.vmm.jobs)))


def _altered(lab: Lab, word: str = "", **info: Any) -> None:
    """Jobs that have ended show that word, or that ErrorInfo."""

    def change(feed: dict[str, Any]) -> None:
        for job in feed["value"]:
            if job["IsCompleted"]:
                job |= {"Status": word} if word else {"ErrorInfo": info}

    lab.through = lambda wire: Changed(wire, "/Jobs", change)


@pytest.mark.parametrize("word", ["CompletedWithInfo", "Completed w/ Info", "Cancelled"])
@pytest.mark.parametrize(("service", "case"), SPF_WRITING, ids=[case.name for _service, case in SPF_WRITING])
def test_a_job_that_is_completed_in_an_unknown_word_is_proven_by_reading(
    service: str, case: Scenario, word: str
) -> None:
    lab = make_lab(service)
    _altered(lab, word)
    result = case.run(lab, service)
    # That the VM is where it was before proves no restore, and no job says so in a word that is known.
    wanted = "outcome_unknown" if case.name == "restore to current" else None
    assert (code(result), result["changed"], lab.jobs(str(case.job))) == (wanted, True, 1)
    assert case.is_done(lab, service)
    assert lab.seconds < 200


def test_a_job_that_was_cancelled_in_an_unknown_word_is_no_success() -> None:
    lab = make_lab("spf")
    lab.fail_next("spf", "create", end="Canceled")
    _altered(lab, "Cancelled")
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert (code(result), lab.writes(), lab.seconds < 200) == ("outcome_unknown", 1, True)
    assert result["error"]["retry"] == "after_reading"


def test_a_lock_that_only_another_member_tells_is_waited_for() -> None:
    lab = make_lab("spf")
    lab.fail_next("spf", "create", problem="2602")
    _altered(lab, Code=2602, ErrorCodeString=None, Problem="locked")

    def until_sent_again(request: httpx.Request) -> None:
        if len(lab.sent("POST")) == 2:
            _altered(lab, "Completed")

    lab.watch = until_sent_again
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert (code(result), result["changed"], len(lab.sent("POST"))) == (None, True, 2)


@pytest.mark.parametrize("word", ["SucceedWithInfo", "Completed w/ Info"])
@pytest.mark.parametrize(("service", "case"), SPF_WRITING, ids=[case.name for _service, case in SPF_WRITING])
def test_a_lock_inside_a_larger_job_is_waited_for(service: str, case: Scenario, word: str) -> None:
    """VMM then calls the job completed, with 23234: of what was asked for nothing is done."""
    lab = make_lab(service)
    for _time in range(2):
        lab.fail_next(service, str(case.job), problem="2602")

    def larger(feed: dict[str, Any]) -> None:
        for job in feed["value"]:
            if job["Status"] == "Failed":
                parts = [job["ErrorInfo"]]
                info = {**job["ErrorInfo"], "ErrorCodeString": "23234", "DisplayableErrorCode": "23234", "Code": "X"}
                info["Problem"] = "The job ended with errors."
                job |= {"Status": word, "StatusString": "Completed w/ Info"}
                job |= {"ErrorInfo": info, "AdditionalMessages": parts}

    lab.through = lambda wire: Changed(wire, "/Jobs", larger)
    result = case.run(lab, service)
    assert (code(result), result["changed"]) == (None, True), result["msg"]
    assert case.is_done(lab, service)
    assert len(lab.sent(path="VMCheckPoints")) == 3


def test_an_end_in_an_unknown_word_is_told_with_what_vmm_says_of_it() -> None:
    lab = make_lab("spf")
    lab.fail_next("spf", "create")
    _altered(lab, "Ended somehow")
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert code(result) == "outcome_unknown"
    assert "(it ended as Ended somehow, which is no known state; VMM 10803: The disk is full)" in result["msg"]
