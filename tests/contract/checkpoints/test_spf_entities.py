# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF's published and captured entities, as the client understands them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import unquote

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import (
    Deadline,
    Operation,
    Status,
    wait,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf import entities as spf_entities
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf import (
    job_entities as spf_job_entities,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.provider import Spf
from tests.contract.checkpoints.external_sources import Source, sources
from tests.contract.checkpoints.replay import json_answer, through_spf
from tests.support.targets import vm_of

pytestmark = pytest.mark.parametrize("source", sources(), ids=lambda source: source.name)
ROOT = "https://spf.example:8090/SC2012R2/VMM/Microsoft.Management.Odata.svc"


def _vm_of(entity: dict[str, Any]) -> VM:
    return vm_of("spf", entity["ID"].lower(), ROOT, partition=entity["StampId"])


def _sets(**entities: list[dict[str, Any]]) -> Callable[[httpx.Request], httpx.Response]:
    """Feeds by entity set; whatever else is asked for is a mistake."""

    def answer(request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        return json_answer({"odata.metadata": f"{ROOT}/$metadata#{name}", "value": entities[name]})

    return answer


def test_checkpoint_without_host_id(source: Source) -> None:
    """Minutes after its creation the entity still has no CheckpointID: nobody can say whether it is usable."""
    entity = source.document("spf/get_checkpoint_entity.json")
    machine = {"ID": entity["VMId"], "StampId": entity["StampId"], "Name": "vm", "Status": "PowerOff"}

    async def read(spf: Spf) -> ObservedVm:
        return await spf.read(_vm_of(machine), "change")

    inventory, sent = through_spf(ROOT, _sets(VirtualMachines=[machine], VMCheckPoints=[entity]), read)
    assert [unquote(str(request.url)).partition("svc")[2] for request in sent] == [
        f"/VirtualMachines?$filter=ID eq guid'{entity['VMId']}'&$expand=VMCheckpoints",
        f"/VMCheckPoints?$filter=VMId eq guid'{entity['VMId']}'",
    ]
    (checkpoint,) = inventory.checkpoints
    assert (checkpoint.id, checkpoint.name, checkpoint.description) == (entity["ID"], entity["Name"], "")
    assert checkpoint.created == datetime.fromisoformat(entity["AddedTime"])
    assert (checkpoint.host_id, checkpoint.usability, checkpoint.parent_id) == (None, "unknown", None)
    assert checkpoint.current is None
    assert not checkpoint.ownership.managed


def _job_seen(job: dict[str, Any]) -> tuple[Status, list[httpx.Request]]:
    """What the client makes of a job that a delete has started."""
    machine = {"ID": "5b9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10", "StampId": job["StampId"]}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "DELETE":
            return httpx.Response(204, headers={"x-ms-request-id": job["ID"].upper()})
        return _sets(Jobs=[job])(request)

    async def delete(spf: Spf) -> Status:
        operation: Operation = await spf.delete(_vm_of(machine), Checkpoint(job["ID"], "before"))
        return await wait(operation, Deadline(60), 5, subject="vm", context="deleting")

    return through_spf(ROOT, answer, delete)


def test_job(source: Source) -> None:
    """Completed w/ Info is a success whose messages are reported."""
    job = source.document("spf/job_entity_2019.json")
    status, sent = _job_seen(job)
    assert (status.state, status.text, status.percent) == ("succeeded", job["StatusString"], job["ProgressValue"])
    (message,) = job["AdditionalMessages"]
    action = " ".join(str(message.get("RecommendedAction") or "").split())
    assert status.warnings == (f"VMM {message['ErrorCodeString']}: {message['Problem']} {action}".strip(),)
    assert unquote(str(sent[1].url)) == f"{ROOT}/Jobs?$filter=ID eq guid'{job['ID'].lower()}'"


@pytest.mark.parametrize(
    ("changes", "state", "locked"),
    [
        ({"Status": "Completed"}, "succeeded", False),
        ({"Status": "Running", "IsCompleted": False, "ProgressValue": 40}, "running", False),
        ({"Status": "Failed", "ErrorInfo": {"ErrorCodeString": "2602", "Problem": "locked"}}, "failed", True),
        ({"Status": "Failed", "ErrorInfo": {"ErrorCodeString": "12710", "Problem": "26021 of 2602"}}, "failed", False),
        ({"Status": "Canceled"}, "failed", False),
        ({"Status": "Invalid"}, "failed", False),
        ({"Status": None, "IsCompleted": True}, "succeeded", False),
        ({"Status": None, "IsCompleted": True, "ErrorInfo": {"ErrorCodeString": "7"}}, "failed", False),
    ],
)
def test_job_states(source: Source, changes: dict[str, Any], state: str, locked: bool) -> None:
    """The terminal states are those of the vendor's own cmdlets; only 2602 is a lock."""
    job = source.document("spf/job_entity_2019.json") | changes
    looked = spf_job_entities.JobEntity.model_validate(job).status("request")
    assert (looked.state, looked.locked, looked.request_id) == (state, locked, "request")
    assert bool(looked.warnings) == (state == "succeeded")
    assert bool(looked.message) == (state == "failed")


def test_every_message_of_a_success_is_reported_and_of_many_the_first(source: Source) -> None:
    """Once each, with what VMM recommends; its own ErrorInfo too where that is no mere Success."""
    job = source.document("spf/job_entity_2019.json")

    def warnings_of(count: int, **info: str) -> tuple[str, ...]:
        messages = [
            {"ErrorCodeString": str(number), "Problem": f"Problem {number}.\r\n", "RecommendedAction": f"Do {number}."}
            for number in range(1, count + 1)
        ]
        changes = {"AdditionalMessages": messages, "ErrorInfo": info or job["ErrorInfo"]}
        return spf_job_entities.JobEntity.model_validate(job | changes).status(None).warnings

    assert warnings_of(0) == ()
    assert warnings_of(3) == tuple(f"VMM {n}: Problem {n}. Do {n}." for n in (1, 2, 3))
    assert warnings_of(10)[-1] == "VMM 10: Problem 10. Do 10."
    assert warnings_of(12)[-2:] == ("VMM 10: Problem 10. Do 10.", "and 2 more messages of this job")
    own = {"ErrorCodeString": "23234", "Problem": "A part was locked.", "RecommendedAction": ""}
    assert warnings_of(1, **own) == ("VMM 23234: A part was locked.", "VMM 1: Problem 1. Do 1.")
    same = {"ErrorCodeString": "1", "Problem": "Problem 1.", "RecommendedAction": "Do 1."}
    assert warnings_of(1, **same) == ("VMM 1: Problem 1. Do 1.",)


def test_virtual_machine(source: Source) -> None:
    """A captured VM, all its members: found by its name, and off, idle, and on no checkpoint."""
    entity = source.document("spf/vm_entity_2019.json")

    async def look(spf: Spf) -> tuple[VM, ObservedVm]:
        vm = await spf.resolve(entity["Name"])
        return vm, await spf.read(vm, "change")

    (vm, inventory), sent = through_spf(ROOT, _sets(VirtualMachines=[entity], VMCheckPoints=[]), look)
    assert (vm.name, vm.id, vm.host_id, vm.partition) == tuple(entity[n] for n in ("Name", "ID", "VMId", "StampId"))
    quoted = entity["Name"].replace("'", "''")
    assert f"$filter=Name eq '{quoted}'" in unquote(str(sent[0].url))
    assert (inventory.power, inventory.busy, inventory.refuses) == ("off", None, None)
    assert inventory.current_known
    assert inventory.current() is None


def test_stamp_of_the_clouds(source: Source) -> None:
    """A VM that tells no stamp belongs to the one stamp that the tenant's clouds have."""
    _entity, feed = source.documents("spf/cloud_entity_and_feed_2019.json")
    machine = {"ID": "5b9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10", "Name": "vm"}
    stamps = {cloud["StampId"] for cloud in feed["value"]}

    async def resolve(spf: Spf) -> VM:
        return await spf.resolve("vm")

    vm, sent = through_spf(ROOT, _sets(VirtualMachines=[machine], Clouds=feed["value"]), resolve)
    assert {vm.partition} == stamps
    assert str(sent[-1].url).endswith("/Clouds?$select=ID,StampId")
    same = [feed["value"][0], feed["value"][0] | {"StampId": feed["value"][0]["StampId"].upper()}]
    again, _sent = through_spf(ROOT, _sets(VirtualMachines=[machine], Clouds=same), resolve)
    assert again.partition == vm.partition
    two = [feed["value"][0], feed["value"][0] | {"StampId": "9d9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10"}]
    with pytest.raises(InvalidInput, match="spf_stamp_id: cannot be discovered, SPF shows 2 stamps"):
        through_spf(ROOT, _sets(VirtualMachines=[machine], Clouds=two), resolve)


def test_states_are_spelled_as_documented(source: Source) -> None:
    """A misspelt state would never be met."""
    known = set(re.findall(r"\w+", source.text("spf/docs/vm_status_enum.md")))
    assert spf_entities.BUSY | spf_entities.REFUSING | set(spf_entities._POWER) <= known
    checkpointing = {name for name in known if "Checkpoint" in name and name.endswith(("Checkpoint", "Operation"))}
    assert checkpointing - {"CheckpointFailed"} <= spf_entities.BUSY
