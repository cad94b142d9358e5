# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trouble at the one write of each task: never sent twice against the rule, settled by reading, or named as open."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from tests.contract.checkpoints.scenarios import BROKEN, CASES, VMS, Scenario, code, is_write, make_lab, requests_of
from tests.support.lab import Lab, Result

pytestmark = pytest.mark.thorough


class Trouble(NamedTuple):
    """A fault, whether the service still does the work, and whether the write may be sent again."""

    fault: dict[str, Any]
    heard: bool
    again: bool = False


_ELSEWHERE = dict.fromkeys(("Location", "Azure-AsyncOperation"), "https://elsewhere.example/operationStatuses/1")
LATE = 900  # seconds: longer than any write may take, and than the task's own ten minutes
TROUBLES = {
    "lost request": Trouble({"kind": "lose_request"}, heard=False),
    "no connection": Trouble({"kind": "lose_request", "exception": "ConnectError"}, heard=False, again=True),
    "connect timeout": Trouble({"kind": "lose_request", "exception": "ConnectTimeout"}, heard=False, again=True),
    "no free connection": Trouble({"kind": "lose_request", "exception": "PoolTimeout"}, heard=False, again=True),
    "write error": Trouble({"kind": "lose_request", "exception": "WriteError"}, heard=False),
    "lost answer": Trouble({"kind": "lose_answer"}, heard=True),
    "read timeout": Trouble({"kind": "lose_answer", "exception": "ReadTimeout"}, heard=True),
    "429": Trouble({"kind": "status", "status": 429}, heard=False, again=True),
    "429 with Retry-After": Trouble(
        {"kind": "status", "status": 429, "headers": {"Retry-After": "20"}}, heard=False, again=True
    ),
    "429 three times": Trouble({"kind": "status", "status": 429, "count": 3}, heard=False, again=True),
    "503 before": Trouble({"kind": "status", "status": 503, "headers": {"Retry-After": "1"}}, heard=False),
    "503 after": Trouble({"kind": "status_after", "status": 503}, heard=True),
    "500 before": Trouble({"kind": "status", "status": 500}, heard=False),
    "500 after": Trouble({"kind": "status_after", "status": 500}, heard=True),
    "504 after": Trouble({"kind": "status_after", "status": 504}, heard=True),
    "408": Trouble({"kind": "status", "status": 408}, heard=False),
    "HTML of a proxy": Trouble({"kind": "html", "status": 502}, heard=False),
    "HTML instead": Trouble({"kind": "html", "status": 200}, heard=False),
    "truncated": Trouble({"kind": "truncate"}, heard=True),
    "wrong types": Trouble({"kind": "replace", "body": {"ID": [], "properties": 5}}, heard=True),
    "reset in the body": Trouble({"kind": "reset_body"}, heard=True),
    "status URL elsewhere": Trouble({"kind": "headers", "headers": {**_ELSEWHERE}}, heard=True),
    "no status URL": Trouble({"kind": "headers", "headers": dict.fromkeys(_ELSEWHERE, "")}, heard=True),
    "redirect": Trouble({"kind": "redirect"}, heard=False),
    "slow": Trouble({"kind": "delay", "seconds": 60}, heard=True),
    "too slow": Trouble({"kind": "delay", "seconds": LATE}, heard=True),
}
WRITING = [(service, case) for service, case in CASES if case.job]
WRITING_IDS = [f"{service}-{case.name}" for service, case in WRITING]
HARMLESS_AGAIN = ("delete",)  # by id, after a list that shows it: rule 2
ANSWERS = ("HTML instead", "redirect")  # not lost: an answer, though none of the service's


def _troubled(service: str, case: Scenario, trouble: Trouble) -> tuple[Lab, Result]:
    """The world after the task whose write meets the trouble, and the task's result."""
    sent = requests_of(service, case.name)
    (position,) = [n for n, each in enumerate(sent, 1) if is_write(*each)]
    lab = make_lab(service)
    lab.world.faults.add(nth=position, **trouble.fault)
    return lab, case.run(lab, service)


def _others_untouched(lab: Lab, service: str, case: Scenario, before: dict[str, Any]) -> None:
    """Nothing that the plan did not name is gone or other than it was."""
    after = lab.state()
    beside = f"beside-{VMS[service]}"
    assert after[beside] == before[beside]
    then, now = before[VMS[service]], after[VMS[service]]
    kept = [point for point in then["checkpoints"] if case.name != "delete" or point[1] != "later"]
    if case.name == "update":
        assert [point[:2] for point in now["checkpoints"]] == [point[:2] for point in kept]
    else:
        assert now["checkpoints"][: len(kept)] == kept
    assert now["power"] == then["power"]
    assert (now["files"]["/etc/app.conf"] == BROKEN) or case.name.startswith("restore")


@pytest.mark.parametrize("name", TROUBLES)
@pytest.mark.parametrize(("service", "case"), WRITING, ids=WRITING_IDS)
def test_a_troubled_write(service: str, case: Scenario, name: str) -> None:
    trouble = TROUBLES[name]
    before = make_lab(service).state()
    lab, result = _troubled(service, case, trouble)
    sent, done = lab.writes(), case.is_done(lab, service)
    where = (name, sent, done, result.get("msg"), result["changed"])

    # Sent again only where it provably never left or was refused with 429; a delete by id once more after a list.
    again = trouble.fault.get("count", 1) if trouble.again else 0
    assert sent <= 1 + again + (case.name in HARMLESS_AGAIN and not trouble.again), where
    # Whatever came of it, the service did it once at most. (A late delete meets what is gone by then.)
    assert lab.jobs(str(case.job)) <= 1, where
    _others_untouched(lab, service, case, before)

    # The truth is told: done and no error; or an error, and then `changed` says what is known.
    if code(result) is None:
        assert done, where
        assert result["changed"] is True, where
    else:
        assert code(result) in ("outcome_unknown", "not_proven", "bad_answer", "unavailable"), where
        assert result["error"]["retry"] == "after_reading", where
    if trouble.again:
        assert code(result) is None, where
        assert sent == 1 + again, where
    if trouble.heard and name != "too slow" and not _cannot_be_proven(service, case):
        assert code(result) is None, where
    if not trouble.heard and not trouble.again and case.name in HARMLESS_AGAIN and name not in ANSWERS:
        assert (code(result), sent) == (None, 2), where
    if not trouble.heard and not trouble.again and case.name not in HARMLESS_AGAIN:
        assert code(result) is not None, where
        assert lab.state() == before, where
    _settles(lab, service, case)


