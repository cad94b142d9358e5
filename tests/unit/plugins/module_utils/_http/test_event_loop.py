# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls in threads that nothing waits for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.event_loop import DaemonThreads, new_event_loop


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What threads would do; none is started."""
    held: list[Callable[[], None]] = []

    class Thread:
        def __init__(self, *, target: Callable[[], None], daemon: bool = False) -> None:
            assert daemon, "the interpreter would wait for it"
            self._target = target

        def start(self) -> None:
            held.append(self._target)

    monkeypatch.setattr(threading, "Thread", Thread)
    return held


def test_a_call_s_result_is_its_future_s(threads: list[Callable[[], None]]) -> None:
    future = DaemonThreads().submit(lambda *given, **named: (given, named), 1, 2, name=3)
    assert not future.done()
    (run,) = threads
    run()
    assert future.result(0) == ((1, 2), {"name": 3})


@pytest.mark.parametrize("problem", [OSError("no such name"), ValueError("no name")], ids=str)
def test_what_resolving_a_name_may_end_in_is_the_future_s_too(
    threads: list[Callable[[], None]], problem: Exception
) -> None:
    def fails() -> None:
        raise problem

    future = DaemonThreads().submit(fails)
    threads[0]()
    assert future.exception(0) is problem


def test_what_was_cancelled_before_it_began_is_not_called(threads: list[Callable[[], None]]) -> None:
    called: list[int] = []
    future = DaemonThreads().submit(called.append, 1)
    assert future.cancel()
    threads[0]()
    assert (called, future.cancelled()) == ([], True)


def test_what_was_begun_cannot_be_cancelled(threads: list[Callable[[], None]]) -> None:
    cancelled: list[bool] = []
    future = DaemonThreads().submit(lambda: cancelled.append(future.cancel()))
    threads[0]()
    assert (cancelled, future.done()) == ([False], True)


def test_a_module_s_loop_calls_in_such_threads() -> None:
    loop = new_event_loop()
    try:
        assert loop.run_until_complete(loop.run_in_executor(None, lambda: threading.current_thread().daemon))
    finally:
        loop.close()
