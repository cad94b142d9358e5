# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore points as a domain: what a guest had comes back, limits hold, copies take their time."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from .cloud import Cloud, code, disk_points, open_cloud

pytestmark = pytest.mark.anyio
CRASH = {"consistencyMode": "CrashConsistent"}


def vm_with(**disk: Any) -> dict[str, Any]:
    """One VM whose data disk is of some kind."""
    return {"compute": {"vms": [{"name": "shop01", "zones": ["1"], "data_disks": [{"lun": 0, **disk}]}]}}


async def test_what_the_guest_had_comes_back(cloud: Cloud) -> None:
    """Point, disks from it, swap of the OS disk and of LUN 0: the way that is documented for each of the two."""
    await cloud.collection()
    points = disk_points(await cloud.point("before"))
    vm = cloud.azure.named("shop01")
    for disk, path in (("os", "/etc/shop.conf"), ("0", "/data/orders")):
        cloud.azure.files(vm, disk)[path] = "broken"
    await cloud.end(await cloud.disk_from("os-new", points[None]))
    await cloud.end(await cloud.disk_from("data-new", points[0], diskSizeGB=128))
    await cloud.ok("POST", "virtualMachines/shop01/deallocate")
    storage = {
        "osDisk": {"name": "os-new", "managedDisk": {"id": cloud.id("disks/os-new")}},
        "dataDisks": [{"lun": 0, "createOption": "Attach", "managedDisk": {"id": cloud.id("disks/data-new")}}],
    }
    await cloud.ok("PATCH", "virtualMachines/shop01", {"properties": {"storageProfile": storage}})
    assert (await cloud("GET", "disks/os-new")).json()["properties"]["diskState"] == "Reserved"
    await cloud.ok("POST", "virtualMachines/shop01/start")
    assert cloud.azure.files(vm)["/etc/shop.conf"] == "version = 1\n"
    assert cloud.azure.files(vm, "0") == {"/data/orders": "1 2 3\n"}
    old = (await cloud("GET", "disks/shop01_OsDisk")).json()
    assert (old["properties"]["diskState"], "managedBy" in old) == ("Unattached", False)
    assert cloud.azure.disks[cloud.id("disks/shop01_OsDisk").lower()].files["/etc/shop.conf"] == "broken"
    new = (await cloud("GET", "disks/data-new")).json()
    assert (new["properties"]["diskState"], new["managedBy"]) == ("Attached", vm.id)
    assert new["properties"]["diskSizeGB"] == 128


async def test_an_excluded_disk_is_not_captured(cloud: Cloud) -> None:
    await cloud.collection()
    disk = cloud.id("disks/shop01_DataDisk_0")
    point = await cloud.point("one", excludeDisks=[{"id": disk.upper()}])
    assert list(disk_points(point)) == [None]
    assert point["properties"]["excludeDisks"] == [{"id": disk.upper()}]
    cloud.world.clock.advance(3600)
    assert code(await cloud.put_point("two", excludeDisks=[{"id": cloud.id("disks/other")}])) == "InvalidParameter"


async def test_what_is_asked_and_what_is_reached(cloud: Cloud) -> None:
    await cloud.collection()
    creating = await cloud.put_point("linux")
    assert "consistencyMode" not in creating.json()["properties"]
    assert creating.json()["properties"]["provisioningState"] == "Creating"
    await cloud.end(creating)
    assert (await cloud.read("linux"))["properties"]["consistencyMode"] == "FileSystemConsistent"
    assert (await cloud.put_point("crash", **CRASH)).json()["properties"]["consistencyMode"] == "CrashConsistent"
    assert code(await cloud.put_point("x", consistencyMode="ApplicationConsistent")) == "InvalidParameter"
    cloud.world.clock.advance(60)
    vm = cloud.azure.named("shop01")
    vm.os_type = "Windows"
    assert (await cloud.point("windows"))["properties"]["consistencyMode"] == "ApplicationConsistent"
    vm.power = "deallocated"
    assert (await cloud.point("off"))["properties"]["consistencyMode"] == "CrashConsistent"


