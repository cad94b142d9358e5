# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a password leaves while nothing says whether it is right, and what is said then."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError, InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.basic import Basic
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.password import Once
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Exchanged
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    link_lost,
    reply,
    slow,
    virtual,
)

REMEDY = "See why the server fails, then run the task again. More tries might lock the account."
ASKS = reply(401, b"", www_authenticate="Basic")


def basic() -> Basic:
    return Basic("svc", "right?")


def signed(server: Script) -> list[bool]:
    """Which requests held the password."""
    return ["authorization" in request.headers for request in server.requests]


def by_password(with_it: Reply | Exception, without: Reply | Exception) -> Callable[[httpx.Request], Reply]:
    def serve(request: httpx.Request) -> Reply:
        said = with_it if "authorization" in request.headers else without
        if isinstance(said, Exception):
            raise said
        return said

    return serve


def error_of(do: Callable[[], object]) -> str:
    with pytest.raises(CheckpointError) as caught:
        do()
    return str(caught.value)


@pytest.mark.parametrize(
    "kind",
    [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError],
    ids=lambda kind: kind.__name__,
)
def test_a_password_that_never_left_does_not_count(kind: type[httpx.TransportError]) -> None:
    server = Script(*[kind("no")] * 4, link_lost(), reply())
    assert server.read(auth=basic()).status == 200
    assert signed(server) == [True] * 6


def test_one_that_never_left_takes_nothing_off_those_that_did() -> None:
    lost = by_password(link_lost(), ASKS)
    server = Script(httpx.ConnectError("no"), lost)
    assert "it was sent 3 times and is not tried again." in error_of(lambda: server.read(auth=basic()))
    assert signed(server) == [True, True, True, False, True, False]


@pytest.mark.parametrize("status", [500, 501, 502, 503])
def test_a_server_that_fails_without_the_password_too_is_asked_without_it_and_has_not_taken_it(status: int) -> None:
    server, auth = Script(by_password(link_lost(), reply(status))), basic()
    assert [server.read(auth=auth).status for _vm in range(2)] == [status] * 2
    assert signed(server)[:3] == [True, True, False]
    assert sum(signed(server)) == 2


def test_a_server_that_answers_without_the_password_gets_it_once_more() -> None:
    server = Script(by_password(link_lost(), reply(499)))
    assert "it was sent 3 times and is not tried again." in error_of(lambda: server.read(auth=basic()))
    assert signed(server) == [True, True, False, True, False]


def test_a_lost_answer_counts_and_after_two_the_server_is_asked_without_it() -> None:
    server = Script(by_password(link_lost(), ASKS))
    auth = basic()
    told = (
        "service: reading vm web01: the server did not answer the password; it was sent 3 times and is not tried "
        f"again. {REMEDY}"
    )
    assert error_of(lambda: server.read(auth=auth)) == told
    assert signed(server) == [True, True, False, True, False]
    for _vm in range(2):
        assert error_of(lambda: server.read(auth=auth)) == told
    assert signed(server) == [True, True, False, True, False]


def test_a_server_that_fails_tells_why_and_its_words_are_cut() -> None:
    server = Script(by_password(reply(503, b"gone\n" + b"x" * 999 + b"\xff"), ASKS))
    assert error_of(lambda: server.read(auth=basic())) == (
        f"service: reading vm web01: the server did not answer the password (503: gone {'x' * 194}…); it was sent 3 "
        f"times and is not tried again. {REMEDY}"
    )


def test_words_that_are_no_text_are_shown_as_they_can_be() -> None:
    server = Script(by_password(reply(502, b"a\xffb"), ASKS))
    assert "the server did not answer the password (502: a\ufffdb); it was sent 3 times" in error_of(
        lambda: server.read(auth=basic())
    )


