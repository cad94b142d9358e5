# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own transcripts of what was published and recorded: compared everywhere, with or without the originals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from .shapes import load
from .support import Sim

pytestmark = pytest.mark.anyio
FOLDER = Path(__file__).parent / "transcripts"
EXCHANGES = [(path.stem, exchange) for path in sorted(FOLDER.glob("*.json")) for exchange in load(path)]
WORDS = {type(None): "null"}


def filled(value: Any, facts: dict[str, str]) -> Any:
    """The names in braces replaced by this world's ids."""
    text = json.dumps(value)
    for name, fact in facts.items():
        text = text.replace(f"{{{name}}}", fact)
    return json.loads(text)


@pytest.mark.parametrize(("service", "exchange"), EXCHANGES, ids=[each["source"] for _service, each in EXCHANGES])
async def test_transcript(sim: Sim, service: str, exchange: dict[str, Any]) -> None:
    sim.world.switches.set("arc_action_etag", "2023-10-31" not in exchange["source"])
    point, arc = sim.world.vm("web01").checkpoints[0], sim.world.vm("app01")
    facts = {
        "wap": sim.wap_root,
        "spf": sim.spf_root,
        "stamp": sim.world.spf.stamp_id,
        "vm": sim.world.vm("web01").id,
        "point": point.id,
        "instance": sim.instance(),
        "machine": arc.resource_uri or "",
        "host": (arc.checkpoints[0].checkpoint_id or "").upper(),
    }
    request, expected = filled(exchange["request"], facts), exchange["answer"]
    token = sim.world.credentials.spf_token if service == "spf" else sim.token
    headers = {**request.get("headers", {}), "Authorization": f"Bearer {token}"}
    answer = await sim.http.request(request["method"], request["path"], headers=headers, json=request.get("body"))
    assert answer.status_code == expected["status"], answer.text
    for name, value in expected["headers"].items():
        assert name in answer.headers, name
        assert value is None or set(answer.headers.get_list(name)) == {value}, name
    assert [name for name in expected.get("without", []) if name in answer.headers] == []
    if "members" in expected:
        found = {name: WORDS.get(type(value), type(value).__name__) for name, value in answer.json().items()}
        assert list(found.items()) == list(expected["members"].items())
    else:
        assert answer.text == expected.get("text", "")


def test_there_are_transcripts_of_both_services() -> None:
    assert {service for service, _exchange in EXCHANGES} == {"spf", "arc"}
