# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every switch of Azure Compute, in each of its positions."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from .cloud import Cloud, code, disk_points, open_cloud

pytestmark = pytest.mark.anyio
TIMES: list[tuple[str, str, str, Any]] = [
    ("compute_point_takes", "PUT", "restorePointCollections/daily/restorePoints/new", {"properties": {}}),
    ("compute_point_delete_takes", "DELETE", "restorePointCollections/daily/restorePoints/one", None),
    ("compute_collection_delete_takes", "DELETE", "restorePointCollections/daily", None),
    ("compute_disk_takes", "PATCH", "disks/shop01_OsDisk", {"tags": {}}),
    ("compute_vm_takes", "PATCH", "virtualMachines/shop01", {"tags": {}}),
    ("compute_vm_power_takes", "POST", "virtualMachines/shop01/restart", None),
]


@pytest.mark.parametrize(("name", "method", "path", "body"), TIMES, ids=[each[0] for each in TIMES])
async def test_durations(cloud: Cloud, name: str, method: str, path: str, body: Any) -> None:
    await cloud.collection()
    await cloud.point("one")
    for value, takes in (("7s", 7), ("4 looks", 3), ("0s", 0)):
        cloud.world.switches.set(name, value)
        before = trio.current_time()
        await cloud.ok(method, path, body)
        assert trio.current_time() - before == takes
        if method != "PATCH" and takes == 7:
            break  # what is deleted cannot be deleted again


async def test_never(cloud: Cloud) -> None:
    cloud.world.switches.set("compute_vm_power_takes", "never")
    answer = await cloud("POST", "virtualMachines/shop01/start")
    cloud.world.clock.advance(10**6)
    assert (await cloud("GET", answer.headers["azure-asyncoperation"])).json()["status"] == "InProgress"


async def copied(cloud: Cloud) -> dict[str, Any]:
    """A copy that has just begun."""
    await cloud.collection()
    await cloud.point("one")
    cloud.world.clock.advance(10)
    await cloud.copy_collection()
    await cloud.end(await cloud.put_copy("one", "one"))
    return await cloud.read("one", "copies")


def percents(point: dict[str, Any]) -> list[int]:
    view = point["properties"]["instanceView"]
    return [each["replicationStatus"]["completionPercent"] for each in view["diskRestorePoints"]]


async def test_copies_take_and_start(cloud: Cloud) -> None:
    cloud.world.switches.update({"compute_copy_takes": "4 looks", "compute_copy_starts": "20s"})
    before = trio.current_time()
    first = percents(await copied(cloud))
    assert trio.current_time() - before >= 20
    later = [percents(await cloud.read("one", "copies")) for _look in range(3)]
    assert [first, *later] == [[50, 25], [100, 50], [100, 75], [100, 100]]


async def test_a_copy_moves_in_steps() -> None:
    async with open_cloud() as cloud:
        cloud.world.switches.update({"compute_copy_step": 20, "compute_copy_takes": "60s"})
        await copied(cloud)
        seen = set()
        for _second in range(70):
            seen.add(percents(await cloud.read("one", "copies"))[1])
            await trio.sleep(1)
        assert seen == {0, 33, 66, 100}


async def test_access_takes(cloud: Cloud) -> None:
    await cloud.collection()
    disk = disk_points(await cloud.point("one"))[None]
    cloud.world.switches.set("compute_access_takes", "9s")
    before = trio.current_time()
    answer = await cloud("POST", f"{disk}/beginGetAccess", {"access": "Read", "durationInSeconds": 300})
    assert (await cloud("GET", answer.headers["location"])).status_code == 202
    await cloud.end(answer)
    assert trio.current_time() - before == 9
    assert "accessSAS" in (await cloud("GET", answer.headers["location"])).json()


async def test_the_agent_needs_time(cloud: Cloud) -> None:
    cloud.world.switches.set("compute_agent_seconds", 30)
    await cloud.ok("POST", "virtualMachines/shop01/restart")
    view = (await cloud("GET", "virtualMachines/shop01/instanceView")).json()
    assert view["vmAgent"]["statuses"][0]["displayStatus"] == "Not Ready"
    await trio.sleep(30)
    view = (await cloud("GET", "virtualMachines/shop01/instanceView")).json()
    assert view["vmAgent"]["statuses"][0]["displayStatus"] == "Ready"


