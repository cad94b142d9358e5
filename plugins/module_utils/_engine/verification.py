# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what was started, and reading until it is proven."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta

from .._core.errors import (
    CheckpointError,
    Forbidden,
    InvalidInput,
    Locked,
    NotFound,
    NotVerified,
    OperationFailed,
    OutcomeUnknown,
    SignInRefused,
    Unavailable,
    Unreachable,
)
from .._core.model import VM, Inventory
from .._core.operation import Deadline, Operation, Status, wait
from .._core.times import show_seconds
from .._deps import anyio
from .._http.client import ResponseLost
from .._providers.base import Provider

Proven = t.Callable[[Inventory], bool]
Read = t.TypeVar("Read")


@dataclass(frozen=True)
class Pace:
    """How a task waits, in seconds. `wait` False returns once the last write is accepted."""

    deadline: Deadline
    wait: bool = True
    poll_interval: float = 5.0
    settle_time: float = 120.0


async def ended(operation: Operation, pace: Pace, subject: str, context: str) -> Status:
    """Wait for the operation. Its failure is an error, a lock is Locked; one that is unknown is left to reading."""
    status = await wait(operation, pace.deadline, pace.poll_interval, subject=subject, context=context)
    if status.state != "failed":
        return status
    kind: type[CheckpointError] = Locked if status.locked else OperationFailed
    raise kind(
        f"{context} {'is locked out' if status.locked else 'failed'}: {(status.message or status.text).rstrip('. ')}.",
        subject=subject,
        remedy="" if status.locked else "Mend what the service names, then run the task again.",
        operation=operation.to_result(),
        request_id=status.request_id,
        details=status.details,
    )


async def sit_out(problem: Locked, pause: float, pace: Pace, subject: str, *, changed: bool) -> None:
    """Let the other work that a lock is about end; the lock as an error when the deadline comes first.

    The pauses grow from one to the next: on Azure each refused create costs one of three in an hour.
    """
    # A write begun in the last moment would only leave an open question.
    enough, deadline = min(1.0, pace.poll_interval), pace.deadline
    pause = min(pause, max(deadline.remaining() - 2 * enough, enough))
    if not await deadline.sleep(pause) or deadline.remaining() < enough:
        problem.message = f"{problem.message.rstrip('.')}, still after {show_seconds(deadline.total)}."
        problem.changed_nothing = not changed
        problem.subject, problem.remedy = subject, "Raise wait_timeout or try again."
        raise problem


async def read_until(
    read: t.Callable[[], t.Awaitable[Read]],
    proven: t.Callable[[Read], bool],
    pace: Pace,
    tries: int | None = None,
) -> tuple[Read] | None:
    """Read until `proven`, at most `settle_time` (or `tries` readings) and never beyond the deadline.

    What was read, in a tuple of one (it may be None itself: gone), or None when it was not proven in time.
    """
    end = anyio.current_time() + pace.settle_time
    count, pause = 0, min(1.0, pace.poll_interval)
    while True:
        now = await read()
        count += 1
        if proven(now):
            return (now,)
        if anyio.current_time() >= end or (tries is not None and count >= tries):
            return None
        if not await pace.deadline.sleep(min(pause, max(0.0, end - anyio.current_time()))):
            return None
        pause = min(pause * 1.5, pace.poll_interval)


def unsettled(problem: ResponseLost, subject: str, what: str, pace: Pace) -> OutcomeUnknown:
    """A lost answer that reading could not settle."""
    return OutcomeUnknown(
        f"{what} was sent, and its answer was lost ({problem.message.rstrip('.')}). Whether it ran is open "
        f"(outcome_unknown) after reading for {show_seconds(pace.settle_time)}; nothing was sent twice.",
        subject=subject,
        status=problem.status,
        request_id=problem.request_id,
        correlation_id=problem.correlation_id,
        details=problem.details,
        remedy="Look before you run the task again: what the service still hides could be done a second time.",
    )


CLAIMING = (Forbidden, InvalidInput, NotFound, SignInRefused, Unavailable, Unreachable)
"""Errors that say, or let one think, that nothing was changed: not to be told once a write has left."""


def unread(problem: CheckpointError, subject: str, what: str) -> OutcomeUnknown:
    """A write was sent, and what came of it cannot be read."""
    lost = _lost_before(problem)
    answer = f", its answer was lost ({lost.message.rstrip('.')})," if lost else ""
    return OutcomeUnknown(
        f"{what} was sent{answer} and reading what came of it failed: {problem.message.rstrip('.')}. Whether it ran is "
        "open (outcome_unknown); nothing was sent twice.",
        subject=subject,
        status=problem.status,
        request_id=problem.request_id,
        correlation_id=problem.correlation_id,
        details=problem.details,
        operation=problem.operation,
        remedy="Look at it before you run the task again.",
    )


def not_shown(subject: str, context: str, operation: Operation, pace: Pace) -> NotVerified:
    """An operation that succeeded and left no trace."""
    return NotVerified(
        f"{context} was reported as done, but reading does not show it after {show_seconds(pace.settle_time)}.",
        subject=subject,
        operation=operation.to_result(),
        remedy="Look at it before you run the task again.",
    )


def _lost_before(problem: BaseException) -> ResponseLost | None:
    """The lost answer that was being settled when `problem` came."""
    earlier = problem.__context__
    while earlier is not None and not isinstance(earlier, ResponseLost):
        earlier = earlier.__context__
    return earlier


class Proof:
    """Of one provider's operations, at one pace. `own` are the ids of operations that this run has started already."""

    def __init__(self, provider: Provider, pace: Pace, own: t.Container[str | None] = ()) -> None:
        self._provider = provider
        self._pace = pace
        self._own = own

    async def ended(self, operation: Operation, vm: VM, context: str) -> Status:
        """Wait for the operation; see ended()."""
        return await ended(operation, self._pace, str(vm), context)

    async def until(self, vm: VM, proven: Proven, tries: int | None = None) -> Inventory | None:
        """Read the VM until `proven`; None when it is not within the time."""
        seen = await read_until(lambda: self._provider.read(vm), proven, self._pace, tries)
        return seen[0] if seen else None

    async def started_since(self, vm: VM, since: datetime, work: str) -> Operation | None:
        """The operation whose start was lost: of that verb, running or begun after the last reading before it."""
        found = await self._provider.latest(vm)
        if found is None or found.work != work or found.id in self._own:
            return None
        if found.last.state == "running":
            return found
        # The Date header, and so `since`, counts whole seconds.
        return found if found.began is not None and found.began >= since - timedelta(seconds=1) else None

    def unsettled(self, problem: ResponseLost, vm: VM, what: str) -> OutcomeUnknown:
        """A lost answer that reading could not settle."""
        return unsettled(problem, str(vm), what, self._pace)

    def not_shown(self, vm: VM, context: str, operation: Operation) -> NotVerified:
        """An operation that succeeded and left no trace."""
        return not_shown(str(vm), context, operation, self._pace)
