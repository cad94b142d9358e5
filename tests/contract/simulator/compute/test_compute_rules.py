# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks, VMs, locks, rights, versions: what Compute and ARM refuse, and with which words."""

from __future__ import annotations

from typing import Any

import pytest

from .cloud import Cloud, code, disk_points

pytestmark = pytest.mark.anyio


def storage(**profile: Any) -> dict[str, Any]:
    return {"properties": {"storageProfile": profile}}


async def new_disk(cloud: Cloud, name: str, **body: Any) -> None:
    """An empty disk in zone 1, or as `body` says."""
    properties = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 8, **body.pop("properties", {})}
    document = {"location": "westeurope", "zones": ["1"], **body, "properties": properties}
    answer = await cloud("PUT", f"disks/{name}", document)
    assert (await cloud.end(answer))["properties"]["output"]["name"] == name


async def test_disks(cloud: Cloud) -> None:
    await new_disk(cloud, "data", sku={"name": "StandardSSD_LRS"}, tags={"a": "b"})
    shown = (await cloud("GET", "disks/data")).json()
    assert (shown["sku"], shown["tags"]) == ({"name": "StandardSSD_LRS", "tier": "Standard"}, {"a": "b"})
    copied = {"createOption": "Copy", "sourceResourceId": cloud.id("disks/shop01_OsDisk")}
    await new_disk(cloud, "clone", properties={"creationData": copied, "diskSizeGB": 40})
    assert "/etc/shop.conf" in cloud.azure.disks[cloud.id("disks/clone").lower()].files
    for change, status, word in (
        ({"properties": {"diskSizeGB": 4}}, 400, "InvalidParameter"),
        ({"properties": {"diskSizeGB": "many"}}, 400, "InvalidParameter"),
    ):
        answer = await cloud("PATCH", "disks/data", change)
        assert (answer.status_code, code(answer)) == (status, word)
    await cloud.ok("PATCH", "disks/data", {"properties": {"diskSizeGB": 16}, "tags": {}})
    assert (await cloud("GET", "disks/data")).json()["properties"]["diskSizeGB"] == 16
    again = {"location": "westeurope", "properties": {"creationData": copied}}
    answer = await cloud("PUT", "disks/data", again)
    assert (answer.status_code, code(answer)) == (409, "PropertyChangeNotAllowed")
    await cloud.ok("PUT", "disks/clone", again)
    moved = await cloud("PUT", "disks/clone", {**again, "location": "eastus"})
    assert code(moved) == "InvalidResourceLocation"
    for body, word in (
        ({"location": "westeurope", "properties": {}}, "InvalidParameter"),
        (
            {"location": "mars", "properties": {"creationData": {"createOption": "Empty"}}},
            "LocationNotAvailableForResourceType",
        ),
        ({"properties": {"creationData": {"createOption": "Empty"}}}, "LocationRequired"),
        ({"location": "westeurope", "properties": {"creationData": {"createOption": "Empty"}}}, "InvalidParameter"),
        ({"location": "westeurope", "properties": {"creationData": {"createOption": "Upload"}}}, "InvalidParameter"),
        (
            {
                "location": "westeurope",
                "properties": {"creationData": {"createOption": "Copy", "sourceResourceId": "/x"}},
            },
            "ResourceNotFound",
        ),
    ):
        assert code(await cloud("PUT", "disks/bad", body)) == word
    refused = await cloud("DELETE", "disks/shop01_OsDisk")
    assert (refused.status_code, code(refused)) == (409, "OperationNotAllowed")


async def test_a_disk_is_not_smaller_than_its_source(cloud: Cloud) -> None:
    await cloud.collection()
    points = disk_points(await cloud.point("one"))
    answer = await cloud.disk_from("small", points[0], diskSizeGB=8)
    assert (answer.status_code, code(answer)) == (400, "InvalidParameter")
    assert (await cloud("GET", "disks/small")).status_code == 404
    assert code(await cloud.disk_from("none", points[0] + "x")) == "ResourceNotFound"
    old = (await cloud.read("one", version="2021-04-01"))["properties"]["sourceMetadata"]["storageProfile"]["osDisk"]
    assert "/disks/shop01_OsDisk?id=" in old["diskRestorePoint"]["id"]
    await cloud.end(await cloud.disk_from("by-old-id", old["diskRestorePoint"]["id"]))


