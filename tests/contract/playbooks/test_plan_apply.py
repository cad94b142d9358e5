# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks plan and apply: what was approved is done, all of it or nothing, and twice changes nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from .support import COLLECTION, Ansible, Run, Simulator, play, prepare

PATIENCE = {"poll_interval": "200ms"}
WORLD = {"scvmm": {"vms": [{"name": "app01"}]}, "compute": {"vms": [{"name": "shop01"}]}}
NASTY = "x | `y` <b> {{ 7 * 7 }} [z](https://evil.example)"


def tasks(simulator: Simulator) -> list[dict[str, Any]]:
    """One of each module, on all services."""
    shop = simulator.azure("virtualMachines", "shop01")
    group = str(simulator.ready["compute_resource_group"])
    vms = {"vms": ["web01", simulator.arm_vm("app01")]}
    keyed = {"restore_key": "job-4711", "safety_checkpoint": True}
    collection = {"name": "nightly", "resource_group": group}
    listed: list[tuple[str, dict[str, Any]]] = [
        ("vm_checkpoint", {**vms, "name": "before | after"}),
        ("vm_checkpoint", {"vm": "db01", "checkpoint_id": _nasty(simulator), "state": "absent"}),
        ("vm_checkpoint_restore", {"vm": "db01", "name": "baseline", **keyed}),
        ("restore_point_collection", {**collection, "source": shop}),
    ]
    return [{"module": module, "options": {**options, **PATIENCE}} for module, options in listed]


def _nasty(simulator: Simulator) -> str:
    """A checkpoint that somebody has named so that approvers or Ansible might stumble over it: its id."""
    made = {"name": "db01", "checkpoints": [{"name": "baseline"}, {"name": NASTY}]}
    simulator.control("POST", "/world", {**WORLD, "spf": {"vms": [{"name": "web01"}, made]}})
    return str(simulator.vm("db01")["checkpoints"][1]["id"])


class Operator:
    """Runs both playbooks in a directory of its own."""

    def __init__(self, ansible: Ansible, simulator: Simulator, directory: Path) -> None:
        self.ansible, self.simulator, self.directory = ansible, simulator, directory
        self.file, self.markdown = directory / "plan.json", directory / "plan.md"

    def plan(self, listed: object, **more: Any) -> Run:
        """Plan the tasks."""
        return self._run("plan", {"plan_tasks": listed, "plan_markdown": str(self.markdown), **more})

    def apply(self, *arguments: str, **more: Any) -> Run:
        """Apply the file."""
        return self._run("apply", more, *arguments)

    def _run(self, name: str, more: dict[str, Any], *arguments: str) -> Run:
        given = self.directory / "vars.json"
        given.write_text(json.dumps({"plan_file": str(self.file), **more}))
        return self.ansible.run(f"{COLLECTION}.{name}", "-e", f"@{given}", *arguments, **self.simulator.environment)

    def writes(self) -> int:
        """How many requests have changed something since the last time."""
        counted = int(self.simulator.control("GET", "/counters")["writes"])
        self.simulator.control("DELETE", "/counters")
        return counted


