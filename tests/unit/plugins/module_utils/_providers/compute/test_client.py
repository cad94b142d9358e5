# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes over the wire for Azure's VMs, disks and checkpoints, and what a refusal of each request is called."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import parse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    InvalidInput,
    NotFound,
    Unsupported,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import Scope
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.client import (
    ComputeClient,
    Request,
    told_if_replaced,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import (
    DiskEntity,
    DiskRestorePointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.provider import Compute
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils import golden_requests
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    ID,
    POINT,
    SOURCE,
    TARGET,
    WHO,
    detail,
    disk,
    inventory,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import NamedStep
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    virtual,
)

Result = TypeVar("Result")
SUBSCRIPTION = "22222222-0000-4000-8000-000000000002"
SETTINGS = cast(
    Any,
    SimpleNamespace(compute_api_version="2024-07-01", disk_api_version="2024-03-02", subscription_id=SUBSCRIPTION),
)
OLD = cast(Any, SimpleNamespace(**vars(SETTINGS) | {"compute_api_version": "2021-07-01"}))
NOW = datetime(2026, 11, 20, tzinfo=UTC)
STATE = detail(disk("o"))
ACTUAL = inventory(STATE)
NONE = reply(404, {"error": {"code": "ResourceNotFound", "message": "The Resource was not found."}})


def client(arm: Arm, settings: Any = SETTINGS) -> ComputeClient:
    return ComputeClient(arm, settings)


def azure(arm: Arm, collection: str | None = None, settings: Any = SETTINGS) -> Compute:
    return Compute(arm, settings, collection, lambda: NOW)


def using(do: Callable[[Arm], Awaitable[Result]], *answers: Reply) -> Result:
    async def main() -> Result:
        async with Script(*answers).http() as http:
            return await do(Arm(http, BASE, "client c"))

    return virtual(main)


CALLS: list[golden_requests.Call] = [
    lambda arm: client(arm).send(Request("POST", f"{GROUP}/virtualMachines/v/start", None, "starting it")),
    lambda arm: client(arm).send(Request("PATCH", ID, {"a": 1}, "changing it", etag='"7"')),
    lambda arm: client(arm).send(Request("PUT", f"{GROUP}/disks/d", {}, "making it", to_disk=True)),
    lambda arm: client(arm).send(Request("PUT", f"{ID}/x", {}, "tagging it", api_version="2021-04-01")),
    lambda arm: client(arm).disk(f"{GROUP}/disks/d d"),
    lambda arm: client(arm).disk_restore_point(SOURCE),
    lambda arm: client(arm).disk_restore_point(f"{SOURCE}?a=1"),
    lambda arm: client(arm).access_state(SOURCE),
    lambda arm: client(arm).access_state("/x"),
    lambda arm: client(arm, OLD).access_state(SOURCE),
    lambda arm: client(arm).join_creation(disk("d")).poll(),
    lambda arm: azure(arm).resolve(ID),
    lambda arm: azure(arm).list_scope(Scope("compute")),
    lambda arm: azure(arm).list_scope(Scope("compute", "rg")),
    lambda arm: azure(arm).read(WHO, "list"),
    lambda arm: azure(arm).read_points(ACTUAL),
    lambda arm: azure(arm, "named").read_points(ACTUAL),
    lambda arm: azure(arm, f"{GROUP}/RestorePointCollections/c").read_points(ACTUAL),
    lambda arm: azure(arm).create(WHO, "nightly", "not stored"),
    lambda arm: azure(arm, "named").delete(WHO, TARGET),
    lambda arm: azure(arm, "c").pin(ACTUAL, TARGET, Pin(NOW)),
    lambda arm: azure(arm, "c").pin(ACTUAL, TARGET, None),
    lambda arm: azure(arm, "c").lock(ACTUAL, TARGET, on=True),
    lambda arm: azure(arm).power(WHO, on=True),
    lambda arm: azure(arm).power(WHO, on=False),
    lambda arm: azure(arm, "c").readiness(ACTUAL, TARGET),
    lambda arm: azure(arm, "c").current_operation(WHO),
]


def test_what_is_sent_and_what_a_refusal_is_called() -> None:
    golden_requests.hold(Path(__file__).parent / "golden" / "requests.txt", [(call, ()) for call in CALLS])


@pytest.mark.parametrize("on", [True, False])
def test_a_lock_goes_to_the_point_once_its_locks_can_be_read(on: bool) -> None:
    path = Path(__file__).parent / "golden" / f"lock_{'set' if on else 'lifted'}.txt"
    golden_requests.hold(
        path, [(lambda arm: azure(arm, "c").lock(ACTUAL, TARGET, on=on), (reply(200, {"value": []}),))]
    )


def test_what_azure_has_no_call_for() -> None:
    for do, said in (
        (lambda arm: azure(arm).update(WHO, TARGET, "text"), "restore points have no description."),
        (lambda arm: azure(arm).restore(WHO, TARGET), "Azure restores in several steps."),
        (lambda arm: azure(arm).execute_step(NamedStep(WHO, "w", name="swap"), ACTUAL), "no such step: swap."),
    ):
        with pytest.raises(Unsupported) as raised:
            using(cast(Any, do))
        assert str(raised.value) == f"vm v: {said}"


def test_a_pin_of_a_point_that_has_gone() -> None:
    gone = Checkpoint(f"{POINT}2", "gone")
    with pytest.raises(NotFound) as raised:
        using(lambda arm: azure(arm).pin(ACTUAL, gone, None))
    assert str(raised.value) == "vm v: there is no restore point gone any more."


def test_which_collection_is_meant() -> None:
    async def home(arm: Arm, option: str | None, vm: str = ID) -> str:
        return str(azure(arm, option)._collection_of(parse(vm)))

    below = f"{GROUP}/restorePointCollections"
    assert using(lambda arm: home(arm, None)) == f"{below}/checkpoints-v"
    assert using(lambda arm: home(arm, "own")) == f"{below}/own"
    assert using(lambda arm: home(arm, f"{below}/other")) == f"{below}/other"
    long = using(lambda arm: home(arm, None, f"{GROUP}/virtualMachines/{'v' * 80}"))
    assert long == f"{below}/checkpoints-{'v' * 68}"
    with pytest.raises(InvalidInput) as raised:
        using(lambda arm: home(arm, f"{GROUP}/disks/d"))
    assert str(raised.value) == (
        "collection: takes a name or the id of one of Microsoft.Compute/restorePointCollections."
    )


def point(state: str, percent: int | None = None) -> Reply:
    rows = [] if percent is None else [{"replicationStatus": {"completionPercent": percent}}]
    properties = {"provisioningState": state, "instanceView": {"diskRestorePoints": rows}}
    return reply(200, {"id": POINT, "name": "p", "properties": properties})


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (point("Succeeded", 40), Status("running", "at 40 %", percent=40)),
        (point("Creating"), Status("running", "pending")),
        (point("Failed"), Status("failed", message="its data could not be copied")),
        (point("Succeeded", 100), None),
        (point("Migrating"), None),
        (NONE, None),
    ],
)
def test_how_far_the_data_of_a_point_is(answer: Reply, status: Status | None) -> None:
    found = using(lambda arm: azure(arm, "c").readiness(ACTUAL, TARGET), answer)
    assert (None if found is None else found.last) == status
    assert found is None or (found.kind, found.id, found.joined) == ("arm", None, False)