async def test_what_a_vm_cannot_attach(cloud: Cloud) -> None:
    await new_disk(cloud, "far", location="eastus")
    await new_disk(cloud, "zone2", zones=["2"])
    await new_disk(cloud, "good")

    async def attach(disk: str, **more: Any) -> str:
        held = {"lun": 7, "createOption": "Attach", "managedDisk": {"id": cloud.id(f"disks/{disk}")}, **more}
        shown = (await cloud("GET", "virtualMachines/shop01")).json()["properties"]["storageProfile"]["dataDisks"]
        answer = await cloud("PATCH", "virtualMachines/shop01", storage(dataDisks=[*shown, held]))
        if answer.status_code == 200:
            await cloud.end(answer)
            return ""
        return code(answer)

    assert await attach("far") == "BadRequest"
    assert await attach("zone2") == "BadRequest"
    assert await attach("shop02_OsDisk") == "ConflictingUserInput"
    assert await attach("nothing") == "ResourceNotFound"
    assert await attach("good", name="other") == "PropertyChangeNotAllowed"
    assert await attach("good", createOption="Empty") == "InvalidParameter"
    assert await attach("good", lun=0) == "InvalidParameter"
    assert await attach("good", lun=64) == "InvalidParameter"
    assert await attach("good", diskSizeGB=9) == "ResizeDiskError"
    assert await attach("good") == ""
    shown = (await cloud("GET", "virtualMachines/shop01")).json()["properties"]["storageProfile"]["dataDisks"]
    assert [each["lun"] for each in shown] == [0, 7]
    detached = [{**shown[0], "toBeDetached": True}, shown[1]]
    await cloud.ok("PATCH", "virtualMachines/shop01", storage(dataDisks=detached))
    assert "managedBy" not in (await cloud("GET", "disks/shop01_DataDisk_0")).json()


async def test_the_rules_of_the_swap(cloud: Cloud) -> None:
    """The refusals that people have met: azure-sdk-for-python#3001, azure-docs#11611."""
    await cloud.collection()
    points = disk_points(await cloud.point("one"))
    await cloud.end(await cloud.disk_from("os2", points[None]))
    await cloud.end(await cloud.disk_from("gen1", points[None], hyperVGeneration="V1"))
    await cloud.end(await cloud.disk_from("windows", points[None], osType="Windows"))

    async def swap(disk: str, **more: Any) -> str:
        given = {"name": disk, "managedDisk": {"id": cloud.id(f"disks/{disk}")}, **more}
        answer = await cloud("PATCH", "virtualMachines/shop01", storage(osDisk=given))
        return "" if answer.status_code == 200 else code(answer)

    assert await swap("os2") == "OperationNotAllowed"  # it runs
    await cloud.ok("POST", "virtualMachines/shop01/powerOff")
    assert await swap("gen1") == "OperationNotAllowed"
    assert await swap("windows") == "OperationNotAllowed"
    assert await swap("shop02_OsDisk") == "ConflictingUserInput"
    assert await swap("os2", name="shop01_OsDisk") == "PropertyChangeNotAllowed"
    assert await swap("os2", createOption="Attach") == "PropertyChangeNotAllowed"
    assert await swap("os2", diskSizeGB=31) == "ResizeDiskError"
    standard = {"id": cloud.id("disks/os2"), "storageAccountType": "Standard_LRS"}
    assert await swap("os2", managedDisk=standard) == "OperationNotAllowed"
    assert await swap("shop01_OsDisk", diskSizeGB=31) == "ResizeDiskError"
    assert await swap("os2", createOption="FromImage", diskSizeGB=30) == ""
    assert await swap("os2") == "Conflict"  # the first one is not done
    cloud.world.clock.advance(10)
    assert (await cloud("GET", "disks/os2")).json()["managedBy"] == cloud.id("virtualMachines/shop01")


async def test_etags_of_vms(cloud: Cloud) -> None:
    first = await cloud("GET", "virtualMachines/shop01")
    tag = first.headers["etag"]
    assert first.json()["etag"] == tag
    change = {"tags": {"a": "b"}}
    refused = await cloud("PATCH", "virtualMachines/shop01", change, headers={"If-Match": '"old"'})
    assert (refused.status_code, code(refused)) == (412, "PreconditionFailed")
    answer = await cloud.ok("PATCH", "virtualMachines/shop01", change, headers={"If-Match": tag})
    assert answer.headers["etag"] != tag
    new = {"location": "westeurope"}
    assert (await cloud("PUT", "virtualMachines/shop01", new, headers={"If-None-Match": "*"})).status_code == 412
    assert (await cloud("PUT", "virtualMachines/none", new, headers={"If-Match": "*"})).status_code == 412


