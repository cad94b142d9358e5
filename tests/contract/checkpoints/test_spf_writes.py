# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes to SPF as published: the client makes the same requests and understands the answers."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.provider import Spf
from tests.contract.checkpoints.exchange import Exchange
from tests.contract.checkpoints.external_sources import Source, sources
from tests.contract.checkpoints.operations import HEADERS, OTHER_HEADERS
from tests.contract.checkpoints.replay import json_answer, through_spf
from tests.support.targets import vm_of

pytestmark = pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
KEY = re.compile(r"VMCheckPoints\(ID=guid'(?P<id>[^']+)',StampId=guid'(?P<stamp>[^']+)'\)$")


def _root(exchange: Exchange) -> str:
    return exchange.url[: exchange.url.index("/VMCheckPoints")]


def _options(exchange: Exchange) -> dict[str, Any]:
    """A capture shows no sign-in where its client used Windows'; the principal is the captured one."""
    return {"spf_principal_id": exchange.header("x-ms-principal-id")}


def _compare(sent: httpx.Request, recorded: Exchange) -> None:
    """Method, path and the headers that matter; each recorded header is one that matters or one with a reason."""
    assert sent.method == recorded.method
    assert sent.url.raw_path.decode() == urlsplit(recorded.url).path
    matter = {name.lower() for name in HEADERS}
    for name, value in recorded.headers:
        if name.lower() in matter:
            assert sent.headers[name] == value, name
        else:
            assert name.lower() in OTHER_HEADERS, name


def _vm(vm_id: str, stamp_id: str, root: str) -> VM:
    return vm_of("spf", vm_id, root, partition=stamp_id)


def _on(key: str) -> tuple[str, str]:
    found = KEY.search(key)
    assert found is not None
    return found["id"], found["stamp"]


def _job_of(operation: Operation, recorded: Exchange) -> None:
    """The operation is the job that x-ms-request-id names, and not request-id's."""
    assert operation.kind == "job"
    assert operation.id == (recorded.answered("x-ms-request-id") or "").lower()
    assert operation.id != recorded.answered("request-id")


def test_create(source: Source) -> None:
    recorded = source.exchange("spf/create_checkpoint.http")
    body = recorded.body

    async def create(spf: Spf) -> Operation:
        return await spf.create(_vm(body["VMId"], body["StampId"], _root(recorded)), body["Name"], "ours")

    operation, sent = through_spf(_root(recorded), lambda _r: recorded.response(), create, **_options(recorded))
    assert len(sent) == 1
    _compare(sent[0], recorded)
    members = json.loads(sent[0].content, object_pairs_hook=list)
    assert [(name, "ours" if name == "Description" else value) for name, value in body.items()] == [
        tuple(member) for member in members
    ]
    _job_of(operation, recorded)


def test_restore_by_merge(source: Source) -> None:
    recorded = source.exchange("spf/restore_merge.http")
    checkpoint_id, stamp_id = _on(recorded.path)

    async def restore(spf: Spf) -> Operation:
        vm = _vm("3a9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10", stamp_id, _root(recorded))
        return await spf.restore(vm, Checkpoint(checkpoint_id, "before"))

    operation, sent = through_spf(_root(recorded), lambda _r: recorded.response(), restore, **_options(recorded))
    assert len(sent) == 1
    _compare(sent[0], recorded)
    assert json.loads(sent[0].content) == recorded.body
    _job_of(operation, recorded)


def test_restore_by_put(source: Source) -> None:
    """PUT resets what it leaves out: the entity goes back as it was read, with the action and nothing else changed."""
    wanted = source.document("spf/same_checkpoint_a_week_later_put_body.json")
    merged = source.exchange("spf/restore_merge.http")
    stored = {name: value for name, value in wanted.items() if name != "odata.type"} | {"VMCheckPointAction": None}
    answers = [
        json_answer({"odata.metadata": f"{_root(merged)}/$metadata#VMCheckPoints/@Element", **stored}),
        merged.response(),
    ]

    async def restore(spf: Spf) -> Operation:
        vm = _vm(wanted["VMId"], wanted["StampId"], _root(merged))
        return await spf.restore(vm, Checkpoint(wanted["ID"], wanted["Name"]))

    options = {**_options(merged), "spf_update_method": "put"}
    operation, sent = through_spf(_root(merged), lambda _r: answers.pop(0), restore, **options)
    assert [request.method for request in sent] == ["GET", "PUT"]
    assert sent[0].url.raw_path == sent[1].url.raw_path
    assert json.loads(sent[1].content) == wanted
    _job_of(operation, merged)


def test_delete(source: Source) -> None:
    recorded = source.exchange("spf/delete_checkpoint.http")
    checkpoint_id, stamp_id = _on(recorded.path)

    async def delete(spf: Spf) -> Operation:
        vm = _vm("3a9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10", stamp_id, _root(recorded))
        return await spf.delete(vm, Checkpoint(checkpoint_id, "before"))

    operation, sent = through_spf(_root(recorded), lambda _r: recorded.response(), delete, **_options(recorded))
    assert len(sent) == 1
    _compare(sent[0], recorded)
    assert not sent[0].content
    _job_of(operation, recorded)


@pytest.mark.parametrize(
    ("method", "verb", "tunnelled"),
    [("merge", "MERGE", None), ("patch", "PATCH", None), ("post_tunnel", "POST", "MERGE")],
)
def test_update_methods(source: Source, method: str, verb: str, tunnelled: str | None) -> None:
    """The same change by every way that leaves alone what it does not name."""
    recorded = source.exchange("spf/restore_merge.http")
    checkpoint_id, stamp_id = _on(recorded.path)

    async def update(spf: Spf) -> Operation:
        vm = _vm("3a9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10", stamp_id, _root(recorded))
        return await spf.update(vm, Checkpoint(checkpoint_id, "before"), "described")

    _operation, sent = through_spf(_root(recorded), lambda _r: recorded.response(), update, spf_update_method=method)
    assert [request.method for request in sent] == [verb]
    assert sent[0].headers.get("X-HTTP-Method") == tunnelled
    assert json.loads(sent[0].content) == {"Description": "described", "odata.type": recorded.body["odata.type"]}


def test_members_are_in_the_metadata(source: Source) -> None:
    """What the client sends has a property of that name in the entity's type."""
    schema = ET.fromstring(source.text("spf/edmx/vmm_edmx_reconstructed.xml"))
    edm = "{http://schemas.microsoft.com/ado/2009/11/edm}"
    types = {
        each.get("Name"): {p.get("Name") for p in each.iter(f"{edm}Property")}
        for each in schema.iter(f"{edm}EntityType")
    }
    create = source.exchange("spf/create_checkpoint.http").body
    assert set(create) - {"odata.type"} == types["VMCheckPoint"]
    assert {"ID", "StampId", "VMId", "Name", "Status", "VirtualMachineState"} <= types["VirtualMachine"]
    assert {"LastRestoredCheckpointId", "MostRecentTaskId", "Operation"} <= types["VirtualMachine"]
