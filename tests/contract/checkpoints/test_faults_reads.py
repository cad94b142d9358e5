# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trouble at each read of each task in turn: what passes changes nothing, what does not is named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import CASES, IDS, Scenario, code, is_write, make_lab, requests_of, told

pytestmark = pytest.mark.thorough

# Trouble that passes when the read is sent again: the result is that of an untroubled run.
PASSING: dict[str, dict[str, Any]] = {
    "lost request": {"kind": "lose_request"},
    "lost answer": {"kind": "lose_answer"},
    "read error": {"kind": "lose_answer", "exception": "ReadError"},
    "no connection": {"kind": "lose_request", "exception": "ConnectError"},
    "connect timeout": {"kind": "lose_request", "exception": "ConnectTimeout"},
    "reset in the body": {"kind": "reset_body"},
    "429": {"kind": "status", "status": 429},
    "429 with Retry-After": {"kind": "status", "status": 429, "headers": {"Retry-After": "7"}},
    "408": {"kind": "status", "status": 408},
    "500": {"kind": "status", "status": 500, "count": 2},
    "503": {"kind": "status", "status": 503, "count": 3},
    "503 with Retry-After": {"kind": "status", "status": 503, "headers": {"Retry-After": "30"}},
    "502 of a proxy": {"kind": "html", "status": 502},
    "slow": {"kind": "delay", "seconds": 20},
    "very slow": {"kind": "delay", "seconds": 150},
}
RARER = ("read error", "connect timeout", "408", "502 of a proxy", "429", "very slow")  # the same ways again: once each
# Trouble that is an answer: it is not asked for again, but named.
LASTING: dict[str, dict[str, Any]] = {
    "HTML": {"kind": "html", "status": 200},
    "truncated": {"kind": "truncate"},
    "wrong types": {"kind": "replace", "body": {"value": {"ID": 7}, "properties": [], "access_token": 5}},
    "a list of wrong types": {"kind": "replace", "body": {"value": [{"ID": {}}], "properties": {"powerState": []}}},
    "null": {"kind": "replace", "body": "null"},
    "empty": {"kind": "replace", "body": ""},
    "redirect": {"kind": "redirect"},
}


def _reads(service: str, case: Scenario) -> list[int]:
    """The positions (from 1) of the reads of a task."""
    return [n for n, sent in enumerate(requests_of(service, case.name), 1) if not is_write(*sent)]


@pytest.mark.parametrize(
    ("service", "case", "fault"),
    [
        pytest.param(service, case, fault, id=f"{name}-{fault}")
        for (service, case), name in zip(CASES, IDS, strict=True)
        for fault in PASSING
        if case.name == "create" or fault not in RARER
    ],
)
def test_trouble_that_passes_changes_nothing(service: str, case: Scenario, fault: str) -> None:
    calm = make_lab(service)
    untroubled = told(case.run(calm, service))
    for position in _reads(service, case):
        lab = make_lab(service)
        lab.world.faults.add(nth=position, **PASSING[fault])
        result = case.run(lab, service)
        assert code(result) is None, (position, result["msg"])
        assert told(result) == untroubled, position
        assert lab.writes() == calm.writes(), position
        assert case.is_done(lab, service)


@pytest.mark.parametrize("fault", LASTING)
@pytest.mark.parametrize(("service", "case"), CASES, ids=IDS)
def test_an_answer_that_is_none_is_named(service: str, case: Scenario, fault: str) -> None:
    """Never a wrong result: bad_answer, `changed` true if a write had been accepted, and nothing sent twice."""
    for position in _reads(service, case):
        lab = make_lab(service)
        before = lab.state()
        lab.world.faults.add(nth=position, **LASTING[fault])
        result = case.run(lab, service)
        where = (position, result)
        # A status whose body tells nothing is told by its code (202: running), and reading proves what came of it.
        # One that is refused leaves open what reading cannot prove: a restore to where the VM stands already.
        assert code(result) in ("bad_answer", "outcome_unknown", None), where
        assert lab.writes() <= 1
        if code(result) is None:
            assert case.is_done(lab, service), where
            continue
        assert result["error"]["retry"] == "after_reading"
        assert result["changed"] is (lab.writes() == 1), where
        if not lab.writes():
            assert lab.state() == before
        elif case.job is not None:
            assert (result["error"]["operation"]["status"] == "unknown") == (code(result) == "outcome_unknown")
            assert lab.jobs(case.job) == 1


@pytest.mark.parametrize(
    ("service", "path", "step"),
    [
        ("spf", "VirtualMachines", "looking for web01"),
        ("spf", "VMCheckPoints", "listing checkpoints of vm web01"),
        ("scvmm", "virtualMachineInstances", "reading vm app01"),
        ("scvmm", "oauth2", "reading vm app01: signing in"),
    ],
)
@pytest.mark.parametrize("module", ["vm_checkpoint", "vm_checkpoint_info"])
def test_a_read_that_runs_into_the_deadline_names_the_vm_and_the_step(
    service: str, path: str, step: str, module: str
) -> None:
    lab = make_lab(service)
    lab.world.faults.add(kind="delay", seconds=400, path=path, count=None)
    result = lab.run(module, vm="web01" if service == "spf" else lab.arm_vm, name="later", wait_timeout="30s")
    assert code(result) == "unavailable"
    assert f": {step}: no answer within 30s" in result["msg"]
    assert "raise wait_timeout" in result["msg"]


def test_a_deadline_between_two_reads_names_the_step() -> None:
    lab = make_lab("spf")
    lab.world.faults.add(kind="delay", seconds=29.999, path="VirtualMachines")
    lab.world.faults.add(kind="status", status=429, path="VMCheckPoints", count=None)
    result = lab.run("vm_checkpoint_info", vms=["web01"], wait_timeout="30s")
    assert code(result) == "unavailable"
    assert "reading vm web01" in result["msg"] or "listing checkpoints of vm web01" in result["msg"]
