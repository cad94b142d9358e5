# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore in place that is ended at each of its writes in turn: the next run ends where the first would have."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tests.contract.compute.shop import (
    GOOD,
    bench,
    disks,
    done,
    failed,
    guest,
    jobs,
    killed,
    names,
    restore,
    shop,
    verbs,
)
from tests.support.bench import Bench

pytestmark = pytest.mark.thorough

WHEN = ["watch", "heard"]
CASES: dict[str, dict[str, Any]] = {
    "old disks go": {"old_disks": "delete", "restore_key": "deploy-1"},
    "key": {"restore_key": "deploy-1"},
    "off afterwards": {"power_after": "off", "restore_key": "deploy-1"},
    "if_running stop": {"if_running": "stop", "restore_key": "deploy-1"},
}


def _end(made: Bench) -> dict[str, Any]:
    """What must not depend on how often the client died."""
    vm = shop(made)
    return {
        "guest": guest(made),
        "power": vm.power,
        "disks": disks(made),
        "attached": [(held.lun, held.name, held.caching) for held in vm.attachments()],
        "tags": {disk.name: dict(disk.tags) for disk in made.world.azure.disks.values()},
    }


@cache
def _whole(case: str) -> tuple[int, dict[str, Any]]:
    made = bench()
    done(restore(made, **CASES[case]))
    return made.writes(), _end(made)


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("case", CASES)
def test_ended_at_any_write_and_run_again(case: str, when: str) -> None:
    writes, end = _whole(case)
    assert end["guest"] == GOOD
    for number in range(1, writes + 1):
        made = bench()
        killed(made, number, when, **CASES[case])
        done(restore(made, **CASES[case]))
        assert _end(made) == end, number
        again = done(restore(made, **CASES[case]))
        assert (again["changed"], _end(made)) == (False, end), number


@pytest.mark.parametrize("when", WHEN)
def test_ended_again_and_again(when: str) -> None:
    """Every run gets one write further at most, and is then ended; the last one finishes."""
    writes, end = _whole("key")
    made = bench()
    for _run in range(3 * writes):
        sent = made.writes()
        made.advance(5)
        if not done(restore(made, check=True, **CASES["key"]))["changed"]:
            break
        if when == "heard":
            killed(made, sent + 1, when, **CASES["key"])
        elif restore(made, check=True, **CASES["key"])["plan"]["actions"][1:]:
            killed(made, sent + 2, when, **CASES["key"])
        else:
            done(restore(made, **CASES["key"]))
    assert _end(made) == end


@pytest.mark.parametrize("when", WHEN)
def test_what_is_left_of_an_approved_plan_passes(when: str) -> None:
    """The plan a pipeline had approved still fits a run that died half-way."""
    writes, end = _whole("key")
    plan = done(restore(bench(), check=True, **CASES["key"]))["plan"]
    for number in range(1, writes + 1):
        made = bench()
        killed(made, number, when, **CASES["key"])
        done(restore(made, expected_plan=plan, **CASES["key"]))
        assert _end(made) == end, number


def test_what_is_left_is_shown_before_it_is_done() -> None:
    made = bench()
    killed(made, 5, "heard", **CASES["key"])
    checked = done(restore(made, check=True, **CASES["key"]))
    first, second, last = verbs(checked)
    assert (first, last) == ("start the VM", "mark the run as done")
    assert second.startswith("mark disk shop01-lun0-")
    assert done(restore(made, **CASES["key"]))["plan"] == checked["plan"]


@pytest.mark.parametrize("key", [None, "deploy-1"])
def test_a_run_that_is_taken_up_says_so(key: str | None) -> None:
    made = bench()
    whole = done(restore(made, check=True, restore_key=key))
    assert whole["warnings"] == []
    run = whole["plan"]["actions"][0]["about"]["run"]
    killed(made, 3, "heard", restore_key=key)
    for check in (True, False):
        (told,) = done(restore(made, check=check, restore_key=key))["warnings"]
        assert told == f"vm shop01: an earlier run has begun this restore ({run}); what is left of it is done."


def _without_point(step: str, *, anew: bool, key: str | None = "deploy-1") -> Bench:
    """Killed after a step; then its restore point goes, and with `anew` one like it takes its name and id."""
    made = bench()
    steps = verbs(done(restore(made, check=True, restore_key=key)))
    number = next(number for number, told in enumerate(steps, 1) if told.startswith(step))
    killed(made, number, "heard", restore_key=key)
    kept = next(iter(made.world.azure.collections.values())).points
    (gone,) = kept
    kept.clear()
    if anew:
        disks_anew = [replace(disk, name=f"{disk.name[:-8]}00000000") for disk in gone.disks]
        kept.append(replace(gone, disks=disks_anew))
    return made


