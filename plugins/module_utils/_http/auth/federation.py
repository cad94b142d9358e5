# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Workload identity federation: a token of another identity provider stands in for the client secret.

The exchange is the same documented POST (learn.microsoft.com, v2-oauth2-client-creds-grant-flow, third case). Where the
other token comes from: a file (AKS and others), GitHub Actions (docs.github.com, "OpenID Connect reference") or Azure
Pipelines (learn.microsoft.com, Oidctoken - Create).
"""

from __future__ import annotations

import codecs
import typing as t
import urllib.parse

from ..._core.errors import InvalidInput, SignInRefused, Unavailable
from ..._core.option_texts import bearer_token
from ..._core.redaction import LONGEST, Redactor
from ..client import Http
from ..files import read_file
from ..response import Response
from .authority import Authority
from .token import LATER, Token, TokenAuth, is_usable

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
AUDIENCES = {
    "login.microsoftonline.us": "api://AzureADTokenExchangeUSGov",
    "login.chinacloudapi.cn": "api://AzureADTokenExchangeChina",
}
"""By the authority's host (learn.microsoft.com, workload-identity-federation-considerations)."""
PUBLIC_AUDIENCE = "api://AzureADTokenExchange"
REMEDY = "Check tenant, client_id and the federated credential: issuer, subject and audience must equal the token's."
Assertion = t.Callable[[], t.Awaitable[str]]


class Federation(TokenAuth):
    """The client at an authority; `assertion` is asked anew for each token, since assertions live for minutes."""

    def __init__(self, authority: Authority, client_id: str, assertion: Assertion, redactor: Redactor) -> None:
        super().__init__(redactor)
        self._authority = authority
        self._client_id = client_id
        self._assertion = assertion

    async def fetch(self, claims: str | None) -> Token:
        assertion = await self._assertion()
        self._redactor.add(assertion)
        credential = {"client_assertion_type": TYPE, "client_assertion": assertion}
        return await self._authority.token(self._client_id, credential, claims, REMEDY)


def of_file(path: str) -> Assertion:
    """The token in a file, read again each time."""

    async def read() -> str:
        content = read_file("federated_token_file", path, LONGEST).removeprefix(codecs.BOM_UTF8).strip()
        try:
            return bearer_token(content.decode("ascii"))
        except ValueError:  # or UnicodeDecodeError, which is one
            raise InvalidInput(
                f"federated_token_file: {path} holds no token.",
                remedy="It must hold the token and nothing else; check what writes it.",
            ) from None

    return read


def of_github(http: Http, url: str, request_token: str, audience: str) -> Assertion:
    """A token of GitHub Actions for this job."""
    between = "&" if "?" in url else "?"
    target = f"{url}{between}audience={urllib.parse.quote(audience, safe='')}"
    headers = {"Authorization": f"Bearer {request_token}", "Accept": "application/json; api-version=2.0"}

    async def ask() -> str:
        response = await http.read(target, headers=headers, context="asking GitHub Actions for a token")
        return _answered(response, "value", "Give the job `permissions: id-token: write`.")

    return ask


def of_azure_pipelines(http: Http, url: str, request_token: str, connection: str) -> Assertion:
    """A token of Azure Pipelines for a service connection."""
    query = urllib.parse.urlencode({"api-version": "7.1", "serviceConnectionId": connection})
    target = f"{url}{'&' if '?' in url else '?'}{query}"
    headers = {
        "Authorization": f"Bearer {request_token}",
        "Content-Type": "application/json",
        "X-TFS-FedAuthRedirect": "Suppress",  # a refusal is then a 401 and not a page
    }

    async def ask() -> str:
        response = await http.send_again("POST", target, headers, b"", context="asking Azure Pipelines for a token")
        return _answered(response, "oidcToken", "Check service_connection_id, and that SYSTEM_ACCESSTOKEN is mapped.")

    return ask


def _answered(response: Response, key: str, remedy: str) -> str:
    if response.status != 200:
        message = f"the pipeline issued no token ({response.status})."
        if response.status >= 500:
            raise response.error(Unavailable, message, LATER)
        raise response.error(SignInRefused, message, remedy)
    body = response.json()
    token = body.get(key) if isinstance(body, dict) else None
    if not is_usable(token):
        raise response.bad(f"the pipeline's answer holds no usable {key}.")
    return str(token)
