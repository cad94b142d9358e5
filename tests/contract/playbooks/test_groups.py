# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plays of docs/groups.md as they stand: five VMs on three services, all of them or none."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from tests.support.simulator_server import ROOT

from .support import COLLECTION, Ansible, Run, Simulator, play

TEXT = (ROOT / "docs/groups.md").read_text()
PAGE = " ".join(TEXT.split())
PLAYS = {
    each["name"]: each
    for block in re.findall(r"```yaml\n(- name:.*?)```", TEXT, re.S)
    for each in yaml.safe_load(block)
}
CREATE, RESTORE = "Have a checkpoint of the whole shop", "Restore the whole shop"
BASELINE = {"name": "baseline", "days_old": 10}
CONF = {"/etc/app.conf": "version = 1\n"}
WORLD: dict[str, Any] = {
    "spf": {"vms": [{"name": name, "files": CONF, "checkpoints": [BASELINE]} for name in ("db01", "web01")]},
    "scvmm": {"vms": [{"name": name, "files": CONF, "checkpoints": [BASELINE]} for name in ("app01", "app02")]},
    "compute": {"vms": [{"name": "shop01", "os_disk": {"files": CONF}}]},
}
ON_VMM = [("spf", "db01"), ("spf", "web01"), ("scvmm", "app01"), ("scvmm", "app02")]


@pytest.fixture(autouse=True)
def world(simulator: Simulator) -> None:
    simulator.control("POST", "/world", WORLD)
    simulator.control("DELETE", "/counters")


def run(name: str, simulator: Simulator, ansible: Ansible) -> Run:
    """One play of the page."""
    of_azure = simulator.azure("virtualMachines", "shop01")
    told = {"subscription": simulator.ready["subscription_id"], "job_id": "job-4711", "shop01": of_azure}
    told |= {app: simulator.arm_vm(app) for app in ("app01", "app02")}
    return ansible.run([play(name, PLAYS[name]["tasks"], simulator.environment, vars=told)])


def points(simulator: Simulator) -> list[list[str]]:
    """The names of the checkpoints of each VM of SPF and Arc, and of Azure's."""
    collections = simulator.control("GET", "/world")["compute"].get("collections", [])
    found = [simulator.names(name) for _service, name in ON_VMM]
    return [*found, [point["name"] for each in collections for point in each["points"]]]


def guests(simulator: Simulator) -> list[str]:
    return [simulator.control("GET", f"/guest/{service}/{name}?path=/etc/app.conf") for service, name in ON_VMM]


def spoil(simulator: Simulator) -> None:
    for service, name in ON_VMM:
        simulator.control("PUT", f"/guest/{service}/{name}?path=/etc/app.conf", "broken")


def test_five_of_which_the_fourth_fails_are_undone(simulator: Simulator, ansible: Ansible) -> None:
    problem = "The host has no space left."
    simulator.control("POST", "/failures", {"service": "scvmm", "kind": "create", "vm": "app02", "problem": problem})
    failed = run("Before the release", simulator, ansible)
    assert failed.code != 0
    result = failed.of(CREATE)
    assert [each["status"] for each in result["vms"]] == ["undone"] * 3 + ["failed", "not_started"]
    assert [each["undo"] for each in result["vms"]] == ["removed"] * 3 + ["not_needed"] * 2
    assert (len(result["group"]["undone"]), result["group"]["created"], result["group"]["complete"]) == (3, [], False)
    assert points(simulator) == [["baseline"]] * 4 + [[]]
    for told in ("1 of 5 VMs failed; the first: vm app02:", problem, "Removed again: 3 of 3 checkpoints that this run"):
        assert told in result["msg"]
        assert told in PAGE
    again = run("Before the release", simulator, ansible)
    assert again.code == 0, again.stdout + again.stderr
    assert again.of(CREATE)["group"]["complete"] is True
    assert points(simulator) == [["baseline", "before-release"]] * 4 + [["before-release"]]


@pytest.mark.thorough
def test_a_group_of_which_the_third_target_is_missing_stays_where_it_is(simulator: Simulator, ansible: Ansible) -> None:
    assert run("Before the release", simulator, ansible).code == 0
    gone = {"vm": simulator.arm_vm("app01"), "name": "before-release", "state": "absent"}
    remove = {"name": "Remove one", f"{COLLECTION}.vm_checkpoint": gone}
    assert ansible.run([play("Somebody else", [remove], simulator.environment)]).code == 0
    before = points(simulator)
    spoil(simulator)
    simulator.control("DELETE", "/counters")
    result = run("Back to before the release", simulator, ansible).of(RESTORE)
    assert [each["status"] for each in result["vms"]] == ["not_started"] * 2 + ["failed"] + ["not_started"] * 2
    assert result["vms"][2]["error"]["code"] == "missing_checkpoint"
    told = "Went back: none. Did not, or not wholly: db01, web01, app01, app02, shop01. Each VM's own error is in vms."
    assert told in result["msg"]
    assert told in PAGE
    assert (result["changed"], result["group"]["went_back"], result["group"]["created"]) == (False, [], [])
    assert len(result["group"]["not_back"]) == 5
    assert simulator.control("GET", "/counters")["writes"] == 0
    assert points(simulator) == before
    assert "version = 1\n" not in guests(simulator)


@pytest.mark.thorough
def test_a_group_goes_back_as_a_whole(simulator: Simulator, ansible: Ansible) -> None:
    assert run("Before the release", simulator, ansible).code == 0
    spoil(simulator)
    done = run("Back to before the release", simulator, ansible)
    assert done.code == 0, done.stdout + done.stderr
    result = done.of(RESTORE)
    assert [each["status"] for each in result["vms"]] == ["changed"] * 5
    assert (len(result["group"]["went_back"]), len(result["group"]["created"])) == (5, 5)
    assert guests(simulator) == ["version = 1\n"] * 4
    again = run("Back to before the release", simulator, ansible).of(RESTORE)
    assert (again["changed"], len(again["group"]["went_back"])) == (False, 5)
