# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom we trust, and the one line that says why not."""

from __future__ import annotations

import itertools
import os
import ssl
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import tls
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.tls import (
    CA,
    CLOCK,
    INTERMEDIATE,
    NAME,
    STRICT,
    WEAK,
    chain,
    explain_certificate,
    explain_tls,
    tls_context,
)


@pytest.fixture(scope="module")
def authority() -> bytes:
    pem: bytes = trustme.CA().cert_pem.bytes()
    return pem


@pytest.fixture(autouse=True)
def _nothing_prepared() -> Iterator[None]:
    tls._prepared.clear()
    yield
    tls._prepared.clear()


def trusted(context: ssl.SSLContext) -> set[object]:
    return {certificate["serialNumber"] for certificate in context.get_ca_certs()}


def test_certificates_are_checked_unless_the_user_says_otherwise() -> None:
    assert tls_context(True, None).verify_mode is ssl.CERT_REQUIRED
    assert tls_context(True, None).check_hostname
    unchecked = tls_context(False, "/nowhere")
    assert unchecked.verify_mode is ssl.CERT_NONE
    assert not unchecked.check_hostname


def test_the_operating_system_s_store_is_asked_where_truststore_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    class OfTheSystem(ssl.SSLContext):
        """As truststore's: a context with another way to verify."""

    monkeypatch.setitem(sys.modules, "truststore", types.SimpleNamespace(SSLContext=OfTheSystem))
    context = tls_context(True, None)
    assert isinstance(context, OfTheSystem)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert tls_context(False, None).verify_mode is ssl.CERT_NONE


def test_a_prepared_context_serves_one_task(tmp_path: Path, authority: bytes) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(authority)
    tls.prepare_context()
    tls.prepare_context()
    ((_places, prepared),) = tls._prepared
    first = tls_context(True, str(file))
    assert first is prepared
    second = tls_context(True, None)
    assert second is not first
    assert len(trusted(first) - trusted(second)) == 1, "one task's authorities are not another's"


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"])
def test_a_context_is_not_used_where_the_task_says_where_authorities_stand(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    tls.prepare_context()
    ((_places, prepared),) = tls._prepared
    monkeypatch.setenv(name, str(tmp_path / "other"))
    assert tls_context(True, None) is not prepared
    assert tls._prepared == []


def test_what_cannot_be_prepared_is_left_to_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", "/nowhere/keys")
    tls.prepare_context()
    assert tls._prepared == []


def test_an_authority_of_one_s_own_comes_beside_the_system_s(tmp_path: Path, authority: bytes) -> None:
    file = tmp_path / "ca.pem"
    file.write_bytes(authority)
    assert len(trusted(tls_context(True, str(file))) - trusted(tls_context(True, None))) == 1


@pytest.mark.parametrize("name", ["ca.pem", "ca.crt", "CA.CER"])
def test_a_directory_of_pem_files_is_trusted_whatever_they_are_called(
    tmp_path: Path, authority: bytes, name: str
) -> None:
    (tmp_path / name).write_bytes(authority)
    (tmp_path / "README").write_text("no certificate")
    assert len(trusted(tls_context(True, str(tmp_path))) - trusted(tls_context(True, None))) == 1


def test_a_directory_named_by_hashes_is_left_to_openssl(tmp_path: Path, authority: bytes) -> None:
    (tmp_path / "5ad8a5d6.0").write_bytes(authority)
    assert tls_context(True, str(tmp_path)).verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize("given", ["ca.pem", "."])
def test_nobody_waits_for_what_may_never_be_written_into_a_pipe(tmp_path: Path, given: str) -> None:
    os.mkfifo(tmp_path / "ca.pem")
    with pytest.raises(InvalidInput, match="is no readable file of PEM certificates"):
        tls_context(True, str(tmp_path / given))


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_what_is_no_pem_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidInput, match=r"ca_path: .*ca\.pem is no readable file of PEM certificates"):
        tls_context(True, str(file))


def test_a_path_that_is_none_is_refused() -> None:
    with pytest.raises(InvalidInput, match="ca_path"):
        tls_context(True, "a\0b")


def test_an_empty_directory_trusts_nobody_and_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="ca_path"):
        tls_context(True, str(tmp_path))


def caused_by(*causes: BaseException) -> BaseException:
    """An error that came from the next, and so on."""
    for error, cause in itertools.pairwise(causes):
        error.__cause__ = cause
    return causes[0]


def test_a_certificate_is_found_at_the_bottom_of_an_error() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "verify failed")
    untrusted.verify_message = "certificate has expired"
    found = explain_tls(caused_by(OSError("a"), ConnectionError("b"), untrusted), "spf https://h")
    assert str(found) == (
        "spf https://h: its certificate is not trusted: certificate has expired. "
        "Give the CA's certificate with ca_path."
    )


