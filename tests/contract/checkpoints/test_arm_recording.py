# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The recorded life of a checkpoint on Arc-enabled SCVMM, played back to the client request by request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.polling import read_status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import (
    Deadline,
    Operation,
    Status,
    wait,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import Response
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.scvmm import Scvmm
from tests.contract.checkpoints.exchange import Exchange
from tests.contract.checkpoints.external_sources import Source, sources
from tests.contract.checkpoints.operations import RECORDED_DIFFERENCES, step
from tests.contract.checkpoints.replay import arm_vm, module_on, through_arm

pytestmark = pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
BASE = "https://management.azure.com"
VERSION = "2023-10-07"


class Playback:
    """The recorded exchanges, handed out in order; a request that was not recorded there is a failure."""

    def __init__(self, recording: list[Exchange], start: Exchange) -> None:
        self.rest = recording[recording.index(start) :]
        self.played: list[Exchange] = []

    def answer(self, request: httpx.Request) -> httpx.Response:
        if request.method == "GET" and step(self.rest[0]) == "poll" and "operationStatuses" not in request.url.path:
            # RECORDED_DIFFERENCES: the recorded client looks once more at what has already succeeded.
            assert "final poll" in RECORDED_DIFFERENCES
            assert _status(self.rest.pop(0)) == _status(self.played[-1]) == "Succeeded"
        recorded = self.rest.pop(0)
        self.played.append(recorded)
        assert request.method == recorded.method
        if step(recorded) == "poll":
            # RECORDED_DIFFERENCES: the newest URL instead of the first; its location is in another case.
            assert "first URL" in RECORDED_DIFFERENCES
            assert str(request.url).lower() == recorded.url.lower()
            assert str(request.url) == self.played[-2].answered("location")
        else:
            assert str(request.url) == recorded.url
        assert (json.loads(request.content) if request.content else None) == recorded.body
        return recorded.response()


def _status(exchange: Exchange) -> Any:
    return json.loads(exchange.answer_body)["status"]


def _machine(recording: list[Exchange]) -> VM:
    return arm_vm(BASE, next(e for e in recording if step(e) == "read").path.partition("/providers/Microsoft.ScVmm")[0])


async def _ended(operation: Operation) -> Status:
    return await wait(operation, Deadline(600), 30, subject="vm", context="waiting")


def test_create_restore_delete(source: Source) -> None:
    recording = source.recording()
    create = next(e for e in recording if step(e) == "create")
    before = recording[recording.index(create) - 1]
    playback, vm = Playback(recording, before), _machine(recording)

    async def live(scvmm: Scvmm) -> list[Any]:
        empty = await scvmm.read(vm, "change")
        made = await _ended(await scvmm.create(vm, create.body["name"], create.body["description"]))
        full = await scvmm.read(vm, "change")
        (checkpoint,) = full.checkpoints
        restored = await _ended(await scvmm.restore(vm, checkpoint))
        again = await scvmm.read(vm, "change")
        gone = await _ended(await scvmm.delete(vm, checkpoint))
        return [empty, made, full, restored, again, gone, await scvmm.read(vm, "change")]

    found, sent = through_arm(BASE, playback.answer, live, VERSION)
    states = [each.state for each in found if isinstance(each, Status)]
    empty, full, again, end = (each for each in found if isinstance(each, ObservedVm))
    assert states == ["succeeded"] * 3
    # `lastRestoredVMCheckpoint: {}` beside an empty list is no broken pointer.
    assert (empty.checkpoints, end.checkpoints, empty.current_known, end.current_known) == ((), (), True, True)
    (checkpoint,) = full.checkpoints
    assert (checkpoint.name, checkpoint.description) == (create.body["name"], create.body["description"])
    # The parent of the first is an id that no list holds: the root. The VM stands on what was just made.
    assert (checkpoint.parent_id, checkpoint.depth, checkpoint.current, checkpoint.usable) == (None, 1, True, True)
    assert (checkpoint.created, checkpoint.ownership.managed) == (None, False)
    assert again.checkpoints == full.checkpoints
    assert {each.power for each in (empty, full, again, end)} == {"off"}
    assert {each.busy for each in (empty, full, again, end)} == {None}
    posts = [request for request in sent if request.method == "POST"]
    assert [request.headers["Content-Type"] for request in posts] == ["application/json"] * 3


