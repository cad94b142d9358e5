# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many targets in one task: all are planned, the plans approved together, then carried out with bounded concurrency."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from functools import partial

from .._core.approval import Approval
from .._core.errors import CheckpointError, PlanChanged, SignInRefused
from .._core.plan import in_stages
from .concurrency import Concurrency, Levels, each_at_its_level
from .group import Group, GroupRun
from .interruption import Interruption
from .kind import Kind
from .member import Member
from .patience import Patience
from .reconciler import Reconciler
from .unread import Unread
from .waiting import WaitPolicy

Review = t.Callable[[t.Sequence[Reconciler[t.Any]]], None]


@dataclass(frozen=True)
class FleetOptions:
    """How a task treats its targets. `check_only` ends after the plan. A `group` stops at the first failure.

    `review` looks at all plans together before they are approved; where it changes what a kind plans, it has that one
    plan again (`Reconciler.plan_now`).
    `show` makes a result's element of a target. With it, what was read of a target is let go as soon as that is made,
    so that thousands of targets need no more memory than their results. It does not go with `review`.
    """

    policy: WaitPolicy
    approval: Approval | None
    levels: Levels
    on_error: t.Literal["continue", "stop"]
    check_only: bool
    interruption: Interruption
    group: Group | None
    show: t.Callable[[Member], t.Any] | None
    review: Review | None = None


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
    """The members of one task.

    Where nothing needs all plans at once, a target that has to wait before it can be planned, or whose service takes
    long to answer, is postponed: it holds up no other, and is planned when its turn to be written to comes.
    """

    def __init__(self, kinds: t.Sequence[Kind[t.Any]], options: FleetOptions) -> None:
        self.members = [Member(Reconciler(kind, options.policy)) for kind in kinds]
        self._options, self._stops = options, options.on_error == "stop"
        self._stopped = self._sends = self._held = False
        self._group: GroupRun | None = None
        self._patience: Patience | None = None if self._needs_all_plans() else Patience(options.policy.deadline)

    def _needs_all_plans(self) -> bool:
        options = self._options
        whole = options.check_only or self._stops or options.group is not None
        digest = options.approval is not None and options.approval.is_of_all
        return whole or digest or options.review is not None or len(self.members) == 1

    async def prepare(self) -> None:
        """Plan all, and hold the plans against the approval. An option that cannot be meant for one stops the task."""
        known = []
        for member in self.members:
            if isinstance(member.reconciler.kind, Unread):
                member.fail(member.reconciler.kind.problem)
            else:
                known.append(member)
        levels = self._options.levels
        await each_at_its_level(
            known,
            lambda member: levels.of(member.reconciler.kind.target.service).reading,
            partial(self._guarded, self._prepare, stop=self._stops),
        )
        for member in self.members:
            if member.error is not None and member.reconciler.kind.is_for_all(member.error):
                raise member.error
        if self._options.review is not None:
            self._options.review([member.reconciler for member in self.members if member.error is None])
        self._approve()

    async def carry_out(self) -> None:
        """Carry out the plans of those that could be planned; in a group and with on_error stop only if all could."""
        fit = [member for member in self.members if member.error is None]
        whole, options = len(fit) == len(self.members), self._options
        self._sends = True
        if self._held:
            return
        if options.group is not None and whole:
            asked = (options.group, options.policy, options.approval, options.levels)
            self._group = GroupRun(fit, self._each, *asked)
            await self._group.carry_out()
        elif options.group is None and (whole or not self._stops):
            await self._each_of_its_service(sorted(fit, key=lambda member: member.postponed))

    async def interrupt(self, signal: str) -> None:
        """What a signal has ended of each target that was not finished by then."""
        for member in self.members:
            # Once a group is being undone, no target is on its way any more.
            if member.error is None and not member.finished and not (self._group and self._group.undoing):
                member.fail(await member.reconciler.interrupt(signal))
        if self._group is not None:
            self._group.interrupt(signal)

    def _approve(self) -> None:
        """Hold the plans against the approval; not those of a group that is not carried out, whose errors say why."""
        approval, group = self._options.approval, self._options.group
        plans = [member.reconciler.plan for member in self.members]
        if approval is None:
            return
        failed = [member.error for member in self.members if member.error is not None]
        try:
            if group is None:
                approval.check(plans)
            elif not failed:
                approval.check(in_stages(plans), group=group.to_result())
        except PlanChanged:
            if not (failed and approval.is_of_all):
                raise
            # Without the plans that could not be made nobody knows whether the rest is what was approved.
            failed[0].notes.append("The approved digest is that of all plans together, so nothing was done.")
            self._held = True

    async def _prepare(self, member: Member) -> None:
        if self._patience is None:
            await member.reconciler.prepare()
        else:
            ready = partial(member.reconciler.prepare, patient=False)
            member.postponed = not await self._patience.with_one(member.reconciler.kind.target.service, ready)
        if member.postponed:
            member.reconciler.release()
        else:
            self._let_go(member)

    async def _carry_out(self, member: Member) -> None:
        approval = self._options.approval
        if member.postponed:
            await member.reconciler.prepare()
            if approval is not None:
                approval.check([member.reconciler.plan])
        member.started = True
        await member.reconciler.carry_out(approval)
        member.finished = True
        self._let_go(member)

    def _let_go(self, member: Member) -> None:
        """Keep what the result shows, and nothing else that was read: where not all targets are at work at once."""
        show, few = self._options.show, len(self.members) <= self._options.levels.writing.start
        if show is None or few or self._options.group is not None:
            return
        if member.shown is None or member.reconciler.observed is not None:
            member.shown = show(member)
        member.reconciler.release()

    async def _each_of_its_service(self, members: t.Sequence[Member]) -> None:
        levels = self._options.levels

        def level_of(member: Member) -> Concurrency:
            kind = member.reconciler.kind
            return levels.of(kind.target.service).writing(kind.at_once)

        await each_at_its_level(members, level_of, partial(self._guarded, self._carry_out, stop=self._stops))

    async def _each(
        self,
        members: t.Sequence[Member],
        act: t.Callable[[Member], t.Awaitable[None]],
        concurrency: Concurrency,
    ) -> None:
        """`act` on each member of a group, until one of them fails."""
        await concurrency.each(members, partial(self._guarded, act, stop=True))

    async def _guarded(self, act: t.Callable[[Member], t.Awaitable[None]], member: Member, *, stop: bool) -> None:
        """An error stays with its target, unless a sign-in fails before anything was sent."""
        if self._stopped:
            return
        try:
            await act(member)
        except CheckpointError as problem:
            refused = isinstance(problem, SignInRefused)
            if refused and not self._sends:
                raise  # while planning it concerns all, and nothing has been sent
            member.fail(problem)
            self._let_go(member)
            self._stopped = self._stopped or refused or stop
