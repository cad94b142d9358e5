# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The policy as the user writes it, validated."""

from __future__ import annotations

import typing as t
from datetime import tzinfo

from .._core.fields import Duration, read_by
from .._core.model import Checkpoint
from .._core.patterns import Pattern, matches_whole
from .._core.selector import Select
from .._core.spec import Name
from .._deps import pydantic
from .calendar import Span, parse_span, zone
from .naming import DEFAULT, Naming, read_template
from .retention import COUNTED, WITHIN, Policy

MOST = 10_000
"""Points that a count may ask for: no service keeps so many."""


Count = t.Annotated[int, pydantic.Field(ge=0, le=MOST)]
Within = t.Annotated[t.Optional[Span], read_by(parse_span)]


class _Spec(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Keep(_Spec):
    """Which points stay: so many of each kind, and those within spans from the newest one."""

    last: Count = 0
    hourly: Count = 0
    daily: Count = 0
    weekly: Count = 0
    monthly: Count = 0
    yearly: Count = 0
    within: Within = None
    within_hourly: Within = None
    within_daily: Within = None
    within_weekly: Within = None
    within_monthly: Within = None
    within_yearly: Within = None

    @pydantic.model_validator(mode="after")
    def _keeps_something(self) -> t.Self:
        if not any(getattr(self, rule) for rule in (*COUNTED, *WITHIN)):
            raise ValueError(f"keeps nothing; set at least one of {', '.join((*COUNTED, *WITHIN))}")
        return self

    def counts(self) -> dict[str, int]:
        """The counts that are set."""
        return {rule: count for rule in COUNTED if (count := getattr(self, rule))}

    def spans(self) -> dict[str, Span]:
        """The spans that are set."""
        return {rule: span for rule in WITHIN if (span := getattr(self, rule))}


class Adopt(_Spec):
    """Points of another series, or of another tool, that the policy governs for this run."""

    name: Name | None = None
    name_matches: t.Optional[Pattern] = None

    @pydantic.model_validator(mode="after")
    def _one(self) -> t.Self:
        if (self.name is None) is (self.name_matches is None):
            raise ValueError("takes one of name and name_matches")
        return self

    def takes(self, checkpoint: Checkpoint) -> bool:
        """Whether it means the checkpoint: by its name or that of its series, or by all of its name."""
        if self.name_matches is not None:
            return matches_whole(self.name_matches, checkpoint.name, any_case=checkpoint.any_case)
        return self.name is not None and checkpoint.matches_name(self.name)


class Thresholds(_Spec):
    """From when on something is a violation. `near_limit` is in percent of what the service holds."""

    stale_after: Duration | None = None
    points: t.Annotated[t.Optional[int], pydantic.Field(ge=1)] = None
    failed_points: Count | None = None
    near_limit: t.Annotated[int, pydantic.Field(ge=1, le=100)] = 90


class PolicySpec(_Spec):
    """A series of checkpoints of a VM is fresh, and holds what is to be kept and nothing else."""

    prefix: Name = "policy"
    name_template: t.Annotated[Naming, read_by(read_template)] = read_template(DEFAULT)
    max_age: Duration | None = None
    keep: Keep | None = None
    min_good: t.Annotated[int, pydantic.Field(ge=1, le=MOST)] = 1
    keep_failed: Count = 1
    max_deletes: Count = 5
    max_deletes_total: Count | None = None
    timezone: t.Annotated[tzinfo, read_by(zone)] = zone("UTC")
    pins: list[Name] = []  # noqa: RUF012 - pydantic copies it
    include_unmanaged: bool = False
    adopt: Adopt | None = None
    select: Select | None = None
    thresholds: Thresholds = Thresholds()
    on_violation: t.Literal["fail", "report"] = "report"

    @pydantic.model_validator(mode="after")
    def _asks_for_something(self) -> t.Self:
        if self.max_age is None and self.keep is None:
            raise ValueError("a policy needs max_age, keep, or both: without them it asks for nothing")
        return self

    @property
    def policy(self) -> Policy:
        """The same for the function that decides."""
        keep = self.keep
        return Policy(
            counts={} if keep is None else keep.counts(),
            within={} if keep is None else keep.spans(),
            min_good=self.min_good,
            keep_failed=self.keep_failed,
            zone=self.timezone,
        )
