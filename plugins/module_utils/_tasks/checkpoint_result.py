# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkpoints of a VM as results show them."""

from __future__ import annotations

import typing as t

from .._checkpoints import diff
from .._checkpoints.actions import Create, SetPin
from .._checkpoints.kind import ends_on
from .._core.model import Checkpoint, ObservedVm
from .._engine.reconciler import Reconciler


class CheckpointView:
    """`checkpoint` and `duplicates`, and the set of checkpoints before and after."""

    def keys(self, run: Reconciler[ObservedVm], *, check_only: bool) -> dict[str, t.Any]:
        """The checkpoint that the task ended on, and what others made under its name at the same time."""
        observed = run.observed
        keys: dict[str, t.Any] = {"checkpoint": None}
        if observed is None:
            return keys
        keys["checkpoint"] = _checkpoint(run, observed, check_only)
        duplicates = [each for done in run.progress.done for each in done.completed.duplicates]
        if duplicates:
            keys["duplicates"] = [observed.show(checkpoint) for checkpoint in duplicates]
        return keys

    def diff(self, run: Reconciler[ObservedVm], *, check_only: bool) -> dict[str, str] | None:
        """The set of checkpoints; steps that leave it alone stand below it."""
        before, observed = run.progress.before, run.observed
        if before is None or observed is None:
            return None
        return (
            diff.planned(before, run.plan) if check_only else diff.carried_out(before, observed, run.progress.actions)
        )

    def name(self, run: Reconciler[ObservedVm]) -> dict[str, t.Any]:
        """The VM as the user wrote it, its id and its service."""
        vm = run.kind.target
        reference = getattr(vm, "reference", vm.name)
        return {"vm": reference, "vm_id": vm.id or None, "provider": vm.provider}


def _checkpoint(run: Reconciler[ObservedVm], observed: ObservedVm, check_only: bool) -> dict[str, t.Any] | None:
    """In check mode a new one has null for what nobody knows yet."""
    plan = run.plan
    found = ends_on(run.todo, run.progress, observed)
    if found is not None:
        # Outside check mode what was read last is the truth, also where a task failed before its update.
        return observed.show(diff.as_planned(found, plan.actions) if check_only else found)
    create = next((action for action in plan.actions if isinstance(action, Create)), None)
    pinned = any(isinstance(action, SetPin) and not action.checkpoint.id for action in plan.actions)
    return _expected(create, observed, pinned=pinned) if check_only and create is not None else None


def _expected(action: Create, observed: ObservedVm, *, pinned: bool) -> dict[str, t.Any]:
    """What of a new one is known beforehand."""
    pinned = pinned or action.pin is not None
    made = Checkpoint("", action.name, action.description or "", usability="unknown")
    return {**made.to_result(None, pinned=pinned), "id": None, "depth": None, "managed": observed.managed_new}
