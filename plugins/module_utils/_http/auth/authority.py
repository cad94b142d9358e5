# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token endpoint of a tenant: one documented POST, for whichever credential a client has.

Microsoft Entra: learn.microsoft.com, v2-oauth2-client-creds-grant-flow; why not msal: docs/decisions/0003. AD FS (Azure
Stack Hub) has no version 2 of it, and takes a resource instead of a scope.
"""

from __future__ import annotations

import typing as t
import urllib.parse

from ..._core.redaction import Redactor
from ..client import Http
from .token import Token, is_busy, object_of, refusal_of, token_of

ATTEMPTS = 4
"""How often is asked while the authority says in a 4xx that it is only busy; 429 and 5xx are repeated below."""


class Authority:
    """Where one tenant's clients sign in, and for which audience."""

    def __init__(self, http: Http, base: str, tenant: str, scope: str, redactor: Redactor) -> None:
        self.http = http
        self.scope = scope
        base = base.rstrip("/")
        root = base.removesuffix("/adfs")
        self.is_adfs = root != base or tenant.lower() == "adfs"
        self.base = f"{root}/adfs" if self.is_adfs else f"{base}/{urllib.parse.quote(tenant, safe='')}"
        self.url = f"{self.base}/oauth2/token" if self.is_adfs else f"{self.base}/oauth2/v2.0/token"
        self._redactor = redactor

    @property
    def resource(self) -> str:
        """The audience without what makes it a scope."""
        return self.scope.removesuffix("/.default")

    async def token(self, client_id: str, credential: t.Mapping[str, str], claims: str | None, remedy: str) -> Token:
        """A token for the client with this credential. `remedy` is for a refusal whose reason is not known better."""
        form = {"grant_type": "client_credentials", "client_id": client_id, **credential}
        form |= {"resource": self.resource} if self.is_adfs else {"scope": self.scope}
        if claims is not None and not self.is_adfs:
            form["claims"] = claims
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        content = urllib.parse.urlencode(form).encode()
        attempt = 0
        while True:
            attempt += 1
            response = await self.http.send_again("POST", self.url, headers, content, context="signing in")
            body = object_of(response)
            granted = body.get("access_token")
            if isinstance(granted, str) and granted.isascii():
                self._redactor.add(granted)
            if response.status == 200:
                return token_of(body, response)
            if not is_busy(body) or attempt >= ATTEMPTS or not await self.http.deadline.sleep(2.0**attempt):
                raise refusal_of(response, body, f"client {client_id}", remedy)
