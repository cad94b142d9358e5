# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every published example and every recorded pair of restore points: the request is ours, the answer is understood."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm import ids as _arm_id
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline, Operation
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.bearer import Bearer
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import (
    CollectionEntity,
    PointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.provider import Compute
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points import results as shapes
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.client import RestorePointClient
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.specs import (
    CollectionSpec,
    PointSpec,
)
from tests.contract.checkpoints.exchange import Exchange
from tests.contract.checkpoints.replay import TOKEN, virtually, wall_clock
from tests.contract.restore_points.external_exchanges import (
    BASE,
    EXCLUDED,
    PATHS,
    call,
    excluded,
    external_sources,
    operation,
)
from tests.contract.restore_points.transcripts import POINT_2021
from tests.support.targets import vm_of

ALL = {(source.name, name): each for source in external_sources() for name, each in source.exchanges().items()}
PLAYED = pytest.mark.parametrize(("source", "name"), [key for key, each in ALL.items() if call(each) != "poll"])


def _play(
    answer: Callable[[httpx.Request], httpx.Response], use: Callable[[Arm], Awaitable[Any]]
) -> tuple[Any, list[httpx.Request]]:
    """What `use` makes of these answers, and the requests it took."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer(request)

    async def main() -> Any:
        async with httpx.AsyncClient(transport=httpx.MockTransport(handle)) as client:
            http = Http(client, BASE, "arm", Deadline(600), auth=Bearer(TOKEN, "access_token"))
            return await use(Arm(http, BASE, "the access token"))

    return virtually(main), seen


def _settings(exchange: Exchange) -> ArmSettings:
    version = dict(parse_qsl(urlsplit(exchange.url).query))["api-version"]
    return ArmSettings(access_token="e30", compute_api_version=version, disk_api_version=version)


def _spec(exchange: Exchange) -> PointSpec:
    properties = exchange.body["properties"]
    return PointSpec.model_validate(
        {
            "name": exchange.path.rsplit("/", 1)[-1],
            "collection": exchange.path.rpartition("/restorePoints/")[0],
            "consistency": "crash" if properties.get("consistencyMode") else "application",
            "exclude_disks": [each["id"] for each in properties.get("excludeDisks", [])] or None,
            "source_restore_point": (properties.get("sourceRestorePoint") or {}).get("id"),
        }
    )


async def _ours(exchange: Exchange, arm: Arm) -> Any:
    """The client's call for the exchange's request."""
    service, path = RestorePointClient(arm, _settings(exchange)), exchange.path
    kind = call(exchange)
    if kind == "put_collection":
        source = exchange.body["properties"]["source"]["id"]
        tags = exchange.body.get("tags")
        request = CollectionSpec(name="x", resource_group="x", source=source, tags=tags)
        return await service.put_collection(_arm_id.parse(path), request, exchange.body["location"])
    if kind == "patch_collection":
        now = CollectionEntity.model_validate({"id": path, "name": "x", "location": "x", "properties": {}})
        return await service.patch_collection(_arm_id.parse(path), now, {"tags": {"after": exchange.body["tags"]}})
    if kind == "put_point":
        spec = _spec(exchange)
        fields = {name: getattr(spec, name) for name in ("exclude_disks", "source_restore_point")}
        return await service.put_point(path, spec, fields)
    if kind == "collections":
        parts = path.split("/")
        return await service.collections(parts[2], parts[4] if "resourceGroups" in parts else None)
    if kind == "disk_restore_points":
        return await service.disk_restore_points(path.rpartition("/")[0])
    if kind == "disk_restore_point":
        return await service.disk_restore_points(path.rpartition("/diskRestorePoints/")[0])
    reading: dict[str, Any] = {"collection": service.collection, "point": service.point, "delete": service.delete}
    return await reading[str(kind)](path)


def _query(url: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(url).query))


@PLAYED
def test_request_and_answer(source: str, name: str) -> None:
    exchange = ALL[(source, name)]
    kind = call(exchange)
    assert kind is not None, exchange.url
    answer = exchange.response
    if kind == "disk_restore_point":  # the client reads the list, whose rows have the same shape
        answer = exchange._replace(answer_body=f'{{"value": [{exchange.answer_body}]}}').response
    if kind == "collection" and "$expand" not in _query(exchange.url):  # ours asks for the points, so that it has them
        document = json.loads(exchange.answer_body)
        assert "restorePoints" not in document["properties"]
        document["properties"]["restorePoints"] = []
        answer = exchange._replace(answer_body=json.dumps(document)).response
    result, sent = _play(lambda _request: answer(), lambda arm: _ours(exchange, arm))
    (request,) = sent
    assert request.method == exchange.method
    path = exchange.path.rpartition("/")[0] if kind == "disk_restore_point" else exchange.path
    assert request.url.path == path
    asked, wanted = _query(str(request.url)), _query(exchange.url)
    if kind in ("collection", "point"):
        wanted["$expand"] = "restorePoints" if kind == "collection" else "instanceView"
    assert asked == wanted
    body: Any = json.loads(request.content) if request.content else None
    wanted_body: Any = exchange.body
    if kind == "patch_collection":
        wanted_body = {"tags": exchange.body["tags"]}
    assert body == wanted_body
    _understood(kind, exchange, result)


def _understood(kind: str, exchange: Exchange, result: Any) -> None:
    document: Any = json.loads(exchange.answer_body) if exchange.answer_body else {}
    if isinstance(result, Operation):
        follows = bool(exchange.answered("azure-asyncoperation") or exchange.answered("location"))
        assert result.last.state == "running"
        status = virtually(result.poll) if not follows else None
        succeeded = document.get("properties", {}).get("provisioningState") == "Succeeded"
        assert status is None or status.state == ("succeeded" if succeeded else "unknown")
    elif kind == "collections":
        assert result == [each["id"] for each in document["value"]]
    elif kind in ("disk_restore_points", "disk_restore_point"):
        rows = document["value"] if kind == "disk_restore_points" else [document]
        shown = [shapes.disk_restore_point(each) for each in result]
        assert [(each["id"], each["name"]) for each in shown] == [(row["id"], row["name"]) for row in rows]
        assert all(each["created"].endswith("Z") for each in shown)
    else:
        assert (result.id, result.name) == (document["id"], document["name"])
        shown_one = shapes.collection(result) if kind == "collection" else shapes.point(result)
        assert shown_one is not None
        assert shown_one["provisioning_state"] == document["properties"]["provisioningState"]
        if kind == "point":
            storage = document["properties"]["sourceMetadata"].get("storageProfile", {})
            count = len(storage.get("dataDisks", [])) + ("osDisk" in storage)
            assert len(shown_one["disks"]) == count
            assert shown_one["created"].endswith("Z")


@pytest.mark.parametrize("source", external_sources(), ids=lambda source: source.name)
def test_every_file_is_played_or_left_out_with_a_reason(source: Any) -> None:
    for name in source.examples:
        assert (operation(name) is None) == (excluded(name) is not None) or excluded(name), name
    shown = {operation(name) for name in source.examples if not excluded(name)}
    assert shown == set(PATHS)
    assert all(reason for reason in EXCLUDED.values())
    assert all(call(each) for each in source.exchanges().values())
    assert len(source.recording) >= 10


@pytest.mark.parametrize("source", external_sources(), ids=lambda source: source.name)
def test_recorded_operations_are_followed_to_their_end(source: Any) -> None:
    """Azure-AsyncOperation before Location, the URL byte for byte, until the body's status is terminal."""
    pairs = list(source.exchanges().items())
    polls = [each for _name, each in pairs if call(each) == "poll"]
    begun = [each for _name, each in pairs if each.answered("azure-asyncoperation")]
    assert begun
    for each in begun:
        url = str(each.answered("azure-asyncoperation"))
        answers = [poll for poll in polls if poll.url == url] or polls
        queue = [each, *answers]

        async def follow(arm: Arm, each: Exchange = each, looks: int = len(answers)) -> list[str]:
            started: Operation = await _ours(each, arm)
            return [(await started.poll()).state for _look in range(looks)]

        def next_one(_request: httpx.Request, queue: list[Exchange] = queue) -> httpx.Response:
            return queue.pop(0).response()

        states, sent = _play(next_one, follow)
        assert {str(request.url) for request in sent[1:]} == {url}
        assert states[-1] == "succeeded"
        assert set(states[:-1]) <= {"running"}


def _vm(collection: str, source: str) -> VM:
    return vm_of("compute", source, BASE)


@pytest.mark.parametrize("source", external_sources(), ids=lambda source: source.name)
def test_the_provider_reads_the_points_of_a_vm(source: Any) -> None:
    """The same answers through the provider: create, list and delete of a VM's points."""
    for exchange in source.exchanges().values():
        if call(exchange) != "collection" or "expand" not in exchange.url:
            continue
        document = json.loads(exchange.answer_body)
        owner = document["properties"]["source"]["id"]
        vm = _vm(document["id"], owner)

        def answer(request: httpx.Request, held: Any = document, source: str = owner) -> httpx.Response:
            if "/restorePointCollections/" in request.url.path:
                code = {"GET": 200, "PUT": 201, "DELETE": 202}[request.method]
                return httpx.Response(code, json=held if request.method == "GET" else None)
            machine = {"id": source, "name": "vm", "location": held["location"], "properties": {}}
            return httpx.Response(200, json=machine)

        async def use(arm: Arm, exchange: Exchange = exchange, document: Any = document, vm: VM = vm) -> Any:
            compute = Compute(arm, _settings(exchange), document["id"], wall_clock)
            inventory = await compute.read(vm, "list")
            await compute.create(vm, "new", "")
            await compute.delete(vm, Checkpoint("any", document["properties"]["restorePoints"][0]["name"]))
            return inventory

        inventory, sent = _play(answer, use)
        answered = document["properties"]["restorePoints"]
        assert [(c.id, c.name) for c in inventory.checkpoints] == [(p["id"], p["name"]) for p in answered]
        assert all(c.usable and c.created for c in inventory.checkpoints)
        writes = [request for request in sent if request.method != "GET"]
        assert [request.method for request in writes] == ["PUT", "DELETE"]
        assert json.loads(writes[0].content) == {"properties": {}}
        assert writes[0].url.path == f"{document['id']}/restorePoints/new"


def test_the_shape_of_2021() -> None:
    """Its time stands in provisioningDetails, and its disk restore points' ids carry a query."""
    shown = shapes.point(PointEntity.model_validate(POINT_2021))
    assert shown["created"] == "2021-08-02T17:00:00Z"
    assert shown["disks"][0]["disk_restore_point_id"].partition("?")[2].startswith("id=")
    assert (shown["usable"], shown["consistency"]["achieved"]) == (True, "ApplicationConsistent")
