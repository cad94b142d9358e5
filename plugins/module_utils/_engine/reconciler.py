# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One target from what is to what should be: observe, plan, (check mode ends here), execute, verify, observe again."""

from __future__ import annotations

import math
import typing as t
from dataclasses import replace
from functools import partial

from .._core.approval import Approval
from .._core.errors import BadResponse, CheckpointError, Locked, OperationFailed, OutcomeUnknown, TimedOut
from .._core.operation import Operation, Pauses
from .._core.plan import Action, Plan
from .._deps import anyio
from .execution import Execution
from .kind import InProgress, Kind, WriteRequest
from .known import add_note, after_loss, interrupted, not_waited_for, tell_done, what_is_known
from .progress import Completed, Done, Progress
from .waiting import WaitPolicy
from .write import Outcome, Write

Observed = t.TypeVar("Observed")
FRESH = 10.0
"""Seconds after which a plan is made anew before its first write: of many targets the last ones wait for long."""
JUST_NOW = 1.0
"""Seconds for which a reading for a write serves the first action that is to be read for before it is sent."""


class _Current(t.NamedTuple, t.Generic[Observed]):
    """The write that is being carried out."""

    action: Action
    request: WriteRequest[Observed]
    write: Write[Observed]
    execution: Execution[Observed]


