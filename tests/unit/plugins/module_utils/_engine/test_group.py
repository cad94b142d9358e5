# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A group of targets of any kind: stage by stage, ended by the first failure, undone where nothing but it can be."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.approval import Approval
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    InvalidInput,
    Locked,
    PlanChanged,
    SignInRefused,
    Unavailable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import digest, in_stages, to_result
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.group import Group
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.interruption import Interruption
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.member import Member
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    FAILED,
    LOST,
    Reply,
    Service,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelves import (
    UNDO,
    Shelves,
    error_of,
    states,
    struck,
)

NO_ROOM = Reply(FAILED, effect=False)
REFUSED = Reply(SignInRefused("no", status=401), effect=False)


def undos(members: list[Member]) -> list[str | None]:
    return [None if member.undo is None else member.undo.state for member in members]


def undo_error_of(member: Member) -> CheckpointError:
    assert member.undo is not None
    assert member.undo.error is not None
    return member.undo.error


def test_all_finish_one_stage_before_any_begins_the_next() -> None:
    shelves = Shelves(Service(items="b"), Service(items="b"), Service())
    members = shelves.run(Group())
    assert shelves.sent == ["s1+a", "s2+a", "s3+a", "s1-b", "s2-b"]
    assert states(members) == ["changed"] * 3
    assert undos(members) == [None] * 3


def test_what_has_only_a_second_stage_waits_for_it_and_what_has_nothing_is_unchanged() -> None:
    shelves = Shelves(Service(items="ab"), Service(items="a"), Service())
    assert states(shelves.run()) == ["changed", "unchanged", "changed"]
    assert shelves.sent == ["s3+a", "s1-b"]


@pytest.mark.parametrize(("order", "times"), [("given", [0.0, 30.0, 60.0]), ("parallel", [0.0, 0.0, 0.0])])
def test_one_after_the_other_or_at_once(order: Any, times: list[float]) -> None:
    began: list[float] = []

    async def late(_change: str) -> None:
        began.append(round(trio.current_time(), 1))
        await trio.sleep(30)

    def slow() -> Service:
        service = Service()
        service.before_write = late
        return service

    assert states(Shelves(slow(), slow(), slow()).run(Group(order=order), at_once=4)) == ["changed"] * 3
    assert [each - began[0] for each in began] == times


@pytest.mark.parametrize(("group", "left"), [(Group(), {"a"}), (UNDO, set())])
def test_the_first_failure_ends_all(group: Group, left: set[str]) -> None:
    services = [Service(items="b"), Service(items="b"), Service(NO_ROOM, items="b"), Service(items="b")]
    shelves = Shelves(*services)
    members = shelves.run(group)
    assert [service.items for service in services] == [left | {"b"}, left | {"b"}, {"b"}, {"b"}]
    assert "s4+a" not in shelves.sent
    assert not [each for each in shelves.sent if each.endswith("-b")]
    if group is UNDO:
        assert shelves.sent[-2:] == ["s2-a", "s1-a"]
        assert states(members) == ["undone", "undone", "failed", "not_started"]
        assert undos(members) == ["removed", "removed", "not_needed", "not_needed"]
        assert all(not member.reconciler.progress.done for member in members)
        assert len(members[0].reconciler.progress.undone) == 1
    else:
        assert states(members) == ["stopped", "stopped", "failed", "not_started"]
        assert undos(members) == [None] * 4
    assert "the shelf broke" in error_of(members[2]).message


def test_what_has_only_a_second_stage_has_not_started_when_the_first_fails() -> None:
    shelves = Shelves(Service(items="ab"), Service(NO_ROOM))
    assert states(shelves.run()) == ["not_started", "failed"]
    assert shelves.sent == ["s2+a"]


def test_nothing_is_undone_once_all_of_it_exists() -> None:
    services = [Service(items="b"), Service(Reply(), NO_ROOM, items="b"), Service(items="b")]
    shelves = Shelves(*services)
    members = shelves.run()
    assert [service.items for service in services] == [{"a"}, {"a", "b"}, {"a", "b"}]
    assert states(members) == ["changed", "failed", "stopped"]
    assert undos(members) == [None] * 3


