# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind may ask of the engine while one of its writes is carried out."""

from __future__ import annotations

import typing as t

from .._core.operation import Operation
from .progress import Progress
from .waiting import WaitPolicy

Observed = t.TypeVar("Observed")
Seen = t.TypeVar("Seen")


class Execution(t.Generic[Observed]):
    """Waiting and reading for one write.

    `required_next`: the rest of the plan needs what this action makes. `adopted`: the answer was lost, and the thing
    was found by reading. `is_busy` says of a reading whether it shows work on the target; `observed` is the last one,
    `warnings` what the write and what was awaited warn of. A reading may take `settle_time` (seconds) to show what was
    done; `waits`: the task waits for what it has started.
    """

    def __init__(
        self,
        observe: t.Callable[[], t.Awaitable[Observed]],
        policy: WaitPolicy,
        progress: Progress[Observed],
        subject: str,
        *,
        required_next: bool,
        adopted: bool,
        own: t.Container[str | None],
        is_busy: t.Callable[[Observed], bool],
    ) -> None:
        self.progress, self.subject = progress, subject
        self.required_next, self.adopted = required_next, adopted
        self.observed: Observed | None = None
        self.operation: Operation | None = None
        self.warnings: list[str] = []
        self._observe, self._policy, self._own = observe, policy, own
        self.is_busy, self.settle_time, self.waits = is_busy, policy.settle_time, policy.wait

    async def read(self, look: t.Callable[[], t.Awaitable[Seen]]) -> Seen:
        """Look at anything behind a write; an answer that makes no sense is looked past until settle_time is over."""
        return await self._policy.read(look)

    async def observe(self) -> Observed:
        """Read the target, in the same way."""
        observed = await self.read(self._observe)
        self.observed = observed
        return observed

    async def until(
        self,
        verified: t.Callable[[Observed], bool],
        tries: int | None = None,
        *,
        outlast: bool = False,
    ) -> tuple[Observed, bool]:
        """Read until `verified` or `settle_time` is over: the last reading, and whether it was verified.

        With `outlast` it is not over as long as the target is busy.
        """
        busy = self.is_busy if outlast else None
        observed, shown = await self._policy.read_until(self._observe, verified, tries, busy)
        self.observed = observed
        return observed, shown

    async def ended(self, operation: Operation, context: str) -> str:
        """Wait for the operation: its last state. Its failure is OperationFailed, a lock Locked."""
        status = await self._policy.ended(operation, self.subject, context)
        self.warnings += [f"{context}: {text}" for text in status.warnings]
        return status.state

    def is_own(self, operation: Operation) -> bool:
        """Whether this run has started that operation."""
        return operation.id in self._own