async def test_one_create_at_a_time(cloud: Cloud) -> None:
    await cloud.collection()
    await cloud.collection("other")
    first = await cloud.put_point("one")
    second = await cloud.put_point("two", "other")
    assert (second.status_code, code(second)) == (409, "VMRestorePointClientError")
    assert "concurrent" in second.json()["error"]["message"]
    assert (await cloud("GET", cloud.point_path("two", "other"))).status_code == 404
    assert (await cloud("DELETE", cloud.point_path("one"))).status_code == 409
    await cloud.end(first)


async def test_three_an_hour_per_consistency(cloud: Cloud) -> None:
    await cloud.collection()
    for number in range(3):
        await cloud.point(f"app{number}")
        await cloud.point(f"crash{number}", **CRASH)
    refused = await cloud.put_point("app3")
    assert refused.status_code == 429
    wait = int(refused.headers["retry-after"])
    assert 3500 < wait <= 3600
    document = refused.json()
    assert (document["code"], document["details"][0]["code"]) == ("OperationNotAllowed", "TooManyRequests")
    assert (await cloud.put_point("crash3", **CRASH)).status_code == 429
    cloud.world.clock.advance(wait)
    answer = await cloud.put_point("app3")
    assert answer.status_code == 201
    assert "CreateApplicationConsistentRestorePoint;" in answer.headers["x-ms-ratelimit-remaining-resource"]


@pytest.mark.parametrize(
    ("disk", "crash", "refused"),
    [
        ({"kind": "unmanaged"}, False, "OperationNotAllowed"),
        ({"max_shares": 2}, False, "VMRestorePointClientError"),
        ({"sku": "UltraSSD_LRS"}, True, "OperationNotAllowed"),
        ({"sku": "PremiumV2_LRS"}, True, "OperationNotAllowed"),
        ({"write_accelerator": True}, True, "OperationNotAllowed"),
        ({"sku": "UltraSSD_LRS"}, False, None),
        ({"write_accelerator": True}, False, None),
    ],
)
async def test_disks_that_cannot_be_captured(disk: dict[str, Any], crash: bool, refused: str | None) -> None:
    async with open_cloud(vm_with(**disk)) as cloud:
        await cloud.collection()
        wanted: dict[str, Any] = CRASH if crash else {}
        answer = await cloud.put_point("one", **wanted)
        if refused is None:
            assert answer.status_code == 201
            return
        assert (answer.status_code, code(answer)) == (409, refused)
        held = cloud.azure.named("shop01").data_disks[0].disk
        assert (await cloud.put_point("one", excludeDisks=[{"id": held}], **wanted)).status_code == 201


async def test_ephemeral_and_confidential_vms() -> None:
    vms = [
        {"name": "shop01", "os_disk": {"kind": "ephemeral"}},
        {"name": "secret", "properties": {"securityProfile": {"securityType": "ConfidentialVM"}}},
    ]
    async with open_cloud({"compute": {"vms": vms}}) as cloud:
        await cloud.collection()
        await cloud.collection("other", "secret")
        assert code(await cloud.put_point("one")) == "OperationNotAllowed"
        assert code(await cloud.put_point("one", "other")) == "OperationNotAllowed"
        shown = (await cloud("GET", "virtualMachines/shop01")).json()["properties"]["storageProfile"]["osDisk"]
        assert shown["diffDiskSettings"]["option"] == "Local"
        assert (await cloud("GET", "disks")).json()["value"][0]["name"] == "secret_OsDisk"


async def test_a_change_of_the_vm_fails_the_point(cloud: Cloud) -> None:
    await cloud.collection()
    creating = await cloud.put_point("one")
    await cloud("PATCH", "virtualMachines/shop01", {"tags": {"a": "b"}})
    ended = await cloud.end(creating)
    assert (ended["status"], ended["error"]["code"]) == ("Failed", "OperationNotAllowed")
    assert (await cloud.read("one"))["properties"]["provisioningState"] == "Failed"
    assert (await cloud("GET", "virtualMachines/shop01")).json()["tags"] == {"a": "b"}


