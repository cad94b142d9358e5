# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole life of a checkpoint with every switch in every position, on each service it concerns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any, NamedTuple

import pytest

from simulator.switches.all import Switches
from tests.contract.checkpoints.scenarios import BROKEN, VMS, code
from tests.contract.checkpoints.switch_positions import FREE, OPTIONS, POSITIONS, WITH, services, values
from tests.support.lab import Lab, Result

pytestmark = pytest.mark.thorough

STEPS = ("check create", "create", "again", "update", "again", "restore", "check delete", "delete", "again")
# c: changed, u: unchanged, E: a named error. Arc cannot change a description: unchanged, a warning and drift.
USUAL = {"spf": "ccucucccu", "scvmm": "ccuuucccu"}


class Other(NamedTuple):
    """How a position differs from the usual life: outcome of each step, the errors in their order, and why."""

    outcomes: str
    errors: str
    why: str


_BUSY = "a job that never ends holds the VM, and every later task says so at its deadline"
_OFFLINE = "nothing reaches VMM, and every task that would change something says so in the service's words"
_NO_JOB = "the job cannot be read, and a VM that stands where it stood proves nothing"
_FULL = "the limit is the service's own and lower than the known one: its refusal is reported"
_RENAMED = "a name behind another word is another name, which somebody may have given it; each create and absent warns"
_BEHIND_A_WORD = "nothing tells a description that the service puts behind a word from one that it did not take"
DIFFERENT: dict[tuple[str, str, Any], Other] = {
    ("spf", "create_takes", "never"): Other("cEEEEEEEE", "timed_out" + 7 * " locked", _BUSY),
    ("scvmm", "create_takes", "never"): Other(
        "cEEEEEuuu", "timed_out locked locked locked missing_checkpoint", _BUSY + "; Arc lists nothing meanwhile"
    ),
    ("spf", "restore_takes", "never"): Other("ccucuEEEE", "timed_out locked locked locked", _BUSY),
    ("scvmm", "restore_takes", "never"): Other("ccuuuEcEE", "timed_out locked locked", _BUSY),
    ("spf", "delete_takes", "never"): Other("ccucuccEE", "timed_out locked", _BUSY),
    ("scvmm", "delete_takes", "never"): Other("ccuuuccEE", "timed_out locked", _BUSY),
    ("spf", "update_takes", "never"): Other("ccuEEEcEE", "timed_out locked locked locked locked", _BUSY),
    ("spf", "max_checkpoints", 1): Other("cEEEEEuuu", 4 * "operation_failed " + "missing_checkpoint", _FULL),
    ("scvmm", "max_checkpoints", 1): Other("cEEEEEuuu", 4 * "operation_failed " + "missing_checkpoint", _FULL),
    **{
        (service, "vmm_names", "tenant"): Other("cccccEuuu", "missing_checkpoint", _RENAMED)
        for service in ("spf", "scvmm")
    },
    ("spf", "vmm_descriptions", "tenant"): Other("ccEcEcccu", "not_proven not_proven", _BEHIND_A_WORD),
    ("spf", "spf_job_hidden_seconds", 10_000.0): Other("ccucuEccu", "outcome_unknown", _NO_JOB),
    ("spf", "spf_job_purged_seconds", 0.5): Other("ccucuEccu", "outcome_unknown", _NO_JOB),
    ("scvmm", "arc_status_lifetime", 0.5): Other("ccuuuEccu", "outcome_unknown", _NO_JOB),
    ("spf", "spf_host_id", "never"): Other(
        "ccucuEccu", "missing_checkpoint", "nobody can say whether it is usable, so no name leads back to it"
    ),
    ("scvmm", "arc_connector", "fails"): Other("cEEEEEuuu", 4 * "operation_failed " + "missing_checkpoint", _OFFLINE),
    ("scvmm", "arc_connector", "409"): Other("cEEEEEuuu", 4 * "refused " + "missing_checkpoint", _OFFLINE),
    ("scvmm", "arc_connector", "503"): Other("cEEEEEuuu", 4 * "outcome_unknown " + "missing_checkpoint", _OFFLINE),
    ("scvmm", "arc_connector", "hangs"): Other("cEEEEEuuu", 4 * "timed_out " + "missing_checkpoint", _OFFLINE),
    ("scvmm", "arc_restore_running", "fails"): Other("ccuuuEccu", "operation_failed", "the VM runs and must not"),
    ("scvmm", "arc_stale_seconds", 500.0): Other(
        "cEEuucEEE",
        "not_proven not_proven" + 3 * " ambiguous",
        "longer hidden than settle_time: a second run made another, both are kept, and one must be named",
    ),
    ("spf", "spf_patch", False): Other("ccuEEEccu", "refused refused refused", "the configured method is not taken"),
    ("spf", "spf_tunnel", False): Other(
        "ccuEEEcEE", 5 * " refused", "no method in a tunnel is taken, DELETE among them"
    ),
}


