# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One write of a shelf on its own, and what it came to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Optional

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import ResponseLost
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.execution import Execution
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.write import Write
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import (
    SHELF,
    Put,
    Reply,
    Service,
    ShelfKind,
    Take,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

FLAGS = ("changed", "done", "sent", "created", "adopted", "lost", "replan")
LOOK = "Look at it before you run the task again."
OPEN = (
    "s: create a was sent, and its answer was lost (no answer). Whether it ran is open (outcome_unknown) after reading "
    "for 20s; nothing was sent twice. Look before you run the task again: what the service still hides could be done "
    "a second time."
)
OPEN_DELETE = OPEN.replace("create a", "delete b")
BROKE = "s: create a failed: the shelf broke."
MEND = "Mend what the service names, then run the task again. [toy op1]"


def lost(*, effect: bool = False, after: float = 0.0) -> Reply:
    """No answer, whatever became of it."""
    return Reply(ResponseLost("no answer", subject="toy"), effect, after)


def idle(_now: Any) -> bool:
    """Nobody is at work."""
    return False


class Came(NamedTuple):
    """What a write came to."""

    flags: str
    error: Optional[str]
    sent: list[str]
    completed: Completed
    warnings: list[str]
    execution: Execution[frozenset[str]]


def write(
    service: Service, item: str = "a", *, wait: bool = True, is_busy: Callable[[Any], bool] = idle, **request: Any
) -> Came:
    """One item put on the shelf, or `b` taken off it."""

    async def main() -> Came:
        policy = WaitPolicy(Deadline(600.0), wait, poll_interval=5.0, settle_time=20.0)
        kind = ShelfKind(service, "", **request)
        action = Take(SHELF, "", item="b") if item == "b" else Put(SHELF, "", item=item)
        asked = kind.write(action, frozenset(), Progress())

        async def observe() -> frozenset[str]:
            return await kind.observe(for_write=False)

        execution = Execution(
            observe, policy, Progress(), "s", required_next=False, adopted=False, own=(), is_busy=is_busy
        )
        outcome = await Write(asked, execution, wait=wait).run()
        flags = " ".join(name for name in FLAGS if getattr(outcome, name))
        error = None if outcome.error is None else str(outcome.error)
        return Came(flags, error, service.sent, outcome.completed, execution.warnings, execution)

    return virtual(main)
