# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore in place in which a step fails: the VM runs where it ran before, and the error says so."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    BROKEN,
    GOOD,
    azure_vm,
    disks,
    document,
    done,
    fail_next,
    failed,
    guest,
    jobs,
    kill_at,
    make_lab,
    restore,
    revive,
    steps_of,
    verbs,
)
from tests.support.lab import Lab
from tests.support.wire import Killed

OLD = ["shop01_OsDisk", "shop01_DataDisk_0"]


def _attached(lab: Lab) -> list[str]:
    return [held.name for held in azure_vm(lab).attachments()]


def _on_old_disks(lab: Lab, power: str = "running") -> None:
    assert _attached(lab) == OLD
    assert guest(lab) == BROKEN
    assert azure_vm(lab).power == power


def test_the_second_data_disk_cannot_be_made() -> None:
    lab = make_lab()
    fail_next(lab, "disk", None)
    lab.world.azure.planned[0].name = "shop01-lun0-none"
    result = restore(lab, check=True)
    lab.world.azure.planned[0].name = verbs(result)[1].rsplit(" ", 1)[-1]
    failed(restore(lab), "operation_failed")
    _on_old_disks(lab)
    done(restore(lab))
    assert guest(lab) == GOOD


def test_putting_back_fails_too() -> None:
    """Then the error tells both, and a later run still gets it right."""
    lab = make_lab()
    fail_next(lab, "power", "start", "AllocationFailed")

    def break_the_way_back() -> None:
        fail_next(lab, "vm", None, "InternalOperationError")

    lab.before_first(lambda request: request.url.path.endswith("/start"), break_the_way_back)
    message = failed(restore(lab), "operation_failed")
    assert "AllocationFailed" in message
    assert "InternalOperationError" in message
    done(restore(lab))
    assert guest(lab) == GOOD
    assert azure_vm(lab).power == "running"


def test_a_vm_that_was_off_stays_off_when_the_swap_fails() -> None:
    lab = make_lab()
    azure_vm(lab).power = "deallocated"
    fail_next(lab, "vm")
    failed(restore(lab, power_after="on"), "operation_failed")
    _on_old_disks(lab, "deallocated")


@cache
def _writes_back() -> range:
    """Which writes put the VM back, counted from 1: those after the start that failed."""
    lab = make_lab()
    fail_next(lab, "power", "start")
    failed(restore(lab), "operation_failed")
    sent = [name for _method, name in steps_of(lab.sent())]
    return range(sent.index("start") + 2, len(sent) + 1)


@pytest.mark.slow
@pytest.mark.parametrize("key", [None, "deploy-1"])
@pytest.mark.parametrize("when", ["watch", "heard"])
def test_ended_while_putting_back(when: str, key: str | None) -> None:
    """Wherever it is ended, the same task run again brings the point."""
    for number in _writes_back():
        lab = make_lab()
        fail_next(lab, "power", "start")
        kill_at(lab, number, when)
        with pytest.raises(Killed):
            restore(lab, restore_key=key)
        revive(lab)
        done(restore(lab, restore_key=key))
        assert guest(lab) == GOOD, number
        assert azure_vm(lab).power == "running", number
        assert set(OLD) <= disks(lab)


@pytest.mark.parametrize("end", ["hangs", "late"])
def test_a_start_without_end(end: str) -> None:
    """The deadline is reported; the run after that waits for what still runs and starts nothing twice."""
    lab = make_lab(compute_vm_power_takes="1s")

    def slow() -> None:
        lab.world.switches.compute_vm_power_takes = "3600s" if end == "hangs" else "400s"

    lab.before_each(lambda request: request.url.path.endswith("/start"), slow)
    result = restore(lab, wait_timeout="120s", restore_key="deploy-1")
    failed(result, "timed_out")
    lab.undisturbed()
    again = restore(lab, wait_timeout="600s", restore_key="deploy-1")
    if end == "hangs":
        assert again["error"]["code"] in ("timed_out", "locked")
    else:
        done(again)
        assert guest(lab) == GOOD
    assert jobs(lab, "start") == 1


