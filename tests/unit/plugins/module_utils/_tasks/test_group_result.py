# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the result of a group of VMs says: how far it came as a whole, and what of it is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan, in_stages, to_result
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.group import Group
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.member import Member
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Done, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.undo import Undo
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import result
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.group_result import GroupView, _complete
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    WEB01,
    having,
    hidden,
)

from .runs import BACK, CREATE, DELETE, KEEP, NO, OFF, View, done, member

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
        (False, [member("a", NO, finished=True), member("b", finished=True)], False),
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
    begun = Progress[Any](before=having(), begun=(plan.actions[0], OFF))
    assert view.keys([member("e", plan=plan, progress=begun)], check_only=False)["unfinished"] == ["ref e"]
    gone = view.keys([member("f", NO, plan=plan, progress=done(OFF, BACK))], check_only=False)
    assert gone["went_back"] == ["ref f"]
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


def test_one_without_an_id_has_none() -> None:
    bare = hidden()
    progress = Progress[Any](before=having(), done=(Done(CREATE, "n", Completed(bare)),))
    assert UNDO.keys([member("a", progress=progress)], check_only=False)["created"][0]["id"] is None


def test_what_was_taken_back_without_an_error_has_none() -> None:
    of = member("a", started=True, undo=Undo("removed", (DELETE, OFF)), progress=done(CREATE, made=None))
    assert UNDO.of_member(of) == {"undo": "removed", "undo_error": None}
    assert UNDO.keys([of], check_only=False)["undone"] == [{"vm": "ref a", "id": "d1", "name": "nightly"}]


def test_in_check_mode_the_error_of_a_group_counts_its_vms() -> None:
    found = result.many([member("a"), member("b", NO)], View(), check_only=True, group=UNDO)
    assert found["msg"] == (
        "1 of 2 VMs failed; the first: vm web01: says no. In all: 1 to change, 1 failed. Each VM's own error is in vms."
    )
    assert found["group"]["complete"] is False


def test_one_that_was_removed_is_not_one_that_was_made() -> None:
    assert UNDO.keys([member("a", progress=done(DELETE))], check_only=False)["created"] == []