async def test_changes_of_a_vm_that_are_refused(cloud: Cloud) -> None:
    for body, word in (
        ({"location": "eastus"}, "InvalidResourceLocation"),
        ({"location": "westeurope", "zones": ["2"]}, "PropertyChangeNotAllowed"),
        ({}, "LocationRequired"),
    ):
        assert code(await cloud("PUT", "virtualMachines/shop01", body)) == word
    assert code(await cloud("PUT", "virtualMachines/new", {"location": "westeurope"})) == "InvalidParameter"
    await cloud.ok("POST", "virtualMachines/shop01/deallocate")
    assert code(await cloud("POST", "virtualMachines/shop01/restart")) == "OperationNotAllowed"
    shown = (await cloud("GET", "virtualMachines/shop01")).json()["properties"]["storageProfile"]["osDisk"]
    assert ("diskSizeGB" in shown, shown["managedDisk"].keys()) == (False, {"id"})
    await cloud("POST", "virtualMachines/shop01/start")
    assert code(await cloud("POST", "virtualMachines/shop01/deallocate")) == "Conflict"
    view = (await cloud("GET", "virtualMachines/shop01/instanceView")).json()
    assert view["statuses"][1]["code"] == "PowerState/starting"


async def test_locks_and_rights(cloud: Cloud) -> None:
    await cloud.collection()
    control = cloud.sim.http
    await control.post("/_control/locks", json={"scope": "rg-shop", "level": "CanNotDelete"})
    refused = await cloud("DELETE", "restorePointCollections/daily")
    assert (refused.status_code, code(refused)) == (409, "ScopeLocked")
    assert refused.headers["x-ms-failure-cause"] == "gateway"
    group = f"/subscriptions/{cloud.azure.subscription_id}/resourceGroups/rg-shop"
    listing = await cloud("GET", f"{group}/providers/Microsoft.Authorization/locks", version="2020-05-01")
    assert [each["properties"]["level"] for each in listing.json()["value"]] == ["CanNotDelete"]
    assert (await cloud.put_point("one")).status_code == 201
    await control.post("/_control/locks", json={"scope": cloud.id("virtualMachines/shop01"), "level": "ReadOnly"})
    assert code(await cloud("POST", "virtualMachines/shop01/start")) == "ScopeLocked"
    assert (await cloud("POST", "virtualMachines/shop02/start")).status_code == 202
    assert len((await control.get("/_control/locks")).json()) == 2
    await control.delete("/_control/locks")
    cloud.world.clock.advance(60)
    await cloud.ok("DELETE", "restorePointCollections/daily")
    for rights, reads, writes in (("view", 200, 403), ("none", 403, 403), ("all", 200, 202)):
        await control.post("/_control/rights", json={"service": "compute", "rights": rights})
        assert (await cloud("GET", "virtualMachines/shop01")).status_code == reads
        assert (await cloud("POST", "virtualMachines/shop01/start")).status_code == writes


async def test_versions(cloud: Cloud) -> None:
    await cloud.collection()
    path = "restorePointCollections/daily"
    early = await cloud("GET", path, version="2020-12-01")
    assert (early.status_code, code(early)) == (400, "BadRequest")
    assert early.json()["error"]["message"] == "This request can be made with api-version '2021-03-01' or newer"
    assert code(await cloud("GET", path, version=None)) == "MissingApiVersionParameter"
    assert code(await cloud("GET", path, version="2031-01-01")) == "NoRegisteredProviderFound"
    crash = await cloud.put_point("one", version="2021-04-01", consistencyMode="CrashConsistent")
    assert "2021-07-01" in crash.json()["error"]["message"]
    disks = f"{cloud.point_path('one')}/diskRestorePoints"
    assert code(await cloud("GET", disks, version="2024-07-01")) == "NoRegisteredProviderFound"
    encryption = {"type": "EncryptionAtRestWithPlatformKey"}
    asked = {"storageProfile": {"osDisk": {"diskRestorePoint": {"encryption": encryption}}}}
    assert code(await cloud.put_point("one", version="2022-11-01", sourceMetadata=asked)) == "BadRequest"
    assert code(await cloud.put_point("one", instantAccessDurationMinutes=60)) == "BadRequest"
    instant = {"properties": {"instantAccess": True}}
    assert code(await cloud("PATCH", path, instant)) == "BadRequest"
    assert (await cloud("PATCH", path, instant, version="2025-04-01")).json()["properties"]["instantAccess"] is True
    assert "instantAccess" not in (await cloud("GET", path)).json()["properties"]
    later = "2025-04-01"
    for minutes in (59, 301):
        answer = await cloud.put_point("one", version=later, instantAccessDurationMinutes=minutes)
        assert code(answer) == "InvalidParameter"
    point = await cloud.point("one", version=later, instantAccessDurationMinutes=60)
    assert point["properties"]["instantAccessDurationMinutes"] == 60
    old = (await cloud.read("one", version="2021-04-01"))["properties"]
    assert ("timeCreated" in old, next(iter(old["provisioningDetails"]))) == (False, "creationTime")


