# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ends the run of one target, in whole: what was done, what was put back, where it stands, and what is open."""

from __future__ import annotations

from typing import Any, Optional

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    Forbidden,
    Locked,
    OperationFailed,
    Refused,
    ResponseLost,
    Unavailable,
    Unreachable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, State, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import Note
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Done
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.logged_shelf import (
    Items,
    LoggedShelf,
    PutAnyway,
    Way,
    go,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    BUSY,
    FAILED,
    SHELF,
    UNKNOWN,
    Put,
    Reply,
    Service,
    ShelfKind,
    Take,
)

BROKE = "the shelf broke."
MEND = "Mend what the service names, then run the task again."
RUNNING = Status("running")


def page() -> BadResponse:
    return BadResponse("HTML.", subject="toy")


class Back(Take):
    """A step that takes an item away again."""

    @property
    def activity(self) -> str:
        return f"taking {self.item}"


class Careful(ShelfKind):
    """A shelf that takes away what it holds too much where a write fails."""

    asked: Optional[tuple[str, Items]] = None

    def compensation(self, action: Action, before: Items) -> Any:
        self.asked = (action.title(), before)
        return tuple(Back(self.target, "it failed", item=each) for each in "yz")


def test_what_had_been_done_before_it_failed_is_put_back() -> None:
    kind = Careful(Service(Reply(FAILED, effect=False), items="yz"), "ayz")
    way, problem = go(kind)
    assert str(problem) == (
        f"target s: create a failed: {BROKE} It was put back by taking y, taking z. {MEND} [toy op1]"
    )
    assert (kind.asked, kind.service.sent) == (("create a", frozenset("yz")), ["+a", "-y", "-z"])
    assert way.progress.before == frozenset("yz")
    assert [each.title() for each in way.progress.begun] == ["create a"]
    assert way.progress.open == (way.progress.begun[0],)
    assert way.progress.failed == (Done(way.progress.begun[0], "n0"),)
    assert way.progress.unsettled == ()


def test_what_changed_nothing_put_nothing_back() -> None:
    async def joined() -> Operation:
        async def poll() -> Status:
            return Status("succeeded")

        return Operation("toy", "theirs", poll, joined=True)

    class Joining(Careful):
        def write(self, action: Action, observed: Items, progress: Any) -> Any:
            request = super().write(action, observed, progress)
            return request if isinstance(action, Put) else type(request)("joining", joined, lambda _now: True)

    _way, problem = go(Joining(Service(Reply(FAILED, effect=False)), "a"))
    assert str(problem) == f"target s: create a failed: {BROKE} {MEND} [toy op1]"


def test_putting_it_back_waits_for_locks_and_says_where_it_fails() -> None:
    locked = Reply(Locked("busy."), effect=False)
    kind = Careful(Service(Reply(FAILED, effect=False), locked, locked, items="yz"), "ayz")
    way, problem = go(kind)
    assert kind.service.sent == ["+a", "-y", "-y", "-y", "-z"]
    assert way.timing["apply"] == 15.0
    assert "It was put back by taking y, taking z." in str(problem)
    kind = Careful(Service(Reply(FAILED, effect=False), Reply(), Reply(Refused("no.")), items="yz"), "ayz")
    _way, problem = go(kind)
    assert str(problem) == f"target s: create a failed: {BROKE} Putting it back failed too: no. {MEND} [toy op1]"


def test_putting_it_back_is_waited_for_and_nothing_relies_on_it() -> None:
    seen: list[bool] = []

    async def complete(_now: Items, execution: Any) -> Completed:
        seen.append(execution.required_next)
        return Completed()

    replies = [Reply(Refused("no."), effect=False), Reply(), Reply(FAILED, effect=False)]
    kind = Careful(Service(*replies, items="yz"), "ayz", complete=complete)
    _way, problem = go(kind, wait=False)
    assert str(problem) == "target s: no. Putting it back failed too: delete z failed: the shelf broke."
    assert seen == [False]


@pytest.mark.parametrize(
    ("reply", "readings", "put_back"),
    [
        (Reply(FAILED, effect=False), {}, True),
        (Reply(Refused("no."), effect=False), {}, True),
        (Reply(page(), effect=False), {}, True),
        (Reply(effect=False), {}, True),
        (Reply(ResponseLost("no answer"), effect=False), {}, False),
        (Reply(RUNNING, effect=False), {}, False),
        (Reply(), dict.fromkeys(range(2, 20), page()), False),
        (Reply(), {2: Forbidden("no right.")}, False),
    ],
    ids=["failed", "refused", "no sense", "not shown", "lost", "timed out", "read as no sense", "cannot be read"],
)
def test_what_may_still_come_true_is_not_put_back(
    reply: Reply, readings: dict[int, CheckpointError], put_back: bool
) -> None:
    kind = Careful(Service(reply, items="yz", readings=readings), "ayz")
    way, problem = go(kind, seconds=90.0)
    assert problem is not None
    assert kind.service.sent == (["+a", "-y", "-z"] if put_back else ["+a"])
    left = [] if isinstance(reply.answer, (BadResponse, Refused)) else ["create a"]
    assert [each.title() for each in way.progress.open] == left
    assert [each.action.title() for each in way.progress.failed] == (["create a"] if reply.answer is FAILED else [])