@pytest.mark.parametrize(
    ("reason", "expected"), [("WRONG_VERSION_NUMBER", "wrong version number"), (None, "handshake failed")]
)
def test_a_handshake_that_fails_is_distinguished_from_a_certificate(reason: str | None, expected: str) -> None:
    error = ssl.SSLError(1, "x")
    error.reason = reason  # type: ignore[assignment]  # OpenSSL leaves it out at times
    assert str(explain_tls(caused_by(OSError("a"), error), "arm")) == (
        f"arm: TLS could not be agreed: {expected}. Check the port: it may not speak TLS."
    )


def test_another_error_is_no_matter_of_tls() -> None:
    assert explain_tls(caused_by(OSError("a"), ConnectionError("b")), "arm") is None


def test_a_chain_lists_each_error_once_though_it_runs_in_a_circle() -> None:
    first, second = OSError("a"), OSError("b")
    first.__cause__, second.__context__ = second, first
    assert list(chain(first)) == [first, second]
    assert list(chain(None)) == []


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        (10, "certificate has expired", "have the server's certificate renewed"),
        (9, "certificate is not yet valid", "this machine's clock is wrong"),
        (62, "Hostname mismatch, certificate is not valid for 'h'", "use the name that the certificate is for"),
        (64, "IP address mismatch", "use the name that the certificate is for"),
        (18, "self-signed certificate", "give the ca's certificate with ca_path"),
        (19, "self-signed certificate in certificate chain", "give the ca's certificate with ca_path"),
        (20, "unable to get local issuer certificate", "does not send its intermediate certificate"),
        (21, "unable to verify the first certificate", "does not send its intermediate certificate"),
        (66, "EE certificate key too weak", "a longer key"),
        (68, "CA signature digest algorithm too weak", "a newer signature"),
        (23, "certificate revoked", "revoked"),
        (26, "unsuitable certificate purpose", "server authentication"),
        (79, "invalid CA certificate", "none that may issue others"),
        (85, "Missing Authority Key Identifier", "rfc 5280"),
        (92, "CA cert does not include key usage extension", "rfc 5280"),
        (999, "something new", "give the ca's certificate with ca_path"),
    ],
)
def test_each_certificate_fault_has_a_remedy_of_its_own(code: int, message: str, remedy: str) -> None:
    fault = ssl.SSLCertVerificationError(1, "verify failed")
    fault.verify_code, fault.verify_message = code, message
    found = explain_tls(fault, "spf")
    assert found is not None
    assert message in found.message
    assert remedy in found.remedy.lower()
    helps = code in (18, 19, 20, 21, 79, 999)
    assert ("with ca_path" in found.remedy) is helps


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("TLSV1_ALERT_PROTOCOL_VERSION", "versions of TLS before 1.2"),
        ("SSLV3_ALERT_HANDSHAKE_FAILURE", "no cipher in common"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "client certificate"),
        ("SSLV3_ALERT_CERTIFICATE_EXPIRED", "The certificate of spf_client_cert has expired: renew it"),
        ("SSLV3_ALERT_CERTIFICATE_REVOKED", "does not take the one that it got"),
        ("SSLV3_ALERT_CERTIFICATE_UNKNOWN", "does not take the one that it got"),
        ("SSLV3_ALERT_UNSUPPORTED_CERTIFICATE", "does not take the one that it got"),
        ("TLSV1_ALERT_ACCESS_DENIED", "does not take the one that it got"),
        ("WRONG_VERSION_NUMBER", "Check the port"),
    ],
)
def test_a_handshake_that_fails_has_a_remedy_by_its_reason(reason: str, remedy: str) -> None:
    error = ssl.SSLError(1, "x")
    error.reason = reason
    found = explain_tls(error, "spf")
    assert found is not None
    assert remedy in found.remedy


@pytest.mark.parametrize("error", [ssl.SSLEOFError(8, "EOF"), ssl.SSLZeroReturnError(6, "closed")])
def test_a_handshake_that_is_broken_off_is_no_matter_of_trust(error: ssl.SSLError) -> None:
    assert explain_tls(caused_by(OSError("a"), error), "spf") is None


# x509_vfy.h of OpenSSL 3: what each verify code means decides what helps.
_HELP = {
    INTERMEDIATE: (2, 20, 21, 33, 44),
    CA: (1, 18, 19, 27, 28, 65, 99),
    CLOCK: (9, 10, 11, 12, 13, 14),
    NAME: (62, 63, 64),
    WEAK: (66, 67, 68),
    STRICT: tuple(range(80, 96)),
    "The certificate was revoked: have the server get another one; ca_path cannot help.": (23,),
    "It was not issued for a server: have one issued for server authentication.": (26, 37),
    "The CA's certificate is none that may issue others: give the right one with ca_path.": (24, 25, 32, 79),
}


