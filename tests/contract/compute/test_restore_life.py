# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore in place from beginning to end: guests proven back, every step announced before it is taken."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    BROKEN,
    GOOD,
    azure_vm,
    disks,
    done,
    failed,
    guest,
    jobs,
    make_lab,
    names,
    restore,
    spoil,
    steps_of,
    verbs,
)

OLD = {"shop01_OsDisk", "shop01_DataDisk_0"}


def _steps(run: str) -> list[str]:
    made = [f"create disk shop01-os-{run}", f"create disk shop01-lun0-{run}", "deallocate the VM"]
    return [
        *made,
        "detach its data disks",
        "swap its disks",
        "start the VM",
        f"mark disk shop01-lun0-{run} as done",
        "mark the run as done",
    ]


def test_the_guest_comes_back() -> None:
    lab = make_lab()
    before = disks(lab)
    assert guest(lab) == BROKEN
    result = done(restore(lab))
    assert result["changed"] is True
    assert guest(lab) == GOOD
    assert azure_vm(lab).power == "running"
    run = verbs(result)[0].rsplit("-", 1)[-1]
    assert verbs(result) == _steps(run)
    # The old disks are kept as they were.
    assert disks(lab) - before == {f"shop01-os-{run}", f"shop01-lun0-{run}"}
    for name in OLD:
        old = next(disk for disk in lab.world.azure.disks.values() if disk.name == name)
        assert set(old.files.values()) == {"broken\n"}
        assert old.owners == []
    assert steps_of(lab.sent()) == [
        ("PUT", f"shop01-os-{run}"),
        ("PUT", f"shop01-lun0-{run}"),
        ("POST", "deallocate"),
        ("PATCH", "shop01"),
        ("PATCH", "shop01"),
        ("POST", "start"),
        ("PATCH", f"shop01-lun0-{run}"),
        ("PATCH", f"shop01-os-{run}"),
    ]
    assert result["checkpoint"]["name"] == "before"
    assert result["operation"]["status"] == "succeeded"
    assert azure_vm(lab, "shop02").os_disk.name == "shop02_OsDisk"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"old_disks": "delete"},
        {"power_after": "off"},
        {"safety_checkpoint": True},
        {"restore_key": "deploy-1"},
        {"if_running": "stop"},
    ],
    ids=str,
)
def test_check_mode_tells_the_whole_way(options: dict[str, Any]) -> None:
    lab = make_lab()
    state = lab.world.dump()["compute"]
    checked = done(restore(lab, check=True, **options))
    assert lab.sent() == []
    assert lab.world.dump()["compute"] == state
    assert checked["changed"] is True
    real = done(restore(lab, **options))
    assert real["plan"] == checked["plan"]
    assert step_lines(real) == step_lines(checked)


def step_lines(result: dict[str, Any]) -> list[str]:
    """The diff's lines below the set of checkpoints, whose new ones look otherwise once they are there."""
    return [line for line in result["diff"]["after"].splitlines() if not line.startswith(" ")]


def test_an_approved_plan_is_carried_out_and_no_other() -> None:
    lab = make_lab()
    checked = done(restore(lab, check=True))
    other = failed(restore(lab, old_disks="delete", expected_plan=checked["plan"]), "plan_changed")
    assert "delete disk" in other
    assert lab.sent() == []
    assert done(restore(lab, expected_plan=checked["plan"]["digest"]))["changed"] is True
    assert guest(lab) == GOOD


def test_a_restore_is_an_act_each_time() -> None:
    """Without a key it is done again when it is asked for again, with disks of its own."""
    lab = make_lab()
    first = done(restore(lab))
    spoil(lab)
    second = done(restore(lab))
    assert second["changed"] is True
    assert guest(lab) == GOOD
    assert verbs(first)[0] != verbs(second)[0]
    assert len(disks(lab)) == len(OLD) + 5


def test_done_with_a_key_is_done() -> None:
    lab = make_lab()
    done(restore(lab, restore_key="deploy-1"))
    spoil(lab)
    for check in (True, False):
        writes = lab.writes()
        again = done(restore(lab, check=check, restore_key="deploy-1"))
        assert (again["changed"], lab.writes(), verbs(again)) == (False, writes, ["keep"])
        assert "restore_key" in again["plan"]["actions"][0]["reason"]
        assert again["checkpoint"]["name"] == "before"
    assert guest(lab) == BROKEN
    other = done(restore(lab, restore_key="deploy-2"))
    assert other["changed"] is True
    assert guest(lab) == GOOD


