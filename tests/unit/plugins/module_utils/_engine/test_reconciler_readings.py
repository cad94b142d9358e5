# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a target, and when: once for a plan, again only where that is no ground for a write any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Optional

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    Forbidden,
    InvalidInput,
    VmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, State, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import InProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Progress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.logged_shelf import (
    LoggedShelf,
    PutOnce,
    Way,
    go,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    SHELF,
    Service,
)

PLANNED = ["0 first reading", "0 plan on , done ", "0 require ready for 1"]
WRITTEN = ["0 write create a", "0 prove, knowing ", "0 readiness of a"]


def later(seconds: float) -> Callable[[Way], Awaitable[None]]:
    """Carried out so long after it was planned."""

    async def act(way: Way) -> None:
        await way.prepare()
        await trio.sleep(seconds)
        await way.carry_out(None)

    return act


def at(seconds: int, log: list[str]) -> list[str]:
    return [f"{seconds}{line[1:]}" for line in log]


def test_a_target_is_read_once_for_its_plan_and_once_for_what_was_written() -> None:
    kind = LoggedShelf(Service(), "a")
    way, problem = go(kind)
    assert problem is None
    assert kind.log == [*PLANNED, *WRITTEN]
    assert (way.observed, way.progress.before) == (frozenset("a"), frozenset())
    assert way.progress.plan == way.todo


@pytest.mark.parametrize(
    ("seconds", "fresh", "again"), [(10, True, False), (11, True, True), (1, False, True), (0, False, True)]
)
def test_a_plan_that_is_old_is_made_anew_before_its_first_write(seconds: int, fresh: bool, again: bool) -> None:
    service = Service()
    kind = LoggedShelf(service, "a")
    kind.fresh = fresh
    service.before_reading = lambda count: service.items.add("z") if count == 2 else None
    kind.wanted = {"a", "z"}

    async def act(way: Way) -> None:
        kind.log.clear()
        await later(seconds)(way)

    way, problem = go(kind, act)
    reading = at(seconds, ["0 observe for a write", "0 plan on z, done "]) if again else []
    assert problem is None
    assert kind.log[:3] == ["0 first reading", "0 plan on , done ", "0 require ready for 2"]
    assert kind.log[3 : 3 + len(reading)] == reading
    assert kind.log[3 + len(reading)] == f"{seconds} write create a"
    assert way.progress.before == ({"z"} if again else frozenset())


def test_what_has_nothing_to_do_is_not_read_again() -> None:
    kind = LoggedShelf(Service(items="a"), "a")
    way, problem = go(kind, later(100))
    assert (problem, way.changed) == (None, False)
    assert kind.log == ["0 first reading", "0 plan on a, done ", "0 require ready for 0", "100 readiness of a"]


def test_the_second_half_rests_on_what_was_read_for_it() -> None:
    kind = LoggedShelf(Service(), "a")

    async def act(way: Way) -> None:
        await way.prepare()
        await way.carry_out(None, first_half=True)
        kind.log.clear()
        await trio.sleep(100)
        await way.renew(None)
        await way.carry_out(None)

    way, problem = go(kind, act)
    assert problem is None
    assert kind.log == [
        "100 observe for a write",
        "100 plan on a, done a",
        "100 require ready for 0",
        "100 readiness of a",
    ]
    assert [each.title() for each in way.plan.actions] == ["create a"]


def test_what_was_let_go_is_read_again() -> None:
    kind = LoggedShelf(Service(), "a")

    async def act(way: Way) -> None:
        await way.prepare()
        way.release()
        assert (way.observed, way.progress) == (None, Progress())
        await way.carry_out(None)

    _way, problem = go(kind, act)
    assert problem is None
    assert kind.log == [*PLANNED, "0 observe for a write", "0 plan on , done ", *WRITTEN]


@pytest.mark.parametrize("patient", [True, False])
def test_what_is_done_only_once_is_read_for_before_it_is_sent(patient: bool) -> None:
    kind = LoggedShelf(Service(), "ab")
    kind.put = PutOnce

    async def act(way: Way) -> None:
        assert await way.prepare(patient=patient)
        await way.carry_out(None)

    _way, problem = go(kind, act)
    assert problem is None
    assert kind.log == [
        "0 first reading",
        "0 plan on , done ",
        "0 require ready for 2",
        "0 read before create a, knowing ",
        "0 write create a",
        "0 prove, knowing ",
        "0 read before create b, knowing a",
        "0 write create b",
        "0 prove, knowing a",
        "0 readiness of ab",
    ]


