# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What binds a sign-in to its TLS connection: the hash of the certificate that the connection shows."""

from __future__ import annotations

import hashlib
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.bindings import end_point_bindings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.kerberos_errors import Identity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.windows import Windows
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Exchanged
from tests.contract.sign_in.identities import principal

RSA = bytes.fromhex("06092a864886f70d0101")
"""The object identifier of RSA's signatures, without its last octet, which says the hash."""


def certificate(last: int) -> bytes:
    """One whose signature says that hash; nobody checks it here."""
    made = principal().certificate.public_bytes(Encoding.DER)
    assert made.count(RSA + b"\x0b") == 2
    return made.replace(RSA + b"\x0b", RSA + bytes([last]))


def without_hash() -> bytes:
    """One whose signature has no hash of its own."""
    key, name, known = Ed25519PrivateKey.generate(), x509.Name([]), principal().certificate
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(known.not_valid_before_utc)
        .not_valid_after(known.not_valid_after_utc)
    )
    return built.sign(key, None).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    ("last", "kind"),
    [(4, "sha256"), (5, "sha256"), (11, "sha256"), (12, "sha384"), (13, "sha512")],
    ids=["md5", "sha1", "sha256", "sha384", "sha512"],
)
def test_the_certificate_s_own_hash_binds_and_no_weak_one(last: int, kind: str) -> None:
    shown = certificate(last)
    bound = end_point_bindings(shown)
    assert bound.application_data == b"tls-server-end-point:" + hashlib.new(kind, shown).digest()


def test_a_signature_without_a_hash_of_its_own_is_bound_by_sha_256() -> None:
    shown = without_hash()
    assert end_point_bindings(shown).application_data == b"tls-server-end-point:" + hashlib.sha256(shown).digest()


class Secured:
    """A connection over TLS, or of a server that shows no certificate."""

    def __init__(self, shown: bytes | None) -> None:
        self.shown = shown

    def get_extra_info(self, name: str) -> Secured | None:
        return self if name == "ssl_object" else None

    def getpeercert(self, binary: bool) -> bytes | None:
        assert binary is True
        return self.shown


class Plain:
    """A connection without TLS."""

    def get_extra_info(self, _name: str) -> None:
        return None


def learnt(extensions: dict[str, Any], **more: Any) -> Any:
    def no_client() -> httpx.AsyncClient:
        raise AssertionError("no client is needed")

    auth = Windows(Identity("svc", "pw", host="h"), no_client, AsyncExitStack(), kerberos=False, ntlm=True, **more)
    refusal = httpx.Response(401, headers={"WWW-Authenticate": "NTLM"}, extensions=extensions)
    auth.learn(Exchanged(refusal, b"", ""))
    assert auth._offers == ("ntlm",)
    return auth._bindings


def test_a_sign_in_is_bound_to_the_connection_of_the_401() -> None:
    shown = certificate(11)
    bound = learnt({"network_stream": Secured(shown)})
    assert bound.application_data == b"tls-server-end-point:" + hashlib.sha256(shown).digest()


@pytest.mark.parametrize(
    "extensions", [{}, {"network_stream": Plain()}, {"network_stream": Secured(None)}, {"network_stream": Secured(b"")}]
)
def test_a_connection_without_a_certificate_binds_nothing(extensions: dict[str, Any]) -> None:
    assert learnt(extensions) is None


def test_nothing_is_bound_where_that_is_switched_off() -> None:
    assert learnt({"network_stream": Secured(certificate(11))}, send_bindings=False) is None
