# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Too much, too long, too slow: what has no end is ended, at a number that docs/hostile.md names."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.body import MAX_BODY
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import MAX_LISTING, MAX_PAGES
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import MAX_CHECKPOINTS
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_lists import MAX_GROUPS
from tests.contract.checkpoints.scenarios import code
from tests.hostile.server import (
    AZURE_VM,
    CHUNK,
    GUID,
    MACHINE,
    ON_ARM,
    ON_SPF,
    READS,
    Said,
    Server,
    Stream,
    read,
    within,
)

# httpx nests generators that nobody outside can close; trio says so of each that is left before its end.
NOT_FOUND = b'{"error": {"code": "ResourceNotFound", "message": "It is not there."}}'
pytestmark = pytest.mark.filterwarnings("ignore:Async generator .* was garbage collected:ResourceWarning")
MANAGEMENT = "https://management.azure.com"

Page = Callable[[httpx.Request, int], dict[str, Any]]
# A list's page: asked with a request, the number of it, and how many came before.
LISTS: dict[str, tuple[str, dict[str, Any], Page]] = {
    "ARM": (
        "vm_checkpoint_info",
        {**ON_ARM, "scope": "scvmm"},
        lambda _request, n: {"value": [], "nextLink": f"{MANAGEMENT}/list?page={n}"},
    ),
    "disks": (
        "vm_checkpoint_restore",
        {**ON_ARM, "vm": AZURE_VM, "name": "n"},
        lambda request, n: (
            {"value": [], "nextLink": f"{MANAGEMENT}/disks?page={n}"}
            if "/disks" in request.url.path
            else _azure(request)
        ),
    ),
    "light JSON": (
        "vm_checkpoint_info",
        {**ON_SPF, "scope": "spf"},
        lambda _request, n: {"value": [], "odata.nextLink": f"VirtualMachines?$skiptoken={n}"},
    ),
    "Resource Graph": (
        "restore_point_collection_info",
        {**ON_ARM},
        lambda _request, n: {"data": [], "$skipToken": f"token {n}"},
    ),
}


def _azure(request: httpx.Request) -> dict[str, Any]:
    """An Azure VM without disks, and nothing else."""
    if request.url.path == AZURE_VM:
        about = {"storageProfile": {}, "provisioningState": "Succeeded"}
        return {"id": AZURE_VM, "name": "vm1", "location": "westeurope", "properties": about}
    return {"value": []}


def _said(page: dict[str, Any]) -> Said:
    return Said(json.dumps(page).encode())


def _paging(name: str, number: Callable[[int], int], pad: int = 0) -> tuple[str | None, str, Server]:
    """The list of that name, the n-th page being `number(n)`, each with so many bytes of white space."""
    module, options, page = LISTS[name]
    count = itertools.count(1)

    def answers(request: httpx.Request) -> Said:
        if request.url.path.endswith("/restorePointCollections/checkpoints-vm1"):
            return Said(NOT_FOUND, 404)
        made = _said(page(request, number(next(count))))
        return Said(bytes(made.body) + b" " * pad) if isinstance(made.body, bytes) else made

    server = Server(answers)
    with within(120):
        result = server.run(module, **options)
    return code(result), str(result.get("msg", "")), server


@pytest.mark.parametrize("name", list(LISTS))
def test_pages_that_are_always_new_end(name: str) -> None:
    found, message, server = _paging(name, lambda n: n)
    assert (found, "the pages do not end" in message) == ("bad_answer", True)
    assert MAX_PAGES <= len(server.requests) <= MAX_PAGES + 5


@pytest.mark.parametrize("circle", [1, 2, 7])
@pytest.mark.parametrize("name", list(LISTS))
def test_pages_in_a_circle_end_soon(name: str, circle: int) -> None:
    found, message, server = _paging(name, lambda n: n % circle)
    assert (found, "the pages do not end" in message) == ("bad_answer", True)
    assert len(server.requests) <= circle + 8


@pytest.mark.parametrize("name", ["ARM", "light JSON", "Resource Graph"])
def test_pages_that_are_too_much_together_end(name: str) -> None:
    """Each of them may be read, all of them may not be held."""
    pad = 8 * 1024 * 1024
    found, message, server = _paging(name, lambda n: n, pad)
    assert (found, "the pages do not end" in message) == ("bad_answer", True)
    assert len(server.requests) <= MAX_LISTING // pad + 5


def test_disks_that_lead_to_ever_more_groups_end() -> None:
    """A restored disk names the group of the one it replaces: each group's list leads to the next."""
    count = itertools.count(1)
    tag = "hybridvm-restore-replaces"

    def answers(request: httpx.Request) -> Said:
        path = request.url.path
        if path.endswith("/disks"):
            group = path.split("/")[4]
            disk = f"/subscriptions/{GUID}/resourceGroups/{group}/providers/Microsoft.Compute/disks/vm1-os-x"
            tags = {tag: f"group{next(count)}/old"}
            about = {"id": disk, "name": "vm1-os-x", "location": "l", "tags": tags, "properties": {}}
            return _said({"value": [about]})
        return Said(NOT_FOUND, 404) if "restorePointCollections" in path else _said(_azure(request))

    server = Server(answers)
    with within(60):
        result = server.run("vm_checkpoint_restore", **ON_ARM, vm=AZURE_VM, name="n")
    assert (code(result), f"more than {MAX_GROUPS} resource groups" in result["msg"]) == ("bad_answer", True)
    assert len(server.requests) <= MAX_GROUPS + 6


