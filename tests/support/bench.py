# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's core run against the simulator in process: no sockets, and every wait is virtual."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import httpx
import trio
import trio.testing

from ansible_collections.hybridvm.checkpoints.plugins.module_utils import _task
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import World as Surroundings
from simulator.app import create_app
from simulator.faults import ConnectionLost
from simulator.switches import Switches
from simulator.world import World

START = datetime(2026, 11, 20, 11, 30, tzinfo=UTC).timestamp()
HOST = "https://simulator.test"


class Transport(httpx.AsyncBaseTransport):
    """httpx's ASGI transport; a connection the simulator drops becomes the error httpx would raise."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._inner = httpx.ASGITransport(create_app(bench.world))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._bench.requests.append(request)
        try:
            return await self._inner.handle_async_request(request)
        except ConnectionLost as lost:
            kind: type[httpx.TransportError] = getattr(httpx, lost.httpx_name)
            raise kind("the simulator closed the connection", request=request) from None


class Bench:
    """One simulated world and a clock that goes on from run to run, `seconds` being what the last run took."""

    def __init__(self, **switches: Any) -> None:
        self.base = START
        self._began: float | None = None
        self.seconds = 0.0
        self.requests: list[httpx.Request] = []
        self.world = World.default(self.clock, switches=Switches(**switches))

    def clock(self) -> float:
        """Seconds since 1970: virtual while a run is on, standing still between runs."""
        return self.base if self._began is None else self.base + trio.current_time() - self._began

    def advance(self, seconds: float) -> None:
        """Let time pass between two runs."""
        self.base += seconds

    @property
    def arm_vm(self) -> str:
        """The ARM id of app01."""
        return self.world.machine_uri("app01")

    @property
    def connection(self) -> dict[str, Any]:
        """Connection options for both services."""
        credentials = self.world.credentials
        return {
            "spf_url": f"{HOST}/SC2012R2/VMM/{{subscription_id}}/Microsoft.Management.Odata.svc",
            "spf_subscription_id": self.world.spf.subscription_id,
            "spf_username": credentials.spf_username,
            "spf_password": credentials.spf_password,
            "cloud_environment": HOST,
            "subscription_id": self.world.arc.subscription_id,
            "tenant": credentials.tenant,
            "client_id": credentials.client_id,
            "secret": credentials.secret,
        }

    def run(
        self, module: str, *, check: bool = False, environ: Mapping[str, str] | None = None, **options: Any
    ) -> dict[str, Any]:
        """The result of one module; options are those of a task, the connection's are filled in."""
        params = {**self.connection, **options}

        async def main() -> dict[str, Any]:
            self._began = trio.current_time()
            surroundings = Surroundings(environ or {}, lambda: datetime.fromtimestamp(0, UTC), Transport(self))
            try:
                return await _task.finish(getattr(_task, module), params, check, surroundings)
            finally:
                self.seconds = trio.current_time() - self._began
                self.base += self.seconds
                self._began = None

        return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))

    def names(self, vm: str) -> list[str]:
        """The names of a VM's checkpoints, as the world has them."""
        return [str(point.name) for point in self.world.vm(vm).checkpoints]

    def writes(self) -> int:
        """How many requests have changed (or tried to change) something."""
        return sum(request.method not in ("GET",) and "/oauth2/" not in request.url.path for request in self.requests)
