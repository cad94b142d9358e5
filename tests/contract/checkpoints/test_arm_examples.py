# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Microsoft.ScVmm's official examples: the request each one shows, built from the specification's paths."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.scvmm import Scvmm
from tests.contract.checkpoints.external_sources import Source, sources
from tests.contract.checkpoints.replay import MACHINE, arm_vm, json_answer, through_arm

pytestmark = pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
FOLDER = "examples/scvmm-2024-06-01"
BASE = "https://contoso.com"  # where the examples' status URL leads
VM = arm_vm(BASE, MACHINE)

Step = Callable[[Scvmm, dict[str, Any]], Awaitable[Operation]]
STEPS: dict[str, Step] = {
    "CreateCheckpoint_MaximumSet": lambda scvmm, body: scvmm.create(VM, body["name"], body["description"]),
    "RestoreCheckpoint_MaximumSet": lambda scvmm, body: scvmm.restore(VM, Checkpoint(body["id"], "any")),
    "DeleteCheckpoint_MaximumSet": lambda scvmm, body: scvmm.delete(VM, Checkpoint(body["id"], "any")),
    "Start_MaximumSet": lambda scvmm, body: scvmm.power(VM, True),
    "Start_MinimumSet": lambda scvmm, body: scvmm.power(VM, True),
    "Stop_MaximumSet": lambda scvmm, body: scvmm.power(VM, False),
}


def _example(source: Source, name: str) -> dict[str, Any]:
    found: dict[str, Any] = source.document(f"{FOLDER}/VirtualMachineInstances_{name}_Gen.json")
    return found


def _specified(source: Source, example: dict[str, Any]) -> tuple[str, str]:
    """Method and URL that the specification gives the example's operation, on our machine for its random one."""
    for path, methods in source.document("specs/scvmm-2024-06-01.json")["paths"].items():
        for method, operation in methods.items():
            if operation["operationId"] == example["operationId"]:
                version = example["parameters"]["api-version"]
                return method.upper(), f"{BASE}{path.replace('/{resourceUri}', MACHINE)}?api-version={version}"
    raise LookupError(example["operationId"])


@pytest.mark.parametrize("name", STEPS)
def test_action(source: Source, name: str) -> None:
    example = _example(source, name)
    body, answer = example["parameters"]["body"], example["responses"]["202"]

    async def act(scvmm: Scvmm) -> Operation:
        return await STEPS[name](scvmm, body)

    operation, sent = through_arm(BASE, lambda _r: httpx.Response(202, headers=answer["headers"]), act)
    assert len(sent) == 1
    assert (sent[0].method, str(sent[0].url)) == _specified(source, example)
    # Start takes no body in the specification; its examples show an empty object.
    assert (json.loads(sent[0].content) if sent[0].content else {}) == body
    assert sent[0].headers["Accept"] == "application/json"
    assert sent[0].headers.get("Content-Type") == ("application/json" if sent[0].content else None)
    assert operation.last.state == "running"


def test_action_is_polled_where_the_example_says(source: Source) -> None:
    answer = _example(source, "RestoreCheckpoint_MaximumSet")["responses"]["202"]
    answers = [httpx.Response(202, headers=answer["headers"]), httpx.Response(202), httpx.Response(204)]

    async def act(scvmm: Scvmm) -> list[str]:
        operation = await scvmm.restore(VM, Checkpoint("x", "any"))
        return [(await operation.poll()).state for _look in range(2)]

    states, sent = through_arm(BASE, lambda _r: answers.pop(0), act)
    assert states == ["running", "succeeded"]
    assert {str(request.url) for request in sent[1:]} == {answer["headers"]["location"]}


def test_status_url_of_another_origin_gets_no_token(source: Source) -> None:
    """The example's URL behind another resource manager: refused, and nothing is sent there."""
    answer = _example(source, "RestoreCheckpoint_MaximumSet")["responses"]["202"]
    elsewhere = "https://management.example"

    async def act(scvmm: Scvmm) -> str:
        operation = await scvmm.restore(arm_vm(elsewhere, MACHINE), Checkpoint("x", "any"))
        return (await operation.poll()).state

    state, sent = through_arm(elsewhere, lambda _r: httpx.Response(202, headers=answer["headers"]), act)
    assert {request.url.host for request in sent} == {"management.example"}
    # It was accepted all the same: neither a failure nor a success, but left to reading.
    assert state == "unknown"


def _read(document: dict[str, Any]) -> tuple[ObservedVm, list[httpx.Request]]:
    async def read(scvmm: Scvmm) -> ObservedVm:
        return await scvmm.read(VM, "change")

    return through_arm(BASE, lambda _r: json_answer(document), read)


def test_instance(source: Source) -> None:
    example = _example(source, "Get_MaximumSet")
    document = example["responses"]["200"]["body"]
    inventory, sent = _read(document)
    assert (sent[0].method, str(sent[0].url)) == _specified(source, example)
    profile = document["properties"]["infrastructureProfile"]
    (listed,) = profile["checkpoints"]
    (checkpoint,) = inventory.checkpoints
    assert checkpoint.id.lower() == listed["checkpointID"].lower()
    assert (checkpoint.name, checkpoint.description) == (listed["name"], listed["description"])
    assert (checkpoint.parent_id, checkpoint.depth, checkpoint.created) == (None, 1, None)
    assert checkpoint.current is (profile["lastRestoredVMCheckpoint"]["checkpointID"] == listed["checkpointID"])
    assert inventory.power == "unknown"  # the example's power state is a random word
    assert inventory.busy is None


def test_instance_without_properties(source: Source) -> None:
    """The smallest example shows no list: an error, for an unreadable list is not an empty one."""
    document = _example(source, "Get_MinimumSet")["responses"]["200"]["body"]
    with pytest.raises(BadResponse, match=r"(?i)instance"):
        _read(document)
