# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What this run has already done for the VM, as its planner asks for it."""

from __future__ import annotations

from dataclasses import dataclass

from .._core.model import ObservedVm
from .._core.plan import Step
from .._engine.progress import Progress
from .actions import Create, Restore


@dataclass(frozen=True)
class CheckpointProgress:
    """So that a plan made anew after a lock does not ask for anything twice.

    `made` are the nonces of checkpoints that this run created, `failed` those of creates that were locked out (what
    they left behind counts for nothing), `power` the VM's power state when the run began, `restored` the id of the
    checkpoint that this run has brought it back to, `restore_run_id` what a restore in several steps calls itself.
    """

    made: frozenset[str] = frozenset()
    failed: frozenset[str] = frozenset()
    power: str | None = None
    restored: str | None = None
    restore_run_id: str | None = None

    @classmethod
    def of(cls, progress: Progress[ObservedVm]) -> CheckpointProgress:
        """The same, read off what the engine has kept."""
        restores = [action for action in progress.actions if isinstance(action, Restore)]
        return cls(
            made=frozenset(each.nonce for each in progress.done if isinstance(each.action, Create)),
            failed=progress.locked_out,
            power=None if progress.before is None else progress.before.power,
            restored=restores[-1].checkpoint.id if restores else None,
            restore_run_id=None if (step := last_step(progress)) is None else step.restore_run_id,
        )


def last_step(progress: Progress[ObservedVm]) -> Step | None:
    """The step of a restore that was started last."""
    steps = [action for action in progress.begun if isinstance(action, Step) and action.restore_run_id]
    return steps[-1] if steps else None
