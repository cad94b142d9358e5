# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy through ansible-playbook on all three services at once, and its audit as docs/retention.md shows it."""

from __future__ import annotations

import json
import xml.etree.ElementTree as Xml
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.simulator_server import ROOT

from .support import Ansible, Run, Simulator, play, prepare

PAGE = (ROOT / "docs" / "retention.md").read_text()
AUDIT = (ROOT / "playbooks" / "audit.yml").read_text()
COMMAND = "ansible-playbook hybridvm.checkpoints.audit -e @audit.json"
DAY = 86400
POLICY: dict[str, Any] = {"prefix": "nightly", "max_age": "20h", "keep": {"last": 2}}


def _vms(simulator: Simulator) -> list[str]:
    return ["web01", simulator.arm_vm("app01"), simulator.azure("virtualMachines", "shop01")]


def _task(name: str, simulator: Simulator, *, check: bool = False, **options: Any) -> dict[str, Any]:
    given = {"vms": _vms(simulator), **POLICY, **options}
    task = {"hybridvm.checkpoints.vm_checkpoint_policy": given, "check_mode": check}
    return {"name": name, **task, "ignore_errors": True}


def _verbs(result: dict[str, Any]) -> list[list[str]]:
    return [[each["action"] for each in vm["plan"]["actions"] if each["action"] != "keep"] for vm in result["vms"]]


@pytest.mark.thorough
def test_days_on_all_three_services(simulator: Simulator, ansible: Ansible) -> None:
    """Three days; then check mode predicts, the approved plan is carried out, and a second run changes nothing."""
    day = prepare(["POST", "/clock", {"advance": DAY}])
    days = [step for number in range(3) for step in (_task(f"day {number}", simulator, max_deletes=9), day)]
    approved: dict[str, Any] = {"expected_plan": "{{ foreseen.plan }}"}
    tasks = [
        *days,
        _task("over", simulator, check=True, keep={"last": 1}, max_deletes=1),
        {**_task("foreseen", simulator, check=True), "register": "foreseen"},
        _task("done", simulator, **approved),
        _task("again", simulator),
    ]
    run = ansible.run([play("A policy", tasks, simulator.environment)])
    assert run.code == 0, run.stdout + run.stderr
    assert _verbs(run.of("day 2")) == [["create", "delete"]] * 3
    over = run.of("over")
    assert {vm["error"]["code"] for vm in over["vms"]} == {"too_many_deletes"}
    assert _verbs(over) == [["create"]] * 3
    assert _verbs(run.of("foreseen")) == _verbs(run.of("done")) == [["create", "delete"]] * 3
    assert run.of("foreseen")["plan"]["digest"] == run.of("done")["plan"]["digest"]
    assert run.of("again")["changed"] is False
    assert [vm["series"]["usable"] for vm in run.of("again")["vms"]] == [2, 2, 2]
    assert all(vm["compliance"]["compliant"] for vm in run.of("again")["vms"])


def _audit(ansible: Ansible, simulator: Simulator, **variables: Any) -> Run:
    """The playbook as it ships, in check mode."""
    (ansible.directory / "audit.json").write_text(json.dumps(variables))
    (shipped,) = yaml.safe_load(AUDIT)
    told = {**shipped, "environment": simulator.environment}
    return ansible.run([told], "-e", "@audit.json", "--check")


def test_the_audit_writes_what_the_page_shows(simulator: Simulator, ansible: Ansible) -> None:
    assert f"    {COMMAND}\n" in PAGE
    given = json.loads(PAGE.partition("with, in `audit.json`:\n\n```json\n")[2].partition("```")[0])
    made = {"vm": "web01", "prefix": "nightly", "max_age": "1h"}
    task = {"name": "Make one", "hybridvm.checkpoints.vm_checkpoint_policy": made}
    assert ansible.run([play("Before", [task], simulator.environment)]).code == 0
    names = {name: str(ansible.directory / given[name]) for name in ("audit_junit", "audit_nagios", "audit_zabbix")}
    run = _audit(ansible, simulator, **{**given, **names})
    assert run.code != 0
    told = " ".join(run.of("Fail where a VM does not comply")["msg"].split())
    assert told == "Not every VM complies. db01: no usable checkpoint of the series nightly exists."
    junit = Path(names["audit_junit"]).read_text()
    assert junit == PAGE.partition("```xml\n")[2].partition("```")[0]
    suite = Xml.fromstring(junit)
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    nagios = Path(names["audit_nagios"]).read_text()
    assert nagios in PAGE
    zabbix = Path(names["audit_zabbix"]).read_text().splitlines()
    shown = PAGE.partition('```\n"web01"')[2].partition("```")[0].splitlines()
    assert [line.split()[:2] for line in [f'"web01"{shown[0]}', *shown[1:]]] == [line.split()[:2] for line in zabbix]
    assert zabbix[0] == '"web01" checkpoints.violations ""'
    assert zabbix[1].startswith('"web01" checkpoints.age "')
    assert zabbix[2:] == ['"db01" checkpoints.violations "none"', '"db01" checkpoints.age "-1"']


