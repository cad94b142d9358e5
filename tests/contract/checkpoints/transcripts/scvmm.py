# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft.ScVmm as specified and recorded, in our own words: shapes and facts as there, names and ids of our own.

Origins of the facts: the specification and examples of 2024-06-01; two recordings of the Azure CLI's tests with
2023-10-07 (2023-10-31 and 2024-10-17).
"""

from __future__ import annotations

import json
from typing import Any

from tests.contract.checkpoints.exchange import Exchange

BASE = "https://management.azure.com"
MACHINE = (
    "/subscriptions/a5b6c7d8-e9fa-4b0c-9d1e-2f3f4f506110/resourceGroups/rg-transcript"
    "/providers/Microsoft.HybridCompute/machines/vm-transcript"
)
INSTANCE = f"{MACHINE}/providers/Microsoft.ScVmm/virtualMachineInstances/default"
VERSION = "api-version=2023-10-07"
SIGNED = f"{VERSION}&t=639000000000000000&c=MIIabc-_{'x' * 3900}&s=sig-_natu_re&h=ha-sh"
HASH = "0123456789ABCDEF" * 4
POINT = "B6C7D8E9-FA0B-4C1D-8E2F-3F4F50617211"
ROOT_ID = "C7D8E9FA-0B1C-4D2E-9F3F-4F5061728312"
NAME = "before patch day"

Headers = tuple[tuple[str, str], ...]
COMMON: Headers = (
    ("cache-control", "no-cache"),
    ("content-type", "application/json; charset=utf-8"),
    ("date", "Mon, 02 Mar 2026 07:20:00 GMT"),
    ("expires", "-1"),
    ("x-ms-providerhub-traffic", "True"),
)


def _operation(number: int) -> str:
    return f"d8e9fa0b-1c2d-4e3f-8f4f-50617283{number:04d}*{HASH}"


def _url(number: int, first: bool = True) -> str:
    """The location is in upper case in the first URL and in lower case in the fresh ones."""
    location = "EASTUS2EUAP" if first else "eastus2euap"
    return f"{BASE}/providers/Microsoft.ScVmm/locations/{location}/operationStatuses/{_operation(number)}?{SIGNED}"


def _links(number: int, first: bool = True) -> Headers:
    return ("azure-asyncoperation", _url(number, first)), ("location", _url(number, first))


def _poll(number: int, status: int, word: str, *, links: bool = False, empty_error: bool = False) -> Exchange:
    body: dict[str, Any] = {
        "id": f"/providers/Microsoft.ScVmm/locations/EASTUS2EUAP/operationStatuses/{_operation(number)}",
        "name": _operation(number),
        "resourceId": INSTANCE,
        "status": word,
        "startTime": "2026-03-02T07:20:00.9760812Z",
    }
    if word == "Succeeded":
        body |= {
            "endTime": "2026-03-02T07:20:24.3847638Z",
            **({"error": {}} if empty_error else {}),
            "properties": None,
        }
    headers = (*COMMON, *(_links(number, first=False) if links else ()))
    return Exchange("GET", _url(number), (), None, status, headers, json.dumps(body, separators=(",", ":")))


def _action(number: int, name: str, body: Any) -> list[Exchange]:
    """202 with `null` and both headers, a poll that runs (202, fresh headers), one that has ended, and it once more."""
    start = Exchange("POST", f"{BASE}{INSTANCE}/{name}?{VERSION}", (), body, 202, (*COMMON, *_links(number)), "null")
    done = _poll(number, 200, "Succeeded")
    return [start, _poll(number, 202, "Accepted", links=True), done, done]


def _instance(points: list[dict[str, str]], power: str) -> dict[str, Any]:
    return {
        "id": INSTANCE,
        "name": "default",
        "type": "microsoft.scvmm/virtualmachineinstances",
        "extendedLocation": {"type": "customLocation", "name": "/subscriptions/a5b6c7d8/cl"},
        "properties": {
            "infrastructureProfile": {
                "vmName": "vm-transcript",
                "lastRestoredVMCheckpoint": points[-1] if points else {},
                "checkpoints": points,
                "uuid": "e9fa0b1c-2d3e-4f40-9051-617283940514",
                "checkpointType": "Production",
            },
            "storageProfile": {"disks": [{"vhdType": "Differencing" if points else "Dynamic"}]},
            "powerState": power,
            "provisioningState": "Succeeded",
        },
    }


def _read(points: list[dict[str, str]], power: str = "Stopped") -> Exchange:
    headers = (*COMMON, ("etag", '"0200fff8-0000-3400-0000-6540c3a90000"'))
    body = json.dumps(_instance(points, power))
    return Exchange("GET", f"{BASE}{INSTANCE}?{VERSION}", (), None, 200, headers, body)


LISTED = {"parentCheckpointID": ROOT_ID, "checkpointID": POINT, "name": NAME, "description": NAME}
RECORDING = [
    # An operation on the resource itself is polled with 200 while it runs.
    Exchange(
        "PATCH",
        f"{BASE}{INSTANCE}?{VERSION}",
        (),
        {"properties": {"infrastructureProfile": {"checkpointType": "Production"}}},
        202,
        (*COMMON, *_links(1)),
        "null",
    ),
    _poll(1, 200, "Accepted"),
    _poll(1, 200, "Succeeded", empty_error=True),
    *_action(2, "start", None),
    _read([], "Running"),
    *_action(3, "stop", {"skipShutdown": "true"}),
    _read([]),
    *_action(4, "createCheckpoint", {"name": NAME, "description": NAME}),
    _read([LISTED]),
    *_action(5, "restoreCheckpoint", {"id": POINT}),
    _read([LISTED]),
    *_action(6, "deleteCheckpoint", {"id": POINT}),
    _read([]),
]


def _example(operation: str, body: dict[str, str]) -> dict[str, Any]:
    return {
        "operationId": f"VirtualMachineInstances_{operation}",
        "parameters": {"api-version": "2024-06-01", "resourceUri": "nowhere", "body": body},
        "responses": {"202": {"headers": {"location": "https://contoso.com/operationstatus"}}},
    }


def _get(body: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": "VirtualMachineInstances_Get",
        "parameters": {"api-version": "2024-06-01", "resourceUri": "nowhere"},
        "responses": {"200": {"body": body}},
    }


_EXAMPLES: dict[str, Any] = {
    "CreateCheckpoint_MaximumSet": _example("CreateCheckpoint", {"name": "qwe", "description": "rtz uio"}),
    "RestoreCheckpoint_MaximumSet": _example("RestoreCheckpoint", {"id": "asdfgh"}),
    "DeleteCheckpoint_MaximumSet": _example("DeleteCheckpoint", {"id": "yxcvbn"}),
    "Start_MaximumSet": _example("Start", {}),
    "Start_MinimumSet": _example("Start", {}),
    "Stop_MaximumSet": _example("Stop", {"skipShutdown": "true"}),
    "Get_MaximumSet": _get(_instance([{**LISTED, "checkpointID": "poiuzt", "parentCheckpointID": "lkjhgf"}], "wertzu")),
    "Get_MinimumSet": _get({"id": INSTANCE, "extendedLocation": {}}),
}
_PATH = "/{resourceUri}/providers/Microsoft.ScVmm/virtualMachineInstances/default"
_ACTIONS = ("createCheckpoint", "restoreCheckpoint", "deleteCheckpoint", "start", "stop")
SPECIFICATION = {
    "paths": {
        _PATH: {"get": {"operationId": "VirtualMachineInstances_Get"}},
        **{
            f"{_PATH}/{name}": {"post": {"operationId": f"VirtualMachineInstances_{name[0].upper()}{name[1:]}"}}
            for name in _ACTIONS
        },
    }
}
FILES: dict[str, Any] = {
    **{f"examples/scvmm-2024-06-01/VirtualMachineInstances_{name}_Gen.json": each for name, each in _EXAMPLES.items()},
    "specs/scvmm-2024-06-01.json": SPECIFICATION,
    "recordings/scvmm-2023-10.json": RECORDING,
}
