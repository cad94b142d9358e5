# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request and its answer, whole: what goes out, what is closed, and what is said where none can be had."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    InvalidInput,
    ResponseLost,
    UntrustedTls,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import USER_AGENT, Http
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    link_lost,
    reply,
    virtual,
)

ASKS = (
    "Server and client have no cipher in common: have a newer one enabled there; or the server demands a client "
    "certificate (spf_client_cert)."
)


def using(transport: httpx.AsyncBaseTransport, act: Callable[[Http], Awaitable[Any]], **client: Any) -> Any:
    async def main() -> Any:
        async with httpx.AsyncClient(transport=transport, **client) as inner:
            return await act(Http(inner, BASE, "service", Deadline(600)))

    return virtual(main)


async def read(http: Http) -> Any:
    return await http.read(f"{BASE}/thing", context="reading")


def test_a_request_is_what_was_given_and_our_own_name() -> None:
    server = Script(reply(200))

    async def main(http: Http) -> None:
        headers = {"Accept": "x/y", "X-Own": "1"}
        await http.write("PUT", f"{BASE}/a%2fb?c='d'", context="writing", headers=headers, body=b"{}", limit=7.0)

    using(server, main)
    (sent,) = server.requests
    assert (sent.method, str(sent.url), sent.content) == ("PUT", f"{BASE}/a%2fb?c='d'", b"{}")
    shown = {name: value for name, value in sent.headers.items() if name not in ("host", "connection")}
    assert shown == {
        "user-agent": USER_AGENT,
        "accept": "x/y",
        "accept-encoding": "gzip",
        "x-own": "1",
        "content-length": "2",
    }
    assert sent.extensions["timeout"] == {"connect": pytest.approx(6.3), "read": 7.0, "write": 7.0, "pool": 7.0}


def test_a_redirect_is_not_followed_by_a_client_that_would() -> None:
    server = Script(reply(302, location=f"{BASE}/other"))
    assert using(server, read, follow_redirects=True).status == 302
    assert len(server.requests) == 1


def test_a_cookie_that_cannot_be_sent_back_is_dropped_and_the_rest_goes_out_as_given() -> None:
    server = Script(reply(200))

    async def write(http: Http) -> None:
        await http.write("PUT", f"{BASE}/a", context="writing", headers={"X-Own": "1"}, body=b"{}", limit=7.0)

    using(server, write, cookies={"a": "\u00fc"})
    (sent,) = server.requests
    assert (sent.method, str(sent.url), sent.content) == ("PUT", f"{BASE}/a", b"{}")
    assert (sent.headers["x-own"], sent.headers["user-agent"], "cookie" in sent.headers) == ("1", USER_AGENT, False)
    assert sent.extensions["timeout"]["read"] == 7.0


@pytest.mark.parametrize("body", [b"{}", b"no gzip"])
def test_each_answer_is_closed(body: bytes) -> None:
    closed: list[bool] = []

    class Stream(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield body

        async def aclose(self) -> None:
            closed.append(True)

    class Server(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            headers = {} if body == b"{}" else {"content-encoding": "br"}
            return httpx.Response(200, headers=headers, stream=Stream())

    if body == b"{}":
        assert using(Server(), read).body == b"{}"
    else:
        with pytest.raises(BadResponse):
            using(Server(), read)
    assert closed == [True]


def test_what_a_transport_in_memory_has_read_is_taken_as_it_is() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=b"all of it"))
    assert using(transport, read).body == b"all of it"


def test_what_cannot_be_unpacked_is_told_in_whole() -> None:
    with pytest.raises(BadResponse) as caught:
        Script(reply(200, b"x", content_encoding="br")).read()
    assert str(caught.value) == (
        "service: reading vm web01: the answer's compression (br) was not asked for. Check that the URL leads to the "
        "service itself and not to a proxy or portal."
    )


def test_a_failing_server_s_unreadable_answer_is_asked_for_again_like_any_other() -> None:
    server = Script(reply(503, b"x", content_encoding="br"), reply(429, b"x", content_encoding="br"), reply(200, b"[]"))
    assert server.read().json() == []
    server = Script(reply(503, b"x", content_encoding="br"))
    with pytest.raises(
        BadResponse, match=r"^service: reading vm web01: the answer's compression \(br\) was not"
    ) as caught:
        server.read()
    assert (caught.value.status, len(server.requests) > 5) == (503, True)


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "x")
    error.reason = reason
    return error


def by_way_of(cause: ssl.SSLError) -> Exception:
    error = link_lost()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_client_certificate_that_is_refused_after_the_handshake_is_no_lost_answer(wrapped: bool) -> None:
    error: Exception = tls_error("SSLV3_ALERT_CERTIFICATE_EXPIRED")
    server = Script(by_way_of(tls_error("SSLV3_ALERT_CERTIFICATE_EXPIRED")) if wrapped else error)
    with pytest.raises(UntrustedTls) as caught:
        server.write()
    assert str(caught.value) == (
        "service: TLS could not be agreed: sslv3 alert certificate expired. The certificate of spf_client_cert has "
        "expired: renew it, and give the new one."
    )
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "error", [tls_error("BAD_RECORD"), by_way_of(tls_error("BAD_RECORD"))], ids=["bare", "wrapped"]
)
def test_any_other_fault_of_tls_after_the_handshake_is_one(error: Exception) -> None:
    with pytest.raises(ResponseLost) as caught:
        Script(error).write()
    assert str(caught.value).startswith("service: the connection broke (ReadError).")


@pytest.mark.parametrize(
    "error",
    [httpx.LocalProtocolError("s3cret"), httpx.UnsupportedProtocol("s3cret"), httpx.InvalidURL("s3cret")],
    ids=lambda error: type(error).__name__,
)
def test_what_http_cannot_carry_is_told_in_whole(error: Exception) -> None:
    for verb in ("read", "write"):
        with pytest.raises(InvalidInput) as caught:
            getattr(Script(error), verb)()
        assert str(caught.value) == "service: an option holds characters that HTTP cannot carry."


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://Evil.test/a?b", "was asked to follow an address on another origin (https://evil.test): refused; no "
         "credentials were sent there."),
        ("https://first-half.test/second", "was asked to follow an address on another origin: refused; no credentials "
         "were sent there."),
        (f"{BASE}:port/", "was asked to follow something that is no URL."),
        (f"{BASE}/a b", "was asked to follow a URL that cannot be sent byte for byte."),
    ],
)  # fmt: skip
def test_what_is_not_followed_is_told_in_whole_but_for_secrets(url: str, said: str) -> None:
    async def follow(http: Http) -> str:
        return http.followable(url)

    redactor = Redactor()
    redactor.add("first-half.test/second")
    with redactor.active(), pytest.raises(CheckpointError) as caught:
        using(Script(), follow)
    assert str(caught.value) == f"service: {said}"
