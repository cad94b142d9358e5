# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One target of a task that has many, or one: how far it came, and what stopped it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.errors import CheckpointError, Interrupted, OutcomeUnknown
from .reconciler import Reconciler
from .undo import Undo

State = t.Literal["changed", "unchanged", "failed", "not_started", "outcome_unknown", "stopped", "undone"]


@dataclass
class Member:
    """How far one target came.

    `finished`: its whole plan is carried out; `postponed`: it is planned only when its turn to be written to comes;
    `undo` is set once a group undoes; `shown` is what a result shows of it, where that is all that is kept.
    """

    reconciler: Reconciler[t.Any]
    error: CheckpointError | None = None
    started: bool = False
    finished: bool = False
    postponed: bool = False
    undo: Undo | None = None
    shown: t.Any = None

    @property
    def state(self) -> State:
        """What became of it, in the words of the result; `stopped` where another one of its group has failed."""
        if isinstance(self.error, OutcomeUnknown):
            return "outcome_unknown"
        if self.error is not None and (self.started or not isinstance(self.error, Interrupted)):
            return "failed"
        if not self.started:
            return "not_started"
        if self.undo is not None and self.undo.state == "removed":
            return "undone"
        if not self.finished:
            return "stopped"
        return "changed" if self.reconciler.changed else "unchanged"

    def fail(self, problem: CheckpointError) -> None:
        """Keep what stopped it."""
        self.error, self.shown = self.reconciler.failure(problem), None
