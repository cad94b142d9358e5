# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a point and a collection have in common on their way: what is under way already is waited for or told."""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod

from .._core.operation import Operation, wait
from .._core.plan import Plan
from .._providers.compute.entities import CollectionEntity, PointEntity
from .._restore_points.planner import is_on_its_way
from .resource_run import Run

Entity = t.TypeVar("Entity", CollectionEntity, PointEntity)


class ResourceTask(ABC, t.Generic[Entity]):
    """One resource that is to be `state`; `now` is how it was last read."""

    def __init__(self, run: Run, state: str) -> None:
        self.run = run
        self.now: Entity | None = None
        self._state = state

    @abstractmethod
    async def look(self) -> Plan:
        """Read and plan; nothing is written."""

    @abstractmethod
    def _on_its_way(self, now: Entity) -> Operation:
        """What has been begun with it, as an operation."""

    async def look_again(self) -> Plan:
        """The same after a lock, once nothing else is at it."""
        todo = await self.look()
        return await self.look() if await self.settle() else todo

    async def settle(self) -> bool:
        """Wait for what somebody else or an earlier run has begun with it; whether there was anything.

        Without `wait` only for one that is going and is to be there: nothing can be made before it is gone.
        """
        now = self.now
        if now is None or not is_on_its_way(now.state):
            return False
        self.run.operation = operation = self._on_its_way(now)
        if not self.run.pace.wait and (self._state == "absent" or now.state != "deleting"):
            return False
        await self._end(operation, f"{now.state} of it")
        return True

    async def _end(self, operation: Operation, context: str) -> None:
        pace = self.run.pace
        await wait(operation, pace.deadline, pace.poll_interval, subject=str(self.run.subject), context=context)
