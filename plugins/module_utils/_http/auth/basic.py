# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Basic authentication (SPF behind IIS): sent with the first request, as SPF's own clients do."""

from __future__ import annotations

from ..._deps import httpx
from ..exchange import Exchanged
from .password import Once


class Basic(Once):
    """User name and password with every request to the service's own origin."""

    way = "basic"

    def __init__(self, username: str, password: str) -> None:
        super().__init__()
        self.signer = f"{username} with basic"
        self._basic = httpx.BasicAuth(username.encode(), password.encode())

    async def attempt(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        return await self.present(client, request, self._basic)
