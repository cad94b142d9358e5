# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of a VMM server: begun by a verb, ended when somebody looks and their time has come."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from simulator.timing import Timing


class Kind(StrEnum):
    """What a job does; the value is the word the control API uses."""

    CREATE = "create"
    RESTORE = "restore"
    DELETE = "delete"
    UPDATE = "update"
    POWER = "power"
    REFRESH = "refresh"
    BACKGROUND = "background"
    PUT = "put"
    PATCH = "patch"
    REMOVE = "remove"


class Status(StrEnum):
    """Job.Status as SPF spells it (VMComputerSystemStateEnum of a public VMM portal, JobOperations.cs)."""

    RUNNING = "Running"
    COMPLETED = "Completed"
    SUCCEED_WITH_INFO = "SucceedWithInfo"
    FAILED = "Failed"
    CANCELED = "Canceled"


@dataclass(frozen=True)
class Refusal:
    """Why VMM will not, or did not, do it.

    Only 2602 is a documented number (VMM team blog, 2014-12-15); other codes are words on purpose,
    so that nobody learns a number from a simulator.
    """

    code: str
    symbol: str
    problem: str
    remedy: str = ""

    def text(self) -> str:
        """One line, as PowerShell prints it."""
        return f"{self.problem} (Error ID: {self.code})" + (f"\r\n\r\n{self.remedy}" if self.remedy else "")


@dataclass(frozen=True)
class Planned:
    """How the next job of a kind is to end: Failed, Canceled, or SucceedWithInfo with `refusal` as the message."""

    kind: Kind
    vm: str | None  # name or id; None: any
    refusal: Refusal
    status: Status = Status.FAILED


LOCKED = Refusal(
    "2602",
    "ObjectLocked",
    "Unable to perform the job because one or more of the selected objects are locked by another job.",
    "To find out which job is locking the object, in the Jobs view, group by Status, and find the running or "
    "canceling job for the object. When the job is complete, try again.",
)


@dataclass(eq=False)
class Job:
    """One job; times are seconds since 1970."""

    id: str
    kind: Kind
    name: str
    cmdlet: str
    vm_id: str
    started: float
    timing: Timing
    owner: str = ""
    checkpoint: str | None = None  # the checkpoint's VMM id
    arguments: dict[str, str | None] = field(default_factory=dict)
    locks: bool = True
    looks: int = 0
    status: Status = Status.RUNNING
    finished: float | None = None
    refusal: Refusal | None = None  # set beforehand: the job will end as `bad_end` says
    bad_end: Status = Status.FAILED
    messages: list[Refusal] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return self.finished is None

    def due(self, now: float) -> float | None:
        """The moment it is done, if that is not later than `now`."""
        return self.timing.due(self.started, self.looks, now)

    def remaining(self, now: float) -> float | None:
        """Simulated seconds until it is done; None when only looks end it, or nothing does."""
        if not self.running:
            return 0.0
        return None if self.timing.seconds is None else max(0.0, self.started + self.timing.seconds - now)

    def progress(self, now: float) -> int:
        """0 to 100; a running job never says 100."""
        if not self.running:
            return 100
        if self.timing.looks:
            return min(95, 100 * self.looks // self.timing.looks)
        if not self.timing.seconds:
            return 5
        return min(95, int(100 * (now - self.started) / self.timing.seconds))
