# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between kinds of things, and nothing else: a class with observe, plan, write and readiness."""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from .._core.errors import CheckpointError, InvalidInput
from .._core.operation import Operation
from .._core.plan import Action, Plan, Step
from .._core.targets import Target
from .concurrency import MOST, START, AtOnce
from .execution import Execution
from .progress import Completed, Done, Progress

Observed = t.TypeVar("Observed")


@dataclass(frozen=True)
class InProgress:
    """Work on the target that this run did not start, and that decides what is left to do.

    With an `operation` its end is waited for; otherwise the target is read again every poll_interval (or after
    `seconds`, if that is less) until nothing is in progress; `at_deadline` makes the error for one that outlasts
    the task's time (which it gets, in seconds).
    With `pause` nothing can change before so many seconds, so that nothing is read before.
    `plan_meanwhile`: a plan can be made beside it, so check mode does not wait; before a write it is waited for,
    without `wait` only if `blocks_writes`.
    """

    context: str
    operation: Operation | None = None
    seconds: float | None = None
    pause: float | None = None
    at_deadline: t.Callable[[float], CheckpointError] | None = None
    plan_meanwhile: bool = False
    blocks_writes: bool = False


@dataclass(frozen=True)
class Note:
    """What an error adds about the state in which a failed run has left its target."""

    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Remains:
    """What a failed operation has left behind, as a reading shows it."""

    changed: bool
    text: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Reversal:
    """A write that takes back what an action of this run has led to."""

    action: Action
    of: Done


@dataclass(frozen=True)
class Reversals:
    """What takes back what a run has made, what is gone already, and what may be there and not be proven to be its."""

    writes: tuple[Reversal, ...] = ()
    gone: tuple[Done, ...] = ()
    unproven: tuple[Action, ...] = ()


@dataclass(frozen=True)
class WriteRequest(t.Generic[Observed]):
    """One write and what proves it.

    A lost answer is settled by reading. The write is sent again only if `may_resend` allows it after the last reading,
    and only once.
    """

    context: str
    """Names it in errors: `creating checkpoint "nightly"`."""
    send: t.Callable[[], t.Awaitable[Operation]]
    verified: t.Callable[[Observed], bool]
    """Whether a reading shows its effect."""
    verified_after_loss: t.Callable[[Observed], bool] | None = None
    """The same after a lost answer, where it must be stricter: only what is surely this run's counts."""
    proof: t.Literal["reading", "operation"] = "reading"
    """What proves it: a reading, or the operation's end (a restore)."""
    reading_can_prove: bool = True
    """Whether a reading can show the effect at all, where the operation is the proof."""
    may_resend: t.Callable[[Observed], bool] | None = None
    """Whether a second try is safe after a reading that does not show the effect. False asks for a new plan."""
    taken: t.Callable[[Observed], bool] | None = None
    """After a refusal: whether somebody else has made it meanwhile. That asks for a new plan."""
    met_by_others: bool = False
    """Whether its effect counts although its operation has failed: somebody else was first."""
    find_lost: t.Callable[[Execution[Observed]], t.Awaitable[t.Optional[Operation]]] | None = None
    """Looks for the operation of a write whose answer was lost."""
    remains: t.Callable[[Observed], Remains] | None = None
    """What a failed operation has left behind."""
    may_leave_remains: bool = False
    """Whether an operation that was locked out may have changed something all the same."""
    replan: t.Callable[[Observed], bool] = field(default=lambda observed: False)
    """Whether the rest of the plan no longer fits what a verified reading shows."""
    notes: t.Callable[[Observed], tuple[str, ...]] = field(default=lambda observed: ())
    """Warnings about a verified reading."""
    complete: t.Callable[[Observed, Execution[Observed]], t.Awaitable[Completed]] | None = None
    """Goes on until what was made can be used."""
    result: t.Callable[[Observed], t.Any] = field(default=lambda observed: None)
    """The thing that was made, where the task does not wait for it."""
    nonce: str = ""
    """What this run calls the thing that it makes."""


class Kind(ABC, t.Generic[Observed]):
    """One target of one kind. A kind says what is so, what should be done, and what to send; the engine does it."""

    target: Target
    at_once: AtOnce = (START, MOST)

    @abstractmethod
    async def observe(self, *, for_write: bool) -> Observed:
        """The target as it is now; what cannot be read is an error, never absent.

        With `for_write` everything that a plan has to know; else what shows whether a write was carried out.
        """

    async def first_reading(self) -> Observed:
        """The same as `observe` for a write, for the first plan: what was just read of the target may serve."""
        return await self.observe(for_write=True)

    async def read_before(self, action: Action, known: Observed) -> Observed:
        """What must be fresh before an action that is done only once; of the rest what is `known` may serve."""
        return await self.observe(for_write=True)

    async def prove(self, known: Observed) -> Observed:
        """What shows whether a write was carried out; of the rest what is `known` may serve."""
        return await self.observe(for_write=False)

    def is_fresh(self, observed: Observed) -> bool:
        """Whether a write may rest on a first reading; otherwise the target is read again before it."""
        return True

    @abstractmethod
    def plan(self, observed: Observed, progress: Progress[Observed]) -> Plan:
        """The actions that are left to do. Pure."""

    @abstractmethod
    def write(self, action: Action, observed: Observed, progress: Progress[Observed]) -> WriteRequest[Observed]:
        """What an action sends and what proves it."""

    async def in_progress(self, observed: Observed, progress: Progress[Observed]) -> tuple[Observed, InProgress | None]:
        """The observation with what is known of work in progress, and what must be waited for before planning on it."""
        return observed, None

    def is_for_all(self, problem: CheckpointError) -> bool:
        """Whether an error in planning for one target ends the task before anything is written."""
        return isinstance(problem, InvalidInput)

    def is_busy(self, observed: Observed) -> bool:
        """Whether a reading shows work on the target: after a lost answer it may be the write's own."""
        return False

    async def require_ready(self, plan: Plan, observed: Observed) -> None:
        """VmState (or another refusal) where something that the plan relies on is not ready; in check mode too."""

    async def readiness(self, observed: Observed, execution: Execution[Observed]) -> Completed:
        """Wait until the target is ready to be used, at the end of a run; then what the run has led to."""
        return Completed()

    def compensation(self, action: Action, before: Observed) -> tuple[Step, ...]:
        """What puts things back after `action` has failed; `before` is the target as the run found it."""
        return ()

    def reversals(self, observed: Observed, progress: Progress[Observed]) -> Reversals:
        """What takes back what this run has made, where a group of targets is undone. Pure.

        Only what is proven to be this run's may be removed.
        """
        return Reversals(unproven=(*progress.actions, *progress.unsettled))

    async def describe_state(
        self, observed: Observed, progress: Progress[Observed], *, read: bool = True
    ) -> Note | None:
        """Where a run that fails leaves the target, if that must not go unsaid; without `read`, as last observed."""
        return None
