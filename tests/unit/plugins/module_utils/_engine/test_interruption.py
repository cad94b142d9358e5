# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a signal leaves of a run: before its first write, while one is sent, and once one was accepted."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.interruption import Interruption
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import Note
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.reconciler import Reconciler
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    UNKNOWN,
    Reply,
    Service,
    ShelfKind,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

Run = tuple[Reconciler[frozenset[str]], CheckpointError, int]


def struck(service: Service, after: float, *, wanted: str = "a", note: Note | None = None) -> Run:
    """A run that a signal ends so many seconds after it began, and the readings that followed."""

    async def main() -> Run:
        kind = ShelfKind(service, wanted)
        kind.note = note
        reconciler = Reconciler(kind, WaitPolicy(Deadline(600.0), poll_interval=5.0, settle_time=20.0))
        await reconciler.prepare()
        with trio.move_on_after(after):
            await reconciler.carry_out(None)
        read = service.readings
        problem = await reconciler.interrupt("SIGTERM")
        return reconciler, problem, service.readings - read

    return virtual(main)


def slow(seconds: float, *replies: Reply, items: str = "") -> Service:
    service = Service(*replies, items=items)

    async def wait(_change: str) -> None:
        await trio.sleep(seconds)

    service.before_write = wait
    return service


def test_before_a_write_nothing_was_changed() -> None:
    reconciler, problem, read = struck(Service(items="a"), 5.0)
    assert problem.message == "ended by SIGTERM; no write was under way."
    assert (problem.changed_nothing, reconciler.changed, read) == (True, False, 0)
    assert reconciler.progress.open == ()


def test_while_a_write_is_sent_it_is_open() -> None:
    reconciler, problem, read = struck(slow(30.0), 10.0, note=Note("It stands halfway.", "Look."))
    assert problem.message.startswith("create a was being sent when SIGTERM ended the run.")
    assert (problem.changed_nothing, reconciler.changed, read) == (False, False, 0)
    assert [action.title() for action in reconciler.progress.open] == ["create a"]
    assert problem.notes == ["It stands halfway."]
    assert problem.remedy == "Look at it before you run the task again. Look."


def test_once_it_was_accepted_it_goes_on_and_is_named() -> None:
    reconciler, problem, _read = struck(Service(Reply(UNKNOWN, effect=False)), 3.0)
    assert problem.message.startswith("create a was accepted and goes on; SIGTERM ended the run before its end")
    assert (problem.changed_nothing, reconciler.changed) == (False, True)
    assert reconciler.operation is not None
    assert (problem.operation or {})["id"] == reconciler.operation.id == "op1"
    assert [action.title() for action in reconciler.progress.open] == ["create a"]


@pytest.mark.parametrize("after", [40.0])
def test_between_two_writes_what_was_done_is_not_denied(after: float) -> None:
    reconciler, problem, _read = struck(slow(30.0, items="b"), after)
    assert problem.message.startswith("delete b was being sent when SIGTERM ended the run.")
    assert (problem.changed_nothing, reconciler.changed) == (False, True)
    assert [action.title() for action in reconciler.progress.actions] == ["create a"]


def test_what_was_let_go_has_no_state_to_tell() -> None:
    async def main() -> Any:
        kind = ShelfKind(Service(), "a")
        kind.note = Note("never told.")
        reconciler = Reconciler(kind, WaitPolicy(Deadline(600.0)))
        return await reconciler.interrupt("SIGTERM")

    assert virtual(main).notes == []


async def watch(interruption: Interruption, *numbers: int) -> None:
    """Signals that come one after the other."""

    @contextmanager
    def signals() -> Iterator[AsyncIterator[int]]:
        async def come() -> AsyncIterator[int]:
            for number in numbers:
                yield number

        yield come()

    await interruption.watch(signals)


@pytest.mark.parametrize(
    ("numbers", "name"),
    [
        ((signal.SIGTERM, signal.SIGINT), "SIGTERM"),
        ((signal.SIGINT,), "SIGINT"),
        ((signal.SIGALRM, signal.SIGTERM), "the task's timeout"),
    ],
)
def test_the_first_signal_ends_the_innermost_scope_that_is_open(numbers: tuple[int, ...], name: str) -> None:
    async def main() -> None:
        interruption = Interruption()
        with interruption.scope() as outer, interruption.scope() as inner:
            await watch(interruption, *numbers)
            assert (outer.cancel_called, inner.cancel_called) == (False, True)
        assert interruption.signal == name
        with interruption.scope() as later:
            await watch(interruption, signal.SIGHUP)
            assert (later.cancel_called, interruption.signal) == (False, name)

    virtual(main)


def test_a_scope_that_is_over_is_ended_by_no_signal() -> None:
    async def main() -> None:
        interruption = Interruption()
        with interruption.scope() as outer:
            with pytest.raises(ValueError, match="wrong"), interruption.scope() as inner:
                raise ValueError("wrong")
            await watch(interruption, signal.SIGTERM)
            assert (outer.cancel_called, inner.cancel_called) == (True, False)
        interruption = Interruption()
        await watch(interruption, signal.SIGTERM)
        assert interruption.signal == ""

    virtual(main)