async def test_what_is_not_there(cloud: Cloud) -> None:
    await cloud.collection()
    elsewhere = f"/subscriptions/{cloud.azure.subscription_id.replace('0', '1')}x/resourceGroups/rg-shop"
    group = f"/subscriptions/{cloud.azure.subscription_id}/resourceGroups/nowhere/providers/Microsoft.Compute"
    for method, path, status, word in (
        ("GET", f"{elsewhere}/providers/Microsoft.Compute/disks", 404, "SubscriptionNotFound"),
        ("GET", f"{group}/disks", 404, "ResourceGroupNotFound"),
        ("GET", "virtualMachines/none", 404, "ResourceNotFound"),
        ("POST", "virtualMachines/none/start", 404, "ResourceNotFound"),
        ("GET", "disks/none", 404, "ResourceNotFound"),
        ("PATCH", "restorePointCollections/none", 404, "ResourceNotFound"),
        ("GET", "restorePointCollections/none/restorePoints/x", 404, "ResourceNotFound"),
        ("PUT", "restorePointCollections/none/restorePoints/x", 404, "ParentResourceNotFound"),
        ("GET", "restorePointCollections/daily/restorePoints", 404, "InvalidResourceType"),
        ("GET", "restorePointCollections/daily/restorePoints/x/diskRestorePoints", 404, "ResourceNotFound"),
        ("GET", "snapshots/x", 404, "InvalidResourceType"),
        ("POST", "disks", 405, "MethodNotAllowed"),
        ("POST", "virtualMachines", 405, "MethodNotAllowed"),
        ("PUT", "restorePointCollections", 405, "MethodNotAllowed"),
        ("GET", "virtualMachines/shop01/start", 405, "MethodNotAllowed"),
    ):
        version = "2024-03-02" if "disk" in path else "2024-07-01"
        answer = await cloud(method, path, {} if method != "GET" else None, version=version)
        assert (answer.status_code, code(answer)) == (status, word), path
    for body in (b"{", b"[]"):
        answer = await cloud.sim.arm(
            "PUT", cloud.id("restorePointCollections/daily"), version="2024-07-01", content=body
        )
        assert code(answer) == "InvalidRequestContent"
    nowhere: list[dict[str, Any]] = [
        {"location": "westeurope"},
        {"properties": {}},
        {"location": "westeurope", "properties": {"source": {"id": "/x"}}},
    ]
    for document in nowhere:
        assert (await cloud("PUT", "restorePointCollections/new", document)).status_code in {400, 404}


async def test_a_region_is_one_in_any_spelling(cloud: Cloud) -> None:
    """ARM takes `West Europe` for westeurope, and so does everything that compares regions."""
    for location, status in (("West Europe", 201), ("westeurope", 200), ("WEST EUROPE", 200)):
        assert (await cloud.collection(location=location)).status_code == status
    copies = {"location": "westeurope", "properties": {"source": {"id": cloud.id("restorePointCollections/daily")}}}
    refused = await cloud("PUT", "restorePointCollections/copies", copies)
    assert (refused.status_code, "same region" in refused.text) == (400, True)
    await cloud.point("made")
    shown = (await cloud("GET", f"{cloud.point_path('made')}?$expand=instanceView")).json()["properties"]
    rows = shown["instanceView"]["diskRestorePoints"]
    assert [row["replicationStatus"]["completionPercent"] for row in rows] == [100, 100]
    empty = {"creationData": {"createOption": "Empty"}, "diskSizeGB": 8}
    await new_disk(cloud, "data", location="West Europe")
    await cloud.ok("PUT", "disks/data", {"location": "westeurope", "zones": ["1"], "properties": empty})
    disk = {"lun": 5, "createOption": "Attach", "managedDisk": {"id": cloud.id("disks/data")}}
    held = (await cloud("GET", "virtualMachines/shop01")).json()["properties"]["storageProfile"]["dataDisks"]
    await cloud.ok("PATCH", "virtualMachines/shop01", storage(dataDisks=[*held, disk]))


async def test_what_is_no_set_of_tags(cloud: Cloud) -> None:
    """As at scope (test_compute_tags), so in the body of a resource."""
    assert (await cloud.collection()).status_code == 201
    for tags, word in (
        ({f"t{number}": "x" for number in range(51)}, "InvalidTagCount"),
        ({"a": 5}, "InvalidRequestContent"),
        ({"a<b": "x"}, "InvalidTagName"),
        ({"a": "x" * 257}, "InvalidTagValue"),
    ):
        for answer in (
            await cloud.collection(tags=tags),
            await cloud.collection("another", tags=tags),
            await cloud("PATCH", "restorePointCollections/daily", {"tags": tags}),
        ):
            assert (answer.status_code, code(answer)) == (400, word)


async def test_what_is_no_list_of_disks(cloud: Cloud) -> None:
    assert (await cloud.collection()).status_code == 201
    for given in ("x", [5], {"id": "x"}):
        answer = await cloud.put_point("p", excludeDisks=given)
        assert (answer.status_code, code(answer)) == (400, "InvalidParameter")