@pytest.mark.parametrize(("code", "remedy"), [(code, remedy) for remedy, codes in _HELP.items() for code in codes])
def test_what_helps_by_openssl_s_verify_code(code: int, remedy: str) -> None:
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_code, error.verify_message = code, "it is so."
    found = explain_tls(error, "spf")
    assert found is not None
    assert (found.remedy, found.message) == (remedy, "its certificate is not trusted: it is so.")


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("UNSUPPORTED_PROTOCOL", "versions of TLS before 1.2"),
        ("NO_PROTOCOLS_AVAILABLE", "versions of TLS before 1.2"),
        ("TLSV1_ALERT_PROTOCOL_VERSION", "versions of TLS before 1.2"),
        ("PROTOCOL_VERSION", "versions of TLS before 1.2"),
        ("TLSV13_ALERT_CERTIFICATE_REQUIRED", "client certificate"),
        ("SSLV3_ALERT_BAD_CERTIFICATE", "client certificate"),
        ("TLSV1_ALERT_UNKNOWN_CA", "client certificate"),
    ],
)
def test_what_helps_by_openssl_s_reason(reason: str, remedy: str) -> None:
    error = ssl.SSLError(1, "x")
    error.reason = reason
    found = explain_tls(error, "spf")
    assert found is not None
    assert remedy in found.remedy
    assert (explain_certificate(caused_by(OSError("a"), error), "spf") is not None) is ("client" in remedy)


OLD = "The server offers only versions of TLS before 1.2: have a newer one enabled there."
ASKS = (
    "The server asks for a client certificate (spf_client_cert), or does not take the one that it got: it must be "
    "valid, for client authentication, and from an authority that the server trusts."
)
CIPHERS = (
    "Server and client have no cipher in common: have a newer one enabled there; or the server demands a client "
    "certificate (spf_client_cert)."
)
EXPIRED = "The certificate of spf_client_cert has expired: renew it, and give the new one."
WAYS_OUT = {
    "UNSUPPORTED_PROTOCOL": OLD,
    "NO_PROTOCOLS_AVAILABLE": OLD,
    "TLSV1_ALERT_PROTOCOL_VERSION": OLD,
    "PROTOCOL_VERSION": OLD,
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": EXPIRED,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": ASKS,
    "SSLV3_ALERT_BAD_CERTIFICATE": ASKS,
    "SSLV3_ALERT_CERTIFICATE_REVOKED": ASKS,
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": ASKS,
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": ASKS,
    "TLSV1_ALERT_UNKNOWN_CA": ASKS,
    "TLSV1_ALERT_ACCESS_DENIED": ASKS,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": CIPHERS,
    "HANDSHAKE_FAILURE": CIPHERS,
    "WRONG_VERSION_NUMBER": "Check the port: it may not speak TLS.",
}


@pytest.mark.parametrize(("reason", "remedy"), WAYS_OUT.items())
def test_each_reason_of_openssl_is_one_whole_line(reason: str, remedy: str) -> None:
    error = ssl.SSLError(1, "x")
    error.reason = reason
    words = reason.lower().replace("_", " ")
    assert str(explain_tls(error, "spf")) == f"spf: TLS could not be agreed: {words}. {remedy}"
    of_certificate = explain_certificate(caused_by(OSError("a"), error), "spf")
    assert (of_certificate is not None) is (remedy in (ASKS, EXPIRED))


@pytest.mark.parametrize(
    "error",
    [ssl.SSLEOFError(8, "EOF"), ssl.SSLZeroReturnError(6, "closed"), ssl.SSLSyscallError(5, "gone")],
)
def test_what_is_broken_off_is_no_matter_of_trust_either_way(error: ssl.SSLError) -> None:
    assert explain_tls(error, "spf") is None
    assert explain_certificate(error, "spf") is None
    unexpected = ssl.SSLError(1, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred")
    assert explain_tls(unexpected, "spf") is None
    unexpected = ssl.SSLError(1, "x")
    unexpected.reason = "UNEXPECTED_EOF_WHILE_READING"
    assert explain_tls(unexpected, "spf") is None


def test_what_is_wrong_with_the_options_of_trust_is_told_in_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InvalidInput) as no_file:
        tls_context(True, "/nowhere")
    assert str(no_file.value) == (
        "ca_path: /nowhere is no readable file of PEM certificates. Give the CA's certificate in PEM."
    )
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "none" / "keys"))
    with pytest.raises(InvalidInput) as keys:
        tls_context(True, None)
    assert str(keys.value) == "SSLKEYLOGFILE: names a file that cannot be written. Unset it."
