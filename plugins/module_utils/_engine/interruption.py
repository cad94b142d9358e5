# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A signal ends a run: nothing further is sent, and what was started is reported."""

from __future__ import annotations

import signal
import typing as t
from contextlib import AbstractContextManager, contextmanager

from .._deps import anyio

Signals = t.Callable[[], AbstractContextManager[t.AsyncIterator[int]]]
"""Opens the way on which signals arrive."""


NAMES = {signal.SIGALRM: "the task's timeout"}
"""Ansible sets an alarm for the keyword `timeout`."""


class Interruption:
    """What a signal cancels: the innermost scope that is open. `signal` is its name, empty while none has come."""

    def __init__(self) -> None:
        self.signal = ""
        self._scopes: list[anyio.CancelScope] = []

    @contextmanager
    def scope(self) -> t.Iterator[anyio.CancelScope]:
        """What a signal ends while it is open; afterwards `cancelled_caught` of the scope says whether one did."""
        with anyio.CancelScope() as scope:
            self._scopes.append(scope)
            try:
                yield scope
            finally:
                self._scopes.remove(scope)

    async def watch(self, signals: Signals) -> None:
        """Wait for signals. The first one ends the run, later ones change nothing."""
        with signals() as received:
            async for number in received:
                if not self.signal and self._scopes:
                    received_signal = signal.Signals(number)
                    self.signal = NAMES.get(received_signal, received_signal.name)
                    self._scopes[-1].cancel()
