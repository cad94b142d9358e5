# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint holds the VM's hardware: the plan says so, and an adapter that comes back unplugged is named."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import SERVICES, VMS, code, make_lab
from tests.support.lab import Lab

MAC = "00:1D:D8:B7:1C:05"
NICS = [
    {"name": "front", "mac": "00:1D:D8:B7:1C:04", "network_name": "prod"},
    {"name": "back", "mac": MAC, "network_name": "storage"},
]


def _lab(network: str) -> Lab:
    vm: dict[str, Any] = {"name": "app01", "nics": NICS, "checkpoints": [{"name": "baseline", "days_old": 1}]}
    lab = Lab({"scvmm": {"vms": [vm]}}, arc_restored_nic_network=network)
    vm_now = lab.world.vm("app01")
    vm_now.hardware = replace(vm_now.hardware, nics=vm_now.hardware.nics[:1])
    return lab


@pytest.mark.parametrize(("network", "expected"), [("lost", True), ("kept", False)])
def test_an_adapter_that_comes_back_without_its_network_is_named(network: str, expected: bool) -> None:
    lab = _lab(network)
    result = lab.run("vm_checkpoint_restore", vm=lab.arm_vm, name="baseline")
    assert (code(result), len(lab.world.vm("app01").hardware.nics)) == (None, 2)
    named = [text for text in result["warnings"] if "network adapter" in text]
    assert bool(named) is expected
    if expected:
        assert MAC in named[0]
        assert "without a network; connect it" in named[0]


@pytest.mark.parametrize("service", SERVICES)
def test_the_plan_says_what_comes_back(service: str) -> None:
    lab = make_lab(service)
    vm = VMS[service] if service == "spf" else lab.arm_vm
    plan = lab.run("vm_checkpoint_restore", vm=vm, name="baseline", check=True)["plan"]
    (restore,) = (action for action in plan["actions"] if action["action"] == "restore")
    assert "network adapters included" in restore["restores"]
