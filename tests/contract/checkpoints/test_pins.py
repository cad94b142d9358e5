# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pins in marks: SPF changes them with a description, on Arc they are set when a checkpoint is made."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.support.lab import Lab, Result


def run(lab: Lab, *, check: bool = False, **options: Any) -> Result:
    """vm_checkpoint of web01's checkpoint "keep", unless told otherwise."""
    named = {} if {"checkpoint_id", "select"} & set(options) else {"name": "keep"}
    return lab.run("vm_checkpoint", check=check, **{"vm": "web01", **named, **options})


def done(result: Result) -> Result:
    assert code(result) is None, result["msg"]
    return result


def info(lab: Lab, vm: str = "web01", **options: Any) -> dict[str, Result]:
    """What info shows of a VM's checkpoints, by name."""
    return {each["name"]: each for each in done(lab.run("vm_checkpoint_info", vm=vm, **options))["checkpoints"]}


def pin(result: Result) -> tuple[bool, str | None]:
    return result["checkpoint"]["pinned"], result["checkpoint"]["pin_until"]


@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_a_checkpoint_is_made_with_its_pin(service: str) -> None:
    lab = Lab()
    vm = "web01" if service == "spf" else lab.arm_vm
    planned = done(run(lab, vm=vm, check=True, pin=True, pin_until="2d"))
    assert pin(planned) == (True, None)
    assert "keep" in planned["diff"]["after"]
    assert "(new)   [pinned until 2d]" in planned["diff"]["after"]
    made = done(run(lab, vm=vm, pin=True, pin_until="2d", expected_plan=planned["plan"]))
    until = made["checkpoint"]["pin_until"]
    assert pin(made) == (True, until)
    stored = lab.world.vm("web01" if service == "spf" else "app01").checkpoints[-1].description
    assert f" pin until={until}" in str(stored)
    writes = lab.writes()
    for check in (True, False):
        again = done(run(lab, vm=vm, check=check, pin=True, pin_until="2d"))
        assert (again["changed"], pin(again)) == (False, (True, until))
        assert again["checkpoint"]["description"] == ""
    assert done(run(lab, vm=vm))["changed"] is False
    assert lab.writes() == writes
    assert (info(lab, vm)["keep"]["pinned"], info(lab, vm)["keep"]["pin_until"]) == (True, until)
    assert f"[pinned until {until[:16].replace('T', ' ')}Z]" in again["diff"]["before"]
    lab.advance(2 * 86400 + 60)
    assert info(lab, vm)["keep"]["pinned"] is False
    over = done(run(lab, vm=vm, pin=True, pin_until="2d"))
    assert over["changed"] is False
    assert over["warnings"][0].startswith(f"vm {vm.rpartition('/')[2]}: pin_until has passed for checkpoint ")
    assert lab.writes() == writes
    assert done(run(lab, vm=vm, state="absent"))["changed"] is True


@pytest.mark.parametrize("method", ["merge", "put"])
def test_on_spf_a_pin_is_set_changed_and_lifted_and_the_words_stay(method: str) -> None:
    lab = Lab()
    done(run(lab, description="before patching"))
    mark = info(lab)["keep"]["mark"]
    for options, expected in (
        ({"pin": True}, (True, None)),
        ({"pin": True, "pin_until": "2027-01-01T00:00:00+01:00"}, (True, "2026-12-31T23:00:00Z")),
        ({"pin": True}, (True, None)),
        ({"pin": False}, (False, None)),
    ):
        planned = done(run(lab, check=True, **options))
        result = done(run(lab, spf_update_method=method, **options))
        assert (planned["changed"], pin(planned), pin(result)) == (True, expected, expected)
        assert planned["plan"]["digest"] == result["plan"]["digest"]
        assert planned["diff"] == result["diff"]
        assert (result["checkpoint"]["description"], result["checkpoint"]["mark"]) == ("before patching", mark)
        writes = lab.writes()
        assert done(run(lab, **options))["changed"] is False
        assert lab.writes() == writes
    assert lab.writes() == 5


def test_description_and_pin_change_in_one_write() -> None:
    lab = Lab()
    done(run(lab))
    result = done(run(lab, pin=True, description="why"))
    assert (lab.writes(), pin(result), result["checkpoint"]["description"]) == (2, (True, None), "why")
    (action,) = [each for each in result["plan"]["actions"] if each["action"] == "update"]
    assert set(action["fields"]) == {"description", "pin"}
    assert "[pinned]  why" in result["diff"]["after"]


