# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docs/simulator.md tells those who rehearse their own playbooks: the environment tools/rehearse.py prints."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.simulator_server import ROOT

from .support import COLLECTION, Ansible, Simulator, play

TOOL = ROOT / "tools/rehearse.py"
DOCUMENT = ROOT / "docs/simulator.md"
TREE = ROOT / "build" / "ansible_collections" / "hybridvm" / "checkpoints"


def exported(ready: Path, cwd: Path, tool: Path = TOOL, /, **environment: str) -> dict[str, str]:
    """What the tool prints, as an environment; its own has no settings for Ansible but these."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    run = subprocess.run(
        [sys.executable, str(tool), str(ready)],
        check=True,
        capture_output=True,
        text=True,
        cwd=cwd,
        env={**clean, **environment},
    )
    words = [shlex.split(line) for line in run.stdout.splitlines()]
    assert all(word[0] == "export" and len(word) == 2 for word in words)
    return dict(word[1].split("=", 1) for word in words)


@pytest.fixture
def ready(simulator: Simulator, tmp_path: Path) -> Path:
    """The ready file of the simulator."""
    file = tmp_path / "ready.json"
    file.write_text(json.dumps(simulator.ready))
    return file


def test_a_playbook_without_connection_options_runs_against_it(
    simulator: Simulator, ansible: Ansible, ready: Path, tmp_path: Path
) -> None:
    exports = exported(ready, tmp_path)
    del exports["ANSIBLE_COLLECTIONS_PATH"]
    assert exports == simulator.environment
    vms = ["web01", simulator.arm_vm("app01"), simulator.azure("virtualMachines", "shop01")]
    task = {"name": "Look", f"{COLLECTION}.vm_checkpoint_info": {"vms": vms}}
    run = ansible.run([play("Rehearsal", [task], exports)])
    assert run.code == 0, run.stdout + run.stderr
    assert [vm["provider"] for vm in run.of("Look")["vms"]] == ["spf", "scvmm", "compute"]


@pytest.mark.thorough
def test_the_users_own_collections_stay_visible(ready: Path, tmp_path: Path) -> None:
    def paths(**environment: str) -> list[str]:
        return exported(ready, tmp_path, **environment)["ANSIBLE_COLLECTIONS_PATH"].split(":")

    own, default = str(ROOT / "build"), [f"{tmp_path}/.ansible/collections", "/usr/share/ansible/collections"]
    assert paths(HOME=str(tmp_path)) == [own, *default]
    assert paths(ANSIBLE_COLLECTIONS_PATH="/a:/b") == [own, "/a", "/b"]
    assert paths(ANSIBLE_COLLECTIONS_PATH=f"/a:{own}") == [own, "/a"]  # a second time in one shell
    (tmp_path / "ansible.cfg").write_text("[defaults]\ncollections_path = mine\n")
    assert paths() == [own, str(tmp_path / "mine")]


@pytest.mark.thorough
def test_a_playbook_finds_another_collection_beside_this_one(ready: Path, ansible: Ansible, tmp_path: Path) -> None:
    plugins = tmp_path / "collections/ansible_collections/acme/other/plugins/modules"
    plugins.mkdir(parents=True)
    (plugins / "hello.py").write_text('#!/usr/bin/python\nprint(\'{"changed": false, "hello": "there"}\')\n')
    path = exported(ready, tmp_path, ANSIBLE_COLLECTIONS_PATH=str(tmp_path / "collections"))
    tasks = [{"name": "Greet", "acme.other.hello": {}}]
    run = ansible.run([play("Both", tasks, {})], ANSIBLE_COLLECTIONS_PATH=path["ANSIBLE_COLLECTIONS_PATH"])
    assert run.code == 0, run.stdout + run.stderr
    assert run.of("Greet")["hello"] == "there"


@pytest.mark.thorough
def test_an_installed_collection_puts_its_own_place_first(ready: Path, tmp_path: Path) -> None:
    tool = tmp_path / "installed/ansible_collections/hybridvm/checkpoints/tools/rehearse.py"
    tool.parent.mkdir(parents=True)
    tool.write_bytes(TOOL.read_bytes())
    path = exported(ready, tmp_path, tool, ANSIBLE_COLLECTIONS_PATH="/a")["ANSIBLE_COLLECTIONS_PATH"]
    assert path == f"{tmp_path / 'installed'}:/a"


@pytest.mark.thorough
def test_it_needs_no_ansible_in_its_own_python(ready: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    command = [str(tmp_path / "bare/bin/python"), str(TOOL), str(ready)]
    for given, rest in (("/a:/b", "/a:/b"), ("", f"{tmp_path}/.ansible/collections:/usr/share/ansible/collections")):
        environment = {"HOME": str(tmp_path), **({"ANSIBLE_COLLECTIONS_PATH": given} if given else {})}
        run = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert f"export ANSIBLE_COLLECTIONS_PATH={ROOT / 'build'}:{rest}\n" in run.stdout


def test_without_a_ready_file_it_says_how_it_is_used(tmp_path: Path) -> None:
    command = [sys.executable, str(TOOL), str(tmp_path / "none")]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (run.returncode, run.stdout) == (2, "")
    assert "usage: rehearse.py READY_FILE" in run.stderr


def test_the_commands_of_the_document_work_as_they_stand(ready: Path, tmp_path: Path) -> None:
    """But for the place of the ready file, the name of the playbook, and the directory of the environment."""
    (block,) = [
        each for each in re.findall(r"```\n(.*?)```", DOCUMENT.read_text(), re.S) if "your-playbook.yml" in each
    ]
    tasks = [{"name": "Look", f"{COLLECTION}.vm_checkpoint": {"vm": "web01", "name": "new"}}]
    (tmp_path / "play.json").write_text(json.dumps([{"name": "Mine", "hosts": "localhost", "tasks": tasks}]))
    block = block.replace("/tmp/ready.json", str(ready)).replace("your-playbook.yml", str(tmp_path / "play.json"))
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    subprocess.run([sys.executable, "tools/tree.py", str(TREE)], cwd=ROOT, check=True, env=with_path(clean))
    script = block.replace(".venv/bin", str(Path(sys.executable).parent))
    run = subprocess.run(
        ["bash", "-euc", script],
        cwd=ROOT,
        env={**clean, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "(new)" in run.stdout


def with_path(environment: dict[str, str]) -> dict[str, str]:
    """The same, with the commands of this Python's environment."""
    return {**environment, "PATH": f"{Path(sys.executable).parent}:{environment['PATH']}"}
