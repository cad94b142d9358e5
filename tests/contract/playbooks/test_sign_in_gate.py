# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documents say of a wrong password and a task for each host, and the plays that they show against it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.simulator_server import ROOT

from .support import Ansible, Simulator


def _play(document: str) -> dict[str, Any]:
    (text,) = re.findall(r"```yaml\n# gate\.yml\n(.*?)```", (ROOT / "docs" / document).read_text(), re.S)
    (play,) = yaml.safe_load(text)
    return dict(play)


@pytest.fixture
def hosts(tmp_path: Path) -> list[str]:
    inventory: dict[str, Any] = {"all": {"children": {"web": {"hosts": {"web01": {}, "db01": {}}}}}}
    (tmp_path / "inventory.json").write_text(json.dumps(inventory))
    return ["-i", str(tmp_path / "inventory.json")]


def _signed(simulator: Simulator) -> int:
    """How many requests have borne a password."""
    return len([each for each in simulator.control("GET", "/journal") if "authorization" in each["headers"]])


def test_a_task_for_each_host_tries_a_wrong_password_once_per_host_and_behind_the_gate_once(
    simulator: Simulator, ansible: Ansible, hosts: list[str]
) -> None:
    play = _play("sign-in-spf.md")
    environment = {**simulator.environment, "SPF_AUTH": "basic"}
    wrong = {**environment, "SPF_PASSWORD": "wrong"}
    for tasks, tries in ((play["tasks"], 1), (play["tasks"][1:], 2)):
        simulator.control("DELETE", "/journal")
        run = ansible.run([{**play, "tasks": tasks}], *hosts, **wrong)
        assert run.code != 0
        assert _signed(simulator) == tries, run.stdout
    run = ansible.run([play], *hosts, **environment)
    assert run.code == 0, run.stdout
    assert [each["changed"] for each in run.by_module("vm_checkpoint")] == [True, True]


def test_a_play_that_signs_in_ends_what_comes_after_it(
    simulator: Simulator, ansible: Ansible, hosts: list[str]
) -> None:
    plays = [_play("guarded-change.md"), {**_play("sign-in-spf.md"), "serial": 1}]
    simulator.control("DELETE", "/journal")
    run = ansible.run(plays, *hosts, **{**simulator.environment, "SPF_AUTH": "basic", "SPF_PASSWORD": "wrong"})
    assert run.code != 0
    assert _signed(simulator) == 1, run.stdout
