# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the planning of one target among many may take before the others go on without it."""

from __future__ import annotations

import typing as t
from collections import Counter

from .._core.errors import CheckpointError, Unavailable, Unreachable
from .._core.operation import Deadline
from .._deps import anyio

LONGEST = 90.0
"""Seconds: a reading that meets trouble is repeated for up to 60, and a throttled one may have to wait for its turn."""
SILENT = 5
"""Targets of a service, one after the other, of which nothing could be read: then the others are not waited for."""


def share_of(deadline: Deadline, longest: float) -> float:
    """The seconds, at most `longest`, for which a few may hold up the others: a quarter of the task's, or a minute."""
    return min(longest, max(deadline.total / 4, min(60.0, deadline.total / 2)))


class Patience:
    """Cuts off what takes long. `with_one` is asked for each target, and says whether it is done."""

    def __init__(self, deadline: Deadline) -> None:
        self._longest = share_of(deadline, LONGEST)
        self._silent: Counter[str] = Counter()

    async def with_one(self, service: str, act: t.Callable[[], t.Awaitable[bool]]) -> bool:
        """What `act` returns; False where it takes too long, or its service has left several without an answer."""
        if self._silent[service] >= SILENT:
            return False
        answered = False
        try:
            with anyio.move_on_after(self._longest):
                found = await act()
                answered = True
                return found
        except CheckpointError as problem:
            answered = not isinstance(problem, (Unavailable, Unreachable))
            raise
        finally:
            self._silent[service] = 0 if answered else self._silent[service] + 1
        return False
