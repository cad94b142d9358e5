# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A write is sent again only if it never left or was refused with 429; any other loss is reported as such."""

from __future__ import annotations

import socket

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    ResponseLost,
    Unavailable,
    Unreachable,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    Written,
    link_lost,
    never_left,
    reply,
    slow,
    virtual,
)


@pytest.mark.parametrize(
    "trouble",
    [
        never_left(),
        httpx.ConnectTimeout("slow"),
        httpx.PoolTimeout("full"),
        httpx.ProxyError("proxy"),
        reply(429),
        reply(429, retry_after="3"),
    ],
)
def test_it_is_sent_again_when_it_never_left_or_was_throttled(trouble: Written) -> None:
    server = Script(trouble, trouble, reply(202))
    assert server.write().status == 202
    assert server.sent == [f"POST {BASE}/thing"] * 3
    assert {request.content for request in server.requests} == {b"{}"}


@pytest.mark.parametrize("status", [200, 201, 202, 204, 302, 400, 401, 404, 408, 409, 500, 502, 503, 504])
def test_every_other_answer_is_final_a_503_included(status: int) -> None:
    server = Script(reply(status, retry_after="1"))
    assert server.write().status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (link_lost(), "the connection broke (ReadError)."),
        (httpx.ReadTimeout("slow"), "no answer in time."),
        (httpx.WriteError("broken"), "the connection broke (WriteError)."),
        (httpx.WriteTimeout("slow"), "the connection broke (WriteTimeout)."),
        (httpx.RemoteProtocolError("closed"), "the connection was closed before a whole answer came."),
        (httpx.CloseError("broken"), "the connection broke (CloseError)."),
    ],
)
def test_a_lost_answer_is_left_to_reading(loss: Exception, expected: str) -> None:
    server = Script(loss)
    with pytest.raises(ResponseLost) as caught:
        server.write()
    assert caught.value.message == expected
    assert (caught.value.code, caught.value.retry) == ("outcome_unknown", "after_reading")
    assert len(server.requests) == 1


def test_an_answer_that_does_not_come_in_time_is_a_lost_one() -> None:
    server = Script(slow(1000.0))
    with pytest.raises(ResponseLost, match="no answer within 1m30s"):
        server.write(limit=90.0)
    assert len(server.requests) == 1


def test_one_that_cannot_connect_gives_up_soon_and_says_that_nothing_was_sent() -> None:
    server = Script(never_left())
    with pytest.raises(Unreachable) as caught:
        server.write()
    assert str(caught.value).count("Nothing was sent.") == 1
    assert caught.value.retry == "safe"
    assert 15 <= server.times[-1] <= 40


def test_near_the_deadline_too() -> None:
    server = Script(never_left())
    with pytest.raises(Unreachable, match="Nothing was sent"):
        server.write(seconds=3.0)
    assert server.times[-1] <= 3.0


def unresolved(errno: int) -> httpx.TransportError:
    error = never_left()
    error.__cause__ = socket.gaierror(errno, "resolver")
    return error


def test_a_name_that_does_not_exist_is_final() -> None:
    server = Script(unresolved(socket.EAI_NONAME))
    with pytest.raises(Unreachable, match=r"the host's name cannot be resolved\. Nothing was sent\."):
        server.write()
    assert len(server.requests) == 1


def test_a_resolver_s_hiccup_is_not() -> None:
    error = unresolved(socket.EAI_AGAIN)
    assert Script(error, error, reply(202)).write().status == 202


def test_when_no_time_is_left_it_is_not_begun() -> None:
    server = Script(reply())
    with pytest.raises(Unavailable, match="came before the next request"):
        server.write(seconds=0.0)
    assert server.requests == []


def test_throttling_is_waited_for_as_asked_but_not_beyond_the_deadline() -> None:
    server = Script(reply(429, retry_after="20"), reply(202))
    server.write()
    assert 20 <= server.pauses[0] <= 25
    with pytest.raises(Unavailable, match="asks to wait 20s, and 10s are left"):
        Script(reply(429, retry_after="20")).write(seconds=10.0)


def test_throttling_that_goes_on_beyond_the_deadline_was_never_more_than_a_refusal() -> None:
    server = Script(reply(429, b"", retry_after="9"))
    with pytest.raises(Unavailable, match="asks to wait 9s, and 1s are left") as caught:
        server.write(seconds=10.0)
    assert caught.value.retry == "safe"
    assert len(server.requests) == 2


def test_a_connection_that_never_came_is_distinguished_from_an_answer_that_never_came() -> None:
    server = Script(reply())
    server.write()
    server.write(seconds=5.0)
    timeouts = [request.extensions["timeout"] for request in server.requests]
    assert [(t["connect"], t["read"]) for t in timeouts] == [(10.0, 300.0), (4.5, 5.0)]


def test_a_token_request_is_repeated_like_a_read_for_it_changes_nothing() -> None:
    server = Script(link_lost(), reply(503), reply(200))

    async def main() -> int:
        async with server.http() as http:
            return (await http.send_again("POST", f"{BASE}/token", {}, b"x=1", context="asking")).status

    assert virtual(main) == 200
    assert server.sent == [f"POST {BASE}/token"] * 3
