# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A value that would be code somewhere is a value: the requests are those of a harmless one, but for the value itself.

Each slot is run with a harmless value and with each adversary; method, raw path, parsed query, headers and body of
every request must agree once the value is replaced by `<V>` wherever it stands whole. Or it is refused before anything
but a sign-in has left.
"""

from __future__ import annotations

import base64
import json
import re
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.contract.compute import azure_harness
from tests.hostile.options import allowed_requests, destinations
from tests.hostile.options.specs import modules
from tests.hostile.options.trials import COPIES, TITLE, make_lab
from tests.hostile.options.values import GUID
from tests.support.lab import Lab, Result

Record = Callable[[str, Any], None]
ADVERSARIES = [
    "x' or 1 eq 1 or Name eq '",
    "x' and StampId eq guid'00000000-0000-0000-0000-000000000000",
    "');drop",
    "' | project id, tags //",
    "../..",
    "..",
    "%2e%2e%2f",
    "a/b",
    "a?b=c",
    "a#b",
    "a&api-version=1900-01-01",
    "a\r\nX-Injected: yes",
    'a","Description":"b',
    "</d:Name><d:Name>b",
]
POINT = {"name": "new", "collection": azure_harness.HOME, "resource_group": "rg-shop"}
COLLECTION = {"name": "fresh", "resource_group": "rg-shop", "location": "westeurope"}


@dataclass(frozen=True)
class Slot:
    """An option in a task; `where` it goes, what is harmless in it, and how the value is put there."""

    module: str
    option: str
    where: str
    harmless: str
    task: dict[str, Any]
    put: Callable[[str], Any] = str

    def run(self, value: str) -> tuple[Result, Lab]:
        """The task with that value, in a world that has what it names."""
        lab = make_lab()
        references = {"@arc": lab.arm_vm, "@azure": lab.azure_vm}
        task = {name: references.get(each, each) if isinstance(each, str) else each for name, each in self.task.items()}
        params, refused = modules()[self.module].read({**lab.connection, **task, self.option: self.put(value)})
        assert not refused
        destinations.suit(lab, self.option, params)
        lab.watch = allowed_requests.send
        result = lab.run(self.module, **params)
        for request in lab.requests:
            allowed_requests.check(request, params)
        return result, lab


def _slots(module: str, *slots: tuple[str, str, str, dict[str, Any]]) -> list[Slot]:
    return [Slot(module, option, where, harmless, task) for option, where, harmless, task in slots]


SPF_VM, ARC_VM, AZURE_VM = ({"vm": vm, "name": "new"} for vm in ("web01", "@arc", "@azure"))
SLOTS = [
    *_slots(
        "vm_checkpoint",
        ("vm", "filter", "web02", {"name": "new"}),
        ("name", "JSON for SPF", "harmless", SPF_VM),
        ("description", "JSON for SPF", "harmless", SPF_VM),
        ("name", "JSON for ARM", "harmless", ARC_VM),
        ("description", "JSON for ARM", "harmless", ARC_VM),
        ("name", "path of a restore point", "harmless", AZURE_VM),
        ("collection", "path of a collection", "harmless", AZURE_VM),
        ("vm", "path of an id", "harmless", {"name": "new"}),
        ("spf_subscription_id", "path of SPF", "harmless", SPF_VM),
        ("spf_principal_id", "header", "harmless", SPF_VM),
        ("spf_username", "header", "harmless", SPF_VM),
        ("spf_password", "header", "harmless", SPF_VM),
        ("spf_token", "header", "harmless", {**SPF_VM, "spf_auth": "bearer"}),
        ("access_token", "header", "harmless", ARC_VM),
        ("tenant", "path of the sign-in", "harmless", ARC_VM),
        ("client_id", "form", "harmless", ARC_VM),
        ("secret", "form", "harmless", ARC_VM),
        ("scvmm_api_version", "query", "2024-06-01", ARC_VM),
        ("compute_api_version", "query", "2024-07-01", AZURE_VM),
    ),
    *_slots(
        "vm_checkpoint_restore",
        ("name", "selection", "before", {"vm": "web01"}),
        ("checkpoint_id", "entity key", GUID, {"vm": "web01"}),
    ),
    *_slots("vm_checkpoint_info", ("resource_group", "path of a list", "harmless", {"scope": "compute"})),
    *_slots(
        "restore_point",
        ("name", "path", "harmless", POINT),
        ("collection", "path", "harmless", POINT),
        ("resource_group", "path", "harmless", POINT),
        ("source_restore_point", "JSON", "harmless", {**POINT, "collection": COPIES}),
    ),
    *_slots(
        "restore_point_collection",
        ("name", "path", "harmless", {**COLLECTION, "source": "@azure"}),
        ("location", "JSON", "westeurope", {**COLLECTION, "source": "@azure"}),
        ("source", "JSON", "harmless", COLLECTION),
    ),
    Slot(
        "restore_point_collection",
        "tags",
        "JSON",
        "harmless",
        {**COLLECTION, "source": "@azure"},
        lambda value: {value: value},
    ),
    Slot("restore_point_collection_info", "subscriptions", "beside KQL", GUID, {}, lambda value: [value]),
]
ARM_VM = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.HybridCompute/machines/"
SLOTS = [
    Slot(s.module, s.option, s.where, s.harmless, s.task, ARM_VM.__add__) if s.where == "path of an id" else s
    for s in SLOTS
]


def _harmless(slot: Slot) -> list[Any]:
    result, lab = slot.run(slot.harmless)
    assert lab.requests, result
    return [_shape(request, slot.harmless) for request in lab.requests]


def _shape(request: httpx.Request, value: str) -> Any:
    """All that was sent, parsed as a server would, with `<V>` for the value."""
    path, _mark, query = request.url.raw_path.decode().partition("?")
    segments = [_without(urllib.parse.unquote(segment), value) for segment in path.split("/")]
    members = [(name, _without(each, value)) for name, each in urllib.parse.parse_qsl(query, keep_blank_values=True)]
    headers = {name: _without(each, value) for name, each in request.headers.items() if name not in CHANGING}
    kind = request.headers.get("content-type", "")
    body: Any = None
    if "form" in kind:
        body = [(name, _without(each, value)) for name, each in urllib.parse.parse_qsl(request.content.decode())]
    elif request.content:
        body = _without(json.loads(request.content), value)
    return request.method, segments, members, headers, body


CHANGING = {"content-length", "x-ms-client-request-id"}
NONCE = re.compile(r"nonce=[0-9a-f]{12} at=[0-9TZ:-]{20}(?: name=[0-9a-f]{8})?")


def _without(sent: Any, value: str) -> Any:
    """`sent` with `<V>` wherever the value stands whole, in the spelling of that place."""
    if isinstance(sent, dict):
        return {_without(name, value): _without(each, value) for name, each in sent.items()}
    if isinstance(sent, list):
        return [_without(each, value) for each in sent]
    if not isinstance(sent, str):
        return sent
    sent = NONCE.sub("nonce", sent)
    if sent.startswith("Basic "):
        name, _colon, password = base64.b64decode(sent.removeprefix("Basic ")).decode().partition(":")
        return [_without(name, value), _without(password, value)]
    literal = "'" + value.replace("'", "''") + "'"
    for whole, shown in (
        (value, "<V>"),
        (f"Name eq {literal}", "Name eq <V>"),
        (f"Bearer {value}", "Bearer <V>"),
        (f"{value}\n[hybridvm.checkpoints 1 nonce]", "<V> [mark]"),
    ):
        if sent == whole:
            return shown
    return sent


@pytest.mark.parametrize("slot", SLOTS, ids=lambda slot: f"{slot.module}-{slot.option}-{slot.where}")
def test_a_value_changes_nothing_but_itself(slot: Slot, record_property: Record) -> None:
    expected = _harmless(slot)
    counts = {"slots": 1, "adversaries": 0, "of them sent as values": 0, "of them refused": 0}
    for value in ADVERSARIES:
        counts["adversaries"] += 1
        result, lab = slot.run(value)
        if result.get("error", {}).get("code") == "invalid_input":
            asked = [request for request in lab.requests if not re.search("/oauth2/|/metadata/", request.url.path)]
            assert lab.sent() == []
            assert all(_shape(request, value) in expected for request in asked), [str(each.url) for each in asked]
            assert destinations.named(slot.option, result["msg"]), result["msg"]
            counts["of them refused"] += 1
            continue
        shapes = [_shape(request, value) for request in lab.requests]
        assert shapes == expected[: len(shapes)], (value, [str(request.url) for request in lab.requests])
        assert len(shapes) == len(expected) or "error" in result, result
        counts["of them sent as values"] += 1
    record_property(TITLE, counts)


def test_the_comparison_sees_what_a_value_adds() -> None:
    """An unescaped quote, another segment, another member, another header: none of them is the harmless request."""
    url = "https://simulator.test/SC2012R2/VMM/Microsoft.Management.Odata.svc/VirtualMachines"
    harmless = _shape(httpx.Request("GET", f"{url}?$filter=Name eq 'web01'"), "web01")
    for value, target in (
        ("x' or '1", f"{url}?$filter=Name eq 'x' or '1'"),
        ("a&b=c", f"{url}?$filter=Name eq 'a&b=c'"),
        ("a#b", f"{url}?$filter=Name eq 'a#b'"),
        ("../..", f"{url}/../..?$filter=Name eq '../..'"),
        ("a+b", f"{url}?$filter=Name eq 'a+b'"),
    ):
        assert _shape(httpx.Request("GET", target), value) != harmless
    assert _shape(httpx.Request("GET", f"{url}?$filter=Name%20eq%20'x''%20or%20''1'"), "x' or '1") == harmless
