# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates of a service principal, as files that users have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from simulator.azure.identities import Identities

PASSWORD = "Pf%x p4ss&w<rd"
SUBJECT = "CN=checkpoints.example"


@dataclass(frozen=True)
class Principal:
    """A key and its certificate."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def thumbprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA1()).hex()

    @property
    def certificate_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    def key_pem(self, password: str | None = None) -> bytes:
        how: KeySerializationEncryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)

    def pfx(self, password: str | None, *, with_key: bool = True) -> bytes:
        how: KeySerializationEncryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return pkcs12.serialize_key_and_certificates(b"me", self.key if with_key else None, self.certificate, None, how)

    def register(self, identities: Identities) -> None:
        """Upload the certificate, as an administrator of the tenant does."""
        identities.certificates[self.thumbprint] = self.certificate_pem

    def written(self, directory: Path, kind: str) -> dict[str, str]:
        """The options of a file of that kind in `directory`."""
        contents = {
            "pem": self.key_pem() + self.certificate_pem,
            "certificate first": self.certificate_pem + self.key_pem(),
            "encrypted pem": self.certificate_pem + self.key_pem(PASSWORD),
            "pfx": self.pfx(PASSWORD),
            "open pfx": self.pfx(None),
            "key alone": self.key_pem(),
        }
        path = directory / "principal"
        path.write_bytes(contents[kind])
        options = {"x509_certificate_path": str(path)}
        if kind in ("encrypted pem", "pfx"):
            options["x509_certificate_password"] = PASSWORD
        if kind == "key alone":
            options["thumbprint"] = self.thumbprint.upper()
        return options


@cache
def principal(name: str = "checkpoints.example") -> Principal:
    """One for all tests: keys take a while."""
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )
    return Principal(key, built.sign(key, hashes.SHA256()))


def elliptic_key() -> bytes:
    """A key that Entra does not take."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, serialization.PrivateFormat.PKCS8, NoEncryption())
