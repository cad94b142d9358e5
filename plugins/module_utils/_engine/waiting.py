# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task waits: for operations, for locks to go, for a reading that proves something."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._core.errors import BadResponse, CheckpointError, Locked, OperationFailed
from .._core.operation import Deadline, Operation, Pauses, Report, Status, Waiting, unheard, wait
from .._core.times import show_seconds
from .._deps import anyio

Observed = t.TypeVar("Observed")
LONGEST_PAUSE = 60.0
"""Seconds between two tries after a lock, unless poll_interval is longer."""


@dataclass(frozen=True)
class WaitPolicy:
    """The task's one deadline and its intervals in seconds. Without `wait` it ends when its last write is accepted.

    `report` hears what is waited for.
    """

    deadline: Deadline
    wait: bool = True
    poll_interval: float = 5.0
    settle_time: float = 120.0
    report: Report = unheard

    async def ended(self, operation: Operation, subject: str, context: str) -> Status:
        """Wait for the operation's end. A failure is OperationFailed, a lock Locked; `unknown` is left to reading."""
        status = await wait(
            operation, self.deadline, self.poll_interval, subject=subject, context=context, report=self.report
        )
        if status.state != "failed":
            return status
        kind: type[CheckpointError] = Locked if status.locked else OperationFailed
        outcome = "is locked out" if status.locked else "failed"
        raise kind(
            f"{context} {outcome}: {(status.message or status.text).rstrip('. ')}.",
            subject=subject,
            remedy="" if status.locked else "Mend what the service names, then run the task again.",
            operation=operation.to_result(),
            request_id=status.request_id,
            details=status.details,
        )

    async def read_until(
        self,
        observe: t.Callable[[], t.Awaitable[Observed]],
        verified: t.Callable[[Observed], bool],
        tries: int | None = None,
        is_busy: t.Callable[[Observed], bool] | None = None,
    ) -> tuple[Observed, bool]:
        """Read until `verified`, at most `settle_time` (or `tries` readings) and never beyond the deadline.

        While the target `is_busy` the time does not count: what is at work may be what is looked for. An answer that
        makes no sense shows nothing yet and is no try; only as the last one it is the error.
        Returns the last reading, and whether it was verified.
        """
        end = anyio.current_time() + self.settle_time
        count, pause, pauses = 0, min(1.0, self.poll_interval), Pauses(self.deadline)
        while True:
            reading = await _reading(observe)
            if not isinstance(reading, BadResponse):
                count += 1
                if verified(reading):
                    return reading, True
                if is_busy is not None and is_busy(reading):
                    end = anyio.current_time() + self.settle_time
            over = anyio.current_time() >= end or (tries is not None and count >= tries)
            if over or not await pauses.next(min(pause, max(0.0, end - anyio.current_time()))):
                if isinstance(reading, BadResponse):
                    raise reading
                return reading, False
            pause = min(pause * 1.5, self.poll_interval)

    async def read(self, observe: t.Callable[[], t.Awaitable[Observed]]) -> Observed:
        """A reading behind a write: an answer that makes no sense is read again, for `settle_time`."""
        return (await self.read_until(observe, lambda _observed: True))[0]

    async def backoff(self, problem: Locked, pause: float, subject: str) -> float:
        """Let the other work end; the lock as an error when the deadline comes first.

        No try comes before the service's Retry-After, but for the last one before the deadline. Returns the next pause:
        they grow, for on Azure each refused create costs one of three in an hour.
        """
        # A write begun in the last moment would only leave an open question.
        enough = min(1.0, self.poll_interval)
        wanted = min(max(pause, problem.retry_after or 0.0), max(self.deadline.remaining() - 2 * enough, enough))
        waiting = Waiting(subject, "locked by other work", seconds=self.deadline.total - self.deadline.remaining())
        self.report(waiting)
        try:
            in_time = await self.deadline.sleep(wanted)
        finally:
            self.report(replace(waiting, over=True))
        if not in_time or self.deadline.remaining() < enough:
            after = show_seconds(self.deadline.total)
            problem.message = f"{problem.message.rstrip('.')}. Still locked after {after}."
            problem.changed_nothing = True
            problem.subject, problem.remedy = subject, "Raise wait_timeout or try again."
            raise problem
        return min(pause * 2, max(LONGEST_PAUSE, self.poll_interval))


async def _reading(observe: t.Callable[[], t.Awaitable[Observed]]) -> Observed | BadResponse:
    """A reading, or the answer that makes no sense."""
    try:
        return await observe()
    except BadResponse as problem:
        return problem
