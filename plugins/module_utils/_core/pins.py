# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pins: what is pinned goes only by its id, and only where the task says so. Pure.

A pin may end by itself. An end that a task gives as a duration counts from the checkpoint's creation, so that every run
of the task means the same moment.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta

from .times import format_duration, format_time, show_time


@dataclass(frozen=True)
class Pin:
    """A pin as a service holds it: for good, or `until` a time (to the second)."""

    until: datetime | None = None

    def holds(self, now: datetime) -> bool:
        """Whether it has not ended."""
        return self.until is None or now < self.until

    def ending(self) -> str:
        """What a mark or tag says of its end; empty for one without."""
        return "" if self.until is None else f" until={format_time(self.until)}"

    def shown(self) -> str:
        """How diffs, reasons and errors name it."""
        return "pinned" if self.until is None else f"pinned until {show_time(self.until)}"


@dataclass(frozen=True)
class PinRequest:
    """The pin that a task asks for. `until` is a moment, or a duration from the checkpoint's creation."""

    until: datetime | timedelta | None = None

    def for_creation(self, created: datetime) -> Pin:
        """The pin of a checkpoint that was created then."""
        end = created + self.until if isinstance(self.until, timedelta) else self.until
        return Pin(None if end is None else end.replace(microsecond=0))

    def to_result(self) -> dict[str, t.Any]:
        """What plans show of it, and what an approval covers: what the user gave, whenever the plan is carried out."""
        if self.until is None:
            return {"pin": True}
        until = format_duration(self.until) if isinstance(self.until, timedelta) else format_time(self.until)
        return {"pin": True, "pin_until": until}
