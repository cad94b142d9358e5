# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a signed assertion may go, and what a token says of its own time."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError, InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.azure_sign_in import (
    Surroundings,
    check_times,
    endpoints_of,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import Script, virtual

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("authority", "endpoint", "goes"),
    [
        ("https://login.test", "https://login.test/t/token", True),
        ("https://login.test", "https://evil.test/t/token", False),
        ("https://login.test", "https://login.microsoftonline.com/t/token", False),
        ("https://login.chinacloudapi.cn", "https://login.partner.microsoftonline.cn/t/token", True),
        ("https://login.chinacloudapi.cn", "https://login.chinacloudapi.cn.evil.test/t/token", False),
        ("https://login.microsoftonline.com", "http://login.microsoftonline.com/t/token", False),
    ],
)
def test_what_is_signed_goes_to_the_authority_and_among_microsoft_s_own_hosts(
    authority: str, endpoint: str, goes: bool
) -> None:
    server = Script(httpx.ReadError("never read"))

    async def main() -> None:
        async with httpx.AsyncClient(transport=server) as client:
            deadline = Deadline(1)
            world = Surroundings(
                {}, lambda: NOW, deadline, Redactor(), lambda url: Http(client, url, "x", deadline), _no
            )
            http = endpoints_of(world.http(authority), world)(endpoint)
            await http.read(endpoint, context="signing in")

    with pytest.raises(CheckpointError) as caught:
        virtual(main)
    assert bool(server.requests) is goes, caught.value


def _no(url: str) -> Http:
    raise AssertionError(url)


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
        check_times(jwt(claims), NOW)
        return
    with pytest.raises(InvalidInput, match=expected):
        check_times(jwt(claims), NOW)


@pytest.mark.parametrize("token", ["opaque", "a.b", "a.b.c", "a..c", "a.ÿ.c", ".." * 5])
def test_a_token_that_says_nothing_is_left_to_the_service(token: str) -> None:
    check_times(token, NOW)
