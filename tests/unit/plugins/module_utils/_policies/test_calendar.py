# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Spans in calendar units, and time zones that there may be no database of."""

from __future__ import annotations

import zoneinfo
from datetime import UTC, datetime

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.calendar import (
    BUCKETS,
    Span,
    parse_span,
    zone,
)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("2d", Span(days=2)),
        ("1y6mo", Span(years=1, months=6)),
        ("3w12h", Span(days=21, hours=12)),
        ("1y2mo3w4d5h", Span(1, 2, 25, 5)),
        ("0y1mo", Span(months=1)),
    ],
)
def test_a_span(text: str, span: Span) -> None:
    assert parse_span(text) == span
    assert parse_span(str(span)) == span


def test_a_span_is_shown_without_what_is_nothing() -> None:
    assert [str(parse_span(text)) for text in ("1mo", "1w1h", "0y2d", "1y1mo1d1h")] == [
        "1mo",
        "7d1h",
        "2d",
        "1y1mo1d1h",
    ]


@pytest.mark.parametrize("text", ["6m", "1y6m", "6m2d", "1d30m"])
def test_a_bare_m_is_refused_with_both_readings(text: str) -> None:
    with pytest.raises(ValueError, match=r"restic's m is a month, and m is a minute"):
        parse_span(text)


@pytest.mark.parametrize("text", ["", "٣", "d", "1d1y", "1d1d", "-1d", "1.5d", "1 d", "٣d", "1s", "12345y", "1D"])
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ValueError, match="is no span of time"):
        parse_span(text)


def test_a_number_alone_is_refused_with_its_units() -> None:
    with pytest.raises(ValueError, match="has no unit; write 7d, 7w or 7mo"):
        parse_span("7")


@pytest.mark.parametrize("text", ["0d", "0y0h"])
def test_no_time_at_all(text: str) -> None:
    with pytest.raises(ValueError, match="no time at all"):
        parse_span(text)


@pytest.mark.parametrize(
    ("span", "moment", "name", "before"),
    [
        ("1mo", "2026-03-31T12:00:00+00:00", "UTC", "2026-03-03T12:00:00+00:00"),
        ("1mo", "2026-01-15T12:00:00+00:00", "UTC", "2025-12-15T12:00:00+00:00"),
        ("1y", "2028-02-29T12:00:00+00:00", "UTC", "2027-03-01T12:00:00+00:00"),
        ("4y", "2028-02-29T12:00:00+00:00", "UTC", "2024-02-29T12:00:00+00:00"),
        ("1d", "2026-03-29T12:00:00+00:00", "Europe/Berlin", "2026-03-28T13:00:00+00:00"),
        ("24h", "2026-03-29T12:00:00+00:00", "Europe/Berlin", "2026-03-28T12:00:00+00:00"),
        ("1d", "2026-10-25T12:00:00+00:00", "Europe/Berlin", "2026-10-24T11:00:00+00:00"),
        ("9999y", "2026-10-25T12:00:00+00:00", "UTC", "0001-01-01T00:00:00+00:00"),
        ("2025y9999d", "2026-10-25T12:00:00+00:00", "UTC", "0001-01-01T00:00:00+00:00"),
    ],
)
def test_so_long_before(span: str, moment: str, name: str, before: str) -> None:
    assert parse_span(span).before(datetime.fromisoformat(moment), zone(name)) == datetime.fromisoformat(before)


def test_a_bucket_is_what_the_calendar_shows() -> None:
    at = datetime(2027, 1, 1, 23, 30, tzinfo=UTC)
    assert {unit: bucket(at) for unit, bucket in BUCKETS.items()} == {
        "hourly": (2027, 1, 1, 23),
        "daily": (2027, 1, 1),
        "weekly": (2026, 53),
        "monthly": (2027, 1),
        "yearly": (2027,),
    }
    assert BUCKETS["yearly"](at.astimezone(zone("Asia/Tokyo"))) == (2027,)


@pytest.mark.parametrize("name", ["Europe/Nowhere", "", "../../etc/passwd", "/etc/passwd", "a\0b", "Europe", "x" * 999])
def test_what_is_no_time_zone(name: str) -> None:
    with pytest.raises(ValueError, match="is no time zone; write it like Europe/Berlin"):
        zone(name)


def test_without_a_database_only_utc_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zoneinfo, "TZPATH", ())
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    zoneinfo.ZoneInfo.clear_cache()
    zoneinfo.reset_tzpath(())
    try:
        assert zone("UTC") is UTC
        with pytest.raises(ValueError, match="has no database of time zones"):
            zone("Europe/Berlin")
    finally:
        zoneinfo.reset_tzpath()
