# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A checkpoint holds the VM's hardware, and a restore brings it back (recordings of 2024)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from simulator.world import World

from .support import Sim, open_sim

pytestmark = pytest.mark.anyio
NETWORK = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ScVmm/virtualNetworks/lan"
WORLD: dict[str, Any] = {
    "spf": {"vms": [{"name": "web01", "cpu_count": 4, "memory_mb": 8192}]},
    "scvmm": {
        "vms": [
            {
                "name": "app01",
                "cpu_count": 2,
                "nics": [
                    {"name": "front", "mac": "00:15:5D:2E:37:00", "network": NETWORK, "network_name": "lan"},
                    {"name": "back", "mac": "00:15:5D:2E:37:01", "network": NETWORK, "network_name": "lan"},
                ],
            }
        ]
    },
}


async def properties(sim: Sim) -> dict[str, Any]:
    found: dict[str, Any] = (await sim.arm("GET", sim.instance())).json()["properties"]
    return found


async def nics(sim: Sim) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await properties(sim))["networkProfile"]["networkInterfaces"]
    return found


async def act(sim: Sim, action: str, body: dict[str, Any]) -> None:
    assert (await sim.finished(await sim.act(action, body)))["status"] == "Succeeded"


async def patch(sim: Sim, **changes: Any) -> None:
    answer = await sim.arm("PATCH", sim.instance(), json={"properties": changes})
    assert (await sim.finished(answer))["status"] == "Succeeded"


@pytest.mark.parametrize("position", ["lost", "kept"])
async def test_a_removed_adapter_comes_back(anyio_backend: object, position: str) -> None:
    async with open_sim(WORLD) as sim:
        sim.world.switches.set("arc_restored_nic_network", position)
        before = await nics(sim)
        assert [each["name"] for each in before] == ["front", "back"]
        await act(sim, "createCheckpoint", {"name": "two adapters"})
        kept = {name: before[0][name] for name in ("name", "nicId", "macAddress", "virtualNetworkId")}
        await patch(sim, networkProfile={"networkInterfaces": [kept]}, hardwareProfile={"cpuCount": 8})
        assert await nics(sim) == [before[0]]
        assert (await properties(sim))["hardwareProfile"]["cpuCount"] == 8
        point = (await sim.profile())["checkpoints"][0]["checkpointID"]
        await act(sim, "restoreCheckpoint", {"id": point})
        after = await nics(sim)
        assert after[0] == before[0]
        assert after[1]["macAddress"] == before[1]["macAddress"]
        assert after[1]["nicId"] not in {each["nicId"] for each in before}
        assert "name" not in after[1]
        connected = {"networkName", "virtualNetworkId", "ipv4Addresses"} & set(after[1])
        assert connected == ({"networkName", "virtualNetworkId", "ipv4Addresses"} if position == "kept" else set())
        assert (await properties(sim))["hardwareProfile"]["cpuCount"] == 2
        await act(sim, "restoreCheckpoint", {"id": point})
        assert await nics(sim) == after  # it is there now, so that nothing is made anew


async def test_an_adapter_that_was_added_goes(anyio_backend: object) -> None:
    async with open_sim(WORLD) as sim:
        await act(sim, "createCheckpoint", {"name": "two adapters"})
        before = await nics(sim)
        added = {
            "name": "extra",
            "virtualNetworkId": NETWORK,
            "macAddressType": "Static",
            "macAddress": "00:15:5D:0:0:9",
        }
        await patch(sim, networkProfile={"networkInterfaces": [*before, added]})
        assert [each["name"] for each in await nics(sim)] == ["front", "back", "extra"]
        assert (await nics(sim))[2]["macAddress"] == added["macAddress"]
        await act(sim, "restoreCheckpoint", {"id": (await sim.profile())["checkpoints"][0]["checkpointID"]})
        assert await nics(sim) == before


async def test_the_control_api_takes_one_away(anyio_backend: object) -> None:
    async with open_sim(WORLD) as sim:
        await act(sim, "createCheckpoint", {"name": "two adapters"})
        listed = (await sim.http.get("/_control/world")).json()["scvmm"]["vms"][0]["nics"]
        answer = await sim.http.post("/_control/vm/scvmm/app01", json={"nics": listed[:1], "memory_mb": 512})
        assert answer.status_code == 200, answer.text
        assert [each["name"] for each in await nics(sim)] == ["front"]
        assert (await properties(sim))["hardwareProfile"]["memoryMB"] == 512
        wrong = await sim.http.post("/_control/vm/scvmm/app01", json={"nics": "none"})
        assert wrong.status_code == 400


async def test_spf_shows_processors_and_memory(anyio_backend: object) -> None:
    async with open_sim(WORLD) as sim:
        vm = sim.world.vm("web01")
        await sim.created(vm)
        await sim.http.post("/_control/vm/spf/web01", json={"cpu_count": 16})

        async def shown() -> tuple[int, int]:
            entity = (await sim.spf("GET", sim.key(vm.id, "VirtualMachines"))).json()
            return entity["CPUCount"], entity["MemoryAssignedMB"]

        assert await shown() == (16, 8192)
        await sim.spf("MERGE", sim.key(vm.checkpoints[0].id), json={"VMCheckPointAction": "Restore"})
        await trio.sleep(10)
        assert await shown() == (4, 8192)


async def test_a_dump_keeps_it(anyio_backend: object) -> None:
    async with open_sim(WORLD) as sim:
        await act(sim, "createCheckpoint", {"name": "two adapters"})
        await sim.http.post("/_control/vm/scvmm/app01", json={"nics": []})
        again = World(document=sim.world.dump())
        assert again.vm("app01").hardware == sim.world.vm("app01").hardware
        assert again.vm("app01").checkpoints[0].hardware == sim.world.vm("app01").checkpoints[0].hardware


async def test_a_disk_loses_its_name_with_the_first_checkpoint(sim: Sim) -> None:
    uri = sim.world.machine_uri("bare01")
    path = f"{uri}/providers/Microsoft.ScVmm/virtualMachineInstances/default"
    body = {
        "extendedLocation": {"type": "customLocation", "name": "/x"},
        "properties": {"storageProfile": {"disks": [{"name": "disk_1", "diskSizeGB": 2}]}},
    }
    await sim.finished(await sim.arm("PUT", path, json=body))

    async def names() -> list[Any]:
        answer: httpx.Response = await sim.arm("GET", path)
        return [each.get("name") for each in answer.json()["properties"]["storageProfile"]["disks"]]

    assert await names() == [None, "disk_1"]
    await sim.finished(await sim.arm("POST", f"{path}/createCheckpoint", json={}))
    assert await names() == [None, None]
