# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client for each dialect and the world behind it, for in-process tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import trio

from simulator.switches.all import Switches
from simulator.transport import SimulatorTransport
from simulator.vmm.machines import Checkpoint, VirtualMachine
from simulator.world import World

START = 1_790_000_000.0  # a day in September 2026
JSON = "application/json"


class Sim:
    """The world and one HTTP client that is signed in to both services."""

    def __init__(self, world: World, http: httpx.AsyncClient) -> None:
        self.world = world
        self.http = http
        self.token = world.issue_token()

    # SPF ---------------------------------------------------------------------------------------------------------

    @property
    def spf_root(self) -> str:
        return f"/SC2012R2/VMM/{self.world.spf.subscription_id}/Microsoft.Management.Odata.svc"

    @property
    def wap_root(self) -> str:
        return f"/{self.world.spf.subscription_id}/services/systemcenter/vmm"

    async def spf(
        self, method: str, path: str, *, accept: str | None = JSON, root: str | None = None, **more: Any
    ) -> httpx.Response:
        """One request to SPF, below its tenant root."""
        headers = {"x-ms-principal-id": "tester@contoso.com", **more.pop("headers", {})}
        if accept is not None:
            headers["Accept"] = accept
        known = self.world.credentials
        url = f"{root or self.spf_root}/{path}" if not path.startswith("https:") else path
        request = self.http.build_request(method, url, headers=headers, **more)
        if accept is None:
            request.headers.pop("Accept", None)
        return await self.http.send(request, auth=httpx.BasicAuth(known.spf_username, known.spf_password))

    def key(self, id_: str, kind: str = "VMCheckPoints") -> str:
        return f"{kind}(ID=guid'{id_}',StampId=guid'{self.world.spf.stamp_id}')"

    async def create(self, vm: VirtualMachine, name: str | None = "new", **body: Any) -> httpx.Response:
        """POST a checkpoint as the documents show it."""
        document = {"odata.type": "VMM.VMCheckPoint", "VMId": vm.id, "StampId": self.world.spf.stamp_id, "Name": name}
        return await self.spf("POST", "VMCheckPoints", json={**document, **body})

    async def created(self, vm: VirtualMachine, name: str = "new") -> Checkpoint:
        """A checkpoint of that name, made and done."""
        answer = await self.create(vm, name)
        assert answer.status_code == 201, answer.text
        job = await self.done(answer)
        assert job["Status"] == "Completed", job
        point = self.world.vm(vm.name, "spf").by_id(answer.json()["ID"])
        assert point is not None
        return point

    async def job(self, id_: str) -> dict[str, Any]:
        answer = await self.spf("GET", f"Jobs?$filter=ID eq guid'{id_}'")
        found: list[dict[str, Any]] = answer.json()["value"]
        return found[0] if found else {}

    async def done(self, answer: httpx.Response) -> dict[str, Any]:
        """The job that `answer` began, once it has ended."""
        while not (job := await self.job(answer.headers["x-ms-request-id"]))["IsCompleted"]:
            await trio.sleep(1)
        return job

    # Arc ---------------------------------------------------------------------------------------------------------

    async def arm(self, method: str, target: str, *, version: str | None = "2024-06-01", **more: Any) -> httpx.Response:
        """One request to ARM; `target` is a path or a whole status URL."""
        if version is not None and not target.startswith("https:"):
            target += f"{'&' if '?' in target else '?'}api-version={version}"
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return await self.http.request(method, target, headers=headers, **more)

    def instance(self, name: str = "app01") -> str:
        uri = self.world.vm(name, "scvmm").resource_uri
        return f"{uri}/providers/Microsoft.ScVmm/virtualMachineInstances/default"

    async def act(self, action: str, body: dict[str, Any], name: str = "app01") -> httpx.Response:
        return await self.arm("POST", f"{self.instance(name)}/{action}", json=body)

    async def finished(self, answer: httpx.Response) -> dict[str, Any]:
        """The last status of the operation that `answer` began."""
        assert answer.status_code in {201, 202}, answer.text
        url = answer.headers["azure-asyncoperation"]
        while True:
            status = await self.arm("GET", url)
            document: dict[str, Any] = status.json()
            if document["status"] in {"Succeeded", "Failed", "Canceled"}:
                return document
            await trio.sleep(1)

    async def profile(self, name: str = "app01") -> dict[str, Any]:
        """The infrastructure profile: the inventory of checkpoints."""
        document: dict[str, Any] = (await self.arm("GET", self.instance(name))).json()["properties"]
        inner: dict[str, Any] = document["infrastructureProfile"]
        return inner


@asynccontextmanager
async def open_sim(document: dict[str, Any] | None = None, **switches: Any) -> AsyncIterator[Sim]:
    """A world on trio's clock; `document` instead of the default one."""
    chosen = Switches()
    chosen.update(switches)
    world = World(lambda: START + trio.current_time(), switches=chosen, document=document)
    transport = SimulatorTransport(world)
    async with httpx.AsyncClient(transport=transport, base_url="https://simulator.test") as http:
        yield Sim(world, http)
