# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords are tried once: a domain locks an account after a few refusals, and a task may have a thousand VMs.

Where nothing says whether the password is right, it is tried twice, and once more when the server answers again.
"""

from __future__ import annotations

import copy

from ..._core.errors import CheckpointError, Unavailable
from ..._core.formatting import one_line
from ..._deps import anyio, httpx
from ..exchange import Auth, Exchanged, exchange
from . import challenges

AT_ONCE, MOST = 2, 3
"""How often a password leaves while nothing says whether it is right: a server may count each one as wrong."""
LAST_OF_APPLICATIONS = 501
"""What stands behind the sign-in says 500 and 501 (SPF of a query that it cannot carry out): IIS has let us pass."""
NEVER_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


class Once(Auth):
    """Until the server has taken the credential, one request at a time tries it; a refusal answers all later ones.

    A lost answer, and a 5xx of what stands before the service, says neither. After two of them the server is asked
    without it, until it answers.
    """

    def __init__(self) -> None:
        self._alone = anyio.Lock()
        self._accepted = False
        self._refusal: Exchanged | None = None
        self._failed: CheckpointError | None = None
        self._unanswered = 0
        self._unsigned: Exchanged | None = None
        self._said = ""

    async def exchange(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
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
        elif found.reply.status_code <= LAST_OF_APPLICATIONS and found is not self._unsigned:
            self._accepted = True
        else:
            self._said = f" ({found.reply.status_code}: {one_line(found.content.decode('utf-8', 'replace'), 200)})"
        return found

    async def attempt(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        """Send the request with the credential: what came back, a 401 where it is refused."""
        raise NotImplementedError

    async def present(self, client: httpx.AsyncClient, request: httpx.Request, signed: httpx.Auth) -> Exchanged:
        """Send what holds the password; Unavailable where it has left MOST times and nothing says if it is right."""
        if not self._accepted and self._unanswered >= AT_ONCE:
            # A server that answers nothing without the password either says why below, such as a TLS alert.
            found = await exchange(client, challenges.harmless(request))
            if found.reply.status_code >= 500 and request.method == "GET":
                # It fails without the password, too: it is asked again for a while.
                self._unsigned = found
                return found
            if self._unanswered >= MOST or found.reply.status_code >= 500:
                raise Unavailable(
                    f"the server did not answer the password{self._said}; it was sent {self._unanswered} times and is "
                    "not tried again.",
                    remedy="See why the server fails, then run the task again. More tries might lock the account.",
                )
        self._unanswered += 1
        try:
            return await exchange(client, request, signed)
        except NEVER_LEFT:
            self._unanswered -= 1
            raise
