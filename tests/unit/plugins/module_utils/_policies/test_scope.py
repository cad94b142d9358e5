# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which checkpoints a policy governs: its own series by the mark, and what it is told to take over."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import Ownership, name_hash
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.retention import Point
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.scope import (
    governed,
    moment,
    outside,
    points_of,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.specs import PolicySpec
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    NOW,
    ago,
    having,
    mark,
    ours,
    point,
)

MADE = "policy-20261120T110000Z"


def spec(**options: Any) -> PolicySpec:
    return validate_options(PolicySpec, {"keep": {"last": 1}, **options})


def on_azure(name: str, series: str | None, **fields: Any) -> Checkpoint:
    owned = Ownership(True, "0123456789ab", at=ago("1h"))
    return point("a", name=name, series=series, any_case=True, **{"owned": owned, **fields})


@pytest.mark.parametrize(
    ("checkpoint", "why"),
    [
        (ours("a", name=MADE), None),
        (ours("a", name="policy"), None),
        (ours("a", name="policy-before"), "other_series"),
        (ours("a", name="nightly-20261120T110000Z"), "other_series"),
        (ours("a", name=f"{MADE}x"), "other_series"),
        (ours("a", name="POLICY-20261120T110000Z"), "other_series"),
        (point("a", name=MADE), "not_managed"),
        (point("a", name="other"), "not_managed"),
        (ours("a", name=MADE, mark=mark("a", safety=True)), "other_series"),
        (ours("a", name=MADE[:12], mark=mark("a", "1h", name=name_hash(MADE))), None),  # the service has cut it
        (ours("a", name=MADE[:12], mark=mark("a", "2h", name=name_hash(MADE))), "other_series"),
        (ours("a", name="kept for the audit", mark=mark("a", "1h", name=name_hash(MADE))), "other_series"),
        (on_azure(f"{MADE}-0123456789ab", "policy"), None),
        (on_azure(f"{MADE}-0123456789ab".upper(), "POLICY"), None),
        (on_azure("other-20261120T110000Z-0123456789ab", "other"), "other_series"),
        (on_azure("by-hand", None), "other_series"),
        (on_azure(MADE.upper(), None), None),
        (on_azure("POLICY", None), None),
        (on_azure("policy-2026", None), "other_series"),
        (on_azure(f"{MADE}-0123456789ab", "policy", of_another=True), "other_vm"),
        (on_azure(f"{MADE}-0123456789ab", "policy", owned=Ownership(False)), "not_managed"),
    ],
)
def test_the_series(checkpoint: Checkpoint, why: str | None) -> None:
    assert outside(spec(), having(checkpoint), checkpoint) == why


def test_a_template_of_ones_own_on_azure() -> None:
    given = spec(name_template="{prefix}_{local:%d%m%Y}", timezone="Europe/Berlin")
    made = on_azure("policy_20112026-20261120T110000Z-0123456789ab", "policy_20112026")
    assert outside(given, having(made), made) is None
    other = on_azure("policy_today-20261120T110000Z-0123456789ab", "policy_today")
    assert outside(given, having(other), other) == "other_series"


@pytest.mark.parametrize(
    ("name", "why"), [(MADE, None), ("policy", None), ("other", "other_series")]
)  # fmt: skip
def test_without_a_mark_only_the_series_names_are_included(name: str, why: str | None) -> None:
    checkpoint = point("a", name=name)
    assert outside(spec(include_unmanaged=True), having(checkpoint), checkpoint) == why


@pytest.mark.parametrize(("name", "series"), [("POLICY_20112026-20261120T110000Z-0123456789AB", "POLICY_20112026")])
def test_on_azure_no_series_is_told_by_its_case(name: str, series: str) -> None:
    given = spec(name_template="{prefix}_{local:%d%m%Y}")
    made = on_azure(name, series)
    assert outside(given, having(made), made) is None
    elsewhere = replace(made, any_case=False)
    assert outside(given, having(elsewhere), elsewhere) == "other_series"


def test_the_governed_ones_are_those_that_nothing_puts_outside() -> None:
    own, other = ours("a", name=MADE), ours("b", name="other")
    assert governed(spec(), having(other, own, point("c"))) == [own]


def test_adopted_ones_are_governed_whoever_made_them() -> None:
    given = spec(adopt={"name_matches": r"backup-\d+|safety .*"})
    for checkpoint in (
        point("a", name="backup-1"),
        ours("b", name="backup-2"),
        ours("c", name="safety before restore to x", mark=mark("c", safety=True)),
    ):
        assert outside(given, having(checkpoint), checkpoint) is None
    other = point("d", name="my backup-1")
    assert outside(given, having(other), other) == "not_managed"


