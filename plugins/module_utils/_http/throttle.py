# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One limiter for all requests that a service counts together: what a 429 asks of one of them holds for all.

Services count by token buckets and publish at most their sizes, which change (Azure Resource Manager's have since
2021). So the rate is measured: what passed between two refusals in the time between them. From then on requests leave
at that rate, and a little faster with each that passes, so that the bucket is used up and seldom overdrawn.
"""

from __future__ import annotations

import math
import typing as t

from .._core.operation import Deadline
from .._deps import anyio

FASTER = 0.1
"""Requests a second that each one which passes adds to the rate."""
SLOWEST = 0.5
"""Requests a second: less is no rate that a bucket for many VMs has."""


class Pressure(t.Protocol):
    """Who wants to know that a service is in trouble, or counts."""

    def pressed(self) -> None:
        """It answered that it is overloaded, or not at all."""

    def answered(self) -> None:
        """It answered as it should."""

    def held(self, seconds: float) -> None:
        """It refused a request because it counts them, for so many seconds."""


class Bucket:
    """Requests that are counted together. Without a refusal none waits."""

    def __init__(self) -> None:
        self.rate = math.inf
        self._line = anyio.Lock()  # who has waited longest goes first: one that is refused again and again, last
        self._waiting = 0
        self._closed_until = self._next = -math.inf
        self._passed = 0
        self._since = math.nan

    async def admit(self, deadline: Deadline) -> bool:
        """Wait for a turn; False at once where it would come after the deadline."""
        if math.isnan(self._since):
            self._since = anyio.current_time()
        if not self._waiting and self._pause() <= 0:
            return await self._turn(deadline)
        # The rate grows with each that passes, so that n of them take less than n / rate.
        if self._pause() + math.log1p(FASTER * self._waiting / self.rate) / FASTER >= deadline.remaining():
            return False
        self._waiting += 1
        try:
            with anyio.move_on_after(deadline.remaining()):
                async with self._line:
                    return await self._turn(deadline)
        finally:
            self._waiting -= 1
        return False

    def _pause(self) -> float:
        """Seconds until the next one may leave."""
        return max(self._closed_until, self._next) - anyio.current_time()

    async def _turn(self, deadline: Deadline) -> bool:
        while (pause := self._pause()) > 0:
            if pause >= deadline.remaining():
                return False
            await anyio.sleep(pause)
        self._next = max(self._next, anyio.current_time() - 1 / self.rate) + 1 / self.rate
        return True

    def passed(self) -> None:
        """A request was counted, and answered."""
        self._passed += 1
        self.rate += FASTER

    def refused(self, sent: float, seconds: float) -> None:
        """A request that left at `sent` was refused: none is to leave for so many seconds.

        One that left before the last refusal tells nothing new of the rate.
        """
        now = anyio.current_time()
        if sent >= self._since:
            measured = self._passed / max(now + seconds - self._since, 1.0)
            self.rate = max(SLOWEST, min(self.rate, measured))
            self._since, self._passed = now + seconds, 0
        self._closed_until = max(self._closed_until, now + seconds)
        self._next = max(self._next, self._closed_until)
