# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a checkpoint that decides something is all there: older ones go because of it, or none is made."""

from __future__ import annotations

from dataclasses import replace

from .._core.errors import Obstructed, VmState
from .._core.model import Checkpoint, ObservedVm
from .._core.operation import Operation
from .._core.plan import Plan
from .._core.spec import Present, RestoreRequest, Spec
from .._providers.base import Provider
from .planner import decisive_checkpoints
from .progress import CheckpointProgress


async def mark_arriving(
    provider: Provider, spec: Spec, observed: ObservedVm, progress: CheckpointProgress
) -> tuple[ObservedVm, tuple[Checkpoint, Operation] | None]:
    """The VM with what is still arriving shown as such, and beside it the arrival that must be waited for.

    The newest one that is complete decides, so nothing older is asked about. With max_age one that is fresh and still
    arriving is waited for: a second one beside it would be no better. One that only a failed job explains is unusable.
    """
    first: tuple[Checkpoint, Operation] | None = None
    for checkpoint in decisive_checkpoints(spec, observed, progress):
        operation = await provider.readiness(observed, checkpoint)
        if operation is None and checkpoint.usable:
            return observed, None
        if operation is None:
            continue  # whether it is usable is open for another reason
        failed = operation.last.state == "failed"
        shown = replace(checkpoint, usability="unusable" if failed else "arriving")
        observed = replace(observed, checkpoints=tuple(shown if c is checkpoint else c for c in observed.checkpoints))
        if not failed:
            first = first or (checkpoint, operation)
    return observed, first if isinstance(spec, Present) and spec.max_age is not None else None


async def require_ready(provider: Provider, spec: Spec, plan: Plan, observed: ObservedVm) -> None:
    """VmState for a restore to what is not all there: in check mode too, and before a safety checkpoint is made."""
    target = plan.satisfied_by
    if not isinstance(spec, RestoreRequest) or target is None or not plan.writes:
        return
    operation = await provider.readiness(observed, target)
    if operation is None:
        return
    last, subject = operation.last, f'checkpoint "{target.name}" is not usable'
    if last.state == "failed":
        raise Obstructed(f"{subject}: {last.message}.", remedy="Choose another one.", changed_nothing=True)
    raise VmState(
        f"{subject} yet: its data is still on its way ({last.text}).",
        remedy="Run the task again when all of it is there.",
        changed_nothing=True,
    )


def arrival_of(checkpoint: Checkpoint) -> str:
    """The arrival of a checkpoint's data, as errors and warnings call it."""
    return f'bringing the data of checkpoint "{checkpoint.name}"'
