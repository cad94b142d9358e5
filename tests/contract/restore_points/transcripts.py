# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts of the published examples and of the recordings, transcribed with ids, names and times of our own."""

from __future__ import annotations

from typing import Any

SUB = "44444444-0000-4000-8000-000000000001"
GROUP = f"/subscriptions/{SUB}/resourceGroups/rg1/providers/Microsoft.Compute"
VM = f"{GROUP}/virtualMachines/vm1"
HOME = f"{GROUP}/restorePointCollections/rpc1"
POINT = f"{HOME}/restorePoints/rp1"
GUID = "55555555-0000-4000-8000-00000000000a"
STATUS = (
    f"/subscriptions/{SUB}/providers/Microsoft.Compute/locations/WestEurope/operations/{GUID}?p={GUID}&api-version="
)


def _point(state: str = "Succeeded", **more: Any) -> dict[str, Any]:
    """A point as answered since 2022: disk restore points have names of their own, and only once it has succeeded."""
    os_disk: dict[str, Any] = {"osType": "Linux", "name": "os1", "managedDisk": {"id": f"{GROUP}/disks/os1"}}
    if state == "Succeeded":
        os_disk["diskRestorePoint"] = {"id": f"{POINT}/diskRestorePoints/os1_{GUID}"}
    metadata = {"vmId": GUID, "location": "WestEurope", "storageProfile": {"osDisk": os_disk, "dataDisks": []}}
    properties = {"sourceMetadata": metadata, "provisioningState": state, **more}
    if state == "Succeeded":
        properties["consistencyMode"] = "CrashConsistent"
    return {
        "name": "rp1",
        "id": POINT,
        "properties": {**properties, "timeCreated": "2026-11-20T11:30:00.1234567+00:00"},
    }


POINT_2021 = {
    # Azure PowerShell's recording of 2021-08: a time in provisioningDetails, a disk restore point's id with a query.
    "name": "rp1",
    "id": POINT,
    "properties": {
        "provisioningState": "Succeeded",
        "consistencyMode": "ApplicationConsistent",
        "provisioningDetails": {"creationTime": "2021-08-02T10:00:00.7654321-07:00", "totalUsedSizeInBytes": 5},
        "sourceMetadata": {
            "storageProfile": {
                "osDisk": {"osType": "Windows", "diskRestorePoint": {"id": f"{POINT}/disks/os1?id={GUID}"}}
            }
        },
    },
}


def _home(**properties: Any) -> dict[str, Any]:
    members = {"source": {"id": VM, "location": "WestEurope"}, "restorePointCollectionId": GUID, **properties}
    return {
        "name": "rpc1",
        "id": HOME,
        "location": "westeurope",
        "properties": {"provisioningState": "Succeeded", **members},
    }


_VIEW = {
    "diskRestorePoints": [
        {
            "id": f"{POINT}/diskRestorePoints/os1_{GUID}",
            "replicationStatus": {"status": {"code": "ReplicationState/succeeded"}, "completionPercent": 100},
        }
    ],
    "statuses": [{"code": "ReplicationState/succeeded", "level": "Info", "displayStatus": "Succeeded"}],
}
_DRP = {
    "id": f"{POINT}/diskRestorePoints/os1_{GUID}",
    "name": f"os1_{GUID}",
    "properties": {"timeCreated": "2026-11-20T11:30:00.123456+00:00", "osType": "Linux", "hyperVGeneration": "V2"},
}


def _example(answers: dict[str, Any], version: str = "2024-07-01", **more: Any) -> dict[str, Any]:
    named = {"subscriptionId": SUB, "resourceGroupName": "rg1", "restorePointCollectionName": "rpc1"}
    responses = {status: {"headers": _headers(status), "body": body} for status, body in answers.items()}
    return {"parameters": {**named, "api-version": version, **more}, "responses": responses}


def _headers(status: str) -> dict[str, str]:
    return {"location": f"https://management.azure.com{STATUS}2024-07-01"} if status == "202" else {}


