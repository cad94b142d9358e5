# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another job holds the VM: the task waits, reads and plans again, and never sends a write a second time for it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.contract.checkpoints.scenarios import CASES, IDS, SERVICES, VMS, Scenario, code, make_lab
from tests.support.lab import Lab

WRITING = [(service, case) for service, case in CASES if case.job]
WRITING_IDS = [name for (_service, case), name in zip(CASES, IDS, strict=True) if case.job]
POSITIONS: dict[str, list[dict[str, Any]]] = {
    "spf": [
        {"spf_vmm_errors": "job"},
        {"spf_vmm_errors": "job", "failed_create_row": "left"},
        {"spf_vmm_errors": "sync", "spf_sync_error_status": 500},
        {"spf_vmm_errors": "sync", "spf_sync_error_status": 409},
        {"spf_vmm_errors": "sync", "spf_sync_error_status": 400},
    ],
    "scvmm": [{"arc_concurrent": "409"}, {"arc_concurrent": "fails"}],
}


def _locked(lab: Lab, service: str, seconds: float) -> None:
    """VMM's own refresher takes the VM in the moment before the first write arrives."""

    def take() -> None:
        lab.world.site(service).vmm.background(lab.world.vm(VMS[service]), seconds)

    lab.before_first(lab.a_write(), take)


@pytest.mark.parametrize("switches", range(5), ids=lambda n: f"position {n}")
@pytest.mark.parametrize(("service", "case"), WRITING, ids=WRITING_IDS)
def test_a_lock_is_waited_out(service: str, case: Scenario, switches: int) -> None:
    if switches >= len(POSITIONS[service]):
        switches %= len(POSITIONS[service])
    lab = make_lab(service, **POSITIONS[service][switches])
    _locked(lab, service, 60)
    result = case.run(lab, service)
    assert code(result) is None, result["msg"]
    assert result["changed"] is True
    assert case.is_done(lab, service) or lab.world.switches.failed_create_row == "left"
    assert lab.jobs(str(case.job)) == 1
    assert 60 <= lab.seconds < 90


@pytest.mark.parametrize(("service", "case"), WRITING, ids=WRITING_IDS)
def test_a_lock_that_lasts(service: str, case: Scenario) -> None:
    lab = make_lab(service)
    before = lab.state()
    _locked(lab, service, 10_000)
    result = case.run(lab, service, wait_timeout="90s")
    assert code(result) == "locked"
    assert result["changed"] is False
    assert result["msg"].startswith(f"vm {VMS[service]}: ")
    assert " after 1m30s. Nothing was changed. Raise wait_timeout" in result["msg"]
    assert result["error"]["retry"] == "safe"
    assert lab.state() == before
    assert lab.seconds <= 91


@pytest.mark.parametrize(
    ("options", "pauses"),
    [
        ({"wait_timeout": "10m"}, [5, 10, 20, 40, 60, 60, 60, 60, 60, 60, 60, 60, 43, 1]),
        ({"wait_timeout": "2m", "poll_interval": "1s"}, [1, 2, 4, 8, 16, 32, 55, 1]),
        ({"wait_timeout": "2m", "poll_interval": "30s"}, [30, 60, 28, 1]),
        ({"wait_timeout": "10m", "poll_interval": "90s"}, [90, 90, 90, 90, 90, 90, 58, 1]),
        ({"wait_timeout": "1s", "poll_interval": "500ms"}, [0.5]),
    ],
    ids=str,
)
@pytest.mark.parametrize("service", SERVICES)
def test_the_pauses_before_a_locked_vm_grow(service: str, options: dict[str, Any], pauses: list[float]) -> None:
    """Twice as long each time, up to a minute or the user's own pause; the last two tries come just before the end."""
    lab = make_lab(service, **POSITIONS[service][2 if service == "spf" else 0])
    lab.world.site(service).vmm.background(lab.world.vm(VMS[service]), 10_000)
    tries: list[float] = []

    def note() -> None:
        tries.append(lab.clock())

    lab.before_each(lab.a_write(), note)
    vm = VMS[service] if service == "spf" else lab.arm_vm
    result = lab.run("vm_checkpoint", vm=vm, name="new", **options)
    assert code(result) == "locked"
    assert [later - earlier for earlier, later in pairwise(tries)] == pytest.approx(pauses)
    assert lab.seconds <= {"1s": 1, "2m": 120, "10m": 600}[options["wait_timeout"]]


def test_somebody_elses_work_behind_the_lock_counts() -> None:
    """The lock was another controller's create of the same name: planned anew, there is nothing left to do."""
    lab = make_lab("spf", create_takes="30s")

    def theirs() -> None:
        lab.world.spf.vmm.create_checkpoint(lab.world.vm("web01"), "new", "theirs")

    lab.before_first(lab.a_write(), theirs)
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert (code(result), result["changed"]) == (None, False)
    assert lab.names("web01").count("new") == 1
    assert result["checkpoint"]["description"] == "theirs"


