# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pins: when they end, and what of them plans and approvals hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin, PinRequest
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    ago,
    having,
    mark,
    ours,
    point,
)

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(("until", "holds"), [(None, True), (NOW + SECOND, True), (NOW, False), (NOW - SECOND, False)])
def test_a_pin_ends_at_its_time(until: datetime | None, holds: bool) -> None:
    assert Pin(until).holds(NOW) is holds


@pytest.mark.parametrize(
    ("ahead", "pinned"),
    [(0.0, False), (7200.0, True), (-7200.0, False)],
)
def test_where_clocks_differ_it_has_ended_by_both(ahead: float, pinned: bool) -> None:
    """The service's clock says NOW; ours is `ahead` seconds behind it."""
    until = ours("a1", mark=mark("a1", pin=True, until=ago("1h")))
    assert having(until, ahead=ahead).is_pinned(until) is pinned


def test_a_pin_is_in_the_mark_or_beside_it() -> None:
    kept = point("b2", kept=Pin(NOW))
    assert (point("a1").pin, ours("a1").pin, kept.pin) == (None, None, Pin(NOW))
    assert ours("a1", mark=mark("a1", pin=True)).pin == Pin()
    shown = having(kept).show(kept)
    assert (shown["pinned"], shown["pin_until"]) == (False, "2026-11-20T12:00:00Z")


def test_an_end_by_duration_counts_from_the_creation() -> None:
    created = NOW.replace(microsecond=700000)
    assert PinRequest(timedelta(days=1)).for_creation(created) == Pin(NOW + timedelta(days=1))
    assert PinRequest(created).for_creation(ago("9d")) == Pin(NOW)
    assert PinRequest().for_creation(created) == Pin()


def test_what_is_approved_is_what_the_user_gave() -> None:
    assert PinRequest().to_result() == {"pin": True}
    assert PinRequest(timedelta(days=1)).to_result() == {"pin": True, "pin_until": "1d"}
    assert PinRequest(NOW).to_result() == {"pin": True, "pin_until": "2026-11-20T12:00:00Z"}


def test_a_mark_takes_another_pin_and_keeps_the_rest() -> None:
    before = mark("a1", safety=True, power="on")
    pinned = before.with_pin(Pin(NOW))
    assert pinned == replace(before, pin=True, until=NOW)
    assert pinned.with_pin(None) == before
    assert (Pin().shown(), Pin(NOW).shown()) == ("pinned", "pinned until 2026-11-20 12:00Z")
