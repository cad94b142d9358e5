# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undoing what a run has made on one target of a group, and what became of it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.errors import CheckpointError, Locked
from .._core.plan import Action
from .kind import Reversal
from .reconciler import Reconciler


@dataclass(frozen=True)
class Undo:
    """`removed` are the writes that took something back, `error` is what kept the rest.

    `not_needed`: the run had made nothing; `unknown`: it may have made something that nobody can prove to be its;
    `not_tried`: the time was over, or a signal came.
    """

    state: t.Literal["removed", "not_needed", "failed", "unknown", "not_tried"]
    removed: tuple[Action, ...] = ()
    error: CheckpointError | None = None


async def undo(run: Reconciler[t.Any]) -> Undo:
    """Take back what the run has made and nobody else can have made. What kept it from that is in the result."""
    removed: list[Action] = []
    gone, pause = False, run.policy.poll_interval
    try:
        while True:
            run.observed = await run.kind.observe(for_write=True)
            found = run.kind.reversals(run.observed, run.progress)
            for done in found.gone:
                run.progress = run.progress.without(done)
            gone = gone or bool(found.gone)
            locked = await _take_back(run, found.writes, removed)
            if locked is None:
                break
            # While it waits somebody may remove a thing and make another of its name: what is ours is found anew.
            pause = await run.policy.backoff(locked, pause, str(run.kind.target))
    except CheckpointError as problem:
        return Undo("failed", tuple(removed), run.failure(problem))
    if found.unproven:
        return Undo("unknown", tuple(removed))
    return Undo("removed" if removed or gone else "not_needed", tuple(removed))


async def _take_back(run: Reconciler[t.Any], writes: t.Iterable[Reversal], removed: list[Action]) -> Locked | None:
    """Send them one after the other, until a lock is met."""
    for each in writes:
        _request, outcome = await run.write(each.action)
        if isinstance(outcome.error, Locked):
            return outcome.error
        if outcome.error is not None:
            raise outcome.error
        run.progress = run.progress.without(each.of)
        removed.append(each.action)
    return None
