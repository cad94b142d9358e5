# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks that trouble is made for, on both services: what they begin with, ask for, and must bring about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import codes
from tests.support.lab import Lab, Result

SERVICES = ("spf", "scvmm")
VMS = {"spf": "web01", "scvmm": "app01"}
BROKEN = "version = broken\n"
QUICK = {"create_takes": "1s", "restore_takes": "1s", "delete_takes": "1s", "update_takes": "1s", "power_takes": "1s"}


def document(service: str) -> dict[str, Any]:
    """One VM with two checkpoints, the second on top of the first, and one beside it that nothing may touch."""
    vm = {
        "name": VMS[service],
        "files": {"/etc/app.conf": "version = 1\n"},
        "checkpoints": [
            {"name": "baseline", "description": "after installation", "days_old": 12},
            {"name": "later", "description": "after patching", "days_old": 2},
        ],
    }
    other = {"name": f"beside-{VMS[service]}", "checkpoints": [{"name": "later", "days_old": 3}]}
    return {service: {"vms": [vm, other]}}


def make_lab(service: str, **switches: Any) -> Lab:
    """A fresh world of that service, its guest broken since the last checkpoint."""
    lab = Lab(document(service), **{**QUICK, **switches})
    lab.world.vm(VMS[service]).files["/etc/app.conf"] = BROKEN
    return lab


@dataclass(frozen=True)
class Scenario:
    """One task. `path` finds its write among the requests; `job` is the job kind that does it."""

    name: str
    module: str = "vm_checkpoint"
    options: dict[str, Any] = field(default_factory=dict)
    job: str | None = None

    def run(self, lab: Lab, service: str, **options: Any) -> Result:
        """The task on its VM."""
        vm = VMS[service] if service == "spf" else lab.arm_vm
        return lab.run(self.module, vm=vm, **{**self.options, **options})

    def is_done(self, lab: Lab, service: str) -> bool:
        """Whether the world is as the task asks."""
        vm = lab.world.vm(VMS[service])
        names = [point.name for point in vm.checkpoints]
        wanted: dict[str, Callable[[], bool]] = {
            "create": lambda: names.count("new") == 1,
            "restore": lambda: vm.files["/etc/app.conf"] != BROKEN,
            "restore to current": lambda: vm.files["/etc/app.conf"] != BROKEN,
            "delete": lambda: "later" not in names,
            "update": lambda: vm.checkpoints[0].description == "described anew",
            "info": lambda: True,
        }
        return wanted[self.name]()


SCENARIOS = [
    Scenario("create", options={"name": "new"}, job="create"),
    Scenario("restore", "vm_checkpoint_restore", {"name": "baseline"}, job="restore"),
    Scenario("restore to current", "vm_checkpoint_restore", {"name": "later"}, job="restore"),
    Scenario("delete", options={"name": "later", "state": "absent"}, job="delete"),
    Scenario("update", options={"name": "baseline", "description": "described anew"}, job="update"),
    Scenario("info", "vm_checkpoint_info"),
]
CASES = [(service, case) for service in SERVICES for case in SCENARIOS if (service, case.name) != ("scvmm", "update")]
IDS = [f"{service}-{case.name}" for service, case in CASES]


@cache
def requests_of(service: str, name: str) -> tuple[tuple[str, str], ...]:
    """Method and path of each request of the task when nothing goes wrong."""
    lab = make_lab(service)
    case = next(each for each in SCENARIOS if each.name == name)
    result = case.run(lab, service)
    assert "error" not in result
    assert case.is_done(lab, service)
    return tuple((request.method, request.url.path) for request in lab.requests)


def is_write(method: str, path: str) -> bool:
    """Whether a request changes something; a token request does not."""
    return method != "GET" and "/oauth2/" not in path


def code(result: Result) -> str | None:
    """The error's code, one of the closed list, or None for success."""
    if "error" not in result:
        return None
    assert result["error"]["code"] in codes(), result["error"]
    assert result["error"]["message"]
    assert "\n" not in result["msg"]
    found: str = result["error"]["code"]
    return found


def stable_part(result: Result) -> dict[str, Any]:
    """What a result says, without what differs from run to run: times, ids of jobs, ids of what was made."""
    kept = {key: value for key, value in result.items() if key not in ("timing", "operation", "diff")}
    checkpoint = kept.pop("checkpoint", None)
    if checkpoint:
        kept["checkpoint"] = {key: checkpoint[key] for key in ("name", "description", "depth", "current", "usable")}
    if "checkpoints" in kept:
        kept["checkpoints"] = [{**each, "age_seconds": None} for each in kept["checkpoints"]]
    return kept
