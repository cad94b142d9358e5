# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One write: sent once, its operation awaited, its effect verified by reading; the same for every kind of thing."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from functools import partial

from .._core.errors import CheckpointError, Locked, NotFound, OperationFailed, Refused, ResponseLost, TimedOut
from .._core.operation import Operation
from .execution import Execution
from .kind import WriteRequest
from .known import not_shown, unproven, unsettled, what_is_known
from .progress import Completed

Observed = t.TypeVar("Observed")


@dataclass(frozen=True)
class Outcome(t.Generic[Observed]):
    """What became of a write. `done`: carried out, as far as it was waited for; `error` is what ended it otherwise.

    `created`: the service's answer said that it has made something new.
    `adopted`: its answer was lost, and reading shows it. `lost`: its answer was lost, and whether it ran is still open.
    `replan`: the rest of the plan must be made anew.
    """

    changed: bool
    done: bool
    sent: bool
    completed: Completed = field(default_factory=Completed)
    created: bool = False
    adopted: bool = False
    lost: bool = False
    replan: bool = False
    error: CheckpointError | None = None


class Write(t.Generic[Observed]):
    """Carries out one WriteRequest."""

    def __init__(self, request: WriteRequest[Observed], execution: Execution[Observed], *, wait: bool) -> None:
        self._request, self._execution, self._wait = request, execution, wait
        self._changed = self._sent = self._resent = self._done = self._replan = self._created = False
        self._lost = False

    @property
    def changed(self) -> bool:
        """Whether anything was changed so far."""
        return self._changed

    async def run(self) -> Outcome[Observed]:
        """Once the write has left, no error says that nothing was sent or that it is safe to run again."""
        completed, problem = Completed(), None
        try:
            observed = await self._run()
            if self._request.complete is not None and self._wait and not self._replan:
                completed = await self._request.complete(observed, self._execution)
            else:
                completed = Completed(self._request.result(observed))
            self._done = self._done or not self._replan
        except CheckpointError as error:
            context = self._request.context if self._sent else None
            operation = self._execution.operation
            problem = what_is_known(error, self._execution.subject, context, lost=self._lost, operation=operation)
            if isinstance(problem, Locked) and problem.context:
                # Of the target, which it will name as its subject, and no longer of the host.
                problem.message, problem.context = f"{self._request.context}: {problem.said}.", self._request.context
        return Outcome(
            changed=self._changed,
            done=self._done,
            sent=self._sent,
            completed=completed,
            created=self._created,
            adopted=self._execution.adopted,
            lost=self._resent and not self._done,
            replan=self._replan,
            error=problem,
        )

    async def _run(self) -> Observed:
        request, execution = self._request, self._execution
        try:
            operation = await request.send()
        except ResponseLost as problem:
            self._sent = self._lost = True
            return await self._settle(problem)
        except NotFound:
            # Somebody else may have done it, or the first one whose answer was lost: a reading decides, not the 404.
            observed = await execution.observe()
            if not request.verified(observed):
                raise
            self._changed = self._resent
            return self._verified(observed)
        except (Locked, Refused) as problem:
            return await self._require_taken(problem)
        execution.operation = operation
        execution.warnings += operation.warnings
        self._sent, self._changed, self._created = True, not operation.joined, operation.created
        return await self._verify(operation) if self._wait else await execution.observe()

    async def _require_taken(self, problem: Locked | Refused) -> Observed:
        """A refusal may mean that somebody else has just made it, whatever its status and code: a reading decides."""
        taken = self._request.taken
        if taken is None or (isinstance(problem, Locked) and problem.status != 409):
            raise problem
        try:
            observed = await self._execution.observe()
        except CheckpointError:
            raise problem from None
        if not taken(observed):
            raise problem from None
        self._replan = True
        return observed

    async def _settle(self, problem: ResponseLost) -> Observed:
        """A lost answer is settled by reading. Only a delete may be sent again, and only once."""
        request, execution = self._request, self._execution
        shown = request.verified_after_loss or request.verified
        if request.proof == "reading":
            observed, found = await execution.until(shown, outlast=True)
            if not found:
                return await self._resend(observed, problem)
            self._changed = True
        operation = None if request.find_lost is None else await execution.read(partial(request.find_lost, execution))
        if operation is not None and not await self._ended_as_guessed(operation, problem):
            operation = None
        if request.proof == "operation":
            if (operation is None or request.reading_can_prove) and not (await execution.until(shown, outlast=True))[1]:
                raise self._unsettled(problem) from None
            observed = await execution.observe()
        self._changed = execution.adopted = True
        return self._verified(observed)

    async def _resend(self, observed: Observed, problem: ResponseLost) -> Observed:
        if self._request.may_resend is None or self._resent:
            raise self._unsettled(problem) from None
        self._resent = True
        if not self._request.may_resend(observed):
            self._replan = True
            return observed
        return await self._run()

    async def _ended_as_guessed(self, operation: Operation, problem: ResponseLost) -> bool:
        """Wait for an operation that is taken for the one whose answer was lost: whether its end has been seen.

        Its failure may be somebody else's.
        """
        self._execution.operation = operation
        try:
            return await self._execution.ended(operation, self._request.context) != "unknown"
        except (Locked, OperationFailed) as failure:
            raise self._unsettled(problem, failure) from None

    async def _verify(self, operation: Operation) -> Observed:
        request, execution = self._request, self._execution
        try:
            unknown = await execution.ended(operation, request.context) == "unknown"
        except Locked:
            self._changed = request.may_leave_remains
            raise
        except OperationFailed as problem:
            return await self._after_failure(problem)
        except TimedOut as problem:
            return await self._after_the_end(problem)
        if request.proof == "operation" and not unknown:
            return self._verified(await execution.observe())
        observed, shown = await (self._until_settled() if unknown else execution.until(request.verified))
        if not shown and unknown:
            raise unproven(operation, execution.subject, request.context)
        if not shown:
            raise not_shown(operation, execution.subject, request.context, execution.settle_time)
        operation.last = replace(operation.last, state="succeeded")  # reading shows it, whatever it says
        return self._verified(observed)

    async def _until_settled(self) -> tuple[Observed, bool]:
        """The effect of an operation of which nothing is known: it may still be at work, and not all of it be shown."""
        verified, is_busy = self._request.verified, self._execution.is_busy
        return await self._execution.until(lambda now: verified(now) and not is_busy(now), outlast=True)

    async def _after_the_end(self, problem: TimedOut) -> Observed:
        """The time is over, and the operation could not be looked at: the last reading says whether it is done."""
        if not problem.unseen or self._request.proof == "operation":
            raise problem
        try:
            observed = await self._execution.observe()
        except CheckpointError:
            raise problem from None
        if not self._request.verified(observed) or self._execution.is_busy(observed):
            raise problem
        return self._verified(observed)

    async def _after_failure(self, problem: OperationFailed) -> Observed:
        """A failed operation may have changed something all the same; what it left is said, not deleted."""
        request = self._request
        if request.remains is None:
            raise problem
        observed = await self._execution.observe()
        remains = request.remains(observed)
        self._changed = remains.changed
        if (self._resent or request.met_by_others) and request.verified(observed):
            # Another run did it first, or the first try did it late: Arc then ends in a failed operation, not a 404.
            self._changed = self._resent
            if not self._resent:
                text = f"{request.context} failed ({problem.message.rstrip('.')}), and it is as asked for all the same."
                self._execution.warnings.append(text)
            return self._verified(observed)
        if remains.text:
            problem.notes.append(remains.text)
            problem.remedy = remains.remedy or problem.remedy
        raise problem

    def _verified(self, observed: Observed) -> Observed:
        self._done = True
        self._replan = self._request.replan(observed)
        self._execution.warnings += self._request.notes(observed)
        return observed

    def _unsettled(self, problem: ResponseLost, guessed: CheckpointError | None = None) -> CheckpointError:
        execution = self._execution
        return unsettled(problem, execution.subject, self._request.context, execution.settle_time, guessed)
