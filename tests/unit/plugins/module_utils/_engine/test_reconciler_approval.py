# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is planned anew stays within what was approved, and what was done is used up."""

from __future__ import annotations

from typing import Any, Optional

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.approval import Approval
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Locked,
    PlanChanged,
    Refused,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan, to_result
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import Note
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.logged_shelf import (
    LoggedShelf,
    Way,
    go,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    SHELF,
    UNKNOWN,
    Put,
    Reply,
    Service,
    Take,
)

APPROVED = to_result([Plan(SHELF, (Put(SHELF, "", item="a"), Take(SHELF, "", item="z")))])


def carried_out(service: Service, *, pause: float = 0.0) -> tuple[Way, Optional[CheckpointError]]:
    async def act(way: Way) -> None:
        await way.prepare()
        await trio.sleep(pause)
        await way.carry_out(Approval(APPROVED))

    return go(LoggedShelf(service, "a"), act)


@pytest.mark.parametrize("approved", [APPROVED, APPROVED["digest"]], ids=["the plan", "its digest"])
def test_what_is_left_of_an_approved_plan_is_approved(approved: Any) -> None:
    service, approval = Service(Reply(), Reply(Locked("busy."), effect=False), items="z"), Approval(approved)

    async def act(way: Way) -> None:
        await way.prepare()
        approval.check([way.plan])
        await way.carry_out(approval)

    _way, problem = go(LoggedShelf(service, "a"), act)
    assert (problem, service.sent) == (None, ["+a", "-z", "-z"])


def test_what_was_approved_once_is_done_once() -> None:
    service = Service(Reply(), Reply(Locked("busy."), effect=False), items="z")
    service.before_reading = lambda count: service.items.discard("a") if count == 3 else None
    way, problem = carried_out(service)
    assert isinstance(problem, PlanChanged)
    assert problem.message == "what would be done is not what was approved: + create a."
    assert (way.changed, service.sent) == (True, ["+a", "-z"])


@pytest.mark.parametrize("pause", [0.0, 11.0])
def test_what_was_read_again_before_the_first_write_must_be_approved(pause: float) -> None:
    service = Service(items="z")
    service.before_reading = lambda count: service.items.add("y") if count == 2 else None
    _way, problem = carried_out(service, pause=pause)
    assert (problem is None) is (pause == 0.0)
    assert service.sent == ([] if pause else ["+a", "-z"])
    if problem is not None:
        assert problem.message == "what would be done is not what was approved: + delete y."
        assert problem.changed_nothing


def test_what_is_renewed_must_be_approved() -> None:
    service = Service(items="z")

    async def act(way: Way) -> None:
        await way.prepare()
        await way.carry_out(Approval(APPROVED), first_half=True)
        service.items.add("y")
        await way.renew(Approval(APPROVED))

    way, problem = go(LoggedShelf(service, "a"), act)
    assert str(problem).startswith(
        "plan: what would be done is not what was approved: + delete y. Done before: create a. Approve the new plan: "
    )
    assert (way.changed, service.sent) == (True, ["+a"])


class Standing(LoggedShelf):
    """A shelf that says where it stands, and whether it was read for that."""

    async def describe_state(self, observed: object, progress: object, *, read: bool = True) -> Note:
        return Note("It was read." if read else "It was not read.", "Look.")


def test_an_error_may_read_for_where_the_target_stands_and_a_signal_does_not() -> None:
    _way, problem = go(Standing(Service(Reply(Refused("no."), effect=False)), "a"))
    assert str(problem) == "target s: no. It was read. Look."
    found: list[str] = []

    async def act(way: Way) -> None:
        await way.prepare()
        with trio.move_on_after(3):
            await way.carry_out(None)
        found.append(str(await way.interrupt("SIGTERM")))

    way, problem = go(Standing(Service(Reply(), Reply(UNKNOWN, effect=False)), "ab"), act)
    assert problem is None
    assert found == [
        "target s: create b was accepted and goes on; SIGTERM ended the run before its end, and nothing was sent after "
        "it. Done before: create a. It was not read. Run the task again: it goes on from where it stands. Look. "
        "[toy op2]"
    ]
    assert [each.title() for each in way.progress.open] == ["create b"]
    assert (way.changed, None if way.operation is None else way.operation.id) == (True, "op2")
