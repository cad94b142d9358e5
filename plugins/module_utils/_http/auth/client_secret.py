# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service principal with a client secret: OAuth 2.0 client credentials against Microsoft Entra.

One documented POST (learn.microsoft.com, v2-oauth2-client-creds-grant-flow); why not msal: docs/decisions/0003.
"""

from __future__ import annotations

import copy
import typing as t
import urllib.parse

from ..._core.errors import BadResponse, CheckpointError, SignInRefused
from ..._core.formatting import format_value, one_line
from ..._core.redaction import LONGEST, Redactor
from ..._deps import anyio, httpx
from ..client import Auth, Http
from ..response import Response

EARLY = 120.0
"""A token is not used for new requests in its last seconds."""


class ClientSecret(Auth):
    """Fetches a token when first needed, shares it among all requests, and fetches another before it expires.

    A failure is remembered, so that a task of a thousand VMs fails to sign in once.
    """

    def __init__(
        self, authority: Http, base: str, tenant: str, client_id: str, secret: str, scope: str, redactor: Redactor
    ) -> None:
        self._authority = authority
        self._url = f"{base.rstrip('/')}/{urllib.parse.quote(tenant, safe='')}/oauth2/v2.0/token"
        self._client_id = client_id
        self._form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret,
            "scope": scope,
        }
        self._redactor = redactor
        self._lock = anyio.Lock()
        self._token: str | None = None
        self._until = 0.0
        self._fetched = 0.0
        self._failed: CheckpointError | None = None

    def auth_flow(self, request: httpx.Request) -> t.Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    async def ready(self) -> None:
        """Fetch a token unless there is one that stays valid for a while; raise again what the first attempt raised."""
        async with self._lock:
            if self._failed is not None:
                raise copy.deepcopy(self._failed)
            if self._token is None or anyio.current_time() > self._until:
                await self._fetch()

    async def renew(self, refused: str) -> bool:
        """Drop a token that the service no longer takes. Another one would not help where this one is seconds old."""
        async with self._lock:
            if refused != f"Bearer {self._token}":
                return True
            if anyio.current_time() - self._fetched < 5:
                return False
            self._token = None
            return True

    async def _fetch(self) -> None:
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
        try:
            response = await self._authority.send_again(
                "POST", self._url, headers, urllib.parse.urlencode(self._form).encode(), context="signing in"
            )
            self._take(response)
        except CheckpointError as error:
            self._failed = copy.deepcopy(error)
            raise
        self._fetched = anyio.current_time()

    def _take(self, response: Response) -> None:
        if 300 <= response.status < 400:
            raise response.bad(f"the sign-in was answered with a redirect ({response.status}), which is not followed.")
        body = response.json()
        if not isinstance(body, dict):
            raise response.bad("the sign-in answer is no JSON object.")
        token = body.get("access_token")
        if isinstance(token, str) and token.isascii():
            self._redactor.add(token)
        if response.status != 200:
            raise self._refused(response, body)
        if (
            not isinstance(token, str)
            or not token.isascii()
            or not token.isprintable()
            or not 0 < len(token) <= LONGEST
        ):
            raise response.bad("the sign-in answer holds no usable access_token.")
        lifetime = body.get("expires_in", 3600)
        try:
            seconds = float(lifetime)
        except (TypeError, ValueError, OverflowError):
            raise response.bad("the sign-in answer's expires_in is no number.") from None
        self._token = token
        self._until = anyio.current_time() + max(0.0, seconds - EARLY)

    def _refused(self, response: Response, body: dict[str, t.Any]) -> SignInRefused | BadResponse:
        if response.status >= 500:
            return response.bad(f"the sign-in authority failed ({response.status}).")
        # Entra appends trace and correlation ids, which stand in the error anyway.
        reason = format_value(body.get("error_description") or body.get("error") or "no reason given")
        reason = one_line(reason.split("Trace ID:", 1)[0], 300).rstrip(".")
        refused = response.error(
            SignInRefused,
            f"sign-in refused ({response.status}) for client {self._client_id}: {reason}.",
            "Check tenant, client_id and secret (its value, not its id; it may have expired).",
        )
        refused.request_id = refused.request_id or one_line(str(body.get("trace_id") or ""), 100) or None
        refused.correlation_id = one_line(str(body.get("correlation_id") or ""), 100) or None
        return refused