def _life(lab: Lab, service: str, **options: Any) -> Iterator[Result]:
    """The steps one after the other; the guest is broken before the restore."""
    vm = VMS[service] if service == "spf" else lab.arm_vm
    one = {"vm": vm, "name": "n1", **options}
    yield lab.run("vm_checkpoint", check=True, description="first", **one)
    yield lab.run("vm_checkpoint", description="first", **one)
    yield lab.run("vm_checkpoint", description="first", **one)
    yield lab.run("vm_checkpoint", description="second", **one)
    yield lab.run("vm_checkpoint", description="second", **one)
    lab.world.vm(VMS[service]).files["/etc/app.conf"] = BROKEN
    yield lab.run("vm_checkpoint_restore", **one)
    yield lab.run("vm_checkpoint", check=True, state="absent", **one)
    yield lab.run("vm_checkpoint", state="absent", **one)
    yield lab.run("vm_checkpoint", state="absent", **one)


def _outcome(result: Result) -> str:
    if code(result) is not None:
        return "E"
    return "c" if result["changed"] else "u"


def _unharmed(lab: Lab, service: str, result: Result, before: dict[str, Any]) -> None:
    """Whatever came of a step: only `n1` came or went, no two of it in one run, and nobody else's VM was touched."""
    after, name = lab.state(), VMS[service]
    for vm in set(before) - {name}:
        assert after[vm] == before[vm]
    old = [point for point in before[name]["checkpoints"] if point[1] == "baseline"]
    assert [point for point in after[name]["checkpoints"] if point[1] == "baseline"] == old
    new = {point[0] for point in after[name]["checkpoints"]} - {point[0] for point in before[name]["checkpoints"]}
    assert len(new) <= 1
    if code(result) is None and not result["changed"]:
        assert after == before


@pytest.mark.parametrize(("service", "name", "value"), POSITIONS)
def test_life(service: str, name: str, value: Any) -> None:
    wanted = DIFFERENT.get((service, name, value), Other(USUAL[service], "", ""))
    lab = Lab(**{**WITH.get(name, {}), name: value})
    outcomes, errors, planned = "", [], None
    deadline = {"wait_timeout": "3m"} if value == "never" else {}
    steps = _life(lab, service, **OPTIONS.get(name, {}), **deadline)
    for number, step in enumerate(STEPS):
        before, sent = lab.state(), lab.writes()
        result = next(steps)
        outcomes += _outcome(result)
        if code(result):
            errors.append(code(result))
        _unharmed(lab, service, result, before)
        if step.startswith("check "):
            assert (lab.writes(), lab.state()) == (sent, before), "check mode wrote"
            planned = result.get("plan")
        elif planned is not None:
            # What check mode predicted is what the run then planned, whatever became of it.
            assert "plan" not in result or result["plan"]["digest"] == planned["digest"]
            planned = None
        if step == "update" and outcomes[number] == "u":
            assert [each["field"] for each in result["drift"]] == ["description"]
            assert any("description" in text for text in result["warnings"])
        if step == "restore" and outcomes[number] == "c":
            assert lab.world.vm(VMS[service]).files["/etc/app.conf"] == "version = 1\n"
        lab.advance(1)
    assert outcomes == wanted.outcomes
    assert " ".join(map(str, errors)) == wanted.errors.strip()
    if outcomes[7] == "c":
        assert lab.names(VMS[service]) == ["baseline"]


def test_every_switch_is_played_in_more_than_one_position() -> None:
    for each in fields(Switches):
        assert len(values(each.name)) > 1 or not services(each.name), each.name


def test_the_tables_hold_no_dead_entries() -> None:
    assert set(DIFFERENT) <= set(POSITIONS)
    assert set(FREE) | set(WITH) | set(OPTIONS) <= {each.name for each in fields(Switches)}
    assert all(len(other.outcomes) == len(STEPS) and other.why for other in DIFFERENT.values())
