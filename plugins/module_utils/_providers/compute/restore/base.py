# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One restore in place, and what each of its steps knows of it. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime

from ...._core.errors import NotFound
from ...._core.model import ObservedVm
from ...._core.plan import in_parentheses
from ...._core.spec import RestoreRequest, terms
from ..state import AzureVmState
from ..steps import AzureStep
from ..vm_entities import Disk
from .runs import describe_vm, disks_of


@dataclass(frozen=True)
class RestoreRun:
    """A restore to `point` (`collection/name`, and `point_id`, a hash of its id) of that time, as `spec` asks for it.

    What puts a VM back onto its old disks is to no point, and nobody has asked for it.
    """

    id: str
    point: str | None = None
    point_id: str = ""
    spec: RestoreRequest | None = None
    created: datetime | None = None

    @property
    def point_name(self) -> str:
        """The point's own name."""
        return (self.point or "").rpartition("/")[2]

    @property
    def terms(self) -> dict[str, t.Any]:
        """What was asked for beside the point."""
        return terms(self.spec) if self.spec is not None else {}

    def sources(self, state: AzureVmState) -> dict[str, Disk]:
        """The disks that the point holds, by slot; none where it has gone."""
        wanted = self.point_name.lower()
        return {disk.slot: disk for point in state.points if point.name.lower() == wanted for disk in point.disks}

    def about(self) -> dict[str, t.Any]:
        """What every step of the run shows."""
        point = {} if self.point is None else {"point": self.point, "point_id": self.point_id}
        return {"run": self.id, **point, **({"terms": self.terms} if self.terms else {})}


@dataclass(frozen=True)
class RestoreStep(AzureStep):
    """A step of a restore in place. `before_shutdown`: it comes before the VM is switched off."""

    before_shutdown: t.ClassVar[bool] = False
    run: RestoreRun

    @property
    def restore_run_id(self) -> str:
        return self.run.id

    def about(self) -> dict[str, t.Any]:
        return super().about() | self.run.about()

    def title(self) -> str:
        return super().title() + in_parentheses(self.run.terms)

    def describe_state(self, before: ObservedVm, now: ObservedVm) -> str:
        power_before = disks_of(now.detail, self.run.id).power or before.power
        if self.before_shutdown and now.power == power_before:
            return ""
        return describe_vm(self.run.id, before, now)

    def gone(self, why: str) -> NotFound:
        """The error for a step whose things have gone since the plan."""
        remedy = "Run the task again: what is there by then decides what is left to do."
        return NotFound(why, remedy=remedy)
