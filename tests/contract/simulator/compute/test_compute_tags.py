# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tags at scope and management locks over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from .cloud import Cloud, code

pytestmark = pytest.mark.anyio
TAGS, LOCKS = "2021-04-01", "2020-05-01"


def _path(cloud: Cloud, of: str = "restorePointCollections/daily") -> str:
    return f"{cloud.id(of)}/providers/Microsoft.Resources/tags/default"


async def _change(cloud: Cloud, operation: str, tags: Any, path: str = "") -> Any:
    body = {"operation": operation, "properties": {"tags": tags}}
    return await cloud("PATCH", path or _path(cloud), body, version=TAGS)


def _tags(cloud: Cloud) -> dict[str, str]:
    found = cloud.azure.collection(cloud.id("restorePointCollections/daily"))
    assert found is not None
    return found.tags


async def test_some_tags_are_changed_and_the_others_stay(cloud: Cloud) -> None:
    await cloud.collection(tags={"Owner": "a"})
    merged = await _change(cloud, "Merge", {"owner": "b", "x": "1", "y": "2"})
    assert merged.status_code == 200
    assert merged.json()["properties"]["tags"] == _tags(cloud) == {"Owner": "b", "x": "1", "y": "2"}
    await _change(cloud, "Delete", {"X": "1", "y": "other"})
    assert _tags(cloud) == {"Owner": "b", "y": "2"}
    await _change(cloud, "Delete", {"y": ""})
    await _change(cloud, "Replace", {"z": "3"})
    shown = (await cloud("GET", _path(cloud), version=TAGS)).json()
    assert (shown["name"], shown["type"], shown["properties"]["tags"]) == (
        "default",
        "Microsoft.Resources/tags",
        {"z": "3"},
    )
    assert (await cloud("GET", "restorePointCollections/daily")).json()["tags"] == {"z": "3"}


@pytest.mark.parametrize(
    ("operation", "tags", "word"),
    [
        ("Add", {}, "InvalidRequestContent"),
        ("Merge", {"a": 1}, "InvalidRequestContent"),
        ("Merge", ["a"], "InvalidRequestContent"),
        ("Merge", {"a/b": "1"}, "InvalidTagName"),
        ("Merge", {"": "1"}, "InvalidTagName"),
        ("Merge", {"n" * 513: "1"}, "InvalidTagName"),
        ("Merge", {"a": "v" * 257}, "InvalidTagValue"),
        ("Merge", {f"t{number}": "" for number in range(51)}, "InvalidTagCount"),
    ],
)
async def test_what_is_refused_changes_nothing(cloud: Cloud, operation: str, tags: Any, word: str) -> None:
    await cloud.collection(tags={"a": "b"})
    answer = await _change(cloud, operation, tags)
    assert (answer.status_code, code(answer), _tags(cloud)) == (400, word, {"a": "b"})


async def test_it_may_take_a_while(cloud: Cloud) -> None:
    cloud.world.switches.update({"compute_tags_takes": "5s"})
    await cloud.collection()
    answer = await _change(cloud, "Merge", {"a": "b"})
    assert (answer.status_code, "azure-asyncoperation" in answer.headers) == (202, False)
    assert (await cloud.sim.arm("GET", answer.headers["location"])).status_code == 202
    cloud.world.clock.advance(5)
    assert (await cloud.sim.arm("GET", answer.headers["location"])).status_code == 200
    assert _tags(cloud) == {"a": "b"}


async def test_who_may_and_what_has_tags(cloud: Cloud) -> None:
    await cloud.collection()
    await cloud.point("one")
    assert code(await _change(cloud, "Merge", {"a": "b"}, _path(cloud, cloud.point_path("one")))) == "ResourceNotFound"
    assert (await cloud("PUT", _path(cloud), {}, version=TAGS)).status_code == 405
    control = cloud.sim.http
    scope = cloud.id("restorePointCollections/daily")
    await control.post("/_control/locks", json={"scope": scope, "level": "ReadOnly"})
    assert code(await _change(cloud, "Merge", {"a": "b"})) == "ScopeLocked"
    await control.delete("/_control/locks")
    await control.post("/_control/rights", json={"service": "compute", "rights": "view"})
    assert code(await _change(cloud, "Merge", {"a": "b"})) == "AuthorizationFailed"
    cloud.azure.rights = "all"
    cloud.azure.forbidden = ["Microsoft.Resources/tags/write"]
    assert code(await _change(cloud, "Merge", {"a": "b"})) == "AuthorizationFailed"
    assert (await cloud("GET", _path(cloud), version=TAGS)).status_code == 200


def _lock(cloud: Cloud, name: str = "keep") -> str:
    return f"{cloud.id(cloud.point_path('one'))}/providers/Microsoft.Authorization/locks/{name}"


async def _locked(cloud: Cloud) -> Any:
    await cloud.collection()
    await cloud.point("one")
    return await cloud("PUT", _lock(cloud), {"properties": {"level": "CanNotDelete", "notes": "n"}}, version=LOCKS)


async def test_a_lock_keeps_a_point_until_it_is_lifted(cloud: Cloud) -> None:
    assert (await _locked(cloud)).status_code == 201
    again = await cloud("PUT", _lock(cloud), {"properties": {"level": "CanNotDelete"}}, version=LOCKS)
    assert (again.status_code, again.json()["properties"]) == (200, {"level": "CanNotDelete"})
    assert (await cloud("GET", _lock(cloud), version=LOCKS)).json()["name"] == "keep"
    assert code(await cloud("DELETE", cloud.point_path("one"))) == "ScopeLocked"
    assert (await cloud("DELETE", _lock(cloud), version=LOCKS)).status_code == 200
    assert (await cloud("DELETE", _lock(cloud), version=LOCKS)).status_code == 204
    assert code(await cloud("GET", _lock(cloud), version=LOCKS)) == "LockNotFound"
    await cloud.ok("DELETE", cloud.point_path("one"))


async def test_a_lock_that_forbids_nothing_goes_with_its_point(cloud: Cloud) -> None:
    cloud.world.switches.update({"compute_point_lock": "ignored"})
    assert (await _locked(cloud)).status_code == 201
    await cloud.ok("DELETE", cloud.point_path("one"))
    assert cloud.azure.locks == []


async def test_locks_that_are_refused(cloud: Cloud) -> None:
    cloud.world.switches.update({"compute_point_lock": "refused"})
    assert code(await _locked(cloud)) == "LockNotSupported"
    missing = _lock(cloud).replace("/one/", "/two/")
    assert code(await cloud("PUT", missing, {"properties": {"level": "ReadOnly"}}, version=LOCKS)) == "ResourceNotFound"
    on_vm = f"{cloud.id('virtualMachines/shop01')}/providers/Microsoft.Authorization/locks/x"
    for body in (
        {},
        {"properties": {"level": "None"}},
        {"properties": None},
        {"properties": {"level": "ReadOnly", "notes": 1}},
    ):
        assert code(await cloud("PUT", on_vm, body, version=LOCKS)) == "InvalidRequestContent"
    assert (await cloud("PUT", on_vm, {"properties": {"level": "ReadOnly"}}, version=LOCKS)).status_code == 201
    cloud.azure.forbidden = ["Microsoft.Authorization/locks/delete"]
    assert code(await cloud("DELETE", on_vm, version=LOCKS)) == "AuthorizationFailed"