@pytest.mark.parametrize("status", [500, 503])
def test_a_write_is_not_signed_where_the_server_fails_without_it_too(status: int) -> None:
    server = Script(by_password(reply(503, b"down"), reply(status)))
    auth = basic()
    for _vm in range(2):
        assert server.write(auth=auth).status == 503
    assert error_of(lambda: server.write(auth=auth)) == (
        "service: changing vm web01: the server did not answer the password (503: down); it was sent 2 times and is "
        f"not tried again. {REMEDY}"
    )
    assert [f"{request.method} {sent}" for request, sent in zip(server.requests, signed(server), strict=True)] == [
        "POST True",
        "POST True",
        "GET False",
    ]


def test_a_write_is_signed_a_third_time_where_the_server_answers_without_it() -> None:
    server = Script(by_password(reply(503, b"down"), reply(499)))
    auth = basic()
    assert [server.write(auth=auth).status for _vm in range(3)] == [503] * 3
    assert "it was sent 3 times and is not tried again." in error_of(lambda: server.write(auth=auth))
    assert [request.method for request in server.requests] == ["POST", "POST", "GET", "POST", "GET"]


@pytest.mark.parametrize("status", [200, 204, 302, 400, 403, 404, 409, 499, 500, 501])
def test_an_answer_of_the_service_has_taken_the_password(status: int) -> None:
    auth = basic()
    assert Script(reply(status)).write(auth=auth).status == status
    later = Script(by_password(reply(503), ASKS))
    assert [later.write(auth=auth).status for _vm in range(6)] == [503] * 6
    assert signed(later) == [True] * 6


@pytest.mark.parametrize("status", [502, 503, 504, 505])
def test_a_failure_before_the_service_has_not(status: int) -> None:
    auth = basic()
    assert [Script(reply(status)).write(auth=auth).status for _vm in range(2)] == [status] * 2
    assert not auth._accepted


def test_a_refusal_answers_all_later_requests_without_asking() -> None:
    server = Script(reply(401, b"no"))
    auth = basic()

    async def main() -> list[int]:
        async with server.http(auth=auth) as http:
            return [(await http.read(f"{BASE}/{vm}", context="reading")).status for vm in range(3)]

    assert virtual(main) == [401] * 3
    assert len(server.requests) == 1


def test_one_request_at_a_time_tries_it_and_all_at_once_go_after_that() -> None:
    server = Script(lambda _request: slow(10.0, reply()))

    async def main() -> None:
        async with server.http(auth=basic()) as http, trio.open_nursery() as all_at_once:
            for _vm in range(4):
                all_at_once.start_soon(lambda: http.read(f"{BASE}/vm", context="reading"))

    virtual(main)
    assert server.times == [0.0, 10.0, 10.0, 10.0]


def test_each_way_has_to_say_how_it_tries_its_credential() -> None:
    with pytest.raises(NotImplementedError):
        Script(reply()).read(auth=Once())


class Broken(Basic):
    """A way whose every attempt ends in the same error."""

    def __init__(self) -> None:
        super().__init__("svc", "right?")
        self.attempts = 0

    async def attempt(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        self.attempts += 1
        raise InvalidInput(f"attempt {self.attempts}", remedy="Mend it.")


def test_an_error_of_the_sign_in_ends_it_for_all_and_each_gets_its_own() -> None:
    auth, found = Broken(), list[CheckpointError]()
    for _vm in range(3):
        with pytest.raises(InvalidInput) as caught:
            Script().read(auth=auth)
        caught.value.notes.append("of somebody else")
        found.append(caught.value)
    assert [(error.message, len(error.notes)) for error in found] == [("attempt 1", 1)] * 3
    assert len({id(error) for error in found}) == 3
    assert auth.attempts == 1


def test_an_error_after_the_password_was_taken_is_that_request_s() -> None:
    auth = Broken()
    auth._accepted = True
    for attempt in (1, 2):
        with pytest.raises(InvalidInput, match=f"attempt {attempt}"):
            Script().read(auth=auth)
