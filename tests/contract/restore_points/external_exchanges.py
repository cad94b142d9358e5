# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure Compute is known to say, from outside this project, and which of our calls each exchange shows.

Every example and every recorded pair is either played by one of the calls, or left out here with a reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Any

from tests.contract.checkpoints.exchange import Exchange
from tests.contract.checkpoints.external_sources import folder
from tests.contract.restore_points.transcripts import EXAMPLES, RECORDING, SUB

BASE = "https://management.azure.com"
RECORDINGS = ("recordings/compute-test_restore_point.json", "recordings/compute-test_restore_point_collection.json")
FOLDERS = ("compute-2024-07-01", "disk-restore-point")

# Operation (a file's name up to its variant): method and what follows the subscription in the path.
_HOMES = "/resourceGroups/{resourceGroupName}/providers/Microsoft.Compute/restorePointCollections"
_HOME = f"{_HOMES}/{{restorePointCollectionName}}"
_DISKS = f"{_HOME}/restorePoints/{{vmRestorePointName}}/diskRestorePoints"
PATHS = {
    "RestorePointCollection_CreateOrUpdate": ("PUT", _HOME),
    "RestorePointCollection_Delete": ("DELETE", _HOME),
    "RestorePointCollection_Get": ("GET", _HOME),
    "RestorePointCollection_ListByResourceGroup": ("GET", _HOMES),
    "RestorePointCollection_ListBySubscription": ("GET", "/providers/Microsoft.Compute/restorePointCollections"),
    "RestorePointCollection_Update": ("PATCH", _HOME),
    "RestorePoint_Copy": ("PUT", f"{_HOME}/restorePoints/{{restorePointName}}"),
    "RestorePoint_Create": ("PUT", f"{_HOME}/restorePoints/{{restorePointName}}"),
    "RestorePoint_Delete": ("DELETE", f"{_HOME}/restorePoints/{{restorePointName}}"),
    "RestorePoint_Get": ("GET", f"{_HOME}/restorePoints/{{restorePointName}}"),
    "DiskRestorePoint_Get": ("GET", f"{_DISKS}/{{diskRestorePointName}}"),
    "DiskRestorePoint_ListByVmRestorePoint": ("GET", _DISKS),
}
EXCLUDED = {
    "DiskRestorePoint_BeginGetAccess.json": "no step reads a disk restore point's bytes: disks are made from it",
    "DiskRestorePoint_EndGetAccess.json": "access that was never granted need not be revoked",
    "RestorePointCollection_Update_MinimumSet_Gen.json": "an update without anything to update is never sent",
}
# What of a request the client does otherwise, and why.
DIFFERENCES = {
    "expand": "a collection is always read with its points, and a point with its instance view: one call for both",
    "source": "PATCH repeats the source only with instantAccess, as documented; tags alone go alone, as recorded",
}
_COLLECTION = r"/restorePointCollections/[^/]+"
CALLS = {
    ("PUT", _COLLECTION): "put_collection",
    ("PATCH", _COLLECTION): "patch_collection",
    ("GET", _COLLECTION): "collection",
    ("GET", r"/restorePointCollections"): "collections",
    ("DELETE", _COLLECTION): "delete",
    ("PUT", _COLLECTION + r"/restorePoints/[^/]+"): "put_point",
    ("GET", _COLLECTION + r"/restorePoints/[^/]+"): "point",
    ("DELETE", _COLLECTION + r"/restorePoints/[^/]+"): "delete",
    ("GET", r"/diskRestorePoints"): "disk_restore_points",
    ("GET", r"/diskRestorePoints/[^/]+"): "disk_restore_point",
    ("GET", r"/operations/[^/]+"): "poll",
}


@dataclass(frozen=True)
class ExternalSource:
    """Where exchanges come from."""

    name: str
    examples: dict[str, dict[str, Any]]
    recording: list[dict[str, Any]]

    def exchanges(self) -> dict[str, Exchange]:
        """All that are not excluded, by name and, for an example, status."""
        found: dict[str, Exchange] = {}
        for name, example in self.examples.items():
            if excluded(name) is None:
                for status, answer in example["responses"].items():
                    found[f"{name.rpartition('/')[2].removesuffix('.json')}-{status}"] = _shown(
                        name, example["parameters"], int(status), answer
                    )
        for number, pair in enumerate(self.recording):
            found[f"recorded-{number}"] = _recorded(pair)
        return found


def external_sources() -> list[ExternalSource]:
    """The published files where they are, and our transcriptions always."""
    ours = [ExternalSource("transcribed", EXAMPLES, RECORDING)]
    data = folder()
    if data is None:
        return ours
    examples = {
        f"{each}/{path.name}": json.loads(path.read_text("utf-8").replace("{subscription-id}", SUB))
        for each in FOLDERS
        for path in sorted((data / "examples" / each).glob("*.json"))
    }
    recording = [pair for name in RECORDINGS for pair in json.loads((data / name).read_text("utf-8"))]
    return [ExternalSource("published", examples, recording), *ours]


def operation(name: str) -> str | None:
    """The operation that an example shows."""
    stem = name.rpartition("/")[2].removesuffix(".json")
    return max((each for each in PATHS if fnmatch(stem, f"{each}*")), key=len, default=None)


def excluded(name: str) -> str | None:
    """Why an example is not played."""
    return EXCLUDED.get(name.rpartition("/")[2])


def call(exchange: Exchange) -> str | None:
    """Which of the client's calls makes a request."""
    found = [
        name
        for (method, end), name in CALLS.items()
        if exchange.method == method and re.search(f"{end}\\Z", exchange.path, re.IGNORECASE)
    ]
    return found[0] if found else None


def _shown(name: str, parameters: dict[str, Any], status: int, answer: dict[str, Any]) -> Exchange:
    method, path = PATHS[str(operation(name))]
    expand = f"&$expand={parameters['expand']}" if "expand" in parameters else ""
    url = f"{BASE}/subscriptions/{SUB}{path.format(**parameters)}?api-version={parameters['api-version']}{expand}"
    headers = tuple((each, str(value)) for each, value in (answer.get("headers") or {}).items())
    body = "" if answer.get("body") is None else json.dumps(answer["body"])
    return Exchange(method, url, (), parameters.get("parameters"), status, headers, body)


def _recorded(pair: dict[str, Any]) -> Exchange:
    request, answer = pair["request"], pair["response"]
    headers = tuple((name, value) for name, values in answer["headers"].items() for value in values)
    body = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"]) if answer["body"] else ""
    return Exchange(request["method"], request["uri"], (), request["body"], answer["status"], headers, body)
