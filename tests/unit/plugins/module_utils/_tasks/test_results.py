# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task returns, of one target, of many and of a group: every key, and every word of the texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    Delete,
    NoOp,
    PinChange,
    Power,
    Restore,
    SetPin,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Interrupted,
    OutcomeUnknown,
    PlanChanged,
    Refused,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import VM, Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin, PinRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan, in_stages, to_result
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.group import Group
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.member import Member
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Done, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.undo import Undo
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import result
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.checkpoint_result import CheckpointView
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.group_result import GroupView, _complete
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    WEB01,
    having,
    hidden,
    ours,
    point,
)

MADE = point("m1")
CREATE = Create(WEB01, "it is missing", name="nightly")
DELETE, KEEP = Delete(WEB01, "old", checkpoint=point("d1")), NoOp(WEB01, "it exists", checkpoint=point("k1"))
BACK, OFF = Restore(WEB01, "asked for", checkpoint=point("t1")), Power(WEB01, "off", on=False)
NO = Refused("says no.", subject="vm web01", status=400)


async def _poll() -> Status:
    raise AssertionError


def vm(name: str) -> VM:
    return VM(reference=f"ref {name}", name=name, id=f"id-{name}", canonical=name, provider="spf", service="s")


def run(name: str = "web01", **fields: Any) -> Any:
    """A run as the engine leaves it."""
    target = vm(name)
    given = {
        "kind": SimpleNamespace(target=target),
        "plan": Plan(target, (CREATE,)),
        "todo": Plan(target, ()),
        "progress": Progress(before=having()),
        "observed": having(),
        "operation": None,
        "warnings": [],
        "timing": {"read": 1.234},
        "changed": False,
    }
    return SimpleNamespace(**given | fields)


def member(name: str = "web01", error: CheckpointError | None = None, **fields: Any) -> Member:
    state = {key: fields.pop(key) for key in ("started", "finished", "undo") if key in fields}
    return Member(cast(Any, run(name, **fields)), error, **state)


def done(*actions: Action, made: Checkpoint | None = MADE) -> Progress[Any]:
    return Progress(before=having(), begun=actions, done=tuple(Done(each, "n", Completed(made)) for each in actions))


class View:
    """What another kind might show."""

    def __init__(self, diff: dict[str, str] | None = None) -> None:
        self._diff = diff

    def keys(self, run: Any, *, check_only: bool) -> dict[str, Any]:
        return {"thing": f"{run.kind.target.name} {check_only}"}

    def diff(self, run: Any, *, check_only: bool) -> dict[str, str] | None:
        return self._diff

    def name(self, run: Any) -> dict[str, Any]:
        return {"vm": run.kind.target.reference}


# One ------------------------------------------------------------------------------------------------------------------


def test_every_key_of_one() -> None:
    operation = Operation("job", "j1", _poll)
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


# A group --------------------------------------------------------------------------------------------------------------

UNDO = GroupView(Group(on_failure="undo"), restores=False)


def test_a_group_s_keys_and_plan() -> None:
    members = [
        member("a", started=True, finished=True, progress=done(CREATE)),
        member("b", progress=done(CREATE, made=None)),
    ]
    found = result.many(members, View(), check_only=False, group=UNDO)
    terms = {"order": "given", "on_failure": "undo"}
    assert found["plan"] == to_result(in_stages([each.reconciler.plan for each in members]), terms)
    assert found["group"] == {
        **terms,
        "complete": False,
        "created": [{"vm": "ref a", "id": "m1", "name": "nightly"}],
        "undone": [],
        "unknown": [{"vm": "ref b", "name": "nightly"}],
    }
    assert [(each["undo"], each["undo_error"]) for each in found["vms"]] == [(None, None)] * 2
    keeping = result.many(members, View(), check_only=False, group=GroupView(Group(), restores=False))
    assert "undo" not in keeping["vms"][0]


def test_what_became_of_undoing() -> None:
    gone = Undo("failed", (DELETE,), NO)
    of = member("a", NO, started=True, undo=gone, progress=done(CREATE))
    found = result.many([of], View(), check_only=False, group=UNDO)
    assert found["group"]["undone"] == [{"vm": "ref a", "id": "d1", "name": "nightly"}]
    assert (found["vms"][0]["undo"], found["vms"][0]["undo_error"]) == ("failed", NO.to_result())
    assert found["msg"] == (
        "1 of 1 VMs failed; the first: vm web01: says no. Removed again: 1 of 2 checkpoints that this run had created. "
        "Created by this run, and there: a (m1). Each VM's own error is in vms."
    )


