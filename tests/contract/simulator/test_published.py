# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The published exchanges of SPF, and what captured entities look like: the simulator answers in the same shape."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from .shapes import DATA, compared, load, needs
from .support import Sim, open_sim

pytestmark = pytest.mark.anyio
FOLDER = DATA / "spf"
EXCHANGES = sorted(FOLDER.glob("*.http"))
# Different at every request, or made up by the transport.
CHANGING = {"content-length", "date", "location", "x-ms-request-id", "request-id"}
GUID = r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"


@dataclass
class Exchange:
    """A `.http` file: comments, request, `### response`, response."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    status: int
    answer_headers: list[tuple[str, str]]
    answer_body: str


def read(path: Path) -> Exchange:
    lines = [line for line in path.read_text().splitlines() if not line.startswith("# ")]
    request, _mark, response = "\n".join(lines).partition("### response\n")
    head, _blank, body = request.partition("\n\n")
    first, *fields = head.splitlines()
    method, url, _version = first.split(" ")
    answer_head, _blank, answer_body = response.partition("\n\n")
    status, *answer_fields = answer_head.splitlines()
    return Exchange(
        method,
        "/" + url.split("/", 3)[3],
        dict(field.split(": ", 1) for field in fields),
        body.strip().encode(),
        int(status.split(" ")[1]),
        [(name, value) for name, _colon, value in (field.partition(": ") for field in answer_fields)],
        answer_body.strip(),
    )


def world_for(exchange: Exchange) -> dict[str, Any]:
    """A world in which everything that the request names exists."""
    subscription = re.search(GUID, exchange.target)
    key = re.search(rf"\(ID=guid'({GUID})',StampId=guid'({GUID})'\)", exchange.target)
    body = json.loads(exchange.body or b"{}")
    vm: dict[str, Any] = {"name": "captured"}
    if key is not None:
        vm["checkpoints"] = [{"name": "captured", "id": key[1]}]
    else:
        vm["id"] = body["VMId"]
    assert subscription is not None
    stamp = key[2] if key else body["StampId"]
    return {"spf": {"subscription_id": subscription[0], "stamp_id": stamp, "vms": [vm]}}


@needs("spf")
def test_there_are_exchanges() -> None:
    assert {path.stem for path in EXCHANGES} >= {"create_checkpoint", "restore_merge", "delete_checkpoint"}


@pytest.mark.parametrize("path", EXCHANGES, ids=[path.stem for path in EXCHANGES])
async def test_exchange(path: Path) -> None:
    exchange = read(path)
    async with open_sim(world_for(exchange)) as sim:
        headers = {name: value for name, value in exchange.headers.items() if name not in {"Host", "Content-Length"}}
        headers["Authorization"] = f"Bearer {sim.world.credentials.spf_token}"
        answer = await sim.http.request(exchange.method, exchange.target, headers=headers, content=exchange.body)
        assert answer.status_code == exchange.status, answer.text
        for name in {name for name, _value in exchange.answer_headers}:
            theirs = sorted(value for other, value in exchange.answer_headers if other == name)
            ours = sorted(answer.headers.get_list(name))
            if name.lower() in CHANGING:
                assert len(ours) == len(theirs) or name == "Content-Length", name
            else:
                assert ours == theirs, name
        if exchange.answer_body:
            assert list(answer.json()) == list(json.loads(exchange.answer_body))
            assert compared(json.loads(exchange.answer_body), answer.json(), "spf") == []
        else:
            assert answer.content == b""
        if "VMCheckPoints(" in (answer.headers.get("location") or ""):
            pattern = (
                rf"https://[^/]+/{GUID}/services/systemcenter/vmm/VMCheckPoints\(ID=guid'{GUID}',StampId=guid'{GUID}'\)"
            )
            assert re.fullmatch(pattern, answer.headers["location"])


@needs("spf", "same_checkpoint_a_week_later_put_body.json")
async def test_the_published_put(sim: Sim) -> None:
    body = load(FOLDER / "same_checkpoint_a_week_later_put_body.json")
    vm = {"id": body["VMId"], "name": "captured", "checkpoints": [{"name": "other", "id": body["ID"]}]}
    async with open_sim({"spf": {"stamp_id": body["StampId"], "vms": [vm]}}) as own:
        answer = await own.spf("PUT", own.key(body["ID"]), json=body)
        assert answer.status_code == 204
        await own.done(answer)
        shown = (await own.spf("GET", own.key(body["ID"]))).json()
        shown.pop("odata.metadata")
        assert [*shown] == [name for name in load_order() if name in shown]
        assert compared({**body, "VMCheckPointAction": None}, {**shown, "odata.type": ""}, "spf") == []
        assert shown["Name"] == body["Name"]


def load_order() -> list[str]:
    """The members of a checkpoint in the order of the published 201."""
    return list(json.loads(read(FOLDER / "create_checkpoint.http").answer_body))


@needs("spf", "get_checkpoint_entity.json")
async def test_the_published_get(sim: Sim) -> None:
    """CheckpointID null long after the create: the stored copy is cut off before its last members."""
    sim.world.switches.set("spf_host_id", "never")
    point = await sim.created(sim.world.vm("web01"))
    expected = load(FOLDER / "get_checkpoint_entity.json")
    expected["VMCheckPointAction"] = None
    answer = (await sim.spf("GET", sim.key(point.id))).json()
    assert compared({**expected, "Confirm": None, "RunAsynchronously": None}, answer, "spf") == []


def nullable(entity: Any, other: Any) -> Any:
    """`entity` with members set to None where `other` has null: null and a value are both right there."""
    if isinstance(entity, dict) and isinstance(other, dict):
        return {
            name: None if other.get(name) is None else nullable(value, other[name]) for name, value in entity.items()
        }
    return entity


@pytest.mark.parametrize(
    ("name", "path"), [("vm_entity_2019.json", "VirtualMachines"), ("job_entity_2019.json", "Jobs")]
)
@needs("spf", "vm_entity_2019.json")
async def test_captured_entities(sim: Sim, name: str, path: str) -> None:
    await sim.created(sim.world.vm("web01"))
    expected = load(FOLDER / name)
    listed = (await sim.spf("GET", path)).json()["value"][0]
    ours = (await sim.spf("GET", sim.key(listed["ID"], path))).json()
    if path == "Jobs":
        expected["AdditionalMessages"] = []  # our job has nothing to add
    assert set(ours) == set(expected)
    assert compared(nullable(expected, ours), nullable(ours, expected), "spf") == []


@needs("spf", "cloud_entity_and_feed_2019.json")
async def test_the_captured_cloud_and_feed(sim: Sim) -> None:
    text = (FOLDER / "cloud_entity_and_feed_2019.json").read_text()
    entity, end = json.JSONDecoder().raw_decode(text)
    feed = json.loads(text[end:])
    answer = (await sim.spf("GET", "Clouds")).json()
    assert (
        compared(nullable(feed["value"][0], answer["value"][0]), nullable(answer["value"][0], feed["value"][0]), "spf")
        == []
    )
    assert set(answer) == set(feed)
    one = (await sim.spf("GET", sim.key(answer["value"][0]["ID"], "Clouds"))).json()
    assert set(one) == set(entity)


@needs("spf", "diskdrive_create_response_atom_2019.xml")
async def test_the_captured_atom_entry(sim: Sim) -> None:
    """Another entity, the same frame around it: elements, attributes and their order."""
    theirs = ET.parse(FOLDER / "diskdrive_create_response_atom_2019.xml").getroot()
    point = sim.world.vm("web01").checkpoints[0]
    ours = ET.fromstring((await sim.spf("GET", sim.key(point.id), accept=None)).content)
    assert [child.tag for child in ours] == [child.tag for child in theirs]
    for left, right in zip(ours, theirs, strict=True):
        assert set(left.attrib) == set(right.attrib)
        assert [child.tag for child in left] == [child.tag for child in right]
    typed = {
        child.attrib.get("{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}type")
        for child in ours.iter()
    }
    assert {"Edm.Guid", "Edm.DateTime", "Edm.Boolean", None} == typed


@needs("spf", "scvmm_checkpoint_trees_2014.json")
@pytest.mark.parametrize("year", ["2014", "2017"])
async def test_real_trees_can_be_loaded(year: str) -> None:
    """Inventories of real servers: roots hang on an id in no list, the pointer is in the tree or on the VM itself."""
    vms = load(FOLDER / f"scvmm_checkpoint_trees_{year}.json")["vms"]
    documents = []
    for vm in vms:
        points = [
            {
                "name": each["Name"],
                "id": each["ID"],
                "checkpoint_id": each["CheckpointID"],
                "parent": each["ParentCheckpointID"],
            }
            for each in vm["VMCheckpoints"]
        ]
        own = vm.get("VMId") or (points[0]["parent"] if points else None)
        pointer = vm["LastRestoredCheckpointID"]
        documents.append({"name": vm["Name"], "id": vm["ID"], "vm_id": own, "checkpoints": points, "pointer": pointer})
    async with open_sim({"spf": {"vms": documents}}) as sim:
        for vm in vms:
            shown = (
                await sim.spf("GET", f"VirtualMachines?$filter=ID eq guid'{vm['ID']}'&$expand=VMCheckpoints")
            ).json()
            entity = shown["value"][0]
            assert entity["LastRestoredCheckpointId"] == vm["LastRestoredCheckpointID"]
            ours = {each["CheckpointID"]: each["ParentCheckpointID"] for each in entity["VMCheckpoints"]}
            assert ours == {each["CheckpointID"]: each["ParentCheckpointID"] for each in vm["VMCheckpoints"]}
            newest = sim.world.vm(vm["Name"])
            if newest.checkpoints:
                await sim.done(await sim.spf("DELETE", sim.key(newest.checkpoints[0].id)))
                assert len(newest.checkpoints) == len(vm["VMCheckpoints"]) - 1