async def test_a_vm_that_goes_leaves_its_collection(cloud: Cloud) -> None:
    await cloud.collection()
    await cloud.point("one")
    await cloud.ok("DELETE", "virtualMachines/shop01")
    assert (await cloud("GET", "virtualMachines/shop01")).status_code == 404
    shown = (await cloud("GET", "restorePointCollections/daily?$expand=restorePoints")).json()
    assert [each["name"] for each in shown["properties"]["restorePoints"]] == ["one"]
    assert (await cloud.put_point("two")).status_code == 404
    assert (await cloud("GET", "disks/shop01_OsDisk")).json()["properties"]["diskState"] == "Unattached"


async def test_a_copy_takes_its_time(cloud: Cloud) -> None:
    await cloud.collection()
    origin = await cloud.point("one")
    await cloud.copy_collection()
    begun = trio.current_time()
    await cloud.end(await cloud.put_copy("one", "one"))
    assert trio.current_time() - begun < 10
    seen = []
    for _minute in range(8):
        view = (await cloud.read("one", "copies"))["properties"]["instanceView"]
        seen.append([each["replicationStatus"]["completionPercent"] for each in view["diskRestorePoints"]])
        done = view["statuses"][0]["code"] == "ReplicationState/succeeded"
        assert done is (seen[-1] == [100, 100])
        await trio.sleep(10)
    assert seen[0] == [0, 0]
    assert seen == sorted(seen)
    assert seen[3][0] == 100 > seen[3][1] > 0
    assert seen[-1] == [100, 100]
    copied = (await cloud.read("one", "copies"))["properties"]
    assert copied["timeCreated"] == origin["properties"]["timeCreated"]
    assert copied["sourceRestorePoint"]["id"].endswith("daily/restorePoints/one")
    path = disk_points({"properties": copied})[None]
    disk = (await cloud("GET", path)).json()["properties"]
    assert disk["sourceResourceId"] == disk_points(origin)[None]
    assert (disk["replicationState"], disk["sourceResourceLocation"]) == ("Succeeded", "westeurope")
    near = await cloud.disk_from("near", path)
    assert (near.status_code, code(near)) == (400, "BadRequest")
    body = {
        "location": "northeurope",
        "properties": {"creationData": {"createOption": "Restore", "sourceResourceId": path}},
    }
    await cloud.ok("PUT", "disks/far", body)
    assert cloud.azure.disks[cloud.id("disks/far").lower()].files["/etc/shop.conf"] == "version = 1\n"


async def test_what_cannot_be_copied(cloud: Cloud) -> None:
    await cloud.collection()
    await cloud.point("one")
    await cloud.point("two")
    same = await cloud.copy_collection("near", "westeurope")
    assert (same.status_code, code(same)) == (400, "BadRequest")
    await cloud.copy_collection()
    excluding: dict[str, Any] = {
        "sourceRestorePoint": {"id": cloud.id(cloud.point_path("one"))},
        "excludeDisks": [{"id": "x"}],
    }
    assert (await cloud.put_point("x", "copies", **excluding)).status_code == 400
    assert (await cloud.put_point("x", "copies")).status_code == 400
    assert (await cloud.put_copy("x", "one", "daily")).status_code == 400
    assert (await cloud.put_copy("x", "none")).status_code == 404
    await cloud.end(await cloud.put_copy("two", "two"))
    assert "being copied" in (await cloud.put_copy("one", "one")).json()["error"]["message"]
    cloud.world.clock.advance(100)
    assert "newer" in (await cloud.put_copy("one", "one")).json()["error"]["message"]
    assert "has a copy" in (await cloud.put_copy("again", "two")).json()["error"]["message"]
    source = {"source": {"id": cloud.id("restorePointCollections/copies")}}
    third = await cloud("PUT", "restorePointCollections/third", {"location": "eastus", "properties": source})
    assert third.status_code == 400


