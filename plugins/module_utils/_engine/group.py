# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many targets as one unit: all finish one stage before any begins the next, and a failure ends all.

The first stage ends with the last create of each plan, the second one is the rest. So nothing is removed, changed or
brought back before everything that the task makes exists on every target.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from .._core.approval import Approval
from .._core.errors import CheckpointError, Interrupted, SignInRefused
from .concurrency import Concurrency, Levels
from .member import Member
from .undo import Undo, undo
from .waiting import WaitPolicy

Act = t.Callable[[Member], t.Awaitable[None]]
Each = t.Callable[[t.Sequence[Member], Act, Concurrency], t.Awaitable[None]]
"""Does something with each member, so many at once, until one of them fails."""


@dataclass(frozen=True)
class Group:
    """What the user asks of a group. `given`: one target after another; `undo`: what a failed group has made goes."""

    order: t.Literal["given", "parallel"] = "given"
    on_failure: t.Literal["keep", "undo"] = "keep"

    def to_result(self) -> dict[str, str]:
        """How plans and results show it; an approval covers it."""
        return {"order": self.order, "on_failure": self.on_failure}

    def writing(self, levels: Levels) -> Concurrency:
        """How many targets are written to at once."""
        return Concurrency(1) if self.order == "given" else levels.writing


class GroupRun:
    """Carries out the plans of a group whose members could all be planned. `undoing`: it has failed, and goes back."""

    def __init__(
        self,
        members: t.Sequence[Member],
        each: Each,
        group: Group,
        policy: WaitPolicy,
        approval: Approval | None,
        levels: Levels,
    ) -> None:
        self._members, self._each, self._group = members, each, group
        self._policy, self._approval = policy, approval
        self._reading, self._writing = levels.reading, group.writing(levels)
        self._made = self._making = False
        self.undoing = False

    async def carry_out(self) -> None:
        """Stage by stage. Once everything that is to be made exists, nothing of it is undone any more."""
        self._making = True
        if not await self._all(self._make, self._writing):
            if self._group.on_failure == "undo":
                await self._undo()
            return
        self._making = False
        # Meanwhile others may have removed what the rest of a plan needs, on any target.
        if not self._made or await self._all(self._renew, self._reading):
            await self._all(self._complete, self._writing)

    async def _all(self, act: Act, concurrency: Concurrency) -> bool:
        """Whether it went well for all."""

        async def guarded(member: Member) -> None:
            try:
                await act(member)
            except CheckpointError:
                for other in self._members:
                    other.reconciler.waits_for_locks = False
                raise

        await self._each([each for each in self._members if not each.finished], guarded, concurrency)
        return all(each.error is None for each in self._members)

    async def _make(self, member: Member) -> None:
        """The first stage. A target without a second one is finished."""
        reconciler = member.reconciler
        first, second = reconciler.todo.halves()
        if second.writes and not first.writes:
            return
        member.started = True
        self._made = self._made or bool(first.writes)
        await reconciler.carry_out(self._approval, first_half=True)
        member.finished = not reconciler.todo.halves()[1].writes

    async def _renew(self, member: Member) -> None:
        await member.reconciler.renew(self._approval)

    async def _complete(self, member: Member) -> None:
        member.started = True
        await member.reconciler.carry_out(self._approval)
        member.finished = True

    def interrupt(self, signal: str) -> None:
        """Say of each target that a signal kept it from being undone."""
        if not self._making or self._group.on_failure != "undo":
            return
        for member in self._members:
            found = member.undo or self._due(member)
            if found.state in ("not_tried", "unknown") and found.error is None:
                subject = str(member.reconciler.kind.target)
                found = replace(found, error=Interrupted(f"ended by {signal} before it was undone.", subject=subject))
            member.undo = found

    @staticmethod
    def _due(member: Member) -> Undo:
        return Undo("not_tried" if member.reconciler.progress.begun else "not_needed")

    async def _undo(self) -> None:
        """Undo on every target what this run has made there, the last one first; none keeps the others from it."""
        self.undoing = True
        for member in self._members:
            member.undo = self._due(member)
        begun = [each for each in self._members if each.reconciler.progress.begun]
        # A write begun in the last moment would only leave an open question.
        if self._policy.deadline.remaining() >= min(1.0, self._policy.poll_interval):
            await self._writing.each(reversed(begun), self._undo_one)

    async def _undo_one(self, member: Member) -> None:
        refused = self._refused(member)
        if refused is not None:
            member.undo = Undo("not_tried", error=refused)
            return
        member.undo = Undo("unknown")  # a signal may end it at any point
        member.undo = await undo(member.reconciler)
        if member.undo.removed and member.error is not None:
            member.error.notes.append("What it had left behind was removed: the group was undone.")

    def _refused(self, member: Member) -> SignInRefused | None:
        """The sign-in that its service has refused: a password that is tried again for each VM locks the account."""
        service = member.reconciler.kind.target.service
        same = [each for each in self._members if each.reconciler.kind.target.service == service]
        problems = [each.error for each in same] + [each.undo.error for each in same if each.undo is not None]
        return next((problem for problem in problems if isinstance(problem, SignInRefused)), None)
