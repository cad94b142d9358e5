# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore with a key, killed anywhere: the next run of the same job finishes it and never does it twice."""

from __future__ import annotations

from functools import cache
from typing import Any

import httpx
import pytest

from tests.contract.checkpoints.scenarios import BROKEN, SERVICES, VMS, code, make_lab
from tests.support.lab import Lab, Result
from tests.support.wire import Killed

pytestmark = pytest.mark.thorough

SAFETY = "safety before restore to baseline"
JOB = {"name": "baseline", "safety_checkpoint": True, "restore_key": "deploy-4711"}


def _run(lab: Lab, service: str, **options: Any) -> Result:
    vm = VMS[service] if service == "spf" else lab.arm_vm
    return lab.run("vm_checkpoint_restore", vm=vm, **{**JOB, **options})


@cache
def _length(service: str) -> int:
    lab = make_lab(service)
    assert code(_run(lab, service)) is None
    return len(lab.requests)


def _kill(lab: Lab, position: int, when: str) -> None:
    """End the client before its request `position` leaves, or when the answer to it comes."""

    def strike(_request: httpx.Request) -> None:
        if len(lab.requests) == position:
            raise Killed

    setattr(lab, when, strike)


def _alive(lab: Lab) -> None:
    lab.undisturbed()


@pytest.mark.parametrize("when", ["watch", "heard"])
@pytest.mark.parametrize("service", SERVICES)
def test_killed_at_any_request_and_run_again(service: str, when: str) -> None:
    for position in range(1, _length(service) + 1):
        lab = make_lab(service)
        _kill(lab, position, when)
        with pytest.raises(Killed):
            _run(lab, service)
        _alive(lab)
        result = _run(lab, service)
        where = (position, result.get("msg"))
        assert code(result) is None, where
        assert lab.jobs("restore") == 1, where
        assert lab.names(VMS[service]).count(SAFETY) == 1, where
        assert lab.world.vm(VMS[service]).files["/etc/app.conf"] == "version = 1\n", where
        # What the way back holds is the VM as it ran before all this.
        safety = next(point for point in lab.world.vm(VMS[service]).checkpoints if point.name == SAFETY)
        assert safety.files["/etc/app.conf"] == BROKEN


@pytest.mark.parametrize("service", SERVICES)
def test_done_is_done(service: str) -> None:
    """Also after the guest has written and somebody has made a checkpoint on top."""
    lab = make_lab(service)
    first = _run(lab, service)
    assert (code(first), first["changed"]) == (None, True)
    assert first["checkpoint"]["name"] == "baseline"
    vm = lab.world.vm(VMS[service])
    vm.files["/etc/app.conf"] = "version = 2\n"
    for _step in range(2):
        writes = lab.writes()
        for check in (True, False):
            again = _run(lab, service, check=check)
            assert (code(again), again["changed"], lab.writes()) == (None, False, writes)
            assert again["plan"]["actions"][0]["action"] == "keep"
            assert "restore_key" in again["plan"]["actions"][0]["reason"]
        lab.run("vm_checkpoint", vm=VMS[service] if service == "spf" else lab.arm_vm, name="on top")
    assert vm.files["/etc/app.conf"] == "version = 2\n"
    other = _run(lab, service, restore_key="another job")
    assert (code(other), other["changed"]) == (None, True)
    assert vm.files["/etc/app.conf"] == "version = 1\n"


@pytest.mark.parametrize("service", SERVICES)
def test_what_stands_on_the_way_back_is_not_done(service: str) -> None:
    """Killed behind the safety checkpoint, and somebody has made another on top since: the restore is still to come."""
    lab = make_lab(service)
    lab.watch = lambda _request: _end(len(lab.sent()) == 2)
    with pytest.raises(Killed):
        _run(lab, service)
    _alive(lab)
    assert (lab.jobs("create"), lab.jobs("restore")) == (1, 0)
    lab.run("vm_checkpoint", vm=VMS[service] if service == "spf" else lab.arm_vm, name="on top")
    result = _run(lab, service)
    assert (code(result), result["changed"]) == (None, True)
    assert lab.jobs("restore") == 1
    assert lab.names(VMS[service]).count(SAFETY) == 1
    assert _run(lab, service)["changed"] is False


def _end(now: bool) -> None:
    if now:
        raise Killed


@pytest.mark.parametrize("service", SERVICES)
def test_a_restore_that_still_runs_is_waited_for(service: str) -> None:
    """The first run gave up at its deadline: the next one waits for what it sees, and does not start another."""
    lab = make_lab(service, restore_takes="300s")
    first = _run(lab, service, wait_timeout="60s")
    assert code(first) == "timed_out"
    second = _run(lab, service)
    assert code(second) is None
    assert lab.jobs("restore") == 1
    assert lab.world.vm(VMS[service]).files["/etc/app.conf"] == "version = 1\n"


@pytest.mark.parametrize("service", SERVICES)
def test_without_the_pointer_nobody_knows(service: str) -> None:
    """The safety checkpoint exists and the service does not say where the VM stands: open, and not repeated."""
    lab = make_lab(service)
    assert code(_run(lab, service)) is None
    lab.world.vm(VMS[service]).pointer = "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"
    writes = lab.writes()
    result = _run(lab, service)
    assert code(result) == "outcome_unknown"
    assert lab.writes() == writes


