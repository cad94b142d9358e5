# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long something takes: seconds, a number of looks at it, or for ever."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Timing:
    """When a job is done: after seconds, after a number of looks at it, or never."""

    seconds: float | None = 0.0
    looks: int | None = None

    @classmethod
    def parse(cls, text: str) -> Timing:
        """`4s`, `3 looks`, `never`, `0s`; ValueError for anything else."""
        if text == "never":
            return cls(seconds=None)
        if found := re.fullmatch(r"(\d+(?:\.\d+)?)\s*s", text):
            return cls(seconds=float(found[1]))
        if found := re.fullmatch(r"(\d+)\s*looks?", text):
            return cls(seconds=None, looks=int(found[1]))
        raise ValueError(f"a duration is written '4s', '3 looks' or 'never', not {text!r}")

    def due(self, started: float, looks: int, now: float) -> float | None:
        """The moment it is over, if that is not later than `now`."""
        if self.looks is not None:
            return now if looks >= self.looks else None
        if self.seconds is None:
            return None
        end = started + self.seconds
        return end if end <= now else None
