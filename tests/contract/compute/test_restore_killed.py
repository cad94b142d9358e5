# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore in place that is ended at each of its writes in turn: the next run ends where the first would have."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    GOOD,
    azure_vm,
    disks,
    done,
    failed,
    guest,
    jobs,
    killed,
    make_lab,
    names,
    restore,
    verbs,
)
from tests.support.lab import Lab

pytestmark = pytest.mark.thorough

WHEN = ["watch", "heard"]
CASES: dict[str, dict[str, Any]] = {
    "old disks go": {"old_disks": "delete", "restore_key": "deploy-1"},
    "key": {"restore_key": "deploy-1"},
    "off afterwards": {"power_after": "off", "restore_key": "deploy-1"},
    "if_running stop": {"if_running": "stop", "restore_key": "deploy-1"},
}


def _end(lab: Lab) -> dict[str, Any]:
    """What must not depend on how often the client died."""
    vm = azure_vm(lab)
    return {
        "guest": guest(lab),
        "power": vm.power,
        "disks": disks(lab),
        "attached": [(held.lun, held.name, held.caching) for held in vm.attachments()],
        "tags": {disk.name: dict(disk.tags) for disk in lab.world.azure.disks.values()},
    }


@cache
def _whole(case: str) -> tuple[int, dict[str, Any]]:
    lab = make_lab()
    done(restore(lab, **CASES[case]))
    return lab.writes(), _end(lab)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("case", CASES)
def test_ended_at_any_write_and_run_again(case: str, when: str) -> None:
    writes, end = _whole(case)
    assert end["guest"] == GOOD
    for number in range(1, writes + 1):
        lab = make_lab()
        killed(lab, number, when, **CASES[case])
        done(restore(lab, **CASES[case]))
        assert _end(lab) == end, number
        again = done(restore(lab, **CASES[case]))
        assert (again["changed"], _end(lab)) == (False, end), number


@pytest.mark.parametrize("when", WHEN)
def test_ended_again_and_again(when: str) -> None:
    """Every run gets one write further at most, and is then ended; the last one finishes."""
    writes, end = _whole("key")
    lab = make_lab()
    for _run in range(3 * writes):
        sent = lab.writes()
        lab.advance(5)
        if not done(restore(lab, check=True, **CASES["key"]))["changed"]:
            break
        if when == "heard":
            killed(lab, sent + 1, when, **CASES["key"])
        elif restore(lab, check=True, **CASES["key"])["plan"]["actions"][1:]:
            killed(lab, sent + 2, when, **CASES["key"])
        else:
            done(restore(lab, **CASES["key"]))
    assert _end(lab) == end


@pytest.mark.parametrize("when", WHEN)
def test_what_is_left_of_an_approved_plan_passes(when: str) -> None:
    """The plan a pipeline had approved still fits a run that died half-way."""
    writes, end = _whole("key")
    plan = done(restore(make_lab(), check=True, **CASES["key"]))["plan"]
    for number in range(1, writes + 1):
        lab = make_lab()
        killed(lab, number, when, **CASES["key"])
        done(restore(lab, expected_plan=plan, **CASES["key"]))
        assert _end(lab) == end, number


def test_what_is_left_is_shown_before_it_is_done() -> None:
    lab = make_lab()
    killed(lab, 5, "heard", **CASES["key"])
    checked = done(restore(lab, check=True, **CASES["key"]))
    first, second, last = verbs(checked)
    assert (first, last) == ("start the VM", "mark the run as done")
    assert second.startswith("mark disk shop01-lun0-")
    assert done(restore(lab, **CASES["key"]))["plan"] == checked["plan"]


@pytest.mark.parametrize("key", [None, "deploy-1"])
def test_a_run_that_is_taken_up_says_so(key: str | None) -> None:
    lab = make_lab()
    whole = done(restore(lab, check=True, restore_key=key))
    assert whole["warnings"] == []
    run = whole["plan"]["actions"][0]["about"]["run"]
    killed(lab, 3, "heard", restore_key=key)
    for check in (True, False):
        (warning,) = done(restore(lab, check=check, restore_key=key))["warnings"]
        assert warning == f"vm shop01: an earlier run has begun this restore ({run}); what is left of it is done."