@pytest.mark.parametrize(
    ("check", "members", "complete"),
    [
        (False, [member("a", finished=True), member("b", finished=True)], True),
        (False, [member("a", finished=True), member("b")], False),
        (False, [member("a", NO, finished=True)], False),
        (True, [member("a", plan=Plan(WEB01, (KEEP,)))], True),
        (True, [member("a", plan=Plan(WEB01, (KEEP,))), member("b")], False),
        (True, [member("a", NO, plan=Plan(WEB01, ()))], False),
    ],
)
def test_when_a_group_is_complete(check: bool, members: Sequence[Member], complete: bool) -> None:
    assert _complete(members, check) is complete


def test_where_a_restore_has_left_the_vms() -> None:
    plan = Plan(WEB01, (Create(WEB01, "", name="safety", safety=True), OFF, BACK))
    begun = Progress(before=having(), begun=(OFF,))
    members = [
        member("a", NO, plan=plan, progress=done(BACK)),
        member("b", finished=True, plan=plan),
        member("c", plan=plan, progress=begun),
        member("d", plan=plan, progress=Progress(before=having(), begun=(plan.actions[0],))),
    ]
    view = GroupView(Group(), restores=True)
    assert view.keys(members, check_only=False) == {
        "order": "given",
        "on_failure": "keep",
        "complete": False,
        "went_back": ["ref a", "ref b"],
        "unfinished": ["ref c"],
        "not_back": ["ref d"],
        "created": [],
        "unknown": [],
    }
    assert view.note(members) == "Went back: a, b. Did not, or not wholly: c, d."
    assert view.note([member("x", finished=True)]) == "Went back: x. Did not, or not wholly: none."


def test_what_a_failed_group_says_of_many() -> None:
    members = [member(f"v{number:02}", progress=done(CREATE)) for number in range(22)]
    listed = ", ".join(f"v{number:02} (m1)" for number in range(20))
    assert UNDO.note(members) == f"Created by this run, and there: {listed}, 2 more."
    unclear = [member(f"v{number:02}", progress=done(CREATE, made=None)) for number in range(21)]
    names = ", ".join(f"v{number:02}" for number in range(20))
    assert UNDO.note(unclear) == f"Whether one was created is open (outcome_unknown): {names}, 1 more."
    assert UNDO.note([member()]) == ""


def test_what_was_sent_and_never_settled_may_be_there() -> None:
    sent = Progress[Any](before=having(), open=(CREATE, DELETE))
    assert UNDO.keys([member("a", progress=sent)], check_only=False)["unknown"] == [{"vm": "ref a", "name": "nightly"}]
    settled = replace(sent, failed=(Done(CREATE),))
    assert UNDO.keys([member("a", progress=settled)], check_only=False)["unknown"] == []


# Checkpoints ----------------------------------------------------------------------------------------------------------


def shown(check: bool = False, **fields: Any) -> dict[str, Any]:
    return CheckpointView().keys(cast(Any, run(**fields)), check_only=check)


def test_a_vm_that_was_not_read_has_no_checkpoint() -> None:
    assert shown(observed=None) == {"checkpoint": None}
    view = CheckpointView()
    assert view.diff(cast(Any, run(observed=None)), check_only=False) is None
    assert view.diff(cast(Any, run(progress=Progress())), check_only=False) is None
    assert view.name(cast(Any, run("a"))) == {"vm": "ref a", "vm_id": "id-a", "provider": "spf"}


def test_what_others_made_at_the_same_time_is_shown() -> None:
    other = ours("b2")
    progress = replace(done(CREATE), done=(Done(CREATE, "n", Completed(MADE, (other,))),))
    now = having(MADE, other)
    found = shown(progress=progress, observed=now)
    assert found == {"checkpoint": now.show(MADE), "duplicates": [now.show(other)]}


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
        "pinned": pinned,
    }
    assert shown(False, plan=plan)["checkpoint"] is None
    assert shown(True, plan=plan, observed=having(managed_new=False))["checkpoint"]["managed"] is False


def test_in_check_mode_what_exists_is_shown_as_it_will_be() -> None:
    pin = SetPin(WEB01, "", checkpoint=MADE, pin=PinChange(PinRequest(), None, Pin()))
    fields: dict[str, Any] = {
        "plan": Plan(WEB01, (pin,)),
        "observed": having(MADE),
        "todo": Plan(WEB01, satisfied_by=MADE),
    }
    assert shown(True, **fields)["checkpoint"]["pinned"] is True
    assert shown(False, **fields)["checkpoint"]["pinned"] is False


def test_one_without_an_id_has_none() -> None:
    bare = hidden()
    progress = Progress[Any](before=having(), done=(Done(CREATE, "n", Completed(bare)),))
    assert UNDO.keys([member("a", progress=progress)], check_only=False)["created"][0]["id"] is None
