# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A name denotes a series: age, superseding, pairs, and descriptions."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import SERVICES, VMS, code, make_lab
from tests.support.lab import Lab, Result

pytestmark = pytest.mark.parametrize("service", SERVICES)


def _present(lab: Lab, service: str, name: str = "nightly", **options: Any) -> Result:
    vm = VMS[service] if service == "spf" else lab.arm_vm
    return lab.run("vm_checkpoint", vm=vm, name=name, **options)


def _actions(result: Result) -> list[str]:
    return [each["action"] for each in result["plan"]["actions"]]


def test_max_age(service: str) -> None:
    lab = make_lab(service)
    assert _present(lab, service, max_age="1d")["changed"] is True
    lab.advance(3600)
    kept = _present(lab, service, max_age="1d")
    assert (kept["changed"], _actions(kept)) == (False, ["keep"])
    lab.advance(86_400)
    assert _present(lab, service)["changed"] is False
    assert _present(lab, service, max_age="1d", check=True)["changed"] is True
    new = _present(lab, service, max_age="1d")
    assert (code(new), new["changed"]) == (None, True)
    assert lab.names(VMS[service]).count("nightly") == 2
    assert new["checkpoint"]["age_seconds"] < 60


def test_unmanaged_ones_and_age(service: str) -> None:
    """SPF knows when `later` was made; on Arc nobody does, and what is of unknown age satisfies no max_age."""
    lab = make_lab(service)
    result = _present(lab, service, "later", max_age="7d")
    assert result["changed"] is (service == "scvmm")


@pytest.mark.parametrize("date", [True, False])
def test_supersede(service: str, date: bool) -> None:
    """The old ones go, oldest first, once the new one hangs; only our own."""
    lab = make_lab(service, date_header=date)
    if not date:
        lab.wall_clock = lambda: datetime.fromtimestamp(lab.clock(), UTC)
    vm = lab.world.vm(VMS[service])
    lab.world.site(service).vmm.create_checkpoint(vm, "nightly", "by hand")
    lab.advance(90_000)
    for _day in range(2):
        assert code(_present(lab, service, max_age="1d")) is None
        lab.advance(90_000)
    assert lab.names(VMS[service]).count("nightly") == 3
    ours = [point.id for point in vm.checkpoints[3:]]
    predicted = _present(lab, service, max_age="1d", supersede=True, check=True)
    result = _present(lab, service, max_age="1d", supersede=True)
    assert (code(result), _actions(result)) == (None, ["create", "delete", "delete"])
    assert result["plan"]["digest"] == predicted["plan"]["digest"]
    assert next(point.description for point in vm.checkpoints if point.name == "nightly") == "by hand"
    assert lab.names(VMS[service]).count("nightly") == 2
    assert not {point.id for point in vm.checkpoints} & set(ours)
    methods = [request.method for request in lab.sent()][-3:]
    assert methods == (["POST", "DELETE", "DELETE"] if service == "spf" else ["POST"] * 3)
    again = _present(lab, service, max_age="1d", supersede=True)
    assert (code(again), again["changed"]) == (None, False)


def test_nothing_is_superseded_by_what_failed(service: str) -> None:
    lab = make_lab(service)
    _present(lab, service)
    lab.advance(90_000)
    lab.fail_next(service, "create")
    result = _present(lab, service, max_age="1d", supersede=True)
    assert code(result) == "operation_failed"
    assert lab.names(VMS[service]).count("nightly") == 1
    assert lab.jobs("delete") == 0


def test_nothing_is_superseded_by_what_may_be_unusable(service: str) -> None:
    lab = make_lab(service)
    _present(lab, service)
    lab.advance(90_000)
    lab.world.switches.set("spf_host_id", "never")
    result = _present(lab, service, max_age="1d", supersede=True)
    assert code(result) == ("not_proven" if service == "spf" else None)
    assert lab.jobs("delete") == (0 if service == "spf" else 1)


def test_pairs_are_named_or_chosen(service: str) -> None:
    lab = make_lab(service)
    _present(lab, service, description="one")
    lab.advance(90_000)
    _present(lab, service, max_age="1d")
    assert _present(lab, service)["changed"] is False
    result = _present(lab, service, state="absent")
    assert code(result) == "ambiguous"
    for choice, left in [("newest", 1), ("all", 0)]:
        result = _present(lab, service, state="absent", on_ambiguous=choice)
        assert (code(result), result["changed"]) == (None, True)
        assert lab.names(VMS[service]).count("nightly") == left
    assert lab.names(VMS[service]) == ["baseline", "later"]


