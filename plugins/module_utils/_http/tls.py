# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates are trusted, and why a TLS connection failed."""

from __future__ import annotations

import pathlib
import ssl
import typing as t

from .._core.errors import InvalidInput, UntrustedTls


def tls_context(validate: bool, ca_path: str | None) -> ssl.SSLContext:
    """A context that trusts the system's authorities and those in `ca_path` (a PEM file or a directory of them)."""
    try:
        context = ssl.create_default_context()
    except OSError:  # the interpreter opens it by itself
        raise InvalidInput("SSLKEYLOGFILE: names a file that cannot be written.", remedy="Unset it.") from None
    if not validate:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif ca_path:
        try:
            _trust(context, pathlib.Path(ca_path))
        except (OSError, ValueError):  # SSLError is an OSError; a path may hold a NUL
            raise InvalidInput(
                f"ca_path: {ca_path} is no readable file of PEM certificates.",
                remedy="Give the CA's certificate in PEM.",
            ) from None
    return context


def _trust(context: ssl.SSLContext, path: pathlib.Path) -> None:
    """Load the file, or a directory's PEM files: OpenSSL itself loads only those that are named by a hash."""
    if not path.is_dir():
        context.load_verify_locations(cafile=path)
        return
    files = sorted(path.iterdir())
    if not files:
        raise FileNotFoundError(path)
    context.load_verify_locations(capath=path)
    for file in files:
        if file.suffix.lower() in (".pem", ".crt", ".cer"):
            context.load_verify_locations(cafile=file)


def explain_tls(error: BaseException, label: str) -> UntrustedTls | None:
    """The TLS failure behind a transport's error, or None where TLS was not the reason."""
    for cause in chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return UntrustedTls(
                f"its certificate is not trusted: {cause.verify_message}.",
                subject=label,
                remedy="Give the CA's certificate with ca_path.",
            )
        if isinstance(cause, ssl.SSLError):
            reason = (cause.reason or "handshake failed").lower().replace("_", " ")
            return UntrustedTls(f"TLS could not be agreed: {reason}.", subject=label, remedy="Check the port.")
    return None


def chain(error: BaseException | None) -> t.Iterator[BaseException]:
    """An error and its causes, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
