# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""expected_plan: the whole plan, its digest, or JSON text; what is left of it passes, anything else is shown."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.contract.core.scenarios import code
from tests.support.bench import Bench, Result


def _world() -> tuple[Bench, list[str]]:
    made = Bench()
    made.world.populate(spf=2, scvmm=2)
    return made, ["spf001", made.world.machine_uri("arc001"), "spf002"]


def _run(made: Bench, vms: list[str], **options: Any) -> Result:
    return made.run("vm_checkpoint", vms=vms, name="n", **options)


@pytest.mark.parametrize("form", ["plan", "digest", "text"])
def test_what_was_approved_is_done(form: str) -> None:
    made, vms = _world()
    plan = _run(made, vms, check=True)["plan"]
    approved = {"plan": plan, "digest": plan["digest"], "text": json.dumps(plan)}[form]
    made.advance(7200)
    result = _run(made, vms, expected_plan=approved)
    assert (code(result), result["changed"]) == (None, True)
    # Nothing left to do always passes.
    again = _run(made, vms, expected_plan=approved)
    assert (code(again), again["changed"]) == (None, False)


def test_what_is_left_of_a_plan_passes_and_of_a_digest_does_not() -> None:
    made, vms = _world()
    plan = _run(made, vms, check=True)["plan"]
    made.fail_next("spf", "create", "spf002")
    assert code(_run(made, vms, expected_plan=plan)) == "some_failed"
    assert code(_run(made, vms, expected_plan=plan["digest"])) == "plan_changed"
    rest = _run(made, vms, expected_plan=plan)
    assert (code(rest), rest["changed"]) == (None, True)
    assert [each["status"] for each in rest["vms"]] == ["unchanged", "unchanged", "changed"]


@pytest.mark.parametrize("form", ["plan", "digest"])
@pytest.mark.parametrize("check", [True, False])
def test_anything_else_is_shown(form: str, check: bool) -> None:
    made, vms = _world()
    plan = _run(made, vms[:2], check=True)["plan"]
    result = _run(made, vms, expected_plan=plan if form == "plan" else plan["digest"], check=check)
    assert code(result) == "plan_changed"
    assert "create n of spf002" in result["msg"]
    assert made.writes() == 0
    assert result["changed"] is False


def test_another_name_description_or_service_is_another_plan() -> None:
    made, vms = _world()
    plan = _run(made, vms, check=True, description="told")["plan"]
    for options in ({"name": "m", "description": "told"}, {"description": "otherwise"}, {}):
        given: dict[str, Any] = {"vms": vms, "name": "n", **options}
        assert code(made.run("vm_checkpoint", expected_plan=plan, **given)) == "plan_changed"
    assert code(_run(made, vms, description="told", expected_plan=plan)) is None


def test_a_delete_is_approved_by_id() -> None:
    """Another checkpoint of the same name has come instead: that one was not meant."""
    made, vms = _world()
    _run(made, vms)
    plan = _run(made, vms, state="absent", check=True)["plan"]
    made.run("vm_checkpoint", vm="spf001", name="n", state="absent")
    made.run("vm_checkpoint", vm="spf001", name="n")
    result = _run(made, vms, state="absent", expected_plan=plan)
    assert code(result) == "plan_changed"
    assert "spf001" in result["msg"]
    assert "arc001" not in result["msg"].partition("Nothing was changed")[0]


def test_a_restore_is_approved_like_anything_else() -> None:
    made, _vms = _world()
    options: dict[str, Any] = {"vm": "spf001", "name": "baseline", "safety_checkpoint": True, "power_after": "on"}
    plan = made.run("vm_checkpoint_restore", check=True, **options)["plan"]
    other = made.run("vm_checkpoint_restore", expected_plan=plan, **{**options, "power_after": "off"})
    assert code(other) == "plan_changed"
    assert code(made.run("vm_checkpoint_restore", expected_plan=plan["digest"], **options)) is None


@pytest.mark.parametrize(
    "wrong", ["sha256:short", "nonsense", "{not json", "[1]", {"version": 9}, {"version": 1, "actions": [1]}, 5]
)
def test_what_is_no_plan(wrong: Any) -> None:
    made, vms = _world()
    result = _run(made, vms, expected_plan=wrong)
    assert code(result) == "invalid_input"
    assert "expected_plan" in result["msg"]
    assert not made.requests


def test_the_plan_that_was_not_approved_is_returned_and_says_what_differs() -> None:
    made = Bench()
    given: dict[str, Any] = {"vm": "web01", "name": "new"}
    approved = made.run("vm_checkpoint", check=True, description="first", **given)["plan"]
    result = made.run("vm_checkpoint", description="second", expected_plan=approved, **given)
    assert code(result) == "plan_changed"
    assert "create new of web01 (description: second)" in result["msg"]
    assert result["plan"]["actions"][0]["checkpoint"] == {"name": "new", "description": "second"}
    assert made.run("vm_checkpoint", description="second", expected_plan=result["plan"], **given)["changed"] is True
