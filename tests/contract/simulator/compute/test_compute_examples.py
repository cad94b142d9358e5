# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft's examples for restore points and disk restore points: every request taken, every answer of that shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..shapes import DATA, differences, load, needs
from .cloud import Cloud, open_cloud

pytestmark = pytest.mark.anyio
FOLDERS = ("compute-2024-07-01", "disk-restore-point")
EXAMPLES = [path for folder in FOLDERS for path in sorted((DATA / "examples" / folder).glob("*.json"))]
EXCLUDED: dict[str, dict[str, str]] = load(Path(__file__).parent / "exclusions.json")
COPIES = {
    "RestorePointCollection_CreateOrUpdate_ForCrossRegionCopy",
    "RestorePoint_Copy_BetweenRegions",
    "DiskRestorePoint_Get_WhenSourceResourceIsFromDifferentRegion",
}
WINDOWS = {
    "osProfile": {
        "computerName": "computerName",
        "adminUsername": "admin",
        "windowsConfiguration": {"provisionVMAgent": True, "enableAutomaticUpdates": True},
        "secrets": [],
        "allowExtensionOperations": True,
        "requireGuestProvisionSignal": True,
    },
    "diagnosticsProfile": {"bootDiagnostics": {"enabled": True}},
    "userData": "c2FtcGxlIHVzZXJEYXRh",
}


def request_of(path: Path, example: dict[str, Any]) -> tuple[str, str, Any]:
    """Method, path below the group's Microsoft.Compute and body, from the name and the parameters."""
    given = example["parameters"]
    kind, operation = path.stem.split("_")[:2]
    collection = given.get("restorePointCollectionName", "")
    point = given.get("restorePointName", given.get("vmRestorePointName", ""))
    target = f"restorePointCollections/{collection}" if collection else "restorePointCollections"
    if point:
        target += f"/restorePoints/{point}"
    if kind == "DiskRestorePoint":
        target += "/diskRestorePoints"
        if operation != "ListByVmRestorePoint":
            target += f"/{given['diskRestorePointName']}"
        if operation in {"BeginGetAccess", "EndGetAccess"}:
            target += f"/{operation[0].lower()}{operation[1:]}"
    methods = {"CreateOrUpdate": "PUT", "Create": "PUT", "Copy": "PUT", "Update": "PATCH", "Delete": "DELETE"}
    method = methods.get(operation, "POST" if operation.endswith("GetAccess") else "GET")
    if "expand" in given:
        target += f"?$expand={given['expand']}"
    return method, target, given.get("parameters", given.get("grantAccessData"))


def world_for(path: Path, example: dict[str, Any]) -> dict[str, Any]:
    """A VM as the examples describe it, in whose collections everything is that the request names."""
    given = example["parameters"]
    group = given.get("resourceGroupName", "myResourceGroup")
    collection = given.get("restorePointCollectionName", "restorePointCollection1")
    point = given.get("restorePointName", given.get("vmRestorePointName", "restorePointName"))
    disk, _underscore, _guid = given.get("diskRestorePointName", "").rpartition("_")
    vm = {
        "name": "myVM",
        "resource_group": "myResourceGroup",
        "location": "eastus",
        "os_type": "Windows",
        "controller": "NVMe",
        "size": "Standard_B1s",
        "properties": WINDOWS,
        "os_disk": {"name": disk or "osDisk123"},
        "data_disks": [{"lun": 1, "name": "dataDisk123"}, {"lun": 2, "name": "disk123"}],
    }
    points = [{"name": point, "consistency": "ApplicationConsistent", "exclude": ["/left/out"]}]
    own = {
        "name": collection,
        "resource_group": group,
        "source": "myVM",
        "location": "eastus",
        "tags": {"myTag1": "tagValue1"},
    }
    document: dict[str, Any] = {
        "resource_group": group,
        "resource_groups": [{"name": "myResourceGroup"}],
        "locations": ["eastus", "westus", "norwayeast", "eastus2"],
        "vms": [vm],
        "collections": [],
    }
    if path.stem in COPIES:
        origin = {**own, "name": "sourceRpcName", "points": [{**points[0], "name": "sourceRpName"}]}
        document["collections"].append(origin)
        if "CreateOrUpdate" in path.stem:
            return {"compute": document}
        own |= {"source": "sourceRpcName", "location": "norwayeast"}
    elif path.stem == "RestorePoint_Create":
        points = []
    elif "CreateOrUpdate" in path.stem:
        return {"compute": document}
    elif "_Update_" in path.stem:
        own["location"] = "norwayeast"
    document["collections"].append(own if path.stem in COPIES else {**own, "points": points})
    return {"compute": document}


