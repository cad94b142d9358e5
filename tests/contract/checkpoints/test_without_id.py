# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arc: a checkpoint that is listed without an id, or with one of zeros, is there; nothing chooses or removes it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code, make_lab
from tests.support.lab import Lab
from tests.support.wire import Changed

ZEROS = "00000000-0000-0000-0000-000000000000"
NONE = [None, "", ZEROS, f"{{{ZEROS}}}"]
Row = dict[str, Any]


def _lab(name: str, none: str | None, *, reads: int | None = None, before: int = 0) -> Lab:
    """Checkpoints of that name are shown without an id, in so many readings after so many."""
    lab = make_lab("scvmm")
    seen = 0

    def change(instance: dict[str, Any]) -> None:
        nonlocal seen
        rows = [row for row in instance["properties"]["infrastructureProfile"]["checkpoints"] if row["name"] == name]
        seen += bool(rows)
        if seen > before and (reads is None or seen <= before + reads):
            for row in rows:
                row["checkpointID"] = none

    lab.through = lambda wire: Changed(wire, "virtualMachineInstances/default", change)
    return lab


@pytest.mark.parametrize("none", NONE)
def test_it_ends_no_task_about_others(none: str | None) -> None:
    lab = _lab("baseline", none)
    task: dict[str, Any] = {"vm": lab.arm_vm, "name": "later"}
    assert code(lab.run("vm_checkpoint", **task)) is None
    shown = lab.run("vm_checkpoint_info", vm=lab.arm_vm)["checkpoints"]
    assert [(each["name"], each["id"] is None, each["usability"]) for each in shown] == [
        ("baseline", True, "unknown"),
        ("later", False, "usable"),
    ]
    assert shown[1]["parent_id"] is None
    assert code(lab.run("vm_checkpoint_restore", **task)) is None
    assert lab.run("vm_checkpoint", **task, state="absent")["changed"] is True
    assert lab.names("app01") == ["baseline"]


@pytest.mark.parametrize("none", NONE)
def test_it_satisfies_present_and_nothing_that_must_name_it(none: str | None) -> None:
    lab = _lab("baseline", none)
    task: dict[str, Any] = {"vm": lab.arm_vm, "name": "baseline"}
    there = lab.run("vm_checkpoint", **task)
    assert (code(there), there["changed"], there["checkpoint"]["id"]) == (None, False, None)
    assert any('checkpoint "baseline" (without an id) is usable' in text for text in there["warnings"])
    assert there["plan"]["actions"][0]["checkpoint"] == {"id": None, "name": "baseline"}
    assert code(lab.run("vm_checkpoint_restore", **task)) == "missing_checkpoint"
    assert code(lab.run("vm_checkpoint_restore", vm=lab.arm_vm, checkpoint_id="without an id")) == "missing_checkpoint"
    assert code(lab.run("vm_checkpoint_restore", vm=lab.arm_vm, checkpoint_id=ZEROS)) == "missing_checkpoint"
    for check in (True, False):
        kept = lab.run("vm_checkpoint", **task, state="absent", check=check)
        assert (code(kept), kept["changed"], kept["error"]["retry"]) == ("vm_state", False, "safe")
        assert 'checkpoint "baseline" is shown without an id' in kept["msg"]
    assert lab.run("vm_checkpoint", vm=lab.arm_vm, checkpoint_id=ZEROS, state="absent")["changed"] is False
    assert lab.writes() == 0


@pytest.mark.parametrize("none", NONE)
def test_a_new_one_that_gets_its_id_late_is_waited_for(none: str | None) -> None:
    lab = _lab("new", none, reads=3)
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new", max_age="1h")
    assert (code(result), result["changed"], result["checkpoint"]["usable"], lab.writes()) == (None, True, True, 1)
    assert result["checkpoint"]["id"] == str(lab.world.vm("app01").checkpoints[-1].checkpoint_id).upper()


def test_a_new_one_that_gets_no_id_is_there_and_said_to_be_open() -> None:
    lab = _lab("new", None)
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")
    assert (code(result), result["changed"], result["checkpoint"]["id"], lab.writes()) == (None, True, None, 1)
    assert any("whether it is usable is open" in text for text in result["warnings"])
    again = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")
    assert (code(again), again["changed"], lab.writes()) == (None, False, 1)


def test_one_that_has_lost_its_id_is_not_taken_for_removed() -> None:
    """The delete is accepted and does nothing, and the list shows the checkpoint with an id of zeros."""
    lab = _lab("later", ZEROS, before=1)
    vm = lab.world.vm("app01")
    kept = vm.checkpoints[1]

    def put_back(_request: object) -> None:
        lab.world.settle()
        if kept not in vm.checkpoints:
            vm.checkpoints.append(kept)

    lab.watch = put_back
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="later", state="absent")
    assert (code(result), lab.writes()) == ("not_proven", 1)
