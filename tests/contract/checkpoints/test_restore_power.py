# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power around a restore, and which checkpoint a restore goes to."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import BROKEN, SERVICES, VMS, code, make_lab
from tests.support.lab import Lab, Result

pytestmark = pytest.mark.parametrize("service", SERVICES)


def _restore(lab: Lab, service: str, **options: Any) -> Result:
    vm = VMS[service] if service == "spf" else lab.arm_vm
    return lab.run("vm_checkpoint_restore", vm=vm, **{"name": "baseline", **options})


def _actions(result: Result) -> list[str]:
    return [f"{each['action']} {each.get('power', '')}".strip() for each in result["plan"]["actions"]]


@pytest.mark.parametrize("before", ["Running", "PowerOff"])
@pytest.mark.parametrize("captured", ["captured", "off"])
@pytest.mark.parametrize("wanted", ["previous", "on", "off"])
def test_power_after(service: str, before: str, captured: str, wanted: str) -> None:
    """Whatever the restore leaves, the VM is as asked; `previous` is as it was before the task."""
    lab = make_lab(service, restored_power=captured)
    vm = lab.world.vm(VMS[service])
    vm.power = before
    result = _restore(lab, service, power_after=wanted)
    assert (code(result), result["changed"]) == (None, True)
    expected = {"on": "Running", "off": "PowerOff", "previous": before}[wanted]
    assert lab.world.vm(VMS[service]).power == expected
    assert _actions(result) == ["restore", f"power {'on' if expected == 'Running' else 'off'}"]
    assert lab.jobs("restore") == 1


@pytest.mark.parametrize(
    ("if_running", "actions"), [("stop", ["power off", "restore", "power on"]), ("proceed", ["restore", "power on"])]
)
def test_a_running_vm(service: str, if_running: str, actions: list[str]) -> None:
    lab = make_lab(service, restored_power="captured")
    predicted = _restore(lab, service, if_running=if_running, check=True)
    assert lab.writes() == 0
    result = _restore(lab, service, if_running=if_running)
    assert (code(result), _actions(result)) == (None, actions)
    assert result["plan"]["digest"] == predicted["plan"]["digest"]
    # A restore that leaves the VM on needs no turning on.
    assert len(lab.sent()) == len(actions) - 1
    assert lab.world.vm(VMS[service]).power == "Running"


def test_a_running_vm_that_must_not_run(service: str) -> None:
    lab = make_lab(service)
    result = _restore(lab, service, if_running="fail")
    assert code(result) == "vm_state"
    assert lab.writes() == 0
    lab.world.vm(VMS[service]).power = "PowerOff"
    assert code(_restore(lab, service, if_running="fail")) is None


def test_a_restore_that_fails_behind_a_stop_says_that_the_vm_is_off(service: str) -> None:
    lab = make_lab(service)
    lab.fail_next(service, "restore")
    result = _restore(lab, service, if_running="stop", power_after="on", safety_checkpoint=True)
    assert code(result) == "operation_failed"
    assert lab.world.vm(VMS[service]).power == "PowerOff"
    assert "The VM was turned off for it, and nothing has turned it on again." in result["msg"]
    safety = 'creating checkpoint "safety before restore to baseline"'
    assert f"Done before: {safety}, turning the VM off." in result["msg"]
    assert "have the next run do that (power_after: on)" in result["error"]["remedy"]


@pytest.mark.parametrize("act", ["off", "on"])
def test_what_was_done_before_is_told_where_the_vm_s_power_cannot_be_changed(service: str, act: str) -> None:
    lab = make_lab(service)
    if service == "spf":
        lab.world.faults.add(kind="status", status=403, method="MERGE", path="VirtualMachines", nth=1 + (act == "on"))
    else:
        lab.world.faults.add(kind="status", status=403, method="POST", path="/stop" if act == "off" else "/start")
    result = _restore(lab, service, if_running="stop", power_after="on", safety_checkpoint=True)
    assert (code(result), result["changed"], result["error"]["operation"]) == ("forbidden", True, None)
    safety = 'creating checkpoint "safety before restore to baseline"'
    more = "" if act == "off" else ', turning the VM off, restoring to checkpoint "baseline"'
    assert f"Done before: {safety}{more}" in result["msg"]
    assert ("nothing has turned it on again" in result["msg"]) == (act == "on")


