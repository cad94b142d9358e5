# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the authority answers to a signed assertion, as a token or one whole line; msal itself is in tests/contract."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import certificate_assertion
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.authority import Authority
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.certificate_assertion import (
    CertificateAssertion,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.token import Token
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    Written,
    reply,
    virtual,
)

REMEDY = (
    "Check tenant and client_id, and that the certificate of x509_certificate_path is uploaded to that application."
)
PORTAL = "Check that the URL leads to the service itself and not to a proxy or portal."
GRANTED = reply(200, {"access_token": "e30", "expires_in": 77})
BUSY = reply(400, {"error": "temporarily_unavailable"})
Act = Callable[[Any], None]


def asks(transport: Any) -> None:
    """As msal does: it is not our business what it makes of the answer."""
    transport.post(f"{BASE}/t/oauth2/v2.0/token", data={"client_assertion": "signed"})


class Library:
    """msal as far as it is used; `act` is what it does with the transport."""

    def __init__(self, act: Act) -> None:
        self.act = act
        self.made: list[Any] = []
        self.acquired: list[Any] = []

    def ConfidentialClientApplication(self, client_id: str, *, http_client: Any, **given: Any) -> Any:
        self.made.append((client_id, given))
        self.transport = http_client
        return self

    def acquire_token_for_client(self, scopes: list[str], **given: Any) -> None:
        self.acquired.append((scopes, given))
        self.act(self.transport)


class Signer:
    """A client whose authority answers as written."""

    def __init__(self, patch: pytest.MonkeyPatch, *said: Written, act: Act = asks) -> None:
        self.server, self.library = Script(*said), Library(act)
        self.needed: list[tuple[str, str]] = []

        def required(option: str, other: str) -> Library:
            self.needed.append((option, other))
            return self.library

        patch.setattr(certificate_assertion, "require_msal", required)

    def fetch(self, claims: str | None = None, seconds: float = 600.0) -> Token:
        async def main() -> Token:
            async with self.server.http(seconds=seconds) as http:
                authority = Authority(http, BASE, "t", "https://arm.test/.default", Redactor())
                made = CertificateAssertion(authority, lambda _url: http, "me", {"thumbprint": "ab"}, Redactor())
                return await made.fetch(claims)

        return virtual(main)

    def refused(self, seconds: float = 600.0) -> CheckpointError:
        with pytest.raises(CheckpointError) as caught:
            self.fetch(seconds=seconds)
        return caught.value


@pytest.mark.parametrize("claims", [None, "{}"])
def test_msal_signs_for_the_client_at_its_authority(claims: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer(monkeypatch, GRANTED)
    assert signer.fetch(claims) == ("e30", 77.0)
    assert signer.library.made[-1] == (
        "me",
        {"client_credential": {"thumbprint": "ab"}, "authority": f"{BASE}/t", "instance_discovery": False},
    )
    assert signer.library.acquired[-1] == (["https://arm.test/.default"], {"claims_challenge": claims})
    assert signer.needed == [("x509_certificate_path", "use a client secret")]
    assert [request.content for request in signer.server.requests] == [b"client_assertion=signed"]


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (
            reply(401, {"error": "invalid_client"}),
            "sign_in_refused",
            f"service: sign-in refused (401) for client me: invalid_client. {REMEDY}",
        ),
        (
            reply(501, {}),
            "unavailable",
            "service: the sign-in authority failed (501). Run the task again later.",
        ),
        (reply(200, {}), "bad_answer", f"service: the sign-in answer holds no usable access_token. {PORTAL}"),
        (reply(200, []), "bad_answer", f"service: the sign-in answer is no JSON object. {PORTAL}"),
        (
            reply(302, {}),
            "bad_answer",
            f"service: the sign-in was answered with a redirect (302), which is not followed. {PORTAL}",
        ),
    ],
)
def test_what_is_no_token_is_told_in_whole(
    said: Written, code: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = Signer(monkeypatch, said)
    error = signer.refused()
    assert (error.code, str(error)) == (code, told)
    assert len(signer.server.requests) == 1


def test_a_busy_authority_is_asked_four_times_with_growing_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer(monkeypatch, BUSY)
    assert str(signer.refused()) == (
        "service: the sign-in authority is busy (400): temporarily_unavailable. Run the task again later."
    )
    assert signer.server.times == [0.0, 2.0, 6.0, 14.0]
    assert Signer(monkeypatch, BUSY, BUSY, BUSY, GRANTED).fetch() == ("e30", 77.0)


@pytest.mark.parametrize(("seconds", "asked"), [(1.5, 1), (3.0, 2), (7.0, 3)])
def test_it_is_not_asked_beyond_the_deadline(seconds: float, asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    signer = Signer(monkeypatch, BUSY)
    assert signer.refused(seconds).code == "unavailable"
    assert len(signer.server.requests) == asked


def raising(error: Exception, *, after: bool) -> Act:
    def act(transport: Any) -> None:
        if after:
            asks(transport)
        raise error

    return act


def test_a_key_that_msal_cannot_use_is_told_in_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    error = Signer(monkeypatch, act=raising(UnicodeError("secret"), after=False)).refused()
    assert (error.code, str(error)) == ("invalid_input", "x509_certificate_path: msal cannot use it (UnicodeError).")


def test_an_answer_that_msal_cannot_use_is_told_in_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    error = Signer(monkeypatch, GRANTED, act=raising(ValueError("x"), after=True)).refused()
    assert (error.code, str(error)) == (
        "bad_answer",
        f"service: what the sign-in authority says of itself, or its token, makes no sense. {PORTAL}",
    )
    error = Signer(monkeypatch, reply(401, {"error": "e"}), act=raising(ValueError("x"), after=True)).refused()
    assert str(error) == f"service: sign-in refused (401) for client me: e. {REMEDY}"


def test_a_token_that_nobody_was_asked_for_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    error = Signer(monkeypatch, act=lambda _transport: None).refused()
    assert (error.code, str(error)) == ("invalid_input", "x509_certificate_path: msal has asked nobody.")
