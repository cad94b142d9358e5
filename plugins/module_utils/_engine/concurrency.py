# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several things at once, but not too many: more while the service answers well, half as many when it does not."""

from __future__ import annotations

import math
import typing as t
from functools import partial

from .._core.errors import CheckpointError
from .._deps import anyio

Item = t.TypeVar("Item")
Asked = t.Union[int, t.Literal["auto"]]
AtOnce: t.TypeAlias = "tuple[int, int]"
"""How many of a service's targets are written to at once where no bound is asked for: at the beginning, at most."""
START = 32
"""How many are at work at once before anything is known of the service."""
MOST = 256
"""And at most where nobody knows more of it: what is written takes tens of seconds, and few of those that wait ask
anything."""
MOST_READ = 64
"""The same where nothing is written: a reading takes a moment, and a limit that is met refuses all that are sent."""
GROWTH = 3
"""How many more after each that ended without trouble: additive increase."""
TOLERATED = 0.15
"""The share of troubled answers that is no overload: a few among many are lost on the way, whatever is sent."""
WEIGHT = 0.05
"""What the last answer weighs in that share, so that four troubled ones in a row are overload."""
PAUSE = 1.0
"""Seconds between two decreases: what was sent before the first says nothing new. Multiplicative decrease."""


class Concurrency:
    """How many are at work at one kind of thing; `asked` and `most` are its upper bounds.

    Growing on success and halving on trouble is what TCP does (AIMD): many clients of one service come to fair shares.
    """

    def __init__(self, asked: Asked = "auto", most: int = MOST, start: int = START) -> None:
        self.most = most if asked == "auto" else min(asked, most)
        self.start = min(start, self.most)
        self._limiter = anyio.CapacityLimiter(self.start)
        self._pressed_at = self._held_until = -math.inf
        self._trouble = 0.0

    @property
    def level(self) -> int:
        """How many may be at work now."""
        return int(self._limiter.total_tokens)

    def pressed(self) -> None:
        """The service is in trouble: it answered that it is overloaded, or not at all."""
        self._trouble += WEIGHT * (1 - self._trouble)
        if self._trouble <= TOLERATED:
            return
        now = anyio.current_time()
        if now - self._pressed_at >= PAUSE:
            self._limiter.total_tokens = max(1, self.level // 2)
            self._pressed_at = now
        self._held_until = max(self._held_until, now + PAUSE)

    def answered(self) -> None:
        """It answered as it should."""
        self._trouble -= WEIGHT * self._trouble

    def held(self, seconds: float) -> None:
        """The service counts requests (429): more at once would not be faster for so long."""
        self._held_until = max(self._held_until, anyio.current_time() + seconds)

    def grow(self) -> None:
        """One has ended without trouble."""
        if anyio.current_time() >= self._held_until:
            self._limiter.total_tokens = min(self.most, self.level + GROWTH)

    async def each(self, items: t.Iterable[Item], act: t.Callable[[Item], t.Awaitable[None]]) -> None:
        """`act` on each item in order; the first error ends the rest and is raised alone."""
        todo = list(items)
        waiting = iter(todo)
        failed: list[CheckpointError] = []

        async def worker() -> None:
            while not failed:
                async with self._limiter:
                    # Taken only now: of two that wait for their turn the earlier item goes first.
                    found = next(waiting, None) if not failed else None
                    if found is None:
                        return
                    try:
                        await act(found)
                    except CheckpointError as error:
                        failed.append(error)
                    else:
                        self.grow()

        async with anyio.create_task_group() as group:
            for _worker in range(min(self.most, len(todo))):
                group.start_soon(worker)
        if failed:
            raise failed[0]


class Levels:
    """How many are at work at once, reading and writing. With `auto` each service has levels of its own.

    So one that answers no more, whose targets each take their time to fail, does not hold up the others. Behind one
    address there may be several that take more and less. An upper bound that is asked for is one for all together.
    """

    def __init__(self, asked: Asked = "auto") -> None:
        self.reading = Concurrency(asked, MOST_READ)
        self.writing = Concurrency(asked)
        self.is_shared = asked != "auto"
        self._services: dict[str, ServiceLevel] = {}

    def of(self, service: str) -> ServiceLevel:
        """What the trouble and the limits of that service concern."""
        if service not in self._services:
            self._services[service] = ServiceLevel(self)
        return self._services[service]


class ServiceLevel:
    """The levels of one service, and what its answers tell of."""

    def __init__(self, levels: Levels) -> None:
        self._levels = levels
        self.reading = levels.reading if levels.is_shared else Concurrency("auto", MOST_READ)
        self._writing: dict[AtOnce, Concurrency] = {}

    def writing(self, at_once: AtOnce) -> Concurrency:
        """The level of its targets that begin with so many at once and grow to so many."""
        if self._levels.is_shared:
            return self._levels.writing
        start, most = at_once
        return self._writing.setdefault(at_once, Concurrency("auto", most, start))

    def pressed(self) -> None:
        """See Concurrency."""
        for each in self._all():
            each.pressed()

    def answered(self) -> None:
        """See Concurrency."""
        for each in self._all():
            each.answered()

    def held(self, seconds: float) -> None:
        """See Concurrency."""
        for each in self._all():
            each.held(seconds)

    def _all(self) -> set[Concurrency]:
        return {self.reading, *self._writing.values(), self._levels.reading, self._levels.writing}


async def each_at_its_level(
    items: t.Iterable[Item], level_of: t.Callable[[Item], Concurrency], act: t.Callable[[Item], t.Awaitable[None]]
) -> None:
    """`act` on each item, those of one level in order and beside those of the others. The first error ends all."""
    lines: dict[Concurrency, list[Item]] = {}
    for item in items:
        lines.setdefault(level_of(item), []).append(item)
    await side_by_side([partial(level.each, own, act) for level, own in lines.items()])


async def side_by_side(ways: t.Iterable[t.Callable[[], t.Awaitable[None]]]) -> None:
    """Go several ways at once. The first error ends the others and is raised alone."""
    failed: list[CheckpointError] = []

    async def go(way: t.Callable[[], t.Awaitable[None]]) -> None:
        try:
            await way()
        except CheckpointError as error:
            failed.append(error)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for way in ways:
            group.start_soon(go, way)
    if failed:
        raise failed[0]
