# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A shelf that notes what the engine asks of it, and when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Optional

import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.execution import Execution
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import WriteRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.reconciler import Reconciler
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import Put, ShelfKind
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

Items = frozenset[str]
Way = Reconciler[Items]


@dataclass(frozen=True)
class PutOnce(Put):
    """A new item that is read for before it is put."""

    once = True


@dataclass(frozen=True)
class PutAnyway(Put):
    """A new item that needs none of those before it."""

    relies = False


class LoggedShelf(ShelfKind):
    """`log` is what was asked, in order; `put` is the class of its creates."""

    put: type[Put] = Put
    fresh = True
    plan_warnings: tuple[str, ...] = ()
    refuses: Optional[CheckpointError] = None
    completed = Completed()
    unready: Optional[CheckpointError] = None
    executions: list[Execution[Items]]
    log: list[str]

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.log, self.executions = [], []

    def _note(self, text: str) -> None:
        self.log.append(f"{trio.current_time():g} {text}")

    async def observe(self, *, for_write: bool) -> Items:
        self._note("observe for a write" if for_write else "observe")
        return self.service.read()

    async def first_reading(self) -> Items:
        self._note("first reading")
        return self.service.read()

    async def read_before(self, action: Action, known: Items) -> Items:
        self._note(f"read before {action.title()}, knowing {''.join(sorted(known))}")
        return self.service.read()

    async def prove(self, known: Items) -> Items:
        self._note(f"prove, knowing {''.join(sorted(known))}")
        return self.service.read()

    def is_fresh(self, observed: Items) -> bool:
        return self.fresh

    def plan(self, observed: Items, progress: Progress[Items]) -> Plan:
        done = "".join(getattr(each, "item", "") for each in progress.actions)
        self._note(f"plan on {''.join(sorted(observed))}, done {done}")
        planned = super().plan(observed, progress)
        return Plan(self.target, tuple(self._as_asked(each) for each in planned.actions), self.plan_warnings)

    def _as_asked(self, action: Action) -> Action:
        return self.put(action.target, action.reason, item=action.item) if isinstance(action, Put) else action

    def write(self, action: Action, observed: Items, progress: Progress[Items]) -> WriteRequest[Items]:
        self._note(f"write {action.title()}")
        return super().write(action, observed, progress)

    async def require_ready(self, plan: Plan, observed: Items) -> None:
        self._note(f"require ready for {len(plan.actions)}")
        if self.refuses is not None:
            raise self.refuses

    async def readiness(self, observed: Items, execution: Execution[Items]) -> Completed:
        self._note(f"readiness of {''.join(sorted(observed))}")
        self.executions.append(execution)
        if self.unready is not None:
            raise self.unready
        return self.completed


async def whole(way: Way) -> None:
    """Prepare and carry out."""
    await way.prepare()
    await way.carry_out(None)


def go(
    kind: ShelfKind, act: Callable[[Way], Awaitable[Any]] = whole, *, wait: bool = True, seconds: float = 600.0
) -> tuple[Way, Optional[CheckpointError]]:
    """What `act` does with a reconciler, and the error that ended it."""

    async def main() -> tuple[Way, Optional[CheckpointError]]:
        way = Reconciler(kind, WaitPolicy(Deadline(seconds), wait, poll_interval=5.0, settle_time=20.0))
        try:
            await act(way)
        except CheckpointError as problem:
            return way, way.failure(problem)
        return way, None

    return virtual(main)
