# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Claims that a service demands, and remedies that know Entra's numbers."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.token import claims_of, refusal_of
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import answer


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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("AADSTS90002: Tenant 'x' not found.", "Check tenant"),
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
