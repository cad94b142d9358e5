# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine promises for any kind: sent once, verified by reading, a lock waited for, nothing denied."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.approval import Approval
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    Forbidden,
    InvalidInput,
    Locked,
    NotFound,
    NotVerified,
    OperationFailed,
    OutcomeUnknown,
    PlanChanged,
    Refused,
    ResponseLost,
    SignInRefused,
    Unavailable,
    Unreachable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, State, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan, digest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import InProgress, Note, Remains
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    BUSY,
    FAILED,
    LOCKED,
    SHELF,
    UNKNOWN,
    Put,
    Reply,
    Service,
    ShelfKind,
    Take,
    run,
)


def lost(*, effect: bool, after: float = 0.0) -> Reply:
    return Reply(ResponseLost("no answer", subject="toy"), effect, after)


def locked() -> Reply:
    return Reply(Locked("busy", subject="s"), effect=False)


def verbs(way: Any) -> list[str]:
    return [action.title() for action in way.plan.actions]


def test_what_is_missing_comes_before_what_goes() -> None:
    service = Service(items="b")
    way, problem = run(ShelfKind(service, "a"))
    assert (problem, way.changed, service.sent, service.items) == (None, True, ["+a", "-b"], {"a"})
    assert [action.title() for action in way.progress.actions] == ["create a", "delete b"]


def test_what_was_to_go_and_is_wanted_by_now_stays() -> None:
    """Each removal is held against the newest reading, and the rest is planned anew where that has changed."""
    service = Service(items="wxyz")
    kind = ShelfKind(service, "")

    async def somebody_wants_y(change: str) -> None:
        if change == "-w":
            kind.wanted.add("y")

    service.before_write = somebody_wants_y
    way, problem = run(kind)
    assert (problem, service.sent, service.items) == (None, ["-w", "-x", "-z"], {"y"})
    assert verbs(way) == ["delete w", "delete x", "delete z"]


def test_nothing_is_sent_where_nothing_is_to_do() -> None:
    service = Service(items="a")
    way, problem = run(ShelfKind(service, "a"))
    assert (problem, way.changed, service.sent) == (None, False, [])


def test_a_lost_create_that_reading_shows_was_ours() -> None:
    service = Service(lost(effect=True))
    way, problem = run(ShelfKind(service, "a"))
    assert (problem, way.changed, service.sent) == (None, True, ["+a"])


def test_a_lost_create_that_nothing_shows_is_never_sent_again() -> None:
    service = Service(lost(effect=False))
    way, problem = run(ShelfKind(service, "a"))
    assert isinstance(problem, OutcomeUnknown)
    assert "create a was sent, and its answer was lost" in str(problem)
    assert (way.changed, service.sent) == (False, ["+a"])


def test_a_lost_delete_is_sent_once_more() -> None:
    service = Service(lost(effect=False), items="b")
    way, problem = run(ShelfKind(service, ""))
    assert (problem, way.changed, service.sent) == (None, True, ["-b", "-b"])


def test_a_delete_that_is_lost_twice_is_open() -> None:
    service = Service(lost(effect=False), lost(effect=False), items="b")
    _way, problem = run(ShelfKind(service, ""))
    assert (type(problem), service.sent) == (OutcomeUnknown, ["-b", "-b"])


@pytest.mark.parametrize(
    "second", [Unreachable("cannot be reached.", changed_nothing=True), Forbidden("no right.", changed_nothing=True)]
)
def test_behind_a_lost_delete_no_error_says_that_nothing_was_sent(second: CheckpointError) -> None:
    service = Service(lost(effect=False, after=0), Reply(second, effect=False), items="b")
    _way, problem = run(ShelfKind(service, ""))
    assert (type(problem), problem.retry if problem else "") == (OutcomeUnknown, "after_reading")
    assert "Nothing was" not in str(problem)
    assert "delete b was sent, its answer was lost (no answer), and reading" in str(problem)


