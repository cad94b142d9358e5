# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a file of a key and its certificate becomes for msal, and whole lines where it holds something else."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError, MissingLibrary
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import certificate_assertion
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.certificate_assertion import (
    read_certificate,
)
from tests.contract.sign_in.identities import PASSWORD, elliptic_key, principal

FILE = "{path}"
ABOUT = "x509_certificate_path: {path} "
OPEN = (
    f"{ABOUT}cannot be read as PEM, nor as PFX without a password. Check the file; where it has a password, give "
    "x509_certificate_password."
)
"""Of a file that needs no password, or has got none."""


def found(
    tmp_path: Path, content: bytes, password: str | None = None, thumbprint: str | None = None, *, chain: bool = False
) -> dict[str, str]:
    path = tmp_path / "file"
    path.write_bytes(content)
    return read_certificate(str(path), password, thumbprint, send_chain=chain, redactor=Redactor())


def refused(tmp_path: Path, content: bytes, *given: Any, chain: bool = False) -> tuple[str, str]:
    with pytest.raises(CheckpointError) as caught:
        found(tmp_path, content, *given, chain=chain)
    return caught.value.code, str(caught.value).replace(str(tmp_path / "file"), FILE)


def other() -> Any:
    return principal("another.example")


def pfx(*others: Any, password: str | None = None) -> bytes:
    me = principal()
    how = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return pkcs12.serialize_key_and_certificates(b"me", me.key, me.certificate, list(others), how)


def traditional(key: Any) -> bytes:
    """An encrypted key as OpenSSL wrote it until version 1: its kind says RSA, and a header that it is encrypted."""
    encrypted = BestAvailableEncryption(PASSWORD.encode())
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, encrypted))


@pytest.mark.parametrize(
    ("content", "password"),
    [
        (lambda me: me.key_pem() + me.certificate_pem, None),
        (lambda me: me.certificate_pem + me.key_pem(), ""),
        (lambda me: me.certificate_pem + me.key_pem(PASSWORD), PASSWORD),
        (lambda me: me.key_pem() + other().certificate_pem + me.certificate_pem, None),
        (lambda _me: pfx(password=PASSWORD), PASSWORD),
        (lambda _me: pfx(other().certificate), None),
        (lambda me: traditional(me.key) + me.certificate_pem, PASSWORD),
    ],
)
def test_a_key_and_its_certificate(content: Callable[[Any], bytes], password: str | None, tmp_path: Path) -> None:
    me = principal()
    given = me.thumbprint if password == "" else None
    assert found(tmp_path, content(me), password, given) == {
        "private_key": me.key_pem().decode(),
        "thumbprint": me.thumbprint,
    }


def test_a_key_alone_needs_the_thumbprint(tmp_path: Path) -> None:
    me = principal()
    assert found(tmp_path, me.key_pem(), None, "ab" * 20) == {
        "private_key": me.key_pem().decode(),
        "thumbprint": "ab" * 20,
    }


@pytest.mark.parametrize("kind", ["pem", "pfx"])
def test_a_chain_begins_with_the_key_s_own_certificate(kind: str, tmp_path: Path) -> None:
    me, stranger = principal(), other()
    content = me.key_pem() + stranger.certificate_pem + me.certificate_pem
    if kind == "pfx":
        content = pfx(stranger.certificate)
    assert found(tmp_path, content, chain=True) == {
        "private_key": me.key_pem().decode(),
        "thumbprint": me.thumbprint,
        "public_certificate": (me.certificate_pem + stranger.certificate_pem).decode(),
    }


KEYLESS = (
    "invalid_input",
    f"{ABOUT}holds no private key. Give a file with the private key and the certificate, as PEM or PFX.",
)
ASKED = (
    "invalid_input",
    "x509_certificate_password: the key in {path} is encrypted, and no password is given. Give "
    "x509_certificate_password (AZURE_CLIENT_CERTIFICATE_PASSWORD).",
)
WRONG = (
    "invalid_input",
    "x509_certificate_password: does not open {path}, or the file is damaged. Check the password and that the file is "
    "PEM or PFX. Where RC2 and 3DES are forbidden (FIPS), a PFX file that uses them does not open: export it with "
    "AES-256.",
)


