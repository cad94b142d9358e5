# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another job holds the VM: the task waits, reads and plans again, and never sends a write a second time for it."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import httpx
import pytest

from tests.contract.core.scenarios import BROKEN, CASES, IDS, SERVICES, VMS, Scenario, bench, code
from tests.support.bench import Bench

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


def _locked(made: Bench, service: str, seconds: float) -> None:
    """VMM's own refresher takes the VM in the moment before the first write arrives."""

    def take(request: httpx.Request) -> None:
        if request in made.sent():
            made.watch = lambda _request: None
            made.world.site(service).vmm.background(made.world.vm(VMS[service]), seconds)

    made.watch = take


@pytest.mark.parametrize("switches", range(5), ids=lambda n: f"position {n}")
@pytest.mark.parametrize(("service", "case"), WRITING, ids=WRITING_IDS)
def test_a_lock_is_waited_out(service: str, case: Scenario, switches: int) -> None:
    if switches >= len(POSITIONS[service]):
        switches %= len(POSITIONS[service])
    made = bench(service, **POSITIONS[service][switches])
    _locked(made, service, 60)
    result = case.run(made, service)
    assert code(result) is None, result["msg"]
    assert result["changed"] is True
    assert case.is_done(made, service) or made.world.switches.failed_create_row == "left"
    assert made.jobs(str(case.job)) == 1
    assert 60 <= made.seconds < 90


@pytest.mark.parametrize(("service", "case"), WRITING, ids=WRITING_IDS)
def test_a_lock_that_lasts(service: str, case: Scenario) -> None:
    made = bench(service)
    before = made.state()
    _locked(made, service, 10_000)
    result = case.run(made, service, wait_timeout="90s")
    assert code(result) == "locked"
    assert result["changed"] is False
    assert result["msg"].startswith(f"vm {VMS[service]}: ")
    assert "Nothing was changed" in result["msg"]
    assert result["error"]["retry"] == "safe"
    assert made.state() == before
    assert made.seconds <= 91


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
    made = bench(service, **POSITIONS[service][2 if service == "spf" else 0])
    made.world.site(service).vmm.background(made.world.vm(VMS[service]), 10_000)
    tries: list[float] = []

    def note(request: httpx.Request) -> None:
        if request in made.sent():
            tries.append(made.clock())

    made.watch = note
    vm = VMS[service] if service == "spf" else made.arm_vm
    result = made.run("vm_checkpoint", vm=vm, name="new", **options)
    assert code(result) == "locked"
    assert [later - earlier for earlier, later in pairwise(tries)] == pytest.approx(pauses)
    assert made.seconds <= {"1s": 1, "2m": 120, "10m": 600}[options["wait_timeout"]]


def test_somebody_elses_work_behind_the_lock_counts() -> None:
    """The lock was another controller's create of the same name: planned anew, there is nothing left to do."""
    made = bench("spf", create_takes="30s")

    def theirs(request: httpx.Request) -> None:
        if request in made.sent():
            made.watch = lambda _request: None
            made.world.spf.vmm.create_checkpoint(made.world.vm("web01"), "new", "theirs")

    made.watch = theirs
    result = made.run("vm_checkpoint", vm="web01", name="new")
    assert (code(result), result["changed"]) == (None, False)
    assert made.names("web01").count("new") == 1
    assert result["checkpoint"]["description"] == "theirs"


@pytest.mark.parametrize("service", SERVICES)
def test_a_lock_between_the_steps_of_a_restore(service: str) -> None:
    """The safety checkpoint is made once, though the restore behind it had to wait."""
    made = bench(service)

    def take(request: httpx.Request) -> None:
        if len(made.sent()) == 2:
            made.watch = lambda _request: None
            made.world.site(service).vmm.background(made.world.vm(VMS[service]), 60)

    made.watch = take
    vm = VMS[service] if service == "spf" else made.arm_vm
    result = made.run("vm_checkpoint_restore", vm=vm, name="baseline", safety_checkpoint=True)
    assert (code(result), result["changed"]) == (None, True)
    assert made.names(VMS[service]).count("safety before restore to baseline") == 1
    assert made.jobs("restore") == made.jobs("create") == 1
    assert made.world.vm(VMS[service]).files["/etc/app.conf"] != BROKEN


def test_a_plan_made_anew_stays_within_the_approval() -> None:
    """Behind the lock the checkpoint that was to go is replaced by another one: that one was not approved."""
    made = bench("spf")
    vm = made.world.vm("web01")
    approved = made.run("vm_checkpoint", check=True, vm="web01", name="later", state="absent")["plan"]

    def swap(request: httpx.Request) -> None:
        if request in made.sent():
            made.watch = lambda _request: None
            made.fail_next("spf", "delete", problem="2602")
            old = vm.checkpoints[-1]
            old.name = "other"
            made.world.spf.vmm.made_outside(vm, "later").in_database = True

    for approval in (approved, approved["digest"]):
        made.watch = swap
        result = made.run("vm_checkpoint", vm="web01", name="later", state="absent", expected_plan=approval)
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
    made = bench("spf")
    vm = made.world.vm("web01")
    vm.status = state
    seen: list[str] = []

    def later(request: httpx.Request) -> None:
        seen.append(request.method)
        if made.clock() - made.base >= 45:
            vm.status = None

    made.watch = later
    result = made.run("vm_checkpoint", vm="web01", name="new")
    assert (code(result), result["changed"]) == (None, True)
    assert 45 <= made.seconds < 60
    vm.status = state
    made.watch = lambda _request: None
    writes = made.writes()
    result = made.run("vm_checkpoint", vm="web01", name="newer", wait_timeout="30s")
    assert code(result) == "locked"
    assert state in result["msg"]
    assert made.writes() == writes


