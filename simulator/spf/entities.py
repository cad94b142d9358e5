# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF's entities made from the domain: which member says what, and how SPF writes its times."""

from __future__ import annotations

import math
from typing import Any

from simulator.odata.edm import CHECKPOINT, COMPLEX
from simulator.odata.edm_vm import VIRTUAL_MACHINE
from simulator.odata.query import Entity
from simulator.switches.all import Switches
from simulator.vmm.jobs import Job, Kind, Refusal, Status
from simulator.vmm.machines import Checkpoint, VirtualMachine, status_text
from simulator.vmm.names import local
from simulator.world import Site

BUSY_STATES = {
    Kind.CREATE: "CreatingCheckpoint",
    Kind.RESTORE: "RecoveringCheckpoint",
    Kind.DELETE: "DeletingCheckpoint",
}
JOB_TEXTS = {Status.SUCCEED_WITH_INFO: "Completed w/ Info"}

VM_FACTS: dict[str, Any] = {
    "BackupEnabled": True,
    "CPUMax": 100,
    "CPUReserve": 0,
    "CPUType": "2.40 GHz Xeon (2 MB L2 cache)",
    "CPUUtilization": 0,
    "CanVMConnect": False,
    "CapabilityProfile": "Hyper-V",
    "DataExchangeEnabled": True,
    "DelayStart": 0,
    "DiskIO": 0,
    "DynamicMemoryDemandMB": 0,
    "DynamicMemoryEnabled": False,
    "Enabled": True,
    "ExcludeFromPRO": False,
    "ExpectedCPUUtilization": 20,
    "Generation": 2,
    "HasPassthroughDisk": False,
    "HasVMAdditions": True,
    "HeartbeatEnabled": True,
    "IsFaultTolerant": False,
    "IsHighlyAvailable": False,
    "IsRecoveryVM": False,
    "IsUndergoingLiveMigration": False,
    "LibraryGroup": "",
    "LimitCPUForMigration": False,
    "LimitCPUFunctionality": False,
    "Location": "",
    "MarkedAsTemplate": False,
    "MemoryWeight": 5000,
    "NetworkUtilization": 0,
    "OperatingSystem": "Debian GNU/Linux 12 (64 bit)",
    "OperatingSystemShutdownEnabled": True,
    "PerfCPUUtilization": 1,
    "PerfDiskBytesRead": "0",
    "PerfDiskBytesWrite": "0",
    "PerfNetworkBytesRead": "0",
    "PerfNetworkBytesWrite": "0",
    "SecuritySummary": "None",
    "SourceObjectType": "VM Template",
    "StartAction": "TurnOnVMIfRunningWhenVSStopped",
    "StopAction": "SaveVM",
    "Tag": "(none)",
    "TimeSynchronizationEnabled": True,
    "TotalSize": "10737418240",  # Edm.Int64 is a string in JSON
    "UndoDisksEnabled": False,
    "VirtualizationPlatform": "HyperV",
}


def spf_time(moment: float, switches: Switches, *, fresh: bool = False) -> str:
    """Local time with offset, zeros trimmed; read back from SQL Server, rounded to its 1/300 s (docs/services.md)."""
    moment += switches.vmm_clock_skew
    if not fresh:
        moment = math.floor(moment * 300 + 0.5) / 300
    digits = 7 if fresh else 3
    whole = math.floor(moment)
    fraction = f"{moment - whole:.{digits}f}"
    if fraction.startswith("1"):
        whole, fraction = whole + 1, "0." + "0" * digits
    text = fraction[1:].rstrip("0").rstrip(".")
    when = local(whole, switches)
    return f"{when:%Y-%m-%dT%H:%M:%S}{text}{switches.spf_utc_offset}"


def checkpoint_entity(
    site: Site, vm: VirtualMachine, point: Checkpoint, switches: Switches, *, fresh: bool = False
) -> Entity:
    """A VMCheckPoint; host id and parent are null until the host has made it."""
    known = point.made is not None and point.host_id_known
    values: Entity = {
        "Accessibility": "Public",
        "CheckpointID": point.checkpoint_id if known else None,
        "Description": point.description or "",  # null comes back as "" (dn785087)
        "Enabled": point.enabled,
        "ID": point.id,
        "Name": point.name,
        "ParentCheckpointID": point.parent_id if known else None,
        "VMId": vm.id,  # VMM's id of the VM, not the host's (dn458380)
        "AddedTime": spf_time(point.added, switches, fresh=fresh),
        "ModifiedTime": spf_time(point.modified, switches, fresh=fresh),
        "StampId": site.stamp_id,
    }
    return {name: values.get(name) for name in CHECKPOINT}


