# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which way to sign in is chosen by the first 401, once for all, and what is said where none serves."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import SignInRefused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.automatic import Automatic
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Auth, Exchanged
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    slow,
    virtual,
)


class Way(Auth):
    """A way that says its name."""

    def __init__(self, name: str) -> None:
        self.way, self.signer = name, f"svc with {name}"

    def auth_flow(self, request: httpx.Request) -> Any:
        request.headers["Authorization"] = self.way
        yield request


def automatic(chosen: list[str], *, basic: bool = True) -> Automatic:
    def made(name: str) -> Auth:
        chosen.append(name)
        return Way(name)

    def windows(_refusal: Exchanged) -> Auth:
        return made("windows")

    return Automatic(windows, (lambda: made("basic")) if basic else None)


def wants(offers: str) -> Any:
    def serve(request: httpx.Request) -> Reply:
        signed = "authorization" in request.headers
        return slow(1.0, reply(200) if signed else reply(401, b"", www_authenticate=offers))

    return serve


@pytest.mark.parametrize(
    ("offers", "way"),
    [
        ("Negotiate", "windows"),
        ("NTLM", "windows"),
        ("kerberos", "windows"),
        ("Basic realm=x, NTLM", "windows"),
        ("BASIC realm=x", "basic"),
    ],
)
def test_the_strongest_that_is_offered_is_chosen(offers: str, way: str) -> None:
    server, chosen = Script(wants(offers)), list[str]()

    async def main() -> tuple[str, str]:
        auth = automatic(chosen)
        async with server.http(auth=auth) as http:
            await http.read(f"{BASE}/thing", context="reading")
            return auth.way, auth.signer

    assert virtual(main) == (way, f"svc with {way}")
    assert chosen == [way]


def test_requests_at_once_ask_once_and_share_the_way() -> None:
    server, chosen = Script(wants("Basic")), list[str]()

    async def main() -> None:
        async with server.http(auth=automatic(chosen)) as http, trio.open_nursery() as all_at_once:
            for _request in range(5):
                all_at_once.start_soon(lambda: http.read(f"{BASE}/thing", context="reading"))

    virtual(main)
    assert chosen == ["basic"]
    assert len(server.requests) == 1 + 5


@pytest.mark.parametrize(
    ("offers", "basic", "listed", "remedy"),
    [
        ("Basic", False, "basic", "Give spf_username and spf_password."),
        (
            "",
            True,
            "nothing",
            "Set spf_auth: basic if it takes a password nevertheless; else give spf_token or spf_client_cert.",
        ),
        ("", False, "nothing", "Give spf_token, or spf_client_cert where the server wants a certificate."),
        ("Bearer", True, "bearer", "Give spf_token, or spf_client_cert where the server wants a certificate."),
        (
            "Bearer, Digest",
            False,
            "bearer, digest",
            "Give spf_token, or spf_client_cert where the server wants a certificate.",
        ),
    ],
)
def test_what_no_option_serves_is_told_in_whole(offers: str, basic: bool, listed: str, remedy: str) -> None:
    server = Script(reply(401, b"", **({"www_authenticate": offers} if offers else {})))
    with pytest.raises(SignInRefused) as caught:
        server.read(auth=automatic([], basic=basic))
    assert str(caught.value) == (
        f"service: the server asks for a sign-in and offers {listed}, which the options do not serve. "
        f"Nothing was changed. {remedy}"
    )
    assert caught.value.status == 401


def test_a_server_that_asks_nobody_to_sign_in_leaves_no_way() -> None:
    server = Script(reply(200), reply(200), reply(204))

    async def main() -> tuple[str, str]:
        auth = automatic([])
        async with server.http(auth=auth) as http:
            await http.read(f"{BASE}/thing", context="reading")
            await http.write("MERGE", f"{BASE}/thing", context="writing", headers={"If-Match": "*"}, body=b"{}")
            return auth.way, auth.signer

    assert virtual(main) == ("", "")
    assert [request.method for request in server.requests] == ["GET", "GET", "MERGE"]
    assert ["if-match" in request.headers for request in server.requests] == [False, False, True]