def test_a_point_that_failed_is_not_restored() -> None:
    compute: Any = document()
    compute["collections"][0]["points"][0]["state"] = "Failed"
    lab = make_lab(compute)
    assert "not show them as usable" in failed(restore(lab), "missing_checkpoint")
    assert lab.sent() == []


RAN = "The VM is off; it ran when the restore began, with "
OLD_ONES = "old disk at os (shop01_OsDisk), lun0 (shop01_DataDisk_0)"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ("create disk shop01-os", ""),
        ("create disk shop01-lun0", ""),
        ("deallocate", f"The VM is running, with {OLD_ONES}."),
        ("detach", f"{RAN}{OLD_ONES}."),
        ("swap", f"{RAN}old disk at os (shop01_OsDisk) and no disk at lun0."),
        ("start", f"{RAN}new disk at os (shop01-os-RUN), lun0 (shop01-lun0-RUN)."),
        ("mark disk", "The VM is running, with new disk at os (shop01-os-RUN), lun0 (shop01-lun0-RUN)."),
    ],
)
@pytest.mark.parametrize("lost", [False, True], ids=["forbidden", "no answer any more"])
def test_the_error_says_where_the_vm_stands(step: str, expected: str, lost: bool) -> None:
    """Off or on, on old disks or new ones, and what to do; also where it cannot be read any more."""
    lab = make_lab()
    steps = verbs(done(restore(lab, check=True)))
    run = steps[0].rsplit("-", 1)[-1]
    number = next(number for number, words in enumerate(steps, 1) if words.startswith(step))

    def refuse() -> None:
        if lost:
            lab.world.faults.add(kind="lose_request", count=None)
        else:
            lab.world.faults.add(kind="status", status=403, method="PUT|POST|PATCH", count=None, path="Compute")

    lab.before_first(lab.nth_write(number), refuse)
    result = restore(lab)
    message = failed(result, result["error"]["code"])
    assert expected.replace("RUN", run) in message
    assert ("The VM is" in message) == bool(expected)
    assert ("When last read: " in message) == (lost and bool(expected))
    if expected:
        assert "again" in result["error"]["remedy"]
    lab.world.faults.clear()
    done(restore(lab))
    assert (guest(lab), azure_vm(lab).power) == (GOOD, "running")


def test_it_says_so_too_where_the_deadline_comes() -> None:
    lab = make_lab(compute_vm_power_takes="1s")

    def slow() -> None:
        lab.world.switches.compute_vm_power_takes = "3600s"

    lab.before_each(lambda request: request.url.path.endswith("/start"), slow)
    message = failed(restore(lab, wait_timeout="120s"), "timed_out")
    assert "it ran when the restore began, with new disk at os" in message


def test_and_where_it_was_put_back() -> None:
    lab = make_lab()
    fail_next(lab, "power", "start")
    assert f"The VM is running, with {OLD_ONES}." in failed(restore(lab), "operation_failed")


def test_a_vm_that_was_off_is_not_said_to_have_run() -> None:
    lab = make_lab()
    azure_vm(lab).power = "deallocated"
    fail_next(lab, "vm")
    message = failed(restore(lab), "operation_failed")
    assert "The VM is off, with old disk at os" in message


@pytest.mark.parametrize("step", ["create disk", "deallocate", "swap", "start"])
def test_an_error_names_the_vm_and_not_the_host_that_all_have(step: str) -> None:
    lab = make_lab()
    steps = verbs(done(restore(lab, check=True)))
    number = next(number for number, words in enumerate(steps, 1) if words.startswith(step))

    def refuse() -> None:
        lab.world.faults.add(kind="status", status=400, method="PUT|POST|PATCH", path="Microsoft.Compute")

    lab.before_first(lab.nth_write(number), refuse)
    result = restore(lab)
    assert failed(result, "refused").startswith("vm shop01: ")
    assert result["error"]["status"] == 400
