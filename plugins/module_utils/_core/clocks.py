# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How old something is where several clocks can be asked: times that are compared come from one clock. Pure.

A service's Date header, the clock that its checkpoints' times come from, and ours need not agree. What this collection
makes bears a time by the Date header (in its mark or name), so that its age can be counted by that clock alone. Anyone
may edit a mark, and every clock may be set. So there are two ages: one for what has to be fresh, and one for what is
removed because it is old.
"""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from .times import show_seconds

TOLERANCE = 60.0
"""Seconds by which two clocks may differ before it is noticed."""
FUTURE = timedelta(minutes=5)
"""How far something may be ahead of the clock that its age is counted by: of what is further ahead nobody knows it."""


class Reading(t.NamedTuple):
    """What the clocks say of one thing, and now.

    `created` is the service's own time of its creation and `stamped` what the Date header said then, as its mark or
    name tells. `now` is the Date header, which is so many seconds `ahead` of our clock. `shown` is the latest time
    that the clock of `created` has shown of anything: it was at least that late when this was read.
    """

    created: datetime
    stamped: datetime | None
    now: datetime
    ahead: float
    shown: datetime | None = None

    @property
    def by_dates(self) -> float:
        """Seconds from its creation to the Date header."""
        return (self.now - self.created).total_seconds()

    @property
    def by_us(self) -> float:
        """The same to our clock."""
        return (self.now - timedelta(seconds=self.ahead) - self.created).total_seconds()

    @property
    def by_stamp(self) -> float | None:
        """The same by the Date header alone, if the stamp is true."""
        return None if self.stamped is None else (self.now - self.stamped).total_seconds()


def age(found: Reading) -> float:
    """Seconds since something was made, for what has to be fresh; negative for what is from the future.

    Where the clocks disagree, the two readings of the Date header count, unless the service's own times contradict the
    stamp; without them the oldest age, by which a new checkpoint is made rather than none.
    """
    readings = [found.by_dates] + ([] if found.by_stamp is None else [found.by_stamp])
    if found.stamped != found.created and abs(found.ahead) > TOLERANCE:
        readings.append(found.by_us)
    if max(readings) - min(readings) <= TOLERANCE:
        return readings[0]
    if found.by_stamp is not None and found.by_stamp >= -TOLERANCE and not contradicts_stamp(found):
        return found.by_stamp
    return max(readings)


def contradicts_stamp(found: Reading) -> bool:
    """Whether the stamp is later than the service's own times allow: one that somebody has edited, or of a wrong clock.

    The clock of `created` has gone on since. How far, it has shown, and a true stamp is no younger than that. A time
    that is ahead of the other clocks does not count: that clock was wrong when it showed it.
    """
    if found.shown is None or found.by_stamp is None:
        return False
    now = found.now - timedelta(seconds=min(0.0, found.ahead))
    is_believable = (found.shown - now).total_seconds() <= TOLERANCE
    return is_believable and (found.shown - found.created).total_seconds() - found.by_stamp > TOLERANCE


def age_at_least(found: Reading) -> float:
    """The same for what is removed because it is old: by every clock, from the latest creation to the earliest now.

    Where the Date header is ahead of our clock, it is no earlier now than the latest time that has been shown.
    """
    now = found.now
    if found.ahead > TOLERANCE:
        ours = now - timedelta(seconds=found.ahead)
        now = min(now, max(ours, found.shown or ours))
    return (now - _latest(found)).total_seconds()


def latest_creation(found: Reading) -> datetime:
    """The latest moment at which it can have been made, by any clock; `created` where they agree."""
    return _latest(found) - timedelta(seconds=found.ahead if found.ahead < -TOLERANCE else 0.0)


def _latest(found: Reading) -> datetime:
    """The later of the two times of its creation, where they do not agree."""
    is_later = found.stamped is not None and found.stamped - found.created > timedelta(seconds=TOLERANCE)
    return t.cast(datetime, found.stamped) if is_later else found.created


def latest_of(times: t.Iterable[datetime | None]) -> datetime | None:
    """The latest of the times that a clock has shown; None where it has shown none."""
    return max((each for each in times if each is not None), default=None)


def difference(seconds: float) -> str:
    """How far one clock is from another, in words; empty where they agree."""
    if seconds > TOLERANCE:
        return f"{show_seconds(seconds)} ahead of"
    return f"{show_seconds(-seconds)} behind" if seconds < -TOLERANCE else ""
