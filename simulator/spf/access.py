# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to SPF: its service roots, who may come in, and the headers every answer wears."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass

from simulator.odata.protocol import ODataError
from simulator.spf.windows import Entry, Headers, enter
from simulator.wire.exchange import Answer, Call, html_answer
from simulator.wire.ids import same
from simulator.world import World

_GUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_SERVICE = r"/SC2012(?:R2)?/VMM"
_ROOTS = (  # docs/services.md: admin root, tenant first, tenant last; through Windows Azure Pack
    (rf"{_SERVICE}/(?P<subscription>{_GUID})/Microsoft\.Management\.Odata\.svc", False),
    (rf"{_SERVICE}/Microsoft\.Management\.Odata\.svc/(?P<subscription>{_GUID})", False),
    (rf"{_SERVICE}/Microsoft\.Management\.Odata\.svc", False),
    (rf"/(?P<subscription>{_GUID})/services/systemcenter/vmm", True),
)
ROOTS = tuple(
    (re.compile(rf"(?P<root>{pattern})(?:/(?P<rest>.*))?", re.IGNORECASE), portal) for pattern, portal in _ROOTS
)


@dataclass(frozen=True)
class Root:
    """Through which root a request came, and what follows it in the path."""

    base: str  # absolute, ends in a slash
    rest: str
    subscription: str | None
    portal: bool


def find_root(call: Call) -> Root | None:
    """The service root of this request; None when it is not for SPF."""
    for pattern, portal in ROOTS:
        found = pattern.fullmatch(call.path)
        if found is not None:
            subscription = found.groupdict().get("subscription")
            return Root(f"{call.origin}{found['root']}/", found["rest"] or "", subscription, portal)
    return None


def refused_entry(call: Call, world: World) -> tuple[Answer | None, Headers]:
    """401 or 403 as IIS gives them, or None when the caller may come in, and the headers that its answer then has."""
    offers = world.switches.spf_offers.split(",")
    entry = Entry()
    if not _signed_in(call, world, offers):
        entry = enter(call, world, offers)
        if not entry.user:
            realm = call.header("host") or "spf"
            written = {"basic": f'Basic realm="{realm}"', "negotiate": "Negotiate", "ntlm": "NTLM"}
            challenges = entry.headers or [("WWW-Authenticate", written[name]) for name in offers if name in written]
            title = "401 - Unauthorized: Access is denied due to invalid credentials."
            return html_answer(401, title, challenges), []
    if world.spf.vmm.rights == "none":
        return html_answer(403, "403 - Forbidden: Access is denied.", entry.headers), []
    return None, entry.headers


def _signed_in(call: Call, world: World, offers: list[str]) -> bool:
    """Basic and Bearer both, on any port: WAP's are JWTs, SPF's own are IIS's (docs/services.md 3)."""
    scheme, _unused, value = (call.header("authorization") or "").partition(" ")
    known = world.credentials
    if scheme.lower() == "bearer":
        return value.strip() == known.spf_token
    if scheme.lower() != "basic" or "basic" not in offers:
        return False
    try:
        username, _unused, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except ValueError:
        return False
    return same(username.rpartition("\\")[2], known.spf_username.rpartition("\\")[2]) and password == known.spf_password


def check_scope(call: Call, root: Root, world: World) -> None:
    """ODataError for a foreign subscription or, on SPF's own tenant roots, a missing x-ms-principal-id."""
    if root.subscription is None:
        return
    if not same(root.subscription, world.spf.subscription_id):
        raise ODataError(404, f"The subscription {root.subscription} was not found.", "SubscriptionNotFound")
    # The portal's clients do not send it (dasein, Perl); SPF itself refused a call without it.
    if not root.portal and world.switches.spf_principal_id == "required" and not call.header("x-ms-principal-id"):
        raise ODataError(400, "The x-ms-principal-id header is required.")


def with_headers(answer: Answer, root: Root | None, world: World, job_id: str | None = None) -> Answer:
    """The headers of the captures of 2013 and 2014; the portal sends some of them twice."""
    twice = 2 if root is not None and root.portal and answer.body else 1
    ids = world.secret_ids
    headers = [("Cache-Control", "no-cache"), *answer.headers, ("Server", "Microsoft-IIS/8.5")]
    if job_id is not None and world.switches.spf_request_id_header:
        headers.append(("x-ms-request-id", job_id))
    headers += [("X-Content-Type-Options", "nosniff"), ("request-id", ids.guid())]  # request-id: ETW, useless
    headers += [("Server", "Microsoft-IIS/8.5")] * (twice - 1)
    headers.append(("X-AspNet-Version", "4.0.30319"))
    if answer.status == 204:
        headers.append(("Persistent-Auth", "true"))
    headers += [("X-Powered-By", "ASP.NET")] * twice
    return Answer(answer.status, headers, answer.body)
