# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations and times: what users write, what services answer, what results show."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core import times
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.times import (
    format_duration,
    format_time,
    parse_duration,
    parse_http_date,
    parse_time,
    read_time,
    show_seconds,
    show_time,
)

MOMENT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
moments = st.datetimes(
    min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1), timezones=st.just(UTC), allow_imaginary=False
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90s", timedelta(seconds=90)),
        ("4h", timedelta(hours=4)),
        ("1d12h", timedelta(days=1, hours=12)),
        ("2w", timedelta(weeks=2)),
        ("1m500ms", timedelta(minutes=1, milliseconds=500)),
        ("500ms", timedelta(milliseconds=500)),
        ("0s", timedelta()),
        ("36525d", timedelta(days=36525)),
    ],
)
def test_a_duration_is_read(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90", "has no unit; write 90s, 90m or 90h"),
        ("", "is not a duration"),
        ("4 h", "is not a duration"),
        ("-4h", "is not a duration"),
        ("1.5h", "is not a duration"),
        ("1h1h", "is not a duration"),
        ("30s1h", "is not a duration"),
        ("4H", "is not a duration"),
        ("٣h", "is not a duration"),
        ("٣", "is not a duration"),
        ("four hours", "is not a duration"),
        ("5219w", "longer than a hundred years"),
        ("36525d1ms", "longer than a hundred years"),
    ],
)
def test_what_is_no_duration_is_refused_with_a_hint(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        parse_duration(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (timedelta(hours=4), "4h"),
        (timedelta(days=10, minutes=1), "10d1m"),
        (timedelta(milliseconds=1500), "1s500ms"),
        (timedelta(), "0s"),
    ],
)
def test_a_duration_is_shown_as_it_would_be_written(value: timedelta, text: str) -> None:
    assert format_duration(value) == text


@given(st.integers(min_value=0, max_value=3_155_760_000_000))
def test_every_duration_is_read_back_as_it_was_shown(milliseconds: int) -> None:
    value = timedelta(milliseconds=milliseconds)
    assert parse_duration(format_duration(value)) == value


@pytest.mark.parametrize(
    "text",
    ["2026-11-20T08:00:00Z", "2026-11-20T09:00:00+01:00", "2026-11-20 08:00:00z", " 2026-11-20T08:00:00.0000000Z "],
)
def test_a_time_with_an_offset_is_read_as_utc(text: str) -> None:
    assert parse_time(text) == MOMENT
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T08:00:00", "'2026-11-20T08:00:00' has no offset"),
        ("2026-11-20", "'2026-11-20' is not a time"),
        ("yesterday", "'yesterday' is not a time"),
        ("", "'' is not a time"),
        ("2026-13-20T08:00:00Z", "month must be"),
        ("0001-01-01T00:00:00+14:00", "'0001-01-01T00:00:00+14:00' is out of range"),
    ],
)
def test_what_is_no_time_is_refused(text: str, expected: str) -> None:
    with pytest.raises(ValueError, match=re.escape(expected)):
        parse_time(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20T10:00:00+02:00", MOMENT),
        ("2026-11-20T08:00:00", MOMENT),
        ("2026-11-20T08:00:00.1234567Z", MOMENT + timedelta(microseconds=123456)),
        ("2026-11-20T08:00:00.5Z", MOMENT + timedelta(milliseconds=500)),
        (None, None),
        ("", None),
        ("  ", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59.9999999", None),
    ],
)
def test_a_service_s_time_is_read_in_each_of_its_spellings(text: str | None, expected: datetime | None) -> None:
    assert read_time(text) == expected


@pytest.mark.parametrize("text", ["soon", "/Date(1795161600000)/", "2026-11-20T25:00:00Z", "2026-11-20T24:61:00Z"])
def test_what_a_service_sends_instead_of_a_time_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a time|hour must be|out of range"):
        read_time(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Fri, 20 Nov 2026 08:00:00 GMT", MOMENT),
        ("Fri, 20 Nov 2026 09:00:00 +0100", MOMENT),
        ("Fri, 20 Nov 2026 08:00:00 -0000", MOMENT),
        ("31 Dec 9999 23:59:59 -2300", None),
        ("Mon, 01 Jan 0100 00:00:00 GMT", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", None),
        ("Wed, 31 Dec 1969 23:59:59 GMT", None),
        ("tomorrow", None),
        ("", None),
        (None, None),
    ],
)
def test_a_date_header_is_read_or_counts_as_missing(text: str | None, expected: datetime | None) -> None:
    assert parse_http_date(text) == expected