def vm_entity(site: Site, vm: VirtualMachine, busy: Job | None, switches: Switches) -> Entity:
    """A VirtualMachine with all members of the capture; most of them say nothing here."""
    state = BUSY_STATES.get(busy.kind, vm.state()) if busy is not None else vm.state()
    entity: Entity = dict.fromkeys(VIRTUAL_MACHINE)
    entity.update(VM_FACTS)
    entity.update(
        {
            "AddedTime": spf_time(vm.added, switches),
            "CreationTime": spf_time(vm.added, switches),
            "ModifiedTime": spf_time(vm.modified, switches, fresh=True),
            "CPUCount": vm.hardware.cpu_count,
            "CloudId": site.cloud_id,
            "DeploymentErrorInfo": dict.fromkeys(COMPLEX["VMM.ErrorInfo"]),
            "Description": vm.description,
            "FailedJobID": vm.failed_job,
            "GrantedToList": [],
            "HasSavedState": vm.power == "Saved",
            "ID": vm.id,
            "KeyProtectorGuardians": [],
            "KeyProtectorOwner": dict.fromkeys(COMPLEX["VMM.Guardian"]),
            "LastRestoredCheckpointId": vm.pointer,  # the place the VM stands on, not a restore log (docs/services.md)
            "Memory": vm.hardware.memory_mb,
            "MemoryAssignedMB": vm.hardware.memory_mb,
            "MostRecentTaskId": vm.most_recent_job,
            "Name": vm.name,
            "NewVirtualNetworkAdapterInput": [],
            "OperatingSystemInstance": {
                **dict.fromkeys(COMPLEX["VMM.OperatingSystem"]),
                "Architecture": "amd64",
                "Description": "Debian GNU/Linux 12 (64 bit)",
                "Name": "Debian GNU/Linux 12 (64 bit)",
                "OSType": "Linux",
            },
            "Owner": {"RoleID": site.cloud_id, "RoleName": "Administrator", "UserName": vm.owner},
            "StampId": site.stamp_id,
            "Status": state,
            "StatusString": status_text(state),
            "VMId": vm.vm_id,
            "VMNetworkAssignments": [],
            "VirtualMachineState": vm.power,
            "VMConnection@odata.mediaContentType": "application/x-rdp",  # its named stream, in JSON light only
        }
    )
    return entity


def error_info(refusal: Refusal | None, level: str = "Error") -> dict[str, Any]:
    """ErrorInfo of a job; success is Code `Success` and number 0 (capture of 2019)."""
    return {
        "CloudProblem": "",
        "Code": refusal.symbol if refusal else "Success",
        "DetailedCode": 0,
        "DetailedErrorCode": "",
        "DetailedSource": "None",
        "DisplayableErrorCode": refusal.code if refusal else "0",
        "ErrorCodeString": refusal.code if refusal else "0",
        "ErrorType": level,
        "ExceptionDetails": "",
        "IsConditionallyTerminating": False,
        "IsDeploymentBlocker": False,
        "IsMomAlert": False,
        "IsSuccess": refusal is None,
        "IsTerminating": refusal is not None and level == "Error",
        "MessageParameters": "System.Collections.Generic.Dictionary`2[System.String,System.String]",
        "MomAlertSeverity": "Error",
        "Problem": refusal.problem if refusal else "",
        "RecommendedAction": refusal.remedy if refusal else "",
        "RecommendedActionCLI": refusal.remedy if refusal else "",
        "ShowDetailedError": False,
    }


def job_entity(site: Site, job: Job, vm: VirtualMachine | None, switches: Switches, now: float) -> Entity:
    """A Job; its result is in Status and ErrorInfo."""
    progress = job.progress(now)
    on_checkpoint = job.checkpoint is not None
    result = job.checkpoint if on_checkpoint else job.vm_id
    kind = "VMCheckpoint" if on_checkpoint else "VM"
    return {
        "AdditionalMessages": [error_info(message, "Warning") for message in job.messages],
        "AreAuditRecordsAvailable": False,
        "CmdletName": job.cmdlet,
        "CurrentStepId": None,
        "Description": {
            "CanSkipLastFailedStep": False,
            "Code": job.kind.value,
            "DescriptionCodeString": "",
            "IsRestartable": False,
            "IsStoppable": job.running,
            "Name": job.name,
            "RequiresCredentialsForRestart": False,
        },
        "EndTime": spf_time(job.finished, switches) if job.finished is not None else None,
        "ErrorInfo": error_info(None if job.running else job.refusal),
        "ID": job.id,
        "IsCompleted": not job.running,
        "IsRestartable": False,
        "IsStoppable": job.running,
        "IsVisible": True,
        "Name": job.name,
        "Owner": job.owner,
        "OwnerSID": None,
        "PROTipID": None,
        "Password": None,
        "Progress": f"{progress} %",
        "ProgressValue": progress,
        "ResultName": vm.name if vm else "Object Deleted",
        "ResultObjectID": result,
        "ResultObjectType": kind,
        "ResultObjectTypeName": "Checkpoint" if on_checkpoint else "Virtual Machine",
        "RootStepId": None,
        "SkipLastFailedStep": None,
        "Source": "",
        "StampId": site.stamp_id,
        "StartTime": spf_time(job.started, switches),
        "Status": job.status.value,
        "StatusString": JOB_TEXTS.get(job.status, job.status.value),
        "StepsLoaded": False,
        "Target": vm.name if vm else "",
        "TargetObjectID": job.vm_id,
        "TargetObjectType": "VM",
        "UserName": None,
        "WasNotifiedOfCancel": False,
    }


def cloud_entity(site: Site) -> Entity:
    """The one cloud a subscription is associated with (comment in VirtualMachineOperations.cs)."""
    return {
        "Description": "",
        "ID": site.cloud_id,
        "LastModifiedDate": None,
        "Name": "Tenant Cloud",
        "ShieldedVMSupportPolicy": "ShieldedVMNotSupported",
        "StampId": site.stamp_id,
        "UserRoleID": None,
        "WritableLibraryPath": None,
    }
