# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates are trusted, and why a TLS connection failed."""

from __future__ import annotations

import contextlib
import os
import pathlib
import ssl
import typing as t

from .._core.errors import InvalidInput, UntrustedTls
from .._deps import truststore
from .files import open_file


def tls_context(validate: bool, ca_path: str | None) -> ssl.SSLContext:
    """A context that trusts the system's authorities and those in `ca_path` (a PEM file or a directory of them).

    The operating system's own store counts where the package truststore is installed; OpenSSL's files elsewhere.
    """
    try:
        context = _system_context()
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


_WHERE_AUTHORITIES_STAND = ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE")
_prepared: list[tuple[list[str | None], ssl.SSLContext]] = []


def prepare_context() -> None:
    """Read the system's authorities now, for the first task of each process that is forked from this one.

    A context is used once, because a task adds its own authorities to it.
    """
    if not _prepared:
        with contextlib.suppress(OSError):  # the task itself says what is wrong
            _prepared.append((_places(), _new_context()))


def _system_context() -> ssl.SSLContext:
    if _prepared:
        places, context = _prepared.pop()
        if places == _places():
            return context
    return _new_context()


def _places() -> list[str | None]:
    return [os.environ.get(name) for name in _WHERE_AUTHORITIES_STAND]


def _new_context() -> ssl.SSLContext:
    try:
        library = truststore()
    except ImportError:
        return ssl.create_default_context()
    return t.cast(ssl.SSLContext, library.SSLContext(ssl.PROTOCOL_TLS_CLIENT))


def _trust(context: ssl.SSLContext, path: pathlib.Path) -> None:
    """Load the file, or a directory's PEM files: OpenSSL itself loads only those that are named by a hash."""
    if not path.is_dir():
        open_file(path).close()  # OpenSSL would wait for whoever writes into a pipe
        context.load_verify_locations(cafile=path)
        return
    files = sorted(path.iterdir())
    if not files:
        raise FileNotFoundError(path)
    context.load_verify_locations(capath=path)
    for file in files:
        if file.suffix.lower() in (".pem", ".crt", ".cer"):
            open_file(file).close()
            context.load_verify_locations(cafile=file)


CA = "Give the CA's certificate with ca_path."
CLOCK = "Have the server's certificate renewed; if it is in order, this machine's clock is wrong."
NAME = "Use the name that the certificate is for in the URL, or have one issued for this name; ca_path cannot help."
WEAK = "Have the certificate issued anew with a longer key and a newer signature; ca_path cannot help."
STRICT = "Have it issued anew as RFC 5280 asks, which Python checks since 3.13; ca_path cannot help."
INTERMEDIATE = (
    "Give the CA's certificate with ca_path; where the server does not send its intermediate certificate, add that to "
    "the file, or have the server send it."
)
REMEDIES: dict[int, str] = {
    **dict.fromkeys((2, 20, 21, 33, 44), INTERMEDIATE),
    **dict.fromkeys((9, 10, 11, 12, 13, 14), CLOCK),
    **dict.fromkeys((62, 63, 64), NAME),
    **dict.fromkeys((66, 67, 68), WEAK),
    23: "The certificate was revoked: have the server get another one; ca_path cannot help.",
    **dict.fromkeys((26, 37), "It was not issued for a server: have one issued for server authentication."),
    **dict.fromkeys(
        (24, 25, 32, 79), "The CA's certificate is none that may issue others: give the right one with ca_path."
    ),
    **dict.fromkeys(range(80, 96), STRICT),
}
"""By OpenSSL's verify code (x509_vfy.h); for every other one it is CA."""
_OLD = ("UNSUPPORTED_PROTOCOL", "NO_PROTOCOLS_AVAILABLE", "TLSV1_ALERT_PROTOCOL_VERSION", "PROTOCOL_VERSION")
_EXPIRED = "SSLV3_ALERT_CERTIFICATE_EXPIRED"
_CERTIFICATE = (
    _EXPIRED,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED",
    "SSLV3_ALERT_BAD_CERTIFICATE",
    "SSLV3_ALERT_CERTIFICATE_REVOKED",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
    "TLSV1_ALERT_UNKNOWN_CA",
    "TLSV1_ALERT_ACCESS_DENIED",
)
"""Alerts of a server that say something of the client's certificate (RFC 8446, 6.2), by OpenSSL's names."""


def explain_tls(error: BaseException, label: str) -> UntrustedTls | None:
    """The TLS failure behind a transport's error, or None where TLS was not the reason.

    A connection that is closed in the handshake is not untrusted: balancers and restarting servers do that.
    """
    for cause in chain(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            remedy = REMEDIES.get(getattr(cause, "verify_code", 0), CA)
            return UntrustedTls(
                f"its certificate is not trusted: {cause.verify_message.rstrip('.')}.", subject=label, remedy=remedy
            )
        if isinstance(cause, ssl.SSLError) and not _was_closed(cause):
            reason = _reason(cause)
            words = (reason or "handshake failed").lower().replace("_", " ")
            return UntrustedTls(f"TLS could not be agreed: {words}.", subject=label, remedy=_way_out(reason))
    return None


def explain_certificate(error: BaseException, label: str) -> UntrustedTls | None:
    """The refusal of a client certificate, which TLS 1.3 tells after the handshake; nothing was carried out then."""
    for cause in chain(error):
        if isinstance(cause, ssl.SSLError) and _reason(cause) in _CERTIFICATE:
            return explain_tls(error, label)
    return None


def _was_closed(error: ssl.SSLError) -> bool:
    closed = isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError))
    return closed or "UNEXPECTED_EOF_WHILE_READING" in f"{_reason(error)} {error.strerror}"


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's name for it. Where Python itself has made the error there may be none, nor the member."""
    return getattr(error, "reason", None) or ""


def _way_out(reason: str) -> str:
    if reason in _OLD:
        return "The server offers only versions of TLS before 1.2: have a newer one enabled there."
    if reason == _EXPIRED:
        return "The certificate of spf_client_cert has expired: renew it, and give the new one."
    if reason in _CERTIFICATE:
        return (
            "The server asks for a client certificate (spf_client_cert), or does not take the one that it got: it must "
            "be valid, for client authentication, and from an authority that the server trusts."
        )
    if reason.endswith("HANDSHAKE_FAILURE"):
        return (
            "Server and client have no cipher in common: have a newer one enabled there; or the server demands a "
            "client certificate (spf_client_cert)."
        )
    return "Check the port: it may not speak TLS."


def chain(error: BaseException | None) -> t.Iterator[BaseException]:
    """An error and its causes, each once."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
