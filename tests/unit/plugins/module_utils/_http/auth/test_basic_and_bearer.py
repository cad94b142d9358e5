# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Basic and bearer: with the first request, to the service's own origin, in the service's own bytes."""

from __future__ import annotations

import base64
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput, Unavailable
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import LONGEST, MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.basic import Basic
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.bearer import (
    Bearer,
    TokenFile,
    check_times,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Auth
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.files import read_file
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    link_lost,
    never_left,
    reply,
    virtual,
)

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        (Basic("svc", "pä:ss"), "Basic " + base64.b64encode("svc:pä:ss".encode()).decode()),
        (Basic("DOMAIN\\svc", ""), "Basic " + base64.b64encode(b"DOMAIN\\svc:").decode()),
        (Bearer("e30.e30.x", "spf_token"), "Bearer e30.e30.x"),
    ],
)
def test_the_first_request_is_signed_already(auth: Auth, expected: str) -> None:
    server = Script(reply())
    server.read(auth=auth)
    server.write(auth=auth)
    assert [request.headers["authorization"] for request in server.requests] == [expected, expected]


@pytest.mark.parametrize("auth", [Basic("svc", "wrong"), Bearer("expired", "spf_token")])
def test_what_is_refused_is_not_tried_again_for_accounts_lock(auth: Auth) -> None:
    server = Script(reply(401, b"", www_authenticate="Basic"))
    assert server.read(auth=auth).status == 401
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("said", "told"), [(link_lost(), "password;"), (reply(503, b"upstream gone"), "password (503: upstream gone);")]
)
def test_a_password_that_gets_no_verdict_leaves_three_times_at_most(said: Reply | Exception, told: str) -> None:
    def serve(request: httpx.Request) -> Reply:
        if "authorization" not in request.headers:
            return reply(401, b"", www_authenticate="Basic")
        if isinstance(said, Exception):
            raise said
        return said

    server, auth = Script(serve), Basic("svc", "right?")
    for _vm in range(3):
        with pytest.raises(Unavailable) as caught:
            server.read(auth=auth)
        assert (
            f"the server did not answer the {told} it was sent 3 times and is not tried again." in caught.value.message
        )
    assert ["authorization" in request.headers for request in server.requests] == [True, True, False, True, False]


@pytest.mark.parametrize("status", [500, 501])
def test_the_service_s_own_failure_is_no_doubt_about_the_password(status: int) -> None:
    server, auth = Script(reply(status)), Basic("svc", "right")
    assert server.read(auth=auth).status == status
    assert auth._accepted
    assert all("authorization" in request.headers for request in server.requests)


def test_a_server_that_is_down_for_a_while_gets_the_password_once_it_is_back() -> None:
    back = iter([False] * 5 + [True] * 9)

    def serve(request: httpx.Request) -> Reply:
        if not next(back):
            return reply(503)
        return reply() if "authorization" in request.headers else reply(401, b"", www_authenticate="Basic")

    server = Script(serve)
    assert server.read(auth=Basic("svc", "right")).status == 200
    assert ["authorization" in request.headers for request in server.requests] == [True] * 2 + [False] * 4 + [True]


def test_a_server_that_answers_nobody_is_not_said_to_leave_the_password_alone_unanswered() -> None:
    server = Script(link_lost())
    with pytest.raises(Unavailable, match="the connection broke"):
        server.read(auth=Basic("svc", "right?"))
    assert sum("authorization" in request.headers for request in server.requests) == 2


def test_a_password_that_was_accepted_or_never_left_is_sent_on() -> None:
    lost, down = link_lost(), reply(503)
    server = Script(never_left(), never_left(), lost, reply(), lost, down, lost, down, reply())
    auth = Basic("svc", "right")

    async def act() -> list[int]:
        async with server.http(auth=auth) as http:
            return [(await http.read(f"{BASE}/thing", context="reading")).status for _vm in range(2)]

    assert virtual(act) == [200, 200]
    assert len(server.requests) == 9


def jwt(claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.signature"


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": NOW.timestamp() - 301}, "access_token: expired at 2026-11-25"),
        ({"exp": NOW.timestamp() - 300}, None),
        ({"nbf": NOW.timestamp() + 301}, "access_token: is not valid before 2026-11-26"),
        ({"nbf": NOW.timestamp() + 300}, None),
        ({"exp": "soon"}, None),
        ({"exp": 1e300}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_token_s_own_times(claims: Any, expected: str | None) -> None:
    if expected is None:
        check_times("access_token:", jwt(claims), NOW)
        return
    with pytest.raises(InvalidInput, match=expected):
        check_times("access_token:", jwt(claims), NOW)


@pytest.mark.parametrize("token", ["opaque", "a.b", "a.b.c", "a..c", "a.ÿ.c", ".." * 5])
def test_a_token_that_says_nothing_is_left_to_the_service(token: str) -> None:
    check_times("access_token:", token, NOW)


def _token_of(file: Path, content: bytes, redactor: Redactor) -> str:
    file.write_bytes(content)
    server = Script(reply())
    server.read(auth=TokenFile(str(file), redactor, lambda: NOW))
    return server.requests[0].headers["authorization"]


@pytest.mark.parametrize("content", [b"e30.e30.x", b" e30.e30.x\n", b"Bearer e30.e30.x", b"bearer   e30.e30.x\n"])
def test_the_token_of_a_file_is_sent_and_never_shown(content: bytes, tmp_path: Path) -> None:
    redactor = Redactor()
    assert _token_of(tmp_path / "token", content, redactor) == "Bearer e30.e30.x"
    assert redactor.redact_result("said e30.e30.x") == f"said {MASK}"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot be read (no such file or directory)."),
        ("tökén".encode(), "cannot be read (no ASCII text)."),
        (b"", "holds no token."),
        (b"Bearer ", "holds no token."),
        (b"a b", "holds no token."),
        (b"a\x07b", "holds no token."),
        (b"x" * (LONGEST + 1), "holds no token."),
        (b" " + b"x" * (LONGEST + 1), "holds no token."),
    ],
)
def test_a_file_without_a_token(content: bytes | None, expected: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        Script(reply()).read(auth=TokenFile(str(file), Redactor(), lambda: NOW))
    assert caught.value.message == f"spf_token_file: {file} {expected}"


def test_a_pipe_is_no_file_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(InvalidInput, match=r"pipe cannot be read \(no regular file\)\."):
        Script(reply()).read(auth=TokenFile(str(pipe), Redactor(), lambda: NOW))
    with pytest.raises(InvalidInput, match=r"federated_token_file: .*pipe cannot be read \(no regular file\)\."):
        read_file("federated_token_file", str(pipe))
    with pytest.raises(InvalidInput, match=r"cannot be read \(is a directory\)\."):
        read_file("federated_token_file", str(tmp_path))


def test_the_longest_token_of_a_file(tmp_path: Path) -> None:
    assert _token_of(tmp_path / "token", b"x" * LONGEST, Redactor()) == f"Bearer {'x' * LONGEST}"
