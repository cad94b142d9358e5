# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How old something is where several clocks can be asked: times that are compared come from one clock. Pure.

A service's Date header, the clock that its checkpoints' times come from, and ours need not agree. What this collection
makes bears a time by the Date header (in its mark or name), so that its age can be counted by that clock alone.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from .times import show_seconds

TOLERANCE = 60.0
"""Seconds by which two clocks may differ before it is noticed."""


def age(created: datetime | None, stamped: datetime | None, now: datetime, ahead: float) -> float | None:
    """Seconds since something was `created`; None where nobody knows, negative for what is from the future.

    `now` is the service's time (its Date header), which is so many seconds `ahead` of ours; `stamped` is what that
    header said when the thing was made. Where the clocks disagree, the two readings of one clock count; without such,
    the oldest age, by which a new checkpoint is made rather than none.
    """
    if created is None:
        return None
    readings = [(now - created).total_seconds()]
    if stamped is not None:
        readings.append((now - stamped).total_seconds())
    if stamped != created and abs(ahead) > TOLERANCE:
        readings.append((now - timedelta(seconds=ahead) - created).total_seconds())
    if max(readings) - min(readings) <= TOLERANCE:
        return readings[0]
    if stamped is not None and readings[1] >= -TOLERANCE:
        return readings[1]
    return max(readings)


def difference(seconds: float) -> str:
    """How far one clock is from another, in words; empty where they agree."""
    if seconds > TOLERANCE:
        return f"{show_seconds(seconds)} ahead of"
    return f"{show_seconds(-seconds)} behind" if seconds < -TOLERANCE else ""
