# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is followed, what is believed, and to whom credentials go."""

from __future__ import annotations

import logging
import ssl
from collections.abc import Generator

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    InvalidInput,
    UntrustedTls,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Auth
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    never_left,
    reply,
    virtual,
)


class Token(Auth):
    """A token that may be renewed so many times."""

    def __init__(self, renewals: int = 0) -> None:
        self.renewals = renewals
        self.generation = 0

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer t{self.generation}"
        yield request

    async def renew(self, refused: str) -> bool:
        assert refused == f"Bearer t{self.generation}"
        self.generation += 1
        return self.generation <= self.renewals


def checked(url: object) -> str:
    async def main() -> str:
        async with Script().http() as http:
            return http.followable(url)  # type: ignore[arg-type]  # what a service sends may be anything

    return virtual(main)


@pytest.mark.parametrize(
    "url", [f"{BASE}/next?page=2", f"{BASE}/op/1*2?t=1&c=a%2Bb%2f&s=~x", f"{BASE}/a%20b?$skiptoken='x'"]
)
def test_a_url_of_this_origin_is_followed_byte_for_byte(url: str) -> None:
    assert checked(url) == url


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://evil.test/next", "an address on another origin (https://evil.test)"),
        ("http://service.test/next", "an address on another origin (http://service.test)"),
        ("https://service.test:8443/next", "an address on another origin"),
        ("https://service.test.evil.test/next", "an address on another origin"),
        ("https://service.test@evil.test/next", "an address on another origin"),
        ("//service.test/next", "an address on another origin"),
        ("https://service.test./next", "an address on another origin"),
        ("https://user:word@service.test/next", "an address on another origin"),
        ("https://@evil.test/next", "an address on another origin"),
        ("https://service.test\\@evil.test/next", "an address on another origin (https://evil.test)"),
        ("https:\\\\evil.test\\next", "an address on another origin"),
        ("https://s\u0435rvice.test/next", "an address on another origin (https://xn--srvice-3of.test)"),
        (f"{BASE}/\ud800", "something that is no URL"),
        ("/next", "an address on another origin"),
        ("", "an address on another origin"),
        (f"{BASE}/a b", "a URL that cannot be sent byte for byte"),
        (f"{BASE}/ü", "a URL that cannot be sent byte for byte"),
        ("https://SERVICE.test/next", "a URL that cannot be sent byte for byte"),
        ("https://service.test:443/next", "a URL that cannot be sent byte for byte"),
        (f"{BASE}/../next", "a URL that cannot be sent byte for byte"),
        ("https://[::1/next", "something that is no URL"),
        ("https://service.test:port/", "something that is no URL"),
        (f"{BASE}/{'x' * 70000}", "something that is no URL"),
        ({"href": BASE}, "something that is no URL"),
        (7, "something that is no URL"),
    ],
)
def test_any_other_is_refused(url: object, expected: str) -> None:
    with pytest.raises(BadResponse) as caught:
        checked(url)
    assert caught.value.message.startswith(f"was asked to follow {expected}")


@pytest.mark.parametrize("verb", ["read", "write"])
@pytest.mark.parametrize("path", [".evil.test/x", "@evil.test/x", ":8443/x"])
def test_no_request_leaves_for_another_origin_whatever_it_was_put_together_from(verb: str, path: str) -> None:
    server = Script(reply())
    with pytest.raises(BadResponse, match="another origin"):
        getattr(server, verb)(path, auth=Token())
    assert server.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_no_credentials_leave(status: int) -> None:
    server = Script(reply(status, location="https://evil.test/"))
    assert server.read(auth=Token()).status == status
    assert server.write(auth=Token()).status == status
    assert [request.url.host for request in server.requests] == ["service.test"] * 2


@pytest.mark.parametrize("verb", ["read", "write"])
def test_after_a_401_it_is_tried_once_more_with_a_renewed_sign_in(verb: str) -> None:
    server = Script(reply(401), reply(200))
    assert getattr(server, verb)(auth=Token(renewals=1)).status == 200
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer t0", "Bearer t1"]


def test_once_more_only() -> None:
    server = Script(reply(401))
    assert server.read(auth=Token(renewals=9)).status == 401
    assert len(server.requests) == 2


def test_a_sign_in_that_cannot_be_renewed_ends_there() -> None:
    for auth in (Token(), Auth(), None):
        server = Script(reply(401))
        assert server.read(auth=auth).status == 401
        assert len(server.requests) == 1


def test_a_certificate_that_is_not_trusted_is_reported_at_once() -> None:
    error = never_left()
    error.__cause__ = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.__cause__.verify_message = "self-signed certificate"
    for verb in ("read", "write"):
        server = Script(error)
        with pytest.raises(UntrustedTls, match="its certificate is not trusted: self-signed certificate"):
            getattr(server, verb)()
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "error", [httpx.LocalProtocolError("Illegal header value b'Bearer s3cret'"), httpx.UnsupportedProtocol("s3cret")]
)
def test_what_http_cannot_carry_is_the_user_s_to_mend_and_is_not_shown(error: Exception) -> None:
    with pytest.raises(InvalidInput, match="an option holds characters that HTTP cannot carry") as caught:
        Script(error).read()
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_the_libraries_that_log_urls_are_silent() -> None:
    for name in ("httpx", "httpcore"):
        assert not logging.getLogger(name).isEnabledFor(logging.CRITICAL)
        assert not logging.getLogger(name).propagate
    assert not logging.getLogger("httpcore.http11").isEnabledFor(logging.CRITICAL)
