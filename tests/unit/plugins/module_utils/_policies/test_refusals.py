# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a policy refuses, as an option or in its plan, each as the whole line that a user reads."""

from __future__ import annotations

import zoneinfo
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies import calendar
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.planner import (
    decide,
    no_slot,
    plan,
    shortfall,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.retention import Point
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.specs import PolicySpec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    SERVICE,
    UNIQUE,
    having,
    ours,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_refusals import Ask, hold

DAYS = [ours(f"{number}a", f"{number}d2h") for number in (4, 3, 2, 1)]
LOCK = Obstacle(("create",), "a lock forbids it.", "Have it removed.")


def read(**options: Any) -> PolicySpec:
    return validate_options(PolicySpec, options)


def kept(**keep: Any) -> PolicySpec:
    return read(keep=keep)


def made(*points: Checkpoint, on: Capabilities = SERVICE, at: dict[str, Any] | None = None, **options: Any) -> object:
    spec, observed = read(**{"prefix": "nightly", "max_age": "1d", **options}), having(*points, **(at or {}))
    return plan(decide(spec, observed, on), spec, observed, on, patience=600.0)


def short(*points: Checkpoint, on: Capabilities = SERVICE, allotted: int | None = None, **options: Any) -> None:
    """What a run has not brought about."""
    observed = having(*points)
    problem = shortfall(decide(read(prefix="nightly", **options), observed, on, allotted=allotted), observed, on)
    if problem is not None:
        raise problem


def slot() -> None:
    raise no_slot(NOW, 90.0)


REFUSED: list[Ask] = [
    read,
    kept,
    lambda: kept(last=0),
    lambda: kept(within="6"),
    lambda: kept(within="6m"),
    lambda: kept(within="1mo6m"),
    lambda: kept(within="soon"),
    lambda: kept(within="2w1y"),
    lambda: kept(within="0d"),
    lambda: read(max_age="1d", timezone="Mars/Olympus"),
    lambda: read(max_age="1d", timezone="/etc/passwd"),
    lambda: read(max_age="1d", timezone="UTC2"),
    lambda: read(max_age="1d", name_template="x"),
    lambda: read(max_age="1d", name_template="{prefix"),
    lambda: read(max_age="1d", name_template="{prefix}-{host}"),
    lambda: read(max_age="1d", name_template="{prefix!r}"),
    lambda: read(max_age="1d", name_template="{prefix:>9}"),
    lambda: read(max_age="1d", name_template="{prefix}{vm:x}"),
    lambda: read(max_age="1d", name_template="{prefix}{utc}"),
    lambda: read(max_age="1d", name_template="{prefix}{utc:now}"),
    lambda: read(max_age="1d", name_template="{prefix}{local:%B}"),
    lambda: read(max_age="1d", name_template="{prefix}{local:%Y%}"),
    lambda: read(max_age="1d", prefix=" x"),
    lambda: read(max_age="1d", pins=[""]),
    lambda: read(max_age="1d", on_violation="warn"),
    lambda: read(keep={"last": 1}, adopt={}),
    lambda: read(keep={"last": 1}, adopt={"name": "a", "name_matches": "b"}),
    lambda: read(keep={"last": 1}, adopt={"name_matches": "("}),
    lambda: made(prefix="n" * 250),
    lambda: made(name_template="{prefix} {utc:%Y} "),
    lambda: made(on=UNIQUE, prefix="much-too-long"),
    lambda: made(on=UNIQUE, prefix="Nightly"),
    lambda: made(at={"next_create": NOW + timedelta(seconds=601)}),
    lambda: made(at={"obstacles": (LOCK,)}),
    lambda: made(at={"refuses": "Deleting"}),
    slot,
    lambda: short(*DAYS, keep={"last": 1}, max_deletes=2),
    lambda: short(*DAYS, keep={"last": 3}, max_deletes=0),
    lambda: short(*DAYS, keep={"last": 1}, max_deletes_total=2, allotted=0),
    lambda: short(*DAYS, on=replace(SERVICE, max_points=4), max_age="1d"),
]


def test_what_is_refused() -> None:
    hold(Path(__file__).parent / "golden" / "refusals.txt", REFUSED)


@pytest.mark.parametrize("why", [zoneinfo.ZoneInfoNotFoundError("x"), ValueError("x"), OSError("x")])
def test_without_a_database_there_are_no_time_zones(why: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_name: str) -> None:
        raise why

    monkeypatch.setattr(zoneinfo, "ZoneInfo", missing)
    monkeypatch.setattr(zoneinfo, "available_timezones", set)
    with pytest.raises(
        ValueError, match=r"^the Python that runs the module has no database of time zones, so that it "
    ) as raised:
        calendar.zone("Europe/Berlin")
    assert str(raised.value).endswith("knows UTC alone; install the system's tzdata, or the Python package tzdata")
    assert calendar.zone("UTC") is UTC


@pytest.mark.parametrize(
    ("options", "option"),
    [
        ({"keep": {"last": -1}}, "keep.last"),
        ({"keep": {"yearly": 10_001}}, "keep.yearly"),
        ({"keep": {"fortnightly": 2}}, "keep.fortnightly"),
        ({"keep": {"within": 3}}, "keep.within"),
        ({"max_age": "1d", "min_good": 0}, "min_good"),
        ({"max_age": "1d", "min_good": 10_001}, "min_good"),
        ({"max_age": "1d", "keep_failed": -1}, "keep_failed"),
        ({"max_age": "1d", "max_deletes": -1}, "max_deletes"),
        ({"max_age": "1d", "max_deletes_total": -1}, "max_deletes_total"),
        ({"max_age": "1d", "timezone": 3}, "timezone"),
        ({"max_age": "1d", "name_template": 3}, "name_template"),
        ({"max_age": "1d", "adopt": {"name_matches": 3}}, "adopt.name_matches"),
        ({"max_age": "1d", "thresholds": {"near_limit": 0}}, "thresholds.near_limit"),
        ({"max_age": "1d", "thresholds": {"near_limit": 101}}, "thresholds.near_limit"),
        ({"max_age": "1d", "thresholds": {"points": 0}}, "thresholds.points"),
        ({"max_age": "1d", "thresholds": {"failed_points": -1}}, "thresholds.failed_points"),
    ],
)
def test_what_is_out_of_bounds_is_named(options: dict[str, Any], option: str) -> None:
    with pytest.raises(InvalidInput, match=f"^{option}: "):
        read(**options)


def test_what_is_just_within_bounds() -> None:
    assert kept(last=10_000, yearly=0).keep is not None
    least = read(max_age="1d", min_good=1, keep_failed=0, max_deletes=0, max_deletes_total=0)
    assert (least.min_good, least.keep_failed, least.max_deletes, least.max_deletes_total) == (1, 0, 0, 0)
    for near_limit in (1, 100):
        shown = read(max_age="1d", thresholds={"near_limit": near_limit, "points": 1, "failed_points": 0}).thresholds
        assert (shown.near_limit, shown.points, shown.failed_points) == (near_limit, 1, 0)
    made(at={"next_create": NOW + timedelta(seconds=600)})


def test_defaults() -> None:
    spec = read(max_age="1d")
    assert (spec.prefix, spec.name_template.text, spec.keep) == ("policy", "{prefix}-{utc:%Y%m%dT%H%M%SZ}", None)
    assert (spec.min_good, spec.keep_failed, spec.max_deletes, spec.max_deletes_total) == (1, 1, 5, None)
    assert (spec.timezone, spec.pins, spec.include_unmanaged, spec.adopt) == (UTC, [], False, None)
    assert (spec.select, spec.on_violation) == (None, "report")
    assert (spec.thresholds.near_limit, spec.thresholds.points) == (90, None)
    assert (spec.thresholds.failed_points, spec.thresholds.stale_after) == (None, None)
    assert (spec.policy.counts, spec.policy.within, spec.policy.removes) == ({}, {}, False)


@pytest.mark.parametrize(
    ("pinned", "until", "held"),
    [
        (True, None, True),
        (True, NOW + timedelta(seconds=1), True),
        (True, NOW, False),
        (True, NOW - timedelta(seconds=1), False),
        (False, NOW + timedelta(seconds=1), False),
        (False, None, False),
    ],
)
def test_a_pin_holds_until_its_end(pinned: bool, until: datetime | None, held: bool) -> None:
    assert Point("a", NOW, pinned=pinned, pin_until=until).is_held(NOW) is held
