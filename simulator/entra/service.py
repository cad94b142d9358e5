# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sign-in service: cloud metadata, discovery, and tokens for a secret, a certificate or an assertion."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from simulator.entra.issuers import Issuers
from simulator.wire.exchange import Answer, Call, json_answer
from simulator.wire.ids import same
from simulator.world import World

_CONFIGURATION = re.compile(r"/(?P<tenant>[^/]+)(?:/v2\.0)?/\.well-known/openid-configuration", re.IGNORECASE)
_TOKEN = re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token", re.IGNORECASE)
_ADFS_TOKEN = re.compile(r"/adfs/oauth2/token", re.IGNORECASE)
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_INSTANCE = re.compile(r"/common/discovery/instance", re.IGNORECASE)
_ENDPOINTS = re.compile(r"/metadata/endpoints", re.IGNORECASE)


class Entra:
    """The authority, on the same host as ARM."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._issuers = Issuers(world)

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
        if _ADFS_TOKEN.fullmatch(call.path) and self.world.identities.adfs:
            return self._token(call, "adfs")
        return self._issuers.handle(call)

    def _endpoints(self, call: Call) -> Answer:
        """2019-05-01 gives a list of clouds, 2022-09-01 one cloud (what az asks for)."""
        adfs = self.world.identities.adfs
        cloud: dict[str, Any] = {
            "name": "Simulator",
            "resourceManager": f"{call.origin}/",
            "authentication": {
                "loginEndpoint": f"{call.origin}/adfs" if adfs else call.origin,
                "audiences": [f"{call.origin}/", "https://management.core.windows.net/"],
                "tenant": "adfs" if adfs else "common",
                "identityProvider": "ADFS" if adfs else "AAD",
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
        adfs = tenant.lower() == "adfs"
        return json_answer(
            200,
            {
                "token_endpoint": f"{base}/oauth2/token" if adfs else f"{base}/oauth2/v2.0/token",
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
        if (problem := self._problem(call, form)) is not None:
            return self._error(401, *problem)
        if self.world.identities.adfs:
            audience = form.get("resource") or form.get("scope", "").removesuffix("/.default")
            if not audience or "v2.0" in call.path:
                return self._error(400, "invalid_resource", 9000, "MSIS9602: The received 'resource' is invalid.")
        else:
            scopes = [each for each in form.get("scope", "").split() if each.endswith("/.default")]
            if not scopes or "resource" in form:
                return self._error(
                    400, "invalid_scope", 1002012, "The provided value for scope is not valid. Use '/.default'."
                )
            audience = scopes[0].removesuffix("/.default")
        if "claims" in form:
            self.world.identities.seen_claims.append(form["claims"])
        lifetime = self.world.switches.token_lifetime
        answer = {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self.world.issue_token(audience),
        }
        return json_answer(200, answer, [("Cache-Control", "no-store, no-cache"), ("Pragma", "no-cache")])

    def _problem(self, call: Call, form: dict[str, str]) -> tuple[str, int, str] | None:
        """What is wrong with the client's credential: error, number, text."""
        known, identities = self.world.credentials, self.world.identities
        if "client_secret" in form:
            if form["client_secret"] == known.secret:
                return None
            return "invalid_client", 7000215, f"Invalid client secret provided for app '{known.client_id}'."
        assertion = form.get("client_assertion")
        if assertion is None or form.get("client_assertion_type") != _JWT_BEARER:
            return (
                "invalid_client",
                7000218,
                "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
            )
        if (end := identities.assertions.get(assertion)) is not None:
            if end > self.world.now():
                return None
            return "invalid_client", 700024, "Client assertion is not within its valid time range."
        if not identities.certificates and not identities.trusted_names:
            return "invalid_client", 700213, "No matching federated identity record found for presented assertion."
        endpoint = f"{call.origin}{call.path}"
        # Only here: cryptography takes longer to load than the rest of the simulator.
        from simulator.entra.assertion import check_signed

        return check_signed(assertion, known.client_id, endpoint, identities, self.world.now())

    def _known(self, tenant: str) -> bool:
        if self.world.identities.adfs:
            return tenant.lower() == "adfs"
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