async def test_headers_of_operations(cloud: Cloud) -> None:
    await cloud.collection()
    answer = await cloud.put_point("one")
    assert ("location" in answer.headers, "retry-after" in answer.headers) == (False, False)
    await cloud.end(answer)
    cloud.world.switches.update({"compute_location_header": True, "compute_retry_after": 17})
    answer = await cloud.put_point("two")
    assert (answer.headers["retry-after"], "monitor=true" in answer.headers["location"]) == ("17", True)
    assert (await cloud("GET", answer.headers["azure-asyncoperation"])).headers["retry-after"] == "17"
    cloud.world.clock.advance(60)
    cloud.world.switches.update({"compute_retry_after": 0, "compute_vm_retry_after": 2})
    answer = await cloud("PATCH", "virtualMachines/shop01", {"tags": {}})
    assert "retry-after" not in answer.headers
    assert (await cloud("GET", answer.headers["azure-asyncoperation"])).headers["retry-after"] == "2"
    cloud.world.clock.advance(60)
    assert "retry-after" not in (await cloud("GET", answer.headers["azure-asyncoperation"])).headers


async def test_status_urls(cloud: Cloud) -> None:
    assert cloud.world.switches.compute_signed_urls
    url = (await cloud("POST", "virtualMachines/shop01/start")).headers["azure-asyncoperation"]
    assert len(url) > 2000
    assert (await cloud("GET", url)).status_code == 200
    assert (await cloud("GET", url + "x")).status_code == 403
    assert (await cloud("GET", url.replace("/operations/", "/DiskOperations/"))).status_code == 404
    assert (await cloud("DELETE", url)).status_code == 405
    cloud.world.clock.advance(60)
    cloud.world.switches.set("compute_signed_urls", False)
    url = (await cloud("POST", "virtualMachines/shop01/start")).headers["azure-asyncoperation"]
    assert "&s=" not in url
    assert (await cloud("GET", url + "&more=1")).status_code == 200


async def test_times_and_quotas(cloud: Cloud) -> None:
    cloud.world.switches.update({"compute_time_offset": "-07:00", "compute_quota_headers": "2023"})
    await cloud.collection()
    answer = await cloud.put_point("one")
    assert answer.json()["properties"]["timeCreated"].endswith(".0000000-07:00")
    assert "CreateRestorePoints3Min;119" in answer.headers["x-ms-ratelimit-remaining-resource"]
    cloud.world.switches.update({"compute_remaining_zero": True, "compute_quota_headers": "2026"})
    answer = await cloud("GET", "restorePointCollections/daily")
    assert answer.headers["x-ms-ratelimit-remaining-resource"].endswith("SubscriptionMaximum;0")
    assert answer.headers["x-ms-throttling-version"] == "v2"


@pytest.mark.parametrize(("position", "status"), [("409", 409), ("200", 200), ("201", 201)])
async def test_reput(cloud: Cloud, position: str, status: int) -> None:
    cloud.world.switches.set("compute_reput", position)
    await cloud.collection()
    first = await cloud.point("one")
    cloud.world.clock.advance(60)
    answer = await cloud.put_point("one")
    assert answer.status_code == status
    if status == 201:
        await cloud.end(answer)
    again = await cloud.read("one")
    assert (again["properties"]["timeCreated"] == first["properties"]["timeCreated"]) is (status != 201)


@pytest.mark.parametrize(
    ("position", "status"),
    [("PropertyChangeNotAllowed", 409), ("InvalidParameter", 400), ("BadRequest", 400), ("OperationNotAllowed", 409)],
)
async def test_what_cannot_be_changed(cloud: Cloud, position: str, status: int) -> None:
    cloud.world.switches.set("compute_immutable_code", position)
    await cloud.collection()
    answer = await cloud.collection(vm="shop02")
    assert (answer.status_code, code(answer)) == (status, position)
    moved = await cloud.collection(location="eastus")
    assert (moved.status_code, code(moved)) == (409, "InvalidResourceLocation")
    cloud.world.switches.set("compute_location_code", "PropertyChangeNotAllowed")
    assert code(await cloud.collection(location="eastus")) == "PropertyChangeNotAllowed"