def _cannot_be_proven(service: str, case: Scenario) -> bool:
    """Arc shows no operation whose start was lost, and a VM that stands where it stood tells nothing."""
    return service == "scvmm" and case.name == "restore to current"


def _settles(lab: Lab, service: str, case: Scenario) -> None:
    """An untroubled run brings it about, and the next finds nothing left to do; a restore is an act each time."""
    lab.world.faults.clear()
    lab.advance(60)
    result = case.run(lab, service)
    assert code(result) is None, result["msg"]
    assert case.is_done(lab, service)
    state, writes = lab.state(), lab.writes()
    if case.module == "vm_checkpoint":
        result = case.run(lab, service)
        assert (code(result), result["changed"]) == (None, False)
        assert (lab.state(), lab.writes()) == (state, writes)


@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_a_lost_create_is_adopted_by_its_mark(service: str) -> None:
    """Somebody else makes one of the same name meanwhile: ours is told by its nonce, theirs is reported and kept."""
    create = next(case for _service, case in WRITING if case.name == "create")
    lab = make_lab(service)
    vm = lab.world.vm(VMS[service])
    lab.world.faults.add(kind="lose_answer", method="POST", path="VMCheckPoints|createCheckpoint")

    def twin() -> None:
        site = lab.world.site(service)
        site.vmm.create_checkpoint(vm, "new", "by somebody else")
        lab.advance(2)  # theirs is done before ours arrives
        lab.world.settle()

    lab.before_first(lab.a_write("POST"), twin)
    result = create.run(lab, service)
    assert code(result) is None
    assert result["checkpoint"]["managed"] is True
    assert [point.name for point in vm.checkpoints].count("new") == 2
    assert [each["description"] for each in result["duplicates"]] == ["by somebody else"]
    assert any("both are kept" in text for text in result["warnings"])
    again = create.run(lab, service)
    assert (code(again), again["changed"]) == (None, False)


@pytest.mark.parametrize("takes", ["0s", "1s", "30s"])
def test_a_lost_restore_is_not_settled_by_another_job(takes: str) -> None:
    """The run's own safety checkpoint, or somebody's create, is checkpoint work too, and no restore."""
    lab = make_lab("spf", create_takes=takes)
    lab.world.faults.add(kind="lose_request", method="MERGE")
    result = lab.run("vm_checkpoint_restore", vm="web01", name="baseline", safety_checkpoint=True)
    assert code(result) == "outcome_unknown"
    assert (lab.jobs("create"), lab.jobs("restore")) == (1, 0)
    lab = make_lab("spf", create_takes=takes)
    lab.world.faults.add(kind="lose_request", method="MERGE")

    def theirs() -> None:
        lab.world.spf.vmm.create_checkpoint(lab.world.vm("web01"), "theirs", "")

    lab.before_each(lambda request: request.method == "MERGE", theirs)
    result = lab.run("vm_checkpoint_restore", vm="web01", name="baseline")
    assert (code(result), result["changed"]) == ("outcome_unknown", False)


@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_a_lost_create_is_not_settled_by_a_twin(service: str) -> None:
    """Ours never arrived, and somebody made one of that name: theirs bears no mark of this run."""
    lab = make_lab(service)
    lab.world.faults.add(kind="lose_request", method="POST", path="VMCheckPoints|createCheckpoint")

    def twin() -> None:
        lab.world.site(service).vmm.create_checkpoint(lab.world.vm(VMS[service]), "new", "by hand")

    lab.before_each(lab.a_write("POST"), twin)
    vm = VMS[service] if service == "spf" else lab.arm_vm
    result = lab.run("vm_checkpoint", vm=vm, name="new")
    assert (code(result), result["changed"]) == ("outcome_unknown", False)


@pytest.mark.parametrize("service", ["spf", "scvmm"])
@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        ({"kind": "lose_request", "exception": "ConnectError"}, "unreachable"),
        ({"kind": "status", "status": 503}, "outcome_unknown"),
        ({"kind": "status", "status": 429}, "unavailable"),
        ({"kind": "status", "status": 429, "headers": {"Retry-After": "4000"}}, "unavailable"),
        ({"kind": "lose_request"}, "outcome_unknown"),
        ({"kind": "status", "status": 403}, "forbidden"),
        ({"kind": "status", "status": 400}, "refused"),
        ({"kind": "status", "status": 404}, "not_found"),
    ],
)
def test_trouble_that_lasts(service: str, fault: dict[str, Any], wanted: str) -> None:
    """Every try of a create meets it: the world is unharmed and the task ends in time."""
    create = next(case for _service, case in WRITING if case.name == "create")
    lab = make_lab(service)
    before = lab.state()
    lab.world.faults.add(method="POST", path="VMCheckPoints|createCheckpoint", count=None, **fault)
    result = create.run(lab, service)
    assert code(result) == wanted
    assert result["changed"] is False
    assert lab.state() == before
    assert lab.seconds <= 601
    if wanted == "outcome_unknown":
        assert lab.writes() == 1
