# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Basic and bearer: with the first request, to the service's own origin, in the service's own bytes."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.basic import Basic
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.bearer import Bearer, check_times
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Auth
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import Script, reply

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


def jwt(claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.signature"


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": NOW.timestamp() - 301}, "access_token: expired at 2026-11-25"),
        ({"exp": NOW.timestamp() - 299}, None),
        ({"nbf": NOW.timestamp() + 301}, "access_token: is not valid before 2026-11-26"),
        ({"nbf": NOW.timestamp() + 299}, None),
        ({"exp": "soon"}, None),
        ({"exp": 1e300}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_a_token_s_own_times(claims: Any, told: str | None) -> None:
    if told is None:
        check_times("access_token:", jwt(claims), NOW)
        return
    with pytest.raises(InvalidInput, match=told):
        check_times("access_token:", jwt(claims), NOW)


@pytest.mark.parametrize("token", ["opaque", "a.b", "a.b.c", "a..c", "a.ÿ.c", ".." * 5])
def test_a_token_that_says_nothing_is_left_to_the_service(token: str) -> None:
    check_times("access_token:", token, NOW)
