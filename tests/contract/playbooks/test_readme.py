# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the README tells people to do works as it stands: the ways to install the collection, and its plays."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.simulator_server import ROOT

from .both_ways import AS_MODULE
from .support import Ansible, Run, Simulator

TEXT = (ROOT / "README.md").read_text()
REPOSITORY = "https://github.com/hybridvm/checkpoints.git"
SPF = "https://spf.contoso.com:8090"
COMMANDS = re.findall(r"((?:^    \S.*\n)+)", TEXT, re.M)
PLAYS = [play for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.S) for play in yaml.safe_load(block)]


def installing() -> list[str]:
    """The blocks of commands in the README's part on installing, but for make's."""
    part = TEXT.partition("## Installation")[2].partition("\n## ")[0]
    return [block for block in COMMANDS if block in part and "    make" not in block]


def shell(script: str, home: Path) -> str:
    """Run it in an empty home, where the repository is this checkout and no package is downloaded."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "GIT_", "PIP_"))}
    environment = {
        **kept,
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{ROOT}.insteadOf",
        "GIT_CONFIG_VALUE_0": REPOSITORY,
        "PIP_NO_INDEX": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    run = subprocess.run(
        ["bash", "-euc", script], cwd=home, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, script + run.stdout + run.stderr
    return run.stdout


def test_the_ways_to_install_it_work_as_they_stand(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout: there is nothing to clone")
    from_git, from_artifact, libraries = installing()
    for number, script in enumerate((from_git, from_artifact)):
        home = tmp_path / str(number)
        home.mkdir()
        run_output = shell(script + "cd\n" + libraries + "ansible-doc -t module -l hybridvm.checkpoints", home)
        assert "hybridvm.checkpoints.vm_checkpoint " in run_output
        assert (home / ".ansible/collections/ansible_collections/hybridvm/checkpoints/simulator").is_dir()


@pytest.fixture
def inventory(tmp_path: Path, simulator: Simulator) -> list[str]:
    """The group `web`, and the variables that the README takes from elsewhere."""
    hosts: dict[str, Any] = {"all": {"children": {"web": {"hosts": {"web01": {}, "db01": {}}}}}}
    (tmp_path / "inventory.json").write_text(json.dumps(hosts))
    ready = simulator.ready
    variables = {"tenant_subscription": ready["spf_subscription_id"], "vault_spf_password": ready["spf_password"]}
    (tmp_path / "vault.json").write_text(json.dumps(variables))
    return ["-i", str(tmp_path / "inventory.json"), "-e", f"@{tmp_path / 'vault.json'}"]


def run(name: str, inventory: list[str], simulator: Simulator, ansible: Ansible, *more: str, **environment: str) -> Run:
    """One play of the README, with the simulator in the place of its SPF."""
    (play,) = [play for play in PLAYS if play["name"] == name]
    here = json.loads(json.dumps(play).replace(SPF, simulator.ready["url"]))
    found = ansible.run([here], *inventory, *more, HYBRIDVM_CA_PATH=simulator.ready["ca_file"], **environment)
    assert found.code == 0, found.stdout + found.stderr
    return found


def test_the_plays_work_one_after_the_other(inventory: list[str], simulator: Simulator, ansible: Ansible) -> None:
    assert [play["name"] for play in PLAYS] == [
        "Patch the web tier, with a way back",
        "The patch is good",
        "Undo the patch",
        "Checkpoints, from here",
    ]
    patch, good, undo, look = (play["name"] for play in PLAYS)
    task = "Have a checkpoint of each VM that is not older than four hours"
    assert [vm["vm"] for vm in run(patch, inventory, simulator, ansible).of(task)["vms"]] == ["web01", "db01"]
    assert run(patch, inventory, simulator, ansible).of(task)["changed"] is False
    assert run(undo, inventory, simulator, ansible).of("Restore the VMs")["changed"] is True
    listed = run(look, inventory, simulator, ansible).of("List what there is")
    assert {point["name"] for point in listed["checkpoints"]} == {"baseline", "before-patching"}
    assert run(good, inventory, simulator, ansible).of("Remove the checkpoints")["changed"] is True
    listed = run(look, inventory, simulator, ansible).of("List what there is")
    assert {point["name"] for point in listed["checkpoints"]} == {"baseline"}


def test_what_it_says_of_secrets_is_so(
    inventory: list[str], simulator: Simulator, ansible: Ansible, tmp_path: Path
) -> None:
    """As a module shown from `environment:`; not from module_defaults, but kept in the file that Ansible ships.

    Neither inside the controller; no file when piped.
    """
    secret, inside = simulator.ready["spf_password"], {"ANSIBLE_REMOTE_TMP": str(tmp_path / "tmp")}
    place = {**inside, **AS_MODULE}
    name = PLAYS[0]["name"]
    environment = [{**PLAYS[0], "environment": {"SPF_PASSWORD": secret}, "check_mode": True}]

    def kept() -> list[Path]:
        return [path for path in (tmp_path / "tmp").rglob("AnsiballZ_*.py") if secret in path.read_text()]

    run_output = run(name, inventory, simulator, ansible, "-vvv", ANSIBLE_KEEP_REMOTE_FILES="true", **inside)
    assert secret not in run_output.stdout + ansible.run(environment, *inventory, "-vvv", **inside).stdout
    assert kept() == []
    run_output = run(name, inventory, simulator, ansible, "-vvv", **place)
    assert secret not in run_output.stdout
    assert kept() == []
    run_output = run(name, inventory, simulator, ansible, "-vvv", ANSIBLE_KEEP_REMOTE_FILES="true", **place)
    assert secret not in run_output.stdout
    (file,) = kept()
    assert file.parent.stat().st_mode & 0o77 == 0
    file.unlink()
    run_output = run(name, inventory, simulator, ansible, "-vvv", ANSIBLE_PIPELINING="true", **place)
    assert " PUT " not in run_output.stdout
    assert secret in ansible.run(environment, *inventory, "-vvv", **place).stdout
