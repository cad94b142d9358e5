# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Compute in process: short names for its resources, and waiting for its operations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import trio

from ..support import Sim, open_sim

COMPUTE = "2024-07-01"
DISK = "2024-03-02"


class Cloud:
    """One subscription; paths are relative to the resource group's Microsoft.Compute."""

    def __init__(self, sim: Sim) -> None:
        self.sim = sim
        self.world = sim.world
        self.azure = sim.world.azure

    def id(self, path: str, group: str | None = None) -> str:
        """`virtualMachines/shop01` as an ARM id."""
        kind, _slash, rest = path.partition("/")
        return self.azure.resource_id(kind, rest, group) if rest else self.azure.resource_id(kind, "", group)[:-1]

    async def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """One request; the api-version is DiskRP's where the path is."""
        disk = path.startswith("disks") or "/diskRestorePoints" in path
        version = more.pop("version", DISK if disk else COMPUTE)
        target = path if path.startswith(("/", "https:")) else self.id(path)
        if body is not None:
            more["json"] = body
        return await self.sim.arm(method, target, version=version, **more)

    async def end(self, answer: httpx.Response) -> dict[str, Any]:
        """The last status of the operation that `answer` began."""
        assert answer.status_code in {200, 201, 202}, answer.text
        while True:
            status = await self.sim.arm("GET", answer.headers["azure-asyncoperation"])
            assert status.status_code == 200, status.text
            document: dict[str, Any] = status.json()
            if document["status"] != "InProgress":
                return document
            await trio.sleep(1)

    async def ok(self, method: str, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """The same, and what it began ends well."""
        answer = await self(method, path, body, **more)
        assert (await self.end(answer))["status"] == "Succeeded"
        return answer

    async def collection(self, name: str = "daily", vm: str = "shop01", **more: Any) -> httpx.Response:
        source = {"id": self.id(f"virtualMachines/{vm}")}
        body = {"location": "westeurope", "properties": {"source": source}, **more}
        return await self("PUT", f"restorePointCollections/{name}", body)

    def point_path(self, name: str, collection: str = "daily") -> str:
        return f"restorePointCollections/{collection}/restorePoints/{name}"

    async def put_point(
        self, name: str, collection: str = "daily", version: str = COMPUTE, **properties: Any
    ) -> httpx.Response:
        return await self("PUT", self.point_path(name, collection), {"properties": properties}, version=version)

    async def point(
        self, name: str, collection: str = "daily", version: str = COMPUTE, **properties: Any
    ) -> dict[str, Any]:
        """A point, made and read."""
        assert (await self.end(await self.put_point(name, collection, version, **properties)))["status"] == "Succeeded"
        return await self.read(name, collection, version)

    async def read(self, name: str, collection: str = "daily", version: str = COMPUTE) -> dict[str, Any]:
        document: dict[str, Any] = (
            await self("GET", f"{self.point_path(name, collection)}?$expand=instanceView", version=version)
        ).json()
        return document

    async def copy_collection(self, name: str = "copies", location: str = "northeurope") -> httpx.Response:
        source = {"id": self.id("restorePointCollections/daily")}
        return await self(
            "PUT", f"restorePointCollections/{name}", {"location": location, "properties": {"source": source}}
        )

    async def put_copy(self, name: str, source: str, collection: str = "copies") -> httpx.Response:
        return await self.put_point(name, collection, sourceRestorePoint={"id": self.id(self.point_path(source))})

    async def disk_from(self, name: str, source: str, **properties: Any) -> httpx.Response:
        body = {
            "location": "westeurope",
            "zones": ["1"],
            "sku": {"name": "Premium_LRS"},
            "properties": {"creationData": {"createOption": "Restore", "sourceResourceId": source}, **properties},
        }
        return await self("PUT", f"disks/{name}", body)


def disk_points(point: dict[str, Any]) -> dict[int | None, str]:
    """LUN (None: the OS disk) -> id of the disk restore point."""
    storage = point["properties"]["sourceMetadata"]["storageProfile"]
    found: dict[int | None, str] = {each["lun"]: each["diskRestorePoint"]["id"] for each in storage["dataDisks"]}
    if "osDisk" in storage:
        found[None] = storage["osDisk"]["diskRestorePoint"]["id"]
    return found


def code(answer: httpx.Response) -> str:
    document = answer.json()
    return str(document.get("error", document)["code"])


@asynccontextmanager
async def open_cloud(document: dict[str, Any] | None = None, **switches: Any) -> AsyncIterator[Cloud]:
    """The default world, or another one, on trio's clock; points take 5 s unless `switches` say otherwise."""
    async with open_sim(document, **{"token_lifetime": 10**7, "compute_point_takes": "5s", **switches}) as sim:
        yield Cloud(sim)
