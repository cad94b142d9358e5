# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service principal with a client secret: OAuth 2.0 client credentials."""

from __future__ import annotations

from ..._core.redaction import Redactor
from ..client import Http
from .authority import Authority
from .token import Token, TokenAuth

REMEDY = "Check tenant, client_id and secret (its value, not its id; it may have expired)."


class ClientSecret(TokenAuth):
    """The client and its secret at the authority `base`."""

    def __init__(
        self, authority: Http, base: str, tenant: str, client_id: str, secret: str, scope: str, redactor: Redactor
    ) -> None:
        super().__init__(redactor)
        self._authority = Authority(authority, base, tenant, scope, redactor)
        self._client_id = client_id
        self._secret = secret

    async def fetch(self, claims: str | None) -> Token:
        return await self._authority.token(self._client_id, {"client_secret": self._secret}, claims, REMEDY)
