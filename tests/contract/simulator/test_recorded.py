# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded traffic of Microsoft.ScVmm, request by request: the simulator answers in the same shape."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from .shapes import DATA, compared, exclusions, load, needs
from .support import Sim, open_sim

pytestmark = [pytest.mark.anyio, needs("recordings", "scvmm-2023-10.json")]
RECORDING = DATA / "recordings" / "scvmm-2023-10.json"
# Said by the transport or by caches in between, or counted down.
NOT_OURS = frozenset({"transfer-encoding", "content-length", "date"})
TELLING = frozenset({"location", "azure-asyncoperation", "etag", "retry-after", "x-ms-providerhub-traffic"})


async def test_every_recorded_exchange() -> None:
    recorded = load(RECORDING)
    machine = urlsplit(recorded[0]["request"]["uri"]).path.partition("/providers/Microsoft.ScVmm")[0]
    parts = machine.split("/")
    document = {
        "scvmm": {
            "subscription_id": parts[2],
            "resource_group": parts[4],
            "location": "eastus2euap",
            "machines": [{"name": parts[8], "kind": "SCVMM"}],
        }
    }
    # As long as recorded.
    takes = {
        "put_takes": "225s",
        "create_takes": "24s",
        "restore_takes": "18s",
        "delete_takes": "20s",
        "power_takes": "20s",
        "arc_action_etag": False,
    }
    async with open_sim(document, **takes) as sim:
        known: dict[str, str] = {}
        start: float | None = None
        for pair in recorded:
            moment = parsedate_to_datetime(pair["response"]["headers"]["date"][0]).timestamp()
            start = sim.world.now() - moment if start is None else start
            sim.world.clock.advance(max(0.0, start + moment - sim.world.now()))
            answer = await _sent(sim, pair["request"], known)
            _compare(pair, answer)
            _learn(pair["response"], answer, known)
        assert len(recorded) > 40


async def _sent(sim: Sim, request: dict[str, Any], known: dict[str, str]) -> httpx.Response:
    """The recorded request, with our status URL for the recorded one and our checkpoint id for theirs."""
    parts = urlsplit(request["uri"])
    target = known.get(parts.path.lower(), f"{parts.path}?{parts.query}")
    body = request["body"]
    if isinstance(body, dict) and "id" in body:
        body = {"id": known[body["id"]]}
    more = {} if body is None else {"json": body}
    return await sim.arm(request["method"], target, version=None, **more)


def _compare(pair: dict[str, Any], answer: httpx.Response) -> None:
    name = f"{pair['index']} {pair['request']['method']} {pair['request']['uri'][-60:]}"
    theirs = pair["response"]
    assert answer.status_code == theirs["status"], (name, answer.text)
    headers = {header.lower(): values for header, values in theirs["headers"].items()}
    for header in set(headers) - NOT_OURS - set(exclusions("recording")):
        assert header in answer.headers, (name, header)
    for header in TELLING - set(headers):
        assert header not in answer.headers, (name, header)
    for header in ("content-type", "cache-control", "pragma", "expires", "x-content-type-options"):
        assert answer.headers[header] == headers[header][0], (name, header)
    body = theirs["body"]
    expected = httpx.Response(200, content=body).json() if isinstance(body, str) else body
    assert compared(expected, answer.json(), "recording") == [], name
    if isinstance(expected, dict):
        for member in ("status", "type", "name"):
            if member in expected and "*" not in str(expected[member]):
                assert answer.json()[member] == expected[member], name
        _compare_facts(expected.get("properties"), answer.json().get("properties"), name)


def _compare_facts(expected: Any, actual: Any, name: str) -> None:
    """Members whose values, not only their types, are VMM's behaviour."""
    if not isinstance(expected, dict):
        return
    for member in ("provisioningState", "powerState"):
        assert actual.get(member) == expected.get(member), (name, member)
    disks = expected.get("storageProfile", {}).get("disks", [])
    ours = actual.get("storageProfile", {}).get("disks", [])
    assert [disk.get("vhdType") for disk in ours] == [disk.get("vhdType") for disk in disks], name
    inventory, shown = expected.get("infrastructureProfile", {}), actual.get("infrastructureProfile", {})
    for point in inventory.get("checkpoints", []):
        assert point["checkpointID"].isupper()
    if "checkpoints" in inventory:
        assert len(shown["checkpoints"]) == len(inventory["checkpoints"]), name
        current, theirs = shown["lastRestoredVMCheckpoint"], inventory["lastRestoredVMCheckpoint"]
        assert (current in shown["checkpoints"]) is (theirs in inventory["checkpoints"]), name
        for point in shown["checkpoints"]:
            assert point["checkpointID"].isupper()
            assert point["parentCheckpointID"] not in {each["checkpointID"] for each in shown["checkpoints"]}


def _learn(theirs: dict[str, Any], answer: httpx.Response, known: dict[str, str]) -> None:
    """What of theirs is which of ours."""
    if answer.status_code in {201, 202} and "azure-asyncoperation" in answer.headers:
        recorded = theirs["headers"]["azure-asyncoperation"][0]
        known[urlsplit(recorded).path.lower()] = answer.headers["azure-asyncoperation"]
    content = answer.json()
    if isinstance(content, dict) and isinstance(content.get("properties"), dict):
        body = theirs["body"]
        expected = httpx.Response(200, content=body).json() if isinstance(body, str) else body
        pairs = zip(
            expected["properties"]["infrastructureProfile"].get("checkpoints", []),
            content["properties"]["infrastructureProfile"].get("checkpoints", []),
            strict=True,
        )
        known.update({left["checkpointID"]: right["checkpointID"] for left, right in pairs})
