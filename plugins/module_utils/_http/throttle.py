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

    def held(self, seconds: float) -> None:
        """It refused a request because it counts them, for so many seconds."""


class Bucket:
    """Requests that are counted together. Without a refusal none waits."""

    def __init__(self) -> None:
        self.rate = math.inf
        self._closed_until = self._next = -math.inf
        self._passed = 0
        self._since = math.nan

    async def admit(self, deadline: Deadline) -> bool:
        """Wait for a turn; False at once where it would come after the deadline."""
        if math.isnan(self._since):
            self._since = anyio.current_time()
        while True:
            now = anyio.current_time()
            turn = max(now, self._closed_until, self._next)
            if turn > now and turn - now >= deadline.remaining():
                return False
            self._next = turn + 1 / self.rate
            if turn > now:
                await anyio.sleep(turn - now)
            if anyio.current_time() >= self._closed_until:
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


class Throttle:
    """The buckets of one service, by what is counted together."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    def bucket(self, name: str) -> Bucket:
        """The one of that name."""
        return self._buckets.setdefault(name, Bucket())
