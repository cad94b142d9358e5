# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A playbook killed (SIGKILL) at its requests in turn, run again after the service has settled, and compared.

Each request is held up until everything is dead, and then reaches the service all the same: the worst that can happen.
`make killed` (EVERY=1) does that for every task and every request; `make test WHOLE=1` for two tasks and their writes.
"""

from __future__ import annotations

import os
import re
from typing import Any

import pytest

from tests.support.waiting import until

from .support import COLLECTION, Ansible, Run, Simulator, play

pytestmark = pytest.mark.thorough

EVERY = os.environ.get("EVERY") == "1"
MARK = re.compile(r"\n*\[hybridvm\.checkpoints [^\]]*\]$")
KEYED = {"restore_key": "job-4711"}
CASES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "create on SPF": ("vm_checkpoint", "web01", {"name": "before", "description": "by the pipeline"}),
    "create on Arc": ("vm_checkpoint", "app01", {"name": "before", "description": "by the pipeline"}),
    "create on Azure": ("vm_checkpoint", "shop01", {"name": "before"}),
    "delete on SPF": ("vm_checkpoint", "web01", {"name": "baseline", "state": "absent"}),
    "delete on Arc": ("vm_checkpoint", "app01", {"name": "baseline", "state": "absent"}),
    "restore on SPF": ("vm_checkpoint_restore", "web01", {"name": "baseline", "safety_checkpoint": True, **KEYED}),
    "restore on Arc": ("vm_checkpoint_restore", "app01", {"name": "baseline", "safety_checkpoint": True, **KEYED}),
}
QUICK = ("create on SPF", "restore on Arc")


def _plays(simulator: Simulator, case: str, **more: Any) -> list[dict[str, Any]]:
    module, vm, options = CASES[case]
    ids = {"app01": simulator.arm_vm("app01"), "shop01": simulator.azure("virtualMachines", "shop01")}
    task = {"name": "Do", f"{COLLECTION}.{module}": {"vm": ids.get(vm, vm), **options, **more}}
    return [play("Once", [task], simulator.environment)]


def _done(run: Run) -> bool:
    """Whether a playbook that succeeded has changed anything."""
    assert run.code == 0, run.stdout + run.stderr
    return bool(run.of("Do")["changed"])


def _end(simulator: Simulator) -> dict[str, Any]:
    """What must not depend on how often the playbook died: no ids, no times, no nonces."""
    world = simulator.control("GET", "/world")
    found: dict[str, Any] = {}
    for service in ("spf", "scvmm"):
        for vm in world[service]["vms"]:
            points = {point["checkpoint_id"]: point["name"] for point in vm["checkpoints"]}
            shown = sorted((point["name"], MARK.sub("", point["description"] or "")) for point in vm["checkpoints"])
            found[vm["name"]] = (shown, points.get(vm["pointer"]), vm["files"], vm["power"])
    collections = world["compute"].get("collections", [])
    found["compute"] = sorted((each["name"], sorted(p["name"] for p in each["points"])) for each in collections)
    return found


def _settle(simulator: Simulator) -> None:
    simulator.control("POST", "/clock", {"advance": 3600})


def _whole(simulator: Simulator, ansible: Ansible, case: str) -> tuple[list[int], list[int], dict[str, Any]]:
    """Which requests to die at, which are writes, and the end of a run that nobody disturbs."""
    simulator.control("DELETE", "/journal")
    assert _done(ansible.run(_plays(simulator, case)))
    journal = simulator.control("GET", "/journal")
    writes = [n for n, entry in enumerate(journal, 1) if entry["method"] != "GET" and "/oauth2/" not in entry["target"]]
    assert writes, case
    _settle(simulator)
    return list(range(1, len(journal) + 1)) if EVERY else writes, writes, _end(simulator)


def _killed_at(simulator: Simulator, ansible: Ansible, case: str, number: int) -> None:
    """Start it, kill it while that request is held up, and wait until the service has heard the request."""
    simulator.control("POST", "/faults", {"kind": "hold", "nth": number})
    simulator.control("DELETE", "/journal")
    process = ansible.start(_plays(simulator, case))
    until(lambda: len(simulator.control("GET", "/journal")) >= number, f"request {number} comes")
    ansible.kill(process)
    simulator.control("DELETE", "/faults")
    until(lambda: simulator.control("GET", "/journal")[number - 1]["status"], f"request {number} is heard")


@pytest.mark.parametrize("case", CASES if EVERY else QUICK)
def test_killed_and_run_again_once_the_service_has_settled(simulator: Simulator, ansible: Ansible, case: str) -> None:
    numbers, _writes, whole = _whole(simulator, ansible, case)
    for number in numbers:
        simulator.control("POST", "/reset")
        _killed_at(simulator, ansible, case, number)
        _settle(simulator)
        _done(ansible.run(_plays(simulator, case)))
        _settle(simulator)
        assert _end(simulator) == whole, f"killed at request {number}"
    # Done is done: the last of them once more. (A restore without its key would be an act again.)
    assert not _done(ansible.run(_plays(simulator, case)))
    assert _end(simulator) == whole


@pytest.mark.parametrize("case", ["create on SPF", "create on Azure"])
def test_run_again_at_once_it_joins_what_runs(simulator: Simulator, ansible: Ansible, case: str) -> None:
    """No waiting is needed where the service shows what is in progress."""
    _numbers, writes, whole = _whole(simulator, ansible, case)
    simulator.control("POST", "/reset")
    _killed_at(simulator, ansible, case, writes[-1])
    _done(ansible.run(_plays(simulator, case)))
    _settle(simulator)
    assert _end(simulator) == whole


def test_run_again_at_once_where_arc_hides_the_first_it_makes_two(simulator: Simulator, ansible: Ansible) -> None:
    """The limit that docs/semantics.md states: both are kept, and the next run changes nothing."""
    case = "create on Arc"
    _numbers, writes, _end_of_one = _whole(simulator, ansible, case)
    simulator.control("POST", "/reset")
    simulator.control("POST", "/switches", {"create_takes": "0s", "arc_stale_seconds": 3000.0})
    _killed_at(simulator, ansible, case, writes[0])
    again = ansible.run(_plays(simulator, case, settle_time="1s"))
    assert again.of("Do")["error"]["code"] == "not_proven", again.stdout  # its own create is hidden, too
    _settle(simulator)
    assert simulator.names("app01").count("before") == 2
    assert not _done(ansible.run(_plays(simulator, case)))
    assert simulator.names("app01").count("before") == 2
