# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many targets in one task: all are planned, the plans approved together, then carried out with bounded concurrency."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.approval import Approval
from .._core.errors import CheckpointError, Interrupted, InvalidInput, OutcomeUnknown, SignInRefused
from .concurrency import bounded
from .interruption import Interruption
from .kind import Kind
from .reconciler import Reconciler
from .waiting import WaitPolicy

Review = t.Callable[[t.Sequence[Reconciler[t.Any]]], None]
State = t.Literal["changed", "unchanged", "failed", "not_started", "outcome_unknown"]


@dataclass(frozen=True)
class FleetOptions:
    """How a task treats its targets. `check_only` ends after the plan.

    `review` looks at all plans together before they are approved; where it changes what a kind plans, it has that one
    plan again (`Reconciler.plan_again`).
    """

    policy: WaitPolicy
    approval: Approval | None = None
    concurrency: int = 4
    on_error: t.Literal["continue", "stop"] = "continue"
    check_only: bool = False
    interruption: Interruption = field(default_factory=Interruption)
    review: Review | None = None


@dataclass
class Member:
    """One target of a task: how far it came, and what stopped it."""

    reconciler: Reconciler[t.Any]
    error: CheckpointError | None = None
    started: bool = False
    finished: bool = False

    @property
    def state(self) -> State:
        """What became of it, in the words of the result."""
        if isinstance(self.error, OutcomeUnknown):
            return "outcome_unknown"
        if self.error is not None and (self.started or not isinstance(self.error, Interrupted)):
            return "failed"
        if not self.started:
            return "not_started"
        return "changed" if self.reconciler.changed else "unchanged"

    def fail(self, problem: CheckpointError) -> None:
        """Keep what stopped it."""
        self.error = self.reconciler.failure(problem)


async def reconcile(kinds: t.Sequence[Kind[t.Any]], options: FleetOptions) -> list[Member]:
    """Bring every target to its spec. Errors of single ones stay with their members; what concerns all is raised."""
    fleet = Fleet(kinds, options)
    with options.interruption.scope() as scope:
        await fleet.prepare()
        if not options.check_only:
            await fleet.carry_out()
    if scope.cancelled_caught:
        await fleet.interrupt(options.interruption.signal)
    return fleet.members


class Fleet:
    """The members of one task."""

    def __init__(self, kinds: t.Sequence[Kind[t.Any]], options: FleetOptions) -> None:
        self.members = [Member(Reconciler(kind, options.policy)) for kind in kinds]
        self._options = options
        self._stopped = False

    async def prepare(self) -> None:
        """Plan all, and hold the plans against the approval. An option that cannot be meant for one stops the task."""
        await self._each(self.members, self._prepare)
        for member in self.members:
            if isinstance(member.error, InvalidInput):
                raise member.error
        if self._options.review is not None:
            self._options.review([member.reconciler for member in self.members if member.error is None])
        if self._options.approval is not None:
            self._options.approval.check([member.reconciler.plan for member in self.members])

    async def carry_out(self) -> None:
        """Carry out the plans of those that could be planned; with on_error stop only if all could."""
        fit = [member for member in self.members if member.error is None]
        if self._options.on_error == "continue" or len(fit) == len(self.members):
            self._stopped = False
            await self._each(fit, self._carry_out)

    async def interrupt(self, signal: str) -> None:
        """What a signal has ended of each target that was not finished by then."""
        for member in self.members:
            if member.error is None and not member.finished:
                member.fail(await member.reconciler.interrupt(signal))

    async def _prepare(self, member: Member) -> None:
        await member.reconciler.prepare()

    async def _carry_out(self, member: Member) -> None:
        member.started = True
        await member.reconciler.carry_out(self._options.approval)
        member.finished = True

    async def _each(self, members: t.Sequence[Member], act: t.Callable[[Member], t.Awaitable[None]]) -> None:
        """`act` on each member. An error stays with its target, unless a sign-in fails before anything was sent."""

        async def guarded(member: Member) -> None:
            if self._stopped:
                return
            try:
                await act(member)
            except SignInRefused as problem:
                if not member.started:
                    raise  # while planning it concerns all, and nothing has been sent
                member.fail(problem)
                self._stopped = True
            except CheckpointError as problem:
                member.fail(problem)
                self._stopped = self._stopped or self._options.on_error == "stop"

        await bounded(members, guarded, self._options.concurrency)
