# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lost answer is settled by, and trouble that meets every try of a write."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import CASES, VMS, code, make_lab
from tests.support.lab import Lab

pytestmark = pytest.mark.thorough


WRITING = [(service, case) for service, case in CASES if case.job]


@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_a_lost_create_is_adopted_by_its_mark(service: str) -> None:
    """Somebody else makes one of the same name meanwhile: ours is known by its nonce, theirs is reported and kept."""
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


@pytest.mark.parametrize("ends", ["Failed", "Completed"])
def test_a_lost_create_whose_job_is_not_listed_yet_is_waited_for(ends: str) -> None:
    """SPF shows the row of a checkpoint that is being made, and of its job only the id: neither proves it."""
    lab = make_lab("spf", create_takes="25s", spf_job_hidden_seconds=30.0)
    lab.world.faults.add(kind="lose_answer", method="POST", path="VMCheckPoints")
    if ends == "Failed":
        lab.fail_next("spf", "create")
    result = lab.run("vm_checkpoint", vm="web01", name="new")
    assert lab.seconds >= 30
    assert code(result) == ("outcome_unknown" if ends == "Failed" else None)
    assert ("new" in lab.names("web01")) is (ends == "Completed")


def _somebody_creates_before_the_restore(lab: Lab) -> None:
    def theirs() -> None:
        lab.world.spf.vmm.create_checkpoint(lab.world.vm("web01"), "theirs", "")

    lab.before_each(lambda request: request.method == "MERGE", theirs)


@pytest.mark.parametrize("hidden", [0.0, 20.0, 10_000.0])
@pytest.mark.parametrize("takes", ["0s", "1s", "30s"])
def test_a_lost_restore_is_not_settled_by_another_job(takes: str, hidden: float) -> None:
    """The run's own safety checkpoint, or somebody's create, is checkpoint work too, and no restore."""
    lab = make_lab("spf", create_takes=takes)
    lab.world.faults.add(kind="lose_request", method="MERGE")
    result = lab.run("vm_checkpoint_restore", vm="web01", name="baseline", safety_checkpoint=True)
    assert code(result) == "outcome_unknown"
    assert (lab.jobs("create"), lab.jobs("restore")) == (1, 0)
    lab = make_lab("spf", create_takes=takes, spf_job_hidden_seconds=hidden)
    lab.world.faults.add(kind="lose_request", method="MERGE")
    _somebody_creates_before_the_restore(lab)
    result = lab.run("vm_checkpoint_restore", vm="web01", name="baseline")
    assert (code(result), result["changed"]) == ("outcome_unknown", False)


def test_a_lost_restore_to_where_the_vm_stands_is_not_settled_by_a_job_that_is_listed_late() -> None:
    """No reading can prove such a restore, and the job turns out to be somebody's create."""
    lab = make_lab("spf")
    assert code(lab.run("vm_checkpoint_restore", vm="web01", name="baseline")) is None
    lab.world.switches.set("spf_job_hidden_seconds", 20.0)
    lab.world.faults.add(kind="lose_request", method="MERGE")
    _somebody_creates_before_the_restore(lab)
    result = lab.run("vm_checkpoint_restore", vm="web01", name="baseline")
    assert (code(result), result["changed"]) == ("outcome_unknown", False)
    assert lab.jobs("restore") == 1


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
        ({"kind": "status", "status": 404}, "refused or bad_answer"),
    ],
)
def test_trouble_that_lasts(service: str, fault: dict[str, Any], wanted: str) -> None:
    """Every try of a create meets it: the world is unharmed and the task ends in time."""
    create = next(case for _service, case in WRITING if case.name == "create")
    lab = make_lab(service)
    before = lab.state()
    lab.world.faults.add(method="POST", path="VMCheckPoints|createCheckpoint", count=None, **fault)
    result = create.run(lab, service)
    assert str(code(result)) in wanted.split(" or ")
    assert result["changed"] is False
    assert lab.state() == before
    assert lab.seconds <= 601
    if wanted == "outcome_unknown":
        assert lab.writes() == 1
