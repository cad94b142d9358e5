# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arc: a VM whose checkpoints are disabled (`checkpointType`), or that lies in the library, gets none by the plan."""

from __future__ import annotations

import pytest

from tests.contract.checkpoints.scenarios import VMS, code, make_lab

checks = pytest.mark.parametrize("check", [True, False])


@checks
@pytest.mark.parametrize("word", ["Disabled", "disabled"])
def test_a_create_is_refused_by_the_plan(word: str, check: bool) -> None:
    lab = make_lab("scvmm")
    lab.world.vm(VMS["scvmm"]).checkpoint_type = word
    results = [
        lab.run("vm_checkpoint", check=check, vm=lab.arm_vm, name="new"),
        lab.run("vm_checkpoint", check=check, vm=lab.arm_vm, name="later", max_age="1h"),
        lab.run("vm_checkpoint_restore", check=check, vm=lab.arm_vm, name="later", safety_checkpoint=True),
    ]
    for result in results:
        assert code(result) == "vm_state", result.get("msg")
        assert "its checkpoints are disabled (checkpointType is" in result["error"]["message"]
        assert "Production" in result["error"]["remedy"]
        assert result["error"]["retry"] == "never"
    assert lab.sent() == []


@checks
def test_what_needs_no_new_one_goes_on(check: bool) -> None:
    lab = make_lab("scvmm")
    lab.world.vm(VMS["scvmm"]).checkpoint_type = "Disabled"
    kept = lab.run("vm_checkpoint", check=check, vm=lab.arm_vm, name="later")
    assert (code(kept), kept["changed"]) == (None, False)
    assert code(lab.run("vm_checkpoint_info", vm=lab.arm_vm)) is None
    gone = lab.run("vm_checkpoint", check=True, vm=lab.arm_vm, name="later", state="absent")
    restored = lab.run("vm_checkpoint_restore", check=True, vm=lab.arm_vm, name="later")
    assert (code(gone), gone["changed"], code(restored), restored["changed"]) == (None, True, None, True)


@pytest.mark.parametrize("word", ["Production", "ProductionOnly", "Standard", ""])
def test_any_other_kind_is_no_obstacle(word: str) -> None:
    lab = make_lab("scvmm")
    lab.world.vm(VMS["scvmm"]).checkpoint_type = word
    made = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")
    assert (code(made), made["changed"]) == (None, True)


@checks
def test_a_vm_in_the_library_takes_no_checkpoint_work(check: bool) -> None:
    """As on SPF: VMM makes and restores checkpoints of VMs on a host alone (bb740891)."""
    lab = make_lab("scvmm")
    lab.world.vm(VMS["scvmm"]).power = "Stored"
    results = [
        lab.run("vm_checkpoint", check=check, vm=lab.arm_vm, name="new"),
        lab.run("vm_checkpoint_restore", check=check, vm=lab.arm_vm, name="later"),
        lab.run("vm_checkpoint", check=check, vm=lab.arm_vm, name="later", state="absent"),
    ]
    for result in results:
        assert (code(result), result["changed"]) == ("vm_state", False), result.get("msg")
        assert "its state is Stored, in which Arc-enabled SCVMM allows no checkpoint work" in result["error"]["message"]
    assert lab.sent() == []
