# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded traffic of restore points and collections, request by request: the simulator answers in the same shape."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ..shapes import DATA, differences, load, needs
from .cloud import Cloud, open_cloud

pytestmark = pytest.mark.anyio
HERE = Path(__file__).parent
NAMES = ("compute-test_restore_point", "compute-test_restore_point_collection")
# Said by the transport or by caches in between.
NOT_OURS = frozenset({"transfer-encoding", "content-length", "date"})
TELLING = frozenset({"location", "azure-asyncoperation", "azure-asyncnotification", "etag", "retry-after", "vary"})


def world_for(recorded: list[dict[str, Any]]) -> dict[str, Any]:
    """The VM that the recording has, with the disk and the profile that its restore point shows."""
    bodies = [json.loads(pair["response"]["body"] or "{}") for pair in recorded]
    shown = next((each["properties"] for each in bodies if "sourceMetadata" in each.get("properties", {})), None)
    first = recorded[0]
    vm_id = first["request"]["body"]["properties"]["source"]["id"]
    parts = vm_id.split("/")
    vm = {
        "name": parts[8],
        "resource_group": parts[4],
        "location": bodies[0]["properties"]["source"]["location"],
        "generation": "V1",
    }
    if shown is not None:
        metadata = shown["sourceMetadata"]
        disk = metadata["storageProfile"]["osDisk"]
        vm |= {
            "size": metadata["hardwareProfile"]["vmSize"],
            "vm_id": metadata["vmId"],
            "properties": {"osProfile": metadata["osProfile"]},
            "os_disk": {
                "name": disk["name"],
                "size_gb": disk["diskSizeGB"],
                "sku": disk["managedDisk"]["storageAccountType"],
            },
        }
    return {
        "scvmm": {"subscription_id": parts[2]},
        "compute": {"resource_group": parts[4], "locations": ["eastus2euap", "westus"], "vms": [vm]},
    }


async def replay(recorded: list[dict[str, Any]]) -> int:
    """Send every request at its time; the number of exchanges compared."""
    switches = {"compute_point_takes": "80s", "compute_point_delete_takes": "5s", "compute_quota_headers": "2023"}
    async with open_cloud(world_for(recorded), compute_signed_urls=False, **switches) as cloud:
        known: dict[str, str] = {}
        start: float | None = None
        for pair in recorded:
            moment = parsedate_to_datetime(pair["response"]["headers"]["date"][0]).timestamp()
            start = cloud.world.now() - moment if start is None else start
            cloud.world.clock.advance(max(0.0, start + moment - cloud.world.now()))
            request = pair["request"]
            parts = urlsplit(request["uri"])
            target = known.get(request["uri"], f"{parts.path}?{parts.query}")
            answer = await cloud(request["method"], target, request["body"], version=None)
            compare(pair, answer)
            for header in ("azure-asyncoperation", "location"):
                if header in pair["response"]["headers"]:
                    known[pair["response"]["headers"][header][0]] = answer.headers[header]
    return len(recorded)


def compare(pair: dict[str, Any], answer: httpx.Response) -> None:
    name = f"{pair['index']} {pair['request']['method']} {pair['request']['uri'][-80:]}"
    theirs = pair["response"]
    assert answer.status_code == theirs["status"], (name, answer.text)
    headers = {header.lower(): values for header, values in theirs["headers"].items()}
    for header in set(headers) - NOT_OURS:
        assert header in answer.headers, (name, header)
    for header in TELLING - set(headers):
        assert header not in answer.headers, (name, header)
    for header in ("content-type", "cache-control", "pragma", "expires", "x-content-type-options", "server"):
        assert answer.headers.get_list(header) == headers.get(header, []), (name, header)
    for header in ("azure-asyncoperation", "location"):
        if header in headers:
            ours, recorded = urlsplit(answer.headers[header]), urlsplit(headers[header][0])
            assert ours.path.rpartition("/")[0] == recorded.path.rpartition("/")[0], name
            shape = [each.partition("=")[0] for each in recorded.query.split("&")]
            assert [each.partition("=")[0] for each in ours.query.split("&")] == shape, name
            assert answer.headers["x-ms-request-id"] == ours.path.rpartition("/")[2]
    quota = [each.partition(";")[0] for each in headers["x-ms-ratelimit-remaining-resource"][0].split(",")]
    ours_quota = answer.headers["x-ms-ratelimit-remaining-resource"].split(",")
    assert [each.partition(";")[0] for each in ours_quota] == quota, name
    if not theirs["body"]:
        assert answer.content == b"", name
        return
    expected, actual = json.loads(theirs["body"]), answer.json()
    assert differences(expected, actual) == [], name
    assert values(expected) == values(actual), name
    assert answer.text.splitlines()[1].startswith('  "'), "over several lines, as recorded"
    assert order(expected) == order(actual), name


def values(document: Any, path: str = "") -> dict[str, Any]:
    """Everything but times, made-up ids and the group's name that the recorder has replaced in most places."""
    if isinstance(document, dict):
        return {name: value for key, each in document.items() for name, value in values(each, f"{path}.{key}").items()}
    if isinstance(document, list):
        return {name: value for each in document for name, value in values(each, f"{path}[]").items()}
    last = path.rpartition(".")[2]
    if last in {"startTime", "endTime", "timeCreated", "restorePointCollectionId"} or path == ".name":
        return {}
    if "diskRestorePoint.id" in path or path.startswith(".value"):
        return {}
    return {path: document}


def order(document: Any) -> Any:
    """The members in the order in which they are written."""
    if isinstance(document, dict):
        return [(key, order(each)) for key, each in document.items()]
    return [order(each) for each in document] if isinstance(document, list) else None


@pytest.mark.parametrize("name", NAMES)
async def test_every_recorded_exchange(name: str) -> None:
    path = DATA / "recordings" / f"{name}.json"
    if not path.exists():
        pytest.skip(f"no recordings/{name}.json (set HYBRIDVM_DATA); our own transcripts are compared in any case")
    assert await replay(load(path)) >= 7


@needs("recordings", "compute-test_restore_point_collection.json")
async def test_list_all_has_the_group_in_upper_case() -> None:
    recorded = load(DATA / "recordings" / "compute-test_restore_point_collection.json")
    listing = next(
        json.loads(pair["response"]["body"]) for pair in recorded if "resourceGroups" not in pair["request"]["uri"]
    )
    group = listing["value"][0]["id"].split("/")[4]
    assert group == group.upper()
    async with open_cloud() as cloud:
        await cloud.collection()
        shown = (await listed(cloud)).json()["value"][0]
        assert shown["id"].split("/")[4] == "RG-SHOP"
        assert shown["properties"]["source"]["id"].split("/")[4] == "rg-shop"


async def listed(cloud: Cloud) -> httpx.Response:
    return await cloud(
        "GET", f"/subscriptions/{cloud.azure.subscription_id}/providers/Microsoft.Compute/restorePointCollections"
    )
