# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims that a service demands, and remedies that know Entra's numbers."""

from __future__ import annotations

import base64
import re

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    SignInRefused,
    Unavailable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import LONGEST
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.token import (
    claims_of,
    is_usable,
    object_of,
    refusal_of,
    token_of,
    token_of_text,
    until_ready,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    answer,
    virtual,
)


@pytest.mark.parametrize(
    ("challenge", "claims"),
    [
        ('Bearer error="insufficient_claims", claims="eyJhIjp7fX0="', '{"a":{}}'),
        ('Bearer error="insufficient_claims", claims="eyJhIjp7fX0"', '{"a":{}}'),
        ('Bearer realm="", claims="eyJhIjoiPz8_In0", error="insufficient_claims"', '{"a":"???"}'),
        ('Bearer error="invalid_token", claims="eyJhIjp7fX0="', None),
        ('Bearer error="insufficient_claims"', None),
        ('Bearer error="insufficient_claims", claims=""', None),
        ('Bearer error="insufficient_claims", claims="/w=="', None),
        ('Bearer error="insufficient_claims", claims="A"', None),
        ("", None),
    ],
)
def test_claims_are_read_from_a_challenge(challenge: str, claims: str | None) -> None:
    assert claims_of(challenge) == claims


def test_claims_of_any_length_are_read() -> None:
    for length in range(15):
        text = '{"a":"' + "b" * length + '"}'
        coded = base64.urlsafe_b64encode(text.encode()).decode()
        for given in (coded, coded.rstrip("=")):
            assert claims_of(f'Bearer error="insufficient_claims", claims="{given}"') == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AADSTS90002: Tenant 'x' not found.", "Check tenant"),
        ("AADSTS500011: The resource principal was not found.", "Check tenant, subscription_id and cloud_environment"),
        ("AADSTS700016: Application was not found.", "Check client_id"),
        ("AADSTS7000215: Invalid client secret.", "as usual"),
        ("AADSTS7000222: The provided client secret keys are expired.", "The client secret has expired"),
        ("AADSTS700027: Certificate not registered.", "x509_certificate_path"),
        ("AADSTS700024: Not within its valid time range.", "The federated token is not valid at this time"),
        ("AADSTS70021: No matching federated identity.", "Compare issuer, subject and audience"),
        ("AADSTS700211: No matching issuer.", "Compare issuer, subject and audience"),
        ("AADSTS700212: No matching audience.", "Compare issuer, subject and audience"),
        ("AADSTS700213: No matching subject.", "Compare issuer, subject and audience"),
        ("AADSTS53003: Blocked by conditional access.", "A conditional access policy forbids it"),
        ("AADSTS1: Unknown.", "as usual"),
        ("Something else.", "as usual"),
    ],
)
def test_a_remedy_fits_the_number_of_the_refusal(text: str, expected: str) -> None:
    error = refusal_of(answer(401), {"error": "invalid_client", "error_description": text}, "client c", "as usual")
    assert expected in error.remedy


def test_a_refusal_shows_ids_and_a_reason_in_short() -> None:
    body = {"error_description": "x" * 5000, "trace_id": "t" * 500, "correlation_id": "c" * 500}
    error = refusal_of(answer(401), body, "client c", "as usual")
    assert (len(error.request_id or ""), len(error.correlation_id or "")) == (100, 100)
    assert error.message == f"sign-in refused (401) for client c: {'x' * 299}…."


def test_the_service_s_own_request_id_comes_first() -> None:
    said = answer(400, b"", x_ms_request_id="r")
    error = refusal_of(said, {"error": "e", "trace_id": "t"}, "client c", "as usual")
    assert (error.request_id, error.correlation_id, type(error)) == ("r", None, SignInRefused)


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("body", [{"error": "e"}, "<html>"])
def test_an_authority_that_fails_has_not_refused_whatever_it_writes(status: int, body: object) -> None:
    with pytest.raises(Unavailable, match=rf"the sign-in authority failed \({status}\)\."):
        object_of(answer(status, body))


@pytest.mark.parametrize("word", ["temporarily_unavailable", "server_error"])
def test_an_authority_that_is_busy_has_not_refused(word: str) -> None:
    body = {"error": word, "error_description": "AADSTS90033: Try again."}
    error = refusal_of(answer(400), body, "client c", "as usual")
    assert (type(error), error.retry) == (Unavailable, "safe")
    assert error.message == "the sign-in authority is busy (400): AADSTS90033: Try again."
    assert isinstance(refusal_of(answer(499), {"error": "e"}, "client c", "as usual"), SignInRefused)


@pytest.mark.parametrize(("length", "usable"), [(0, False), (1, True), (LONGEST, True), (LONGEST + 1, False)])
def test_how_long_a_token_may_be(length: int, usable: bool) -> None:
    assert is_usable("x" * length) is usable


@pytest.mark.parametrize("status", [300, 302, 399])
def test_a_sign_in_is_not_followed_elsewhere(status: int) -> None:
    with pytest.raises(BadResponse, match=re.escape(f"answered with a redirect ({status}), which is not followed.")):
        object_of(answer(status, {}))
    for answered in (299, 400, 499):
        assert object_of(answer(answered, {"a": 1})) == {"a": 1}


def test_a_token_is_for_an_hour_unless_it_says_otherwise() -> None:
    assert token_of({"access_token": "x"}, answer(200)) == ("x", 3600.0)
    assert token_of({"access_token": "x", "expires_in": "60"}, answer(200)) == ("x", 60.0)
    assert token_of_text("x", 60.0, "az") == ("x", 60.0)
    with pytest.raises(BadResponse, match="holds no usable access token") as caught:
        token_of_text("", 60.0, "az")
    assert caught.value.subject == "az"


@pytest.mark.parametrize(
    ("busy", "within", "asked"),
    [(0, 100, [0.0]), (1, 100, [0, 2]), (9, 100, [0, 2, 6, 14]), (9, 5, [0, 2])],
)
def test_whoever_is_busy_is_asked_again_with_longer_pauses(busy: int, within: float, asked: list[float]) -> None:
    async def main() -> None:
        start, times = trio.current_time(), list[float]()

        async def ask() -> int:
            times.append(trio.current_time() - start)
            return len(times)

        found = await until_ready(ask, lambda count: count <= busy, Deadline(within))
        assert (times, found) == (asked, len(asked))

    virtual(main)