def _without_point(step: str, *, anew: bool, key: str | None = "deploy-1") -> Lab:
    """Killed after a step; then its restore point goes, and with `anew` one like it takes its name and id."""
    lab = make_lab()
    steps = verbs(done(restore(lab, check=True, restore_key=key)))
    number = next(number for number, text in enumerate(steps, 1) if text.startswith(step))
    killed(lab, number, "heard", restore_key=key)
    kept = next(iter(lab.world.azure.collections.values())).points
    (gone,) = kept
    kept.clear()
    if anew:
        disks_anew = [replace(disk, name=f"{disk.name[:-8]}00000000") for disk in gone.disks]
        kept.append(replace(gone, disks=disks_anew))
    return lab


@pytest.mark.parametrize(
    ("step", "by_hand"),
    [
        ("create disk shop01-os", "those disks."),
        ("deallocate", "To have the VM as it was: start the VM."),
        ("detach", "To have the VM as it was: attach shop01_DataDisk_0 again, start the VM."),
    ],
)
def test_without_its_point_a_run_that_has_not_swapped_cannot_go_on(step: str, by_hand: str) -> None:
    """And what it has left half done is reported."""
    lab = _without_point(step, anew=False)
    result = restore(lab, **CASES["key"])
    assert (result["error"]["code"], result["changed"]) == ("missing_checkpoint", False)
    assert "An earlier restore has begun" in result["error"]["message"]
    assert "shop01-os-" in result["error"]["message"]
    assert result["error"]["remedy"].endswith(by_hand)


@pytest.mark.parametrize("step", ["create disk shop01-os", "deallocate", "detach"])
def test_a_run_whose_point_was_made_anew_begins_anew(step: str) -> None:
    """The key has restored nothing yet; the power state and the disks it began with are not forgotten."""
    lab = _without_point(step, anew=True)
    assert done(restore(lab, **CASES["key"]))["changed"] is True
    vm = azure_vm(lab)
    assert vm.power == "running"
    states = {name: disk.tags.get("hybridvm-restore-state") for name, disk in _named(lab).items()}
    assert {states[held.name] for held in vm.attachments()} == {"done"}
    assert set(states.values()) == {None, "done", "given-up"}
    assert done(restore(lab, **CASES["key"]))["changed"] is False


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("step", ["swap", "start"])
def test_a_run_that_has_swapped_ends_without_its_point(step: str, anew: bool) -> None:
    lab = _without_point(step, anew=anew)
    assert done(restore(lab, **CASES["key"]))["changed"] is True
    assert (azure_vm(lab).power, guest(lab)) == ("running", GOOD)
    assert done(restore(lab, **CASES["key"]))["changed"] is False


@pytest.mark.parametrize("step", ["swap", "start"])
def test_so_does_one_without_a_key(step: str) -> None:
    """What it has left is reported where something else is asked for."""
    lab = _without_point(step, anew=False, key=None)
    result = restore(lab, name="other")
    assert "A restore to checkpoints-shop01/before has begun and not ended. The VM is" in result["msg"]
    assert 'Run the restore to "before" again' in failed(result, "missing_checkpoint")
    assert done(restore(lab))["changed"] is True
    assert (azure_vm(lab).power, guest(lab)) == ("running", GOOD)
    assert "begun" not in failed(restore(lab), "missing_checkpoint")


@pytest.mark.parametrize("step", ["swap", "start"])
def test_without_a_key_one_whose_point_was_made_anew_is_not_what_is_asked_for(step: str) -> None:
    """The task names the point that there is now, and the VM goes back to that."""
    lab = _without_point(step, anew=True, key=None)
    (point,) = next(iter(lab.world.azure.collections.values())).points
    for disk in point.disks:
        disk.disk.files = dict.fromkeys(disk.disk.files, "anew")
    result = done(restore(lab))
    assert (result["changed"], "create disk" in verbs(result)[0]) == (True, True)
    assert azure_vm(lab).power == "running"
    assert {text for files in guest(lab).values() for text in files.values()} == {"anew"}


