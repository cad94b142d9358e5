# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""expected_plan: the whole plan, its digest, or JSON text; what is left of it passes, anything else is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Lab, Result


def _world() -> tuple[Lab, list[str]]:
    lab = Lab()
    lab.world.populate(spf=2, scvmm=2)
    return lab, ["spf001", lab.world.machine_uri("arc001"), "spf002"]


def _run(lab: Lab, vms: list[str], **options: Any) -> Result:
    return lab.run("vm_checkpoint", vms=vms, name="n", **options)


@pytest.mark.parametrize("form", ["plan", "digest", "text"])
def test_what_was_approved_is_done(form: str) -> None:
    lab, vms = _world()
    plan = _run(lab, vms, check=True)["plan"]
    approved = {"plan": plan, "digest": plan["digest"], "text": json.dumps(plan)}[form]
    lab.advance(7200)
    result = _run(lab, vms, expected_plan=approved)
    assert (code(result), result["changed"]) == (None, True)
    # Nothing left to do always passes.
    again = _run(lab, vms, expected_plan=approved)
    assert (code(again), again["changed"]) == (None, False)


def test_what_is_left_of_a_plan_passes_and_of_a_digest_does_not() -> None:
    lab, vms = _world()
    plan = _run(lab, vms, check=True)["plan"]
    lab.fail_next("spf", "create", "spf002")
    assert code(_run(lab, vms, expected_plan=plan)) == "some_failed"
    assert code(_run(lab, vms, expected_plan=plan["digest"])) == "plan_changed"
    rest = _run(lab, vms, expected_plan=plan)
    assert (code(rest), rest["changed"]) == (None, True)
    assert [each["status"] for each in rest["vms"]] == ["unchanged", "unchanged", "changed"]


@pytest.mark.parametrize("form", ["plan", "digest"])
@pytest.mark.parametrize("check", [True, False])
def test_anything_else_is_shown(form: str, check: bool) -> None:
    lab, vms = _world()
    plan = _run(lab, vms[:2], check=True)["plan"]
    result = _run(lab, vms, expected_plan=plan if form == "plan" else plan["digest"], check=check)
    assert code(result) == "plan_changed"
    assert "create n of spf002" in result["msg"]
    assert lab.writes() == 0
    assert result["changed"] is False


def test_another_name_description_or_service_is_another_plan() -> None:
    lab, vms = _world()
    plan = _run(lab, vms, check=True, description="described")["plan"]
    for options in ({"name": "m", "description": "described"}, {"description": "otherwise"}, {}):
        given: dict[str, Any] = {"vms": vms, "name": "n", **options}
        assert code(lab.run("vm_checkpoint", expected_plan=plan, **given)) == "plan_changed"
    assert code(_run(lab, vms, description="described", expected_plan=plan)) is None


def test_a_delete_is_approved_by_id() -> None:
    """Another checkpoint of the same name has come instead: that one was not meant."""
    lab, vms = _world()
    _run(lab, vms)
    plan = _run(lab, vms, state="absent", check=True)["plan"]
    lab.run("vm_checkpoint", vm="spf001", name="n", state="absent")
    lab.run("vm_checkpoint", vm="spf001", name="n")
    result = _run(lab, vms, state="absent", expected_plan=plan)
    assert code(result) == "plan_changed"
    assert "spf001" in result["msg"]
    assert "arc001" not in result["msg"].partition("Nothing was changed")[0]


def test_a_restore_is_approved_like_anything_else() -> None:
    lab, _vms = _world()
    options: dict[str, Any] = {"vm": "spf001", "name": "baseline", "safety_checkpoint": True, "power_after": "on"}
    plan = lab.run("vm_checkpoint_restore", check=True, **options)["plan"]
    other = lab.run("vm_checkpoint_restore", expected_plan=plan, **{**options, "power_after": "off"})
    assert code(other) == "plan_changed"
    assert code(lab.run("vm_checkpoint_restore", expected_plan=plan["digest"], **options)) is None


@pytest.mark.parametrize(
    "wrong", ["sha256:short", "nonsense", "{not json", "[1]", {"version": 9}, {"version": 1, "actions": [1]}, 5]
)
def test_what_is_no_plan(wrong: Any) -> None:
    lab, vms = _world()
    result = _run(lab, vms, expected_plan=wrong)
    assert code(result) == "invalid_input"
    assert "expected_plan" in result["msg"]
    assert not lab.requests


def test_the_plan_that_was_not_approved_is_returned_and_says_what_differs() -> None:
    lab = Lab()
    given: dict[str, Any] = {"vm": "web01", "name": "new"}
    approved = lab.run("vm_checkpoint", check=True, description="first", **given)["plan"]
    result = lab.run("vm_checkpoint", description="second", expected_plan=approved, **given)
    assert code(result) == "plan_changed"
    assert "create new of web01 (description: second)" in result["msg"]
    assert result["plan"]["actions"][0]["checkpoint"] == {"name": "new", "description": "second"}
    assert lab.run("vm_checkpoint", description="second", expected_plan=result["plan"], **given)["changed"] is True


@pytest.mark.parametrize("nothing", [None, "", "  ", {}, []])
@pytest.mark.parametrize("vms", [["spf001"], []])
def test_a_gate_does_not_stand_open_where_its_variable_is_empty(nothing: Any, vms: list[str]) -> None:
    lab, _vms = _world()
    if nothing is None or vms:
        refused = _run(lab, vms, require_approval=True, expected_plan=nothing)
        assert (code(refused), refused["changed"]) == ("approval_missing", False)
        assert "require_approval is set" in refused["msg"]
        assert not lab.requests
    planned = _run(lab, ["spf001"], require_approval=True, expected_plan=nothing, check=True)
    assert (code(planned), planned["changed"]) == (None, True)
    assert code(_run(lab, ["spf001"], require_approval=True, expected_plan=planned["plan"])) is None


@pytest.mark.parametrize("option", [{}, {"require_approval": False}, {"require_approval": None}])
def test_without_the_gate_nothing_need_be_approved(option: dict[str, Any]) -> None:
    lab, vms = _world()
    assert code(_run(lab, vms, **option)) is None


def test_what_is_there_and_is_no_approval_stays_wrong_input() -> None:
    lab, vms = _world()
    for wrong in ("null", "{}", {"version": 9}, 0, False):
        assert code(_run(lab, vms, require_approval=True, expected_plan=wrong)) == "invalid_input"
    approved = _run(lab, vms[:1], check=True)["plan"]
    assert code(_run(lab, vms, require_approval=True, expected_plan=approved)) == "plan_changed"
    assert lab.writes() == 0


@pytest.mark.parametrize(
    "module", ["leftover_disk", "restore_point", "restore_point_collection", "vm_checkpoint_restore"]
)
def test_every_module_that_changes_something_has_the_gate(module: str) -> None:
    lab = Lab()
    given: dict[str, dict[str, Any]] = {
        "leftover_disk": {
            "vm": lab.azure_vm,
            "ids": [lab.azure_vm.rpartition("/providers")[0] + "/providers/Microsoft.Compute/disks/d"],
            "state": "absent",
        },
        "restore_point": {"name": "p", "collection": "c", "resource_group": "rg-shop"},
        "restore_point_collection": {"name": "c", "resource_group": "rg-shop"},
        "vm_checkpoint_restore": {"vm": "web01", "name": "baseline"},
    }
    assert code(lab.run(module, require_approval=True, **given[module])) == "approval_missing"
    assert not lab.requests
