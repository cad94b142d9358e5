# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ways to sign in to SPF are given, what they learn from a refusal, and what is hidden."""

from __future__ import annotations

import base64
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, cast

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import SpfSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Exchanged
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.sign_in import auth_of
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

USER = {"spf_username": "svc", "spf_password": "pass-word"}
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def made(redactor: Redactor, **options: Any) -> Any:
    async def main() -> Any:
        settings = SpfSettings.model_validate({"spf_url": "https://spf.test:8090/x.svc", **options})
        async with AsyncExitStack() as stack:
            return auth_of(settings, redactor, lambda: NOW, cast(Any, httpx.AsyncClient), stack)

    return virtual(main)


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("options", "secret"),
    [
        (USER, "pass-word"),
        ({**USER, "spf_auth": "basic"}, coded("svc:pass-word")),
        ({"spf_token": "e30.e31"}, "e30.e31"),
        ({"spf_client_cert": "/c", "spf_client_cert_password": "of-the-key"}, "of-the-key"),
    ],
)
def test_what_signs_in_is_hidden_as_soon_as_there_is_a_way(options: dict[str, str], secret: str) -> None:
    redactor = Redactor()
    made(redactor, **options)
    assert redactor.redact(secret) == MASK


@pytest.mark.parametrize("spf_auth", ["basic", "auto"])
def test_basic_sends_user_and_password(spf_auth: str) -> None:
    auth = made(Redactor(), **USER, spf_auth=spf_auth)
    basic = auth if spf_auth == "basic" else auth._basic()
    sent = next(basic._basic.auth_flow(httpx.Request("GET", "https://spf.test")))
    assert sent.headers["authorization"] == f"Basic {coded('svc:pass-word')}"


def test_a_given_token_is_sent_unless_it_has_expired() -> None:
    (sent,) = made(Redactor(), spf_token="e30.e31").auth_flow(httpx.Request("GET", "https://spf.test"))
    assert sent.headers["authorization"] == "Bearer e30.e31"
    claims = coded('{"exp": 1}').rstrip("=")
    with pytest.raises(InvalidInput) as caught:
        made(Redactor(), spf_token=f"e30.{claims}.e30")
    assert str(caught.value) == (
        "spf_token: expired at 1970-01-01 00:00Z. Get a new one, or use credentials that can be renewed."
    )


def test_what_a_first_refusal_offers_is_not_asked_for_again() -> None:
    redactor = Redactor()
    refusal = httpx.Response(401, headers={"WWW-Authenticate": "NTLM"})
    windows = made(redactor, **USER)._windows(Exchanged(refusal, b"", ""))
    assert windows._offers == ("ntlm",)
    assert (windows._tickets is not None, windows._ntlm, windows._send_bindings) == (True, True, True)
    assert windows._schemes == ("negotiate", "ntlm", "kerberos")
    assert windows._redactor is redactor
    assert made(redactor, **USER, spf_auth="ntlm")._offers is None
