# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API's part for Azure, Resource Graph, and worlds as documents."""

from __future__ import annotations

import json

import pytest

from simulator.azure.jobs import MESSAGES
from simulator.control.compute import KINDS
from simulator.ready import facts

from ..shapes import ROOT
from .cloud import Cloud, code, disk_points, open_cloud

pytestmark = pytest.mark.anyio
GRAPH = "/providers/Microsoft.ResourceGraph/resources"
COLLECTIONS = "resources | where type =~ 'microsoft.compute/restorepointcollections'"


async def test_guests_are_read_per_disk(cloud: Cloud) -> None:
    http, url = cloud.sim.http, "/_control/guest/compute/shop01"
    assert (await http.get(url, params={"path": "/etc/shop.conf"})).text == "version = 1\n"
    assert (await http.get(url, params={"disk": "0"})).json() == {"/data/orders": "1 2 3\n"}
    assert (await http.put(url, params={"path": "/data/new", "disk": "0"}, content="x")).status_code == 204
    assert cloud.azure.files(cloud.azure.named(cloud.id("virtualMachines/SHOP01")), "0")["/data/new"] == "x"
    for params, status in (({"disk": "5"}, 404), ({"path": "/none"}, 404)):
        assert (await http.get(url, params=params)).status_code == status
    assert (await http.put(url, content="x")).status_code == 400
    assert (await http.get("/_control/guest/compute/nobody")).status_code == 404


@pytest.mark.parametrize("word", sorted(MESSAGES))
async def test_every_documented_failure_can_be_had(cloud: Cloud, word: str) -> None:
    http = cloud.sim.http
    await cloud.collection()
    later = {"service": "compute", "kind": "point", "vm": "shop01", "code": word}
    assert (await http.post("/_control/failures", json=later)).status_code == 201
    ended = await cloud.end(await cloud.put_point("one"))
    assert (ended["status"], ended["error"]) == ("Failed", {"code": word, "message": MESSAGES[word]})
    at_once = {**later, "status": 400, "message": "as given"}
    await http.post("/_control/failures", json=at_once)
    refused = await cloud.put_point("two")
    assert (refused.status_code, refused.json()["error"]) == (400, {"code": word, "message": "as given"})
    assert (await cloud("GET", cloud.point_path("two"))).status_code == 404