@pytest.mark.parametrize("reply", [Reply(RUNNING), Reply(RUNNING, effect=False)])
def test_what_is_still_at_work_is_named_by_what_ends_the_run(reply: Reply) -> None:
    way, problem = go(ShelfKind(Service(reply), "a"), seconds=90.0)
    assert str(problem) == (
        "target s: create a was still running at the task's deadline of 1m30s; nothing was sent twice. Raise "
        "wait_timeout, or look at the operation and run the task again. [toy op1]"
    )
    assert way.changed


@pytest.mark.parametrize(
    ("state", "problem", "named"),
    [
        ("running", Refused("no."), "toy job-1"),
        ("succeeded", Refused("no."), None),
        ("running", Refused("no.", operation={"kind": "toy", "id": "other"}), "toy other"),
        (None, Refused("no."), None),
    ],
)
def test_an_error_names_an_operation_that_goes_on(
    state: Optional[State], problem: CheckpointError, named: Optional[str]
) -> None:
    async def never(way: Way) -> None:
        if state is not None:

            async def poll() -> Status:
                return RUNNING

            way.operation = Operation("toy", "job-1", poll, last=Status(state))
        raise problem

    _way, found = go(ShelfKind(Service(), "a"), never)
    assert found is problem
    assert str(found) == ("target s: no." if named is None else f"target s: no. [{named}]")


@pytest.mark.parametrize(
    ("kind", "changed", "retry", "shown"),
    [
        (Unreachable, False, "safe", "target s: no. Nothing was sent."),
        (Unreachable, True, "after_reading", "target s: no."),
        (Forbidden, False, "never", "target s: no. Nothing was changed."),
        (Forbidden, True, "never", "target s: no."),
    ],
)
def test_an_error_denies_nothing_that_was_changed(
    kind: type[CheckpointError], changed: bool, retry: str, shown: str
) -> None:
    async def never(way: Way) -> None:
        way.changed = changed
        raise kind("no.", changed_nothing=True)

    _way, problem = go(ShelfKind(Service(), "a"), never)
    assert problem is not None
    assert (problem.retry, str(problem)) == (retry, shown)


def test_an_answer_that_makes_no_sense_names_its_target_beside_the_host() -> None:
    async def never(_way: Way) -> None:
        raise BadResponse("HTML.", subject="toy")

    assert str(go(ShelfKind(Service(), "a"), never)[1]) == "toy: target s: HTML."


def test_an_error_says_what_was_done_and_where_the_target_stands() -> None:
    kind = ShelfKind(Service(Reply(), Reply(Refused("no."), effect=False)), "ab")
    kind.note = Note("It stands halfway.", "Look.")
    way, problem = go(kind)
    assert str(problem) == "target s: no. Done before: create a. It stands halfway. Look."
    (done,) = way.progress.done
    assert done == Done(Put(SHELF, "it is missing", item="a"), "n0", Completed(), False, "create a")


def test_a_renewed_plan_that_cannot_be_made_says_the_same() -> None:
    kind = ShelfKind(Service(readings={3: Unavailable("503.")}), "a")
    kind.note = Note("It stands halfway.", "Look.")

    async def act(way: Way) -> None:
        await way.prepare()
        await way.carry_out(None, first_half=True)
        await way.renew(None)

    _way, problem = go(kind, act)
    assert str(problem) == "target s: 503. Done before: create a. It stands halfway. Look."


@pytest.mark.parametrize(
    ("unready", "wanted", "shown"),
    [
        (Refused("no."), "", "target s: no."),
        (
            Refused("no."),
            "a",
            "target s: create a was sent, the service reports that it succeeded, and reading what came of it failed: "
            "no. So nothing proves it (outcome_unknown); nothing was sent twice. Look at it before you run the task "
            "again. [toy op1]",
        ),
        (
            page(),
            "a",
            "toy: target s: HTML. create a was sent before, and the service reports that it succeeded. Done before: "
            "create a. [toy op1]",
        ),
    ],
)
def test_what_does_not_become_ready_denies_no_write(unready: CheckpointError, wanted: str, shown: str) -> None:
    kind = LoggedShelf(Service(), wanted)
    kind.unready = unready
    _way, problem = go(kind)
    assert str(problem) == shown