def test_a_plan_made_anew_stays_within_the_approval() -> None:
    """Behind the lock the checkpoint that was to go is replaced by another one: that one was not approved."""
    lab = make_lab("spf")
    vm = lab.world.vm("web01")
    approved = lab.run("vm_checkpoint", check=True, vm="web01", name="later", state="absent")["plan"]

    def swap() -> None:
        lab.fail_next("spf", "delete", problem="2602")
        old = vm.checkpoints[-1]
        old.name = "other"
        lab.world.spf.vmm.made_outside(vm, "later").in_database = True

    for approval in (approved, approved["digest"]):
        lab.before_first(lab.a_write(), swap)
        result = lab.run("vm_checkpoint", vm="web01", name="later", state="absent", expected_plan=approval)
        assert code(result) == "plan_changed"
        assert result["changed"] is False
        vm.checkpoints[1].name = "later"
        del vm.checkpoints[2:]
        vm.pointer = vm.checkpoints[1].checkpoint_id


@pytest.mark.parametrize(
    "state",
    [
        "CreatingCheckpoint",
        "DeletingCheckpoint",
        "RecoveringCheckpoint",
        "MergingDrives",
        "FinishingCheckpointOperation",
    ],
)
def test_a_busy_vm_is_waited_for_before_planning(state: str) -> None:
    lab = make_lab("spf")
    vm = lab.world.vm("web01")
    vm.status = state
    seen: list[str] = []

    def later(request: httpx.Request) -> None:
        seen.append(request.method)
        if lab.clock() - lab.base >= 45:
            vm.status = None

    lab.watch = later
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert (code(result), result["changed"]) == (None, True)
    assert 45 <= lab.seconds < 60
    vm.status = state
    lab.watch = lambda _request: None
    writes = lab.writes()
    result = lab.run("vm_checkpoint", vm="web01", name="newer", wait_timeout="30s")
    assert code(result) == "locked"
    assert state in result["msg"]
    assert lab.writes() == writes


def test_a_vm_that_stays_busy_names_the_job_that_holds_it() -> None:
    lab = make_lab("spf", create_takes="600s")
    job, _point = lab.world.spf.vmm.create_checkpoint(lab.world.vm("web01"), "theirs", "theirs")
    result = lab.run("vm_checkpoint", vm="web01", name="new", wait_timeout="30s")
    assert code(result) == "locked"
    assert f"[job {job.id}]" in result["msg"]
    assert result["error"]["operation"]["id"] == job.id


def test_jobs_that_may_not_be_seen_are_no_reason_to_end() -> None:
    """Which job it is would only be reported; that the VM is busy is known without."""
    lab = make_lab("spf", create_takes="30s")
    lab.world.spf.vmm.create_checkpoint(lab.world.vm("web01"), "theirs", "theirs")
    lab.world.faults.add(kind="status", status=403, path="/Jobs", count=None)
    result = lab.run("vm_checkpoint", vm="web01", name="baseline")
    assert (code(result), result["changed"]) == (None, False)


def test_arc_that_is_updating_is_waited_for() -> None:
    """Some positions of the service show a running operation in provisioningState."""
    lab = make_lab("scvmm", arc_provisioning_during="Updating", create_takes="40s")
    lab.world.arc.vmm.create_checkpoint(lab.world.vm("app01"), "new", "theirs")
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")
    assert (code(result), result["changed"]) == (None, False)
    assert lab.seconds >= 40


def test_an_administrators_lock_is_no_vmms_lock() -> None:
    """A ScopeLocked 409 will not pass: it is refused at once."""
    lab = make_lab("scvmm")
    body = {"error": {"code": "ScopeLocked", "message": "The scope has a lock."}}
    lab.world.faults.add(kind="status", status=409, method="POST", path="createCheckpoint", body=body)
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")
    assert code(result) == "refused"
    assert "ScopeLocked" in result["msg"]
    assert lab.seconds < 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_lost_delete_whose_repetition_finds_nothing_was_ours(service: str) -> None:
    """The first DELETE may have gone through late; nobody who reads "unchanged" would look for what went."""
    lab = make_lab(service)
    lab.world.faults.add(kind="lose_request", method="DELETE|POST", path="VMCheckPoints|deleteCheckpoint")
    vm = lab.world.vm(VMS[service])

    def late() -> None:
        vm.checkpoints[:] = [point for point in vm.checkpoints if point.name != "later"]
        vm.pointer = vm.checkpoints[-1].checkpoint_id

    lab.before_first(lambda request: request in lab.sent()[1:], late)
    reference = VMS[service] if service == "spf" else lab.arm_vm
    result = lab.run("vm_checkpoint", vm=reference, name="later", state="absent", settle_time="5s")
    assert (code(result), result["changed"]) == (None, True)
    assert len(lab.sent()) == 2


def test_somebody_elses_job_that_is_locked_out_while_ours_settles_is_not_ours() -> None:
    """The host's id never comes, and when the waiting for it is over another user's restore runs: one create it is."""
    lab = make_lab("spf", spf_host_id="never", restore_takes="45s")
    lab.fail_next("spf", "restore", problem="2602")
    vm = lab.world.vm("web01")

    def theirs() -> None:
        lab.world.spf.vmm.restore(vm, vm.checkpoints[0], "theirs")

    lab.before_first(lambda _request: lab.clock() - lab.base > 15, theirs)
    result = lab.run("vm_checkpoint", vm="web01", name="new", settle_time="30s")
    assert (code(result), result["changed"]) == (None, True)
    assert (lab.jobs("create"), lab.names("web01").count("new")) == (1, 1)