@pytest.mark.parametrize(("days", "asked"), [(7, True), (8, False), (None, True)])
def test_a_point_of_more_than_a_week_is_not_asked_about(days: int | None, asked: bool) -> None:
    created = None if days is None else ACTUAL.now.replace(month=11, day=20 - days)
    target = replace(TARGET, created=created)
    found = using(lambda arm: azure(arm, "c").readiness(ACTUAL, target), point("Creating"))
    assert (found is not None) is asked
    assert using(lambda arm: azure(arm, "c", OLD).readiness(ACTUAL, target), point("Creating")) is None


def collection(*states: str) -> Reply:
    points = [
        {
            "id": f"{POINT}{number}",
            "name": f"p{number}",
            "properties": {"provisioningState": state, "timeCreated": "2026-11-20T00:00:00Z"},
        }
        for number, state in enumerate(states)
    ]
    properties = {"source": {"id": ID}, "restorePoints": points}
    return reply(
        200, {"id": f"{GROUP}/restorePointCollections/c", "name": "c", "location": "l", "properties": properties}
    )


@pytest.mark.parametrize(
    ("states", "name"), [(("Succeeded", "Creating"), "p1"), (("CreatingLater", "Deleting"), None), ((), None)]
)
def test_the_point_in_the_making_is_the_work_at_hand(states: tuple[str, ...], name: str | None) -> None:
    found = using(lambda arm: azure(arm, "c").current_operation(WHO), collection(*states))
    assert (found is not None) is (name is not None)
    assert found is None or (found.kind, found.id, found.work, found.began) == ("arm", None, "create", NOW)
    assert found is None or found.last == Status("running")


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (point("Succeeded"), Status("succeeded", "succeeded")),
        (point("Failed"), Status("failed", "failed")),
        (point("Creating"), Status("running", "creating")),
        (point("FailedInPart"), Status("running", "failedinpart")),
        (point("SucceededInPart"), Status("running", "succeededinpart")),
        (NONE, Status("unknown")),
    ],
)
def test_what_becomes_of_it(answer: Reply, status: Status) -> None:
    async def main(arm: Arm) -> Status:
        found = await azure(arm, "c").current_operation(WHO)
        assert found is not None
        return await found.poll()

    assert using(main, collection("Creating"), answer) == status


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("Succeeded", Status("succeeded", "succeeded")),
        ("Failed", Status("failed", "failed")),
        ("Canceled", Status("failed", "canceled")),
        ("Creating", Status("running", "creating")),
        (None, Status("succeeded", "succeeded")),
    ],
)
def test_the_making_of_a_disk_that_another_run_has_begun(state: str | None, status: Status) -> None:
    shown = {"id": f"{GROUP}/disks/d", "name": "d", "location": "l", "properties": {"provisioningState": state}}

    async def main(arm: Arm) -> tuple[Operation, Status]:
        operation = client(arm).join_creation(disk("d"))
        return operation, await operation.poll()

    operation, found = using(main, reply(200, shown))
    assert (found, operation.kind, operation.id, operation.joined) == (status, "arm", None, True)
    assert using(main, NONE)[1] == Status("unknown")