def test_a_run_ends_with_what_it_has_led_to() -> None:
    kind = LoggedShelf(Service(Reply(ResponseLost("no answer"))), "a")
    kind.completed = Completed("item a", ("twin",), ("it is heavy",), ({"name": "a"},))
    way, problem = go(kind)
    assert problem is None
    assert way.completed is kind.completed
    assert way.warnings == ["target s: it is heavy"]
    assert way.plan.drift == ({"name": "a"},)
    (execution,) = kind.executions
    assert (execution.adopted, execution.required_next, execution.subject) == (True, False, "target s")
    assert execution.operation is None
    kind = LoggedShelf(Service(), "a")
    go(kind)
    (execution,) = kind.executions
    assert (execution.adopted, execution.operation is None) == (False, False)


@pytest.mark.parametrize(("put", "required"), [(Put, [True, False]), (PutAnyway, [False, False])])
@pytest.mark.parametrize("wait", [True, False])
def test_a_write_knows_what_the_rest_of_the_plan_needs_of_it(put: Any, required: list[bool], wait: bool) -> None:
    seen: list[bool] = []

    async def complete(now: Items, execution: Any) -> Completed:
        seen.append(execution.required_next)
        return Completed(sorted(now), warnings=("it is heavy",))

    kind = LoggedShelf(Service(), "ab", complete=complete)
    kind.put = put
    way, problem = go(kind, wait=wait)
    assert (problem, seen) == (None, required if wait else required[:1])
    assert [each.completed.result for each in way.progress.done] == [["a"], ["a", "b"] if wait else None]
    assert way.warnings == ["target s: it is heavy"]


def test_warnings_come_in_their_order_each_once_however_often_it_is_planned() -> None:
    locked = Reply(Locked("busy."), effect=False)
    kind = LoggedShelf(Service(locked), "a", notes=lambda _now: ("it is heavy", "it is old"))
    kind.plan_warnings, kind.completed = ("it is old",), Completed(warnings=("it is far", "it is heavy"))
    way, problem = go(kind)
    assert problem is None
    assert way.warnings == ["target s: it is old", "target s: it is heavy", "target s: it is far"]


def test_what_was_made_and_cannot_be_used_is_done_and_not_open() -> None:
    async def fails(_now: Items, _execution: Any) -> Completed:
        raise OperationFailed("it was made, and is unusable.")

    way, problem = go(ShelfKind(Service(), "a", complete=fails))
    assert str(problem) == "target s: it was made, and is unusable. Done before: create a. [toy op1]"
    assert ([each.action.title() for each in way.progress.done], way.progress.open, way.progress.failed) == (
        ["create a"],
        (),
        (),
    )


def test_operations_of_the_run_are_its_own() -> None:
    kind = LoggedShelf(Service(), "ab")
    _way, problem = go(kind)
    assert problem is None

    async def poll() -> Status:
        return RUNNING

    found = [kind.executions[0].is_own(Operation("toy", name, poll)) for name in ("op1", "op2", "op3")]
    assert found == [True, True, False]


@pytest.mark.parametrize("reply", [Reply(BUSY, effect=False), Reply(Locked("busy."), effect=False)])
def test_a_lock_is_tried_again_in_growing_pauses_and_what_it_locked_out_is_remembered(reply: Reply) -> None:
    times: list[float] = []
    kind = ShelfKind(Service(reply, reply, reply), "a")

    async def note(_change: str) -> None:
        times.append(trio.current_time())

    kind.service.before_write = note
    way, problem = go(kind)
    assert (problem, times) == (None, [0.0, 5.0, 15.0, 35.0])
    assert way.progress.locked_out == {"n0", "n1", "n2"}
    assert [each.context for each in way.progress.done] == ["create a"]


def test_a_lock_is_not_waited_for_where_others_have_failed() -> None:
    async def act(way: Way) -> None:
        await way.prepare()
        way.waits_for_locks = False
        await way.carry_out(None)

    way, problem = go(ShelfKind(Service(Reply(Locked("busy."), effect=False)), "a"), act)
    assert str(problem) == (
        "target s: busy; it was not waited for, because the group has failed. Nothing was changed. Run the task again."
    )
    assert way.timing["apply"] == 0.0


def test_an_operation_that_nobody_knows_is_not_named_once_the_run_has_gone_on() -> None:
    way, problem = go(ShelfKind(Service(Reply(UNKNOWN), Reply(Refused("no."), effect=False)), "ab"))
    assert str(problem) == "target s: no. Done before: create a."
    assert way.operation is not None
    assert way.operation.id == "op1"
