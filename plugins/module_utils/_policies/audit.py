# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a VM complies with its policy, and what is wrong. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime

from .._core.capabilities import Capabilities
from .._core.formatting import printable
from .._core.model import Checkpoint, ObservedVm
from .._core.times import format_time, show_seconds, show_time
from .planner import Decision
from .retention import Point, newest_first
from .scope import governed, pins_of
from .specs import PolicySpec

Code = t.Literal["stale", "too_many", "too_few", "none", "failed_points", "pinned_missing", "unreadable", "near_limit"]
LONGEST = 1000
"""Characters of a violation's text."""
DUE = ("not_kept", "failed", "max_deletes", "max_deletes_total", "locked")
"""The rules of what the policy would remove, or would have removed."""


@dataclass(frozen=True)
class Violation:
    """One thing that is wrong, in words that name the numbers."""

    code: Code
    text: str


@dataclass(frozen=True)
class Audit:
    """What was found of a VM whose checkpoints could be read."""

    spec: PolicySpec
    observed: ObservedVm
    decision: Decision
    capabilities: Capabilities

    @property
    def good(self) -> list[Point]:
        """The usable points of the series, newest first."""
        return newest_first([verdict.point for verdict in self.decision.verdicts], self.observed.now)

    @property
    def failed(self) -> list[Checkpoint]:
        """Those of the series that failed."""
        return [each for each in governed(self.spec, self.observed) if each.usability == "unusable"]

    @property
    def due(self) -> int:
        """How many the policy does not keep."""
        return sum(verdict.rule in DUE for verdict in self.decision.verdicts)

    @property
    def newest_age(self) -> float | None:
        """Seconds since the newest usable one of the series was made; None where there is none."""
        good = self.good
        return (self.observed.now - t.cast(datetime, good[0].at)).total_seconds() if good else None

    def violations(self) -> list[Violation]:
        """All that is wrong, the worst first."""
        found = (
            *self._too_few(),
            *self._stale(),
            *self._failed_points(),
            *self._pinned_missing(),
            *self._too_many(),
            *self._near_limit(),
        )
        return list(found)

    def series(self) -> dict[str, t.Any]:
        """The numbers that a result shows."""
        newest, age, total = self.decision.newest, self.newest_age, len(self.observed.checkpoints)
        return {
            "prefix": self.spec.prefix,
            "points": len(governed(self.spec, self.observed)),
            "usable": len(self.good),
            "failed": len(self.failed),
            "due": self.due,
            "newest": None if newest is None else format_time(t.cast(datetime, newest.at)),
            "newest_age_seconds": None if age is None else max(0, int(age)),
            "all_points": total,
            "limit": self._limit,
            "left": max(0, self._limit - total),
            "depth": max((each.depth for each in self.observed.checkpoints), default=0),
        }

    def _too_few(self) -> t.Iterator[Violation]:
        good, wanted = len(self.good), self.spec.min_good
        if not good:
            yield Violation("none", f"no usable checkpoint of the series {self.spec.prefix} exists")
        elif good < wanted:
            yield Violation("too_few", f"{good} usable checkpoints of the series exist, and min_good is {wanted}")

    def _stale(self) -> t.Iterator[Violation]:
        age, limit = self.newest_age, self.spec.thresholds.stale_after or self.spec.max_age
        if age is not None and limit is not None and age > limit.total_seconds():
            at = show_time(self.good[0].at)
            allowed = show_seconds(limit.total_seconds())
            yield Violation("stale", f"the newest usable one is of {at}, {show_seconds(age)} old; {allowed} is allowed")

    def _failed_points(self) -> t.Iterator[Violation]:
        given = self.spec.thresholds.failed_points
        allowed = self.spec.keep_failed if given is None else given
        if len(self.failed) > allowed:
            names = ", ".join(each.name for each in self.failed[:5])
            yield Violation("failed_points", f"{len(self.failed)} failed ({names}); {allowed} are allowed")

    def _pinned_missing(self) -> t.Iterator[Violation]:
        there = {each for checkpoint in self.observed.checkpoints for each in pins_of(self.spec, checkpoint)}
        missing = [each for each in self.spec.pins if each not in there]
        if missing:
            yield Violation("pinned_missing", f"pins names what does not exist: {', '.join(missing)}")

    def _too_many(self) -> t.Iterator[Violation]:
        total, most = len(self.observed.checkpoints), self.spec.thresholds.points
        if most is not None and total > most:
            yield Violation("too_many", f"{total} checkpoints exist, whoever made them; {most} are allowed")
        if self.due > self.spec.max_deletes:
            text = f"{self.due} checkpoints are due for removal, and max_deletes is {self.spec.max_deletes}"
            yield Violation("too_many", text)

    def _near_limit(self) -> t.Iterator[Violation]:
        total, limit, percent = len(self.observed.checkpoints), self._limit, self.spec.thresholds.near_limit
        if total * 100 >= limit * percent:
            text = f"{total} of the {limit} checkpoints that {self.capabilities.title} allows exist"
            yield Violation("near_limit", f"{text}; near_limit is {percent} %")

    @property
    def _limit(self) -> int:
        return self.capabilities.max_points


UNREADABLE = Violation("unreadable", "its checkpoints could not be read; see error")


def compliance(violations: t.Sequence[Violation]) -> dict[str, t.Any]:
    """The `compliance` key of results. Names in it are others' words, and it goes to terminals and into files."""
    listed = [{"code": each.code, "text": printable(each.text, LONGEST)} for each in violations]
    return {"compliant": not violations, "violations": listed}
