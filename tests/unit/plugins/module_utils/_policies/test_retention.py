# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the histories in golden/ cannot say of retention: points without a time, points listed twice, empty spans."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.calendar import Span
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.retention import (
    Point,
    Policy,
    is_ahead,
    newest_first,
    retain,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._policies.histories import NOW

SECOND = timedelta(seconds=1)


def test_only_a_known_time_is_ahead_of_the_clock() -> None:
    times = (None, NOW, NOW + timedelta(minutes=5), NOW + timedelta(minutes=5, microseconds=1))
    assert [is_ahead(at, NOW) for at in times] == [False, False, False, True]


def test_one_that_a_service_lists_twice_is_counted_without_a_fault() -> None:
    twice = [Point("a", NOW - SECOND), Point("a", NOW - SECOND, named=True), Point("b", NOW - SECOND)]
    assert [each.id for each in newest_first(twice, NOW)] == ["b", "a", "a"]


@pytest.mark.parametrize(
    ("min_good", "reason"),
    [
        (1, "it is the newest usable one, and min_good is 1"),
        (2, "it is one of the newest 2 usable ones, and min_good is 2"),
    ],
)
def test_whatever_the_rules_keep_the_newest_usable_ones_stay(min_good: int, reason: str) -> None:
    points = [Point("a", NOW - 3 * SECOND), Point("b", NOW - 2 * SECOND), Point("c", NOW - SECOND)]
    verdicts = retain(points, Policy(within={"within": Span()}, min_good=min_good), NOW)
    assert [verdict.keep for verdict in verdicts] == [position >= 3 - min_good for position in range(3)]
    assert (verdicts[-1].rule, verdicts[-1].reason) == ("min_good", reason)


@pytest.mark.parametrize("rules", [{"counts": {"daily": 7}}, {"within": {"within_daily": Span(days=7)}}])
def test_no_clock_of_today_moves_a_point_to_another_day(rules: dict[str, Any]) -> None:
    """With a clock that is four minutes behind, one of 23:57 is of the next day, which has newer ones."""
    behind = timedelta(minutes=4)
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    hours = {"morning": 9.0, "night": -0.05, "dawn before": -20.0, "oldest": -40.0}
    agreed = [Point(name, midnight + timedelta(hours=each)) for name, each in hours.items()]
    apart = [replace(point, latest=midnight + timedelta(hours=hours[point.id]) + behind) for point in agreed]
    policy = Policy(**{"within": {"within": Span(hours=12)}, **rules})
    for points in (agreed, apart):
        assert [verdict.keep for verdict in retain(points, policy, NOW)] == [True, True, False, True]
