# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of undoing what a run has made on one target of a group."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._core.errors import CheckpointError
from .._core.plan import Action


@dataclass(frozen=True)
class Undo:
    """`removed` are the writes that took something back, `error` is what kept the rest.

    `not_needed`: the run had made nothing; `unknown`: it may have made something that nobody can prove to be its;
    `not_tried`: the time was over, or a signal came.
    """

    state: t.Literal["removed", "not_needed", "failed", "unknown", "not_tried"]
    removed: tuple[Action, ...] = ()
    error: CheckpointError | None = None
