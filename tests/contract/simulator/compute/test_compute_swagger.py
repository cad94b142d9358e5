# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every answer of the simulator to every operation, judged by Microsoft's definitions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ..shapes import DATA, needs
from .cloud import Cloud, disk_points, open_cloud
from .swagger import Swagger

pytestmark = [pytest.mark.anyio, needs("specs", "compute")]
# What an answer has beside the definitions of this version, and why.
KNOWN = {
    "hardwareProfile.vmSize: ": "the list of sizes is deprecated (its description says so); newer sizes are not in it",
}
WANTED = {
    "RestorePointCollections_CreateOrUpdate 200",
    "RestorePointCollections_CreateOrUpdate 201",
    "RestorePointCollections_Update 200",
    "RestorePointCollections_Get 200",
    "RestorePointCollections_Get 404",
    "RestorePointCollections_List 200",
    "RestorePointCollections_ListAll 200",
    "RestorePointCollections_Delete 202",
    "RestorePointCollections_Delete 204",
    "RestorePoints_Create 201",
    "RestorePoints_Create 409",
    "RestorePoints_Get 200",
    "RestorePoints_Delete 202",
    "RestorePoints_Delete 204",
    "DiskRestorePoint_Get 200",
    "DiskRestorePoint_ListByRestorePoint 200",
    "DiskRestorePoint_GrantAccess 202",
    "DiskRestorePoint_RevokeAccess 202",
    "Disks_CreateOrUpdate 202",
    "Disks_Update 202",
    "Disks_Get 200",
    "Disks_List 200",
    "Disks_ListByResourceGroup 200",
    "Disks_Delete 202",
    "Disks_Delete 204",
    "VirtualMachines_Get 200",
    "VirtualMachines_InstanceView 200",
    "VirtualMachines_List 200",
    "VirtualMachines_ListAll 200",
    "VirtualMachines_CreateOrUpdate 200",
    "VirtualMachines_CreateOrUpdate 201",
    "VirtualMachines_Update 200",
    "VirtualMachines_AttachDetachDataDisks 202",
    "VirtualMachines_Deallocate 202",
    "VirtualMachines_PowerOff 202",
    "VirtualMachines_Start 202",
    "VirtualMachines_Restart 202",
    "VirtualMachines_Delete 202",
}


@pytest.fixture
async def judged(anyio_backend: object) -> AsyncIterator[tuple[Cloud, Swagger, list[str]]]:
    """A cloud all of whose answers are judged; the list is what was found."""
    swagger = Swagger(DATA / "specs" / "compute")
    found: list[str] = []

    async def judge(response: httpx.Response) -> None:
        await response.aread()
        request = response.request
        body: Any = response.json() if response.content else None
        problems = swagger.check(request.method, request.url.path, response.status_code, body)
        found.extend(f"{request.method} {request.url.path[-60:]} {each}" for each in problems)

    async with open_cloud(compute_readonly_members="ignored") as cloud:
        cloud.sim.http.event_hooks["response"].append(judge)
        yield cloud, swagger, found


async def test_every_answer_is_as_defined(judged: tuple[Cloud, Swagger, list[str]]) -> None:
    cloud, swagger, found = judged
    await collections_and_points(cloud)
    await copies_and_access(cloud)
    await disks_and_vms(cloud)
    await deletions(cloud)
    assert [each for each in found if not any(name in each for name in KNOWN)] == []
    print(f"swagger: {sum(swagger.covered.values())} answers, {len(swagger.covered)} operations and statuses, ", end="")
    print(f"{len(swagger.judged)} definitions")
    assert set(swagger.covered) >= WANTED
    assert {"RestorePointInstanceView", "DiskRestorePointReplicationStatus", "RestorePointEncryption"} <= swagger.judged


