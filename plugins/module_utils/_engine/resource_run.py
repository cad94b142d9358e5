# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One resource's way through a task: what was planned, sent, proven and told."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager
from dataclasses import replace

from .._core.errors import CheckpointError, Locked, NotFound
from .._core.operation import Operation, Status
from .._core.plan import Action, Approval, DeleteResource, Plan, to_result
from .._deps import anyio
from .._http.client import ResponseLost
from .._providers.compute.entities import CollectionEntity, PointEntity
from .._restore_points import results as shapes
from .._restore_points.planner import Resource, is_another
from .verification import CLAIMING, Pace, ended, not_shown, read_until, sit_out, unread, unsettled

Read = t.TypeVar("Read")
Kind = t.TypeVar("Kind", CollectionEntity, PointEntity)
Look = t.Callable[[], t.Awaitable[Plan]]


class Run:
    """One resource's way through a task; `begun` is when the task began, on anyio's clock."""

    def __init__(self, subject: Resource, pace: Pace, begun: float) -> None:
        self.subject = subject
        self.pace = pace
        self.plan = self.todo = Plan(subject)
        self.operation: Operation | None = None
        self.changed = False
        self.adopted = False  # the last write's answer was lost: what reading has shown may be another run's
        self.warnings: list[str] = []
        self.timing: dict[str, float] = {}
        self._begun = begun
        self._done: list[Action] = []
        self._deleted = False  # a DELETE has left whose answer was lost
        self._going: CollectionEntity | PointEntity | None = None  # what the last DELETE is of

    def planned(self, todo: Plan) -> None:
        """What is to be done from here on; the task's plan also holds what was done before."""
        if self._deleted and not any(isinstance(action, DeleteResource) for action in todo.writes):
            # What went after a DELETE whose answer was lost went by it.
            self._done += [action for action in self.todo.writes if isinstance(action, DeleteResource)]
            self.changed, self._deleted = True, False
        self.todo = todo
        self.plan = replace(todo, actions=(*self._done, *todo.actions))
        self.timing.setdefault("read", anyio.current_time() - self._begun)

    def differs(self, drift: tuple[dict[str, t.Any], ...]) -> None:
        """What the resource has otherwise than asked for, and keeps."""
        self.plan = replace(self.plan, drift=drift)

    async def carry_out(
        self, do: t.Callable[[Action, bool], t.Awaitable[bool]], look: Look, approval: Approval | None
    ) -> None:
        """`do` each step of the plan, told whether to wait for it; after a lock look and plan again.

        `do` returns whether the rest of the plan still fits what it has read: else it is made anew at once. A plan made
        anew is held against the approval before anything is written.
        """
        start, pause = anyio.current_time(), self.pace.poll_interval
        try:
            while True:
                try:
                    if await self._do(do):
                        return
                except Locked as problem:
                    await sit_out(problem, pause, self.pace, str(self.subject), changed=self.changed)
                    pause = min(pause * 2, max(60.0, self.pace.poll_interval))
                self.planned(await look())
                if approval is not None:
                    approval.check([self.todo], part=True, done=self._done)
        finally:
            self.timing["apply"] = anyio.current_time() - start

    async def _do(self, do: t.Callable[[Action, bool], t.Awaitable[bool]]) -> bool:
        writes = self.todo.writes
        for position, action in enumerate(writes):
            fits = await do(action, self.pace.wait or position < len(writes) - 1)
            self._done.append(action)
            self._deleted = False
            if not fits:
                return False
        return True

    async def send(
        self,
        write: t.Callable[[], t.Awaitable[Operation]],
        read: t.Callable[[], t.Awaitable[Read]],
        proven: t.Callable[[Read], bool],
        context: str,
        *,
        wait: bool = True,
        again: bool = False,
        leaves: bool = False,
    ) -> Read:
        """One write, its operation, and the reading that proves it; a lost answer is settled by reading.

        `again` (a delete) allows one more try after a loss that reading has shown to be undone: `proven` must know what
        was to go from what has been made under its name since. `leaves` (a create): what was locked out half-way may
        have left something that failed. Once a write has left, no error may say that nothing was changed.
        """
        before = self.changed
        try:
            operation = await write()
        except ResponseLost as problem:
            with self._left(context):
                seen = await read_until(read, proven, self.pace)
            if seen is None and again:
                self._deleted = True
                return await self.send(write, read, proven, context, wait=wait)
            if seen is None:
                raise unsettled(problem, str(self.subject), context, self.pace) from None
            self.changed = self.adopted = True
            return seen[0]
        except NotFound:
            # Somebody else may have done it, or the one before whose answer was lost: a reading decides, not the 404.
            now = await read()
            if not proven(now):
                raise
            self.changed = self.changed or self._deleted
            return now
        self.operation, self.changed, self.adopted = operation, True, False
        try:
            with self._left(context):
                return await self._prove(operation, read, proven, context, wait)
        except Locked:
            self.changed = before or leaves
            raise

    async def send_delete(
        self,
        write: t.Callable[[], t.Awaitable[Operation]],
        read: t.Callable[[], t.Awaitable[Kind | None]],
        planned: Kind,
        *,
        wait: bool,
    ) -> Kind | None:
        """A DELETE of what was planned to go. It goes by name: one that was made under it since is not sent another."""
        self._going = planned
        found = await self.send(
            write, read, lambda now: now is None or self._made_anew(now), "deleting it", wait=wait, again=True
        )
        self._made_anew(found)
        return found

    def went(self, found: CollectionEntity | PointEntity | None) -> bool:
        """Whether it went by a DELETE whose answer was lost, and what bears its name now was made since."""
        return self._deleted and self._made_anew(found)

    def _made_anew(self, found: CollectionEntity | PointEntity | None) -> bool:
        """Whether another run has made it anew since it was to go; a warning says so."""
        if found is None or self._going is None or not is_another(found, self._going):
            return False
        self.warnings.append(f"{self.subject}: it has gone, and was made anew by another run since.")
        return True

    @contextmanager
    def _left(self, context: str) -> t.Iterator[None]:
        try:
            yield
        except CLAIMING as problem:
            raise unread(problem, str(self.subject), context) from None

    async def _prove(
        self,
        operation: Operation,
        read: t.Callable[[], t.Awaitable[Read]],
        proven: t.Callable[[Read], bool],
        context: str,
        wait: bool,
    ) -> Read:
        if not wait:
            return await read()
        await ended(operation, self.pace, str(self.subject), context)
        seen = await read_until(read, proven, self.pace)
        if seen is None:
            raise not_shown(str(self.subject), context, operation, self.pace)
        return seen[0]

    def result(self, *, check_only: bool, **more: t.Any) -> dict[str, t.Any]:
        """The result's common keys. The diff shows what would be done in check mode, else what was."""
        self.timing["total"] = anyio.current_time() - self._begun
        shown = self.plan if check_only else replace(self.plan, actions=tuple(self._done))
        told: dict[str, t.Any] = {
            "changed": bool(self.plan.writes) if check_only else self.changed,
            "plan": to_result([self.plan]),
            "diff": shapes.diff(str(self.subject), shown),
            "operation": None if self.operation is None else self.operation.to_result(),
            "timing": {name: round(seconds, 2) for name, seconds in self.timing.items()},
            "warnings": list(dict.fromkeys([*self.plan.warnings, *self.warnings])),
            **more,
        }
        if self.plan.drift:
            told["drift"] = list(self.plan.drift)
        return told

    def made_nothing(self) -> bool:
        """Whether no step was carried out."""
        return not self._done

    def failed(self, problem: CheckpointError, **more: t.Any) -> dict[str, t.Any]:
        """The result of a failure, beside what had been done by then."""
        problem.default_subject(str(self.subject))
        if self.changed:
            problem.changed_nothing = False
        if problem.operation is None and self.operation is not None:
            problem.operation = self.operation.to_result()
        return {**self.result(check_only=False, **more), "error": problem.to_result(), "msg": str(problem)}


def watched(
    kind: str,
    name: str,
    read: t.Callable[[], t.Awaitable[Read | None]],
    show: t.Callable[[Read], Status],
    now: Read,
) -> Operation:
    """A resource's own state, as it was just seen to be, as an operation to wait for: whoever has begun it."""

    async def poll() -> Status:
        found = await read()
        return Status("unknown", "gone") if found is None else show(found)

    return Operation(kind, name, poll, anyio.current_time(), last=show(now), joined=True)
