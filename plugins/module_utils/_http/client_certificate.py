# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client certificate from PEM or PFX files, loaded into a TLS context. A decrypted key is never written to a disk."""

from __future__ import annotations

import os
import ssl
import typing as t

from .._core.errors import InvalidInput
from .._core.missing import required
from .._deps import CERTIFICATES, cryptography
from .files import OLD_PFX, read_file

_PEM = b"-----BEGIN "


class ClientCertificate(t.NamedTuple):
    """Where certificate and key are, and what the key is encrypted with."""

    cert: str
    key: str | None = None
    password: str | None = None


def load_client_certificate(context: ssl.SSLContext, given: ClientCertificate) -> None:
    """Let `context` show the certificate to a server that asks for one; InvalidInput names the option that is wrong."""
    content = read_file("spf_client_cert", given.cert)
    if _PEM in content:
        _load_pem(context, given, content)
    else:
        _load_pfx(context, given, content)


def _load_pem(context: ssl.SSLContext, given: ClientCertificate, content: bytes) -> None:
    own_key = b"PRIVATE KEY-----" in content
    if given.key is None and not own_key:
        raise InvalidInput(
            f"spf_client_cert: {given.cert} holds a certificate without its private key.",
            remedy="Give the key's file as spf_client_key, or a PFX file that holds both.",
        )
    if given.key is not None:
        read_file("spf_client_key", given.key)
    asked = False

    def password() -> str:
        nonlocal asked
        asked = True
        return given.password or ""

    try:
        context.load_cert_chain(given.cert, given.key, password)
    except (OSError, ValueError) as error:
        if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
            raise InvalidInput(
                f"spf_client_key: the key does not belong to the certificate in {given.cert}.",
                remedy="Give the key that the certificate was issued for.",
            ) from None
        if asked:
            raise _wrong_password(given.key or given.cert, given.password) from None
        where = "spf_client_key" if given.key is not None else "spf_client_cert"
        raise InvalidInput(
            f"{where}: {given.key or given.cert} is no PEM that OpenSSL can read.",
            remedy="Give certificate and key in PEM, or a PFX file.",
        ) from None


def _load_pfx(context: ssl.SSLContext, given: ClientCertificate, content: bytes) -> None:
    if given.key is not None:
        raise InvalidInput(
            f"spf_client_key: goes with a PEM certificate, and {given.cert} is none.",
            remedy="Leave it out for a PFX file, which holds the key.",
        )
    other = "give the certificate in PEM"
    library = required(cryptography, "spf_client_cert: a PFX file", CERTIFICATES, other=other)
    password = given.password.encode() if given.password else None
    try:
        key, certificate, more = library.pkcs12.load_key_and_certificates(content, password)
    except (ValueError, TypeError) as error:
        if "password" in str(error).lower() or "mac" in str(error).lower():
            raise _wrong_password(given.cert, given.password, f" {OLD_PFX}") from None
        raise InvalidInput(
            f"spf_client_cert: {given.cert} is neither PEM nor a PFX file.", remedy="Give PEM files or a PFX file."
        ) from None
    if key is None or certificate is None:
        raise InvalidInput(
            f"spf_client_cert: {given.cert} holds a certificate without its private key.",
            remedy="Export the PFX file with its private key.",
        )
    kinds = library.serialization
    encoding = kinds.Encoding.PEM
    pem = key.private_bytes(encoding, kinds.PrivateFormat.PKCS8, kinds.NoEncryption())
    for each in (certificate, *more):
        pem += each.public_bytes(encoding)
    _load_from_memory(context, pem, given.cert)


def _load_from_memory(context: ssl.SSLContext, pem: bytes, path: str) -> None:
    """OpenSSL loads a key from a file only: this one is in memory, and gone when it is closed."""
    if not hasattr(os, "memfd_create"):
        raise InvalidInput(
            f"spf_client_cert: {path}: a PFX file can be used on Linux only.",
            remedy="Give certificate and key in PEM.",
        )
    descriptor = os.memfd_create("client", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    except (OSError, ValueError):
        raise InvalidInput(
            f"spf_client_cert: OpenSSL does not take the certificate in {path}.",
            remedy="Have it issued anew with a key of 2048 bits or more and SHA-256.",
        ) from None
    finally:
        os.close(descriptor)


def _wrong_password(path: str, given: str | None, more: str = "") -> InvalidInput:
    what = "is wrong for" if given else "is needed for"
    return InvalidInput(
        f"spf_client_cert_password: {what} {path}.",
        remedy=f"Give the password that the key was exported with.{more if given else ''}",
    )