@pytest.mark.parametrize("after_delete", ["parent", "stays", "root", "none"])
@pytest.mark.parametrize("after_restore", ["moves", "stays", "root", "none"])
@pytest.mark.parametrize("service", SERVICES)
def test_wherever_the_pointer_is_shown(service: str, after_restore: str, after_delete: str) -> None:
    """A restore restores, and its retry is a no-op, or open, or what the first run has warned of."""
    lab = make_lab(service, pointer_after_restore=after_restore, pointer_after_delete=after_delete)
    vm = VMS[service] if service == "spf" else lab.arm_vm
    lab.run("vm_checkpoint", vm=vm, name="gone")
    lab.run("vm_checkpoint", vm=vm, name="gone", state="absent")
    plain = lab.run("vm_checkpoint_restore", vm=vm, name="baseline")
    assert (code(plain), plain["changed"]) == (None, True)
    assert lab.world.vm(VMS[service]).files["/etc/app.conf"] == "version = 1\n"
    first, second = _run(lab, service), _run(lab, service)
    assert (code(first), first["changed"]) == (None, True)
    retried = (code(second), second["changed"])
    if after_restore == "stays":
        assert retried == (None, True)
        assert "a run with the same restore_key would therefore restore again" in first["warnings"][0]
    elif after_restore == "none" or (after_restore == "root" and service == "scvmm"):
        # Arc shows a VM on no checkpoint and a VM whose place nobody knows alike.
        assert retried == ("outcome_unknown", False)
    else:
        assert retried == (None, False)
    assert not any("restore again" in text for text in first["warnings"]) or after_restore == "stays"
    assert lab.jobs("restore") == (3 if after_restore == "stays" else 2)


@pytest.mark.parametrize("service", SERVICES)
def test_what_stands_on_the_safety_checkpoint_does_not_hide_the_warning(service: str) -> None:
    """A run that was killed before its restore, another's checkpoint on top, and a pointer that does not move."""
    lab = make_lab(service, pointer_after_restore="stays")
    position = next(n for n in range(1, _length(service) + 1) if _killed_after_safety(service, n))
    _kill(lab, position, "heard")
    with pytest.raises(Killed):
        _run(lab, service)
    _alive(lab)
    lab.advance(600)
    lab.run("vm_checkpoint", vm=VMS[service] if service == "spf" else lab.arm_vm, name="on top")
    result = _run(lab, service)
    assert (code(result), lab.jobs("create"), lab.jobs("restore")) == (None, 2, 1)
    assert "a run with the same restore_key would therefore restore again" in result["warnings"][0]


def _killed_after_safety(service: str, position: int) -> bool:
    """Whether a kill at that request leaves a safety checkpoint and no restore."""
    lab = make_lab(service)
    _kill(lab, position, "heard")
    with pytest.raises(Killed):
        _run(lab, service)
    lab.world.settle()
    return (lab.jobs("create"), lab.jobs("restore")) == (1, 0)


@pytest.mark.parametrize("service", SERVICES)
def test_a_safety_checkpoint_that_failed_and_left_its_row_proves_nothing(service: str) -> None:
    """It was locked out half-way; the VM never stood on it, so that it stands elsewhere is no restore."""
    lab = make_lab(service, failed_create_row="left", arc_lists_running_create=True)
    lab.fail_next(service, "create", VMS[service], problem="2602")
    result = _run(lab, service)
    assert (code(result), result["changed"], lab.jobs("restore")) == (None, True, 1)
    assert lab.world.vm(VMS[service]).files["/etc/app.conf"] == "version = 1\n"
    again = _run(lab, service)
    assert (code(again), again["changed"], lab.jobs("restore")) == (None, False, 1)


@pytest.mark.parametrize("service", SERVICES)
def test_the_key_is_not_reported(service: str) -> None:
    lab = make_lab(service)
    result = _run(lab, service, restore_key="very-secret-key")
    assert code(result) is None
    assert "very-secret-key" not in str(lab.world.dump()) + str(result)


def test_a_key_needs_its_evidence() -> None:
    lab = make_lab("spf")
    result = _run(lab, "spf", safety_checkpoint=False)
    assert code(result) == "invalid_input"
    assert "safety_checkpoint" in result["msg"]
    assert lab.writes() == 0


@pytest.mark.parametrize("when", ["watch", "heard"])
def test_a_safety_checkpoint_that_arc_lists_before_it_is_made_proves_nothing(when: str) -> None:
    """The VM stands where it stood because the create still runs, not because it was restored."""
    for position in range(1, _length("scvmm") + 1):
        lab = make_lab("scvmm", arc_lists_running_create=True, create_takes="60s")
        _kill(lab, position, when)
        with pytest.raises(Killed):
            _run(lab, "scvmm")
        _alive(lab)
        result = _run(lab, "scvmm")
        assert code(result) is None, (position, result.get("msg"))
        assert lab.jobs("restore") == 1, position


def test_young_evidence_at_the_deadline_is_none() -> None:
    lab = make_lab("scvmm", arc_lists_running_create=True, create_takes="60s")
    position = next(n for n, r in enumerate(_journal_of_one_run(), 1) if r.url.path.endswith("/createCheckpoint"))
    _kill(lab, position, "heard")
    with pytest.raises(Killed):
        _run(lab, "scvmm")
    _alive(lab)
    result = _run(lab, "scvmm", wait_timeout="20s")
    assert (code(result), result["changed"], lab.jobs("restore")) == ("outcome_unknown", False, 0)
    assert "Run the task again in " in result["error"]["remedy"]


@cache
def _journal_of_one_run() -> list[httpx.Request]:
    lab = make_lab("scvmm")
    assert code(_run(lab, "scvmm")) is None
    return lab.requests
