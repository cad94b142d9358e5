# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a target, and when: once for a plan, again only where that is no ground for a write any more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Optional

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    Forbidden,
    VmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.execution import Execution
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


@pytest.mark.parametrize("halves", [True, False])
def test_a_target_is_made_ready_once_all_of_its_plan_is_carried_out(halves: bool) -> None:
    kind = LoggedShelf(Service(items="z"), "a")

    async def act(way: Way) -> None:
        await way.prepare()
        if halves:
            await way.carry_out(None, first_half=True)
            assert (kind.service.sent, way.changed) == (["+a"], True)
            await way.renew(None)
        await way.carry_out(None)

    way, problem = go(kind, act)
    assert (problem, kind.service.sent) == (None, ["+a", "-z"])
    assert [line for line in kind.log if "readiness" in line] == ["0 readiness of a"]
    assert [each.title() for each in way.progress.actions] == ["create a", "delete z"]


class Settling(LoggedShelf):
    """A shelf that is read, and warns, before it is ready."""

    async def readiness(self, observed: frozenset[str], execution: Execution[frozenset[str]]) -> Completed:
        self.service.items.add("dust")
        await execution.observe()
        execution.warnings.append("it was slow")
        return await super().readiness(observed, execution)


@pytest.mark.parametrize("unready", [None, VmState("it is off.")])
def test_what_was_read_until_it_was_ready_is_the_last_reading(unready: Optional[VmState]) -> None:
    kind = Settling(Service(), "a")
    kind.unready = unready
    way, problem = go(kind)
    assert problem is unready
    assert (way.observed, way.warnings) == (frozenset({"a", "dust"}), ["target s: it was slow"])


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
