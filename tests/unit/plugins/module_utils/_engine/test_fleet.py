# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many targets in one task that are no group: who goes first, whom an error ends, and what is kept of each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.approval import Approval
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Forbidden,
    InvalidInput,
    PlanChanged,
    SignInRefused,
    Unavailable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import (
    Plan,
    digest,
    in_stages,
    to_result,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import Target
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.group import Group
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.interruption import Interruption
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import InProgress, Note
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.member import Member
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.unread import Unread
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    FAILED,
    Reply,
    Service,
    ShelfKind,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelves import (
    UNDO,
    Shelves,
    error_of,
    states,
    struck,
)

NO_ROOM = Reply(FAILED, effect=False)
LOST_SHELF = Target(name="s9", id="s9", canonical="s9", provider="toy", service="toy")


def unreadable(problem: CheckpointError | None = None) -> Service:
    return Service(readings=dict.fromkeys(range(1, 99), problem or Unavailable("503.")))


def approved(shelves: Shelves) -> list[Plan]:
    return [member.reconciler.plan for member in shelves.run(None, check=True)]


def test_one_that_has_to_wait_is_planned_when_the_others_are_under_way() -> None:
    shelves = Shelves(Service(), Service(), Service())
    shelves.kinds[0].pending = [InProgress("busy"), InProgress("busy")]
    members = shelves.run(None)
    assert shelves.sent == ["s2+a", "s3+a", "s1+a"]
    assert states(members) == ["changed"] * 3
    assert [member.postponed for member in members] == [True, False, False]


def test_one_whose_reading_takes_long_is_planned_when_the_others_are_under_way() -> None:
    class Slow(ShelfKind):
        async def observe(self, *, for_write: bool) -> frozenset[str]:
            seen = self.service.read()
            await trio.sleep(1000 if self.target.name == "s1" and self.service.readings == 1 else 0)
            return seen

    shelves = Shelves(Service(), Service(), kind=Slow)
    members = shelves.run(None)
    assert shelves.sent == ["s2+a", "s1+a"]
    assert [(member.postponed, member.state) for member in members] == [(True, "changed"), (False, "changed")]


@pytest.mark.parametrize(
    "needs",
    [
        {"check": True},
        {"on_error": "stop"},
        {"group": Group()},
        {"review": lambda _all: None},
        {"approval": "digest"},
    ],
    ids=lambda needs: next(iter(needs)),
)
def test_where_all_plans_are_needed_none_is_postponed(needs: dict[str, Any]) -> None:
    plans = approved(Shelves(Service(), Service()))
    if "approval" in needs:
        needs = {"approval": Approval(digest(plans))}
    shelves = Shelves(Service(), Service())
    shelves.kinds[0].pending = [InProgress("busy")]
    members = shelves.run(**{"group": None, **needs})
    assert [member.postponed for member in members] == [False, False]
    assert shelves.sent == ([] if needs.get("check") else ["s1+a", "s2+a"])


def test_one_alone_is_waited_for() -> None:
    shelves = Shelves(Service())
    shelves.kinds[0].pending = [InProgress("busy")]
    members = shelves.run(None)
    assert [(member.postponed, member.state) for member in members] == [(False, "changed")]


def test_what_is_planned_late_must_have_been_approved_too() -> None:
    plan = to_result(approved(Shelves(Service(), Service())))
    for found, state in (("", "changed"), ("z", "failed")):
        shelves = Shelves(Service(items=found), Service())
        shelves.kinds[0].pending = [InProgress("busy")]
        members = shelves.run(None, approval=Approval(plan))
        assert [(member.postponed, member.state) for member in members] == [(True, state), (False, "changed")]
    assert error_of(members[0]).message == ("what would be done is not what was approved: + delete z.")
    assert (members[0].started, shelves.sent) == (False, ["s2+a"])


def test_what_was_approved_for_a_group_is_not_approved_without_it_however_late_it_is_planned() -> None:
    plan = to_result(in_stages(approved(Shelves(Service(), Service()))), UNDO.to_result())
    shelves = Shelves(Service(), Service())
    for kind in shelves.kinds:
        kind.pending = [InProgress("busy")]
    members = shelves.run(None, approval=Approval(plan))
    assert ([member.postponed for member in members], states(members)) == ([True, True], ["failed", "failed"])
    assert error_of(members[0]).message == (
        "what would be done is not what was approved: + no group instead of a group (on_failure: undo, order: given)."
    )
    assert shelves.sent == []


def test_an_error_stays_with_its_target() -> None:
    shelves = Shelves(unreadable(), Service(NO_ROOM), Service(items="a"), Service())
    members = shelves.run(None)
    assert states(members) == ["failed", "failed", "unchanged", "changed"]
    assert [str(member.error) for member in members[:2]] == [
        "target s1: 503.",
        "target s2: create a failed: the shelf broke. Mend what the service names, then run the task again. [toy op1]",
    ]
    assert shelves.sent == ["s2+a", "s4+a"]


def test_with_stop_nothing_is_sent_where_one_cannot_be_planned() -> None:
    shelves = Shelves(Service(), unreadable(), unreadable())
    members = shelves.run(None, on_error="stop")
    assert (states(members), shelves.sent) == (["not_started", "failed", "not_started"], [])
    assert members[2].error is None, "it was not even read"


def test_with_stop_the_first_failure_ends_those_behind_it() -> None:
    shelves = Shelves(Service(), Service(NO_ROOM), Service())
    members = shelves.run(None, on_error="stop")
    assert (states(members), shelves.sent) == (["changed", "failed", "not_started"], ["s1+a", "s2+a"])
    shelves = Shelves(Service(), Service(NO_ROOM), Service())
    assert states(shelves.run(None)) == ["changed", "failed", "changed"]


def test_a_sign_in_that_is_refused_while_planning_ends_the_task() -> None:
    shelves = Shelves(Service(), unreadable(SignInRefused("no", status=401)))
    with pytest.raises(SignInRefused):
        shelves.run(None)
    assert shelves.sent == []


def test_a_sign_in_that_is_refused_for_a_write_ends_those_behind_it() -> None:
    refused = SignInRefused("no", status=401)
    shelves = Shelves(Service(), Service(Reply(refused, effect=False)), Service())
    members = shelves.run(None)
    assert (states(members), shelves.sent) == (["changed", "failed", "not_started"], ["s1+a", "s2+a"])
    assert error_of(members[1]) is refused


def test_what_could_not_be_looked_up_keeps_no_other_from_it() -> None:
    shelves = Shelves(Service(), Service())
    problem = Forbidden("no right.")
    shelves.others = [Unread(LOST_SHELF, problem)]
    members = shelves.run(None)
    assert states(members) == ["changed", "changed", "failed"]
    assert error_of(members[2]) is problem
    assert str(problem) == "target s9: no right."


def test_however_many_could_not_be_looked_up_each_has_its_error_at_once() -> None:
    shelves = Shelves(Service())
    shelves.others = [Unread(LOST_SHELF, Unavailable("503.")) for _each in range(7)]
    members = shelves.run(None)
    assert [(member.state, member.postponed) for member in members] == [("changed", False), *[("failed", False)] * 7]


@pytest.mark.parametrize("group", [None, Group()])
def test_what_could_not_be_looked_up_ends_a_task_that_is_to_stop(group: Group | None) -> None:
    shelves = Shelves(Service(), Service())
    shelves.others = [Unread(LOST_SHELF, Forbidden("no right."))]
    members = shelves.run(group, on_error="continue" if group else "stop")
    assert (states(members), shelves.sent) == (["not_started", "not_started", "failed"], [])


def test_a_refused_sign_in_ends_the_targets_of_other_services_too() -> None:
    """Also where another target fails behind it."""

    def after(seconds: float, *replies: Reply) -> Service:
        service = Service(*replies)

        async def wait(_change: str) -> None:
            await trio.sleep(seconds)

        service.before_write = wait
        return service

    refused = Reply(SignInRefused("no", status=401), effect=False)
    shelves = Shelves(after(1.0, refused), after(2.0, NO_ROOM), after(3.0), Service())
    for kind, service, at_once in zip(shelves.kinds, ("x", "x", "y", "y"), (2, 2, 1, 1), strict=True):
        kind.target, kind.at_once = replace(kind.target, service=service), (at_once, at_once)
    members = shelves.run(None, at_once="auto")
    assert states(members) == ["failed", "failed", "changed", "not_started"]
    assert sorted(shelves.sent) == ["s1+a", "s2+a", "s3+a"]


def test_an_option_that_cannot_be_meant_for_one_ends_the_task() -> None:
    shelves = Shelves(Service(), unreadable(InvalidInput("name: no")))
    with pytest.raises(InvalidInput, match="name: no"):
        shelves.run(None)
    assert shelves.sent == []


def test_a_digest_does_not_fit_where_one_could_not_be_planned() -> None:
    plans = approved(Shelves(Service(), Service()))
    shelves = Shelves(Service(), unreadable())
    members = shelves.run(None, approval=Approval(digest(plans)))
    assert (states(members), shelves.sent) == (["not_started", "failed"], [])
    assert str(error_of(members[1])) == (
        "target s2: 503. The approved digest is that of all plans together, so nothing was done."
    )


def test_a_group_that_could_not_be_planned_is_held_against_no_approval() -> None:
    plans = approved(Shelves(Service(), Service()))
    shelves = Shelves(Service(), unreadable())
    members = shelves.run(UNDO, approval=Approval(digest(in_stages(plans))))
    assert (states(members), shelves.sent) == (["not_started", "failed"], [])
    assert str(error_of(members[1])) == "target s2: 503."


def test_a_plan_that_was_approved_covers_those_that_could_be_planned() -> None:
    plan = to_result(approved(Shelves(Service(), Service())))
    shelves = Shelves(Service(), unreadable())
    members = shelves.run(None, approval=Approval(plan))
    assert (states(members), shelves.sent) == (["changed", "failed"], ["s1+a"])
    assert str(error_of(members[1])) == "target s2: 503."


@pytest.mark.parametrize("other", [Service, unreadable])
def test_what_was_not_approved_ends_the_task(other: Any) -> None:
    plan = to_result(approved(Shelves(Service(), Service())))
    shelves = Shelves(Service(items="z"), other())
    with pytest.raises(PlanChanged, match="delete z"):
        shelves.run(None, approval=Approval(plan))
    assert shelves.sent == []


def test_a_review_sees_the_plans_that_could_be_made_before_they_are_approved() -> None:
    reviewed: list[list[str]] = []

    def review(reconcilers: Any) -> None:
        reviewed.append([str(each.plan.target) for each in reconcilers])
        for each in reconcilers:
            each.kind.wanted = {"b"}
            each.plan_now()

    plans = approved(Shelves(Service(), wanted="b"))
    shelves = Shelves(Service(), unreadable())
    members = shelves.run(None, review=review, approval=Approval(to_result(plans)))
    assert reviewed == [["target s1"]]
    assert (states(members), shelves.sent) == (["changed", "failed"], ["s1+b"])


def test_each_goes_at_the_pace_of_its_kind() -> None:
    most = now = 0

    async def slow(_change: str) -> None:
        nonlocal most, now
        now += 1
        most = max(most, now)
        await trio.sleep(30)
        now -= 1

    services = [Service() for _each in range(6)]
    for service in services:
        service.before_write = slow
    shelves = Shelves(*services)
    for kind in shelves.kinds:
        kind.at_once = (2, 2)
    assert states(shelves.run(None, at_once="auto")) == ["changed"] * 6
    assert most == 2


def shown(member: Member) -> str:
    """What a result would show: only while the target is known."""
    items = member.reconciler.observed
    return f"{member.state}: {'nothing read' if items is None else ''.join(sorted(items))}"


def test_of_many_only_what_is_shown_is_kept() -> None:
    shelves = Shelves(Service(), Service(NO_ROOM), unreadable(), Service())
    shelves.kinds[3].pending = [InProgress("busy")]
    members = shelves.run(None, show=shown)
    assert [member.shown for member in members] == [
        "changed: a",
        "failed: ",
        "failed: nothing read",
        "changed: a",
    ]
    assert [member.reconciler.observed for member in members] == [None] * 4
    assert [member.reconciler.progress.done for member in members] == [()] * 4


def test_of_many_only_what_is_shown_is_kept_of_their_plans_too() -> None:
    members = Shelves(Service(), Service(items="a")).run(None, check=True, show=shown)
    assert [member.shown for member in members] == ["not_started: ", "not_started: a"]
    assert [member.reconciler.observed for member in members] == [None, None]


def test_of_many_what_needs_no_change_is_shown_as_it_was_planned() -> None:
    members = Shelves(Service(items="a"), Service()).run(None, show=shown)
    assert [member.shown for member in members] == ["not_started: a", "changed: a"]


@pytest.mark.parametrize(
    "how",
    [{"at_once": 2}, {"show": None}, {"group": UNDO}],
    ids=["few", "shown at the end", "a group"],
)
def test_of_few_and_of_a_group_all_is_kept(how: dict[str, Any]) -> None:
    members = Shelves(Service(), Service()).run(**{"group": None, "show": shown, **how})
    assert [member.shown for member in members] == [None, None]
    assert [member.reconciler.observed for member in members] == [{"a"}, {"a"}]
    assert [len(member.reconciler.progress.done) for member in members] == [1, 1]


def test_of_what_is_planned_late_nothing_is_told_before() -> None:
    services, interruptions = [Service(), Service()], list[Interruption]()
    services[1].before_write = struck("+a", interruptions)
    shelves = Shelves(*services)
    shelves.kinds[0].pending, shelves.kinds[0].note = [InProgress("busy")], Note("never told.")
    members = shelves.run(None, strike=interruptions.append)
    assert states(members) == ["not_started", "outcome_unknown"]
    assert str(error_of(members[0])) == ("target s1: ended by SIGTERM; no write was under way. Nothing was changed.")


def test_a_signal_ends_what_is_not_finished() -> None:
    services = [Service(), Service(), Service(), unreadable()]
    interruptions: list[Interruption] = []
    services[1].before_write = struck("+a", interruptions)
    shelves = Shelves(*services)
    members = shelves.run(None, strike=interruptions.append)
    assert states(members) == ["changed", "outcome_unknown", "not_started", "failed"]
    assert [str(member.error) for member in members] == [
        "None",
        "target s2: create a was being sent when SIGTERM ended the run. Whether it ran is open (outcome_unknown); "
        "nothing was sent after it. Look at it before you run the task again.",
        "target s3: ended by SIGTERM; no write was under way. Nothing was changed.",
        "target s4: 503.",
    ]
    assert shelves.sent == ["s1+a", "s2+a"]