@pytest.mark.parametrize(
    ("content", "given", "told"),
    [
        (lambda _me: b"nonsense", (), ("invalid_input", OPEN)),
        (lambda _me: b"nonsense", ("",), ("invalid_input", OPEN)),
        (lambda _me: b"nonsense", ("wrong",), WRONG),
        (lambda me: me.certificate_pem, (), KEYLESS),
        (lambda me: me.key_pem(PASSWORD), (), ASKED),
        (lambda me: traditional(me.key), (), ASKED),
        (lambda me: me.key_pem(PASSWORD), ("wrong",), WRONG),
        (lambda _me: pfx(password=PASSWORD), ("wrong",), WRONG),
        (lambda _me: pfx(password=PASSWORD), (), ("invalid_input", OPEN)),
        (
            lambda me: me.pfx(None, with_key=False),
            (),
            ("invalid_input", f"{ABOUT}holds no private key. Export the PFX with its private key."),
        ),
        (
            lambda _me: elliptic_key(),
            (),
            (
                "invalid_input",
                "x509_certificate_path: the key in {path} is none of RSA. Entra takes RSA keys.",
            ),
        ),
        (
            lambda me: me.key_pem() + other().certificate_pem,
            (),
            ("invalid_input", "x509_certificate_path: key and certificate in {path} do not belong together."),
        ),
        (
            lambda me: me.key_pem(),
            (),
            (
                "invalid_input",
                f"{ABOUT}holds a key and no certificate. Add the certificate to the file, or give its thumbprint.",
            ),
        ),
    ],
)
def test_what_a_file_lacks_is_told_in_whole(
    content: Callable[[Any], bytes], given: tuple[str, ...], told: tuple[str, str], tmp_path: Path
) -> None:
    assert refused(tmp_path, content(principal()), *given) == told


def test_a_pfx_with_a_key_alone_is_told_in_whole(tmp_path: Path) -> None:
    content = pkcs12.serialize_key_and_certificates(b"me", principal().key, None, None, NoEncryption())
    assert refused(tmp_path, content) == (
        "invalid_input",
        "x509_certificate_path: {path} holds a key and no certificate. Add the certificate to the file, or give its "
        "thumbprint.",
    )


def test_msal_is_missed_before_the_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(option: str, other_way: str) -> None:
        raise MissingLibrary(f"{option} needs msal, or {other_way}.")

    monkeypatch.setattr(certificate_assertion, "require_msal", missing)
    with pytest.raises(MissingLibrary) as caught:
        read_certificate("/nowhere", None, None, send_chain=False, redactor=Redactor())
    assert caught.value.message == "x509_certificate_path needs msal, or use a client secret."


def test_a_thumbprint_of_another_certificate_is_told_in_whole(tmp_path: Path) -> None:
    me = principal()
    assert refused(tmp_path, me.key_pem() + me.certificate_pem, None, "ab" * 20) == (
        "invalid_input",
        f"thumbprint: the certificate in {FILE} has the thumbprint {me.thumbprint}, not {'ab' * 20}. Leave thumbprint "
        "out, or give the file of that certificate.",
    )


def test_a_chain_without_certificates_is_told_in_whole(tmp_path: Path) -> None:
    assert refused(tmp_path, principal().key_pem(), None, "ab" * 20, chain=True) == (
        "invalid_input",
        "send_certificate_chain: {path} holds no certificate.",
    )


def test_the_password_is_not_shown(tmp_path: Path) -> None:
    path, redactor = tmp_path / "file", Redactor()
    path.write_bytes(principal().key_pem() + principal().certificate_pem)
    read_certificate(str(path), PASSWORD, None, send_chain=False, redactor=redactor)
    assert redactor.redact_result(f"x {PASSWORD}") == f"x {MASK}"


class Crypto:
    """A cryptography that raises the same error of whatever it reads."""

    UnsupportedAlgorithm = UnsupportedAlgorithm

    def __init__(self, error: Exception) -> None:
        self.serialization = self.pkcs12 = self
        self._error = error

    def load_pem_private_key(self, *_given: object) -> None:
        raise self._error

    def load_key_and_certificates(self, *_given: object) -> None:
        raise self._error


@pytest.mark.parametrize("error", [ValueError("x"), TypeError("x"), UnsupportedAlgorithm("x")])
@pytest.mark.parametrize("content", [b"nonsense", b"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n"])
def test_whatever_cryptography_raises_is_one_line(
    error: Exception, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certificate_assertion, "cryptography", lambda: Crypto(error))
    assert refused(tmp_path, content) == ("invalid_input", OPEN)


def test_a_missing_cryptography_is_told_in_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ImportError("no module named cryptography")

    monkeypatch.setattr(certificate_assertion, "cryptography", missing)
    assert refused(tmp_path, b"x") == (
        "missing_library",
        "x509_certificate_path needs the Python package cryptography for the Python that runs the module, "
        f"{sys.executable}: no module named cryptography. Install it: {sys.executable} -m pip install 'cryptography'. "
        "Or use a client secret.",
    )
