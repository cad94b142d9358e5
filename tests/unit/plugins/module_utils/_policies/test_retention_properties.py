# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every policy and every history: ten years of points, of every kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.calendar import Span, zone
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.retention import (
    COUNTED,
    WITHIN,
    Point,
    Policy,
    newest_first,
    retain,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._policies.histories import (
    NOW,
    ids,
    kept,
    points_at,
)

SINCE = NOW - timedelta(days=3653)
ZONES = ("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia")

moments = st.datetimes(SINCE.replace(tzinfo=None), (NOW + timedelta(minutes=20)).replace(tzinfo=None)).map(
    lambda at: at.replace(tzinfo=UTC)
)
spans = st.builds(
    Span, st.integers(0, 3), st.integers(0, 30), st.integers(0, 400), st.integers(0, 100)
).filter(lambda span: span != Span())  # fmt: skip
policies = st.builds(
    Policy,
    st.dictionaries(st.sampled_from(COUNTED), st.integers(0, 12), max_size=4),
    st.dictionaries(st.sampled_from(WITHIN), spans, max_size=3),
    st.integers(1, 4),
    st.integers(0, 3),
    st.sampled_from(ZONES).map(zone),
)
removing = policies.filter(lambda policy: policy.removes)


@st.composite
def histories(draw: st.DrawFn) -> list[Point]:
    """Bursts of points and single ones over ten years; most of them ours, usable and dated."""
    times = draw(st.lists(moments, max_size=12))
    for start in draw(st.lists(moments, max_size=2)):
        step = timedelta(hours=draw(st.sampled_from([1, 6, 24, 168])))
        times += [start + step * number for number in range(draw(st.integers(1, 30)))]
    return [
        Point(
            f"{number}",
            draw(st.sampled_from([at, at, at, at, at, None])),
            draw(st.sampled_from(["usable", "usable", "usable", "usable", "unusable", "arriving", "unknown"])),
            draw(st.sampled_from([None, None, None, None, "other_vm", "not_managed", "other_series"])),
            pinned=draw(st.sampled_from([False, False, False, True])),
            pin_until=draw(st.sampled_from([None, NOW - timedelta(days=1), NOW + timedelta(days=1)])),
            named=draw(st.sampled_from([False, False, False, False, True])),
        )
        for number, at in enumerate(times)
    ]


@given(histories(), policies)
def test_every_point_has_one_verdict_with_a_reason(points: list[Point], policy: Policy) -> None:
    found = retain(points, policy, NOW)
    assert [verdict.point for verdict in found] == points
    for verdict in found:
        assert verdict.reason
        assert verdict.keep is (verdict.rule not in ("failed", "not_kept"))


@given(histories(), policies)
def test_twice_changes_nothing(points: list[Point], policy: Policy) -> None:
    stays = kept(points, policy)
    assert kept([point for point in points if point.id in stays], policy) == stays


@given(histories(), removing, st.data())
def test_keeping_is_monotone_in_the_policy(points: list[Point], policy: Policy, data: st.DataObject) -> None:
    """A policy that asks for more of anything keeps all that the other one keeps."""
    counts, within = dict(policy.counts), dict(policy.within)
    for rule in data.draw(st.sets(st.sampled_from(COUNTED))):
        counts[rule] = counts.get(rule, 0) + data.draw(st.integers(0, 5))
    for rule in data.draw(st.sets(st.sampled_from(WITHIN))):
        within.setdefault(rule, data.draw(spans))
    more = replace(
        policy,
        counts=counts,
        within=within,
        min_good=policy.min_good + data.draw(st.integers(0, 2)),
        keep_failed=policy.keep_failed + data.draw(st.integers(0, 2)),
    )
    assert set(kept(points, policy)) <= set(kept(points, more))


@given(histories(), st.sampled_from(WITHIN), spans, st.integers(0, 900))
def test_a_longer_span_contains_a_shorter_one(points: list[Point], rule: str, span: Span, hours: int) -> None:
    shorter, longer = (Policy({}, {rule: each}) for each in (span, replace(span, hours=span.hours + hours)))
    assert set(kept(points, shorter)) <= set(kept(points, longer))


@given(histories(), policies)
def test_never_below_min_good(points: list[Point], policy: Policy) -> None:
    good = newest_first(points, NOW)
    stays = set(kept(points, policy))
    assert {point.id for point in good[: policy.min_good]} <= stays


@given(histories(), policies)
def test_what_is_not_ours_pinned_or_in_doubt_stays(points: list[Point], policy: Policy) -> None:
    goes = set(ids(retain(points, policy, NOW), keep=False))
    for point in points:
        if point.outside or point.named or point.is_held(NOW) or point.at is None:
            assert point.id not in goes
        if point.usability in ("arriving", "unknown") or (point.at and point.at > NOW + timedelta(minutes=5)):
            assert point.id not in goes


@given(histories(), policies, st.data())
def test_a_pin_keeps_its_point_and_nothing_else(points: list[Point], policy: Policy, data: st.DataObject) -> None:
    if not points:
        return
    which = data.draw(st.sampled_from(points))
    pinned = [replace(each, pinned=True, pin_until=None) if each is which else each for each in points]
    assert set(kept(pinned, policy)) == set(kept(points, policy)) | {which.id}


@settings(max_examples=15, deadline=None)
@given(removing, st.sampled_from([24 * 5, 24 * 7, 24 * 30 + 7]))
def test_ten_years_of_runs(policy: Policy, hours: int) -> None:
    """Run by run a point is made and the policy applied: what is left is bounded, and the newest is always there."""
    policy = replace(policy, within={}) if any(policy.counts.values()) else policy
    bound = sum(policy.counts.values()) + policy.min_good
    at, points = SINCE, list[Point]()
    while at < NOW:
        points = [*points, *points_at(at)]
        stays = kept(points, policy, at)
        assert stays[-1] == points[-1].id
        assert policy.within or len(stays) <= bound
        points = [point for point in points if point.id in stays]
        at += timedelta(hours=hours)