async def test_every_kind_of_operation_can_fail(cloud: Cloud) -> None:
    await cloud.collection()
    point = await cloud.point("one")
    await cloud.copy_collection()
    disk = disk_points(point)[None]
    empty = {"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}}
    copy = {"properties": {"sourceRestorePoint": {"id": cloud.id(cloud.point_path("one"))}}}
    calls = {
        "copy": ("PUT", cloud.point_path("one", "copies"), copy),
        "point_delete": ("DELETE", cloud.point_path("one"), None),
        "collection_delete": ("DELETE", "restorePointCollections/daily", None),
        "disk": ("PUT", "disks/new", empty),
        "disk_delete": ("DELETE", "disks/new", None),
        "vm": ("PATCH", "virtualMachines/shop01", {"tags": {"a": "b"}}),
        "vm_delete": ("DELETE", "virtualMachines/shop02", None),
        "power": ("POST", "virtualMachines/shop01/start", None),
        "access": ("POST", f"{disk}/beginGetAccess", {"access": "Read", "durationInSeconds": 1}),
    }
    assert set(calls) | {"point", "replication", "collection"} == set(KINDS)
    for kind, (method, path, body) in calls.items():
        await cloud.sim.http.post(
            "/_control/failures", json={"service": "compute", "kind": kind, "code": "AllocationFailed"}
        )
        ended = await cloud.end(await cloud(method, path, body))
        assert (ended["status"], ended["error"]["code"]) == ("Failed", "AllocationFailed"), kind
    assert "tags" not in (await cloud("GET", "virtualMachines/shop01")).json()
    await cloud.sim.http.post("/_control/failures", json={"service": "compute", "kind": "collection"})
    assert code(await cloud.collection("more")) == "InternalError"
    await cloud.sim.http.post("/_control/failures", json={"service": "compute", "kind": "collection"})
    assert code(await cloud("PATCH", "restorePointCollections/daily", {})) == "InternalError"
    assert (
        await cloud.sim.http.post("/_control/failures", json={"service": "compute", "kind": "x"})
    ).status_code == 400
    await cloud.sim.http.post("/_control/failures", json={"service": "compute", "kind": "vm", "count": 3})
    await cloud.sim.http.delete("/_control/failures")
    assert cloud.azure.planned == []


async def test_data_that_stops_half_way(cloud: Cloud) -> None:
    await cloud.collection()
    await cloud.point("one")
    await cloud.copy_collection()
    await cloud.sim.http.post("/_control/failures", json={"service": "compute", "kind": "replication"})
    await cloud.end(await cloud.put_copy("one", "one"))
    cloud.world.clock.advance(10**6)
    view = (await cloud.read("one", "copies"))["properties"]["instanceView"]
    assert view["statuses"][0]["code"] == "ReplicationState/failed"
    assert [each["replicationStatus"]["completionPercent"] for each in view["diskRestorePoints"]] == [100, 50]


async def test_vms_are_added_and_changed(cloud: Cloud) -> None:
    http = cloud.sim.http
    made = await http.post("/_control/vm", json={"service": "compute", "name": "shop03", "os_type": "Windows"})
    assert (made.status_code, made.json()["os_disk"]["name"]) == (201, "shop03_OsDisk")
    assert (await http.post("/_control/vm/compute/shop03", json={"power": "stopped"})).json()["power"] == "stopped"
    assert (await http.post("/_control/vm/compute/shop03", json={"name": "x"})).status_code == 400
    assert (await http.post("/_control/vm/compute/shop03/job", json={"seconds": 30})).status_code == 201
    assert code(await cloud("POST", "virtualMachines/shop03/start")) == "Conflict"
    cloud.world.clock.advance(30)
    await cloud.ok("POST", "virtualMachines/shop03/start")
    assert (await http.post("/_control/rights", json={"service": "compute", "rights": "x"})).status_code == 400
    assert (await http.post("/_control/locks", json={"level": "x"})).status_code == 400


async def test_a_world_survives_being_written_and_read(cloud: Cloud) -> None:
    await cloud.collection(tags={"a": "b"})
    await cloud.point("one")
    await cloud.copy_collection()
    await cloud.end(await cloud.put_copy("one", "one"))
    await cloud.sim.http.post("/_control/locks", json={"scope": "rg-shop"})
    before = (await cloud.sim.http.get("/_control/world")).json()
    await cloud.sim.http.post("/_control/world", json=before)
    after = (await cloud.sim.http.get("/_control/world")).json()
    assert json.dumps(after["compute"]) == json.dumps(before["compute"])
    cloud.azure = cloud.world.azure
    cloud.world.clock.advance(100)
    assert (await cloud.read("one", "copies"))["properties"]["instanceView"]["statuses"][0][
        "displayStatus"
    ] == "Succeeded"
    await cloud.sim.http.post("/_control/reset")
    assert cloud.world.azure.collections == {}
    made = (await cloud.sim.http.post("/_control/world", json={"compute": 3})).json()
    assert [vm["name"] for vm in made["compute"]["vms"]] == ["azure001", "azure002", "azure003"]


async def test_a_world_with_points_in_it() -> None:
    shared = {"name": "shared", "lun": 1, "max_shares": 2, "size_gb": 8}
    vms = [{"name": name, "data_disks": [shared]} for name in ("a", "b")]
    points = [{"name": "old", "days_old": 3, "files": {"os": {"/etc/x": "then"}}}]
    document = {
        "compute": {
            "vms": vms,
            "disks": [{"name": "spare"}],
            "collections": [{"name": "daily", "source": "a", "points": points}],
            "resource_groups": [{"name": "rg-more"}],
        }
    }
    async with open_cloud(document) as cloud:
        shown = (await cloud("GET", "disks/shared")).json()
        assert len(shown["managedByExtended"]) == 2
        point = await cloud.read("old")
        assert point["properties"]["provisioningState"] == "Succeeded"
        await cloud.ok("PUT", "disks/new", {**disk_body(disk_points(point)[None])})
        assert cloud.azure.disks[cloud.id("disks/new").lower()].files == {"/etc/x": "then"}
        assert (await cloud("GET", f"{cloud.id('disks/x', 'rg-more')[:-2]}", version="2024-03-02")).json() == {
            "value": []
        }
    for wrong in ({"vms": [{"name": "a", "os_disk": {"kind": "x"}}]}, {"locks": [{"level": "x"}]}):
        with pytest.raises(ValueError, match="not 'x'"):
            async with open_cloud({"compute": wrong}):
                pass


async def test_the_world_in_the_documentation() -> None:
    page = (ROOT / "docs" / "simulator.md").read_text()
    document = json.loads(
        page.partition("### Azure in a world document")[2].partition("```json\n")[2].partition("```")[0]
    )
    async with open_cloud(document) as cloud:
        assert code(await cloud("DELETE", "restorePointCollections/daily")) == "ScopeLocked"
        assert len(disk_points(await cloud.read("old"))) == 2


def disk_body(source: str) -> dict[str, object]:
    return {
        "location": "westeurope",
        "properties": {"creationData": {"createOption": "Restore", "sourceResourceId": source}},
    }


def test_ready_facts(cloud: Cloud) -> None:
    ready = facts(cloud.world, "https://x", None)
    assert [vm["vm"] for vm in ready["vms"] if vm["service"] == "compute"] == [
        cloud.id("virtualMachines/shop01"),
        cloud.id("virtualMachines/shop02"),
    ]
    assert (ready["compute_resource_group"], ready["locations"][0]) == ("rg-shop", "westeurope")


async def ask(cloud: Cloud, query: str, **more: object) -> list[str]:
    answer = await cloud("POST", GRAPH, {"query": query, **more}, version="2022-10-01")
    assert answer.status_code == 200, answer.text
    assert answer.headers["x-ms-user-quota-resets-after"] == "00:00:05"
    return [each["name"] for each in answer.json()["data"]]


async def test_resource_graph(cloud: Cloud) -> None:
    await cloud.collection("a")
    await cloud.collection("b", "shop02")
    vm = cloud.id("virtualMachines/shop02")
    own = [cloud.azure.subscription_id]
    assert await ask(cloud, COLLECTIONS, subscriptions=own) == ["a", "b"]
    assert await ask(cloud, COLLECTIONS, subscriptions=["another"]) == []
    assert await ask(
        cloud, f"{COLLECTIONS} | extend vm=tolower(properties.source.id) | where vm == '{vm.lower()}'"
    ) == ["b"]
    assert await ask(
        cloud, f"{COLLECTIONS} and tolower(properties.source.id) == '{vm.lower()}' | project id, name"
    ) == ["b"]
    assert await ask(cloud, f"{COLLECTIONS} and properties.source.id =~ '{vm.upper()}'") == ["b"]
    assert await ask(
        cloud, f"{COLLECTIONS} | where subscriptionId == '{own[0]}' | where name !~ 'B' | order by id asc"
    ) == ["a"]
    assert await ask(cloud, "resources | where type in~ ('microsoft.compute/virtualmachines')") == ["shop01", "shop02"]
    assert await ask(cloud, "resources | where type contains 'disks' and name startswith 'SHOP02'") == ["shop02_OsDisk"]
    assert await ask(cloud, COLLECTIONS, options={"$top": 1, "$skip": 1}) == ["b"]
    for body in (
        {},
        {"query": "servicehealth"},
        {"query": "resources | summarize count()"},
        {"query": "resources | where x"},
    ):
        assert (await cloud("POST", GRAPH, body, version="2022-10-01")).status_code == 400
    assert (await cloud("GET", GRAPH, version="2022-10-01")).status_code == 405
    cloud.world.clock.advance(6)
    for _number in range(15):
        await ask(cloud, COLLECTIONS)
    throttled = await cloud("POST", GRAPH, {"query": COLLECTIONS}, version="2022-10-01")
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "5")