def test_a_mark_that_was_tampered_with_is_none() -> None:
    """Whatever reads descriptions has found no mark in it then."""
    checkpoint = point("a", name=MADE, description="[hybridvm.checkpoints 1 nonce=9f2c41d07ab3 at=2026-11-20T11:30]")
    assert outside(spec(), having(checkpoint), checkpoint) == "not_managed"


def test_pins_name_ids_host_ids_and_names() -> None:
    found = points_of(
        spec(pins=["A1", "host-b1", "golden"]),
        having(ours("a1"), ours("b1"), ours("c1", name="golden"), ours("d1")),
    )
    assert [each.named for each in found] == [True, True, True, False]


def test_what_retention_gets() -> None:
    pinned = ours("a1", "2h", name=MADE, mark=mark("a1", "2h", pin=True))
    failed = ours("b1", "3h", name=MADE, usability="unusable")
    locked_out = ours("c1", "4h", name=MADE)
    found = points_of(spec(), having(pinned, failed, locked_out), {locked_out.ownership.nonce})
    assert [(each.id, each.at, each.usability, each.pinned) for each in found] == [
        ("a1", ago("2h"), "usable", True),
        ("b1", ago("3h"), "unusable", False),
        ("c1", ago("4h"), "unknown", False),
    ]


SOON = NOW + timedelta(hours=1)


def test_a_point_in_whole() -> None:
    pinned = ours("a1", "2h", name=MADE, mark=mark("a1", "2h", pin=True, until=SOON))
    other = point("b1", "1h", name="golden")
    found = points_of(spec(select={"older_than": "90m"}, pins=["golden"]), having(pinned, other))
    assert found == [
        Point(
            "a1",
            ago("2h"),
            "usable",
            outside=None,
            selected=True,
            pinned=True,
            pin_until=SOON,
            named=False,
        ),
        Point(
            "b1",
            ago("1h"),
            "usable",
            outside="not_managed",
            selected=False,
            pinned=False,
            pin_until=None,
            named=True,
        ),
    ]


@pytest.mark.parametrize(
    ("until", "told"), [(None, None), (NOW, None), (NOW + timedelta(seconds=1), NOW + timedelta(seconds=1))]
)
def test_a_pin_that_only_our_clock_still_holds_has_no_end_to_be_told(
    until: datetime | None, told: datetime | None
) -> None:
    (found,) = points_of(spec(), having(ours("a1", mark=mark("a1", pin=True, until=until)), ahead=60.0))
    assert (found.pinned, found.pin_until) == (True, told)


def test_what_a_locked_out_create_has_left_is_in_doubt_unless_it_has_failed() -> None:
    left = [ours(f"{number}c", usability=usability) for number, usability in enumerate(("usable", "unusable"), 1)]
    found = points_of(spec(), having(*left), {each.ownership.nonce for each in left})
    assert [each.usability for each in found] == ["unknown", "unusable"]


def test_a_time_in_a_far_future_is_told_as_the_service_has_it() -> None:
    """So many seconds are no longer exact to the microsecond."""
    far = datetime(8998, 12, 31, 23, 59, 59, 123457, tzinfo=NOW.tzinfo)
    alone = replace(point("a1"), created=far)
    assert moment(having(alone), alone) == far
    stamped = replace(ours("b1", mark=replace(mark("b1"), created=far)), created=far + timedelta(days=1))
    assert moment(having(stamped), stamped) == far


def test_times_come_from_one_clock() -> None:
    """The service's checkpoints' clock is an hour ahead of its Date header, which the mark holds: the mark counts."""
    skewed = ours("a1", "2h", created=ago("1h"))
    assert moment(having(skewed), skewed) == ago("2h")
    near = ours("b1", "2h", created=ago("2h") + timedelta(seconds=30, microseconds=123456))
    assert moment(having(near), near) == near.created
    assert moment(having(), point("c1", None)) is None


def test_a_time_without_a_mark_is_the_oldest_that_any_clock_gives() -> None:
    alone = point("a1", "1h")
    assert moment(having(alone, ahead=-7200.0), alone) == ago("1h") - timedelta(hours=2)


def test_fractions_stay_whole() -> None:
    """Age in seconds is a float: a moment at midnight must not become one of the day before."""
    midnight = datetime(2026, 11, 20, tzinfo=NOW.tzinfo)
    made = replace(point("a1"), created=midnight)
    assert moment(replace(having(made), now=NOW + timedelta(microseconds=333333)), made) == midnight