@pytest.mark.parametrize(
    "reading",
    [
        Forbidden("no right."),
        InvalidInput("wrong."),
        NotFound("gone."),
        SignInRefused("no."),
        Unavailable("503."),
        Unreachable("no route.", changed_nothing=True),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_write_that_left_and_cannot_be_read_is_open(reading: CheckpointError) -> None:
    service = Service(readings={2: reading})
    way, problem = run(ShelfKind(service, "a"))
    assert (type(problem), way.changed) == (OutcomeUnknown, True)
    assert "Nothing was" not in str(problem)


def test_a_refusal_before_anything_left_stays_what_it_is() -> None:
    service = Service(Reply(Unreachable("cannot be reached.", changed_nothing=True), effect=False))
    way, problem = run(ShelfKind(service, "a"))
    assert (type(problem), str(problem)) == (Unreachable, "target s: cannot be reached. Nothing was sent.")
    assert not way.changed


def test_what_was_changed_before_is_not_denied() -> None:
    service = Service(Reply(), Reply(Refused("no.", changed_nothing=True), effect=False), items="b")
    way, problem = run(ShelfKind(service, "a"))
    assert (way.changed, str(problem)) == (True, "target s: no. Done before: create a.")
    assert problem is not None
    assert problem.operation is None  # that of the write before it is not its own


def test_a_lock_that_lasts_names_what_was_refused_once() -> None:
    refused = Locked("create a of target s: held by others.", subject="toy")
    refused.context = "create a of target s"
    _way, problem = run(ShelfKind(Service(*[Reply(refused, effect=False)] * 99), "a"), seconds=60)
    assert str(problem).startswith("target s: create a: held by others. Still locked after 1m. Nothing was changed.")


@pytest.mark.parametrize(("there", "outcome"), [(False, None), (True, NotFound)])
def test_a_404_is_settled_by_reading(there: bool, outcome: type[CheckpointError] | None) -> None:
    service = Service(Reply(NotFound("gone."), effect=not there), items="b")
    way, problem = run(ShelfKind(service, ""))
    assert (None if problem is None else type(problem), way.changed) == (outcome, False)


def test_a_404_for_the_second_delete_says_that_the_first_one_ran() -> None:
    service = Service(lost(effect=True, after=30), Reply(NotFound("gone."), effect=True), items="b")
    way, problem = run(ShelfKind(service, ""))
    assert (problem, way.changed, service.sent) == (None, True, ["-b", "-b"])


@pytest.mark.parametrize("lock", [locked(), Reply(BUSY, effect=False)], ids=["refused", "failed"])
def test_a_lock_is_waited_for_and_the_plan_made_anew(lock: Reply) -> None:
    service = Service(lock, lock, items="b")
    service.before_reading = lambda count: service.items.add("a") if count == 3 else None
    way, problem = run(ShelfKind(service, "a"))
    assert (problem, service.sent, service.items) == (None, ["+a", "+a", "-b"], {"a"})
    assert verbs(way) == ["delete b"]


def test_a_lock_that_lasts_ends_at_the_deadline() -> None:
    service = Service(*[locked()] * 50)
    way, problem = run(ShelfKind(service, "a"), seconds=60)
    assert isinstance(problem, Locked)
    assert (
        str(problem) == "target s: busy. Still locked after 1m. Nothing was changed. Raise wait_timeout or try again."
    )
    assert not way.changed


def test_a_plan_made_anew_is_held_against_the_approval() -> None:
    approval = Approval(digest([Plan(SHELF, (Put(SHELF, "", item="a"),))]))

    service = Service(locked())
    service.before_reading = lambda count: service.items.add("x") if count == 2 else None
    approval.check([Plan(SHELF, (Put(SHELF, "", item="a"),))])
    way, problem = run(ShelfKind(service, "a"), approval=approval)
    assert isinstance(problem, PlanChanged)
    assert "+ delete x" in str(problem)
    assert (way.changed, service.sent) == (False, ["+a"])


def test_a_lost_delete_that_came_late_while_the_second_was_locked_out_was_ours() -> None:
    service = Service(lost(effect=True, after=30), locked(), locked(), items="b")
    way, problem = run(ShelfKind(service, ""))
    assert (problem, way.changed, verbs(way)) == (None, True, ["delete b"])
    assert service.sent == ["-b", "-b", "-b"]


def test_an_error_of_another_kind_behind_a_lost_delete_says_that_it_is_open() -> None:
    approved = Approval(digest([Plan(SHELF, (Take(SHELF, "", item="b"),))]))
    approved.check([Plan(SHELF, (Take(SHELF, "", item="b"),))])
    service = Service(lost(effect=False), locked(), items="b")
    service.before_reading = lambda _count: service.items.add("x") if len(service.sent) == 2 else None
    _way, problem = run(ShelfKind(service, ""), approval=approved)
    assert isinstance(problem, PlanChanged)
    assert "delete b was sent before, its answer was lost, and whether it ran is open." in str(problem)
    assert "Nothing was changed" not in str(problem)


def test_a_second_delete_needs_a_new_plan_where_the_reading_says_so() -> None:
    service = Service(lost(effect=False), items="b")
    way, problem = run(ShelfKind(service, "", may_resend=lambda _now: len(service.sent) > 1))
    assert (problem, way.changed, service.sent) == (None, True, ["-b", "-b"])
    assert verbs(way) == ["delete b"]


@pytest.mark.parametrize(("status", "kind"), [(UNKNOWN, OutcomeUnknown), (None, NotVerified)])
def test_an_end_that_no_reading_shows_is_reported_by_what_the_operation_said(status: Any, kind: type) -> None:
    service = Service(Reply(status, effect=False) if status else Reply(effect=False))
    _way, problem = run(ShelfKind(service, "a"))
    assert isinstance(problem, kind)


@pytest.mark.parametrize("effect", [True, False])
def test_what_a_failed_operation_has_changed_is_read(effect: bool) -> None:
    service = Service(Reply(FAILED, effect=effect))
    way, problem = run(ShelfKind(service, "a"))
    assert (type(problem), way.changed) == (OperationFailed, effect)
    way, problem = run(ShelfKind(Service(Reply(FAILED, effect=effect)), "a", remains=None))
    assert (type(problem), way.changed) == (OperationFailed, True)


def test_what_a_failed_operation_has_left_is_named() -> None:
    left = Remains(True, "It left half of it.", "Look at it.")
    _way, problem = run(ShelfKind(Service(Reply(FAILED, effect=False)), "a", remains=lambda _now: left))
    assert str(problem) == "target s: create a failed: the shelf broke. It left half of it. Look at it. [toy op1]"


def test_what_was_locked_out_may_have_left_something() -> None:
    for may in (False, True):
        service = Service(*[Reply(BUSY, effect=False)] * 50)
        way, problem = run(ShelfKind(service, "a", may_leave_remains=may), seconds=60)
        assert (type(problem), way.changed) == (Locked, may)


def test_a_failed_run_says_where_it_has_left_the_target() -> None:
    kind = ShelfKind(Service(Reply(Refused("no."), effect=False)), "a")
    kind.note = Note("The light is off.", "Turn it on.")
    _way, problem = run(kind)
    assert str(problem) == "target s: no. The light is off. Turn it on."


def test_without_wait_the_last_write_is_not_waited_for() -> None:
    service = Service(Reply(FAILED, effect=False))
    way, problem = run(ShelfKind(service, "a"), wait=False)
    assert (problem, way.changed, service.readings) == (None, True, 2)


def test_work_in_progress_is_looked_at_until_it_has_ended() -> None:
    kind = ShelfKind(Service(), "a")
    kind.pending = [InProgress("busy"), InProgress("busy", seconds=1.0)]
    way, problem = run(kind)
    assert (problem, way.changed, round(way.timing["read"], 1)) == (None, True, 6.0)


def test_work_in_progress_that_lasts_is_an_error_of_its_kind() -> None:
    kind = ShelfKind(Service(), "a")
    kind.pending = [InProgress("busy", at_deadline=lambda total: Locked(f"busy for {total:g} s"))] * 50
    way, problem = run(kind, seconds=30)
    assert (str(problem), way.changed) == ("target s: busy for 30 s", False)


def test_a_lock_names_itself() -> None:
    assert str(LOCKED) == "s: busy"


def test_warnings_name_their_target_once_for_each_sentence() -> None:
    answered = Reply(Status("succeeded", warnings=("a label is smudged",)))
    way, problem = run(ShelfKind(Service(answered), "a", notes=lambda _now: ("it is heavy",)))
    assert (problem, way.warnings) == (None, ["target s: create a: a label is smudged", "target s: it is heavy"])


@pytest.mark.parametrize(
    ("wait", "blocks_writes", "waited"),
    [(True, False, True), (True, True, True), (False, True, True), (False, False, False)],
)
def test_work_that_a_plan_is_made_beside_is_waited_for_before_a_write(
    wait: bool, blocks_writes: bool, waited: bool
) -> None:
    looks: list[State] = ["running", "running", "succeeded"]
    seen: list[State] = []

    async def poll() -> Status:
        seen.append(looks.pop(0))
        return Status(seen[-1])

    kind = ShelfKind(Service(), "a")
    theirs = Operation("toy", "theirs", poll)
    kind.pending = [InProgress("their work", theirs, plan_meanwhile=True, blocks_writes=blocks_writes)]
    way, problem = run(kind, wait=wait)
    assert (problem, way.changed, len(seen)) == (None, True, 3 if waited else 0)


class BusyShelf(ShelfKind):
    """One on which somebody works until the item stands there."""

    def is_busy(self, observed: frozenset[str]) -> bool:
        return "a" not in observed


@pytest.mark.parametrize("proof", ["reading", "operation"])
def test_a_lost_write_is_looked_for_as_long_as_the_target_is_busy(proof: str) -> None:
    way, problem = run(BusyShelf(Service(lost(effect=True, after=90)), "a", proof=proof))
    assert (problem, way.changed) == (None, True)
    idle, problem = run(ShelfKind(Service(lost(effect=True, after=90)), "a", proof=proof))
    assert (type(problem), idle.changed) == (OutcomeUnknown, False)


PAGE = BadResponse("HTML.", subject="toy")


class Back(Take):
    """What puts it back."""

    @property
    def summary(self) -> str:
        return self.title()

    @property
    def activity(self) -> str:
        return self.title()


class Restoring(ShelfKind):
    """A shelf whose last write is put back where it fails."""

    def compensation(self, action: Action, before: frozenset[str]) -> Any:
        return (Back(self.target, "it failed", item="z"),)


def test_one_reading_that_makes_no_sense_ends_nothing() -> None:
    service = Service(readings={2: PAGE, 4: PAGE})
    way, problem = run(ShelfKind(service, "ab"))
    assert (problem, way.changed, service.sent, service.items) == (None, True, ["+a", "+b"], {"a", "b"})


@pytest.mark.parametrize("proof", ["reading", "operation"])
def test_readings_that_never_make_sense_have_nothing_put_back(proof: str) -> None:
    service = Service(items="z", readings=dict.fromkeys(range(2, 99), PAGE))
    way, problem = run(Restoring(service, "az", proof=proof))
    assert isinstance(problem, BadResponse)
    assert (way.changed, service.sent, problem.retry) == (True, ["+a"], "after_reading")


def test_a_write_that_makes_no_sense_of_itself_is_put_back() -> None:
    """Another's 404 to the write: it has not reached the service, so what came before it is put back."""
    service = Service(Reply(PAGE, effect=False), items="z")
    run(Restoring(service, "az"))
    assert service.sent == ["+a", "-z"]


class Busy(ShelfKind):
    """Somebody works on the shelf until that many readings were made."""

    until = 5

    def is_busy(self, observed: frozenset[str]) -> bool:
        return self.service.readings < self.until


def test_of_an_operation_that_nobody_knows_what_shows_while_it_is_at_work_proves_nothing() -> None:
    service = Service(Reply(UNKNOWN))
    _way, problem = run(Busy(service, "a"))
    assert (problem, service.readings >= Busy.until) == (None, True)
    service = Service()
    run(Busy(service, "a"))
    assert service.readings < Busy.until


def test_a_second_delete_that_fails_because_the_first_one_ran_is_ours_and_needs_no_warning() -> None:
    service = Service(lost(effect=True, after=30), Reply(FAILED, effect=True), items="b")
    way, problem = run(ShelfKind(service, ""))
    assert (problem, way.changed, service.sent, way.warnings) == (None, True, ["-b", "-b"], [])


def test_a_delete_that_fails_because_somebody_else_was_first_says_so() -> None:
    service = Service(Reply(FAILED, effect=True), items="b")
    way, problem = run(ShelfKind(service, "", met_by_others=True))
    said = "target s: delete b failed (delete b failed: the shelf broke), and it is as asked for all the same."
    assert (problem, way.changed, service.sent, way.warnings) == (None, False, ["-b"], [said])