class Reconciler(t.Generic[Observed]):
    """The way of one target through a task.

    `plan` is what the result shows and `todo` what is left of it; `observed` is the last reading, `completed` what the
    run has led to. `changed`, `operation`, `warnings` and `timing` (seconds) are the result's keys of those names.
    Where others have failed it `waits_for_locks` no longer.
    """

    def __init__(self, kind: Kind[Observed], policy: WaitPolicy) -> None:
        self.kind, self.policy = kind, policy
        self.plan = self.todo = Plan(kind.target)
        self.progress = Progress[Observed]()
        self.observed: Observed | None = None
        self.completed = Completed()
        self.operation: Operation | None = None
        self.warnings: list[str] = []
        self.changed = False
        self.waits_for_locks = True
        self.timing: dict[str, float] = {}
        self._read_at = self._read_for_write = -math.inf
        self._own: set[str | None] = set()
        self._lost: list[tuple[Action, WriteRequest[Observed]]] = []
        self._deferred: InProgress | None = None
        self._last: tuple[WriteRequest[Observed], Outcome[Observed]] | None = None
        self._current: _Current[Observed] | None = None

    async def prepare(self, *, patient: bool = True) -> bool:
        """Observe and plan; nothing is written. False where it is not `patient`, and other work must end before."""
        start = anyio.current_time()
        if patient:
            await self._observe_settled(for_write=False, first=True)
        elif await self._look(for_write=False, first=True) is not None:
            return False
        self.progress = Progress(before=self._now())
        self.plan_now()
        try:
            await self.kind.require_ready(self.plan, self._now())
        except CheckpointError:
            self.plan = self.todo = Plan(self.kind.target)
            raise
        self.timing["read"] = anyio.current_time() - start
        return True

    async def renew(self, approval: Approval | None) -> None:
        """Observe and plan again what is left, within what was approved."""
        try:
            observed = await self._observe_settled(for_write=True)
            self._plan_rest(approval)
            await self.kind.require_ready(self.todo, observed)
        except CheckpointError as problem:
            raise await self._explained(problem) from None

    async def carry_out(self, approval: Approval | None, *, first_half: bool = False) -> None:
        """Do what the plan says, or its first half. After a lock the target is observed and planned again."""
        start = anyio.current_time()
        try:
            if await self._join() or await self._read_again():
                self._plan_rest(approval)
            await self._execute_until_done(approval, first_half=first_half)
            if not first_half or not self.todo.halves()[1].writes:
                await self._become_ready()
        except CheckpointError as problem:
            raise await self._explained(problem) from None
        finally:
            self.timing["apply"] = self.timing.get("apply", 0.0) + anyio.current_time() - start

    def failure(self, problem: CheckpointError) -> CheckpointError:
        """The error with what had been started when it came."""
        subject = str(self.kind.target)
        problem.default_subject(subject)
        if isinstance(problem, BadResponse):
            problem.with_subject(subject)
        if self.changed:
            problem.changed_nothing = False
            problem.retry = "after_reading" if problem.retry == "safe" else problem.retry
        if problem.operation is None and self.operation is not None and self.operation.last.state == "running":
            problem.operation = self.operation.to_result()
        return problem

    def release(self) -> None:
        """Let go what was read: of thousands of targets each is read again when its turn comes."""
        self.observed, self.progress, self._last = None, Progress(), None

    async def interrupt(self, signal: str) -> CheckpointError:
        """What a signal has ended; the target is not read again for it."""
        current, subject = self._current, str(self.kind.target)
        context = None if current is None else current.request.context
        operation = None if current is None else current.execution.operation
        if current is not None:
            self._take(current.execution)
            self.changed = self.changed or current.write.changed
            self.progress = self.progress.left_open(current.action)
        problem = interrupted(signal, subject, context, operation)
        problem.changed_nothing = context is None and not self.changed
        tell_done(problem, self.progress)
        if self.observed is not None:
            add_note(problem, await self.kind.describe_state(self._now(), self.progress, read=False))
        return problem

    async def write(
        self, action: Action, *, wait: bool = True, required_next: bool = False
    ) -> tuple[WriteRequest[Observed], Outcome[Observed]]:
        """The one place that sends. What is done only once is read before, and left alone where it is done already."""
        if action.once and anyio.current_time() - self._read_for_write > JUST_NOW:
            fresh = partial(self.kind.read_before, action, self._now())
            self.observed = await (self.policy.read(fresh) if self.changed else fresh())
        request = self.kind.write(action, self._now(), self.progress)
        if action.once and request.verified(self._now()):
            return request, Outcome(changed=False, done=True, sent=False)
        self._read_for_write = -math.inf  # what was read before a write is no ground for the next
        execution = self._execution(required_next=required_next)
        write = Write(request, execution, wait=wait)
        self._current = _Current(action, request, write, execution)
        outcome = await write.run()
        self._current, self._last = None, (request, outcome)
        self._take(execution)
        self._warn(outcome.completed.warnings)
        self.changed = self.changed or outcome.changed
        return request, outcome

    def _plan_rest(self, approval: Approval | None) -> None:
        """Plan what is left, once a plan has been shown, within what was approved."""
        self.plan_now()
        if approval is not None:
            approval.check([self.todo], part=True, done=self.progress.actions)

    async def _execute_until_done(self, approval: Approval | None, *, first_half: bool) -> None:
        """The one loop after a lock, and after a plan that what was read no longer fits."""
        pause = self.policy.poll_interval
        while (outcome := await self._execute_all(first_half=first_half)) is not None:
            if isinstance(outcome.error, Locked):
                if not self.waits_for_locks:
                    raise not_waited_for(outcome.error, str(self.kind.target))
                pause = await self.policy.backoff(outcome.error, pause, str(self.kind.target))
            await self._observe_settled(for_write=True)
            self._attribute_lost_writes()
            self._plan_rest(approval)

    async def _execute_all(self, *, first_half: bool) -> Outcome[Observed] | None:
        """The outcome that asks for another plan; None when all of this one, or its first half, is done."""
        writes = self.todo.writes
        now = len(self.todo.halves()[0].writes) if first_half else len(writes)
        for position, action in enumerate(writes[:now]):
            if position and action.verb == "delete" and not self._is_still_planned(action):
                return Outcome(changed=False, done=False, sent=False, replan=True)
            outcome = await self._execute(action, writes[position + 1 :])
            if outcome.replan or outcome.error is not None:
                return outcome
        return None

    def _is_still_planned(self, action: Action) -> bool:
        """Whether what was read since the plan still asks for it: somebody may have pinned what was to go meanwhile."""
        return action.id in [each.id for each in self.kind.plan(self._now(), self.progress).writes]

    async def _execute(self, action: Action, following: t.Sequence[Action]) -> Outcome[Observed]:
        """Carry out one action. Its error is raised unless it is a lock: that one leads to another plan."""
        self.progress = self.progress.begins(action)
        wait, required_next = self.policy.wait or bool(following), any(each.relies for each in following)
        request, outcome = await self.write(action, wait=wait, required_next=required_next)
        error = outcome.error
        others = [each for each in self._lost if each[0].id != action.id]
        if outcome.lost:
            self._lost = [*others, (action, request)]  # lost again, it is still one
        if outcome.done and (outcome.changed or not outcome.replan):
            context = request.context if outcome.changed else ""
            self.progress = self.progress.after(
                Done(action, request.nonce, outcome.completed, outcome.created, context)
            )
            self._lost = others
        if isinstance(error, Locked):
            self.progress = self.progress.locked(request.nonce)
            return outcome
        if error is not None:
            if outcome.sent and not outcome.done:
                self.progress = self.progress.left_open(action)
                if isinstance(error, OperationFailed):
                    self.progress = self.progress.ended_in_failure(Done(action, request.nonce))
            tell_done(error, self.progress)
            # What timed out, has an unknown outcome or was answered with what makes no sense may still come true: the
            # next run goes on from where it stands.
            if not isinstance(error, (TimedOut, OutcomeUnknown, *([BadResponse] if outcome.sent else []))):
                await self._compensate(action, error)
            raise error
        return outcome

    def _execution(self, *, required_next: bool = False, adopted: bool = False) -> Execution[Observed]:
        return Execution(
            self._prove,
            self.policy,
            self.progress,
            str(self.kind.target),
            required_next=required_next,
            adopted=adopted,
            own=self._own,
            is_busy=self.kind.is_busy,
        )

    async def _prove(self) -> Observed:
        return await self.kind.prove(self._now())

    def _take(self, execution: Execution[Observed]) -> None:
        if execution.observed is not None:
            self.observed = execution.observed
        if execution.operation is not None:
            self.operation = execution.operation
            self._own.add(execution.operation.id)
        self._warn(execution.warnings)

    def _attribute_lost_writes(self) -> None:
        """What is done now, and whose answer was lost while a second try was locked out, was done by the first."""
        observed, still_open = self._now(), []
        for action, request in self._lost:
            if not request.verified(observed):
                still_open.append((action, request))
                continue
            self.progress = self.progress.after(Done(action, request.nonce, context=request.context))
            self._warn(request.notes(observed))
            self.changed = True
        self._lost = still_open

    async def _compensate(self, action: Action, problem: CheckpointError) -> None:
        """Put back what the failed action and those before it have changed; the error says how that went."""
        put_back = []
        try:
            for step in self.kind.compensation(action, t.cast(Observed, self.progress.before)):
                put_back += [step.activity] if await self._put_back(step) else []
        except CheckpointError as worse:
            problem.notes.append(f"Putting it back failed too: {worse.message}")
            return
        if put_back:
            problem.notes.append(f"It was put back by {', '.join(put_back)}.")

    async def _put_back(self, action: Action) -> bool:
        """One write of it, and whether it changed anything. Behind a lock a step is read before it is sent again."""
        pause = self.policy.poll_interval
        while True:
            _request, outcome = await self.write(action)
            if outcome.error is None:
                return outcome.changed
            if not isinstance(outcome.error, Locked):
                raise outcome.error
            pause = await self.policy.backoff(outcome.error, pause, str(self.kind.target))

    async def _explained(self, problem: CheckpointError) -> CheckpointError:
        """The error with what is open since before it came, and with where the target stands."""
        if self._lost:
            problem = after_loss(problem, str(self.kind.target), self._lost[0][1].context)
        tell_done(problem, self.progress)
        add_note(problem, await self.kind.describe_state(self._now(), self.progress))
        return problem

    async def _become_ready(self) -> None:
        """Wait until what the run has led to can be used."""
        request, outcome = self._last or (None, None)
        execution = self._execution(adopted=outcome is not None and outcome.adopted)
        execution.operation = self.operation
        try:
            completed = await self.kind.readiness(self._now(), execution)
        except CheckpointError as problem:
            sent = request.context if request is not None and outcome is not None and outcome.sent else None
            raise what_is_known(problem, str(self.kind.target), sent, operation=execution.operation) from None
        finally:
            self._take(execution)
        self.completed = completed
        self._warn(completed.warnings)
        if completed.drift is not None:
            self.plan = replace(self.plan, drift=completed.drift)

    def plan_now(self) -> None:
        """Plan on what was last read."""
        self.todo = self.kind.plan(self._now(), self.progress)
        self.progress = replace(self.progress, plan=self.todo)
        self.plan = replace(self.todo, actions=(*self.progress.actions, *self.todo.actions))
        self._warn(self.todo.warnings)

    def _warn(self, texts: t.Iterable[str]) -> None:
        """The one place where a warning gets the name of its target: kinds and steps give the bare sentence."""
        named = [f"{self.kind.target}: {text}" for text in texts]
        self.warnings = list(dict.fromkeys([*self.warnings, *named]))

    def _now(self) -> Observed:
        """The target as last read; the first reading comes with prepare()."""
        return t.cast(Observed, self.observed)

    async def _join(self) -> bool:
        """Wait for what was in progress when the plan was made beside it; whether there was anything to wait for."""
        pending = self._deferred
        if pending is None or (pending.operation is None and pending.pause is None):
            return False
        self.operation = pending.operation
        if not (self.policy.wait or pending.blocks_writes):
            return False
        if pending.operation is not None:
            await self.policy.ended(pending.operation, str(self.kind.target), pending.context)
        await self._observe_settled(for_write=True)
        return True

    async def _read_again(self) -> bool:
        """Read the target again where its plan is no ground for a write any more; whether that was so."""
        fresh = anyio.current_time() - self._read_at <= FRESH
        if not self.todo.writes or (self.observed is not None and fresh and self.kind.is_fresh(self.observed)):
            return False
        observed = await self._observe_settled(for_write=True)
        if not self.progress.begun:  # the second stage of a group goes on from what its first one has done
            self.progress = Progress(before=observed)
        return True

    async def _observe_settled(self, *, for_write: bool, first: bool = False) -> Observed:
        """The target when nothing in progress decides any more what is left to do."""
        pauses = Pauses(self.policy.deadline)
        while (pending := await self._look(for_write=for_write, first=first)) is not None:
            first = False
            await self._await(pending, pauses)
        return self._now()

    async def _look(self, *, for_write: bool, first: bool) -> InProgress | None:
        """Read the target: what must end before it is planned."""
        read = self.kind.first_reading if first else partial(self.kind.observe, for_write=True)
        self.observed = await (self.policy.read(read) if self.changed else read())
        self._read_at = anyio.current_time()
        if for_write:
            self._read_for_write = self._read_at
        self.observed, pending = await self.kind.in_progress(self.observed, self.progress)
        self._deferred = pending
        waits = for_write and pending is not None and (self.policy.wait or pending.blocks_writes)
        if pending is None or waits or not pending.plan_meanwhile:
            return pending
        self.operation = pending.operation if for_write else self.operation
        return None

    async def _await(self, pending: InProgress, pauses: Pauses) -> None:
        if pending.operation is not None:
            if pending.operation.joined:
                self.operation = pending.operation
            await self.policy.ended(pending.operation, str(self.kind.target), pending.context)
            return
        if pending.pause is not None:
            if not await self.policy.deadline.sleep(pending.pause) and pending.at_deadline is not None:
                raise pending.at_deadline(self.policy.deadline.total)
            return
        longest = self.policy.poll_interval
        pause = longest if pending.seconds is None else min(pending.seconds, longest)
        if not await pauses.next(pause) and pending.at_deadline is not None:
            raise pending.at_deadline(self.policy.deadline.total)
