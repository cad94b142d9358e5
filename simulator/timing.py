# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long something takes: seconds, somewhere between two numbers of seconds, a number of looks, or for ever."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """When a job is done: after seconds, after a number of looks at it, or never."""

    seconds: float | None = 0.0
    looks: int | None = None
    most: float | None = None  # of a range, of which `seconds` is the least

    @classmethod
    def parse(cls, text: str) -> Timing:
        """`4s`, `40s to 300s`, `3 looks`, `never`, `0s`; ValueError for anything else."""
        if text == "never":
            return cls(seconds=None)
        if found := re.fullmatch(r"(\d+(?:\.\d+)?)s? to (\d+(?:\.\d+)?)\s*s", text):
            least, most = float(found[1]), float(found[2])
            if least > most:
                raise ValueError(f"a duration's first number is the smaller one, unlike in {text!r}")
            return cls(seconds=least, most=most)
        if found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*s", text):
            return cls(seconds=float(found[1]))
        if found := re.fullmatch(r"(\d+)\s*looks?", text):
            return cls(seconds=None, looks=int(found[1]))
        raise ValueError(f"a duration is written '4s', '40s to 300s', '3 looks' or 'never', not {text!r}")

    def drawn(self, between: Callable[[float, float], float]) -> Timing:
        """Of a range one duration, as `between` chooses it; anything else as it is."""
        if self.most is None or self.seconds is None:
            return self
        return Timing(seconds=between(self.seconds, self.most))

    def due(self, started: float, looks: int, now: float) -> float | None:
        """The moment it is over, if that is not later than `now`."""
        if self.looks is not None:
            return now if looks >= self.looks else None
        if self.seconds is None:
            return None
        end = started + self.seconds
        return end if end <= now else None
