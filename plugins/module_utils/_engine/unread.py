# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A target among others of which nothing is known but why."""

from __future__ import annotations

import typing as t

from .._core.errors import CheckpointError
from .._core.plan import Action, Plan
from .._core.targets import Target
from .kind import Kind, WriteRequest
from .progress import Progress


class Unread(Kind[t.Any]):
    """It could not be looked up: each reading is that error, so that nothing is ever planned for it."""

    def __init__(self, target: Target, problem: CheckpointError) -> None:
        self.target = target
        self.problem = problem

    async def observe(self, *, for_write: bool) -> t.Any:
        """The error."""
        raise self.problem

    def plan(self, observed: t.Any, progress: Progress[t.Any]) -> Plan:
        """Nothing."""
        return Plan(self.target)

    def write(self, action: Action, observed: t.Any, progress: Progress[t.Any]) -> WriteRequest[t.Any]:
        """There is no plan to carry out."""
        raise TypeError(f"{self.target} was not read")
