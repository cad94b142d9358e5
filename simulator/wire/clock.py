# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated time: the given clock, sped up and pushed forward at will."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime


class WorldClock:
    """Seconds since 1970 as the simulated services see them."""

    def __init__(self, clock: Callable[[], float], scale: float = 1.0) -> None:
        self._clock = clock
        if not 0 < scale < float("inf"):
            raise ValueError("scale takes a number above 0")
        self._raw = clock()
        self._virtual = self._raw
        self._scale = scale

    @property
    def scale(self) -> float:
        return self._scale

    def now(self) -> float:
        return self._virtual + (self._clock() - self._raw) * self._scale

    def advance(self, seconds: float) -> None:
        """Let `seconds` of simulated time pass at once."""
        self._rebase(self.now() + seconds)

    def rescale(self, scale: float) -> None:
        """From now on one real second is `scale` simulated ones."""
        if not 0 < scale < float("inf"):
            raise ValueError("scale takes a number above 0")
        self._rebase(self.now())
        self._scale = scale

    def real_seconds(self, simulated: float) -> float:
        """How long a caller must sleep for that much simulated time."""
        return simulated / self._scale

    def _rebase(self, virtual: float) -> None:
        self._raw, self._virtual = self._clock(), virtual


def utc(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def http_date(moment: float) -> str:
    return format_datetime(utc(moment).replace(microsecond=0), usegmt=True)