def test_a_disk_and_what_it_is_made_from_as_they_are_read() -> None:
    shown = {"id": f"{GROUP}/disks/d", "name": "d", "location": "l", "properties": {"diskSizeGB": 30}}
    assert using(lambda arm: client(arm).disk(f"{GROUP}/disks/d"), reply(200, shown)) == DiskEntity.model_validate(
        shown
    )
    assert using(lambda arm: client(arm).disk(f"{GROUP}/disks/d"), NONE) is None
    source = {"id": SOURCE, "name": "o_1", "properties": {"osType": "Linux", "completionPercent": 99.5}}
    found = using(lambda arm: client(arm).disk_restore_point(SOURCE), reply(200, source))
    assert found == DiskRestorePointEntity.model_validate(source)
    assert using(lambda arm: client(arm).disk_restore_point(SOURCE), NONE) is None


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"id": SOURCE.upper(), "snapshotAccessState": "Available"}, "Available"),
        ({"id": f"{SOURCE}2", "snapshotAccessState": "Available"}, None),
        ({"snapshotAccessState": "Available"}, None),
    ],
)
def test_what_a_disk_restore_point_can_be_used_for(row: dict[str, Any], expected: str | None) -> None:
    rows = {"instanceView": {"diskRestorePoints": [row]}}
    answer = reply(200, {"id": POINT, "name": "p", "properties": rows})
    assert using(lambda arm: client(arm).access_state(SOURCE), answer) == expected
    assert using(lambda arm: client(arm).access_state(SOURCE), NONE) is None


@pytest.mark.parametrize("replaced", [True, False])
def test_a_collection_that_was_there_all_the_same_has_lost_its_tags(replaced: bool) -> None:
    operation = told_if_replaced(Operation("arm", None, cast(Any, None), replaced=replaced), "c")
    assert operation.warnings == (
        (
            "collection c existed when it was to be made, although no reading had shown it: that has replaced its "
            "tags, pins among them. Look at its points, and set the tags again.",
        )
        if replaced
        else ()
    )
