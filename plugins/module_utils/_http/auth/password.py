# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords are tried once: a domain locks an account after a few refusals, and a task may have a thousand VMs."""

from __future__ import annotations

import copy

from ..._core.errors import CheckpointError
from ..._deps import anyio, httpx
from ..client import Auth, Exchanged, exchange


class Once(Auth):
    """Until the server has taken the credential, one request at a time tries it; a refusal answers all later ones."""

    def __init__(self) -> None:
        self._alone = anyio.Lock()
        self._accepted = False
        self._refusal: Exchanged | None = None
        self._failed: CheckpointError | None = None

    async def exchange(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        if not self._accepted:
            async with self._alone:
                if not self._accepted:
                    return await self._try(client, request)
        return await self._try(client, request)

    async def _try(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        if self._refusal is not None:
            return self._refusal
        if self._failed is not None:
            raise copy.deepcopy(self._failed)
        try:
            found = await self.attempt(client, request)
        except CheckpointError as problem:
            if not self._accepted:
                self._failed = copy.deepcopy(problem)
            raise
        if found.reply.status_code == 401:
            self._refusal = found
        elif found.reply.status_code < 500:
            self._accepted = True
        return found

    async def attempt(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        """Send the request with the credential: what came back, a 401 where it is refused."""
        return await exchange(client, request, self)