async def test_open_access_keeps_a_point(cloud: Cloud) -> None:
    await cloud.collection()
    disk = disk_points(await cloud.point("one"))[0]
    await cloud.ok("POST", f"{disk}/beginGetAccess", {"access": "Read", "durationInSeconds": 600})
    for path in (cloud.point_path("one"), "restorePointCollections/daily"):
        refused = await cloud("DELETE", path)
        assert (refused.status_code, code(refused)) == (409, "DiskRestorePointUsedByCustomer")
    assert (
        await cloud("POST", f"{disk}/beginGetAccess", {"access": "Write", "durationInSeconds": 1})
    ).status_code == 400
    assert (await cloud("POST", f"{disk}/beginGetAccess", {"access": "Read"})).status_code == 400
    cloud.world.clock.advance(600)
    await cloud.ok("DELETE", "restorePointCollections/daily")
    assert (await cloud("GET", disk)).status_code == 404


async def test_disks_are_attached_one_by_one(cloud: Cloud) -> None:
    """POST attachDetachDataDisks names only what changes."""
    path = "virtualMachines/shop01/attachDetachDataDisks"
    empty = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 4}
    making = await cloud("PUT", "disks/more", {"location": "westeurope", "zones": ["1"], "properties": empty})
    more, old = cloud.id("disks/more"), cloud.id("disks/shop01_DataDisk_0")
    assert code(await cloud("POST", path, {"dataDisksToAttach": [{"diskId": more}]})) == "OperationNotAllowed"
    await cloud.end(making)
    assert code(await cloud("POST", path, {"dataDisksToDetach": [{"diskId": more}]})) == "ResourceNotFound"
    assert code(await cloud("POST", path, {"dataDisksToAttach": [{"diskId": more, "lun": 0}]})) == "InvalidParameter"
    swap = {"dataDisksToAttach": [{"diskId": more}], "dataDisksToDetach": [{"diskId": old}]}
    answer = await cloud.ok("POST", path, swap)
    shown = (await cloud("GET", answer.headers["location"])).json()["dataDisks"]
    assert [(each["lun"], each["name"]) for each in shown] == [(0, "more")]
    assert "managedBy" not in (await cloud("GET", "disks/shop01_DataDisk_0")).json()


async def test_a_new_vm_from_a_point(cloud: Cloud) -> None:
    """The one way to restore that is documented as a whole: disks, then a VM that attaches them, without osProfile."""
    await cloud.collection()
    points = disk_points(await cloud.point("one"))
    await cloud.end(await cloud.disk_from("os-new", points[None]))
    await cloud.end(await cloud.disk_from("data-new", points[0]))
    disks = {
        name: {"createOption": "Attach", "managedDisk": {"id": cloud.id(f"disks/{name}")}}
        for name in ("os-new", "data-new")
    }
    profile = {"osDisk": {"osType": "Linux", **disks["os-new"]}, "dataDisks": [{"lun": 0, **disks["data-new"]}]}
    body: dict[str, Any] = {"location": "westeurope", "zones": ["1"], "properties": {"storageProfile": profile}}
    named = {**body["properties"], "osProfile": {"computerName": "new"}}
    assert code(await cloud("PUT", "virtualMachines/new", {**body, "properties": named})) == "InvalidParameter"
    await cloud.ok("PUT", "virtualMachines/new", body)
    vm = cloud.azure.named("new")
    assert (vm.power, vm.generation, cloud.azure.files(vm, "0")) == ("running", "V2", {"/data/orders": "1 2 3\n"})
    assert code(await cloud("PUT", "virtualMachines/newer", body)) == "ConflictingUserInput"
    await cloud.sim.http.post(
        "/_control/failures", json={"service": "compute", "kind": "vm", "code": "AllocationFailed"}
    )
    await cloud.ok("DELETE", "virtualMachines/new")
    assert (await cloud.end(await cloud("PUT", "virtualMachines/new", body)))["error"]["code"] == "AllocationFailed"
    assert (await cloud("GET", "virtualMachines/new")).json()["properties"]["provisioningState"] == "Failed"