def test_a_vm_that_stays_busy_names_the_job_that_holds_it() -> None:
    made = bench("spf", create_takes="600s")
    job, _point = made.world.spf.vmm.create_checkpoint(made.world.vm("web01"), "theirs", "theirs")
    result = made.run("vm_checkpoint", vm="web01", name="new", wait_timeout="30s")
    assert code(result) == "locked"
    assert f"[job {job.id}]" in result["msg"]
    assert result["error"]["operation"]["id"] == job.id


def test_jobs_that_may_not_be_seen_are_no_reason_to_end() -> None:
    """Which job it is would only be told; that the VM is busy is known without."""
    made = bench("spf", create_takes="30s")
    made.world.spf.vmm.create_checkpoint(made.world.vm("web01"), "theirs", "theirs")
    made.world.faults.add(kind="status", status=403, path="/Jobs", count=None)
    result = made.run("vm_checkpoint", vm="web01", name="baseline")
    assert (code(result), result["changed"]) == (None, False)


def test_arc_that_is_updating_is_waited_for() -> None:
    """Some positions of the service show a running operation in provisioningState."""
    made = bench("scvmm", arc_provisioning_during="Updating", create_takes="40s")
    made.world.arc.vmm.create_checkpoint(made.world.vm("app01"), "new", "theirs")
    result = made.run("vm_checkpoint", vm=made.arm_vm, name="new")
    assert (code(result), result["changed"]) == (None, False)
    assert made.seconds >= 40


def test_an_administrators_lock_is_no_vmms_lock() -> None:
    """A ScopeLocked 409 will not pass: it is refused at once."""
    made = bench("scvmm")
    body = {"error": {"code": "ScopeLocked", "message": "The scope has a lock."}}
    made.world.faults.add(kind="status", status=409, method="POST", path="createCheckpoint", body=body)
    result = made.run("vm_checkpoint", vm=made.arm_vm, name="new")
    assert code(result) == "refused"
    assert "ScopeLocked" in result["msg"]
    assert made.seconds < 1


@pytest.mark.parametrize("service", SERVICES)
def test_a_lost_delete_that_locks_its_own_repetition_out_was_ours(service: str) -> None:
    """The answer is lost, the work takes longer than settle_time, and the second DELETE finds the VM locked."""
    made = bench(service, delete_takes="40s")
    made.world.faults.add(kind="status_after", status=504, method="DELETE|POST", path="VMCheckPoints|deleteCheckpoint")
    vm = VMS[service] if service == "spf" else made.arm_vm
    options: dict[str, Any] = {"vm": vm, "name": "baseline", "state": "absent", "settle_time": "5s"}
    result = made.run("vm_checkpoint", **options)
    assert (code(result), result["changed"]) == (None, True)
    assert [action["action"] for action in result["plan"]["actions"]] == ["delete"]
    assert not made.run("vm_checkpoint", **options)["changed"]


@pytest.mark.parametrize("service", SERVICES)
def test_a_lost_delete_whose_repetition_finds_nothing_was_ours(service: str) -> None:
    """The first DELETE may have gone through late; nobody who reads "unchanged" would look for what went."""
    made = bench(service)
    made.world.faults.add(kind="lose_request", method="DELETE|POST", path="VMCheckPoints|deleteCheckpoint")
    vm = made.world.vm(VMS[service])

    def late(request: httpx.Request) -> None:
        if request in made.sent()[1:]:
            made.watch = lambda _request: None
            vm.checkpoints[:] = [point for point in vm.checkpoints if point.name != "later"]
            vm.pointer = vm.checkpoints[-1].checkpoint_id

    made.watch = late
    reference = VMS[service] if service == "spf" else made.arm_vm
    result = made.run("vm_checkpoint", vm=reference, name="later", state="absent", settle_time="5s")
    assert (code(result), result["changed"]) == (None, True)
    assert len(made.sent()) == 2


def test_somebody_elses_job_that_is_locked_out_while_ours_settles_is_not_ours() -> None:
    """The host's id never comes, and when the waiting for it is over another user's restore runs: one create it is."""
    made = bench("spf", spf_host_id="never", restore_takes="45s")
    made.fail_next("spf", "restore", problem="2602")
    vm = made.world.vm("web01")

    def theirs(_request: httpx.Request) -> None:
        if made.clock() - made.base > 15:
            made.watch = lambda _request: None
            made.world.spf.vmm.restore(vm, vm.checkpoints[0], "theirs")

    made.watch = theirs
    result = made.run("vm_checkpoint", vm="web01", name="new", settle_time="30s")
    assert (code(result), result["changed"]) == (None, True)
    assert (made.jobs("create"), made.names("web01").count("new")) == (1, 1)