def test_stop_lets_arc_restore_what_it_would_not_while_it_runs(service: str) -> None:
    lab = make_lab(service, arc_restore_running="fails")
    result = _restore(lab, service, if_running="stop", power_after="previous")
    assert code(result) is None
    assert lab.world.vm(VMS[service]).power == "Running"
    assert lab.world.vm(VMS[service]).files["/etc/app.conf"] != BROKEN


def test_everything_at_once_is_remembered(service: str) -> None:
    """The power state of before the safety checkpoint, the stop and the restore is what `previous` means."""
    lab = make_lab(service, restored_power="off")
    options = {"safety_checkpoint": True, "restore_key": "k", "if_running": "stop", "power_after": "previous"}
    result = _restore(lab, service, **options)
    assert (code(result), _actions(result)) == (None, ["create", "power off", "restore", "power on"])
    assert lab.world.vm(VMS[service]).power == "Running"
    # Done, and switched off by somebody since: only the power is still to do, and as it was before the first run.
    lab.world.vm(VMS[service]).power = "PowerOff"
    again = _restore(lab, service, **options)
    assert (code(again), _actions(again)) == (None, ["keep", "power on"])
    assert lab.jobs("restore") == 1


def test_a_power_state_nobody_knows(service: str) -> None:
    lab = make_lab(service)
    lab.world.vm(VMS[service]).power = "Pausing"
    assert code(_restore(lab, service, if_running="fail")) == "vm_state"
    result = _restore(lab, service, power_after="previous")
    assert code(result) is None
    assert any("unknown" in text for text in result["warnings"])


def test_which_checkpoint(service: str) -> None:
    lab = make_lab(service)
    vm = lab.world.vm(VMS[service])
    oldest, newest = vm.checkpoints
    # Arc's are of unknown time, and one stands on the other: their order is known all the same.
    for options, wanted in [
        ({"name": None, "select": "latest"}, newest),
        ({"name": None, "select": "oldest"}, oldest),
        ({"name": None, "checkpoint_id": (newest.id if service == "spf" else newest.checkpoint_id)}, newest),
        ({"name": None, "checkpoint_id": str(oldest.checkpoint_id).lower()}, oldest),
    ]:
        result = _restore(lab, service, **options)
        assert code(result) is None, options
        assert result["checkpoint"]["name"] == wanted.name
        assert vm.pointer == wanted.checkpoint_id


def test_missing_or_ambiguous(service: str) -> None:
    lab = make_lab(service)
    vm = lab.world.vm(VMS[service])
    result = _restore(lab, service, name="nonesuch")
    assert code(result) == "missing_checkpoint"
    assert "baseline" in result["msg"]
    assert "later" in result["msg"]
    lab.world.site(service).vmm.create_checkpoint(vm, "baseline", "again")
    lab.advance(5)
    result = _restore(lab, service)
    assert code(result) == "ambiguous"
    ids = [
        point.id if service == "spf" else str(point.checkpoint_id)
        for point in vm.checkpoints
        if point.name == "baseline"
    ]
    assert all(each.lower() in result["msg"].lower() for each in ids)
    assert lab.writes() == 0
    newest = _restore(lab, service, on_ambiguous="newest")
    assert (code(newest), vm.pointer) == (None, vm.checkpoints[-1].checkpoint_id)
    oldest = _restore(lab, service, on_ambiguous="oldest")
    assert (code(oldest), vm.pointer) == (None, vm.checkpoints[0].checkpoint_id)


def test_latest_is_never_the_way_back(service: str) -> None:
    """A safety checkpoint is newer than all: "latest" would undo the restore before."""
    lab = make_lab(service)
    assert code(_restore(lab, service, safety_checkpoint=True)) is None
    result = _restore(lab, service, name=None, select="latest")
    if service == "spf":
        assert (code(result), result["checkpoint"]["name"]) == (None, "later")
    else:
        assert code(result) in (None, "unknown_time")
        assert code(result) or result["checkpoint"]["name"] == "later"