def test_the_key_is_reported_nowhere() -> None:
    lab = make_lab()
    result = done(restore(lab, restore_key="very-secret-key"))
    assert "very-secret-key" not in str(lab.world.dump()) + str(result)


def test_done_with_a_key_also_when_its_point_is_gone() -> None:
    lab = make_lab()
    done(restore(lab, restore_key="deploy-1"))
    done(lab.run("vm_checkpoint", vm=lab.azure_vm, name="before", state="absent"))
    again = done(restore(lab, restore_key="deploy-1"))
    assert (again["changed"], again["checkpoint"]) == (False, None)
    assert "nothing to restore" in failed(restore(lab, restore_key="deploy-2"), "missing_checkpoint")


@pytest.mark.parametrize(
    ("before", "options", "after", "starts"),
    [
        ("running", {}, "running", 1),
        ("running", {"power_after": "previous"}, "running", 1),
        ("running", {"power_after": "off"}, "deallocated", 0),
        ("deallocated", {}, "deallocated", 0),
        ("deallocated", {"power_after": "on"}, "running", 1),
        ("stopped", {}, "deallocated", 0),
        ("stopped", {"power_after": "on"}, "running", 1),
        ("running", {"if_running": "stop"}, "running", 1),
    ],
    ids=str,
)
def test_power(before: str, options: dict[str, Any], after: str, starts: int) -> None:
    lab = make_lab()
    azure_vm(lab).power = before
    result = done(restore(lab, **options))
    assert guest(lab) == GOOD
    assert azure_vm(lab).power == after
    assert jobs(lab, "start") == starts
    assert jobs(lab, "deallocate") == (before != "deallocated")
    assert ("start the VM" in verbs(result)) == bool(starts)
    assert ("deallocate the VM" in verbs(result)) == (before != "deallocated")


def test_running_may_be_forbidden() -> None:
    lab = make_lab()
    assert "if_running" in failed(restore(lab, if_running="fail"), "vm_state")
    assert lab.sent() == []
    azure_vm(lab).power = "deallocated"
    done(restore(lab, if_running="fail"))
    assert guest(lab) == GOOD


def test_a_safety_checkpoint_comes_first() -> None:
    """It holds the guest as it was, and `latest` does not take it for a point to go forward to."""
    lab = make_lab()
    result = done(restore(lab, safety_checkpoint=True))
    assert verbs(result)[0] == "create"
    (safety,) = [name for name in names(lab) if name.startswith("safety-before-before-")]
    spoil(lab)
    back = done(restore(lab, name=None, select="latest", check=True))
    assert back["checkpoint"]["name"] == "before"
    done(restore(lab, name=None, checkpoint_id=safety_id(lab, safety)))
    assert guest(lab) == BROKEN


def safety_id(made: Any, name: str) -> str:
    """The ARM id of a point in the VM's collection."""
    home = made.world.azure.resource_id("restorePointCollections", "checkpoints-shop01")
    return f"{home}/restorePoints/{name}"


def test_old_disks_go_when_asked() -> None:
    lab = make_lab()
    result = done(restore(lab, old_disks="delete"))
    assert guest(lab) == GOOD
    assert not OLD & disks(lab)
    assert sum(verb.startswith("delete disk") for verb in verbs(result)) == 2
    # Proven first: nothing is deleted before the VM runs on its new disks.
    kinds = [name for _method, name in steps_of(lab.sent())]
    assert kinds.index("start") < kinds.index("shop01_OsDisk")


def test_tags_that_came_back_in_another_case_are_ours_all_the_same() -> None:
    """Names of tags are one in any case, and whoever edits them may have changed it."""
    lab = make_lab()
    options: dict[str, Any] = {"restore_key": "deploy-1", "safety_checkpoint": True}
    assert done(restore(lab, **options))["checkpoint"]["managed"] is True
    lab.world.settle()
    for disk in lab.world.azure.disks.values():
        disk.tags = {name.title(): value for name, value in disk.tags.items()}
    for home in lab.world.azure.collections.values():
        home.tags = {name.title(): value for name, value in home.tags.items()}
    again = done(restore(lab, **options))
    assert (again["changed"], again["checkpoint"]["managed"]) == (False, True)
