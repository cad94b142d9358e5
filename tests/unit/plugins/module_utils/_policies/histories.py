# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies and histories of points as tests write them down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.calendar import parse_span, zone
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies.retention import (
    Point,
    Policy,
    Verdict,
    retain,
)

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def policy(keep: Mapping[str, Any] | None = None, timezone: str = "UTC", **options: Any) -> Policy:
    """`keep` as a user writes it; options are those of Policy."""
    keep = keep or {}
    counts = {name: value for name, value in keep.items() if not name.startswith("within")}
    within = {name: parse_span(value) for name, value in keep.items() if name.startswith("within")}
    return Policy(counts, within, zone=zone(timezone), **options)


def points_at(*times: datetime) -> list[Point]:
    """A usable point of each time, named after it."""
    return [Point(at.isoformat(), at) for at in times]


def kept(points: Sequence[Point], of: Policy, now: datetime = NOW) -> list[str]:
    """The ids of what stays."""
    return ids(retain(points, of, now), keep=True)


def ids(verdicts: Iterable[Verdict], *, keep: bool) -> list[str]:
    """The ids of what stays, or of what goes."""
    return [verdict.point.id for verdict in verdicts if verdict.keep is keep]
