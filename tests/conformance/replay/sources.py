# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recordings there are: our transcriptions always, the recorded files where they lie, and RECORDINGS= besides."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.conformance.replay.recording import Recording
from tests.contract.checkpoints.exchange import Exchange
from tests.contract.checkpoints.external_sources import folder
from tests.contract.checkpoints.transcripts import scvmm
from tests.contract.restore_points.external_exchanges import ExternalSource, external_sources
from tests.contract.restore_points.transcripts import RECORDING


def exchange(pair: dict[str, Any]) -> Exchange:
    """A recorded pair: `request` with method, uri and body, `response` with status, headers (lists) and body."""
    request, answer = pair["request"], pair["response"]
    headers = tuple((name, value) for name, values in answer["headers"].items() for value in values)
    body = answer["body"]
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    return Exchange(request["method"], request["uri"], (), request["body"], answer["status"], headers, text)


def recordings() -> list[Recording]:
    """One for each recording; never none."""
    found = [
        Recording("transcribed scvmm", scvmm.RECORDING),
        Recording("transcribed compute", _replayed(_transcribed())),
        *(Recording(f"{source.name} copy", _replayed(_copy(source))) for source in external_sources()),
    ]
    data, more = folder(), os.environ.get("RECORDINGS")
    if more and not Path(more).is_dir():
        raise FileNotFoundError(f"RECORDINGS names no folder: {more}")
    for directory in [*([data / "recordings"] if data else []), *([Path(more)] if more else [])]:
        for path in sorted(directory.glob("*.json")):
            document = json.loads(path.read_text("utf-8"))
            if isinstance(document, list):  # exchanges; some files beside them hold single answers
                found.append(Recording(f"{directory.name}/{path.name}", [exchange(pair) for pair in document]))
    return found


def _transcribed() -> list[Exchange]:
    """Our transcription has one operation for all writes; its end follows each delete."""
    pairs = [exchange(pair) for pair in RECORDING]
    end = next(each for each in pairs if '"Succeeded"' in each.answer_body and "/operations/" in each.url)
    return [part for each in pairs for part in ([each, end] if each.method == "DELETE" else [each])]


def _replayed(recording: list[Exchange]) -> list[Exchange]:
    """Our transcriptions leave tags and locations out of answers; the service tells back what was sent."""
    sent: dict[str, Any] = {}
    made = []
    for each in recording:
        if isinstance(each.body, dict):
            sent.update({name: each.body[name] for name in ("tags", "location") if name in each.body})
        document = json.loads(each.answer_body) if each.answer_body else {}
        for row in document.get("value", [document]):
            if "restorePointCollectionId" in row.get("properties", {}):
                row.update(sent)
        made.append(each._replace(answer_body=json.dumps(document)) if document else each)
    return made


def _copy(source: ExternalSource) -> list[Exchange]:
    """Nobody recorded a copy: its published examples, one after the other, under one name."""
    examples = source.exchanges()
    home = next(each for name, each in examples.items() if "ForCrossRegionCopy-201" in name)
    point = next(each for name, each in examples.items() if "RestorePoint_Copy" in name and each.status == 201)
    view = next(each for name, each in examples.items() if "RestorePoint_Get_WithInstanceView" in name)
    shown, origin = json.loads(view.answer_body), json.loads(point.answer_body)["properties"]
    path = f"{home.path}/restorePoints/{point.path.rpartition('/')[2]}"
    base = home.url.partition("/subscriptions/")[0]
    shown["id"], shown["name"] = path, path.rpartition("/")[2]
    shown["properties"].pop("excludeDisks", None)
    shown["properties"]["sourceMetadata"] = origin["sourceMetadata"]
    source_home = str(home.body["properties"]["source"]["id"])
    wanted = {"properties": {"sourceRestorePoint": {"id": f"{source_home}/restorePoints/origin"}}}
    shown["properties"]["sourceRestorePoint"] = wanted["properties"]["sourceRestorePoint"]
    made = {**shown, "properties": {**shown["properties"], "provisioningState": "Creating"}}
    del made["properties"]["instanceView"]
    version = "?api-version=2024-07-01"
    answer = (("content-type", "application/json"),)
    return [
        home._replace(answer_headers=answer),
        Exchange("PUT", f"{base}{path}{version}", (), wanted, 201, answer, json.dumps(made)),
        Exchange("GET", f"{base}{path}{version}&$expand=instanceView", (), None, 200, answer, json.dumps(shown)),
    ]