async def test_a_collection_far_from_its_vm(cloud: Cloud) -> None:
    assert (await cloud.collection("far", location="eastus")).status_code == 201
    await cloud.point("one", "far")
    assert percents(await cloud.read("one", "far"))[1] < 100
    cloud.world.switches.set("compute_cross_region_vm", "refused")
    assert code(await cloud.collection("other", location="eastus")) == "BadRequest"


async def test_limits(cloud: Cloud) -> None:
    await cloud.collection()
    cloud.world.switches.update({"compute_max_points": 1, "compute_max_collections": 1})
    assert (await cloud.collection("two")).status_code == 409
    assert (await cloud.collection()).status_code == 200
    await cloud.point("one")
    assert code(await cloud.put_point("two")) == "VMRestorePointClientError"
    cloud.world.switches.set("compute_refusals", "failed")
    ended = await cloud.end(await cloud.put_point("two"))
    assert (ended["status"], ended["error"]["code"]) == ("Failed", "VMRestorePointClientError")
    disk = disk_points(await cloud.read("one"))[None]
    await cloud.ok("POST", f"{disk}/beginGetAccess", {"access": "Read", "durationInSeconds": 300})
    ended = await cloud.end(await cloud("DELETE", cloud.point_path("one")))
    assert ended["error"]["code"] == "DiskRestorePointUsedByCustomer"
    assert (await cloud.read("one"))["properties"]["provisioningState"] == "Succeeded"


async def test_hourly_limit(cloud: Cloud) -> None:
    await cloud.collection()
    for number in range(3):
        await cloud.point(str(number))
    assert "error" not in (await cloud.put_point("x")).json()
    cloud.world.switches.set("compute_429_body", "wrapped")
    assert (await cloud.put_point("x")).json()["error"]["code"] == "OperationNotAllowed"
    cloud.world.switches.set("compute_hourly_limit", "failed")
    assert (await cloud.end(await cloud.put_point("x")))["status"] == "Failed"
    cloud.world.switches.set("compute_hourly_limit", "off")
    await cloud.point("y")


async def test_frequency_of_the_support_matrix(cloud: Cloud) -> None:
    cloud.world.switches.set("compute_frequency", "matrix")
    await cloud.collection()
    crash = {"consistencyMode": "CrashConsistent"}
    await cloud.point("app")
    await cloud.point("crash", **crash)
    for hours, app, crashing in ((0, 429, 429), (1.1, 429, 201)):
        cloud.world.clock.advance(hours * 3600)
        assert (await cloud.put_point(f"app{hours}")).status_code == app
        answer = await cloud.put_point(f"crash{hours}", **crash)
        assert answer.status_code == crashing
    cloud.world.clock.advance(2 * 3600)
    assert (await cloud.put_point("app2")).status_code == 201


async def test_concurrent_create_may_fail_later(cloud: Cloud) -> None:
    cloud.world.switches.set("compute_concurrent_create", "failed")
    await cloud.collection()
    first, second = await cloud.put_point("one"), await cloud.put_point("two")
    assert (await cloud.end(first))["status"] == "Succeeded"
    assert (await cloud.end(second))["error"]["code"] == "VMRestorePointClientError"


async def test_no_agent(cloud: Cloud) -> None:
    await cloud.collection()
    cloud.azure.named("shop01").agent = "Not Ready"
    assert cloud.world.switches.compute_no_agent == "fails"
    ended = await cloud.end(await cloud.put_point("one"))
    assert ended["error"]["code"] == "VMAgentStatusCommunicationError"
    cloud.world.switches.set("compute_no_agent", "downgrades")
    assert (await cloud.point("two"))["properties"]["consistencyMode"] == "CrashConsistent"
    cloud.world.switches.update({"compute_no_agent": "fails", "compute_failed_point": "removed"})
    cloud.world.switches.set("compute_missing_point_code", "NotFound")
    await cloud.end(await cloud.put_point("three"))
    assert code(await cloud("GET", cloud.point_path("three"))) == "NotFound"
