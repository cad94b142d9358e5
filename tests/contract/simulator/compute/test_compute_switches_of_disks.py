# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches of disks, copies, lists and Resource Graph, in each of their positions."""

from __future__ import annotations

from typing import Any

import pytest

from .cloud import Cloud, code, disk_points
from .test_compute_switches import copied

pytestmark = pytest.mark.anyio


async def test_time_of_a_copy(cloud: Cloud) -> None:
    cloud.world.switches.set("compute_copy_time", "own")
    copy = await copied(cloud)
    assert copy["properties"]["timeCreated"] > (await cloud.read("one"))["properties"]["timeCreated"]


async def test_a_disk_from_half_a_copy(cloud: Cloud) -> None:
    path = disk_points(await copied(cloud))[None]
    body = {
        "location": "northeurope",
        "properties": {"creationData": {"createOption": "Restore", "sourceResourceId": path}},
    }
    await cloud.ok("PUT", "disks/half", body)
    assert cloud.azure.disks[cloud.id("disks/half").lower()].files == {}
    cloud.world.switches.set("compute_incomplete_copy", "refused")
    assert code(await cloud("PUT", "disks/none", body)) == "OperationNotAllowed"


async def test_data_that_is_on_its_way_beside_its_vm(cloud: Cloud) -> None:
    """A point is Succeeded before all its data is there; what is made of it too early is broken."""
    await cloud.collection()
    cloud.world.switches.set("compute_hydration_takes", "600s")
    point = await cloud.point("one")
    assert point["properties"]["provisioningState"] == "Succeeded"
    shown = (await cloud.read("one"))["properties"]["instanceView"]["diskRestorePoints"]
    assert {each["replicationStatus"]["completionPercent"] for each in shown} == {0}
    await cloud.end(await cloud.disk_from("half", disk_points(point)[None]))
    assert cloud.azure.disks[cloud.id("disks/half").lower()].files == {}
    cloud.world.clock.advance(601)
    shown = (await cloud.read("one"))["properties"]["instanceView"]["diskRestorePoints"]
    assert {each["replicationStatus"]["completionPercent"] for each in shown} == {100}
    await cloud.end(await cloud.disk_from("whole", disk_points(point)[None]))
    assert cloud.azure.disks[cloud.id("disks/whole").lower()].files


@pytest.mark.parametrize(("position", "shown"), [("shown", "Deleting"), ("hidden", "Succeeded")])
async def test_a_disk_that_is_being_deleted(cloud: Cloud, position: str, shown: str) -> None:
    """What fails to be deleted is as it was, also if somebody has asked for it twice."""
    cloud.world.switches.set("compute_disk_deleting", position)
    cloud.world.switches.set("compute_disk_takes", "9s")
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}
    body = {"location": "westeurope", "properties": properties}
    await cloud.end(await cloud("PUT", "disks/going", body))
    failure = {"service": "compute", "kind": "disk_delete", "code": "InternalExecutionError"}
    for _twice in range(2):
        await cloud.sim.http.post("/_control/failures", json=failure)
        assert (await cloud("DELETE", "disks/going")).status_code == 202
        assert (await cloud("GET", "disks/going")).json()["properties"]["provisioningState"] == shown
    cloud.world.clock.advance(10)
    assert (await cloud("GET", "disks/going")).json()["properties"]["provisioningState"] == "Succeeded"
    await cloud("DELETE", "disks/going")
    cloud.world.clock.advance(10)
    assert (await cloud("GET", "disks/going")).status_code == 404


async def test_zones_of_a_zone_redundant_disk(cloud: Cloud) -> None:
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}
    body = {"location": "westeurope", "sku": {"name": "Premium_ZRS"}, "properties": properties}
    assert code(await cloud("PUT", "disks/zoned", {**body, "zones": ["1"]})) == "InvalidParameter"
    await cloud.ok("PUT", "disks/redundant", body)


async def test_swaps_of_data_disks(cloud: Cloud) -> None:
    await cloud.collection()
    points = disk_points(await cloud.point("one"))
    for name in ("a", "b"):
        await cloud.end(await cloud.disk_from(name, points[0]))

    def at_lun_0(name: str) -> dict[str, Any]:
        disk = {
            "lun": 0,
            "createOption": "Attach",
            "deleteOption": "Delete",
            "managedDisk": {"id": cloud.id(f"disks/{name}")},
        }
        return {"properties": {"storageProfile": {"dataDisks": [disk]}}}

    cloud.world.switches.set("compute_lun_swap", "refused")
    assert code(await cloud("PATCH", "virtualMachines/shop01", at_lun_0("a"))) == "PropertyChangeNotAllowed"
    cloud.world.switches.set("compute_lun_swap", "allowed")
    await cloud.ok("PATCH", "virtualMachines/shop01", at_lun_0("a"))
    assert cloud.world.switches.compute_swap_delete_option == "ignored"
    cloud.world.switches.set("compute_swap_delete_option", "honoured")
    await cloud.ok("PATCH", "virtualMachines/shop01", at_lun_0("b"))
    assert (await cloud("GET", "disks/a")).status_code == 404
    assert (await cloud("GET", "disks/shop01_DataDisk_0")).status_code == 200


async def test_pages(cloud: Cloud) -> None:
    for name in ("a", "b", "c"):
        await cloud.collection(name)
    cloud.world.switches.update({"compute_page_size": 2, "compute_empty_page": True, "compute_list_all_case": "kept"})
    target = f"/subscriptions/{cloud.azure.subscription_id}/providers/Microsoft.Compute/restorePointCollections"
    pages: list[list[str]] = []
    version: str | None = "2024-07-01"
    while target:
        page = (await cloud("GET", target, version=version)).json()
        pages.append([each["name"] for each in page["value"]])
        assert all("/rg-shop/" in each["id"] for each in page["value"])
        target, version = page.get("nextLink"), None
    assert pages == [[], ["a", "b"], ["c"]]


async def test_the_graph_lags_and_has_pages(cloud: Cloud) -> None:
    cloud.world.switches.update({"compute_graph_page_size": 1, "compute_graph_stale_seconds": 30})
    query = {"query": "Resources | where type =~ 'Microsoft.Compute/restorePointCollections' | project id"}
    path = "/providers/Microsoft.ResourceGraph/resources"
    assert (await cloud("POST", path, query, version="2022-10-01")).json()["count"] == 0
    await cloud.collection("a")
    await cloud.collection("b")
    assert (await cloud("POST", path, query, version="2022-10-01")).json()["totalRecords"] == 0
    cloud.world.clock.advance(30)
    first = (await cloud("POST", path, query, version="2021-03-01")).json()
    rest = (
        await cloud("POST", path, {**query, "options": {"$skipToken": first["$skipToken"]}}, version="2022-10-01")
    ).json()
    assert [each["data"][0]["name"] for each in (first, rest)] == ["a", "b"]
    assert "$skipToken" not in rest


@pytest.mark.parametrize("token", ["x", "-1", "1.5", "²", "9 9"])
async def test_a_page_that_nobody_was_sent_to(cloud: Cloud, token: str) -> None:
    answer = await cloud("GET", f"disks?$skipToken={token}")
    assert (answer.status_code, code(answer)) == (400, "InvalidParameter")
    body = {"query": "resources", "options": {"$skipToken": token}}
    answer = await cloud("POST", "/providers/Microsoft.ResourceGraph/resources", body, version="2022-10-01")
    assert (answer.status_code, code(answer)) == (400, "BadRequest")
