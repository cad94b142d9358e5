# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How old something is where clocks disagree: the older reading for what has to be fresh, the younger for what goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.clocks import (
    FUTURE,
    Reading,
    age,
    age_at_least,
    contradicts_stamp,
    difference,
    latest_creation,
    latest_of,
)

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def _ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def _reading(created: float, stamped: float | None, ahead: float, shown: float | None = None) -> Reading:
    stamp, seen = (None if each is None else _ago(each) for each in (stamped, shown))
    return Reading(_ago(created), stamp, NOW, ahead, seen)


@pytest.mark.parametrize(
    ("created", "stamped", "ahead", "seconds"),
    [
        (100, None, 0, 100),
        (100, 100, 0, 100),
        (100, 100, 3600, 100),  # both of the service's clock: ours is not asked
        (100, 160, 0, 100),  # agree within a minute: the creation time counts
        (100, 161, 0, 161),  # do not agree: the two readings of the Date header count
        (161, 100, 0, 100),
        (100, None, 60, 100),
        (100, None, -61, 161),  # without a stamp the oldest age that any clock gives
        (100, None, 61, 100),
        (100, 130, -61, 130),
        (1000, -60, 0, -60),  # stamped a minute ahead of the Date header: still read
        (1000, -61, 0, 1000),  # further ahead: that stamp says nothing
        (100, -61, -60, 100),  # and our clock is not asked, for it agrees with the service's
        (-3600, None, 0, -3600),
        (-100, -100, -3600, -100),  # both of the service's clock: ours is not asked, whatever they say
    ],
)
def test_an_age(created: float, stamped: float | None, ahead: float, seconds: float) -> None:
    assert age(_reading(created, stamped, ahead)) == seconds


@pytest.mark.parametrize(
    ("created", "stamped", "ahead", "shown", "seconds"),
    [
        (5000, 100, 0, None, 100),  # that clock has shown nothing: it may be behind
        (5000, 100, 0, 4960, 100),  # it has gone on by less than the stamp is old
        (5000, 100, 0, 4840, 100),  # by a minute more
        (5000, 100, 0, 4839, 5000),  # by more than that: the stamp was edited
        (5000, 100, 0, -60, 5000),
        (5000, 100, 0, -61, 100),  # it was ahead when it showed that
        (5000, 100, -4000, -4060, 9000),  # the Date header may be behind as well
        (5000, 100, -4000, -4061, 100),
        (5000, 100, 4000, -61, 100),
        (5000, 5100, 0, -60, 5100),
        (5000, None, 0, 0, 5000),
    ],
)
def test_a_stamp_that_the_services_own_times_contradict_counts_for_nothing(
    created: float, stamped: float | None, ahead: float, shown: float | None, seconds: float
) -> None:
    found = _reading(created, stamped, ahead, shown)
    assert age(found) == seconds
    assert contradicts_stamp(found) is (stamped == 100 and seconds >= 5000)


@pytest.mark.parametrize(
    ("created", "stamped", "ahead", "seconds"),
    [
        (100, None, 0, 100),
        (100, 160, 0, 100),
        (160, 100, 0, 160),  # agree within a minute: the creation time counts
        (161, 100, 0, 100),
        (100, 161, 0, 100),
        (100, None, 60, 100),
        (100, None, 61, 39),  # the Date header may be ahead
        (100, None, -61, 100),  # or our clock
        (100, 100, 61, 39),
        (5000, 300, 61, 239),  # that of the times behind, and the Date header set since
        (1000, 1000, 4000, -3000),  # nobody can tell when the Date header was set
        (-5000, 100, 0, -5000),
        (100, 5000, 0, 100),  # an edited stamp makes nothing old
        (100, -5000, 0, -5000),
    ],
)
def test_what_goes_for_its_age_is_as_young_as_any_clock_says(
    created: float, stamped: float | None, ahead: float, seconds: float
) -> None:
    assert age_at_least(_reading(created, stamped, ahead)) == seconds


@pytest.mark.parametrize(
    ("created", "stamped", "ahead", "latest"),
    [
        (100, None, 0, 100),
        (100, 40, 0, 100),
        (100, 39, 0, 39),
        (100, 500, 0, 100),
        (100, 100, 4000, 100),
        (100, 100, -60, 100),
        (100, 100, -61, 39),
        (5000, 100, -200, -100),
    ],
)
def test_the_latest_moment_of_a_creation(created: float, stamped: float | None, ahead: float, latest: float) -> None:
    assert latest_creation(_reading(created, stamped, ahead)) == _ago(latest)


def test_how_far_ahead_something_may_be() -> None:
    assert timedelta(minutes=5) == FUTURE


def test_the_latest_that_a_clock_has_shown() -> None:
    assert latest_of([_ago(3), None, _ago(2)]) == _ago(2)
    assert latest_of([None]) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, ""), (60, ""), (-60, ""), (61, "1m1s ahead of"), (-61, "1m1s behind"), (3600, "1h ahead of")],
)
def test_a_difference_that_is_noticed(seconds: float, words: str) -> None:
    assert difference(seconds) == words