@given(moments)
def test_a_time_is_shown_in_utc_to_the_second_and_read_back(moment: datetime) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert format_time(elsewhere) == format_time(moment)
    assert parse_time(format_time(moment)) == moment.replace(microsecond=0)


def test_the_year_one_is_written_with_its_zeros() -> None:
    """It stands for "never" on .NET, and a mark that names it must be found again."""
    never = datetime(1, 1, 1, tzinfo=UTC)
    assert format_time(never) == "0001-01-01T00:00:00Z"
    assert show_time(never) == "0001-01-01 00:00Z"


@pytest.mark.parametrize("value", [0, 1.5, True, [], {}])
def test_a_time_is_text_or_null(value: object) -> None:
    with pytest.raises(ValueError, match="is not a time"):
        read_time(value)
    assert read_time(None) is None
    assert read_time("2026-11-20T08:00:00Z") == MOMENT


def test_of_a_long_text_that_is_no_time_the_beginning_is_shown() -> None:
    for text, shown in (("x" * 60, "x" * 60), ("x" * 61, f"{'x' * 59}…")):
        with pytest.raises(ValueError, match=rf"\A'{shown}' is not a time\Z"):
            read_time(text)


@pytest.mark.parametrize("problem", [TypeError("x"), ValueError("x"), OverflowError("x")])
def test_a_date_header_that_python_stumbles_over_counts_as_missing(
    problem: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(_text: str) -> datetime:
        raise problem

    monkeypatch.setattr(times, "parsedate_to_datetime", stumble)
    assert parse_http_date("Fri, 20 Nov 2026 08:00:00 GMT") is None


def test_diffs_show_minutes_or_say_that_nobody_knows() -> None:
    assert show_time(MOMENT) == "2026-11-20 08:00Z"
    assert show_time(MOMENT.astimezone(timezone(timedelta(hours=-8)))) == "2026-11-20 08:00Z"
    assert show_time(None) == "time unknown"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0s"),
        (-1.0, "0s"),
        (0.0625, "62ms"),
        (0.5, "500ms"),
        (1.4, "1s"),
        (59.6, "1m"),
        (90, "1m30s"),
        (5400, "1h30m"),
        (86_400.2, "1d"),
        (93_784, "1d2h3m4s"),
    ],
)
def test_seconds_are_shown_as_users_write_durations(seconds: float, shown: str) -> None:
    assert show_seconds(seconds) == shown


@pytest.mark.parametrize(("year", "counts"), [("1999", False), ("2000", True), ("8999", True), ("9000", False)])
def test_the_ends_of_a_calendar_stand_for_never(year: str, counts: bool) -> None:
    assert (read_time(f"{year}-06-01T00:00:00Z") is not None) is counts
    assert (read_time(f"{year}-01-01T00:00:00") is not None) is counts


@pytest.mark.parametrize("year", [1970, 8999])
def test_a_date_header_may_be_of_any_year_between(year: int) -> None:
    found = parse_http_date(f"01 Jan {year} 00:00:00 GMT")
    assert found == datetime(year, 1, 1, tzinfo=UTC)
    assert parse_http_date(f"01 Jan {1969 if year == 1970 else 9000} 00:00:00 GMT") is None


def test_a_date_without_an_offset_is_utc_wherever_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert parse_http_date("Fri, 20 Nov 2026 08:00:00 -0000") == MOMENT
        assert read_time("2026-11-20T08:00:00") == MOMENT
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.parametrize("digits", range(1, 10))
def test_a_fraction_may_have_any_number_of_digits(digits: int) -> None:
    """What is beyond microseconds is cut off and not rounded."""
    text = "987654999"[:digits]
    assert read_time(f" 2026-11-20T08:00:00.{text}+00:00 ") == MOMENT + timedelta(
        microseconds=int(text[:6].ljust(6, "0"))
    )
    assert parse_time(f"2026-11-20T08:00:00.{text}z") == MOMENT + timedelta(microseconds=int(text[:6].ljust(6, "0")))


@pytest.mark.parametrize(("seconds", "shown"), [(0.9994, "999ms"), (1.0, "1s"), (1.5, "2s"), (0.0004, "0s")])
def test_a_second_is_shown_in_whole_ones(seconds: float, shown: str) -> None:
    assert show_seconds(seconds) == shown