@pytest.mark.parametrize(
    ("step", "by_hand"),
    [
        ("create disk shop01-os", "those disks."),
        ("deallocate", "To have the VM as it was: start the VM."),
        ("detach", "To have the VM as it was: attach shop01_DataDisk_0 again, start the VM."),
    ],
)
def test_without_its_point_a_run_that_has_not_swapped_cannot_go_on(step: str, by_hand: str) -> None:
    """And what it has left half done is told."""
    made = _without_point(step, anew=False)
    result = restore(made, **CASES["key"])
    assert (result["error"]["code"], result["changed"]) == ("missing_checkpoint", False)
    assert "An earlier restore has begun" in result["error"]["message"]
    assert "shop01-os-" in result["error"]["message"]
    assert result["error"]["remedy"].endswith(by_hand)


@pytest.mark.parametrize("step", ["create disk shop01-os", "deallocate", "detach"])
def test_a_run_whose_point_was_made_anew_begins_anew(step: str) -> None:
    """The key has restored nothing yet; the power state and the disks it began with are not forgotten."""
    made = _without_point(step, anew=True)
    assert done(restore(made, **CASES["key"]))["changed"] is True
    vm = shop(made)
    assert vm.power == "running"
    states = {name: disk.tags.get("hybridvm-restore-state") for name, disk in _named(made).items()}
    assert {states[held.name] for held in vm.attachments()} == {"done"}
    assert set(states.values()) == {None, "done", "given-up"}
    assert done(restore(made, **CASES["key"]))["changed"] is False


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("step", ["swap", "start"])
def test_a_run_that_has_swapped_ends_without_its_point(step: str, anew: bool) -> None:
    made = _without_point(step, anew=anew)
    assert done(restore(made, **CASES["key"]))["changed"] is True
    assert (shop(made).power, guest(made)) == ("running", GOOD)
    assert done(restore(made, **CASES["key"]))["changed"] is False


@pytest.mark.parametrize("step", ["swap", "start"])
def test_so_does_one_without_a_key(step: str) -> None:
    """What it has left is told where something else is asked for."""
    made = _without_point(step, anew=False, key=None)
    result = restore(made, name="other")
    assert "A restore to checkpoints-shop01/before has begun and not ended. The VM is" in result["msg"]
    assert 'Run the restore to "before" again' in failed(result, "missing_checkpoint")
    assert done(restore(made))["changed"] is True
    assert (shop(made).power, guest(made)) == ("running", GOOD)
    assert "begun" not in failed(restore(made), "missing_checkpoint")


@pytest.mark.parametrize("step", ["swap", "start"])
def test_without_a_key_one_whose_point_was_made_anew_is_not_what_is_asked_for(step: str) -> None:
    """The task names the point that there is now, and the VM goes back to that."""
    made = _without_point(step, anew=True, key=None)
    (point,) = next(iter(made.world.azure.collections.values())).points
    for disk in point.disks:
        disk.disk.files = dict.fromkeys(disk.disk.files, "anew")
    result = done(restore(made))
    assert (result["changed"], "create disk" in verbs(result)[0]) == (True, True)
    assert shop(made).power == "running"
    assert {text for files in guest(made).values() for text in files.values()} == {"anew"}


def _named(made: Bench) -> dict[str, Any]:
    return {disk.name: disk for disk in made.world.azure.disks.values()}


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("old", ["keep", "delete"])
def test_without_a_key_too_until_it_is_marked_as_done(old: str, when: str) -> None:
    """What has begun is told by its disks; once it is marked as done, the same task is a new act."""
    made = bench()
    done(restore(made, old_disks=old))
    writes, end = made.writes(), _end(made)
    for number in range(1, writes + (when == "watch")):
        made = bench()
        killed(made, number, when, old_disks=old)
        done(restore(made, old_disks=old))
        assert _end(made) == end, number


@pytest.mark.parametrize("when", WHEN)
def test_the_power_it_began_with(when: str) -> None:
    """A VM that was off stays off, and one that ran runs, whichever run ends it."""
    for power, after in (("running", "running"), ("deallocated", "deallocated"), ("stopped", "deallocated")):
        for number in range(1, 5):
            made = bench()
            shop(made).power = power
            killed(made, number, when)
            done(restore(made))
            assert (guest(made), shop(made).power) == (GOOD, after), (power, number)


