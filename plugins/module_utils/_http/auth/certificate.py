# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client certificate: the TLS handshake signs in, and requests carry nothing."""

from __future__ import annotations

from ..._core.errors import SignInRefused
from ..._deps import httpx
from ..exchange import Auth, Exchanged, exchange
from ..tls import explain_certificate

LATE = (
    "If IIS asks for the certificate only after the handshake, which TLS 1.3 clients cannot answer here, have the "
    "binding ask within it (netsh http update sslcert … clientcertnegotiation=enable). Otherwise check that the "
    "certificate is valid, from an authority that the server trusts, and mapped to an account of SPF or uploaded to "
    "the subscription."
)


class Certificate(Auth):
    """Tells a server that ends the connection for want of a certificate from one that is only lost."""

    way = "certificate"
    signer = "the certificate of spf_client_cert"

    def __init__(self) -> None:
        self._accepted = False
        self._losses = 0

    async def exchange(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        try:
            found = await exchange(client, request)
        except (httpx.ReadError, httpx.RemoteProtocolError, httpx.WriteError) as error:
            self._losses += 1
            # The first request is a read, and one loss may be chance.
            if self._accepted or self._losses < 2 or explain_certificate(error, "") is not None:
                raise
            raise SignInRefused(
                "the server ended the connection twice instead of answering the first request with the client "
                "certificate.",
                remedy=LATE,
            ) from None
        if found.reply.status_code == 403 and not self._accepted:
            raise SignInRefused(
                "the server answers 403 to the client certificate.", remedy=LATE, status=403, changed_nothing=True
            )
        self._accepted = self._accepted or found.reply.status_code < 400
        return found