def test_what_is_left_is_planned_again_when_all_of_it_exists() -> None:
    services = [Service(items="b"), Service(items="b")]
    shelves = Shelves(*services)
    services[1].before_reading = lambda count: services[0].items.discard("b") if count == 2 else None
    members = shelves.run()
    assert shelves.sent == ["s1+a", "s2+a", "s2-b"]
    assert states(members) == ["changed", "changed"]


def test_what_cannot_be_read_again_keeps_all_from_the_second_stage() -> None:
    services = [Service(items="b"), Service(items="b", readings={3: Unavailable("busy", subject="toy")})]
    shelves = Shelves(*services)
    members = shelves.run()
    assert shelves.sent == ["s1+a", "s2+a"]
    assert states(members) == ["stopped", "failed"]
    assert undos(members) == [None, None]


def test_where_one_cannot_be_planned_nothing_is_sent_and_all_errors_are_shown() -> None:
    services = [Service(readings={1: Unavailable("x")}), Service(), Service(readings={1: Unavailable("y")})]
    shelves = Shelves(*services)
    members = shelves.run(approval=Approval("sha256:" + "0" * 64))
    assert shelves.sent == []
    assert states(members) == ["failed", "not_started", "failed"]


def test_an_option_that_is_wrong_for_one_stops_the_task() -> None:
    shelves = Shelves(Service(), Service(readings={1: InvalidInput("name: no")}))
    with pytest.raises(InvalidInput):
        shelves.run()


def test_what_has_an_unknown_outcome_is_never_taken() -> None:
    services = [Service(), Service(Reply(LOST, effect=True, after=300.0))]
    shelves = Shelves(*services)
    members = shelves.run()
    assert states(members) == ["undone", "outcome_unknown"]
    assert undos(members) == ["removed", "unknown"]
    assert shelves.sent == ["s1+a", "s2+a", "s1-a"]


def test_what_cannot_be_proven_to_be_ours_is_never_taken() -> None:
    shelves = Shelves(Service(), Service(NO_ROOM))
    shelves.kinds[0].proven = False
    members = shelves.run()
    assert (states(members), undos(members)) == (["changed", "failed"], ["unknown", "not_needed"])
    assert shelves.sent == ["s1+a", "s2+a"]


def test_what_somebody_has_removed_meanwhile_need_not_be_undone() -> None:
    services = [Service(), Service(NO_ROOM)]
    services[1].before_reading = lambda _count: services[0].items.discard("a")
    services[0].before_reading = lambda count: services[0].items.discard("a") if count == 3 else None
    shelves = Shelves(*services)
    members = shelves.run()
    assert (states(members), undos(members)) == (["undone", "failed"], ["removed", "not_needed"])
    assert shelves.sent == ["s1+a", "s2+a"]
    assert members[0].reconciler.progress.done == ()


def test_undoing_that_fails_is_said_and_keeps_no_other_from_it() -> None:
    services = [Service(), Service(Reply(), Reply(FAILED, effect=False)), Service(NO_ROOM)]
    shelves = Shelves(*services)
    members = shelves.run()
    assert shelves.sent[-2:] == ["s2-a", "s1-a"]
    assert undos(members) == ["removed", "failed", "not_needed"]
    assert states(members) == ["undone", "changed", "failed"]
    assert "the shelf broke" in undo_error_of(members[1]).message
    assert error_of(members[2]).message.startswith("create a failed")
    assert services[1].items == {"a"}


def test_a_lock_is_waited_for_while_undoing() -> None:
    shelves = Shelves(Service(Reply(), Reply(Locked("busy"), effect=False)), Service(NO_ROOM))
    assert undos(shelves.run()) == ["removed", "not_needed"]
    assert shelves.sent == ["s1+a", "s2+a", "s1-a", "s1-a"]


def test_a_lock_is_not_waited_for_once_another_has_failed() -> None:
    locked = [Reply(Locked("busy"), effect=False)] * 200
    late = Service(NO_ROOM)
    late.before_write = lambda _change: trio.sleep(20)
    shelves = Shelves(Service(*locked), late)
    members = shelves.run(Group(order="parallel", on_failure="undo"), at_once=4)
    assert len(shelves.sent) < 10
    assert "it was not waited for, because the group has failed" in error_of(members[0]).message
    assert error_of(members[0]).changed_nothing
    assert (states(members), undos(members)) == (["failed", "failed"], ["not_needed", "not_needed"])