def test_the_files_of_an_audit_are_written_where_it_is_started(simulator: Simulator, ansible: Ansible) -> None:
    """By its name, as the page has it: the playbook itself lies in the installed collection, where nobody looks."""
    given = json.loads(PAGE.partition("with, in `audit.json`:\n\n```json\n")[2].partition("```")[0])
    (ansible.directory / "audit.json").write_text(json.dumps(given))
    environment = {**simulator.environment, "PWD": str(ansible.directory)}
    run = ansible.run("hybridvm.checkpoints.audit", "-e", "@audit.json", **environment)
    astray = [ROOT / "playbooks" / given[name] for name in ("audit_junit", "audit_nagios", "audit_zabbix")]
    found = [path.name for path in astray if path.exists()]
    for path in astray:
        path.unlink(missing_ok=True)
    assert found == []
    assert all((ansible.directory / path.name).exists() for path in astray), run.stdout


def test_an_audit_of_all_that_comply_passes(simulator: Simulator, ansible: Ansible) -> None:
    others = {"prefix": "baseline", "max_age": "99w"}
    assert _audit(ansible, simulator, audit_vms=["web01"], audit_policy=others).code != 0  # it is not ours
    task = {"name": "Make one", "hybridvm.checkpoints.vm_checkpoint_policy": {"vm": "web01", "max_age": "1h"}}
    assert ansible.run([play("Before", [task], simulator.environment)]).code == 0
    run = _audit(ansible, simulator, audit_vms=["web01"], audit_policy={"max_age": "2h"})
    assert run.code == 0, run.stdout + run.stderr
    assert run.of("Fail where a VM does not comply")["msg"] == "1 VMs comply."


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"audit_vms": []}, "audit_vms is empty, so no VM was audited."),
        ({"audit_vms": None}, "audit_vms is empty, so no VM was audited."),
        ({"audit_vms": ["web01"], "audit_policy": {"max_age": "26h", "threshholds": {}}}, "threshholds"),
        ({"audit_vms": ["web01"], "audit_policy": {"max_age": "26h", "vm": "db01"}}, "vm"),
    ],
)
def test_an_audit_of_nothing_or_with_a_misspelt_option_fails(
    simulator: Simulator, ansible: Ansible, given: dict[str, Any], why: str
) -> None:
    nagios = ansible.directory / "nagios"
    run = _audit(ansible, simulator, **{"audit_policy": {}, **given, "audit_nagios": str(nagios)})
    assert run.code != 0
    assert why in " ".join(run.results[-1]["result"]["msg"].split())
    assert not nagios.exists()


@pytest.mark.thorough
def test_an_audit_takes_every_option_of_the_policy(simulator: Simulator, ansible: Ansible) -> None:
    """Nightly 1 and 2 are nobody's, and count with include_unmanaged."""
    points = [{"name": "nightly", "days_old": 1}, {"name": "nightly", "days_old": 2}]
    simulator.control("POST", "/world", {"spf": {"vms": [{"name": "web01", "checkpoints": points}]}})
    policy = {"prefix": "nightly", "keep": {"last": 1}, "max_deletes": 1, "pins": ["keep-me"]}
    junit = ansible.directory / "junit.xml"
    files = {"audit_junit": str(junit)}
    run = _audit(ansible, simulator, audit_vms=["web01"], audit_policy={**policy, "include_unmanaged": True}, **files)
    assert run.code != 0
    (case,) = Xml.fromstring(junit.read_text())
    texts = {each.get("type"): each.get("message") for each in case}
    assert texts == {"pinned_missing": "pins names what does not exist: keep-me"}
