# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which points of a VM stay and which go, and by which rule: one pure function of points, policy and time.

The counted rules are restic's (internal/restic/snapshot_policy.go of 0.14): from the newest to the oldest, the first
point of each bucket stays while counts are left, and so does the oldest of all.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from operator import itemgetter

from .._core.clocks import FUTURE
from .._core.model import Usability
from .._core.times import format_time
from .calendar import BUCKETS, Span

Rule = t.Literal[
    "other_vm",
    "not_managed",
    "other_series",
    "pinned",
    "pins",
    "arriving",
    "usability_unknown",
    "age_unknown",
    "no_keep",
    "keep_failed",
    "failed",
    "last",
    "within",
    "hourly",
    "daily",
    "weekly",
    "monthly",
    "yearly",
    "within_hourly",
    "within_daily",
    "within_weekly",
    "within_monthly",
    "within_yearly",
    "min_good",
    "not_kept",
    "not_selected",
    "locked",
    "max_deletes",
    "max_deletes_total",
]
"""What decides about a point. `failed` and `not_kept` remove it, all others keep it."""

COUNTED = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
WITHIN = ("within", "within_hourly", "within_daily", "within_weekly", "within_monthly", "within_yearly")
_OPEN: t.Mapping[Usability, tuple[Rule, str]] = {
    "arriving": ("arriving", "its data is still on its way"),
    "unknown": ("usability_unknown", "nobody can say whether it is usable"),
}
"""What is said of points of which nobody knows yet whether they can be restored."""


@dataclass(frozen=True)
class Point:
    """What retention has to know of a checkpoint.

    `at` is when it was made by the clock of `now`, None where nobody knows, and `latest` the same by the clock that
    makes it youngest, where clocks disagree: what spans let go is too old by every clock. `outside` says why the policy
    does not govern it: it is of another VM, somebody else's, or of another series. `pinned` until `pin_until`, if that
    is set; `named` says that the option `pins` names it, `selected` that `select` lets it go.
    """

    id: str
    at: datetime | None
    usability: Usability = "usable"
    outside: t.Literal["other_vm", "not_managed", "other_series"] | None = None
    selected: bool = True
    pinned: bool = False
    pin_until: datetime | None = None
    named: bool = False
    latest: datetime | None = None

    @property
    def at_latest(self) -> datetime | None:
        """When it was made at the latest, by any clock."""
        return self.at if self.latest is None else self.latest

    def is_held(self, now: datetime) -> bool:
        """Whether it bears a pin that still holds."""
        return self.pinned and (self.pin_until is None or now < self.pin_until)


@dataclass(frozen=True)
class Policy:
    """What is kept: counts by the names of COUNTED, spans by those of WITHIN. Without both nothing is removed."""

    counts: t.Mapping[str, int] = field(default_factory=dict)
    within: t.Mapping[str, Span] = field(default_factory=dict)
    min_good: int = 1
    keep_failed: int = 1
    zone: tzinfo = UTC

    @property
    def removes(self) -> bool:
        """Whether any rule says what is kept, so that the rest goes."""
        return any(self.counts.values()) or bool(self.within)


@dataclass(frozen=True)
class Verdict:
    """What becomes of a point, the rule that decided, and the reason in words.

    `rules` are all counted rules that keep it, for of several one decides.
    """

    point: Point
    keep: bool
    rule: Rule
    reason: str
    rules: tuple[str, ...] = ()


def retain(points: t.Sequence[Point], policy: Policy, now: datetime) -> tuple[Verdict, ...]:
    """One verdict for each point, in the order given."""
    # Which is the newest, or of which day, no clock of today changes; how long ago that was, each may tell otherwise.
    good = newest_first(points, now)
    counted = _counted(good, policy, now)
    failed = [point for point in _dated(points, now) if point.usability == "unusable"]
    newer = {point.id: position for each in (good, failed) for position, point in enumerate(each)}
    found = []
    for point in points:
        kept = (
            _outside(point, now)
            or _in_doubt(point, point.at_latest if policy.within else point.at, now)
            or (None if policy.removes else Verdict(point, True, "no_keep", "no keep is set, so nothing is removed"))
        )
        if kept is None and point.usability == "unusable":
            kept = _failed(point, newer[point.id], policy.keep_failed)
        verdict = kept or _of_good(point, newer[point.id], counted[point.id], policy)
        if not verdict.keep and not point.selected:
            verdict = Verdict(point, True, "not_selected", f"select does not mean it; otherwise {verdict.reason}")
        found.append(verdict)
    return tuple(found)


def newest_first(points: t.Iterable[Point], now: datetime) -> list[Point]:
    """The usable points of known age that a policy governs: what it counts by, and what counts as good."""
    return [point for point in _dated(points, now) if point.usability == "usable"]