@pytest.mark.parametrize(("seconds", "again"), [(1, False), (2, True)])
def test_a_reading_for_a_write_serves_the_first_one_for_a_moment(seconds: int, again: bool) -> None:
    kind = LoggedShelf(Service(), "ab")
    kind.put = PutOnce

    async def act(way: Way) -> None:
        await way.prepare()
        await way.renew(None)
        kind.log.clear()
        await later_than(way, seconds)

    async def later_than(way: Way, pause: float) -> None:
        await trio.sleep(pause)
        await way.carry_out(None)

    _way, problem = go(kind, act)
    assert problem is None
    read = [line for line in kind.log if "read before" in line]
    first = [f"{seconds} read before create a, knowing "] if again else []
    assert read == [*first, f"{seconds} read before create b, knowing a"]


def test_what_is_done_already_is_left_alone() -> None:
    service = Service()
    kind = LoggedShelf(service, "a")
    kind.put = PutOnce
    service.before_reading = lambda count: service.items.add("a") if count == 2 else None
    way, problem = go(kind)
    assert (problem, way.changed, service.sent) == (None, False, [])
    assert kind.log == [
        *PLANNED,
        "0 read before create a, knowing ",
        "0 write create a",
        "0 readiness of a",
    ]
    (done,) = way.progress.done
    assert (done.action.title(), done.context, done.nonce) == ("create a", "", "n0")


def test_a_reading_that_makes_no_sense_is_repeated_only_behind_a_write() -> None:
    kind = LoggedShelf(Service(readings={2: BadResponse("HTML.", subject="toy")}), "a")
    kind.put = PutOnce
    way, problem = go(kind)
    assert (way.changed, str(problem)) == (False, "toy: target s: HTML.")
    kind = LoggedShelf(Service(readings={4: BadResponse("HTML.", subject="toy")}), "ab")
    kind.put = PutOnce
    way, problem = go(kind)
    assert (problem, way.changed) == (None, True)
    kind = LoggedShelf(Service(readings={1: BadResponse("HTML.", subject="toy")}), "a")
    assert str(go(kind)[1]) == "toy: target s: HTML."


def test_where_what_a_plan_relies_on_is_not_ready_no_plan_is_shown() -> None:
    kind = LoggedShelf(Service(), "a")
    kind.refuses = VmState("it is off.")
    way, problem = go(kind)
    assert problem is kind.refuses
    assert (way.plan, way.todo, kind.service.sent) == (Plan(SHELF), Plan(SHELF), [])


def test_of_a_target_that_cannot_be_read_nothing_is_known() -> None:
    way, problem = go(LoggedShelf(Service(readings={1: Forbidden("no right.")}), "a"))
    assert str(problem) == "target s: no right."
    assert (way.plan, way.todo, way.progress, way.completed) == (Plan(SHELF), Plan(SHELF), Progress(), Completed())
    assert (way.observed, way.operation, way.warnings, way.timing) == (None, None, [], {})
    assert (way.changed, way.waits_for_locks) == (False, True)


def test_a_target_that_is_busy_is_left_for_later_by_one_who_is_not_patient() -> None:
    found: list[bool] = []

    async def act(way: Way) -> None:
        found.append(await way.prepare(patient=False))
        found.append(await way.prepare(patient=False))

    kind = LoggedShelf(Service(), "a")
    kind.pending = [InProgress("busy")]
    way, problem = go(kind, act)
    assert (problem, found) == (None, [False, True])
    assert kind.log == ["0 first reading", *PLANNED]
    assert way.timing == {"read": 0.0}


def test_what_a_target_took_is_told_for_reading_and_for_all_its_writes() -> None:
    service = Service()

    async def slow(_change: str) -> None:
        await trio.sleep(30)

    service.before_write = slow
    kind = LoggedShelf(service, "a")
    kind.pending = [InProgress("busy")]

    async def act(way: Way) -> None:
        await trio.sleep(3)
        await way.prepare()
        await way.carry_out(None, first_half=True)
        service.items.discard("a")
        await way.renew(None)
        await way.carry_out(None)

    way, problem = go(kind, act)
    assert (problem, way.timing) == (None, {"read": 5.0, "apply": 60.0})


def test_the_first_reading_is_one_of_its_own_however_long_it_is_waited_for() -> None:
    kind = LoggedShelf(Service(), "a")
    kind.pending = [InProgress("busy"), InProgress("busy", seconds=2.0), InProgress("busy", seconds=50.0)]
    _way, problem = go(kind)
    assert problem is None
    assert [line for line in kind.log if "reading" in line or "observe" in line] == [
        "0 first reading",
        "5 observe for a write",
        "7 observe for a write",
        "12 observe for a write",
    ]


