# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The entity data model of SPF's VMM service, as far as checkpoints need it.

VMCheckPoint: dn785076 and a client generated from the service in 2015. Job: dn818633 and a capture of 2019.
VirtualMachine: the members of a capture of 2019; the types of members that were null there are inferred.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.odata.edm_vm import VIRTUAL_MACHINE

CHECKPOINT = {  # in the order the service writes them (dn785087)
    "Accessibility": "Edm.String",
    "CheckpointID": "Edm.Guid",
    "Description": "Edm.String",
    "Enabled": "Edm.Boolean",
    "ID": "Edm.Guid",
    "Name": "Edm.String",
    "ParentCheckpointID": "Edm.Guid",
    "VMId": "Edm.Guid",
    "AddedTime": "Edm.DateTime",
    "ModifiedTime": "Edm.DateTime",
    "StampId": "Edm.Guid",
    "VMCheckPointAction": "Edm.String",
    "Confirm": "Edm.Boolean",
    "RunAsynchronously": "Edm.Boolean",
}

JOB = {
    "AdditionalMessages": "Collection(VMM.ErrorInfo)",
    "AreAuditRecordsAvailable": "Edm.Boolean",
    "CmdletName": "Edm.String",
    "CurrentStepId": "Edm.Guid",
    "Description": "VMM.JobDescription",  # dn818633 says String; the capture has a complex value
    "EndTime": "Edm.DateTime",
    "ErrorInfo": "VMM.ErrorInfo",
    "ID": "Edm.Guid",
    "IsCompleted": "Edm.Boolean",
    "IsRestartable": "Edm.Boolean",
    "IsStoppable": "Edm.Boolean",
    "IsVisible": "Edm.Boolean",
    "Name": "Edm.String",
    "Owner": "Edm.String",
    "OwnerSID": "Edm.String",
    "PROTipID": "Edm.Guid",
    "Password": "Edm.String",
    "Progress": "Edm.String",
    "ProgressValue": "Edm.Int32",
    "ResultName": "Edm.String",
    "ResultObjectID": "Edm.Guid",
    "ResultObjectType": "Edm.String",
    "ResultObjectTypeName": "Edm.String",
    "RootStepId": "Edm.Guid",
    "SkipLastFailedStep": "Edm.Boolean",
    "Source": "Edm.String",
    "StampId": "Edm.Guid",
    "StartTime": "Edm.DateTime",
    "Status": "Edm.String",
    "StatusString": "Edm.String",
    "StepsLoaded": "Edm.Boolean",
    "Target": "Edm.String",
    "TargetObjectID": "Edm.Guid",
    "TargetObjectType": "Edm.String",
    "UserName": "Edm.String",
    "WasNotifiedOfCancel": "Edm.Boolean",
}

CLOUD = {
    "Description": "Edm.String",
    "ID": "Edm.Guid",
    "LastModifiedDate": "Edm.DateTime",
    "Name": "Edm.String",
    "ShieldedVMSupportPolicy": "Edm.String",
    "StampId": "Edm.Guid",
    "UserRoleID": "Edm.Guid",
    "WritableLibraryPath": "Edm.String",
}

COMPLEX: dict[str, dict[str, str]] = {
    "VMM.ErrorInfo": {
        "CloudProblem": "Edm.String",
        "Code": "Edm.String",
        "DetailedCode": "Edm.Int32",
        "DetailedErrorCode": "Edm.String",
        "DetailedSource": "Edm.String",
        "DisplayableErrorCode": "Edm.String",
        "ErrorCodeString": "Edm.String",
        "ErrorType": "Edm.String",
        "ExceptionDetails": "Edm.String",
        "IsConditionallyTerminating": "Edm.Boolean",
        "IsDeploymentBlocker": "Edm.Boolean",
        "IsMomAlert": "Edm.Boolean",
        "IsSuccess": "Edm.Boolean",
        "IsTerminating": "Edm.Boolean",
        "MessageParameters": "Edm.String",
        "MomAlertSeverity": "Edm.String",
        "Problem": "Edm.String",
        "RecommendedAction": "Edm.String",
        "RecommendedActionCLI": "Edm.String",
        "ShowDetailedError": "Edm.Boolean",
    },
    "VMM.JobDescription": {
        "CanSkipLastFailedStep": "Edm.Boolean",
        "Code": "Edm.String",
        "DescriptionCodeString": "Edm.String",
        "IsRestartable": "Edm.Boolean",
        "IsStoppable": "Edm.Boolean",
        "Name": "Edm.String",
        "RequiresCredentialsForRestart": "Edm.Boolean",
    },
    "VMM.UserAndRole": {"RoleID": "Edm.Guid", "RoleName": "Edm.String", "UserName": "Edm.String"},
    "VMM.Guardian": {"EncryptionCertificate": "Edm.String", "Name": "Edm.String", "SigningCertificate": "Edm.String"},
    "VMM.OperatingSystem": {
        "Architecture": "Edm.String",
        "Description": "Edm.String",
        "Edition": "Edm.String",
        "Name": "Edm.String",
        "OSType": "Edm.String",
        "ProductType": "Edm.String",
        "Version": "Edm.String",
    },
    "VMM.NewVMVirtualNetworkAdapterInput": {"VMNetworkName": "Edm.String"},
    "VMM.VMNetworkAssignment": {"VMNetworkName": "Edm.String"},
}


@dataclass(frozen=True)
class EntityType:
    """One entity type and its set; every key here is (ID, StampId)."""

    name: str
    entity_set: str
    properties: dict[str, str]
    navigation: dict[str, str] = field(default_factory=dict)  # name -> set of the target
    collections: frozenset[str] = frozenset()


SETS: dict[str, EntityType] = {
    each.entity_set.lower(): each
    for each in (
        # Exactly one navigation, and it is singular (proxy.cs 2015); a checkpoint has no way back to its VM.
        EntityType("VMCheckPoint", "VMCheckPoints", CHECKPOINT, {"ParentCheckPoint": "VMCheckPoints"}),
        EntityType(
            "VirtualMachine",
            "VirtualMachines",
            VIRTUAL_MACHINE,
            # VMCheckpoints with a small p, unlike the set (docs/services.md)
            {"VMCheckpoints": "VMCheckPoints", "MostRecentTask": "Jobs", "FailedJob": "Jobs", "Cloud": "Clouds"},
            frozenset({"VMCheckpoints"}),
        ),
        EntityType("Job", "Jobs", JOB),
        EntityType("Cloud", "Clouds", CLOUD),
    )
}
