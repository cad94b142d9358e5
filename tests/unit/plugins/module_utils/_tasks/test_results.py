# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task returns, of one target, of many and of a group: every key, and every word of the texts."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    PinChange,
    SetPin,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Interrupted,
    OutcomeUnknown,
    PlanChanged,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin, PinRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan, to_result
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Done, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.undo import Undo
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import result
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.checkpoint_result import CheckpointView
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    WEB01,
    having,
    ours,
)

from .runs import CREATE, KEEP, MADE, NO, OFF, View, done, member, poll, run

# One ------------------------------------------------------------------------------------------------------------------


def test_every_key_of_one() -> None:
    operation = Operation("job", "j1", poll)
    one = member(operation=operation, warnings=["w"], changed=True)
    assert result.one(one, View({"before": "b"}), 5.0, check_only=False) == {
        "changed": True,
        "plan": to_result([one.reconciler.plan]),
        "thing": "web01 False",
        "operation": operation.to_result(),
        "timing": {"read": 1.23, "total": 5.0},
        "warnings": ["w"],
        "diff": {"before": "b"},
    }


def test_what_one_has_not_is_left_out_and_its_failure_stands_beside_the_rest() -> None:
    plan = replace(Plan(WEB01, (CREATE,)), drift=({"field": "x"},))
    found = result.one(member(error=NO, plan=plan), View(), 5.0, check_only=False)
    assert ("diff" in found, found["operation"], found["drift"]) == (False, None, [{"field": "x"}])
    assert (found["error"], found["msg"]) == (NO.to_result(), "vm web01: says no.")
    assert "drift" not in result.one(member(), View(), 5.0, check_only=False)


@pytest.mark.parametrize(
    ("check", "plan", "changed", "expected"),
    [
        (True, (CREATE,), False, True),
        (True, (KEEP,), True, False),
        (False, (CREATE,), False, False),
        (False, (KEEP,), True, True),
    ],
)
def test_in_check_mode_the_plan_says_what_changes_else_the_run(
    check: bool, plan: tuple[Action, ...], changed: bool, expected: bool
) -> None:
    of = member(plan=Plan(WEB01, plan), changed=changed)
    assert result.one(of, View(), 1.0, check_only=check)["changed"] is expected
    assert result.many([of], View(), check_only=check)["changed"] is expected


def test_a_task_that_ended_before_any_target() -> None:
    assert result.failure(NO) == {"changed": False, "error": NO.to_result(), "msg": "vm web01: says no."}
    changed = PlanChanged("it is another plan.")
    assert "plan" not in result.failure(changed)
    changed.plan = {"version": 1}
    assert result.failure(changed)["plan"] == {"version": 1}


# Many -----------------------------------------------------------------------------------------------------------------


def test_every_key_of_many() -> None:
    first = member("a", started=True, finished=True, changed=True, warnings=["a: w"])
    second = member("b", started=True, finished=True, plan=Plan(WEB01, (KEEP,)), warnings=["b: w"])
    found = result.many([first, second], View({"before": "b"}), check_only=False)
    plans = [first.reconciler.plan, second.reconciler.plan]
    assert found == {
        "changed": True,
        "plan": to_result(plans),
        "vms": [
            {
                "vm": f"ref {name}",
                "status": status,
                "plan": to_result([plan]),
                "thing": f"{name} False",
                "operation": None,
                "timing": {"read": 1.23},
                "error": None,
            }
            for name, status, plan in zip("ab", ("changed", "unchanged"), plans, strict=True)
        ],
        "diff": [{"before": "b"}] * 2,
        "warnings": ["a: w", "b: w"],
        "msg": "2 VMs: 1 changed, 1 unchanged.",
    }


def test_one_of_many_is_a_vm() -> None:
    found = result.many([member(changed=True)], View(), check_only=True)
    assert (found["msg"], found["diff"]) == ("1 VM: 1 to change.", [])


def test_none_of_many() -> None:
    found = result.many([], View(), check_only=False)
    assert (found["changed"], found["vms"], found["diff"], "msg" in found, "error" in found) == (
        False,
        [],
        [],
        False,
        False,
    )


def test_what_is_counted_and_in_which_order() -> None:
    finished: dict[str, Any] = {"started": True, "finished": True}
    members = [
        member("a", OutcomeUnknown("open."), started=True),
        member("b", NO),
        member("c"),
        member("d", started=True),
        member("e", **finished),
        member("f", started=True, undo=Undo("removed")),
        member("g", changed=True, **finished),
        member("h", Interrupted("ended.")),
        member("i", Interrupted("ended."), started=True),
    ]
    found = result.many(members, View(), check_only=False)
    assert [each["status"] for each in found["vms"]] == [
        *("outcome_unknown", "failed", "not_started", "stopped", "unchanged", "undone", "changed"),
        *("not_started", "failed"),
    ]
    assert found["msg"] == (
        "4 of 9 VMs failed; the first: open. In all: 1 changed, 1 undone, 1 unchanged, 1 stopped, 2 not started, "
        "2 failed, 1 of unknown outcome. Each VM's own error is in vms."
    )
    assert (found["error"]["code"], found["vms"][1]["error"]) == ("some_failed", NO.to_result())


