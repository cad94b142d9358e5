# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checkpoints of another VM that had this one's name: what is made anew under a name is another thing. Pure.

They satisfy no spec, and nothing goes back to one unless its id is named: a VM that was rebuilt from its own disks is
another one to the service, too.
"""

from __future__ import annotations

import typing as t

from .._core.errors import Obstructed
from .._core.model import Checkpoint, ObservedVm
from .._core.plan import Plan
from .._core.spec import Present, RestoreRequest, Spec
from .selection import matches

WHOSE = "another VM that had this name"


def of_this_vm(found: t.Iterable[Checkpoint], checkpoint_id: str | None) -> list[Checkpoint]:
    """Those that may be meant: of this very VM, or the one that is named by its id."""
    return [c for c in found if checkpoint_id is not None or not c.of_another]


def refuse_taken(in_the_way: t.Iterable[Checkpoint]) -> None:
    """Nobody has asked for the removal of what bears a name that a new checkpoint needs."""
    for checkpoint in in_the_way:
        if checkpoint.of_another:
            raise Obstructed(
                f'the name "{checkpoint.name}" is taken by a checkpoint of {WHOSE} ({checkpoint.id}).',
                remedy="Use another name or max_age, or remove that one by its checkpoint_id.",
                changed_nothing=True,
            )


def warnings_of(spec: Spec, actual: ObservedVm, made: Plan) -> tuple[str, ...]:
    """What is not counted although it bears the name, and that a restore goes to another VM's disks."""
    target = made.satisfied_by
    if isinstance(spec, RestoreRequest) and target is not None and target.of_another:
        return (f'checkpoint "{target.name}" ({target.id}) is of {WHOSE}: its disks take the place of this one\'s.',)
    if not isinstance(spec, Present) or spec.checkpoint_id is not None:
        return ()
    others = sum(c.of_another for c in matches(actual, spec.name, None))
    if not others:
        return ()
    counted = "checkpoint is" if others == 1 else "checkpoints are"
    return (f'{others} {counted} named "{spec.name}" and of {WHOSE}; only a checkpoint_id leads there.',)