@pytest.mark.parametrize("when", WHEN)
def test_a_resumed_run_is_not_stopped_by_its_own_start(when: str) -> None:
    options: dict[str, Any] = {"if_running": "fail", "power_after": "on"}
    for number in range(1, 8):
        made = bench()
        shop(made).power = "deallocated"
        killed(made, number, when, **options)
        result = restore(made, **options)
        if number == 7 and when == "heard":  # it was marked as done: this is another restore, of a VM that runs
            failed(result, "vm_state")
        else:
            done(result)
        assert (guest(made), shop(made).power) == (GOOD, "running"), number


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("position", ["allowed", "refused"])
def test_one_way_back_only(position: str, when: str) -> None:
    """A safety checkpoint is taken once: three in an hour is all there are."""
    options: dict[str, Any] = {"safety_checkpoint": True, "restore_key": "deploy-1"}
    made = bench(compute_lun_swap=position)
    done(restore(made, **options))
    for number in range(1, made.writes() + 1):
        made = bench(compute_lun_swap=position)
        killed(made, number, when, **options)
        made.advance(5)
        done(restore(made, **options))
        assert sum(name.startswith("safety-before-before-") for name in names(made)) == 1, number
        assert (guest(made), shop(made).power) == (GOOD, "running"), number


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
    whole = bench()
    done(restore(whole, **first))
    for number in range(1, whole.writes() + 1):
        made = bench()
        killed(made, number, "heard", **first)
        done(restore(made, old_disks=old, **second))
        vm = shop(made)
        assert (vm.power, guest(made)) == ("running", GOOD), number
        assert [held.lun for held in vm.attachments()] == [None, 0], number


OTHER: dict[str, Any] = {"name": "os-only", "restore_key": "another"}


def _detached_before() -> Bench:
    """A run was killed when it had detached the data disk; the point "os-only" does not hold that."""
    made = bench()
    home = next(iter(made.world.azure.collections.values()))
    without = replace(
        home.points[0], name="os-only", disks=[d for d in home.points[0].disks if d.attachment.lun is None]
    )
    home.points.append(without)
    steps = verbs(done(restore(made, check=True, **CASES["key"])))
    killed(made, steps.index("detach its data disks") + 1, "heard", **CASES["key"])
    assert [held.lun for held in shop(made).attachments()] == [None]
    return made


def test_a_data_disk_that_a_killed_run_has_detached_comes_back_where_the_point_holds_none() -> None:
    made = _detached_before()
    result = done(restore(made, **OTHER))
    assert [(held.lun, held.name) for held in shop(made).attachments()][1:] == [(0, "shop01_DataDisk_0")]
    assert shop(made).power == "running"
    assert any("comes back there" in told for told in result["warnings"])


@pytest.mark.parametrize("stopped", ["locked", "killed"])
def test_and_an_approved_plan_that_brings_it_back_passes_to_its_end(stopped: str) -> None:
    """What is left behind the swap is what was approved, although nothing is detached any more."""
    made = _detached_before()
    plan = done(restore(made, check=True, **OTHER))["plan"]
    if stopped == "locked":
        body = {"error": {"code": "AnotherOperationInProgress", "message": "x"}}
        made.world.faults.add(kind="status", status=409, method="POST", path="/start", body=body)
    else:
        killed(made, made.writes() + verbs({"plan": plan}).index("swap its disks") + 1, "heard", **OTHER)
        assert shop(made).power == "deallocated"
    assert done(restore(made, expected_plan=plan, **OTHER))["changed"] is True
    assert [(held.lun, held.name) for held in shop(made).attachments()][1:] == [(0, "shop01_DataDisk_0")]
    assert shop(made).power == "running"


def test_a_disk_whose_tag_is_being_written_is_not_made_again() -> None:
    """It is shown as `Updating`, as one that is being made; the plan names what is left, and an approved one passes."""
    made = bench()
    killed(made, len(verbs(done(restore(made, check=True, **CASES["key"])))) - 2, "heard", **CASES["key"])
    made.advance(60)
    plan = done(restore(made, check=True, **CASES["key"]))["plan"]
    finish = verbs({"plan": plan})
    assert [step.split()[0] for step in finish] == ["mark", "mark"]
    made.world.switches.compute_disk_takes = "30s"
    killed(made, made.writes() + 1, "heard", **CASES["key"])
    assert "Updating" in {disk.state for disk in made.world.azure.disks.values()}
    assert verbs(done(restore(made, check=True, **CASES["key"]))) == finish[1:]
    assert done(restore(made, expected_plan=plan, **CASES["key"]))["changed"] is True
    assert (guest(made), jobs(made, "deallocate"), shop(made).power) == (GOOD, 1, "running")


def test_what_cannot_be_restored_is_refused_before_the_first_disk_is_made() -> None:
    made = bench()
    (kept,) = next(iter(made.world.azure.collections.values())).points
    shown = done(made.run("vm_checkpoint_info", vm=made.azure_vm))["checkpoints"][0]["id"]
    kept.state = "Failed"
    for check in (True, False):
        result = restore(made, check=check, name=None, checkpoint_id=shown)
        assert "cannot be restored" in failed(result, "missing_checkpoint")
    assert made.sent() == []


def test_waiting_for_a_disk_that_another_run_has_begun_is_no_change() -> None:
    made = bench(compute_disk_takes="30s")
    killed(made, 1, "heard", **CASES["key"])
    made.world.faults.add(kind="status", status=403, method="PUT|POST|PATCH", count=None, path="Microsoft.Compute")
    begun = made.writes()
    result = restore(made, **CASES["key"])
    assert (result["error"]["code"], result["changed"]) == ("forbidden", False)
    assert made.writes() == begun + 1
