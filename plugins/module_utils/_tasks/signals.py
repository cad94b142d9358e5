# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals are caught from before a task begins until what became of it has been said.

anyio's and asyncio's own receivers leave a signal's default behind when they are closed, so that a second signal kills
the process before its result is out. Ansible's controller sends two: Ctrl-C arrives as SIGINT, and SIGTERM follows at
once (WORKER_SHUTDOWN_POLL_COUNT is 0 by default).
"""

from __future__ import annotations

import asyncio
import os
import signal
import typing as t
from contextlib import contextmanager
from types import FrameType, TracebackType

from .._deps import anyio

LOOK_AFTER_PARENT = 1.0
"""Seconds between two looks whether the parent is still there."""


class CaughtSignals:
    """Catches these signals while it is entered. `first` is the number of the first that came, None before.

    The end of the process `parent`, where one is given, counts as SIGHUP: up to ansible-core 2.18 a controller that is
    ended by SIGTERM leaves its workers behind.
    """

    def __init__(self, *numbers: int, parent: int | None = None) -> None:
        self.first: int | None = None
        self._parent = parent
        self._numbers = numbers
        self._before: dict[int, t.Any] = {}
        self._wake: t.Callable[[], object] | None = None

    def __enter__(self) -> t.Self:
        self._before = {number: signal.signal(number, self._arrived) for number in self._numbers}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler or signal.SIG_DFL)

    @contextmanager
    def open(self) -> t.Iterator[t.AsyncIterator[int]]:
        """The way on which the first signal reaches the event loop that runs here, also one that came before it."""
        arrived = anyio.Event()
        loop = asyncio.get_running_loop()
        # asyncio: call_soon_threadsafe "is safe to be called from a reentrant context or signal handler".
        self._wake = lambda: loop.call_soon_threadsafe(arrived.set)
        try:
            yield self._first_of(arrived)
        finally:
            self._wake = None

    async def _first_of(self, arrived: anyio.Event) -> t.AsyncIterator[int]:
        while self.first is None:
            with anyio.move_on_after(LOOK_AFTER_PARENT if self._parent is not None else None):
                await arrived.wait()
            if self.first is None and self._parent is not None and os.getppid() != self._parent:
                self.first = signal.SIGHUP
        if self.first is not None:
            yield self.first

    def _arrived(self, number: int, _frame: FrameType | None) -> None:
        if self.first is None:
            self.first = number
        if self._wake is not None:
            self._wake()
