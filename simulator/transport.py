# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An httpx transport into the simulator without sockets: lost connections look as they do over real ones."""

from __future__ import annotations

import httpx

from simulator.app import create_app
from simulator.wire.faults import ConnectionLost
from simulator.world import World


class SimulatorTransport(httpx.AsyncBaseTransport):
    """For `httpx.AsyncClient(transport=SimulatorTransport(world))`, on asyncio or trio."""

    def __init__(self, world: World) -> None:
        self._inner = httpx.ASGITransport(app=create_app(world))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """ConnectionLost becomes the exception that httpx raises for such a loss."""
        try:
            return await self._inner.handle_async_request(request)
        except ConnectionLost as loss:
            error: type[httpx.RequestError] = getattr(httpx, loss.httpx_name)
            raise error(str(loss), request=request) from loss

    async def aclose(self) -> None:
        await self._inner.aclose()
