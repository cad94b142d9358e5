# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore in place whose module is killed (SIGKILL) at each of its writes: each retry goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any

import pytest

from tests.support.waiting import until

from .both_ways import AS_MODULE
from .support import COLLECTION, Ansible, Simulator, descendants, play

pytestmark = pytest.mark.thorough

MODULE = "AnsiballZ_vm_checkpoint_restore"
HELD = "hold"
# All there are, in order; each waits until the module has been killed, and is then heard all the same.
WRITES = [
    ("PUT", "/disks/shop01-os-", 1),
    ("PUT", "/disks/shop01-lun0-", 1),
    ("POST", "/shop01/deallocate", 1),
    ("PATCH", "/virtualMachines/shop01[?]", 1),  # the old disks are to outlive the VM
    ("PATCH", "/virtualMachines/shop01[?]", 2),  # the swap
    ("POST", "/shop01/start", 1),
    ("PATCH", "/disks/shop01-lun0-", 1),  # the run is marked as done
    ("PATCH", "/disks/shop01-os-", 1),
]
GOOD = ["version = 1\n", "1 2 3\n"]
BROKEN = ["broken", "broken"]
FILES = [("os", "/etc/shop.conf"), ("0", "/data/orders")]


def _point(simulator: Simulator, ansible: Ansible) -> None:
    vm = {"vm": simulator.azure("virtualMachines", "shop01"), "name": "before-upgrade"}
    run = ansible.run([play("Point", [{"name": "Create", f"{COLLECTION}.vm_checkpoint": vm}], simulator.environment)])
    assert run.code == 0, run.stdout + run.stderr


def _spoil(simulator: Simulator) -> None:
    for disk, path in FILES:
        simulator.control("PUT", f"/guest/compute/shop01?path={path}&disk={disk}", "broken")
    assert _guest(simulator) == [f'"{text}"' for text in BROKEN]


def _guest(simulator: Simulator) -> list[str]:
    return [simulator.control("GET", f"/guest/compute/shop01?path={path}&disk={disk}") for disk, path in FILES]


def _restore(simulator: Simulator, retries: int) -> list[dict[str, Any]]:
    options = {"vm": simulator.azure("virtualMachines", "shop01"), "name": "before-upgrade", "restore_key": "job-4711"}
    task = {
        "name": "Restore",
        f"{COLLECTION}.vm_checkpoint_restore": options,
        "register": "restored",
        "until": "restored is succeeded",
        "retries": retries,
        "delay": 0,
    }
    return [play("Restore", [task, {**task, "name": "Again"}], simulator.environment)]


def _end(simulator: Simulator) -> dict[str, Any]:
    """What must not depend on how often the module died."""
    compute = simulator.control("GET", "/world")["compute"]
    vm = next(each for each in compute["vms"] if each["name"] == "shop01")
    attached = [vm["os_disk"], *vm["data_disks"]]
    return {
        "guest": _guest(simulator),
        "power": vm["power"],
        "attached": [(held.get("lun"), held["name"], held["caching"], held["tags"]) for held in attached],
        "left": sorted(disk["name"] for disk in compute["disks"]),
    }


def _writes(simulator: Simulator) -> list[dict[str, Any]]:
    journal = simulator.control("GET", "/journal")
    return [entry for entry in journal if entry["method"] != "GET" and "/oauth2/" not in entry["target"]]


def _kill_module(playbook: subprocess.Popen[str]) -> int:
    """SIGKILL to the module that this ansible-playbook runs; its pid."""
    # The shell that runs it bears its name too, and stays.
    leaf = max(pid for pid, command in descendants(playbook.pid).items() if MODULE in command)
    os.kill(leaf, signal.SIGKILL)
    return leaf


def _await_held_write(simulator: Simulator, number: int) -> None:
    """Until so many writes have been met by the fault."""

    def came() -> bool:
        held = [entry for entry in simulator.control("GET", "/journal") if entry["fault"] == HELD]
        return len(held) >= number

    until(came, f"write {number} comes")


def test_killed_at_each_write_it_ends_in_the_same_place(simulator: Simulator, ansible: Ansible) -> None:
    simulator.control("POST", "/switches", {"compute_vm_retry_after": 0})
    _point(simulator, ansible)
    _spoil(simulator)
    world = simulator.control("GET", "/world")
    simulator.control("DELETE", "/journal")
    run = ansible.run(_restore(simulator, 0))
    assert [line["result"]["changed"] for line in run.results] == [True, False], run.stdout + run.stderr
    whole = _end(simulator)
    assert len(_writes(simulator)) == len(WRITES), "a step that nothing is killed at"
    assert (whole["guest"], whole["power"]) == (GOOD, "running")

    simulator.control("POST", "/world", world)
    assert _end(simulator)["guest"] != GOOD
    faults = [{"kind": HELD, "method": method, "path": path, "nth": nth} for method, path, nth in WRITES]
    simulator.control("POST", "/faults", {"faults": faults})
    simulator.control("DELETE", "/journal")
    process = ansible.start(_restore(simulator, len(WRITES)), **AS_MODULE)
    killed = set()
    for number in range(1, len(WRITES) + 1):
        _await_held_write(simulator, number)
        killed.add(_kill_module(process))
        simulator.control("DELETE", "/faults/held")
    run = ansible.collect(process)
    assert run.code == 0, run.stdout + run.stderr
    assert len(killed) == len(WRITES)
    assert run.of("Restore")["attempts"] == 1 + len(WRITES)
    assert run.of("Again")["changed"] is False
    assert _end(simulator) == whole
