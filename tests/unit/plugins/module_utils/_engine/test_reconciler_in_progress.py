# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in progress that a run did not start: waited for, planned beside, or an error of its kind."""

from __future__ import annotations

from typing import Any, Optional

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    InvalidInput,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, State, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import InProgress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.logged_shelf import (
    LoggedShelf,
    Way,
    go,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    Service,
)

PLANNED = ["0 first reading", "0 plan on , done ", "0 require ready for 1"]


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
        looked = ["0", "5", "10", "15", "18"] if pause is None else ["0"]
        assert [line.split()[0] for line in kind.log] == looked, "at the end of its time, and not before"
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


@pytest.mark.parametrize(
    ("wait", "blocks_writes", "waits"),
    [(True, False, True), (True, True, True), (False, True, True), (False, False, False)],
)
def test_what_somebody_does_meanwhile_stands_before_a_write_where_it_is_waited_for(
    wait: bool, blocks_writes: bool, waits: bool
) -> None:
    kind = LoggedShelf(Service(), "a")

    async def act(way: Way) -> None:
        await way.prepare()
        await trio.sleep(11)
        work = theirs("running", "succeeded")
        kind.pending = [InProgress("their work", work, plan_meanwhile=True, blocks_writes=blocks_writes)]
        await way.carry_out(None)

    _way, problem = go(kind, act, wait=wait)
    when = 12 if waits else 11
    assert problem is None
    assert [line for line in kind.log[3:] if "write" in line] == [
        "11 observe for a write",
        *(["12 observe for a write"] if waits else []),
        f"{when} write create a",
    ]


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
