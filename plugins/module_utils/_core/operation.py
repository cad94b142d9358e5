# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An operation that a service runs for us, and the one place that waits for it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace
from datetime import datetime

from .._deps import anyio
from .errors import BadResponse, NotFound, TimedOut, Unavailable, Unreachable
from .times import show_seconds

State = t.Literal["running", "succeeded", "failed", "unknown"]
LAST_LOOK = 2.0
"""Seconds before the deadline in which the last look is taken, however long the service asks to wait."""
NO_SENSE_FOR = 60.0
"""Seconds for which answers that make no sense, such as a proxy's page, are looked past: as for a 502 of a reading."""
NO_SENSE_LOOKS = 3
"""At least so many of them in a row are looked past."""


@dataclass(frozen=True)
class Waiting:
    """What a task waits for right now: whose step, how far the service says it is, and for how many seconds so far.

    `operation` names it as errors do, such as `job 8f408179`. `over`: it is waited for no longer, however it ended.
    """

    subject: str
    context: str
    percent: int | None = None
    seconds: float = 0.0
    operation: str = ""
    over: bool = False


Report = t.Callable[[Waiting], None]
"""Hears, after each look, what is waited for, and when that is over."""


def unheard(waiting: Waiting) -> None:
    """Nobody follows the task."""


class Deadline:
    """One monotonic end for a whole task, on anyio's clock. `total` is in seconds, as the user set it."""

    def __init__(self, total: float) -> None:
        self.total = total
        self._end: float = anyio.current_time() + total

    def remaining(self) -> float:
        """Seconds left, never negative."""
        return max(0.0, self._end - anyio.current_time())

    async def sleep(self, seconds: float) -> bool:
        """Wait, but not beyond the end; False when the end has come."""
        await anyio.sleep(min(seconds, self.remaining()))
        return self.remaining() > 0


class Pauses:
    """The pauses between looks at one thing. The last one leaves time for a look: what a deadline reports is so."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._is_last = False

    async def next(self, seconds: float) -> bool:
        """Wait until the next look is due; False when the last one has been taken and the end has come."""
        left = self._deadline.remaining()
        if seconds < left:
            return await self._deadline.sleep(seconds)
        if self._is_last or left <= LAST_LOOK:
            return await self._deadline.sleep(left)
        self._is_last = True
        return await self._deadline.sleep(left - LAST_LOOK)


@dataclass(frozen=True)
class Status:
    """What one look at an operation says.

    `unknown` means that the service does not (or no longer) know the operation, or that what it answers makes no sense
    (`message` says what that was): only reading can tell then.
    `locked` marks a failure that changed nothing because another job held the VM; `details` is a failure's own error
    where it has a structure.
    """

    state: State
    text: str = ""
    message: str = ""
    code: str = ""
    percent: int | None = None
    locked: bool = False
    warnings: tuple[str, ...] = ()
    retry_after: float | None = None
    request_id: str | None = None
    details: dict[str, t.Any] | None = None


@dataclass
class Operation:
    """A write that was accepted. `poll` looks once; `id` is safe to show (never a signed URL).

    `began` is the service's own time of its start, where it tells one, and `work` the verb it carries out. `joined`
    says that another run has started it, and this one only waits for it, `created` that the service's answer says that
    it has made something new (201), `made_id` which id that has, where the answer tells it, `replaced` that the answer
    to a PUT says that the thing was there (200). `last` is what was last seen of it; before the first look it may hold
    the Retry-After of the answer that accepted the write. `warnings` are about the write itself.
    """

    kind: str
    id: str | None
    poll: t.Callable[[], t.Awaitable[Status]]
    started: float = 0.0
    last: Status = Status("running")
    seconds: float = 0.0
    request_id: str | None = None
    began: datetime | None = None
    work: str | None = None
    joined: bool = False
    created: bool = False
    made_id: str | None = None
    replaced: bool = False
    warnings: tuple[str, ...] = ()

    def to_result(self) -> dict[str, t.Any]:
        """The `operation` key of results and errors."""
        return {
            "kind": self.kind,
            "id": self.id,
            "status": self.last.state,
            "percent": self.last.percent,
            "seconds": round(self.seconds, 1),
        }


def watched(kind: str, name: str, poll: t.Callable[[], t.Awaitable[Status]], last: Status) -> Operation:
    """A resource's own state, as it was just seen to be, as an operation to wait for: whoever has begun it."""
    return Operation(kind, name, poll, anyio.current_time(), last=last, joined=True)


