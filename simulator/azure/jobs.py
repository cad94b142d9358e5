# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long-running operations of Azure Compute, their refusals, and the ends that were planned for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulator.timing import Timing

# restore-point-troubleshooting.md, and the general errors of Compute: code -> what it says when nothing else is wanted.
MESSAGES = {
    "OperationNotAllowed": "The operation cannot be completed as the VM was changed while the restore point was made.",
    "VMRestorePointClientError": "RestorePoint creation failed due to a VSS writer in a bad state in the VM.",
    "VMRestorePointInternalError": "VMRestorePoint creation failed with an internal error. Please retry.",
    "VMAgentStatusCommunicationError": "VM agent unable to communicate with compute service.",
    "DiskRestorePointUsedByCustomer": "There is an active shared access signature outstanding for disk restore point. "
    "Call EndGetAccess before deleting the restore point.",
    "DiskRestorePointClientError": "Keyvault associated with DiskEncryptionSet is not found.",
    "InternalError": "An internal execution error occurred. Please retry later.",
    "InternalExecutionError": "An internal execution error occurred. Please retry later.",
    "InternalOperationError": "Operation failed with an internal error. Please retry later.",
    "InternalDiskRestorePointError": "Restore point creation failed with an internal error on one of the disks.",
    "OSProvisioningClientError": "OS Provisioning did not finish in the allotted time.",
    "AllocationFailed": "Allocation failed. We do not have sufficient capacity for the requested VM size.",
    "BadRequest": "This request can be made with api-version '2021-03-01' or newer",
}
CONCURRENT = "RestorePoint creation failed since a concurrent 'Create RestorePoint' operation was triggered on the VM."


class Refused(Exception):
    """Compute will not do it: an HTTP status, a code and a message, or a failed operation with the latter two."""

    def __init__(self, status: int, code: str, message: str = "", *, target: str | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message or MESSAGES.get(code, "The simulator was asked to let this fail.")
        self.target = target
        self.retry_after: int | None = None
        self.details: list[dict[str, str]] = []
        super().__init__(f"{code}: {self.message}")

    def body(self) -> dict[str, Any]:
        """The error object, without the `error` around it."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if self.target is not None:
            error["target"] = self.target
        if self.details:
            error["details"] = self.details
        return error


@dataclass
class PlannedEnd:
    """How the next operation of a kind ends; `status` None: it is taken and fails later."""

    kind: str
    name: str | None  # the VM's or the resource's name; None: any
    refusal: Refused
    status: int | None


@dataclass(eq=False)
class AzureJob:
    """One operation; `effect` happens when it is done; `subject` is what a poll's `properties.output` shows."""

    id: str
    kind: str
    region: str
    started: float
    timing: Timing
    effect: Callable[[], object]
    on_failure: Callable[[], object] | None = None
    disk_rp: bool = False  # polled at DiskOperations
    partition: str = ""
    version: str = ""
    queries: dict[str, bool] = field(default_factory=dict)  # the queries of its status URLs -> whether to monitor
    looks: int = 0
    finished: float | None = None
    failure: Refused | None = None
    subject: Any = None

    @property
    def running(self) -> bool:
        return self.finished is None

    @property
    def status(self) -> str:
        """InProgress, Succeeded or Failed (recorded: the first two)."""
        if self.running:
            return "InProgress"
        return "Failed" if self.failure is not None else "Succeeded"

    def due(self, now: float) -> float | None:
        """The moment it is done, if that is not later than `now`."""
        return self.timing.due(self.started, self.looks, now)

    def end(self, moment: float) -> None:
        """Do what there is to do, or undo it when it was to fail."""
        self.finished = moment
        if self.failure is None:
            try:
                self.effect()
            except Refused as refusal:
                self.failure = refusal
        if self.failure is not None and self.on_failure is not None:
            self.on_failure()