@pytest.mark.parametrize(("pause", "when"), [(30.0, 30), (3.0, 3)])
def test_nothing_is_read_while_nothing_can_change(pause: float, when: int) -> None:
    kind = LoggedShelf(Service(), "a")
    kind.pending = [InProgress("busy", pause=pause)]
    _way, problem = go(kind)
    assert (problem, kind.log[1]) == (None, f"{when} observe for a write")


@pytest.mark.parametrize("pause", [None, 1000.0])
@pytest.mark.parametrize("says", [True, False])
def test_work_that_outlasts_the_task_is_an_error_where_its_kind_has_one(pause: Optional[float], says: bool) -> None:
    at_deadline = (lambda total: InvalidInput(f"busy for {total:g} s")) if says else None
    kind = LoggedShelf(Service(), "a")
    kind.pending = [InProgress("busy", pause=pause, at_deadline=at_deadline)] * 9
    _way, problem = go(kind, seconds=20.0)
    if says:
        assert str(problem) == "target s: busy for 20 s"
    else:
        assert problem is None


def theirs(*states: State, **how: Any) -> Operation:
    left = list(states)

    async def poll() -> Status:
        return Status(left.pop(0))

    return Operation("toy", "theirs", poll, **how)


@pytest.mark.parametrize(("joined", "shown"), [(True, "theirs"), (False, None)])
def test_an_operation_in_progress_is_waited_for_and_shown_where_the_run_joins_it(
    joined: bool, shown: Optional[str]
) -> None:
    kind = LoggedShelf(Service(items="a"), "a")
    kind.pending = [InProgress("their work", theirs("running", "running", "succeeded", joined=joined))]
    way, problem = go(kind)
    assert problem is None
    assert kind.log == [
        "0 first reading",
        "2.5 observe for a write",
        "2.5 plan on a, done ",
        "2.5 require ready for 0",
        "2.5 readiness of a",
    ]
    assert (None if way.operation is None else way.operation.id) == shown


@pytest.mark.parametrize(
    ("how", "wait", "log"),
    [
        ({"operation": ("running", "succeeded")}, True, ["1 observe for a write", "1 plan on , done "]),
        ({"operation": ("running", "succeeded")}, False, []),
        (
            {"operation": ("running", "succeeded"), "blocks_writes": True},
            False,
            ["1 observe for a write", "1 plan on , done "],
        ),
        ({"pause": 40.0}, True, ["0 observe for a write", "0 plan on , done "]),
        ({"pause": 40.0}, False, []),
        ({}, True, []),
        ({"blocks_writes": True}, False, []),
    ],
)
def test_what_a_plan_was_made_beside_is_waited_for_before_its_first_write(
    how: dict[str, Any], wait: bool, log: list[str]
) -> None:
    kind = LoggedShelf(Service(), "a")
    if "operation" in how:
        how = {**how, "operation": theirs(*how["operation"])}
    kind.pending = [InProgress("their work", plan_meanwhile=True, **how)]

    async def act(way: Way) -> None:
        await way.prepare()
        assert way.operation is None
        await way.carry_out(None)

    _way, problem = go(kind, act, wait=wait)
    assert problem is None
    assert kind.log[: len(PLANNED)] == PLANNED
    assert kind.log[len(PLANNED) : len(PLANNED) + len(log)] == log
    assert "write create a" in kind.log[len(PLANNED) + len(log)]


def test_what_somebody_does_meanwhile_is_shown_where_nothing_is_left_to_do() -> None:
    service = Service()
    kind = LoggedShelf(service, "a")

    async def act(way: Way) -> None:
        await way.prepare()
        await trio.sleep(11)
        kind.pending = [InProgress("their work", theirs("running"), plan_meanwhile=True)]
        service.items.add("a")
        await way.carry_out(None)

    way, problem = go(kind, act, wait=False)
    assert problem is None
    assert way.operation is not None
    assert (way.operation.id, way.changed, service.sent) == ("theirs", False, [])


def test_other_work_that_fails_ends_the_run_that_waits_for_it() -> None:
    async def poll() -> Status:
        return Status("failed", message="no room")

    kind = LoggedShelf(Service(), "a")
    kind.pending = [InProgress("their work", Operation("toy", "theirs", poll), plan_meanwhile=True)]
    way, problem = go(kind)
    assert str(problem) == (
        "target s: their work failed: no room. Mend what the service names, then run the task again. [toy theirs]"
    )
    assert way.operation is not None
    assert (way.operation.id, way.changed) == ("theirs", False)
