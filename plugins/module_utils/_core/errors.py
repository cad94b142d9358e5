# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The errors a user can meet, each with one code of a closed, documented list.

    CheckpointError
    ├── InvalidInput          invalid_input       an option is wrong; nothing was sent or changed
    ├── MissingLibrary        missing_library     a library is missing or too old, or Python itself is too old
    ├── Unsupported           unsupported         the service has no way to do this
    ├── NotFound              not_found           the VM (or its scope) does not exist
    ├── Ambiguous             ambiguous           a name fits several things, and one must be chosen
    ├── MissingCheckpoint     missing_checkpoint  the wanted checkpoint does not exist
    ├── UnknownTime           unknown_time        a selector needs a time that the service does not know
    ├── VmState               vm_state            the VM's state does not allow it
    ├── Pinned                pinned              the checkpoint is pinned, and only its id removes it
    ├── LimitReached          limit_reached       the service takes no more checkpoints of this VM, or none for now
    ├── TooManyDeletes        too_many_deletes    a policy would remove more than max_deletes allows, so it removed none
    ├── NotCompliant          not_compliant       on_violation is fail, and a VM does not comply with its policy
    ├── Downgraded            downgraded          the restore point is less consistent than requested
    ├── PlanChanged           plan_changed        what would be done is not what was approved
    ├── ApprovalMissing       approval_missing    the task must be approved, and no approval was given
    ├── ServiceError
    │   ├── Unreachable       unreachable         no connection; the request never left
    │   ├── UntrustedTls      untrusted_tls       the server's certificate is not trusted
    │   ├── SignInRefused     sign_in_refused     401, or the authority gave no token
    │   ├── Forbidden         forbidden           403
    │   ├── Unavailable       unavailable         408, 429, 5xx or lost connections, longer than we may wait
    │   ├── Refused           refused             the service says no to this very request
    │   ├── BadResponse       bad_answer          an answer that cannot be understood or must not be followed
    │   ├── Locked            locked              another job holds the VM (VMM 2602, ARM 409)
    │   ├── OperationFailed   operation_failed    the job or operation ended in failure
    │   ├── TimedOut          timed_out           the deadline came while the operation was still running
    │   ├── Interrupted       interrupted         a signal ended the run; what was accepted goes on
    │   ├── OutcomeUnknown    outcome_unknown     sent, no answer, and reading could not settle it
    │   └── NotVerified       not_proven          reported as done, but reading does not show it
    └── SomeFailed            some_failed         of many VMs (or collections) at least one failed

`retry` tells a pipeline what it may do: `safe` (run it again), `after_reading` (look first), `never` (fix something).
"""

from __future__ import annotations

import typing as t

from .formatting import one_line

Retry = t.Literal["safe", "after_reading", "never"]


class CheckpointError(Exception):
    """What went wrong with what, what the service said, which request, and what to do: one line.

    `subject` names the thing ("vm web01", "spf https://host:8090"), `status` is the HTTP status, `operation` is what
    was under way (`Operation.to_result()`), `details` the service's own error where it has a structure (ARM's
    ErrorResponse). `changed_nothing` is for a step that refuses before it changes anything; a run that has changed
    something before it sets it back. `notes` say what happened after the error, such as that a VM was put back.
    `context` is what was being done, where the message begins with it (`creating checkpoint nightly of vm web01`).
    """

    code: t.ClassVar[str] = "internal"
    denial: t.ClassVar[str] = "Nothing was changed."
    retry: Retry = "never"

    def __init__(
        self,
        message: str,
        *,
        subject: str = "",
        remedy: str = "",
        status: int | None = None,
        request_id: str | None = None,
        correlation_id: str | None = None,
        operation: dict[str, t.Any] | None = None,
        details: dict[str, t.Any] | None = None,
        changed_nothing: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = one_line(message)
        self.subject = one_line(subject, 300)
        self.remedy = one_line(remedy)
        self.status = status
        self.request_id = one_line(request_id, 100) if request_id else None
        self.correlation_id = one_line(correlation_id, 100) if correlation_id else None
        self.operation = operation
        self.details = details
        self.changed_nothing = changed_nothing
        self.notes: list[str] = []
        self.context = ""

    def with_subject(self, thing: str) -> t.Self:
        """The same error, in which `thing` is named, also where the subject is a host that many have."""
        if one_line(thing) not in f"{self.subject} {self.message}":
            self.message = f"{thing}: {self.message}"
        return self

    @property
    def said(self) -> str:
        """The message without what was being done, and without its full stop: to stand in another sentence."""
        return self.message.removeprefix(f"{one_line(self.context)}: ").rstrip(".")

    def default_subject(self, subject: str) -> t.Self:
        """The same error, naming `subject` unless it already names one."""
        self.subject = self.subject or one_line(subject, 300)
        return self

    def __str__(self) -> str:
        parts = [self._text()]
        if self.remedy:
            parts.append(one_line(self.remedy))
        shown = (
            f"{self.operation['kind']} {self.operation['id']}" if self.operation and self.operation.get("id") else ""
        )
        if shown and shown != self.subject:  # a resource that is watched is its own operation
            parts.append(f"[{shown}]")
        elif self.request_id:
            parts.append(f"[request {self.request_id}]")
        elif self.correlation_id:
            parts.append(f"[correlation {self.correlation_id}]")
        return " ".join(parts)

    def to_result(self) -> dict[str, t.Any]:
        """The `error` key of a failed result."""
        return {
            "code": self.code,
            "message": self._text(),
            "status": self.status,
            "request_id": self.request_id,
            "correlation_id": self.correlation_id,
            "operation": self.operation,
            "details": self.details,
            "remedy": one_line(self.remedy),
            "retry": self.retry,
        }

    def _text(self) -> str:
        # Our own additions must not be cut off by the limit for what a service says, so the message may have grown.
        message = one_line(self.message, 3000)
        denial = [self.denial] if self.changed_nothing else []
        text = " ".join([message, *denial, *(one_line(note, 3000) for note in self.notes)])
        return f"{one_line(self.subject)}: {text}" if self.subject else text


class InvalidInput(CheckpointError):
    """An option is wrong or missing; nothing was sent."""

    code = "invalid_input"


class MissingLibrary(CheckpointError):
    """The interpreter that runs the module lacks a library, or one of them or itself is too old."""

    code = "missing_library"


class Unsupported(CheckpointError):
    """The service has no way to do this."""

    code = "unsupported"


class NotFound(CheckpointError):
    """The VM, or the scope it should be in, does not exist or is hidden from this user."""

    code = "not_found"


class Ambiguous(CheckpointError):
    """A name fits several things where one must be chosen."""

    code = "ambiguous"


class MissingCheckpoint(CheckpointError):
    """The checkpoint that was named does not exist."""

    code = "missing_checkpoint"


class UnknownTime(CheckpointError):
    """A selection by time meets a checkpoint whose time the service does not know."""

    code = "unknown_time"


class VmState(CheckpointError):
    """The VM's state does not allow checkpoints, or not this one."""

    code = "vm_state"
    retry: Retry = "safe"