async def wait(
    operation: Operation, deadline: Deadline, interval: float, *, subject: str, context: str, report: Report = unheard
) -> Status:
    """Look until the operation has ended or is unknown; TimedOut at the deadline, which names it.

    The first look comes at once and the pauses grow to `interval` seconds; a service's Retry-After wins over both, the
    first one too. An answer that makes no sense, and a 404, are nobody's word for the operation's end: they are looked
    past for NO_SENSE_FOR.
    """
    last: Waiting | None = None

    def note(waiting: Waiting) -> None:
        nonlocal last
        last = waiting
        report(waiting)

    try:
        return await _look_until_over(operation, deadline, interval, subject, context, note)
    finally:
        if last is not None:
            report(replace(last, over=True))


class _Nonsense:
    """Answers in a row that make no sense."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._count = 0

    def is_too_much(self) -> bool:
        """Count one more; whether the next is not waited for."""
        self._since = anyio.current_time() if self._since is None else self._since
        self._count += 1
        return self._count > NO_SENSE_LOOKS and anyio.current_time() - self._since >= NO_SENSE_FOR


async def _look_until_over(
    operation: Operation, deadline: Deadline, interval: float, subject: str, context: str, report: Report
) -> Status:
    pause, pauses, nonsense = min(interval, 1.0), Pauses(deadline), _Nonsense()
    if operation.last.state == "running" and operation.last.retry_after:
        await pauses.next(operation.last.retry_after)
    while True:
        hidden = ""
        try:
            operation.last = await operation.poll()
            nonsense = _Nonsense()
        except (BadResponse, NotFound) as problem:
            hidden = problem.message
            if nonsense.is_too_much():
                hidden, operation.last = "", Status("unknown", "no sense", hidden)
        except (Unavailable, Unreachable) as problem:
            # Whatever keeps us from looking, it may go on: it is looked at again, and never "safe" to start anew.
            hidden = problem.message
        operation.seconds = anyio.current_time() - operation.started
        if not hidden and operation.last.state != "running":
            return operation.last
        name = f"{operation.kind} {operation.id}" if operation.id else ""
        report(Waiting(subject, context, operation.last.percent, operation.seconds, name))
        if hidden and deadline.remaining() <= LAST_LOOK:  # that is for a reading of what it may have led to
            raise _timed_out(operation, deadline, subject, context, hidden)
        wanted = None if hidden else operation.last.retry_after
        if not await pauses.next(pause if wanted is None else max(wanted, 0.5)):
            raise _timed_out(operation, deadline, subject, context, hidden)
        pause = min(interval, pause * 1.5)


def _timed_out(operation: Operation, deadline: Deadline, subject: str, context: str, hidden: str) -> TimedOut:
    seen = hidden or (f"last seen: {operation.last.text}" if operation.last.text else "")
    state = "could not be seen any more" if hidden else "was still running"
    said = f" ({seen.rstrip('.')})" if seen else ""
    problem = TimedOut(
        f"{context} {state} at the task's deadline of {show_seconds(deadline.total)}{said}; nothing was sent twice.",
        subject=subject,
        remedy="Raise wait_timeout, or look at the operation and run the task again.",
        operation=operation.to_result(),
        request_id=operation.request_id,
    )
    problem.unseen = bool(hidden)
    return problem
