# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Instant access: what a point's instance view says of its disks, and what can be made of them when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from simulator.world import World

from ..shapes import DATA, load, needs
from .cloud import Cloud, code, disk_points, open_cloud

pytestmark = pytest.mark.anyio
LATER = "2025-04-01"
VM = {
    "name": "shop01",
    "os_disk": {"files": {"/etc/shop.conf": "1"}},
    "data_disks": [
        {"lun": 0, "sku": "PremiumV2_LRS", "files": {"/data/orders": "1"}},
        {"lun": 1, "sku": "UltraSSD_LRS"},
        {"lun": 2},
    ],
}


@asynccontextmanager
async def instant(**switches: Any) -> AsyncIterator[Cloud]:
    """A collection with instant access of a VM with a Premium SSD v2, an Ultra and a plain data disk."""
    async with open_cloud({"compute": {"vms": [VM]}}, **switches) as cloud:
        await cloud.collection()
        path = "restorePointCollections/daily"
        await cloud("PATCH", path, {"properties": {"instantAccess": True}}, version=LATER)
        yield cloud


async def view(cloud: Cloud, name: str = "one", version: str = LATER) -> dict[str, Any]:
    found: dict[str, Any] = (await cloud.read(name, version=version))["properties"]["instanceView"]
    return found


def rows_of(shown: dict[str, Any]) -> list[tuple[str, str, int]]:
    """Of each row the access state, the status code and how much has arrived."""
    return [
        (
            each["snapshotAccessState"],
            each["replicationStatus"]["status"]["code"],
            each["replicationStatus"]["completionPercent"],
        )
        for each in shown["diskRestorePoints"]
    ]


async def test_from_instant_access_to_available(anyio_backend: object) -> None:
    async with instant(compute_instant_takes="600s") as cloud:
        point = await cloud.point("one", version=LATER, instantAccessDurationMinutes=120)
        assert point["properties"]["provisioningState"] == "Succeeded"
        assert point["properties"]["instantAccessDurationMinutes"] == 120
        shown = await view(cloud)
        assert rows_of(shown) == [("InstantAccess", "ReplicationState/replicating", 0)] * 2
        assert shown["statuses"][0]["displayStatus"] == "Replicating"
        assert {each["id"].rpartition("/")[2].partition("_DataDisk_")[2][0] for each in shown["diskRestorePoints"]} == {
            "0",
            "1",
        }
        cloud.world.clock.advance(600)
        assert rows_of(await view(cloud)) == [("AvailableWithInstantAccess", "ReplicationState/succeeded", 100)] * 2
        cloud.world.clock.advance(7200)
        assert rows_of(await view(cloud)) == [("Available", "ReplicationState/succeeded", 100)] * 2
        disk = await cloud("GET", disk_points(point)[0], version="2026-03-02")
        assert disk.json()["properties"]["snapshotAccessState"] == "Available"


@needs("recordings", "instance-view-2026-04.json")
async def test_the_recorded_view(anyio_backend: object) -> None:
    recorded = load(DATA / "recordings" / "instance-view-2026-04.json")["properties (excerpt)"]["instanceView"]
    vm = {"name": "shop01", "os_type": "Windows", "data_disks": [{"lun": 0, "sku": "PremiumV2_LRS"}]}
    async with open_cloud({"compute": {"vms": [vm]}}) as cloud:
        await cloud.collection()
        await cloud("PATCH", "restorePointCollections/daily", {"properties": {"instantAccess": True}}, version=LATER)
        point = await cloud.point("one", version=LATER, instantAccessDurationMinutes=120)
        assert point["properties"]["consistencyMode"] == "ApplicationConsistent"
        shown = point["properties"]["instanceView"]
        for each in [*shown["diskRestorePoints"], *recorded["diskRestorePoints"]]:
            each["id"] = ""
        assert shown == recorded


async def test_all_rows(anyio_backend: object) -> None:
    async with instant(compute_view_rows="all", compute_instant_takes="never") as cloud:
        await cloud.point("one", version=LATER)
        states = [each[0] for each in rows_of(await view(cloud))]
        assert states == ["Available", "InstantAccess", "InstantAccess", "Available"]
        cloud.world.clock.advance(300 * 60)  # the end of what is asked for when nothing is said
        assert [each[0] for each in rows_of(await view(cloud))] == ["Available", "Pending", "Pending", "Available"]


async def test_older_versions_know_no_access_state(anyio_backend: object) -> None:
    async with instant() as cloud:
        await cloud.point("one", version=LATER)
        for row in (await view(cloud, version="2024-11-01"))["diskRestorePoints"]:
            assert set(row) == {"id", "replicationStatus"}
        assert "instantAccessDurationMinutes" not in (await cloud.read("one"))["properties"]


async def test_without_such_disks_every_row_is_there(cloud: Cloud) -> None:
    await cloud.collection()
    await cloud("PATCH", "restorePointCollections/daily", {"properties": {"instantAccess": True}}, version=LATER)
    await cloud.point("one", version=LATER)
    assert rows_of(await view(cloud)) == [("Available", "ReplicationState/succeeded", 100)] * 2


async def download(cloud: Cloud, disk: str) -> httpx.Response:
    return await cloud("POST", f"{disk}/beginGetAccess", {"access": "Read", "durationInSeconds": 60})


async def test_instant_access_is_for_disks_and_not_for_copies(anyio_backend: object) -> None:
    async with instant() as cloud:
        disk = disk_points(await cloud.point("one", version=LATER))[0]
        await cloud.copy_collection()
        await cloud.end(await cloud.disk_from("whole", disk))
        assert cloud.azure.disks[cloud.id("disks/whole").lower()].files == {"/data/orders": "1"}
        assert code(await cloud.put_copy("copy", "one")) == "OperationNotAllowed"
        assert code(await download(cloud, disk)) == "OperationNotAllowed"
        cloud.world.clock.advance(601)
        assert (await download(cloud, disk)).status_code == 202
        assert (await cloud.put_copy("copy", "one")).status_code == 201


async def test_every_point_can_be_pending_first(cloud: Cloud) -> None:
    cloud.world.switches.set("compute_pending_seconds", 30)
    await cloud.collection()
    disk = disk_points(await cloud.point("one"))[None]
    assert rows_of(await view(cloud)) == [("Pending", "ReplicationState/succeeded", 100)] * 2
    await cloud.end(await cloud.disk_from("early", disk))
    assert cloud.azure.disks[cloud.id("disks/early").lower()].files == {}
    cloud.world.clock.advance(30)
    assert {each[0] for each in rows_of(await view(cloud))} == {"Available"}
    await cloud.end(await cloud.disk_from("whole", disk))
    assert cloud.azure.disks[cloud.id("disks/whole").lower()].files


async def test_a_dump_keeps_what_is_on_its_way(anyio_backend: object) -> None:
    async with instant() as cloud:
        point = await cloud.point("one", version=LATER)
        again = World(cloud.world.now, document=cloud.world.dump())
        (kept,) = next(iter(again.azure.collections.values())).points
        assert kept.percents(again.now(), 0) == [100, 0, 0, 100]
        assert disk_points(point)