_RP = {"restorePointName": "rp1"}
_DISK = {"vmRestorePointName": "rp1", "diskRestorePointName": f"os1_{GUID}"}
_OTHER = f"{GROUP}/restorePointCollections/other"
EXAMPLES: dict[str, dict[str, Any]] = {
    "compute-2024-07-01/RestorePointCollection_CreateOrUpdate.json": _example(
        {"200": _home(), "201": _home()},
        parameters={"location": "westeurope", "properties": {"source": {"id": VM}}, "tags": {"a": "b"}},
    ),
    "compute-2024-07-01/RestorePointCollection_CreateOrUpdate_ForCrossRegionCopy.json": _example(
        {"201": _home(source={"id": _OTHER})},
        parameters={"location": "northeurope", "properties": {"source": {"id": _OTHER}}, "tags": {"a": "b"}},
    ),
    "compute-2024-07-01/RestorePointCollection_Delete_MaximumSet_Gen.json": _example(
        {"200": None, "202": None, "204": None}
    ),
    "compute-2024-07-01/RestorePointCollection_Get.json": _example({"200": _home()}),
    "compute-2024-07-01/RestorePointCollection_Get_WithContainedRestorePoints.json": _example(
        {"200": _home(restorePoints=[_point()])}, expand="restorePoints"
    ),
    "compute-2024-07-01/RestorePointCollection_ListByResourceGroup.json": _example({"200": {"value": [_home()]}}),
    "compute-2024-07-01/RestorePointCollection_ListBySubscription.json": _example({"200": {"value": [_home()]}}),
    "compute-2024-07-01/RestorePointCollection_Update_MaximumSet_Gen.json": _example(
        {"200": _home()}, parameters={"tags": {"a": "b"}, "properties": {"source": {"id": VM}}}
    ),
    "compute-2024-07-01/RestorePoint_Create.json": _example(
        {"201": _point("Creating")},
        parameters={"properties": {"excludeDisks": [{"id": f"{GROUP}/disks/data1"}]}},
        **_RP,
    ),
    "compute-2024-07-01/RestorePoint_Copy_BetweenRegions.json": _example(
        {"201": _point("Creating")},
        parameters={"properties": {"sourceRestorePoint": {"id": f"{_OTHER}/restorePoints/x"}}},
        **_RP,
    ),
    "compute-2024-07-01/RestorePoint_Delete_MaximumSet_Gen.json": _example(
        {"200": None, "202": None, "204": None}, **_RP
    ),
    "compute-2024-07-01/RestorePoint_Get.json": _example({"200": _point()}, **_RP),
    "compute-2024-07-01/RestorePoint_Get_WithInstanceView.json": _example(
        {"200": _point(instanceView=_VIEW)}, expand="instanceView", **_RP
    ),
    "disk-restore-point/DiskRestorePoint_Get.json": _example({"200": _DRP}, "2024-03-02", **_DISK),
    "disk-restore-point/DiskRestorePoint_ListByVmRestorePoint.json": _example(
        {"200": {"value": [_DRP]}}, "2024-03-02", vmRestorePointName="rp1"
    ),
}


def _pair(method: str, path: str, status: int, answer: Any = None, sent: Any = None, **headers: str) -> dict[str, Any]:
    glue = "&" if "?" in path else "?"
    uri = path if "api-version" in path else f"{path}{glue}api-version=2022-11-01"
    return {
        "request": {"method": method, "uri": f"https://management.azure.com{uri}", "body": sent},
        "response": {"status": status, "headers": {name: [value] for name, value in headers.items()}, "body": answer},
    }


_POLL = f"{STATUS}2022-11-01"
_BEGUN = {"azure-asyncoperation": f"https://management.azure.com{_POLL}", "azure-asyncnotification": "Enabled"}
RECORDING: list[dict[str, Any]] = [
    _pair("PUT", HOME, 201, _home(), {"location": "westeurope", "properties": {"source": {"id": VM}}}),
    _pair("PATCH", HOME, 200, _home(), {"tags": {"tag": "test"}}),
    _pair("PUT", POINT, 201, _point("Creating"), {"properties": {"consistencyMode": "CrashConsistent"}}, **_BEGUN),
    _pair("GET", _POLL, 200, {"startTime": "2026-11-20T11:30:00.1+00:00", "status": "InProgress", "name": GUID}),
    _pair("GET", _POLL, 200, {"startTime": "2026-11-20T11:30:00.1+00:00", "status": "Succeeded", "name": GUID}),
    _pair("GET", POINT, 200, _point()),
    _pair("GET", f"{HOME}?$expand=restorePoints", 200, _home(restorePoints=[_point()])),
    _pair("GET", HOME.rpartition("/")[0], 200, {"value": [_home()]}),
    _pair("DELETE", POINT, 202, None, None, **_BEGUN, location=f"https://management.azure.com{_POLL}&monitor=true"),
    _pair("DELETE", HOME, 202, None, None, **_BEGUN, location=f"https://management.azure.com{_POLL}&monitor=true"),
]
