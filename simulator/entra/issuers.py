# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who issues tokens on the spot: IMDS, App Service, Azure Arc's agent, GitHub Actions, Azure Pipelines."""

from __future__ import annotations

from pathlib import Path

from simulator.wire.exchange import Answer, Call, json_answer
from simulator.wire.ids import same
from simulator.world import World

IMDS = "/metadata/identity/oauth2/token"
APP_SERVICE = "/msi/token"
GITHUB = "/github/id-token"
AZURE_PIPELINES = "/azure-pipelines/oidctoken"
ARC_VERSION = "2020-06-01"


class Issuers:
    """All of them on one host; on a real machine each has its own."""

    def __init__(self, world: World) -> None:
        self.world = world

    def handle(self, call: Call) -> Answer | None:
        """The answer, or None when the path is none of theirs."""
        path = call.path.lower()
        if path == IMDS:
            return self._arc(call) if call.query.get("api-version") == ARC_VERSION else self._imds(call)
        if path == APP_SERVICE:
            return self._app_service(call)
        if path == GITHUB:
            return self._github(call)
        if path == AZURE_PIPELINES:
            return self._azure_pipelines(call)
        return None

    def _imds(self, call: Call) -> Answer:
        """learn.microsoft.com, "How to use managed identities on a VM to acquire an access token"."""
        if call.header("metadata") != "true" or call.header("x-forwarded-for"):
            return _refused(400, "invalid_request", "Required metadata header not specified")
        if not call.query.get("resource"):
            return _refused(400, "invalid_request", "Missing required parameter: resource")
        if not self._has(call, "client_id", "msi_res_id"):
            return _refused(400, "invalid_request", "Identity not found")
        return json_answer(200, self._token(call))

    def _app_service(self, call: Call) -> Answer:
        """learn.microsoft.com, "Use managed identities for App Service": expires_on, no expires_in."""
        if call.header("x-identity-header") != self.world.identities.identity_header:
            return json_answer(401, {"statusCode": 401, "message": "The X-IDENTITY-HEADER is not right."})
        if not self._has(call, "client_id", "mi_res_id"):
            return json_answer(400, {"statusCode": 400, "message": "No User Assigned or Delegated Identity found."})
        answer = self._token(call)
        answer.pop("expires_in")
        return json_answer(200, answer)

    def _arc(self, call: Call) -> Answer:
        """learn.microsoft.com, "Authenticate against Azure resources with Azure Arc-enabled servers"."""
        known = self.world.identities
        if call.header("metadata") != "true" or known.arc_keys is None:
            return _refused(400, "invalid_request", "Required metadata header not specified")
        given = (call.header("authorization") or "").removeprefix("Basic ")
        if given in known.open_challenges:
            known.open_challenges.discard(given)
            chosen = {name: call.query[name] for name in ("client_id", "msi_res_id") if name in call.query}
            return json_answer(200, self._token(call) | chosen)
        file = Path(known.arc_keys) / f"{self.world.secret_ids.guid()}.key"
        key = known.text(known.arc_key_bytes)
        known.open_challenges.add(key)
        file.write_text(key)
        return Answer(401, [("WWW-Authenticate", f"Basic realm={file}"), ("Content-Type", "text/plain")], b"")

    def _github(self, call: Call) -> Answer:
        """docs.github.com, "OpenID Connect reference"; the runner's own URL."""
        known = self.world.identities
        if call.header("authorization") != f"Bearer {known.request_token}":
            return json_answer(401, {"message": "The request token is not right."})
        if call.query.get("audience") != "api://AzureADTokenExchange":
            return json_answer(400, {"message": "Another audience was expected."})
        return json_answer(200, {"count": 1, "value": known.assert_identity(self.world.now() + 300)})

    def _azure_pipelines(self, call: Call) -> Answer:
        """learn.microsoft.com, "Oidctoken - Create" (7.1)."""
        known = self.world.identities
        right = call.header("authorization") == f"Bearer {known.request_token}"
        if call.method != "POST" or not call.query.get("api-version"):
            return json_answer(400, {"message": "Bad request."})
        if not right or call.query.get("serviceConnectionId") != known.service_connection:
            return json_answer(401 if not right else 404, {"message": "No such service connection."})
        return json_answer(200, {"oidcToken": known.assert_identity(self.world.now() + 300)})

    def _has(self, call: Call, *names: str) -> bool:
        known = self.world.identities
        asked = [call.query[name] for name in names if name in call.query]
        return any(same(asked[0], each) for each in known.user_assigned) if asked else known.system_assigned

    def _token(self, call: Call) -> dict[str, str]:
        lifetime = self.world.switches.token_lifetime
        return {
            "access_token": self.world.issue_token(call.query.get("resource", "")),
            "expires_in": str(lifetime),
            "expires_on": str(int(self.world.now()) + lifetime),
            "resource": call.query.get("resource", ""),
            "token_type": "Bearer",
        }


def _refused(status: int, error: str, text: str) -> Answer:
    return json_answer(status, {"error": error, "error_description": text})