@pytest.fixture
def operator(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> Operator:
    return Operator(ansible, simulator, tmp_path)


def ok(run: Run) -> Run:
    assert run.code == 0, run.stdout + run.stderr
    return run


def test_what_was_planned_is_applied_once_and_all_of_it(operator: Operator) -> None:
    simulator = operator.simulator
    listed = tasks(simulator)
    operator.writes()
    ok(operator.plan(listed))
    assert operator.writes() == 0
    file = operator.file.read_text()
    assert stat.S_IMODE(operator.file.stat().st_mode) == 0o600
    for secret in (simulator.ready["spf_password"], simulator.ready["secret"]):
        assert secret not in file
    table = operator.markdown.read_text()
    assert (
        "| `-` | delete checkpoint <code>x &#124; &#96;y&#96; &#60;b&#62; &#123;&#123; 7 &#42; 7 &#125;&#125;" in table
    )
    assert "| `+` | create checkpoint <code>before &#124; after</code>" in table
    assert "| `~` | restore checkpoint `baseline`" in table

    looked = ok(operator.apply("--check"))
    assert "Nothing was applied: 4 of 4 tasks would change something." in looked.stdout
    assert operator.writes() == 0
    done = ok(operator.apply(plan_checksum=json.loads(file)["checksum"]))
    assert "Applied: 4 of 4 tasks changed something." in done.stdout
    assert "before | after" in simulator.names("web01")
    assert "before | after" in simulator.names("app01")
    assert NASTY not in simulator.names("db01")
    operator.writes()
    again = ok(operator.apply())
    assert "All done: nothing was left to do." in again.stdout
    assert operator.writes() == 0


@pytest.mark.thorough
def test_a_policy_is_planned_and_applied_as_well(operator: Operator) -> None:
    options = {"vm": "web01", "prefix": "nightly", "max_age": "1d", "keep": {"last": 3}, **PATIENCE}
    ok(operator.plan([{"module": "vm_checkpoint_policy", "options": options}]))
    assert operator.writes() == 0
    assert "Applied: 1 of 1 tasks changed something." in ok(operator.apply()).stdout
    assert sum(name.startswith("nightly-") for name in operator.simulator.names("web01")) == 1
    operator.writes()
    assert "All done: nothing was left to do." in ok(operator.apply()).stdout
    assert operator.writes() == 0


def test_a_world_that_has_changed_since_stops_it_before_anything_is_done(operator: Operator) -> None:
    simulator = operator.simulator
    absent = {"vm": "db01", "name": "baseline", "state": "absent", **PATIENCE}
    listed = [
        {"module": "vm_checkpoint", "options": {"vm": "web01", "name": "first", **PATIENCE}},
        {"module": "vm_checkpoint", "options": absent},
    ]
    ok(operator.plan(listed))
    # Somebody removes that baseline and makes another one of the same name.
    meanwhile = [
        {"name": "Remove", f"{COLLECTION}.vm_checkpoint": absent},
        {"name": "Make", f"{COLLECTION}.vm_checkpoint": {**absent, "state": "present"}},
    ]
    ok(operator.ansible.run([play("Meanwhile", meanwhile, simulator.environment)]))
    operator.writes()
    run = operator.apply()
    assert run.code != 0
    assert run.by_module("vm_checkpoint")[-1]["error"]["code"] == "plan_changed"
    assert "+ delete baseline of db01. Nothing was changed." in run.by_module("vm_checkpoint")[-1]["msg"]
    assert operator.writes() == 0


@pytest.mark.thorough
def test_an_apply_that_was_stopped_half_way_does_the_rest(operator: Operator) -> None:
    simulator = operator.simulator
    listed = [
        {"module": "vm_checkpoint", "options": {"vm": vm, "name": "both", "wait_timeout": "20s", **PATIENCE}}
        for vm in ("web01", "db01")
    ]
    ok(operator.plan(listed))
    simulator.control("POST", "/failures", {"service": "spf", "kind": "create", "vm": "db01", "status": "Failed"})
    assert operator.apply().code != 0
    assert [simulator.names(vm).count("both") for vm in ("web01", "db01")] == [1, 0]
    assert "Applied: 1 of 2 tasks changed something." in ok(operator.apply()).stdout
    assert [simulator.names(vm).count("both") for vm in ("web01", "db01")] == [1, 1]


@pytest.mark.thorough
def test_another_file_than_the_approved_one_is_not_applied(operator: Operator) -> None:
    listed = [{"module": "vm_checkpoint", "options": {"vm": "web01", "name": "n"}}]
    ok(operator.plan(listed))
    approved = json.loads(operator.file.read_text())["checksum"]
    ok(operator.plan([{**listed[0], "options": {"vm": "web01", "name": "m"}}]))
    operator.writes()
    run = operator.apply(plan_checksum=approved)
    assert run.code != 0
    assert "is another file than the one that was approved" in run.stdout
    for empty in ("", None):  # a variable of the pipeline that was never set
        assert "plan_checksum: is empty" in operator.apply(plan_checksum=empty).stdout
    unset = operator.apply(plan_checksum="{{ pipeline.checksum }}")
    assert unset.code != 0
    assert "'pipeline' is undefined" in unset.stdout
    operator.file.write_text(operator.file.read_text().replace("web01", "db01"))
    assert "was altered since it was written" in operator.apply().stdout
    assert operator.writes() == 0


@pytest.mark.thorough
def test_what_is_not_given_is_named(operator: Operator) -> None:
    needed = "plan_tasks, a list of tasks, and plan_file, the file to write, are needed."
    assert needed in operator.plan([], plan_file="").stdout
    assert needed in operator.plan([], plan_file="{{ pipeline.file }}").stdout
    assert needed in operator.plan("{{ pipeline.tasks }}").stdout
    assert "plan_file is needed: the file that the playbook plan has written." in operator.apply(plan_file=None).stdout


@pytest.mark.thorough
def test_a_plan_that_fails_leaves_no_file_that_could_be_applied(operator: Operator) -> None:
    listed = [{"module": "vm_checkpoint", "options": {"vm": "web01", "name": "n"}}]
    for wrong in ({"vm": "nobody", "name": "n"}, {"vm": "web01", "name": "n", "secret": "hunter2"}):
        ok(operator.plan(listed))
        assert operator.file.exists()
        assert operator.markdown.exists()
        run = operator.plan([*listed, {"module": "vm_checkpoint", "options": wrong}])
        assert run.code != 0
        assert not operator.file.exists()
        assert not operator.markdown.exists()


@pytest.mark.thorough
def test_a_directory_is_never_taken_for_an_older_plan(operator: Operator) -> None:
    operator.markdown.mkdir()
    (operator.markdown / "kept").touch()
    assert operator.plan([{"module": "vm_checkpoint", "options": {"vm": "web01", "name": "n"}}]).code != 0
    assert (operator.markdown / "kept").exists()


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("listed", "why"),
    [
        ([], "plan_tasks: is no list of tasks"),
        ([{"module": "vm_checkpoint", "options": {"vm": "web01", "spf_password": "hunter2"}}], "is a secret"),
        ([{"module": "ansible.builtin.command", "options": {"cmd": "id"}}], "module takes one of"),
    ],
)
def test_what_cannot_be_planned_is_refused(operator: Operator, listed: object, why: str) -> None:
    run = operator.plan(listed)
    assert run.code != 0
    assert why in run.stdout + run.stderr
    assert not operator.file.exists()


