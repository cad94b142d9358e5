# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF as published and captured, in our own words: shapes and facts as there, ids, names and times of our own.

Origins of the facts: Learn dn785087 (create), dn458374 (restore), dn785075 (delete), dn785083 (an entity without host
id), dn785078 (PUT); captures of an SPF 2019 (job, VM, cloud, Atom); inventories of 2014 and 2017 (trees).
"""

from __future__ import annotations

from typing import Any

from tests.contract.checkpoints.exchange import Exchange
from tests.contract.checkpoints.transcripts.spf_trees import TREES

SUBSCRIPTION = "4f0e2f8c-51b6-4b0c-9a43-1f6f0c6f7a01"
STAMP = "c1d2e3f4-0a1b-4c2d-8e3f-5a6b7c8d9e02"
VM_ID = "9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c03"
CHECKPOINT = "0b1c2d3e-4f50-4162-8374-95a6b7c8d904"
ROOT = f"https://portal.example.test:30005/{SUBSCRIPTION}/services/systemcenter/vmm"
OTHER_ROOT = f"https://wap.example.test:30005/{SUBSCRIPTION.upper()}/services/systemcenter/vmm"
KEY = f"VMCheckPoints(ID=guid'{CHECKPOINT}',StampId=guid'{STAMP}')"

REQUEST_HEADERS = (
    ("DataServiceVersion", "3.0;NetFx"),
    ("MaxDataServiceVersion", "3.0;NetFx"),
    ("Content-Type", "application/json;odata=minimalmetadata"),
    ("Accept", "application/json;odata=minimalmetadata"),
    ("Accept-Charset", "UTF-8"),
    ("DataServiceUrlConventions", "KeyAsSegment"),
    ("User-Agent", "Microsoft ADO.NET Data Services"),
)
CREATE_BODY: dict[str, Any] = {
    "odata.type": "VMM.VMCheckPoint",
    "Accessibility": None,
    "AddedTime": None,
    "CheckpointID": None,
    "Confirm": None,
    "Description": None,
    "Enabled": None,
    "ID": "00000000-0000-0000-0000-000000000000",
    "ModifiedTime": None,
    "Name": "before patch day",
    "ParentCheckpointID": None,
    "RunAsynchronously": None,
    "StampId": STAMP,
    "VMCheckPointAction": None,
    "VMId": VM_ID,
}
CREATED = (
    f'{{"odata.metadata":"{ROOT}/$metadata#VMCheckPoints/@Element","Accessibility":"Public","CheckpointID":null,'
    f'"Description":"","Enabled":true,"ID":"{CHECKPOINT}","Name":"before patch day","ParentCheckpointID":null,'
    f'"VMId":"{VM_ID}","AddedTime":"2026-03-02T08:15:21.4417205+01:00","ModifiedTime":"2026-03-02T08:15:21.57+01:00",'
    f'"StampId":"{STAMP}","VMCheckPointAction":null,"Confirm":null,"RunAsynchronously":null}}'
)


def _no_content(method: str, headers: tuple[tuple[str, str], ...], body: Any, job: str) -> Exchange:
    answer = (
        ("Cache-Control", "no-cache"),
        ("Server", "Microsoft-IIS/8.5"),
        ("x-ms-request-id", job),
        ("request-id", "77e0a1b2-c3d4-0001-8899-aabbccddee05"),
        ("DataServiceVersion", "1.0;"),
        ("Persistent-Auth", "true"),
        ("Date", "Mon, 02 Mar 2026 07:20:00 GMT"),
    )
    return Exchange(method, f"{OTHER_ROOT}/{KEY}", headers, body, 204, answer, "")


CREATE = Exchange(
    "POST",
    f"{ROOT}/VMCheckPoints",
    (
        *REQUEST_HEADERS,
        ("Authorization", "Bearer {ENCODED AUTHENTICATION TOKEN}"),
        ("x-ms-principal-id", "operator@example.test"),
        ("Host", "portal.example.test:30005"),
        ("Expect", "100-continue"),
    ),
    CREATE_BODY,
    201,
    (
        ("Cache-Control", "no-cache"),
        ("Content-Type", "application/json; odata=minimalmetadata; streaming=true; charset=utf-8"),
        ("Location", f"{ROOT}/{KEY}"),
        ("Server", "Microsoft-IIS/8.5"),
        ("x-ms-request-id", "D0E1F2A3-B4C5-4D6E-8F70-8192A3B4C506"),
        ("request-id", "77e0a1b2-c3d4-0000-8899-aabbccddee05"),
        ("DataServiceVersion", "3.0;"),
        ("Server", "Microsoft-IIS/8.5"),  # the portal repeats headers
        ("Date", "Mon, 02 Mar 2026 07:15:23 GMT"),
    ),
    CREATED,
)
WINDOWS_HEADERS = (
    *REQUEST_HEADERS,
    ("x-ms-principal-id", "operator@example.test"),
    ("Host", "wap.example.test:30005"),
)
RESTORE_BODY = {"VMCheckPointAction": "Restore", "odata.type": "VMM.VMCheckPoint"}
LATER: dict[str, Any] = {
    **CREATE_BODY,
    "Accessibility": "Public",
    "AddedTime": "2026-03-02T08:15:21.443+01:00",  # the same moment, rounded to SQL's datetime by now
    "CheckpointID": "1c2d3e4f-5061-4273-8495-a6b7c8d9ea07",
    "Description": "",
    "Enabled": True,
    "ID": CHECKPOINT,
    "ModifiedTime": "2026-03-09T03:00:12.107+01:00",
    "ParentCheckpointID": "2d3e4f50-6172-4384-95a6-b7c8d9eafb08",
    "VMCheckPointAction": "Restore",
}
WITHOUT_HOST_ID = {
    **{name: value for name, value in LATER.items() if name != "odata.type"},
    "odata.metadata": f"{ROOT}/$metadata#VMCheckPoints/@Element",
    "CheckpointID": None,
    "ParentCheckpointID": None,
    "VMCheckPointAction": None,
}
JOB = {
    "odata.metadata": f"{ROOT}/$metadata#Jobs/@Element",
    "ID": "3e4f5061-7283-4495-a6b7-c8d9eafb0c09",
    "StampId": STAMP,
    "Name": "Remove checkpoint",
    "CmdletName": "Remove-SCVMCheckpoint",
    "Description": {"Name": "Remove checkpoint", "Code": "RemoveCheckpoint", "IsStoppable": False},
    "IsCompleted": True,
    "Status": "SucceedWithInfo",
    "StatusString": "Completed w/ Info",
    "Progress": "100 %",
    "ProgressValue": 100,
    "StartTime": "2026-03-02T08:20:00.01+01:00",
    "EndTime": "2026-03-02T08:20:09.213+01:00",
    "Owner": "EXAMPLE\\operator",
    "TargetObjectID": VM_ID,
    "TargetObjectType": "VM",
    "ResultObjectID": VM_ID,
    "ErrorInfo": {
        "Code": "Success",
        "ErrorCodeString": "0",
        "DisplayableErrorCode": "0",
        "IsSuccess": True,
        "Problem": "",
    },
    "AdditionalMessages": [
        {
            "Code": "SomeWarning",
            "ErrorCodeString": "10803",
            "ErrorType": "Warning",
            "IsSuccess": False,
            "Problem": "Something was in use by another process.",
            "RecommendedAction": "Wait for the next automatic refresh.",
        }
    ],
}
VIRTUAL_MACHINE = {
    "odata.metadata": f"{ROOT}/$metadata#VirtualMachines/@Element",
    "ID": VM_ID,
    "StampId": STAMP,
    "Name": "it's a VM",
    "VMId": "4f506172-8394-45a6-b7c8-d9eafb0c1d0a",
    "AddedTime": "2025-11-27T20:23:09.783+01:00",
    "CPUCount": 8,
    "CheckpointLocation": None,
    "CloudId": "50617283-94a5-46b7-88d9-eafb0c1d2e0b",
    "DeploymentErrorInfo": {"Code": None, "Problem": None},
    "LastRestoredCheckpointId": "4f506172-8394-45a6-b7c8-d9eafb0c1d0a",
    "MostRecentTaskId": "61728394-a5b6-47c8-99ea-fb0c1d2e3f0c",
    "Operation": None,
    "Status": "PowerOff",
    "StatusString": "Stopped",
    "TotalSize": "4194304",
    "VMConnection@odata.mediaContentType": "application/x-rdp",
    "VirtualMachineState": "PowerOff",
}


def _cloud(name: str, number: int) -> dict[str, Any]:
    cloud_id = f"728394a5-b6c7-48d9-8afb-0c1d2e3f4f{number:02d}"
    return {"Description": "", "ID": cloud_id, "Name": name, "StampId": STAMP, "UserRoleID": None}


ATOM = f"""<?xml version="1.0" encoding="utf-8"?>
<entry xml:base="{ROOT}/" xmlns="http://www.w3.org/2005/Atom"
    xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
    xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
  <id>{ROOT}/VirtualDiskDrives(ID=guid'{CHECKPOINT}',StampId=guid'{STAMP}')</id>
  <category term="VMM.VirtualDiskDrive" scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme" />
  <link rel="edit" title="VirtualDiskDrive" href="VirtualDiskDrives(ID=guid'{CHECKPOINT}',StampId=guid'{STAMP}')" />
  <title />
  <updated>2026-03-02T07:15:22Z</updated>
  <author><name /></author>
  <m:action metadata="{ROOT}/$metadata#VMM.Expand" title="Expand" target="{ROOT}/Expand" />
  <content type="application/xml">
    <m:properties>
      <d:StampId m:type="Edm.Guid">{STAMP}</d:StampId>
      <d:ID m:type="Edm.Guid">{CHECKPOINT}</d:ID>
      <d:Bus m:type="Edm.Byte">1</d:Bus>
      <d:LUN m:type="Edm.Byte">3</d:LUN>
      <d:BusType>SCSI</d:BusType>
      <d:IsVHD m:type="Edm.Boolean">true</d:IsVHD>
      <d:Enabled m:type="Edm.Boolean">false</d:Enabled>
      <d:Name>data disk</d:Name>
      <d:VMId m:type="Edm.Guid" m:null="true" />
      <d:HostDrive m:null="true" />
      <d:ISOLinked m:type="Edm.Boolean" m:null="true" />
      <d:Accessibility>Public</d:Accessibility>
      <d:Description></d:Description>
      <d:AddedTime m:type="Edm.DateTime">2026-03-01T17:04:14.967+01:00</d:AddedTime>
      <d:VolumeType>None</d:VolumeType>
      <d:FileName m:null="true" />
      <d:Size m:type="Edm.Int64">8388608</d:Size>
    </m:properties>
  </content>
