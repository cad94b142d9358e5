# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request and its reply: who signs it, and how much of the reply is read."""

from __future__ import annotations

import ssl
import typing as t

from .._deps import httpx
from .body import Body, Unreadable


class Exchanged(t.NamedTuple):
    """A reply, its bounded body, and why that cannot be read if it cannot."""

    reply: httpx.Response
    content: bytes
    unreadable: str

    @property
    def authorization(self) -> str:
        """What the request was signed with."""
        return str(self.reply.request.headers.get("authorization", ""))


class Auth(httpx.Auth):
    """How requests are signed; each way to sign in is one file in `auth`.

    `way` is what a result's `sign_in` shows, empty until it is known; `signer` says in errors who signs in and how.
    `accepted`: the service has answered something else than 401.
    """

    way = ""
    signer = ""
    accepted = False

    async def exchange(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        """Send one request, signed. A way that needs several, or connections of its own, sends them here."""
        return await exchange(client, request, self)

    async def ready(self) -> None:
        """Fetch what signing needs, before a request, so that the request's own time limit is not spent on it."""

    def challenged(self, challenge: str) -> None:
        """Take note of what a 401 demands (its WWW-Authenticate), before `renew` is asked."""

    async def renew(self, refused: str) -> bool:
        """Sign in again after a 401 to a request with that Authorization; False where that cannot help."""
        return False


async def exchange(client: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth | None = None) -> Exchanged:
    """Send one request and read its reply, bounded."""
    try:
        reply = await client.send(request, auth=auth, stream=True, follow_redirects=False)
        return Exchanged(reply, *await _read(reply))
    except ssl.SSLError as error:  # httpx hands on what TLS 1.3 says after the handshake as it is
        raise httpx.ReadError(type(error).__name__) from error


async def _read(reply: httpx.Response) -> tuple[bytes, str]:
    """The body, bounded, or why it cannot be read. What an in-memory transport has read is uncompressed already."""
    try:
        if reply.is_stream_consumed:
            return reply.content, ""
        body = Body(reply.headers)
        async for chunk in reply.aiter_raw():
            body.take(chunk)
        return body.content(), ""
    except Unreadable as error:
        return b"", str(error)
    finally:
        await reply.aclose()