def _named(lab: Lab) -> dict[str, Any]:
    return {disk.name: disk for disk in lab.world.azure.disks.values()}


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("old", ["keep", "delete"])
def test_without_a_key_too_until_it_is_marked_as_done(old: str, when: str) -> None:
    """What has begun is known by its disks; once it is marked as done, the same task is a new act."""
    lab = make_lab()
    done(restore(lab, old_disks=old))
    writes, end = lab.writes(), _end(lab)
    for number in range(1, writes + (when == "watch")):
        lab = make_lab()
        killed(lab, number, when, old_disks=old)
        done(restore(lab, old_disks=old))
        assert _end(lab) == end, number


@pytest.mark.parametrize("when", WHEN)
def test_the_power_it_began_with(when: str) -> None:
    """A VM that was off stays off, and one that ran runs, whichever run ends it."""
    for power, after in (("running", "running"), ("deallocated", "deallocated"), ("stopped", "deallocated")):
        for number in range(1, 5):
            lab = make_lab()
            azure_vm(lab).power = power
            killed(lab, number, when)
            done(restore(lab))
            assert (guest(lab), azure_vm(lab).power) == (GOOD, after), (power, number)


@pytest.mark.parametrize("when", WHEN)
def test_a_resumed_run_is_not_stopped_by_its_own_start(when: str) -> None:
    options: dict[str, Any] = {"if_running": "fail", "power_after": "on"}
    for number in range(1, 8):
        lab = make_lab()
        azure_vm(lab).power = "deallocated"
        killed(lab, number, when, **options)
        result = restore(lab, **options)
        if number == 7 and when == "heard":  # it was marked as done: this is another restore, of a VM that runs
            failed(result, "vm_state")
        else:
            done(result)
        assert (guest(lab), azure_vm(lab).power) == (GOOD, "running"), number


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("position", ["allowed", "refused"])
def test_one_way_back_only(position: str, when: str) -> None:
    """A safety checkpoint is taken once: three in an hour is all there are."""
    options: dict[str, Any] = {"safety_checkpoint": True, "restore_key": "deploy-1"}
    lab = make_lab(compute_lun_swap=position)
    done(restore(lab, **options))
    for number in range(1, lab.writes() + 1):
        lab = make_lab(compute_lun_swap=position)
        killed(lab, number, when, **options)
        lab.advance(5)
        done(restore(lab, **options))
        assert sum(name.startswith("safety-before-before-") for name in names(lab)) == 1, number
        assert (guest(lab), azure_vm(lab).power) == (GOOD, "running"), number


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"restore_key": "job-1"}, {"restore_key": "job-2"}),
        ({}, {"restore_key": "job-2"}),
        ({"restore_key": "job-1"}, {}),
    ],
)
@pytest.mark.parametrize("old", ["keep", "delete"])
def test_another_job_after_a_killed_one_ends_with_the_vm_as_it_was(
    first: dict[str, Any], second: dict[str, Any], old: str
) -> None:
    """Running, with all its disks, and with nothing in its plan that cannot be done."""
    whole = make_lab()
    done(restore(whole, **first))
    for number in range(1, whole.writes() + 1):
        lab = make_lab()
        killed(lab, number, "heard", **first)
        done(restore(lab, old_disks=old, **second))
        vm = azure_vm(lab)
        assert (vm.power, guest(lab)) == ("running", GOOD), number
        assert [held.lun for held in vm.attachments()] == [None, 0], number


OTHER: dict[str, Any] = {"name": "os-only", "restore_key": "another"}


