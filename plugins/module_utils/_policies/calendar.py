# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calendar spans (`1y6mo`), and the hour, day, week, month and year that a moment lies in. Pure.

restic's rules (internal/restic/snapshot_policy.go and duration.go of 0.14), with which tests compare them: a bucket is
what the wall clock of the time zone shows, weeks are ISO's, and the month before 31 March begins on 3 March.
"""

from __future__ import annotations

import re
import typing as t
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

_SPAN = re.compile(
    r"(?:(?P<y>\d{1,4})y)?(?:(?P<mo>\d{1,4})mo)?(?:(?P<w>\d{1,4})w)?(?:(?P<d>\d{1,5})d)?(?:(?P<h>\d{1,6})h)?", re.A
)
_BARE_MINUTES = re.compile(r"\d+m(?!o)")
BUCKETS: t.Mapping[str, t.Callable[[datetime], tuple[int, ...]]] = {
    "hourly": lambda at: (at.year, at.month, at.day, at.hour),
    "daily": lambda at: (at.year, at.month, at.day),
    "weekly": lambda at: tuple(at.isocalendar()[:2]),
    "monthly": lambda at: (at.year, at.month),
    "yearly": lambda at: (at.year,),
}
"""What two local times of the same bucket have in common, by the name that the options give it."""


@dataclass(frozen=True)
class Span:
    """A length of time in calendar units: how long a month is depends on where it is counted from."""

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0

    def before(self, moment: datetime, zone: tzinfo) -> datetime:
        """The moment so long before, in UTC: years, months and days by the zone's wall clock, hours as they pass."""
        local = moment.astimezone(zone)
        month = local.year * 12 + local.month - 1 - self.years * 12 - self.months
        try:
            # A day that the month lacks is counted on into the next one.
            first = datetime(month // 12, month % 12 + 1, 1, local.hour, local.minute, local.second, local.microsecond)
            wall = (first + timedelta(days=local.day - 1 - self.days)).replace(tzinfo=zone)
            return wall.astimezone(UTC) - timedelta(hours=self.hours)
        except (OverflowError, ValueError):  # before the year 1
            return datetime.min.replace(tzinfo=UTC)

    def __str__(self) -> str:
        parts = ((self.years, "y"), (self.months, "mo"), (self.days, "d"), (self.hours, "h"))
        return "".join(f"{number}{unit}" for number, unit in parts if number)


def parse_span(text: str) -> Span:
    """`2d`, `1y6mo`, `3w12h`: units y mo w d h, in that order, each at most once. ValueError otherwise."""
    if text.isascii() and text.isdigit():
        raise ValueError(f"{text!r} has no unit; write {text}d, {text}w or {text}mo")
    if _BARE_MINUTES.search(text):
        raise ValueError(
            f"{text!r} can be read in two ways: restic's m is a month, and m is a minute in this collection's "
            "durations. Write mo for months; spans have no minutes, so write h for hours"
        )
    found = _SPAN.fullmatch(text)
    if not text or not found:
        raise ValueError(f"{text!r} is no span of time; write it like 2d, 1y6mo or 3w12h")
    years, months, weeks, days, hours = (int(found[unit] or 0) for unit in ("y", "mo", "w", "d", "h"))
    span = Span(years, months, weeks * 7 + days, hours)
    if span == Span():
        raise ValueError(f"{text!r} is no time at all")
    return span


def zone(name: str) -> tzinfo:
    """The time zone of that name in the IANA database; ValueError where it has none, or where there is no database."""
    if name == "UTC":
        return UTC
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        known = zoneinfo.available_timezones()
    if known:
        raise ValueError(f"{name!r} is no time zone; write it like Europe/Berlin")
    raise ValueError(
        "the Python that runs the module has no database of time zones, so that it knows UTC alone; install the "
        "system's tzdata, or the Python package tzdata"
    )
