# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task in the background, and one that is killed: the next run finds what it began and makes no second one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.simulator_server import ROOT
from tests.support.waiting import HANG

from .support import COLLECTION, Ansible, Simulator, play

HOURS = 10 * 3600  # of simulated time: nothing that takes so long ends before the clock is put forward
MODULE = f"ansible_collections.{COLLECTION}.plugins.modules.vm_checkpoint"


@pytest.mark.thorough
def test_async_and_poll(simulator: Simulator, ansible: Ansible) -> None:
    options = {"vms": ["web01", simulator.arm_vm("app01")], "name": "in the background"}
    task = {"name": "Create", f"{COLLECTION}.vm_checkpoint": options, "async": int(HANG), "poll": 1}
    run = ansible.run([play("Async", [task], simulator.environment)])
    assert run.code == 0, run.stdout + run.stderr
    (result,) = (line["result"] for line in run.results if line["task"] == "Create")
    assert [vm["status"] for vm in result["vms"]] == ["changed", "changed"]
    assert simulator.names("web01")[-1] == simulator.names("app01")[-1] == "in the background"


@contextmanager
def _module(simulator: Simulator, ansible: Ansible, options: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """The module as ansible runs it, alone in a process."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "SPF_", "AZURE_"))}
    path = os.pathsep.join([str(ansible.collections), str(ROOT)])
    process = subprocess.Popen(
        [sys.executable, "-m", MODULE],
        env={**kept, **simulator.environment, "PYTHONPATH": path},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "poll_interval": "200ms"}}))
    process.stdin.close()
    process.stdin = None
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.mark.thorough
def test_the_run_after_a_killed_one_joins_what_it_began(simulator: Simulator, ansible: Ansible) -> None:
    simulator.control("POST", "/switches", {"create_takes": f"{HOURS}s"})
    simulator.control("DELETE", "/journal")
    options = {"vm": "web01", "name": "interrupted"}
    with _module(simulator, ansible, options) as first:
        simulator.wait_for("POST", "/VMCheckPoints")
        first.send_signal(signal.SIGKILL)
        stdout, stderr = first.communicate(timeout=HANG)
    assert first.returncode == -signal.SIGKILL, stdout + stderr

    assert simulator.control("GET", "/counters")["writes"] == 1
    simulator.control("DELETE", "/journal")
    with _module(simulator, ansible, options) as second:
        simulator.wait_for("GET", "/Jobs")  # it has seen what runs, and looks how far that is
        simulator.control("POST", "/clock", {"advance": HOURS})
        stdout, stderr = second.communicate(timeout=HANG)
    assert second.returncode == 0, stdout + stderr
    result = json.loads(stdout)
    assert not result["changed"]
    assert result["checkpoint"]["name"] == "interrupted"
    assert result["checkpoint"]["usable"]
    assert simulator.names("web01") == ["baseline", "interrupted"]
    assert simulator.control("GET", "/counters")["writes"] == 0


@pytest.mark.parametrize(
    "sent",
    [
        (signal.SIGINT,),
        (signal.SIGHUP,),
        (signal.SIGTERM, signal.SIGTERM),
        (signal.SIGINT, signal.SIGTERM),  # a controller that stops its workers sends two
        (signal.SIGHUP, signal.SIGTERM),
    ],
    ids=lambda sent: "+".join(each.name for each in sent),
)
def test_a_signal_ends_the_module_with_what_it_has_started(
    simulator: Simulator, ansible: Ansible, sent: tuple[signal.Signals, ...]
) -> None:
    simulator.control("POST", "/switches", {"create_takes": f"{HOURS}s"})
    simulator.control("DELETE", "/journal")
    with _module(simulator, ansible, {"vm": "web01", "name": "interrupted"}) as process:
        simulator.wait_for("GET", "/Jobs")  # the create was accepted, and is watched
        for each in sent:
            process.send_signal(each)
        stdout, stderr = process.communicate(timeout=HANG)
    assert (process.returncode, stderr) == (1, "")
    result = json.loads(stdout)
    assert (result["failed"], result["changed"], result["error"]["code"]) == (True, True, "interrupted")
    # Of two, each may go to another thread of the module, so that on a busy machine the second one arrives first.
    assert any(each.name in result["msg"] for each in sent), result["msg"]
    assert result["error"]["operation"]["id"] == result["operation"]["id"]
    assert simulator.control("GET", "/counters")["writes"] == 1
