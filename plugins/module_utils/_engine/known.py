# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known after a write whose answer, operation or reading went wrong: the one place that says so."""

from __future__ import annotations

import typing as t

from .._core.errors import (
    BadResponse,
    CheckpointError,
    Forbidden,
    Interrupted,
    InvalidInput,
    Locked,
    NotFound,
    NotVerified,
    OutcomeUnknown,
    Refused,
    ResponseLost,
    SignInRefused,
    Unavailable,
    Unreachable,
)
from .._core.operation import Operation
from .._core.times import show_seconds
from .kind import Note
from .progress import Progress

SAYS_NOTHING_CHANGED = (Forbidden, InvalidInput, NotFound, Refused, SignInRefused, Unavailable, Unreachable)
"""Errors that say, or suggest, that nothing was changed: never shown once a write has left."""
LOOK_FIRST = "Look at it before you run the task again."
MOST_DONE = 10
"""How many of the writes before an error it lists, the last ones; the result's plan and diff show all."""


def what_is_known(
    problem: CheckpointError,
    subject: str,
    context: str | None,
    *,
    lost: bool = False,
    operation: Operation | None = None,
) -> CheckpointError:
    """The error as it may be shown: behind a write that was sent (`context`), none may deny it, and each names it.

    Where its answer was `lost`, an answer that makes no sense leaves open what became of it, too. `operation` is the
    write's own.
    """
    if problem.operation is None and operation is not None:
        problem.operation = operation.to_result()
    if context is None:
        return problem
    succeeded = operation is not None and operation.last.state == "succeeded"
    if isinstance(problem, SAYS_NOTHING_CHANGED) or (lost and isinstance(problem, BadResponse)):
        return unread(problem, subject, context, succeeded=succeeded)
    if isinstance(problem, BadResponse):
        problem.notes.append(f"{context} was sent before, and {_REPORTED if succeeded else 'whether it ran is open'}.")
    return problem


def tell_done(problem: CheckpointError, progress: Progress[t.Any]) -> None:
    """Add what the run had changed before the error came, once."""
    named = f"{problem.message} ".replace(":", " ")
    done = [each.context for each in progress.done if each.context and f"{each.context} " not in named]
    some = f" (the last {MOST_DONE} of {len(done)})" if len(done) > MOST_DONE else ""
    note = f"Done before{some}: {', '.join(done[-MOST_DONE:])}."
    if done and note not in problem.notes:
        problem.notes.append(note)


def add_note(problem: CheckpointError, note: Note | None) -> None:
    """Add where the run has left its target."""
    if note is not None:
        problem.notes.append(note.text)
        problem.remedy = f"{problem.remedy} {note.remedy}".strip()


def unsettled(
    problem: ResponseLost, subject: str, context: str, settle_time: float, guessed: CheckpointError | None = None
) -> OutcomeUnknown:
    """A lost answer that reading could not settle; `guessed` is the failure of what may be the write's operation."""
    why = f"after reading for {show_seconds(settle_time)}"
    if guessed is not None:
        why = f"because what may be its operation failed ({guessed.message.rstrip('.')})"
    return _open(
        problem,
        f"{context} was sent, and {_loss(problem)}. Whether it ran is open (outcome_unknown) {why}; nothing was sent "
        "twice.",
        subject,
        "Look before you run the task again: what the service still hides could be done a second time.",
    )


def unread(problem: CheckpointError, subject: str, context: str, *, succeeded: bool = False) -> OutcomeUnknown:
    """A write was sent, and what came of it cannot be read, whatever its operation reports."""
    lost = _lost_before(problem)
    answer = f", {_loss(lost)}," if lost else f", {_REPORTED}," if succeeded else ""
    left = "So nothing proves it" if succeeded and not lost else "Whether it ran is open"
    return _open(
        problem,
        f"{context} was sent{answer} and reading what came of it failed: {problem.message.rstrip('.')}. {left} "
        "(outcome_unknown); nothing was sent twice.",
        subject,
        LOOK_FIRST,
    )


def after_loss(problem: CheckpointError, subject: str, context: str) -> CheckpointError:
    """An error that comes while the answer of an earlier write is still missing: that one is open, too."""
    if isinstance(problem, (Locked, *SAYS_NOTHING_CHANGED)):
        return unread(problem, subject, context)
    if not isinstance(problem, OutcomeUnknown):
        problem.changed_nothing = False
        problem.notes.append(f"{context} was sent before, its answer was lost, and whether it ran is open.")
    return problem


def not_waited_for(problem: Locked, subject: str) -> Locked:
    """A lock that is not waited for, because another target of the group has failed."""
    problem.message = f"{problem.message.rstrip('.')}; it was not waited for, because the group has failed."
    problem.changed_nothing = True
    problem.subject, problem.remedy = subject, "Run the task again."
    return problem


def interrupted(signal: str, subject: str, context: str | None, operation: Operation | None) -> CheckpointError:
    """A signal ended the run: before a write (no `context`), while it was sent, or once it was accepted."""
    if context is None:
        return Interrupted(f"ended by {signal}; no write was under way.", subject=subject)
    if operation is None:
        return OutcomeUnknown(
            f"{context} was being sent when {signal} ended the run. Whether it ran is open (outcome_unknown); nothing "
            "was sent after it.",
            subject=subject,
            remedy=LOOK_FIRST,
        )
    return Interrupted(
        f"{context} was accepted and goes on; {signal} ended the run before its end, and nothing was sent after it.",
        subject=subject,
        remedy="Run the task again: it goes on from where it stands.",
        operation=operation.to_result(),
        request_id=operation.request_id,
    )


def unproven(operation: Operation, subject: str, context: str) -> OutcomeUnknown:
    """A write that was accepted, of which neither an operation nor a reading says anything."""
    said = operation.last.message.rstrip(".")
    seen = f"its operation could not be followed ({said})" if said else "the service shows no such operation"
    return OutcomeUnknown(
        f"{context} was accepted, but {seen}, and nothing else proves it.",
        subject=subject,
        remedy=LOOK_FIRST,
        operation=operation.to_result(),
    )


def not_shown(operation: Operation, subject: str, context: str, settle_time: float) -> NotVerified:
    """An operation that succeeded and left no trace."""
    return NotVerified(
        f"{context} was reported as done, but reading does not show it after {show_seconds(settle_time)}.",
        subject=subject,
        operation=operation.to_result(),
        remedy=LOOK_FIRST,
    )


_REPORTED = "the service reports that it succeeded"


def _open(problem: CheckpointError, message: str, subject: str, remedy: str) -> OutcomeUnknown:
    return OutcomeUnknown(
        message,
        subject=subject,
        remedy=remedy,
        status=problem.status,
        request_id=problem.request_id,
        correlation_id=problem.correlation_id,
        details=problem.details,
        operation=problem.operation,
    )


def _loss(problem: CheckpointError) -> str:
    """How the answer to a write was lost; one with a status came, and leaves open what became of the write."""
    return f"its answer was lost ({problem.said})" if problem.status is None else problem.said


def _lost_before(problem: BaseException) -> ResponseLost | None:
    """The lost answer that was being settled when `problem` came."""
    earlier = problem.__context__
    while earlier is not None and not isinstance(earlier, ResponseLost):
        earlier = earlier.__context__
    return earlier
