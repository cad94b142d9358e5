# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before one decides what else is done (older ones go, none is made, a VM goes back): whether all its data is there."""

from __future__ import annotations

from dataclasses import replace

from .._checkpoints.planner import Memory, relied_on
from .._core.errors import VmState
from .._core.model import Checkpoint, Inventory
from .._core.operation import Operation
from .._core.plan import Plan
from .._core.spec import Present, RestoreTo, Wish
from .._providers.base import Provider
from .verification import Pace, ended


async def sure_of(provider: Provider, pace: Pace, wish: Wish, actual: Inventory, memory: Memory) -> Inventory | None:
    """The VM with what is still arriving shown as such; None once one has been waited for, and all is to be read anew.

    The newest one that is whole decides, so nothing older is asked about. With max_age one that is fresh and still
    arriving is waited for: a second one beside it would be no better.
    """
    first: tuple[Checkpoint, Operation] | None = None
    for checkpoint in relied_on(wish, actual, memory):
        operation = await provider.arriving(actual, checkpoint)
        if operation is None and checkpoint.usable:
            return actual
        if operation is None:
            continue  # whether it is usable is open for another reason
        failed = operation.last.state == "failed"
        shown = replace(checkpoint, usable=False if failed else None)
        actual = replace(actual, checkpoints=tuple(shown if c is checkpoint else c for c in actual.checkpoints))
        if not failed:
            first = first or (checkpoint, operation)
    if first is None or not isinstance(wish, Present) or wish.max_age is None:
        return actual
    await ended(first[1], pace, str(actual.vm), bringing(first[0]))
    return None


async def refuse_arriving(provider: Provider, wish: Wish, made: Plan, actual: Inventory) -> None:
    """VmState for a restore to what is not all there: in check mode too, and before a safety checkpoint is made."""
    target = made.satisfied_by
    if not isinstance(wish, RestoreTo) or target is None or not made.writes:
        return
    operation = await provider.arriving(actual, target)
    if operation is None:
        return
    lost = operation.last.state == "failed"
    how = "its data could not be copied" if lost else f"its data is still on its way ({operation.last.text})"
    raise VmState(
        f'checkpoint "{target.name}" is not usable{"" if lost else " yet"}: {how}.',
        subject=str(actual.vm),
        remedy="Choose another one." if lost else "Run the task again when all of it is there.",
        changed_nothing=True,
    )


def bringing(checkpoint: Checkpoint) -> str:
    """The arrival of a checkpoint's data, as errors and warnings call it."""
    return f'bringing the data of checkpoint "{checkpoint.name}"'