@pytest.mark.parametrize(("action", "on"), [("start", True), ("stop", False)])
def test_power(source: Source, action: str, on: bool) -> None:
    recording = source.recording()
    playback, vm = Playback(recording, next(e for e in recording if step(e) == action)), _machine(recording)

    async def turn(scvmm: Scvmm) -> tuple[Status, str | None]:
        operation = await scvmm.power(vm, on)
        return await _ended(operation), operation.id

    (status, shown), sent = through_arm(BASE, playback.answer, turn, VERSION)
    assert status.state == "succeeded"
    assert [step(exchange) for exchange in playback.played] == [action, "poll", "poll"]
    # What is shown of the operation is its id, never its signed URL.
    assert shown is not None
    assert shown in str(sent[1].url)
    assert len(shown) == 36


def test_start_is_proven_by_reading(source: Source) -> None:
    recording = source.recording()
    start = next(e for e in recording if step(e) == "start")
    after = next(e for e in recording[recording.index(start) :] if step(e) == "read")

    async def read(scvmm: Scvmm) -> ObservedVm:
        return await scvmm.read(_machine(recording), "change")

    inventory, _sent = through_arm(BASE, lambda _r: after.response(), read, VERSION)
    assert inventory.power == "on"


def test_answers_to_actions_are_as_the_contract_does_not_say(source: Source) -> None:
    """202 with the four bytes `null`, both headers with one URL: the facts that the client must cope with."""
    for exchange in source.recording():
        if step(exchange) in ("create", "restore", "delete", "start", "stop"):
            assert (exchange.status, exchange.answer_body) == (202, "null")
            assert exchange.answered("azure-asyncoperation") == exchange.answered("location")
            assert exchange.answered("retry-after") is None


def test_every_recorded_poll_is_understood(source: Source) -> None:
    """Also of operations that the client never starts: 200 while running, `"error": {}` beside Succeeded."""
    words = set()
    for exchange in source.recording():
        if step(exchange) == "poll":
            answer = Response(
                exchange.status, httpx.Headers(exchange.answer_headers), exchange.answer_body.encode(), ""
            )
            status = read_status(answer)
            word = _status(exchange)
            words.add((exchange.status, word, status.state))
            assert (status.state == "succeeded") == (word == "Succeeded")
            assert (status.text, status.message, status.retry_after) == (word, "", None)
    assert words >= {(200, "Accepted", "running"), (202, "Accepted", "running"), (200, "Succeeded", "succeeded")}


def test_recorded_status_urls_are_sent_byte_for_byte(source: Source) -> None:
    """They hold a `*` and signed values; what httpx would send is what the service wrote."""
    links = [e.answered("location") for e in source.recording() if e.answered("location")]
    assert links
    for link in map(str, links):
        assert "*" in link
        parts = urlsplit(link)
        request = httpx.Request("GET", link)
        assert request.url.raw_path.decode() == f"{parts.path}?{parts.query}"
        assert _followed(link) == link


def _followed(link: str) -> str:
    """The URL that the client polls when an answer names `link`."""

    async def poll(scvmm: Scvmm) -> None:
        arm: Arm = scvmm._arm
        answer = Response(202, httpx.Headers({"Location": link}), b"", "")
        await arm.operation(answer, arm.base, 0.0).poll()

    respond: Callable[[httpx.Request], httpx.Response] = lambda _r: httpx.Response(200)  # noqa: E731 - typed for mypy
    _done, sent = through_arm(BASE, respond, poll)
    return str(sent[0].url)


def test_the_module_on_the_recording(source: Source) -> None:
    """The module itself: the recorded service drops our mark, and the new checkpoint is recognised all the same."""
    recording = source.recording()
    create = next(e for e in recording if step(e) == "create")
    rest = recording[recording.index(create) :]
    empty, full = recording[recording.index(create) - 1], next(e for e in rest if step(e) == "read")
    polls = [exchange for exchange in rest if step(exchange) == "poll"][:2]
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        if request.method == "POST":
            return create.response()
        if "operationStatuses" in request.url.path:
            return polls.pop(0).response()
        return (full if any(each.method == "POST" for each in sent) else empty).response()

    result = module_on(
        "vm_checkpoint",
        answer,
        vm=_machine(recording).id,
        name=create.body["name"],
        access_token="token",
        scvmm_api_version=VERSION,
    )
    assert "error" not in result
    assert result["changed"] is True
    listed = json.loads(full.answer_body)["properties"]["infrastructureProfile"]["checkpoints"][0]
    assert result["checkpoint"]["id"] == listed["checkpointID"]
    assert result["checkpoint"]["managed"] is False
    (posted,) = [request for request in sent if request.method == "POST"]
    assert str(posted.url) == create.url
    body = json.loads(posted.content)
    assert set(body) == set(create.body)
    assert body["name"] == create.body["name"]
    assert body["description"].startswith("[hybridvm.checkpoints 1 nonce=")
    assert polls == []