@pytest.mark.thorough
def test_the_connection_comes_from_elsewhere_and_stays_there(operator: Operator) -> None:
    ready = operator.simulator.ready
    connection = {name: ready[name] for name in ("spf_url", "spf_username", "spf_password")}
    more = {"plan_connection": {**connection, "ca_path": ready["ca_file"]}}
    listed = [{"module": "vm_checkpoint", "options": {"vm": "web01", "name": "n", **PATIENCE}}]
    operator.simulator = Simulator({**ready, "spf_url": "", "spf_username": "", "spf_password": "", "ca_file": ""})
    operator.simulator._client = operator.ansible.simulator._client
    planned = ok(operator.plan(listed, **more))
    done = ok(operator.apply(**more))
    assert ready["spf_password"] not in operator.file.read_text() + planned.stdout + done.stdout
    assert "n" in operator.ansible.simulator.names("web01")


def test_the_gate_is_shut_where_the_plan_is_undefined_null_or_empty(ansible: Ansible, simulator: Simulator) -> None:
    defaults = {f"group/{COLLECTION}.all": {"require_approval": True}}
    nothing = ["{{ omit }}", None, "", "{{ nobody.plan | default(omit) }}", "{{ nobody | default('') }}"]
    refused = [
        {
            "name": f"Do {number}",
            f"{COLLECTION}.vm_checkpoint": {"vm": "web01", "name": "n", "expected_plan": plan},
            "register": "refused",
            "failed_when": "refused.error.code != 'approval_missing'",
        }
        for number, plan in enumerate(nothing)
    ]
    look = {"name": "Look", f"{COLLECTION}.vm_checkpoint_info": {"vm": "web01"}}
    ask = {
        "name": "Ask",
        f"{COLLECTION}.vm_checkpoint": {"vm": "web01", "name": "n"},
        "check_mode": True,
        "register": "asked",
    }
    do = {
        "name": "Do",
        f"{COLLECTION}.vm_checkpoint": {"vm": "web01", "name": "n", "expected_plan": "{{ asked.plan }}"},
    }
    count = prepare(["GET", "/counters"])
    before = prepare(["DELETE", "/counters"])
    run = ok(
        ansible.run(
            [play("Gate", [before, look, *refused, count, ask, do], simulator.environment, module_defaults=defaults)]
        )
    )
    assert run.of("Do")["changed"] is True
    assert run.results[len(nothing) + 2]["result"]["answers"][0]["writes"] == 0
