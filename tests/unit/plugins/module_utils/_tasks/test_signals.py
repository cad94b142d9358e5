# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals reach the loop, and keep being caught until what became of the task has been said."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import anyio
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import signals as of_signals
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.signals import CaughtSignals

ENOUGH = 900.0
"""Seconds after which a way on which nothing arrives is given up: only a hang takes so long."""


@pytest.fixture(autouse=True)
def taken() -> Iterator[list[int]]:
    """Signals that reach the handler of before."""
    found: list[int] = []
    before = {
        number: signal.signal(number, lambda given, _frame: found.append(given))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


async def _first(signals: CaughtSignals, *sent: int) -> int | None:
    """The first signal on the way to the loop; `sent` are raised before it is looked for."""
    with signals.open() as numbers, anyio.fail_after(ENOUGH):
        for number in sent:
            signal.raise_signal(number)
        async for number in numbers:
            return number
    return None


async def _first_of_the_loop(signals: CaughtSignals) -> int | None:
    """The same for one that is raised while the loop waits."""
    asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGTERM)
    return await _first(signals)


def test_the_first_signal_reaches_the_loop(taken: list[int]) -> None:
    with CaughtSignals(signal.SIGINT, signal.SIGTERM) as signals:
        assert anyio.run(_first, signals, signal.SIGINT, signal.SIGTERM) == signal.SIGINT
    assert taken == []


def test_one_that_came_before_the_loop_does_too() -> None:
    with CaughtSignals(signal.SIGTERM) as signals:
        signal.raise_signal(signal.SIGTERM)
        assert anyio.run(_first, signals) == signal.SIGTERM


def test_one_that_comes_while_the_loop_waits_wakes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(of_signals, "LOOK_AFTER_PARENT")  # without a parent nothing else does
    with CaughtSignals(signal.SIGTERM) as signals:
        assert anyio.run(_first_of_the_loop, signals) == signal.SIGTERM


def test_the_end_of_the_parent_counts_as_a_hangup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_signals, "LOOK_AFTER_PARENT", 0.01)
    parents = iter([7, 7, 1])
    monkeypatch.setattr(os, "getppid", lambda: next(parents))
    with CaughtSignals(signal.SIGTERM, parent=7) as signals:
        assert anyio.run(_first, signals) == signal.SIGHUP
    assert list(parents) == []


def test_one_that_comes_after_the_loop_changes_nothing(taken: list[int]) -> None:
    with CaughtSignals(signal.SIGINT, signal.SIGTERM) as signals:
        anyio.run(_first, signals, signal.SIGINT)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
        assert (signals.first, taken) == (signal.SIGINT, [])


def test_afterwards_all_is_as_it_was(taken: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with CaughtSignals(signal.SIGTERM) as signals:
        pass
    assert signal.getsignal(signal.SIGTERM) is before, "else raising it would end the tests"
    signal.raise_signal(signal.SIGTERM)
    assert (signals.first, taken) == (None, [signal.SIGTERM])


def test_a_signal_is_not_hidden_by_the_end_of_the_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getppid", lambda: 1)
    with CaughtSignals(signal.SIGTERM, parent=7) as signals:
        assert anyio.run(_first_of_the_loop, signals) == signal.SIGTERM


def test_a_handler_that_python_does_not_know_becomes_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    set_to: list[object] = []

    def replaced(_number: int, handler: object) -> None:
        set_to.append(handler)

    monkeypatch.setattr(signal, "signal", replaced)
    with CaughtSignals(signal.SIGTERM):
        pass
    assert set_to[1:] == [signal.SIG_DFL]
    monkeypatch.undo()