def test_a_description_of_a_pair(service: str) -> None:
    """Where one must be chosen it is an error; `all` is each of them. On Arc it is drift, and no change."""
    lab = make_lab(service)
    _present(lab, service)
    lab.advance(90_000)
    _present(lab, service, max_age="1d")
    assert code(_present(lab, service, description="described")) == "ambiguous"
    result = _present(lab, service, description="described", on_ambiguous="all")
    assert code(result) is None
    if service == "spf":
        assert (result["changed"], _actions(result).count("update")) == (True, 2)
        marks = [point.description for point in lab.world.vm("web01").checkpoints if point.name == "nightly"]
        assert all(str(each).startswith("described\n[hybridvm.checkpoints 1 ") for each in marks)
        assert _present(lab, service, description="described")["changed"] is False
    else:
        assert (result["changed"], len(result["drift"])) == (False, 2)


def test_check_mode_shows_the_description_that_would_be(service: str) -> None:
    """Where the service can change it; elsewhere what is there, and the drift."""
    lab = make_lab(service)
    planned = _present(lab, service, "later", check=True, description="described")
    assert lab.writes() == 0
    real = _present(lab, service, "later", description="described")
    assert real["checkpoint"]["description"] == ("described" if service == "spf" else "after patching")
    for shown in (planned, real):
        shown["checkpoint"].pop("age_seconds")
    assert planned["checkpoint"] == real["checkpoint"]
    assert planned.get("drift") == real.get("drift")


def test_a_name_is_meant_in_its_own_case(service: str) -> None:
    lab = make_lab(service)
    assert _present(lab, service, "LATER", state="absent")["changed"] is False
    assert _actions(_present(lab, service, "LATER", check=True)) == ["create"]
    assert lab.writes() == 0


def test_a_description_means_nothing_where_the_checkpoint_is_to_go(service: str) -> None:
    lab = make_lab(service)
    result = _present(lab, service, "later", state="absent", description="whatever it says")
    assert (code(result), result["changed"]) == (None, True)
    assert lab.names(VMS[service]) == ["baseline"]


def test_a_lost_answer_that_nothing_settles_is_not_known_to_have_changed_anything(service: str) -> None:
    """And one that was accepted is, whatever came of it."""
    lost = make_lab(service)
    lost.world.faults.add(kind="lose_request", method="POST", path="heckpoint", count=None)
    result = _present(lost, service, "new", settle_time="10s")
    assert (code(result), result["changed"], result["error"]["retry"]) == ("outcome_unknown", False, "after_reading")
    accepted = make_lab(service)
    accepted.world.faults.add(kind="status", method="POST", path="heckpoint", status=202, count=None)
    result = _present(accepted, service, "new", settle_time="10s", wait_timeout="5m")
    assert (code(result), result["changed"]) == ("outcome_unknown", True)


def test_by_id(service: str) -> None:
    lab = make_lab(service)
    point = lab.world.vm(VMS[service]).checkpoints[1]
    ours = point.id if service == "spf" else str(point.checkpoint_id)
    vm = VMS[service] if service == "spf" else lab.arm_vm
    kept = lab.run("vm_checkpoint", vm=vm, checkpoint_id=ours)
    assert (code(kept), kept["changed"], kept["checkpoint"]["name"]) == (None, False, "later")
    assert code(lab.run("vm_checkpoint", vm=vm, checkpoint_id=ours, name="other")) == "missing_checkpoint"
    assert code(lab.run("vm_checkpoint", vm=vm, checkpoint_id="no-such-id")) == "missing_checkpoint"
    gone = lab.run("vm_checkpoint", vm=vm, checkpoint_id=str(point.checkpoint_id).lower(), state="absent")
    assert (code(gone), gone["changed"]) == (None, True)
    assert lab.names(VMS[service]) == ["baseline"]
    assert lab.run("vm_checkpoint", vm=vm, checkpoint_id=ours, state="absent")["changed"] is False


def test_somebody_else_deletes_it_first(service: str) -> None:
    """Gone is gone: a 404, or a failed operation on what is not there, is settled by reading."""
    lab = make_lab(service, arc_delete_unknown="404")
    vm = lab.world.vm(VMS[service])

    def theirs() -> None:
        vm.checkpoints = [point for point in vm.checkpoints if point.name != "later"]

    lab.before_first(lab.a_write(), theirs)
    result = _present(lab, service, "later", state="absent")
    assert code(result) is None
    assert lab.names(VMS[service]) == ["baseline"]


def test_what_is_removed_between_reading_and_updating(service: str) -> None:
    lab = make_lab(service)
    vm = lab.world.vm(VMS[service])

    def theirs() -> None:
        vm.checkpoints = [point for point in vm.checkpoints if point.name != "later"]

    lab.before_each(lab.a_write(), theirs)
    result = _present(lab, service, "later", description="described")
    assert code(result) == ("not_found" if service == "spf" else None)
