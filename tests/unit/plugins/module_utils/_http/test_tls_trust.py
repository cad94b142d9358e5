# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What OpenSSL is told to trust: a file, or a directory and each certificate in it, and nothing that was not asked."""

from __future__ import annotations

import ssl
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import tls


class Context(ssl.SSLContext):
    """Remembers what it was told to trust, and loads nothing."""

    told: list[dict[str, Any]]

    def load_verify_locations(self, **given: Any) -> None:  # type: ignore[override]  # all that is called here
        self.told.append(given)


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Context:
    made = Context(ssl.PROTOCOL_TLS_CLIENT)
    made.told = []
    monkeypatch.setattr(tls, "_prepared", [])
    monkeypatch.setattr(tls, "_new_context", lambda: made)
    return made


def test_a_file_is_trusted_as_it_is(context: Context, tmp_path: Path) -> None:
    file = tmp_path / "authorities.txt"
    file.touch()
    assert tls.tls_context(True, str(file)) is context
    assert context.told == [{"cafile": file}]


def test_of_a_directory_hashes_are_left_to_openssl_and_certificates_are_named_in_their_order(
    context: Context, tmp_path: Path
) -> None:
    for name in ("b.pem", "a.CRT", "c.cer", "d.key", "5ad8a5d6.0", "pem"):
        (tmp_path / name).touch()
    tls.tls_context(True, str(tmp_path))
    assert context.told == [
        {"capath": tmp_path},
        {"cafile": tmp_path / "a.CRT"},
        {"cafile": tmp_path / "b.pem"},
        {"cafile": tmp_path / "c.cer"},
    ]


@pytest.mark.parametrize(("validate", "path"), [(True, None), (True, ""), (False, None), (False, "/nowhere")])
def test_nothing_else_is_trusted(context: Context, validate: bool, path: str | None) -> None:
    assert tls.tls_context(validate, path) is context
    assert context.told == []
    assert (context.check_hostname, context.verify_mode is ssl.CERT_REQUIRED) == (validate, validate)


def test_an_empty_directory_is_told_in_whole(context: Context, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as caught:
        tls.tls_context(True, str(tmp_path))
    assert str(caught.value) == (
        f"ca_path: {tmp_path} is no readable file of PEM certificates. Give the CA's certificate in PEM."
    )
    assert context.told == []


def test_a_prepared_context_is_used_where_it_was_prepared_for(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(name, raising=False)
    tls.prepare_context()
    other = Context(ssl.PROTOCOL_TLS_CLIENT)
    monkeypatch.setattr(tls, "_new_context", lambda: other)
    tls.prepare_context()
    assert tls._prepared == [([None, None, None], context)]
    assert tls.tls_context(True, None) is context
    assert tls.tls_context(True, None) is other


def test_only_openssl_s_own_word_is_a_refusal_of_the_certificate() -> None:
    ours = ssl.SSLError(1, "x")
    ours.reason = "BAD_RECORD"
    other = urllib.error.URLError("SSLV3_ALERT_BAD_CERTIFICATE")
    other.__cause__ = ours
    assert tls.explain_certificate(other, "spf") is None
    ours.reason = "SSLV3_ALERT_BAD_CERTIFICATE"
    assert tls.explain_certificate(other, "spf") is not None


def test_what_an_error_came_from_is_its_cause_before_what_was_being_handled() -> None:
    error, cause, handled, first = OSError("a"), OSError("b"), OSError("c"), OSError("d")
    error.__cause__, error.__context__ = cause, handled
    cause.__context__ = first
    assert list(tls.chain(error)) == [error, cause, first]
