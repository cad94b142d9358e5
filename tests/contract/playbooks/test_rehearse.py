# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/simulator.md tells those who rehearse their own playbooks: the environment tools/rehearse.py prints."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

from tests.support.simulator_server import ROOT

from .support import COLLECTION, Ansible, Simulator, play

TOOL = ROOT / "tools/rehearse.py"


def test_a_playbook_without_connection_options_runs_against_it(
    simulator: Simulator, ansible: Ansible, tmp_path: Path
) -> None:
    ready = tmp_path / "ready.json"
    ready.write_text(json.dumps(simulator.ready))
    printed = subprocess.run([sys.executable, str(TOOL), str(ready)], check=True, capture_output=True, text=True).stdout
    words = [shlex.split(line) for line in printed.splitlines()]
    assert all(word[0] == "export" and len(word) == 2 for word in words)
    told = dict(word[1].split("=", 1) for word in words)
    assert told.pop("ANSIBLE_COLLECTIONS_PATH") == str(ROOT / "build")
    assert told == simulator.environment
    vms = ["web01", simulator.arm_vm("app01"), simulator.azure("virtualMachines", "shop01")]
    task = {"name": "Look", f"{COLLECTION}.vm_checkpoint_info": {"vms": vms}}
    run = ansible.run([play("Rehearsal", [task], told)])
    assert run.code == 0, run.stdout + run.stderr
    assert [vm["provider"] for vm in run.of("Look")["vms"]] == ["spf", "scvmm", "compute"]


def test_without_a_ready_file_it_says_how_it_is_used(tmp_path: Path) -> None:
    command = [sys.executable, str(TOOL), str(tmp_path / "none")]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (2, "")
    assert "usage: rehearse.py READY_FILE" in run.stderr