def test_in_check_mode_what_would_change_is_counted() -> None:
    found = result.many([member("a"), member("b", plan=Plan(WEB01, (KEEP,)))], View(), check_only=True)
    assert [each["status"] for each in found["vms"]] == ["changed", "unchanged"]
    assert found["msg"] == "2 VMs: 1 to change, 1 unchanged."
    failed = result.many([member("a"), member("b", NO)], View(), check_only=True)
    assert failed["msg"].startswith("1 of 2 VMs failed; the first: vm web01: says no. In all: 1 to change, 1 failed.")


def test_what_was_shown_before_it_was_let_go_is_what_the_result_holds() -> None:
    kept = member("a", started=True, finished=True)
    kept.shown = result.Shown({"vm": "kept", "status": "not_started"}, {"before": "kept"})
    found = result.many([kept], View(), check_only=False)
    assert (found["vms"], found["diff"]) == ([{"vm": "kept", "status": "unchanged"}], [{"before": "kept"}])


# Checkpoints ----------------------------------------------------------------------------------------------------------


def shown(check: bool = False, **fields: Any) -> dict[str, Any]:
    return CheckpointView().keys(cast(Any, run(**fields)), check_only=check)


def test_a_vm_that_was_not_read_has_no_checkpoint() -> None:
    assert shown(observed=None) == shown(True, observed=None) == {"checkpoint": None}
    view = CheckpointView()
    assert view.diff(cast(Any, run(observed=None)), check_only=False) is None
    assert view.diff(cast(Any, run(progress=Progress())), check_only=False) is None
    assert view.name(cast(Any, run("a"))) == {"vm": "ref a", "vm_id": "id-a", "provider": "spf"}


def test_the_diff_in_check_mode_is_of_the_plan_else_of_what_was_done() -> None:
    view, ran = CheckpointView(), cast(Any, run(observed=having(MADE), progress=done(CREATE)))
    header = {"before_header": "checkpoints of web01 (spf)", "after_header": "checkpoints of web01 (spf)"}
    new, made = "  nightly  (new)   it is missing\n", "  nightly  2026-11-20 11:00Z\n"
    assert view.diff(ran, check_only=True) == {**header, "before": "", "after": new}
    assert view.diff(ran, check_only=False) == {**header, "before": "", "after": made}


def test_a_vm_of_which_only_the_reference_is_known_has_no_id() -> None:
    unread = VM(reference="a", name="a", id="", canonical="a", provider="spf", service="")
    found = CheckpointView().name(cast(Any, run(kind=SimpleNamespace(target=unread))))
    assert found == {"vm": "a", "vm_id": None, "provider": "spf"}


def test_what_others_made_at_the_same_time_is_shown() -> None:
    other = ours("b2")
    progress = replace(done(CREATE), done=(Done(CREATE, "n", Completed(MADE, (other,))),))
    now = having(MADE, other)
    found = shown(progress=progress, observed=now)
    assert found == {"checkpoint": now.show(MADE), "duplicates": [now.show(other)]}
    assert shown(progress=done(CREATE), observed=now) == {"checkpoint": now.show(MADE)}


@pytest.mark.parametrize(
    ("actions", "pinned"),
    [
        ((replace(CREATE, description="d"),), False),
        ((replace(CREATE, pin=PinRequest()),), True),
        ((CREATE, SetPin(WEB01, "", checkpoint=Checkpoint("", "nightly"), pin=PinChange(PinRequest()))), True),
        ((CREATE, SetPin(WEB01, "", checkpoint=MADE, pin=PinChange(PinRequest()))), False),
    ],
)
def test_what_is_not_made_yet_has_null_for_what_nobody_knows(actions: tuple[Action, ...], pinned: bool) -> None:
    plan = Plan(WEB01, actions)
    found = shown(True, plan=plan)["checkpoint"]
    create = cast(Create, actions[0])
    assert found == {
        **dict.fromkeys(("id", "host_id", "created", "parent_id", "depth", "mark", "pin_until", "age_seconds")),
        "name": "nightly",
        "description": create.description or "",
        "current": False,
        "position": "unknown",
        "usable": False,
        "usability": "unknown",
        "consistency": None,
        "managed": True,
        "other_vm": False,
        "pinned": pinned,
    }
    assert shown(False, plan=plan)["checkpoint"] is None
    assert shown(True, plan=plan, observed=having(managed_new=False))["checkpoint"]["managed"] is False


def test_in_check_mode_what_is_made_is_found_among_other_steps() -> None:
    assert shown(True, plan=Plan(WEB01, (OFF, CREATE)))["checkpoint"]["name"] == "nightly"
    assert shown(True, plan=Plan(WEB01, (OFF,)))["checkpoint"] is None


def test_in_check_mode_what_exists_is_shown_as_it_will_be() -> None:
    pin = SetPin(WEB01, "", checkpoint=MADE, pin=PinChange(PinRequest(), None, Pin()))
    fields: dict[str, Any] = {
        "plan": Plan(WEB01, (pin,)),
        "observed": having(MADE),
        "todo": Plan(WEB01, satisfied_by=MADE),
    }
    assert shown(True, **fields)["checkpoint"]["pinned"] is True
    assert shown(False, **fields)["checkpoint"]["pinned"] is False
