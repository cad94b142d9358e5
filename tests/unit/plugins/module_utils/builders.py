# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Short ways to write down VMs, checkpoints, what exists and what is planned."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import CheckpointAction
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.planner import plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.progress import CheckpointProgress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import Capabilities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import Mark
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan, Step
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import (
    Absent,
    Present,
    RestoreRequest,
    Spec,
    validate_options,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.times import parse_duration

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
WEB01_ID = "11111111-0000-4000-8000-000000000001"
WEB01 = VM(reference="web01", name="web01", id=WEB01_ID, canonical=WEB01_ID, provider="spf", service="s")
SERVICE = Capabilities(
    at_once=(32, 256),
    provider="spf",
    title="SPF",
    names_unique=False,
    can_update_description=True,
    operations_findable=True,
    restore_in_place=True,
    power=True,
    max_points=50,
    why={},
)
TIMELESS = replace(SERVICE, provider="scvmm", title="Arc", can_update_description=False)
"""A service that, like Arc, tells no time and changes no description."""
UNIQUE = replace(
    SERVICE,
    provider="compute",
    title="Azure",
    names_unique=True,
    can_update_description=False,
    has_description=False,
    safety_name="safety-before-{name}",
    name_pattern="[a-z0-9-]{1,20}",
    name_rule="small letters",
    longest_series=10,
    pins_apart=True,
)
"""A service on which, as on Azure Compute, no two checkpoints of a VM share a name."""


@dataclass(frozen=True)
class NamedStep(Step):
    """A step that only has a name, and of which nothing is ever shown."""

    name: str
    shows: dict[str, Any] = field(default_factory=dict)

    @property
    def summary(self) -> str:
        return self.name

    @property
    def activity(self) -> str:
        return f"doing: {self.name}"

    def about(self) -> dict[str, Any]:
        return self.shows

    def is_done(self, observed: ObservedVm) -> bool:
        return False


def ago(duration: str) -> datetime:
    """The moment that long before NOW."""
    return NOW - parse_duration(duration)


def mark(nonce: str = "abc", age: str = "1h", **fields: Any) -> Mark:
    """A mark of this collection; the nonce may be short."""
    return Mark(nonce.ljust(12, "0"), ago(age), **fields)


def point(point_id: str, age: str | None = "1h", **fields: Any) -> Checkpoint:
    """A usable checkpoint named nightly that nobody marked; `age` None means that its time is unknown."""
    return Checkpoint(
        **{"id": point_id, "name": "nightly", "host_id": f"host-{point_id}", "created": age and ago(age)} | fields
    )


def ours(point_id: str, age: str = "1h", **fields: Any) -> Checkpoint:
    """The same, made by this collection."""
    return point(point_id, age, **{"mark": mark("".join(c for c in point_id if c in "0123456789abcdef"), age)} | fields)


def hidden(number: int = 1, **fields: Any) -> Checkpoint:
    """One that the service shows without an id (yet)."""
    shown = {"usability": "unknown", "host_id": None, "identified": False}
    return point("without an id" if number == 1 else f"without an id, number {number}", None, **shown | fields)


def having(*points: Checkpoint, **fields: Any) -> ObservedVm:
    """What exists on web01."""
    return ObservedVm(WEB01, points, NOW, **fields)


def chain(*points: Checkpoint) -> tuple[Checkpoint, ...]:
    """The same checkpoints, each standing on the one before it."""
    parents = (None, *(c.id for c in points))
    return tuple(
        replace(c, parent_id=parent, depth=depth)
        for depth, (c, parent) in enumerate(zip(points, parents, strict=False), start=1)
    )


def present(**options: Any) -> Present:
    """The spec of a checkpoint named nightly, checked as the module's options are."""
    named = {} if "checkpoint_id" in options else {"name": "nightly"}
    return validate_options(Present, named | options)


def absent(**options: Any) -> Absent:
    """The spec of no checkpoint named nightly."""
    named = {} if {"checkpoint_id", "select"} & set(options) else {"name": "nightly"}
    return validate_options(Absent, named | options)


def restore(**options: Any) -> RestoreRequest:
    """The request to go back to the checkpoint named nightly, or to what the options say."""
    named = {} if {"checkpoint_id", "select", "name"} & set(options) else {"name": "nightly"}
    return validate_options(RestoreRequest, named | options)


def planned(
    spec: Spec,
    *points: Checkpoint,
    capabilities: Capabilities = SERVICE,
    memory: CheckpointProgress | None = None,
    **fields: Any,
) -> Plan:
    """The plan for web01 with these checkpoints."""
    return plan(spec, having(*points, **fields), capabilities, memory)


def summary(action: Action) -> str:
    """`delete a1`, `create nightly`, `power off`."""
    if isinstance(action, CheckpointAction):
        return f"{action.verb} {action.checkpoint.id}"
    details = action.details()
    return f"{action.verb} {details.get('power') or details.get('step') or details['checkpoint']['name']}"


def steps(made: Plan) -> list[str]:
    """What a plan would do, in order; nothing for what it keeps."""
    return [summary(action) for action in made.writes]