</entry>
"""
ERRORS = """
{"odata.error":{"code":"","message":{"lang":"en-US","value":"Resource not found for the segment 'VMCheckPoints'."}}}
verbose: {"error":{"code":"","message":{"lang":"en-US","value":"..."}}}
<m:error xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><m:code/>\
<m:message xml:lang="en-US">...</m:message></m:error>
<Error xmlns="http://schemas.microsoft.com/windowsazure"><Code>..</Code><Message>..</Message></Error>
401/403 from IIS: HTML.
"""
_MEMBERS = {
    "VMCheckPoint": [name for name in CREATE_BODY if name != "odata.type"],
    "VirtualMachine": [
        *("ID", "StampId", "VMId", "Name", "Status", "VirtualMachineState"),
        *("LastRestoredCheckpointId", "MostRecentTaskId", "Operation"),
    ],
}
METADATA = (
    '<Schema Namespace="VMM" xmlns="http://schemas.microsoft.com/ado/2009/11/edm">'
    + "".join(
        f'<EntityType Name="{kind}">{"".join(f"<Property Name={name!r}/>" for name in members)}</EntityType>'
        for kind, members in _MEMBERS.items()
    )
    + "</Schema>"
)
STATES = """Running PowerOff Saved Paused Stored Missing HostNotResponding UnderMigration UnderCreation CreationFailed
UnderTemplateCreation Deleting MergingDrives DiscardingDrives P2VCreationFailed V2VCreationFailed CheckpointFailed
CreatingCheckpoint DeletingCheckpoint RecoveringCheckpoint InitializingCheckpointOperation
FinishingCheckpointOperation"""

FILES: dict[str, Any] = {
    "spf/create_checkpoint.http": CREATE,
    "spf/restore_merge.http": _no_content(
        "MERGE", WINDOWS_HEADERS, RESTORE_BODY, "8394a5b6-c7d8-49ea-9b0c-1d2e3f4f500e"
    ),
    "spf/delete_checkpoint.http": _no_content("DELETE", WINDOWS_HEADERS, None, "94a5b6c7-d8e9-4afb-8c1d-2e3f4f50610f"),
    "spf/same_checkpoint_a_week_later_put_body.json": LATER,
    "spf/get_checkpoint_entity.json": WITHOUT_HOST_ID,
    "spf/job_entity_2019.json": JOB,
    "spf/vm_entity_2019.json": VIRTUAL_MACHINE,
    "spf/cloud_entity_and_feed_2019.json": [
        _cloud("one", 1),
        {"odata.metadata": f"{ROOT}/$metadata#Clouds", "value": [_cloud("one", 1), _cloud("two", 2)]},
    ],
    "spf/diskdrive_create_response_atom_2019.xml": ATOM,
    "spf/errors.md": ERRORS,
    "spf/edmx/vmm_edmx_reconstructed.xml": METADATA,
    "spf/docs/vm_status_enum.md": STATES,
    **TREES,
}
