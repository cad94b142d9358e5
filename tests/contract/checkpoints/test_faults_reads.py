# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A read that runs into the deadline names the VM and the step."""

from __future__ import annotations

import pytest

from tests.contract.checkpoints.scenarios import code, make_lab

pytestmark = pytest.mark.thorough


@pytest.mark.parametrize(
    ("service", "path", "step"),
    [
        ("spf", "VirtualMachines", "looking for vm web01"),
        ("spf", r"VMCheckPoints\?", "listing checkpoints of vm web01"),
        ("scvmm", "virtualMachineInstances", "reading vm app01"),
        ("scvmm", "oauth2", "reading vm app01: signing in"),
    ],
)
@pytest.mark.parametrize("module", ["vm_checkpoint", "vm_checkpoint_info"])
def test_a_read_that_runs_into_the_deadline_names_the_vm_and_the_step(
    service: str, path: str, step: str, module: str
) -> None:
    lab = make_lab(service, spf_expand="ignored")
    lab.world.faults.add(kind="delay", seconds=400, path=path, count=None)
    result = lab.run(module, vm="web01" if service == "spf" else lab.arm_vm, name="later", wait_timeout="30s")
    assert code(result) == "unavailable"
    assert f": {step}: no answer within 30s" in result["msg"]
    assert "raise wait_timeout" in result["msg"]


def test_a_deadline_between_two_reads_names_the_step() -> None:
    lab = make_lab("spf", spf_expand="ignored")
    lab.world.faults.add(kind="delay", seconds=29.999, path="VirtualMachines")
    lab.world.faults.add(kind="status", status=429, path=r"VMCheckPoints\?", count=None)
    result = lab.run("vm_checkpoint_info", vms=["web01"], wait_timeout="30s")
    assert code(result) == "unavailable"
    assert "reading vm web01" in result["msg"] or "listing checkpoints of vm web01" in result["msg"]