def _detached_before() -> Lab:
    """A run was killed when it had detached the data disk; the point "os-only" does not hold that."""
    lab = make_lab()
    home = next(iter(lab.world.azure.collections.values()))
    without = replace(
        home.points[0], name="os-only", disks=[d for d in home.points[0].disks if d.attachment.lun is None]
    )
    home.points.append(without)
    steps = verbs(done(restore(lab, check=True, **CASES["key"])))
    killed(lab, steps.index("detach its data disks") + 1, "heard", **CASES["key"])
    assert [held.lun for held in azure_vm(lab).attachments()] == [None]
    return lab


def test_a_data_disk_that_a_killed_run_has_detached_comes_back_where_the_point_holds_none() -> None:
    lab = _detached_before()
    result = done(restore(lab, **OTHER))
    assert [(held.lun, held.name) for held in azure_vm(lab).attachments()][1:] == [(0, "shop01_DataDisk_0")]
    assert azure_vm(lab).power == "running"
    assert any("comes back there" in warning for warning in result["warnings"])


@pytest.mark.parametrize("stopped", ["locked", "killed"])
def test_and_an_approved_plan_that_brings_it_back_passes_to_its_end(stopped: str) -> None:
    """What is left behind the swap is what was approved, although nothing is detached any more."""
    lab = _detached_before()
    plan = done(restore(lab, check=True, **OTHER))["plan"]
    if stopped == "locked":
        body = {"error": {"code": "AnotherOperationInProgress", "message": "x"}}
        lab.world.faults.add(kind="status", status=409, method="POST", path="/start", body=body)
    else:
        killed(lab, lab.writes() + verbs({"plan": plan}).index("swap its disks") + 1, "heard", **OTHER)
        assert azure_vm(lab).power == "deallocated"
    assert done(restore(lab, expected_plan=plan, **OTHER))["changed"] is True
    assert [(held.lun, held.name) for held in azure_vm(lab).attachments()][1:] == [(0, "shop01_DataDisk_0")]
    assert azure_vm(lab).power == "running"


def test_a_disk_whose_tag_is_being_written_is_not_made_again() -> None:
    """It is shown as `Updating`, as one that is being made; the plan names what is left, and an approved one passes."""
    lab = make_lab()
    killed(lab, len(verbs(done(restore(lab, check=True, **CASES["key"])))) - 2, "heard", **CASES["key"])
    lab.advance(60)
    plan = done(restore(lab, check=True, **CASES["key"]))["plan"]
    finish = verbs({"plan": plan})
    assert [step.split()[0] for step in finish] == ["mark", "mark"]
    lab.world.switches.compute_disk_takes = "30s"
    killed(lab, lab.writes() + 1, "heard", **CASES["key"])
    assert "Updating" in {disk.state for disk in lab.world.azure.disks.values()}
    assert verbs(done(restore(lab, check=True, **CASES["key"]))) == finish[1:]
    assert done(restore(lab, expected_plan=plan, **CASES["key"]))["changed"] is True
    assert (guest(lab), jobs(lab, "deallocate"), azure_vm(lab).power) == (GOOD, 1, "running")


def test_what_cannot_be_restored_is_refused_before_the_first_disk_is_made() -> None:
    lab = make_lab()
    (kept,) = next(iter(lab.world.azure.collections.values())).points
    shown = done(lab.run("vm_checkpoint_info", vm=lab.azure_vm))["checkpoints"][0]["id"]
    kept.state = "Failed"
    for check in (True, False):
        result = restore(lab, check=check, name=None, checkpoint_id=shown)
        assert "cannot be restored" in failed(result, "missing_checkpoint")
    assert lab.sent() == []


def test_waiting_for_a_disk_that_another_run_has_begun_is_no_change() -> None:
    lab = make_lab(compute_disk_takes="30s")
    killed(lab, 1, "heard", **CASES["key"])
    lab.world.faults.add(kind="status", status=403, method="PUT|POST|PATCH", count=None, path="Microsoft.Compute")
    begun = lab.writes()
    result = restore(lab, **CASES["key"])
    assert (result["error"]["code"], result["changed"]) == ("forbidden", False)
    assert lab.writes() == begun + 1
