# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations and times: what users write, what services send, what results show."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from .formatting import one_line

_UNITS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
_PART = re.compile(r"(\d{1,9})(ms|[wdhms])", re.A)
_DURATION = re.compile(r"(?:\d{1,9}w)?(?:\d{1,9}d)?(?:\d{1,9}h)?(?:\d{1,9}m)?(?:\d{1,9}s)?(?:\d{1,9}ms)?", re.A)
_RFC3339 = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(\.\d+)?([Zz]|[+-]\d{2}:\d{2})?", re.A)


def parse_duration(text: str) -> timedelta:
    """`90s`, `4h`, `1d12h`, `500ms`: units w d h m s ms, in that order, each at most once. ValueError otherwise."""
    if text.isascii() and text.isdigit():
        raise ValueError(f"{text!r} has no unit; write {text}s, {text}m or {text}h")
    if not text or not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is not a duration; write it like 90s, 4h or 1d12h")
    total = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if total > 3_155_760_000_000:
        raise ValueError(f"{text!r} is longer than a hundred years")
    return timedelta(milliseconds=total)


def format_duration(value: timedelta) -> str:
    """The shortest way to write `value` so that parse_duration reads it back, to the millisecond."""
    rest = round(value.total_seconds() * 1000)
    parts = []
    for unit, size in _UNITS.items():
        if unit != "w" and rest >= size:
            parts.append(f"{rest // size}{unit}")
            rest %= size
    return "".join(parts) or "0s"


def show_seconds(seconds: float) -> str:
    """Seconds as users write durations: `1h30m`, `45s`; only what is shorter than a second to the millisecond."""
    return format_duration(timedelta(seconds=round(seconds) if seconds >= 1 else max(seconds, 0.0)))


def parse_time(text: str) -> datetime:
    """An RFC 3339 time with an offset, as UTC; ValueError otherwise. Without an offset a time is ambiguous."""
    found = _RFC3339.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a time; write it like 2026-11-20T08:00:00Z or 2026-11-20T09:00:00+01:00")
    if not found[4]:
        raise ValueError(f"{text!r} has no offset; append Z for UTC or an offset such as +01:00")
    return _moment(found)


def read_time(value: object) -> datetime | None:
    """A time as the services write it, as UTC; None for null and for what is_never(). ValueError otherwise.

    SPF answers local time with an offset and 0 to 7 fraction digits (seen in every capture). Without an offset it is
    UTC, for that is what EDM says of a DateTime without a kind.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError("is not a time")
    if not value.strip():
        return None
    found = _RFC3339.fullmatch(value.strip())
    if not found:
        raise ValueError(f"{one_line(value, 60)!r} is not a time")
    return None if is_never(found.group()) else _moment(found)


def is_never(text: str) -> bool:
    """Whether a time that begins so stands for "never" or "unknown": no checkpoint is older than what makes them.

    The beginnings of .NET (0001), FILETIME (1601), SQL (1753), OLE (1899 and 1900) and Unix (1970), and .NET's end.
    The ends would also overflow where they are compared.
    """
    return not re.match("[2-8]", text)


def _moment(found: re.Match[str]) -> datetime:
    """A matched RFC 3339 time in UTC; fractions beyond microseconds are cut off, as SQL's datetime does."""
    offset = (found[4] or "Z").upper()
    try:
        return datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or ''}{offset}").astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{found[0]!r} is out of range") from None


def parse_http_date(text: str | None) -> datetime | None:
    """The Date header as UTC, or None if it cannot be read or lies at the ends of the calendar.

    Times are calculated from it (days before, minutes after), which would overflow there.
    """
    try:
        moment = parsedate_to_datetime(str(text))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return moment if 1970 <= moment.year < 9000 else None


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC to the second, as results show it."""
    # strftime would write the year 1, which .NET uses for "never", without its zeros.
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def show_time(moment: datetime | None) -> str:
    """A time as diffs and errors show it."""
    return "time unknown" if moment is None else format_time(moment).replace("T", " ")[:16] + "Z"
