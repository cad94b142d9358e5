# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "the series of checkpoints that a policy keeps of a VM"."""

from __future__ import annotations

from dataclasses import replace

from .._checkpoints.kind import VmCheckpoints
from .._checkpoints.progress import CheckpointProgress
from .._checkpoints.readiness import arrival_of
from .._core.model import Checkpoint, ObservedVm, Usability
from .._core.operation import Operation
from .._core.plan import Plan
from .._core.spec import Present
from .._core.targets import VM
from .._engine.kind import InProgress
from .._engine.progress import Progress
from .._providers.base import Provider
from .audit import Audit
from .planner import decide, is_due, no_slot, plan, removals_of, removed_by
from .scope import governed
from .specs import PolicySpec

MARGIN = 1.0
"""Seconds beyond the moment at which a service takes a create again: its clock shows whole ones."""


class VmPolicy(VmCheckpoints):
    """The series of one VM. It is read, written and proven as any checkpoints are; what is due is the policy's.

    `patience` (seconds) is the time the task has.
    `allotted`: how many removals max_deletes_total leaves it, also where it is planned again; None without that bound.
    """

    def __init__(self, provider: Provider, vm: VM, spec: PolicySpec, settle_time: float, patience: float) -> None:
        super().__init__(provider, vm, Present(name=spec.prefix), settle_time)
        self.spec = spec
        self.capabilities = provider.capabilities
        self.allotted: int | None = None
        self._shown: dict[str, Usability] = {}
        self._patience = patience

    def plan(self, observed: ObservedVm, progress: Progress[ObservedVm]) -> Plan:
        """Create first, then remove; every checkpoint stands in it."""
        decision = decide(
            self.spec,
            observed,
            self.capabilities,
            CheckpointProgress.of(progress),
            removed=removed_by(progress.actions),
            planned=removals_of(progress.plan) if progress.begun else (),
            allotted=self.allotted,
        )
        return plan(decision, self.spec, observed, self.capabilities, patience=self._patience)

    def audit(self, observed: ObservedVm, progress: Progress[ObservedVm]) -> Audit:
        """What is so now, whoever has brought it about."""
        observed = self._as_shown(observed)
        decision = decide(self.spec, observed, self.capabilities, CheckpointProgress.of(progress))
        return Audit(self.spec, observed, decision, self.capabilities)

    async def in_progress(
        self, observed: ObservedVm, progress: Progress[ObservedVm]
    ) -> tuple[ObservedVm, InProgress | None]:
        """A job that holds the VM, the arrival of what would satisfy max_age, or the wait for the next create."""
        held = await self.held(observed)
        if held is not None:
            return observed, held
        done = CheckpointProgress.of(progress)
        observed, arriving = await self._arriving(observed)
        if arriving is not None and is_due(self.spec, observed, done):
            checkpoint, operation = arriving
            if self._would_do(checkpoint, observed):
                return observed, InProgress(arrival_of(checkpoint), operation)
        return observed, self._slot(observed, done)

    async def _arriving(self, observed: ObservedVm) -> tuple[ObservedVm, tuple[Checkpoint, Operation] | None]:
        """The VM with what is still arriving shown as such, and the newest that is.

        Asked from the newest on until min_good complete ones are found: what is older was there before.
        """
        complete, newest = 0, None
        self._shown = {}
        dated = [each for each in governed(self.spec, observed) if each.created is not None]
        for checkpoint in sorted(dated, key=lambda each: (each.created, each.id), reverse=True):
            if complete >= self.spec.min_good:
                break
            if checkpoint.usability == "unusable":
                continue
            operation = await self.provider.readiness(observed, checkpoint)
            if operation is None:
                complete += checkpoint.usable
                continue
            failed = operation.last.state == "failed"
            self._shown[checkpoint.id] = "unusable" if failed else "arriving"
            if not failed:
                newest = newest or (checkpoint, operation)
        return self._as_shown(observed), newest

    def _as_shown(self, observed: ObservedVm) -> ObservedVm:
        """A reading with what only asking for each checkpoint has shown."""
        points = tuple(
            replace(each, usability=self._shown.get(each.id, each.usability)) for each in observed.checkpoints
        )
        return replace(observed, checkpoints=points)

    def _would_do(self, checkpoint: Checkpoint, observed: ObservedVm) -> bool:
        """Whether it is young enough for max_age: a second one beside it would be no better."""
        age = observed.age(checkpoint)
        return self.spec.max_age is not None and age is not None and age <= self.spec.max_age.total_seconds()

    def _slot(self, observed: ObservedVm, done: CheckpointProgress) -> InProgress | None:
        """The wait until the service takes the next create. The plan refuses one that is longer than the task."""
        opens = observed.next_create
        if opens is None or opens <= observed.now or not is_due(self.spec, observed, done):
            return None
        pause = (opens - observed.now).total_seconds() + MARGIN
        return InProgress(
            "the wait for the next create",
            pause=pause,
            at_deadline=lambda total: no_slot(opens, total),
            plan_meanwhile=True,
            blocks_writes=True,
        )
