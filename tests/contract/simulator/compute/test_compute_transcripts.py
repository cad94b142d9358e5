# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own transcript of what was recorded and published: compared everywhere, with or without the originals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from ..shapes import load
from .cloud import Cloud, disk_points

pytestmark = pytest.mark.anyio
EXCHANGES = load(Path(__file__).parent / "transcripts.json")


async def test_the_transcript_in_its_order(cloud: Cloud) -> None:
    """One exchange after another; words in braces are what an earlier answer said."""
    known = {"vm": cloud.id("virtualMachines/shop01")}
    for each in EXCHANGES:
        cloud.world.clock.advance(each.get("after", 0))
        text = json.dumps(each)
        for name, value in known.items():
            text = text.replace(f"{{{name}}}", value)
        given = json.loads(text)
        more = {"version": given["version"]} if "version" in given else {}
        answer = await cloud(given["method"], given["path"], given.get("body"), **more)
        compare(given, answer)
        learn(answer, known)


def compare(given: dict[str, Any], answer: httpx.Response) -> None:
    name = given["source"]
    assert answer.status_code == given["status"], (name, answer.text)
    assert [header for header in given.get("headers", []) if header not in answer.headers] == [], name
    assert [header for header in given.get("without", []) if header in answer.headers] == [], name
    if "members" not in given:
        assert answer.content == b"", name
        return
    document = answer.json()
    assert list(document) == given["members"], name
    properties = document.get("properties", {})
    if "properties" in given:
        assert list(properties) == given["properties"], name
        assert properties["provisioningState"] == given["state"], name
    if "disk" in given:
        assert list(properties["sourceMetadata"]["storageProfile"]["osDisk"]) == given["disk"], name


def learn(answer: httpx.Response, known: dict[str, str]) -> None:
    for word, header in (("operation", "azure-asyncoperation"), ("location", "location")):
        if header in answer.headers:
            known[word] = answer.headers[header]
    if answer.content and "sourceMetadata" in answer.text and "/diskRestorePoints/" in answer.text:
        document = answer.json()
        if "sourceMetadata" in document["properties"]:
            known["diskRestorePoint"] = str(disk_points(document)[None])


def test_the_transcript_has_every_kind_of_exchange() -> None:
    assert {each["method"] for each in EXCHANGES} == {"PUT", "PATCH", "GET", "DELETE"}
    assert len(EXCHANGES) >= 15
