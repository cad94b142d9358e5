# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed client assertions (RFC 7523) as Entra checks them: thumbprint, signature, audience and time."""

from __future__ import annotations

import base64
import json
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from simulator.azure.identities import Identities

Problem = tuple[str, int, str]


def check_signed(assertion: str, client: str, endpoint: str, known: Identities, now: float) -> Problem | None:
    """Error, number and text of what is wrong with an assertion that a client signed; None where nothing is."""
    try:
        head, body, signature = assertion.split(".")
        header, claims = _json(head), _json(body)
        signed = _bytes(signature)
    except (ValueError, TypeError):
        return "invalid_client", 50027, "JWT token is invalid or malformed."
    certificate = _certificate(header, known)
    if certificate is None:
        return (
            "invalid_client",
            700027,
            "The certificate with identifier used to sign the client assertion is not registered on application.",
        )
    key = certificate.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    how = pss if header.get("alg") == "PS256" else padding.PKCS1v15()
    try:
        key.verify(signed, f"{head}.{body}".encode(), how, hashes.SHA256())
    except InvalidSignature:
        return "invalid_client", 700027, "Client assertion failed signature validation."
    if claims.get("iss") != client or claims.get("sub") != client or claims.get("aud") != endpoint:
        return "invalid_client", 700023, "Client assertion audience claim does not match Realm issuer."
    # The client signs by the machine's clock, which is not that of the world: only the length of its life counts.
    if not 0 < float(claims.get("exp", 0)) - float(claims.get("iat", now)) <= 86400:
        return "invalid_client", 700024, "Client assertion is not within its valid time range."
    return None


def _certificate(header: dict[str, Any], known: Identities) -> x509.Certificate | None:
    if chain := header.get("x5c"):
        sent = x509.load_der_x509_certificate(base64.b64decode(chain[0]))
        if sent.subject.rfc4514_string() in known.trusted_names:
            return sent
    for thumbprint, pem in known.certificates.items():
        registered = x509.load_pem_x509_certificate(pem)
        by_sha256 = _text(registered.fingerprint(hashes.SHA256())) == str(header.get("x5t#S256")).rstrip("=")
        if by_sha256 or _text(bytes.fromhex(thumbprint)) == str(header.get("x5t")).rstrip("="):
            return registered
    return None


def _json(part: str) -> dict[str, Any]:
    found = json.loads(_bytes(part))
    if not isinstance(found, dict):
        raise TypeError("no object")
    return found


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
