# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of VMs and disks that decide what can be done: encryption, performance, rights."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.world import World

from .cloud import COMPUTE, Cloud, code, disk_points, open_cloud

pytestmark = pytest.mark.anyio
PREMIUM = {
    "tier": "P30",
    "burstingEnabled": True,
    "dataAccessAuthMode": "AzureActiveDirectory",
    "optimizedForFrequentAttach": True,
}
DIRECT = {"diskIOPSReadWrite": 5000, "diskMBpsReadWrite": 200, "maxShares": 2}


@pytest.mark.parametrize("form", ["vm", "disk"])
async def test_the_os_disk_of_an_encrypted_vm_is_not_swapped(anyio_backend: object, form: str) -> None:
    vm = {
        "name": "shop01",
        "power": "deallocated",
        "zones": ["1"],
        "os_disk": {"ade": form},
        "data_disks": [{"lun": 0}],
    }
    async with open_cloud({"compute": {"vms": [vm]}}) as cloud:
        shown = (await cloud("GET", "virtualMachines/shop01")).json()["properties"]["storageProfile"]["osDisk"]
        assert shown.get("encryptionSettings", {}).get("enabled") is (True if form == "vm" else None)
        disk = (await cloud("GET", "disks/shop01_OsDisk")).json()["properties"]
        assert disk["encryptionSettingsCollection"]["enabled"] is True
        assert (
            "encryptionSettingsCollection" not in (await cloud("GET", "disks/shop01_DataDisk_0")).json()["properties"]
        )
        await cloud.collection()
        point = await cloud.point("one")
        source = point["properties"]["sourceMetadata"]["storageProfile"]["osDisk"]
        assert ("encryptionSettings" in source) is (form == "vm")
        await cloud.end(await cloud.disk_from("new", disk_points(point)[None]))
        new = {"managedDisk": {"id": cloud.id("disks/new")}, "name": "new"}
        swap = await cloud("PATCH", "virtualMachines/shop01", {"properties": {"storageProfile": {"osDisk": new}}})
        assert (swap.status_code, code(swap)) == (409, "OSDiskSwapNotSupportedForVMsUsingDiskEncryption")
        again = World(cloud.world.now, document=cloud.world.dump())
        vm_again = again.azure.named("shop01")
        assert vm_again.os_disk.encryption_settings is (form == "vm")
        assert again.azure.disks[vm_again.os_disk.disk.lower()].guest_encrypted


async def test_properties_of_disks(anyio_backend: object) -> None:
    disks: list[dict[str, Any]] = [
        {"name": "premium", "properties": PREMIUM},
        {"name": "direct", "sku": "PremiumV2_LRS", "properties": DIRECT},
    ]
    async with open_cloud({"compute": {"disks": disks}}) as cloud:
        for name, wanted in (("premium", PREMIUM), ("direct", DIRECT)):
            assert wanted.items() <= (await cloud("GET", f"disks/{name}")).json()["properties"].items()
        empty = {"createOption": "Empty"}
        for name, sku, wanted in (("a", "Premium_LRS", PREMIUM), ("b", "UltraSSD_LRS", DIRECT)):
            body = {
                "location": "westeurope",
                "sku": {"name": sku},
                "properties": {"creationData": empty, "diskSizeGB": 4, **wanted},
            }
            await cloud.ok("PUT", f"disks/{name}", body)
            assert wanted.items() <= (await cloud("GET", f"disks/{name}")).json()["properties"].items()
        await cloud.ok("PATCH", "disks/premium", {"properties": {"tier": "P40"}})
        assert (await cloud("GET", "disks/premium")).json()["properties"]["tier"] == "P40"
        for name, properties in (("premium", {"diskIOPSReadWrite": 9}), ("direct", {"tier": "P30"})):
            answer = await cloud("PATCH", f"disks/{name}", {"properties": properties})
            assert (answer.status_code, code(answer)) == (400, "InvalidParameter")


async def test_a_disk_made_of_a_point_has_nothing_of_it_but_its_data(anyio_backend: object) -> None:
    vm = {"name": "shop01", "zones": ["1"], "os_disk": {"properties": PREMIUM}}
    async with open_cloud({"compute": {"vms": [vm]}}) as cloud:
        await cloud.collection()
        point = await cloud.point("one")
        await cloud.ok("PATCH", "disks/shop01_OsDisk", {"properties": {"tier": "P50"}})
        (kept,) = cloud.azure.collections[cloud.id("restorePointCollections/daily").lower()].points
        assert kept.disks[0].disk.extra["tier"] == "P30"
        await cloud.end(await cloud.disk_from("new", disk_points(point)[None]))
        assert not PREMIUM.keys() & (await cloud("GET", "disks/new")).json()["properties"].keys()


async def test_single_rights(cloud: Cloud) -> None:
    control = cloud.sim.http

    async def forbid(*actions: str) -> None:
        body = {"service": "compute", "rights": "all", "forbidden": actions}
        assert (await control.post("/_control/rights", json=body)).status_code == 200

    await forbid("Microsoft.Compute/disks/read (list)")
    refused = await cloud("GET", "disks")
    assert (refused.status_code, code(refused)) == (403, "AuthorizationFailed")
    assert "'Microsoft.Compute/disks/read'" in refused.json()["error"]["message"]
    for path in ("disks/shop01_OsDisk", "virtualMachines", "virtualMachines/shop01"):
        assert (await cloud("GET", path)).status_code == 200
    await forbid("microsoft.compute/disks/*", "Microsoft.Compute/virtualMachines/deallocate/action")
    assert (await cloud("GET", "disks/shop01_OsDisk")).status_code == 403
    deallocate = await cloud("POST", "virtualMachines/shop01/deallocate")
    assert "'Microsoft.Compute/virtualMachines/deallocate/action'" in deallocate.json()["error"]["message"]
    assert (await cloud("POST", "virtualMachines/shop01/start")).status_code == 202
    await forbid("Microsoft.Authorization/locks/read")
    locks = f"{cloud.id('virtualMachines/shop01')}/providers/Microsoft.Authorization/locks"
    assert (await cloud("GET", locks, version="2016-09-01")).status_code == 403
    for wrong in ("disks", [3], ["disks"]):
        body = {"service": "compute", "rights": "all", "forbidden": wrong}
        assert (await control.post("/_control/rights", json=body)).status_code == 400
    await forbid()
    assert (await cloud("GET", "disks", version="2024-03-02")).status_code == 200
    assert (await cloud("GET", locks, version="2016-09-01")).status_code == 200


async def test_no_points_of_confidential_vms(anyio_backend: object) -> None:
    security = {"securityProfile": {"securityType": "ConfidentialVM"}}
    async with open_cloud({"compute": {"vms": [{"name": "shop01", "properties": security}]}}) as cloud:
        await cloud.collection()
        answer = await cloud.put_point("one", version=COMPUTE)
        assert (answer.status_code, code(answer)) == (409, "OperationNotAllowed")
        assert "confidential" in answer.json()["error"]["message"]


async def test_arc_vms_without_checkpoints(cloud: Cloud) -> None:
    """`checkpointType: Disabled`: the create is accepted, and its operation fails."""
    sim = cloud.sim
    disabled = {"properties": {"infrastructureProfile": {"checkpointType": "Disabled"}}}
    await sim.finished(await sim.arm("PATCH", sim.instance(), json=disabled))
    assert (await sim.profile())["checkpointType"] == "Disabled"
    answer = await sim.act("createCheckpoint", {"name": "none"})
    assert answer.status_code == 202
    status = await sim.finished(answer)
    assert (status["status"], status["error"]["code"]) == ("Failed", "CheckpointsDisabled")