@pytest.mark.parametrize("service", ["spf", "scvmm", "compute"])
def test_more_checkpoints_than_a_service_holds(service: str) -> None:
    """Each stands on the one before, and the way up is walked from each: refused before that."""
    ids = [f"{GUID[:-6]}{n:06x}" for n in range(5000)]
    home = (
        f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Compute/restorePointCollections/checkpoints-vm1"
    )

    def answers(request: httpx.Request) -> Said:
        if service == "spf":
            machine = {"ID": GUID, "StampId": GUID, "Name": "vm1"}
            points = ({"ID": i, "VMId": GUID, "CheckpointID": i, "ParentCheckpointID": p} for i, p in _chain(ids))
            return _said({"value": [machine] if "Machines" in request.url.path else list(points)})
        if service == "scvmm":
            points = ({"checkpointID": i, "parentCheckpointID": p} for i, p in _chain(ids))
            return _said({"properties": {"infrastructureProfile": {"checkpoints": list(points)}}})
        if request.url.path == home:
            named = [{"id": f"{home}/restorePoints/p{i}", "name": f"p{i}"} for i in ids]
            properties = {"source": {"id": AZURE_VM}, "restorePoints": [each | {"properties": {}} for each in named]}
            return _said({"id": home, "name": "checkpoints-vm1", "location": "westeurope", "properties": properties})
        return _said(_azure(request))

    server = Server(answers)
    module, options = READS[service]
    with within(120):
        result = server.run(module, **options)
    assert code(result) == "bad_answer"
    assert f"{len(ids)} checkpoints were listed" in result["msg"]
    assert len(ids) > MAX_CHECKPOINTS


def _chain(ids: list[str]) -> Iterator[tuple[str, str]]:
    return zip(ids[1:] + ids[:1], ids, strict=True)


@pytest.mark.parametrize("service", list(READS))
def test_a_body_without_end_is_left_at_the_limit(service: str) -> None:
    stream = Stream(itertools.repeat(b" " * CHUNK))
    found, message, server = read(service, Said(stream))
    assert (found, "longer than 32 MiB" in message) == ("bad_answer", True)
    assert stream.taken == MAX_BODY + CHUNK
    assert len(server.requests) == 1


@pytest.mark.parametrize("service", list(READS))
def test_a_body_that_says_it_is_a_gigabyte_is_not_begun(service: str) -> None:
    stream = Stream(itertools.repeat(b" " * CHUNK))
    found, message, _server = read(service, Said(stream, headers={"Content-Length": str(1024**3)}))
    assert (found, "longer than 32 MiB" in message) == ("bad_answer", True)
    assert stream.taken == 0


@pytest.mark.parametrize("coding", ["deflate", "br", "zstd", "gzip, gzip", "gzip, deflate", "compress"])
def test_packing_that_was_not_asked_for_is_not_begun(coding: str) -> None:
    stream = Stream(itertools.repeat(gzip.compress(b"{}")))
    found, message, server = read("spf", Said(stream, headers={"Content-Encoding": coding}))
    assert (found, "was not asked for" in message) == ("bad_answer", True)
    assert stream.taken == 0
    assert server.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize("service", list(READS))
def test_a_byte_a_second_is_waited_for_as_long_as_the_task_may(service: str) -> None:
    stream = Stream(itertools.repeat(b" "), pause=1.0)
    found, _message, server = read(service, Said(stream), wait_timeout="5m")
    assert found == "unavailable"
    assert 100 <= server.seconds <= 301
    assert len(server.requests) <= 4


def test_a_write_answered_by_a_byte_a_second_is_settled_by_reading() -> None:
    """The create was sent once; no answer to it means that only reading can tell."""

    def answers(request: httpx.Request) -> Said:
        if request.method == "POST":
            return Said(Stream(itertools.repeat(b" "), pause=1.0), 202)
        return _said({"properties": {"infrastructureProfile": {"checkpoints": []}}})

    server = Server(answers)
    result = server.run("vm_checkpoint", **ON_ARM, vm=MACHINE, name="n", wait_timeout="5m", settle_time="30s")
    assert code(result) == "outcome_unknown"
    assert server.seconds <= 301
    assert sum(request.method == "POST" for request in server.requests) == 1


def test_an_operation_that_never_ends_ends_with_the_task() -> None:
    def answers(request: httpx.Request) -> Said:
        if request.method == "POST":
            return Said(b"", 202, {"Location": f"{MANAGEMENT}/op/1"})
        if "/op/" in request.url.path:
            return Said(b'{"status": "Running"}', 202, {"Retry-After": "0"})
        return _said({"properties": {"infrastructureProfile": {"checkpoints": []}}})

    server = Server(answers)
    result = server.run("vm_checkpoint", **ON_ARM, vm=MACHINE, name="n", wait_timeout="5m")
    assert code(result) == "timed_out"
    assert server.seconds <= 301
    assert len(server.requests) <= 700
    assert f"{MANAGEMENT}/op" not in str(result)