async def collections_and_points(cloud: Cloud) -> None:
    assert (await cloud("GET", "restorePointCollections/daily")).status_code == 404
    assert (await cloud.collection(tags={"a": "b"})).status_code == 201
    assert (await cloud.collection(tags={"a": "c"})).status_code == 200
    await cloud("PATCH", "restorePointCollections/daily", {"tags": {"a": "d"}})
    disk = cloud.id("disks/shop01_DataDisk_0")
    key = {"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSet": {"id": cloud.id("diskEncryptionSets/des")}}
    profile = {"osDisk": {"diskRestorePoint": {"encryption": key}}}
    creating = await cloud.put_point("one", sourceMetadata={"storageProfile": profile})
    assert (await cloud.put_point("early")).status_code == 409
    await cloud.end(creating)
    await cloud.point("two", consistencyMode="CrashConsistent", excludeDisks=[{"id": disk}])
    for path in ("daily?$expand=restorePoints", "daily"):
        assert (await cloud("GET", f"restorePointCollections/{path}")).status_code == 200
    await cloud("GET", "restorePointCollections")
    await cloud(
        "GET", f"/subscriptions/{cloud.azure.subscription_id}/providers/Microsoft.Compute/restorePointCollections"
    )


async def copies_and_access(cloud: Cloud) -> None:
    assert (await cloud.copy_collection()).status_code == 201
    await cloud.end(await cloud.put_copy("one", "one"))
    half = await cloud.read("one", "copies")
    assert half["properties"]["instanceView"]["diskRestorePoints"][0]["replicationStatus"]["completionPercent"] < 100
    listing = await cloud("GET", f"{cloud.point_path('one', 'copies')}/diskRestorePoints")
    assert len(listing.json()["value"]) == 2
    for point in (half, await cloud.read("one")):
        id_ = disk_points(point)[None]
        assert (await cloud("GET", id_)).status_code == 200
        await cloud.ok("POST", f"{id_}/beginGetAccess", {"access": "Read", "durationInSeconds": 300})
        await cloud.ok("POST", f"{id_}/endGetAccess")


async def disks_and_vms(cloud: Cloud) -> None:
    points = disk_points(await cloud.read("one"))
    await cloud.end(await cloud.disk_from("os2", points[None], encryption={"type": "EncryptionAtRestWithPlatformKey"}))
    await cloud.end(await cloud.disk_from("data2", points[0], diskSizeGB=128))
    await cloud.end(await cloud.disk_from("os3", points[None]))
    await cloud.ok("PATCH", "disks/os2", {"tags": {"made": "by test"}})
    subscription = f"/subscriptions/{cloud.azure.subscription_id}/providers/Microsoft.Compute"
    for path in ("disks/os2", "disks", "virtualMachines", "virtualMachines/shop01?$expand=instanceView"):
        assert (await cloud("GET", path)).status_code == 200
    assert (await cloud("GET", f"{subscription}/disks", version="2024-03-02")).status_code == 200
    assert (await cloud("GET", f"{subscription}/virtualMachines")).status_code == 200
    await cloud.ok("POST", "virtualMachines/shop01/restart")
    await cloud.ok("POST", "virtualMachines/shop01/powerOff")
    await cloud.ok("POST", "virtualMachines/shop01/deallocate")
    assert (await cloud("GET", "virtualMachines/shop01/instanceView")).status_code == 200
    vm = (await cloud("GET", "virtualMachines/shop01")).json()
    vm["properties"]["storageProfile"]["osDisk"] |= {"name": "os2", "managedDisk": {"id": cloud.id("disks/os2")}}
    await cloud.ok("PUT", "virtualMachines/shop01", vm)
    body = {"dataDisksToAttach": [{"diskId": cloud.id("disks/data2"), "lun": 5}]}
    await cloud.ok("POST", "virtualMachines/shop01/attachDetachDataDisks", body)
    await cloud.ok("PATCH", "virtualMachines/shop01", {"tags": {"a": "b"}})
    await cloud.ok("POST", "virtualMachines/shop01/start")
    storage = {"osDisk": {"osType": "Linux", "createOption": "Attach", "managedDisk": {"id": cloud.id("disks/os3")}}}
    new = {"location": "westeurope", "zones": ["1"], "properties": {"storageProfile": storage}}
    assert (await cloud.ok("PUT", "virtualMachines/new01", new)).status_code == 201


async def deletions(cloud: Cloud) -> None:
    await cloud.ok("DELETE", "virtualMachines/new01")
    await cloud.ok("DELETE", "disks/os3")
    assert (await cloud("DELETE", "disks/os3")).status_code == 204
    await cloud.ok("DELETE", cloud.point_path("two"))
    assert (await cloud("DELETE", cloud.point_path("two"))).status_code == 204
    await cloud.ok("DELETE", "restorePointCollections/daily")
    assert (await cloud("DELETE", "restorePointCollections/daily")).status_code == 204
