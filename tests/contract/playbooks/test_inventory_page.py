# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages on the inventory and on execution environments: their files, commands and outputs, as they stand."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.simulator_server import ROOT

from .inventories import list_hosts
from .support import Ansible, Simulator

INVENTORY = (ROOT / "docs/inventory.md").read_text()
ENVIRONMENTS = (ROOT / "docs/execution-environments.md").read_text()


def _files(text: str, directory: Path) -> None:
    """Write the files that a page shows: blocks of YAML that begin with a name."""
    for block in re.findall(r"```yaml\n(.*?)```", text, re.S):
        name = block.splitlines()[0].removeprefix("# ")
        (directory / name).write_text(block)


def _blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", text, re.S)


def _commands(text: str, program: str) -> list[list[str]]:
    return [shlex.split(line) for line in re.findall(rf"^    ({program} .*)$", text, re.M)]


def _run(command: list[str], ansible: Ansible, directory: Path) -> str:
    """What it prints."""
    program, *arguments = command
    environment = ansible.environment(**ansible.simulator.environment)
    run = subprocess.run(
        [sys.executable, str(Path(sys.executable).parent / program), *arguments],
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


def test_the_inventory_s_page(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    _files(INVENTORY, tmp_path)
    graph, host = _commands(INVENTORY, "ansible-inventory")
    once, flushed = _commands(INVENTORY, "ansible-playbook")
    assert _run(graph, ansible, tmp_path).rstrip() == _blocks(INVENTORY, "text")[0].rstrip()
    shown, documented = json.loads(_run(host, ansible, tmp_path)), json.loads(_blocks(INVENTORY, "json")[0])
    assert [(key, type(value)) for key, value in shown.items()] == [
        (key, type(value)) for key, value in documented.items()
    ]
    assert {key for key in shown if shown[key] == documented[key]} >= set(documented) - {
        "checkpoint_host_id",
        "checkpoint_newest_age_seconds",
        "checkpoint_newest_created",
        "checkpoint_newest_id",
        "checkpoint_vm",
        "checkpoint_vm_id",
    }
    _run(once, ansible, tmp_path)
    after = list_hosts(ansible, tmp_path / "nightly.checkpoints.yml")
    assert after.group("no_fresh_checkpoint") == ["gold-image"]
    assert "skipping: no hosts matched" in _run(flushed, ansible, tmp_path)


def test_every_variable_and_group_has_a_row(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    rows = re.findall(r"^\| (`.*?) \|", INVENTORY, re.M)
    documented = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    _files(INVENTORY, tmp_path)
    listed = list_hosts(ansible, tmp_path / "nightly.checkpoints.yml")
    groups = {"no_fresh_checkpoint", "no_usable_checkpoint", "checkpoints_refused", "checkpoints_unreadable"}
    assert documented == set(listed.vars("web01")) | groups


def test_the_plugins_documentation_names_every_variable(ansible: Ansible, tmp_path: Path) -> None:
    documented = _run(["ansible-doc", "-t", "inventory", "-j", "hybridvm.checkpoints.vms"], ansible, tmp_path)
    doc: dict[str, Any] = json.loads(documented)["hybridvm.checkpoints.vms"]["doc"]
    named = set(re.findall(r"C\((checkpoint_\w+)\)", " ".join(doc["description"])))
    assert named == set(json.loads(_blocks(INVENTORY, "json")[0]))


def test_the_play_for_slices_works(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    _files(INVENTORY, tmp_path)
    _files(ENVIRONMENTS, tmp_path)  # its nightly.yml in place of the other one
    assert "run_once" in yaml.safe_load((tmp_path / "nightly.yml").read_text())[0]["tasks"][0]
    (once, _flushed) = _commands(INVENTORY, "ansible-playbook")
    assert "changed=1" in _run(once, ansible, tmp_path)
    assert list_hosts(ansible, tmp_path / "nightly.checkpoints.yml").group("no_fresh_checkpoint") == ["gold-image"]


def test_the_build_context_is_written(tmp_path: Path) -> None:
    if shutil.which("ansible-builder") is None:
        pytest.skip("ansible-builder is not there: it is in requirements-tools.txt, which make installs")
    shutil.copy(ROOT / "docs/examples/execution-environment.yml", tmp_path)
    create, _build = _commands(ENVIRONMENTS, "ansible-builder")
    subprocess.run(create, cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "context/_build/requirements.txt").is_file()
