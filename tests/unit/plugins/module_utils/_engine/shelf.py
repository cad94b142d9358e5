# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kind that the engine has never heard of: a shelf that holds just the items it should, at a scripted service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Locked,
    ResponseLost,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline, Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import Target
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import (
    InProgress,
    Kind,
    Note,
    Remains,
    Reversal,
    Reversals,
    WriteRequest,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.reconciler import Reconciler
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

SHELF = Target(name="s", id="s", canonical="s", provider="toy", service="toy")
DONE = Status("succeeded")
BUSY = Status("failed", "Busy", "it is busy", locked=True)
FAILED = Status("failed", "Failed", "the shelf broke")
UNKNOWN = Status("unknown")


@dataclass(frozen=True)
class Change(Action):
    """An item is put on the shelf, or taken off it."""

    item: str = ""

    def details(self) -> dict[str, Any]:
        return {"item": self.item}

    def title(self) -> str:
        return f"{self.verb} {self.item}"


@dataclass(frozen=True)
class Put(Change):
    """A new item."""

    verb = "create"


@dataclass(frozen=True)
class Take(Change):
    """An item goes."""

    verb = "delete"


@dataclass(frozen=True)
class Reply:
    """What the service does with one write: whether it takes effect, `after` how many seconds, and what it answers."""

    answer: Status | CheckpointError = DONE
    effect: bool = True
    after: float = 0.0


LOST = ResponseLost("no answer", subject="toy")
LOCKED = Locked("busy", subject="s")


async def _nothing(_change: str) -> None:
    return


class Service:
    """A shelf whose writes go as written; a reading may be an error."""

    def __init__(self, *replies: Reply, items: str = "", readings: dict[int, CheckpointError] | None = None) -> None:
        self.items = set(items)
        self.sent: list[str] = []
        self.readings = 0
        self.before_reading: Callable[[int], None] = lambda _count: None
        self.before_write: Callable[[str], Awaitable[None]] = _nothing
        self.replies = list(replies)
        self._errors = readings or {}
        self._later: list[tuple[float, str]] = []

    def read(self) -> frozenset[str]:
        """The items now."""
        self.readings += 1
        self.before_reading(self.readings)
        if self.readings in self._errors:
            raise self._errors[self.readings]
        for when, change in [each for each in self._later if each[0] <= trio.current_time()]:
            self._later.remove((when, change))
            self._apply(change)
        return frozenset(self.items)

    async def write(self, change: str) -> Operation:
        """`+a` or `-a`."""
        await self.before_write(change)
        self.sent.append(change)
        reply = self.replies.pop(0) if self.replies else Reply()
        if reply.effect and reply.after:
            self._later.append((trio.current_time() + reply.after, change))
        elif reply.effect:
            self._apply(change)
        if isinstance(reply.answer, CheckpointError):
            raise reply.answer
        status = reply.answer

        async def poll() -> Status:
            return status

        return Operation("toy", f"op{len(self.sent)}", poll, trio.current_time())

    def _apply(self, change: str) -> None:
        (self.items.add if change[0] == "+" else self.items.discard)(change[1:])


class ShelfKind(Kind[frozenset[str]]):
    """The shelf holds just the `wanted` items: new ones first, then others go."""

    def __init__(self, service: Service, wanted: str, *, target: Target = SHELF, **request: Any) -> None:
        self.target = target
        self.service, self.wanted, self.request = service, set(wanted), request
        self.note: Note | None = None
        self.proven = True
        self.pending: list[InProgress] = []

    async def observe(self, *, for_write: bool) -> frozenset[str]:
        """The items."""
        return self.service.read()

    async def in_progress(
        self, observed: frozenset[str], progress: Progress[frozenset[str]]
    ) -> tuple[frozenset[str], InProgress | None]:
        """What a test has said."""
        return observed, self.pending.pop(0) if self.pending else None

    def plan(self, observed: frozenset[str], progress: Progress[frozenset[str]]) -> Plan:
        """What is missing, then what is too much."""
        puts = [Put(self.target, "it is missing", item=each) for each in sorted(self.wanted - observed)]
        takes = [Take(self.target, "nobody wants it", item=each) for each in sorted(observed - self.wanted)]
        return Plan(self.target, (*puts, *takes))

    def write(
        self, action: Action, observed: frozenset[str], progress: Progress[frozenset[str]]
    ) -> WriteRequest[frozenset[str]]:
        """What an action sends and what proves it."""
        assert isinstance(action, Change)
        item, put = action.item, isinstance(action, Put)

        def verified(now: frozenset[str]) -> bool:
            return (item in now) is put

        request = WriteRequest[frozenset[str]](
            context=action.title(),
            send=lambda: self.service.write(f"{'+' if put else '-'}{item}"),
            verified=verified,
            may_resend=None if put else lambda _now: True,
            remains=lambda now: Remains(verified(now)),
            nonce=f"n{len(self.service.sent)}",
        )
        return replace(request, **self.request)

    def reversals(self, observed: frozenset[str], progress: Progress[frozenset[str]]) -> Reversals:
        """What this run has put is taken; of what a test has not `proven` nobody knows."""
        puts = [each for each in progress.done if isinstance(each.action, Put)]
        if not self.proven:
            return super().reversals(observed, progress)
        writes = [each for each in puts if isinstance(each.action, Put) and each.action.item in observed]
        return Reversals(
            tuple(Reversal(Take(self.target, "undo", item=getattr(each.action, "item", "")), each) for each in writes),
            tuple(each for each in puts if each not in writes),
            tuple(each for each in progress.unsettled if isinstance(each, Put)),
        )

    async def describe_state(
        self, observed: frozenset[str], progress: Progress[frozenset[str]], *, read: bool = True
    ) -> Note | None:
        """What a test has said."""
        return self.note


def run(
    kind: ShelfKind, *, seconds: float = 600.0, wait: bool = True, approval: Any = None
) -> tuple[Reconciler[frozenset[str]], CheckpointError | None]:
    """The whole way of the shelf, and what ended it."""

    async def main() -> tuple[Reconciler[frozenset[str]], CheckpointError | None]:
        policy = WaitPolicy(Deadline(seconds), wait, poll_interval=5.0, settle_time=20.0)
        reconciler = Reconciler(kind, policy)
        try:
            await reconciler.prepare()
            await reconciler.carry_out(approval)
        except CheckpointError as problem:
            return reconciler, reconciler.failure(problem)
        return reconciler, None

    return virtual(main)
