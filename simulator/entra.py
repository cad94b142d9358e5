# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in service: cloud metadata, discovery and tokens for a client with a secret."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from simulator.wire.exchange import Answer, Call, json_answer
from simulator.wire.ids import same
from simulator.world import World

_CONFIGURATION = re.compile(r"/(?P<tenant>[^/]+)(?:/v2\.0)?/\.well-known/openid-configuration", re.IGNORECASE)
_TOKEN = re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token", re.IGNORECASE)
_INSTANCE = re.compile(r"/common/discovery/instance", re.IGNORECASE)
_ENDPOINTS = re.compile(r"/metadata/endpoints", re.IGNORECASE)


class Entra:
    """The authority, on the same host as ARM."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def handle(self, call: Call) -> Answer | None:
        """The answer, or None when the path is none of the authority's."""
        if _ENDPOINTS.fullmatch(call.path):
            return self._endpoints(call)
        if _INSTANCE.fullmatch(call.path):
            url = f"{call.origin}/{self.world.credentials.tenant}/v2.0/.well-known/openid-configuration"
            return json_answer(200, {"tenant_discovery_endpoint": url, "api-version": "1.1", "metadata": []})
        if found := _CONFIGURATION.fullmatch(call.path):
            return self._configuration(call, found["tenant"])
        if found := _TOKEN.fullmatch(call.path):
            return self._token(call, found["tenant"])
        return None

    def _endpoints(self, call: Call) -> Answer:
        """2019-05-01 gives a list of clouds, 2022-09-01 one cloud (what az asks for)."""
        cloud: dict[str, Any] = {
            "name": "Simulator",
            "resourceManager": f"{call.origin}/",
            "authentication": {
                "loginEndpoint": call.origin,
                "audiences": [f"{call.origin}/", "https://management.core.windows.net/"],
                "tenant": "common",
                "identityProvider": "AAD",
            },
            "portal": f"{call.origin}/portal",
            "graph": f"{call.origin}/graph/",
            "graphAudience": f"{call.origin}/graph/",
            "microsoftGraphResourceId": f"{call.origin}/graph/",
            "gallery": f"{call.origin}/gallery/",
            "batch": f"{call.origin}/batch/",
            "media": f"{call.origin}/media/",
            "sqlManagement": f"{call.origin}/sql/",
            "vmImageAliasDoc": f"{call.origin}/aliases.json",
            "suffixes": {"storage": "core.simulator.invalid", "keyVaultDns": "vault.simulator.invalid"},
        }
        version = call.query.get("api-version", "")
        return json_answer(200, cloud if version >= "2022" else [cloud])

    def _configuration(self, call: Call, tenant: str) -> Answer:
        if not self._known(tenant):
            return self._error(400, "invalid_tenant", 90002, f"Tenant '{tenant}' not found.")
        base = f"{call.origin}/{tenant}"
        return json_answer(
            200,
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": [
                    "client_secret_post",
                    "private_key_jwt",
                    "client_secret_basic",
                ],
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "issuer": f"{base}/v2.0",
                "response_types_supported": ["code", "id_token", "code id_token", "id_token token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "tenant_region_scope": None,
                "cloud_instance_name": call.headers.get("host", "localhost"),
            },
        )

    def _token(self, call: Call, tenant: str) -> Answer:
        """Client credentials with a secret; anything else ends in the error Entra has for it."""
        if call.method != "POST":
            return self._error(400, "invalid_request", 900561, "The endpoint only accepts POST requests.")
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        known = self.world.credentials
        client = form.get("client_id", "")
        if not self._known(tenant):
            return self._error(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if form.get("grant_type") != "client_credentials":
            shown = form.get("grant_type", "")
            return self._error(
                400, "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{shown}'."
            )
        if not same(client, known.client_id):
            return self._error(
                400,
                "unauthorized_client",
                700016,
                f"Application with identifier '{client}' was not found in the directory '{tenant}'.",
            )
        if "client_secret" not in form:
            return self._error(
                401,
                "invalid_client",
                7000218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            )
        if form["client_secret"] != known.secret:
            return self._error(
                401, "invalid_client", 7000215, f"Invalid client secret provided for app '{known.client_id}'."
            )
        scopes = [each for each in form.get("scope", "").split() if each.endswith("/.default")]
        if not scopes:
            return self._error(
                400, "invalid_scope", 1002012, "The provided value for scope is not valid. Use '/.default'."
            )
        lifetime = self.world.switches.token_lifetime
        answer = {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self.world.issue_token(scopes[0].removesuffix("/.default")),
        }
        return json_answer(200, answer, [("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache")])

    def _known(self, tenant: str) -> bool:
        return same(tenant, self.world.credentials.tenant) or tenant.lower() in {"common", "organizations"}

    def _error(self, status: int, error: str, number: int, text: str) -> Answer:
        """The JSON that msal turns into its message."""
        ids = self.world.secret_ids
        trace, correlation = ids.guid(), ids.guid()
        stamp = datetime.fromtimestamp(self.world.now(), UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        return json_answer(
            status,
            {
                "error": error,
                "error_description": f"AADSTS{number}: {text} Trace ID: {trace} Correlation ID: {correlation} "
                f"Timestamp: {stamp}",
                "error_codes": [number],
                "timestamp": stamp,
                "trace_id": trace,
                "correlation_id": correlation,
                "error_uri": f"https://login.microsoftonline.com/error?code={number}",
            },
        )