async def prepared(cloud: Cloud, path: Path, example: dict[str, Any]) -> str:
    """The example as text, with this world's subscription; names of disk restore points as the example has them."""
    given = example["parameters"]
    text = json.dumps(example).replace("{subscription-id}", cloud.azure.subscription_id)
    wanted = given.get("diskRestorePointName")
    for collection in cloud.azure.collections.values():
        if path.stem == "DiskRestorePoint_Get_WhenSourceResourceIsFromDifferentRegion" and collection.copies:
            copied = await cloud(
                "PUT",
                f"{collection.id}/restorePoints/{given['vmRestorePointName']}",
                {
                    "properties": {
                        "sourceRestorePoint": {
                            "id": cloud.id("restorePointCollections/sourceRpcName") + "/restorePoints/sourceRpName"
                        }
                    }
                },
            )
            assert copied.status_code == 201, copied.text
            cloud.world.clock.advance(100)
            cloud.azure.settle()
        for point in collection.points:
            if wanted:
                point.disks[0].name = wanted
    return text


def fix_source(world: dict[str, Any], subscription: str) -> dict[str, Any]:
    """The source collection's name as the id that a document has for it."""
    for each in world["compute"]["collections"]:
        if each["source"] == "sourceRpcName":
            group = world["compute"]["resource_group"]
            each["source"] = (
                f"/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Compute"
                "/restorePointCollections/sourceRpcName"
            )
    return {**world, "scvmm": {"subscription_id": subscription}}


@pytest.mark.skipif(not EXAMPLES, reason="no examples/compute-2024-07-01 (set HYBRIDVM_DATA)")
def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 21
    assert set(EXCLUDED) <= {path.stem for path in EXAMPLES}


SUBSCRIPTION = "11111111-2222-4333-8444-555555555555"


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.stem for path in EXAMPLES])
async def test_example(path: Path) -> None:
    example = load(path)
    async with open_cloud(fix_source(world_for(path, example), SUBSCRIPTION)) as cloud:
        example = json.loads(await prepared(cloud, path, example))
        answers = [await send(cloud, path, example)]
        if answers[0].status_code == 202:
            final = await finished(cloud, answers[0])
            answers += [final] if str(final.status_code) in example["responses"] else []
        if path.stem.startswith("RestorePointCollection_CreateOrUpdate"):
            answers.append(await send(cloud, path, example))
        if "Delete" in path.stem:
            answers.append(await send(cloud, path, example))
        for answer in answers:
            expected = example["responses"].get(str(answer.status_code))
            assert expected is not None, (answer.status_code, answer.text)
            for header in expected.get("headers", {}):
                assert header in answer.headers
            if "body" in expected:
                found = differences(expected["body"], answer.json(), strict=False)
                known = EXCLUDED.get(path.stem, {})
                assert [each for each in found if each.partition(" ")[0] not in known] == []
        assert {str(answer.status_code) for answer in answers} == set(example["responses"])


async def send(cloud: Cloud, path: Path, example: dict[str, Any]) -> httpx.Response:
    method, target, body = request_of(path, example)
    group = example["parameters"].get("resourceGroupName")
    base = cloud.id("x", group)[:-1] if group else f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/"
    return await cloud(method, base + target, body, version=example["parameters"]["api-version"])


async def finished(cloud: Cloud, answer: httpx.Response) -> httpx.Response:
    assert (await cloud.end(answer))["status"] == "Succeeded"
    return await cloud.sim.arm("GET", answer.headers["location"])


@needs("examples", "compute-2024-07-01")
def test_every_exclusion_has_a_reason() -> None:
    assert all(len(reason) > 7 for each in EXCLUDED.values() for reason in each.values())
