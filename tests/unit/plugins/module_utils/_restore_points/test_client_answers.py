# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes back of the requests for collections and restore points."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse, NotFound
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import (
    DiskEntity,
    DiskRestorePointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import (
    CollectionEntity,
    PointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.client import RestorePointClient
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._restore_points.service import (
    HERE,
    HOME,
    LOCK,
    POINT,
    RG,
    VM,
    asked_collection,
    asked_point,
    home,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    virtual,
)

Ask = Callable[[RestorePointClient], Awaitable[Any]]
SETTINGS = cast(Any, SimpleNamespace(compute_api_version="2025-04-01", disk_api_version="2024-03-02"))
A_VM = {"id": VM, "name": "v", "location": "l", "properties": {}}
A_DISK = {"id": f"{RG}/disks/d", "name": "d", "location": "l", "properties": {}}
HELD = {"provisioningState": "Succeeded", "restorePoints": []}
A_HOME = {"id": HOME, "name": "c", "location": "l", "properties": HELD}
A_POINT = {"id": POINT, "name": "p", "properties": {"provisioningState": "Creating"}}
ROWS: list[dict[str, Any]] = [
    {"id": f"{POINT}/diskRestorePoints/{name}", "name": name, "properties": {}} for name in ("a", "b")
]
DATE = "Fri, 20 Nov 2026 12:00:00 GMT"


def said(ask: Ask, *answers: Reply) -> Any:
    server = Script(*answers)

    async def main() -> Any:
        async with server.http() as http:
            return await ask(RestorePointClient(Arm(http, BASE, "client c"), SETTINGS))

    return virtual(main)


def absent(code: str = "ResourceNotFound") -> Reply:
    return reply(404, {"error": {"code": code, "message": "It was not found."}})


READS: list[tuple[Ask, dict[str, Any], Any]] = [
    (lambda client: client.vm(VM), A_VM, VmEntity.model_validate(A_VM)),
    (lambda client: client.disk(f"{RG}/disks/d"), A_DISK, DiskEntity.model_validate(A_DISK)),
    (lambda client: client.collection(HERE), A_HOME, CollectionEntity.model_validate(A_HOME)),
    (lambda client: client.point(POINT), A_POINT, PointEntity.model_validate(A_POINT)),
]


@pytest.mark.parametrize(("ask", "document", "entity"), READS)
def test_what_is_there_and_what_is_not(ask: Ask, document: dict[str, Any], entity: object) -> None:
    assert said(ask, reply(200, document)) == entity
    assert said(ask, absent()) is None


def test_a_collection_is_told_with_the_time_of_the_service() -> None:
    entity = CollectionEntity.model_validate(A_HOME)
    assert said(lambda client: client.dated_collection(HOME), reply(200, A_HOME, date=DATE)) == (
        entity,
        datetime(2026, 11, 20, 12, tzinfo=UTC),
    )
    assert said(lambda client: client.dated_collection(HOME), reply(200, A_HOME)) == (entity, None)
    assert said(lambda client: client.dated_collection(HOME), absent()) == (None, None)


@pytest.mark.parametrize("held", [{}, {"restorePoints": None}])
def test_a_collection_without_its_points_is_no_empty_one(held: dict[str, Any]) -> None:
    for ask in (lambda client: client.collection(HERE), lambda client: client.dated_collection(HERE)):
        with pytest.raises(BadResponse, match="reading collection c: the collection was answered without its restore"):
            said(ask, reply(200, {**A_HOME, "properties": held}))


def test_a_resource_group_that_is_missing_is_an_error_where_something_is_to_be_made() -> None:
    no_group = absent("ResourceGroupNotFound")
    assert said(lambda client: client.collection(HOME), no_group) is None
    assert said(lambda client: client.dated_collection(HOME), no_group) == (None, None)
    for ask in (
        lambda client: client.collection(HOME, grouped=True),
        lambda client: client.dated_collection(HOME, grouped=True),
    ):
        with pytest.raises(NotFound, match="reading collection c: not found"):
            said(ask, no_group)


def test_lists_are_told_whole() -> None:
    second = reply(200, {"value": ROWS[1:]})
    first = reply(200, {"value": ROWS[:1], "nextLink": f"{BASE}/next"})
    assert said(lambda client: client.disk_restore_points(POINT), first, second) == [
        DiskRestorePointEntity.model_validate(each) for each in ROWS
    ]
    listed = reply(200, {"value": [{"id": HOME}, {"id": f"{HOME}2"}]})
    guid = HOME.split("/")[2]
    assert said(lambda client: client.collections(guid, "rg"), listed) == [HOME, f"{HOME}2"]


def test_locks_are_those_of_a_collection_and_of_what_lies_in_it() -> None:
    of_point = {"id": f"{POINT}/providers/Microsoft.Authorization/locks/m", "name": "m"}
    listed = reply(200, {"value": [of_point, LOCK]})
    assert said(lambda client: client.locks(HERE), listed) == [LOCK]
    assert said(lambda client: client.locks(HERE, POINT.lower()), listed) == [LOCK, of_point]


WRITES: list[Ask] = [
    lambda client: client.put_collection(HERE, asked_collection(source=VM), "l"),
    lambda client: client.patch_collection(HERE, home(), {}),
    lambda client: client.put_point(POINT, asked_point(), {}),
    lambda client: client.delete(POINT),
]


@pytest.mark.parametrize("ask", WRITES)
def test_a_write_tells_its_operation(ask: Ask) -> None:
    operation = said(ask, reply(201, {"properties": {"provisioningState": "Succeeded"}}))
    assert isinstance(operation, Operation)
    assert (operation.created, operation.warnings) == (True, ())


def test_a_collection_that_was_replaced_is_warned_of() -> None:
    operation = said(WRITES[0], reply(200, {"properties": {"provisioningState": "Succeeded"}}))
    assert operation.warnings == (
        "collection c existed when it was to be made, although no reading had shown it: that has replaced its tags, "
        "pins among them. Look at its points, and set the tags again.",
    )


def test_a_client_knows_its_service() -> None:
    async def service(client: RestorePointClient) -> str:
        return client.service

    assert said(service) == BASE