class Obstructed(VmState):
    """Something stands in the way that does not pass by itself: a lock, the kind of a disk, where a disk sits."""

    retry = "never"


class Pinned(CheckpointError):
    """What would go is pinned, and the task does not say that the pin is to be ignored."""

    code = "pinned"


class LimitReached(CheckpointError):
    """The service takes no more checkpoints of this VM."""

    code = "limit_reached"
    retry: Retry = "never"


class NoSlotYet(LimitReached):
    """The service takes no more checkpoints of this VM for now; the error says from when on it does."""

    retry = "safe"


class TooManyDeletes(CheckpointError):
    """A policy would remove more than max_deletes allows, so that it has removed none."""

    code = "too_many_deletes"


class NotCompliant(CheckpointError):
    """A VM does not comply with its policy, and on_violation is fail."""

    code = "not_compliant"


class PlanChanged(CheckpointError):
    """What would be done now is not what was approved; `plan` is what it would be, in the result's shape."""

    code = "plan_changed"
    plan: dict[str, t.Any] | None = None


class ApprovalMissing(CheckpointError):
    """`require_approval` is set, and `expected_plan` is not there; nothing was sent."""

    code = "approval_missing"


class ServiceError(CheckpointError):
    """Something between us and the service, or the service itself."""

    code = "service_error"


class Unreachable(ServiceError):
    """No connection could be made; the request never left."""

    code = "unreachable"
    denial = "Nothing was sent."
    retry = "safe"


class UntrustedTls(ServiceError):
    """The server's certificate is not trusted, or TLS could not be agreed."""

    code = "untrusted_tls"


class SignInRefused(ServiceError):
    """The service or the sign-in authority refused who we are."""

    code = "sign_in_refused"


class Forbidden(ServiceError):
    """Signed in, but without the right to do this."""

    code = "forbidden"


class Unavailable(ServiceError):
    """The service did not answer usefully for as long as we may wait; nothing was sent that changes anything."""

    code = "unavailable"
    retry = "safe"


class Refused(ServiceError):
    """The service said no to this very request, so it changed nothing."""

    code = "refused"


class BadResponse(ServiceError):
    """An answer that cannot be understood, or that we must not follow."""

    code = "bad_answer"
    retry = "after_reading"


class Locked(ServiceError):
    """Another job holds the VM. The request changed nothing."""

    code = "locked"
    retry = "safe"
    retry_after: float | None = None
    """Seconds before which the service wants no other try, where it tells that."""


class OperationFailed(ServiceError):
    """The job or operation ended, and not in success."""

    code = "operation_failed"
    retry = "after_reading"


class TimedOut(ServiceError):
    """The task's deadline came while an operation was still running. `unseen`: it could not be looked at any more."""

    code = "timed_out"
    retry = "after_reading"
    unseen = False


class Interrupted(ServiceError):
    """A signal ended the run. What the service has accepted by then goes on without it."""

    code = "interrupted"
    retry = "after_reading"


class OutcomeUnknown(ServiceError):
    """A write was sent, its answer was lost, and reading could not settle whether it ran."""

    code = "outcome_unknown"
    retry = "after_reading"


class ResponseLost(OutcomeUnknown):
    """A write left, and what came of it is not known: only reading can tell."""


class NotVerified(ServiceError):
    """The service reported success, but reading again does not show it."""

    code = "not_proven"
    retry = "after_reading"


class Downgraded(CheckpointError):
    """The restore point exists, but is less consistent than requested."""

    code = "downgraded"


class SomeFailed(CheckpointError):
    """Of many VMs at least one failed; each has its own error in `vms`."""

    code = "some_failed"
    retry = "after_reading"


def codes() -> dict[str, type[CheckpointError]]:
    """Every code a user can meet and the error it stands for (the documentation's list is tested against it)."""
    found: dict[str, type[CheckpointError]] = {}
    todo: list[type[CheckpointError]] = [CheckpointError]
    while todo:
        kind = todo.pop()
        todo.extend(kind.__subclasses__())
        if "code" in vars(kind) and kind not in (CheckpointError, ServiceError):
            found[kind.code] = kind
    return dict(sorted(found.items()))