@pytest.mark.parametrize("check", [True, False])
def test_what_is_pinned_goes_by_its_id_alone(check: bool) -> None:
    lab = Lab()
    made = done(run(lab, pin=True))["checkpoint"]["id"]
    writes = lab.writes()
    for options in (
        {},
        {"on_ambiguous": "all"},
        {"checkpoint_id": made},
        {"checkpoint_id": made, "name": "keep"},
    ):
        refused = run(lab, check=check, state="absent", **options)
        assert code(refused) == "pinned"
        assert made in refused["error"]["message"]
        assert "ignore_pin" in refused["error"]["remedy"]
        assert (refused["changed"], lab.writes()) == (False, writes)
    result = done(run(lab, check=check, state="absent", checkpoint_id=made, ignore_pin=True))
    assert result["changed"] is True
    assert ("keep" in lab.names("web01")) is check


def test_of_several_nothing_goes_where_one_is_pinned() -> None:
    lab = Lab()
    done(run(lab, pin=True))
    lab.advance(3600)
    done(run(lab, max_age="1m"))
    writes = lab.writes()
    assert code(run(lab, state="absent", on_ambiguous="all")) == "pinned"
    assert code(run(lab, state="absent", on_ambiguous="oldest")) == "pinned"
    assert lab.writes() == writes
    assert done(run(lab, state="absent", on_ambiguous="newest"))["changed"] is True
    assert lab.names("web01").count("keep") == 1


@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_supersede_leaves_what_is_pinned(service: str) -> None:
    lab = Lab()
    vm = "web01" if service == "spf" else lab.arm_vm
    name = "web01" if service == "spf" else "app01"
    done(run(lab, vm=vm, pin=True, max_age="1h"))
    for _turn in range(2):
        lab.advance(7200)
        done(run(lab, vm=vm, max_age="1h", supersede=True))
    assert lab.names(name).count("keep") == 2


@pytest.mark.parametrize("check", [True, False])
def test_on_arc_nothing_changes_a_pin_and_the_policy_is_named(check: bool) -> None:
    lab = Lab()
    done(run(lab, vm=lab.arm_vm))
    done(run(lab, vm=lab.arm_vm, name="held", pin=True))
    writes = lab.writes()
    refused = run(lab, vm=lab.arm_vm, check=check, pin=True)
    assert code(refused) == "unsupported"
    assert "pins of vm_checkpoint_policy" in refused["error"]["remedy"]
    assert code(run(lab, vm=lab.arm_vm, check=check, name="held", pin=False)) == "unsupported"
    assert code(run(lab, vm=lab.arm_vm, check=check, name="held", pin=True, pin_until="1d")) == "unsupported"
    assert lab.writes() == writes
    assert done(run(lab, vm=lab.arm_vm, check=check, name="held", pin=True))["changed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_what_another_tool_made_takes_no_pin_on_spf(check: bool) -> None:
    lab = Lab()
    refused = run(lab, check=check, name="baseline", pin=True)
    assert code(refused) == "unsupported"
    assert "bears no mark of this collection" in refused["error"]["message"]
    assert done(run(lab, check=check, name="baseline", pin=False))["changed"] is False
    assert code(run(lab, check=check, pin=True, pin_lock=True)) == "unsupported"
    assert lab.writes() == 0


@pytest.mark.parametrize(
    "options",
    [
        {"pin_until": "1d"},
        {"pin": False, "pin_until": "1d"},
        {"pin": True, "pin_until": ""},
        {"pin": True, "pin_until": "soon"},
        {"pin": True, "pin_until": "2026-12-01"},
        {"pin": True, "pin_until": "1d\n]"},
        {"ignore_pin": True},
        {"select": "latest"},
        {"state": "absent", "ignore_pin": True},
        {"state": "absent", "pin": False},
        {"state": "absent", "pin_lock": False},
        {"state": "absent", "select": "latest", "on_ambiguous": "all"},
        {"state": "absent", "select": {"pinned": True}},
    ],
)
def test_what_is_wrong_changes_nothing(options: dict[str, Any]) -> None:
    lab = Lab()
    assert code(run(lab, **{"name": "keep", **options})) == "invalid_input"
    assert lab.requests == []


def test_a_mark_that_somebody_has_altered_is_nobody_s() -> None:
    lab = Lab()
    done(run(lab, pin=True, pin_until="2d"))
    checkpoint = lab.world.vm("web01").checkpoints[-1]
    checkpoint.description = (checkpoint.description or "").replace("until=2", "until=x")
    assert (info(lab)["keep"]["pinned"], info(lab)["keep"]["managed"]) == (False, False)
    assert code(run(lab, pin=True)) == "unsupported"


def test_a_service_that_drops_the_mark_has_made_no_pinned_one() -> None:
    lab = Lab(vmm_descriptions="cut_200")
    result = run(lab, pin=True, description="x" * 150)
    assert (code(result), result["changed"]) == ("not_proven", True)
    assert "is not pinned" in result["error"]["message"]