def is_ahead(made: datetime | None, now: datetime) -> bool:
    """Whether a time lies further in the future than clocks may differ."""
    return made is not None and made > now + FUTURE


def _dated(points: t.Iterable[Point], now: datetime) -> list[Point]:
    dated = [(p.at, p.id, p) for p in points if p.outside is None and p.at is not None and not is_ahead(p.at, now)]
    return [point for _at, _id, point in sorted(dated, key=itemgetter(0, 1), reverse=True)]


def _outside(point: Point, now: datetime) -> Verdict | None:
    """What no rule of the policy may touch."""
    if point.named:
        return Verdict(point, True, "pins", "pins names it")
    if point.is_held(now):
        until = "" if point.pin_until is None else f" until {format_time(point.pin_until)}"
        return Verdict(point, True, "pinned", f"it is pinned{until}")
    if point.outside == "other_vm":
        return Verdict(point, True, "other_vm", "it is of another VM that had this name")
    if point.outside == "not_managed":
        return Verdict(point, True, "not_managed", "it bears no mark of this collection")
    if point.outside == "other_series":
        return Verdict(point, True, "other_series", "it is of another series")
    return None


def _in_doubt(point: Point, made: datetime | None, now: datetime) -> Verdict | None:
    """What nobody knows enough of to remove it; `made` at the latest."""
    if point.usability in _OPEN:
        return Verdict(point, True, *_OPEN[point.usability])
    if made is None:
        return Verdict(point, True, "age_unknown", "the service keeps no time for it")
    if is_ahead(made, now):
        text = f"its time, {format_time(made)}, is ahead of the service's clock, {format_time(now)}"
        return Verdict(point, True, "age_unknown", text)
    return None


def _failed(point: Point, newer: int, keep_failed: int) -> Verdict:
    if newer < keep_failed:
        return Verdict(point, True, "keep_failed", f"it failed, and keep_failed is {keep_failed}")
    return Verdict(point, False, "failed", f"it failed, and keep_failed is {keep_failed}")


def _of_good(point: Point, newer: int, reasons: t.Mapping[str, str], policy: Policy) -> Verdict:
    if reasons:
        first = next(iter(reasons))
        return Verdict(point, True, t.cast(Rule, first), ", ".join(reasons.values()), tuple(reasons))
    if newer < policy.min_good:
        which = "the newest usable one" if policy.min_good == 1 else f"one of the newest {policy.min_good} usable ones"
        return Verdict(point, True, "min_good", f"it is {which}, and min_good is {policy.min_good}")
    return Verdict(point, False, "not_kept", "no rule of keep keeps it")


def _counted(good: t.Sequence[Point], policy: Policy, now: datetime) -> dict[str, dict[str, str]]:
    """By id, the rules that keep a point, with what each says of it."""
    by_every_clock = [point for point in good if not is_ahead(point.at_latest, now)]
    kept: dict[str, dict[str, str]] = {point.id: {} for point in good}
    for rule, count in policy.counts.items():
        _keep_counted(kept, good, rule, count, policy.zone)
    for rule, span in policy.within.items():
        _keep_within(kept, by_every_clock, rule, span, policy.zone)
    return kept


def _keep_counted(
    kept: dict[str, dict[str, str]], good: t.Sequence[Point], rule: str, count: int, zone: tzinfo
) -> None:
    last: object = None
    taken = 0
    for position, point in enumerate(good):
        bucket: object = _bucket(rule, point, zone) if rule in BUCKETS else position
        is_oldest = position == len(good) - 1
        if taken < count and (bucket != last or is_oldest):
            taken += 1
            kept[point.id][rule] = f"{rule} {taken} of {count}" + (" (the oldest)" if bucket == last else "")
            last = bucket


def _keep_within(kept: dict[str, dict[str, str]], good: t.Sequence[Point], rule: str, span: Span, zone: tzinfo) -> None:
    """A span is held against the latest moments that any clock gives; the day of a point is that of its `at`."""
    last: object = None
    latest = [t.cast(datetime, point.at_latest) for point in good]
    since = span.before(max(latest), zone) if good else None
    for position, (point, made) in enumerate(zip(good, latest, strict=True)):
        if made <= t.cast(datetime, since):
            continue
        bucket: object = position if rule == "within" else _bucket(rule.removeprefix("within_"), point, zone)
        if bucket != last or position == len(good) - 1:
            kept[point.id][rule] = f"{rule} {span}"
            last = bucket


def _bucket(unit: str, point: Point, zone: tzinfo) -> tuple[int, ...]:
    return BUCKETS[unit](t.cast(datetime, point.at).astimezone(zone))
