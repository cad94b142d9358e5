# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy's task on each service, in a world where the clock is ours."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from tests.contract.checkpoints import scenarios
from tests.contract.compute import azure_harness
from tests.support.lab import Lab, Result

SERVICES = ("spf", "scvmm", "compute")
DAY = 86400.0
NIGHTLY: dict[str, Any] = {"prefix": "nightly", "max_age": "20h"}


FOREIGN = {"spf": ["baseline", "later"], "scvmm": ["baseline", "later"], "compute": ["before"]}
"""What somebody else has made."""


def make_lab(service: str, **switches: Any) -> Lab:
    """One VM with checkpoints of somebody else."""
    if service != "compute":
        return scenarios.make_lab(service, **switches)
    given = deepcopy(azure_harness.DOCUMENT)
    given["collections"][0]["points"] = [{"name": name, "days_old": 9} for name in FOREIGN[service]]
    return Lab({"compute": given}, **{**azure_harness.QUICK, **switches})


def vm_of(lab: Lab, service: str) -> str:
    """How a task names the VM."""
    if service == "spf":
        return "web01"
    return lab.arm_vm if service == "scvmm" else lab.azure_vm


def run(lab: Lab, service: str, *, check: bool = False, **options: Any) -> Result:
    """vm_checkpoint_policy of the service's VM."""
    return lab.run("vm_checkpoint_policy", check=check, **{"vm": vm_of(lab, service), **NIGHTLY, **options})


def names(lab: Lab, service: str) -> list[str]:
    """The VM's checkpoints as the world has them."""
    lab.world.settle()
    return azure_harness.names(lab) if service == "compute" else lab.names(scenarios.VMS[service])


def planned(result: Result, action: str) -> list[str]:
    """The names that the plan has with that action."""
    return [each["checkpoint"]["name"] for each in result["plan"]["actions"] if each["action"] == action]


def rules(result: Result) -> dict[str, str]:
    """By name, the rule that decided."""
    return {each["checkpoint"]["name"]: each["rule"] for each in result["plan"]["actions"] if "checkpoint" in each}


def codes(result: Result) -> list[str]:
    """The codes of what is wrong."""
    return [each["code"] for each in result["compliance"]["violations"]]


def deletes(lab: Lab) -> int:
    """How many removals were sent."""
    return len(lab.sent("DELETE")) + len(lab.sent("POST", path="deleteCheckpoint"))
