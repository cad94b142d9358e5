# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The strongest way to sign in that the server offers and the options allow; the first 401 says what it offers."""

from __future__ import annotations

import typing as t

from ..._core.errors import SignInRefused
from ..._core.formatting import one_line
from ..._deps import anyio, httpx
from ..exchange import Auth, Exchanged, exchange
from . import challenges


class Automatic(Auth):
    """Asks without credentials until the server wants some. Nothing weaker is sent where it offers something better.

    `windows` and `basic` make a way where the options allow it; None where they do not.
    """

    def __init__(self, windows: t.Callable[[Exchanged], Auth], basic: t.Callable[[], Auth] | None) -> None:
        self._windows = windows
        self._basic = basic
        self._chosen: Auth | None = None
        self._lock = anyio.Lock()

    async def exchange(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        if self._chosen is None:
            found = await self._ask(client, request)
            if found is not None:
                return found
        chosen = self._chosen or Auth()
        try:
            return await chosen.exchange(client, request)
        finally:
            self.way, self.signer = chosen.way, chosen.signer

    async def _ask(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged | None:
        """The answer of a read that needed no sign-in; else None, with a way chosen or none needed."""
        async with self._lock:
            if self._chosen is not None:
                return None
            is_read = request.method == "GET"
            found = await exchange(client, request if is_read else challenges.harmless(request))
            if found.reply.status_code == 401:
                self._chosen = self._choose(found)
                return None
            return found if is_read else None

    def _choose(self, found: Exchanged) -> Auth:
        offers = challenges.offered(found.reply.headers)
        if set(offers) & set(challenges.WINDOWS):
            return self._windows(found)
        if "basic" in offers and self._basic is not None:
            return self._basic()
        listed = one_line(", ".join(offers), 100) or "nothing"
        if "basic" in offers:
            remedy = "Give spf_username and spf_password."
        elif self._basic is not None and not offers:
            remedy = "Set spf_auth: basic if it takes a password nevertheless; else give spf_token or spf_client_cert."
        else:
            remedy = "Give spf_token, or spf_client_cert where the server wants a certificate."
        raise SignInRefused(
            f"the server asks for a sign-in and offers {listed}, which the options do not serve.",
            remedy=remedy,
            status=401,
            changed_nothing=True,
        )
