# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every Azure Resource Manager answer has in common: sign-in, errors, api-versions, headers."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime

from simulator.wire.clock import utc
from simulator.wire.exchange import Answer, Call, json_answer
from simulator.world import World

SCVMM_VERSIONS = (
    "2023-10-07",
    "2024-06-01",
    "2025-03-13",
    "2020-06-05-preview",
    "2022-05-21-preview",
    "2023-04-01-preview",
)
AUDIENCES = frozenset(
    {
        "https://management.azure.com",
        "https://management.core.windows.net",
        "https://management.usgovcloudapi.net",
        "https://management.core.usgovcloudapi.net",
        "https://management.chinacloudapi.cn",
        "https://management.core.chinacloudapi.cn",
    }
)


class ArmError(Exception):
    """An error in ARM's shape; `gateway`: ARM itself answered, not the provider (x-ms-failure-cause, recorded)."""

    def __init__(self, status: int, code: str, message: str, *, gateway: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.gateway = gateway

    def answer(self) -> Answer:
        headers = [("x-ms-failure-cause", "gateway")] if self.gateway else []
        return json_answer(self.status, {"error": {"code": self.code, "message": self.message}}, headers)


def arm_time(moment: float) -> str:
    """`2023-10-31T09:06:57.9967016Z`: seven digits, UTC (recorded)."""
    when = utc(moment)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{int(moment % 1 * 10**7):07d}Z"


def refused_token(call: Call, world: World) -> Answer | None:
    """401 with ARM's challenge and error, or None when the token is good."""
    scheme, _unused, token = (call.header("authorization") or "").partition(" ")
    problem: tuple[str, str] | None = None
    if not token:
        problem = ("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
    elif scheme.lower() != "bearer":
        problem = (
            "AuthenticationFailed",
            "Authentication failed. The 'Authorization' header is provided in an invalid format.",
        )
    else:
        expires, audience = world.tokens.get(token.strip(), (None, ""))
        known = audience.rstrip("/")
        if expires is None:
            problem = ("InvalidAuthenticationToken", "The access token is invalid.")
        elif expires <= world.now():
            at = utc(expires).strftime("%m/%d/%Y %I:%M:%S %p")
            problem = (
                "ExpiredAuthenticationToken",
                f"The access token expiry UTC time '{at}' is earlier than current time.",
            )
        elif world.switches.token_checks_scope and known not in AUDIENCES and known != call.origin:
            problem = (
                "InvalidAuthenticationTokenAudience",
                f"The access token has been obtained for wrong audience '{audience}'.",
            )
    if problem is None:
        return None
    authority = f"{call.origin}/{world.credentials.tenant}"
    challenge = f'Bearer authorization_uri="{authority}", error="invalid_token", error_description="{problem[1]}"'
    error = ArmError(401, *problem).answer()
    return Answer(401, [*error.headers, ("WWW-Authenticate", challenge)], error.body)


def check_version(call: Call, provider: str, kind: str, supported: tuple[str, ...] | None, location: str) -> str:
    """The api-version, which every call must carry; `supported` None: any date (the simulator knows no list)."""
    version = call.query.get("api-version")
    if not version:
        raise ArmError(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        )
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(-preview|-privatepreview)?", version):
        raise ArmError(400, "InvalidApiVersionParameter", f"The api-version '{version}' is invalid.")
    if supported is not None and version.removesuffix("-preview") not in {
        each.removesuffix("-preview") for each in supported
    }:
        raise ArmError(
            400,
            "NoRegisteredProviderFound",
            f"No registered resource provider found for location '{location}' and API version '{version}' for type "
            f"'{kind}'. The supported api-versions are '{', '.join(supported)}'. "
            f"The supported locations are '{location}'.",
        )
    return version


def with_headers(answer: Answer, call: Call, world: World, *, provider: bool) -> Answer:
    """The headers around every recorded answer; correlation and rate-limit ones as the CLI's recorder had cut them."""
    ids = world.secret_ids
    own: list[tuple[str, str]] = [
        ("Cache-Control", "no-cache"),
        ("Pragma", "no-cache"),
        ("Expires", "-1"),
        ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
        ("X-Content-Type-Options", "nosniff"),
    ]
    if provider:
        own.append(("x-ms-providerhub-traffic", "True"))
        if call.method != "GET":
            own.append(("mise-correlation-id", ids.guid()))
    scope = "tenant" if "/subscriptions/" not in call.path.lower() else "subscription"
    bucket = {"GET": ("reads", 1099 if scope == "subscription" else 2199), "DELETE": ("deletes", 799)}
    name, left = bucket.get(call.method, ("writes", 799))
    own.append((f"x-ms-ratelimit-remaining-{scope}-{name}", str(left)))
    # An RP may answer a request id of zeros; Microsoft.ScVmm does (recorded).
    if answer.header("x-ms-request-id") is None:
        own.append(("x-ms-request-id", "00000000-0000-0000-0000-000000000000" if provider else ids.guid()))
    correlation = call.header("x-ms-correlation-request-id") or ids.guid()
    own.append(("x-ms-correlation-request-id", correlation))
    stamp = datetime.fromtimestamp(world.now(), UTC).strftime("%Y%m%dT%H%M%SZ")
    own.append(("x-ms-routing-request-id", f"{world.arc.location.upper()}:{stamp}:{ids.guid()}"))
    client_id = call.header("x-ms-client-request-id")
    if client_id and (call.header("x-ms-return-client-request-id") or "").lower() == "true":
        own.append(("x-ms-client-request-id", client_id))
    return Answer(answer.status, [*answer.headers, *own], answer.body)


def page_start(call: Call) -> int:
    """The row that a page of a list begins with, as its $skipToken tells."""
    token = call.query.get("$skipToken") or "0"
    if not (token.isascii() and token.isdigit() and len(token) < 10):
        raise ArmError(400, "InvalidParameter", f"The value '{token}' of '$skipToken' is invalid.")
    return int(token)


def certificate(world: World, length: int) -> str:
    """What fills the URL: in the real one a certificate in base64url."""
    block = encoded(hashlib.sha512(world.signing_key.encode()).digest())
    return (block * (length // len(block) + 1))[:length]


def encoded(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