def test_when_the_time_is_over_nothing_is_undone() -> None:
    locked = [Reply(Locked("busy"), effect=False)] * 200
    shelves = Shelves(Service(), Service(*locked), Service())
    members = shelves.run(seconds=60.0)
    assert undos(members) == ["not_tried", "not_tried", "not_needed"]
    assert states(members) == ["changed", "failed", "not_started"]
    assert not [each for each in shelves.sent if "-" in each]


def test_a_sign_in_that_is_refused_is_not_tried_for_each_target() -> None:
    shelves = Shelves(Service(), Service(), Service(REFUSED))
    members = shelves.run()
    assert shelves.sent == ["s1+a", "s2+a", "s3+a"]
    assert undos(members) == ["not_tried"] * 3
    assert isinstance(undo_error_of(members[0]), SignInRefused)


def test_a_sign_in_that_is_refused_while_undoing_is_not_tried_again() -> None:
    shelves = Shelves(Service(), Service(Reply(), REFUSED), Service(NO_ROOM))
    members = shelves.run()
    assert shelves.sent == ["s1+a", "s2+a", "s3+a", "s2-a"]
    assert undos(members) == ["not_tried", "failed", "not_needed"]


@pytest.mark.parametrize(("when", "undo"), [("s2+a", ["not_tried", "not_tried"]), ("s1-a", ["unknown", "not_needed"])])
def test_a_signal_undoes_nothing(when: str, undo: list[str]) -> None:
    services = [Service(), Service(*([NO_ROOM] if when == "s1-a" else []))]
    interruptions: list[Interruption] = []
    services[int(when[1]) - 1].before_write = struck(when[2:], interruptions)
    members = Shelves(*services).run(strike=interruptions.append)
    assert undos(members) == undo
    assert "ended by SIGTERM before it was undone" in undo_error_of(members[0]).message
    assert services[0].items == {"a"}
    assert states(members)[0] == "changed"


@pytest.mark.parametrize("group", [Group(), UNDO])
def test_a_signal_in_the_second_stage_says_nothing_of_undoing(group: Group) -> None:
    services = [Service(items="b"), Service(items="b")]
    interruptions: list[Interruption] = []
    services[0].before_write = struck("-b", interruptions)
    members = Shelves(*services).run(group, strike=interruptions.append)
    assert undos(members) == [None, None]
    assert states(members) == ["outcome_unknown", "failed"]


def test_the_plan_is_approved_in_its_order_and_with_its_terms() -> None:
    def shelves() -> Shelves:
        return Shelves(Service(items="b"), Service(items="b"))

    members = shelves().run(check=True)
    plans = [member.reconciler.plan for member in members]
    plan = to_result(in_stages(plans), UNDO.to_result())
    assert [action["target"] + action["action"] for action in plan["actions"]] == [
        "s1create",
        "s2create",
        "s1delete",
        "s2delete",
    ]
    for approved in (plan, plan["digest"]):
        assert states(shelves().run(approval=Approval(approved))) == ["changed"] * 2
    for approved in (plan, plan["digest"], to_result(plans), digest(plans)):
        with pytest.raises(PlanChanged):
            shelves().run(Group(), approval=Approval(approved))
    with pytest.raises(PlanChanged, match="no group instead of a group"):
        shelves().run(None, approval=Approval(plan))
    with pytest.raises(PlanChanged, match=r"a group \(on_failure: keep, order: given\) instead of no group"):
        shelves().run(Group(), approval=Approval(to_result(plans)))
    with pytest.raises(InvalidInput, match="altered"):
        Approval({**plan, "group": {"order": "parallel", "on_failure": "undo"}})


def test_what_the_second_stage_asks_for_must_have_been_approved() -> None:
    services = [Service(items="b"), Service(items="b")]
    plans = [member.reconciler.plan for member in Shelves(Service(items="b"), Service(items="b")).run(check=True)]
    approval = Approval(to_result(in_stages(plans), UNDO.to_result()))
    services[0].before_reading = lambda count: services[0].items.add("z") if count == 3 else None
    shelves = Shelves(*services)
    members = shelves.run(approval=approval)
    assert shelves.sent == ["s1+a", "s2+a"]
    assert isinstance(members[0].error, PlanChanged)
    assert states(members) == ["failed", "stopped"]
