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
from ..response import Response
from .token import Token, is_busy, object_of, refusal_of, token_of, until_ready


class Answer(t.NamedTuple):
    """What the authority has answered, and the object in it."""

    response: Response
    body: dict[str, t.Any]


def _is_busy(answer: Answer) -> bool:
    """Whether the same request may succeed in a moment."""
    return answer.response.status != 200 and is_busy(answer.body)


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

        async def ask() -> Answer:
            response = await self.http.send_again("POST", self.url, headers, content, context="signing in")
            body = object_of(response)
            granted = body.get("access_token")
            if isinstance(granted, str) and granted.isascii():
                self._redactor.add(granted)
            return Answer(response, body)

        return await self.granted(ask, f"client {client_id}", remedy)

    async def granted(self, ask: t.Callable[[], t.Awaitable[Answer]], who: str, remedy: str) -> Token:
        """The token that is answered, asked for again while the authority is busy; else why there is none."""
        answer = await until_ready(ask, _is_busy, self.http.deadline)
        if answer.response.status == 200:
            return token_of(answer.body, answer.response)
        raise refusal_of(answer.response, answer.body, who, remedy)
