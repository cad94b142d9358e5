# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client certificate in each form: what of it OpenSSL is given, and the whole line where it cannot be used."""

from __future__ import annotations

import os
import ssl
import sys
import types
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput, MissingLibrary
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import client_certificate
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client_certificate import (
    ClientCertificate,
    load_client_certificate,
)

PASSWORD = "of the key"
AGAIN = "Give the password that the key was exported with."
OLD = "Where RC2 and 3DES are forbidden (FIPS), a PFX file that uses them does not open: export it with AES-256."
PFX_ONLY = "a PFX file can be used on Linux only. Give certificate and key in PEM."


class Context(ssl.SSLContext):
    """Remembers what it was given."""

    given: tuple[Any, ...] = ()
    content = b""

    def load_cert_chain(self, certfile: Any, keyfile: Any = None, password: Any = None) -> None:
        self.given = certfile, keyfile
        self.content = Path(certfile).read_bytes()
        super().load_cert_chain(certfile, keyfile, password)


def context() -> Context:
    return Context(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of an authority below another one, with and without its key."""
    directory = tmp_path_factory.mktemp("client")
    authority = trustme.CA().create_child_ca()
    issued = authority.issue_cert("client@contoso.test", common_name="client")
    chain = [each.bytes() for each in issued.cert_chain_pems]
    assert len(chain) == 2
    plain = issued.private_key_pem.bytes()
    key: Any = serialization.load_pem_private_key(plain, None)
    locked = serialization.BestAvailableEncryption(PASSWORD.encode())
    encoding, kind = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    leaf, *above = [x509.load_pem_x509_certificate(each) for each in chain]
    made = {
        "cert.pem": b"".join(chain),
        "both.pem": plain + b"".join(chain),
        "key.pem": plain,
        "locked.pem": key.private_bytes(encoding, kind, locked),
        "other.pem": authority.issue_cert("other@contoso.test").private_key_pem.bytes(),
        "broken.pem": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "nonsense": b"nothing of the kind",
        "locked.pfx": pkcs12.serialize_key_and_certificates(b"c", key, leaf, above, locked),
        "open.pfx": pkcs12.serialize_key_and_certificates(b"c", key, leaf, above, serialization.NoEncryption()),
        "no-key.pfx": pkcs12.serialize_key_and_certificates(b"c", None, leaf, None, locked),
        "key.pfx": pkcs12.serialize_key_and_certificates(b"c", key, None, None, locked),
    }
    for name, content in made.items():
        (directory / name).write_bytes(content)
    return directory


def refusal(files: Path, cert: str, key: str | None = None, password: str | None = None) -> str:
    """What is said of these files, their names without the directory."""
    with pytest.raises((InvalidInput, MissingLibrary)) as caught:
        load_client_certificate(
            context(), ClientCertificate(str(files / cert), str(files / key) if key else None, password)
        )
    return str(caught.value).replace(f"{files}{os.sep}", "")


@pytest.mark.parametrize(
    ("cert", "key", "password"),
    [
        ("both.pem", None, None),
        ("both.pem", None, "not needed"),
        ("cert.pem", "key.pem", None),
        ("cert.pem", "both.pem", None),
        ("cert.pem", "locked.pem", PASSWORD),
    ],
)
def test_pem_files_are_left_to_openssl(files: Path, cert: str, key: str | None, password: str | None) -> None:
    loaded = context()
    where = str(files / cert), str(files / key) if key else None
    load_client_certificate(loaded, ClientCertificate(*where, password))
    assert loaded.given == where


@pytest.mark.parametrize(("name", "password"), [("open.pfx", None), ("open.pfx", ""), ("locked.pfx", PASSWORD)])
def test_a_pfx_file_is_unpacked_in_memory_with_all_its_certificates(
    files: Path, name: str, password: str | None
) -> None:
    loaded = context()
    before = set(Path("/proc/self/fd").iterdir())
    load_client_certificate(loaded, ClientCertificate(str(files / name), password=password))
    assert set(Path("/proc/self/fd").iterdir()) == before
    assert loaded.given[0].startswith("/proc/self/fd/")
    assert loaded.content.startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert loaded.content.endswith((files / "cert.pem").read_bytes())


@pytest.mark.parametrize(
    ("cert", "key", "password", "said"),
    [
        ("cert.pem", None, None, "spf_client_cert: cert.pem holds a certificate without its private key. Give the "
         "key's file as spf_client_key, or a PFX file that holds both."),
        ("cert.pem", "none.pem", None, "spf_client_key: none.pem cannot be read (no such file or directory). Check the "
         "path, and that the user who runs the module may read the file."),
        ("cert.pem", "other.pem", None, "spf_client_key: the key does not belong to the certificate in cert.pem. Give "
         "the key that the certificate was issued for."),
        ("cert.pem", "nonsense", None,
         "spf_client_key: nonsense is no PEM that OpenSSL can read. Give certificate and key in PEM, or a PFX file."),
        ("broken.pem", None, None,
         "spf_client_cert: broken.pem is no PEM that OpenSSL can read. Give certificate and key in PEM, or a PFX "
         "file."),
        ("cert.pem", "locked.pem", None, f"spf_client_cert_password: is needed for locked.pem. {AGAIN}"),
        ("cert.pem", "locked.pem", "", f"spf_client_cert_password: is needed for locked.pem. {AGAIN}"),
        ("cert.pem", "locked.pem", "wrong", f"spf_client_cert_password: is wrong for locked.pem. {AGAIN}"),
        ("cert.pem", "locked.pem", "x" * 2000, f"spf_client_cert_password: is wrong for locked.pem. {AGAIN}"),
        ("none.pem", None, None, "spf_client_cert: none.pem cannot be read (no such file or directory). Check the "
         "path, and that the user who runs the module may read the file."),
        ("open.pfx", "key.pem", None, "spf_client_key: goes with a PEM certificate, and open.pfx is none. Leave it out "
         "for a PFX file, which holds the key."),
        ("locked.pfx", None, None, f"spf_client_cert_password: is needed for locked.pfx. {AGAIN}"),
        ("locked.pfx", None, "wrong", f"spf_client_cert_password: is wrong for locked.pfx. {AGAIN} {OLD}"),
        ("no-key.pfx", None, PASSWORD, "spf_client_cert: no-key.pfx holds a certificate without its private key. "
         "Export the PFX file with its private key."),
        ("key.pfx", None, PASSWORD, "spf_client_cert: key.pfx holds a certificate without its private key. Export the "
         "PFX file with its private key."),
        ("nonsense", None, None, "spf_client_cert: nonsense is neither PEM nor a PFX file. Give PEM files or a PFX "
         "file."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_files_is_told_in_whole(
    files: Path, cert: str, key: str | None, password: str | None, said: str
) -> None:
    assert refusal(files, cert, key, password) == said


def test_a_locked_certificate_file_asks_for_the_password_by_its_own_name(files: Path, tmp_path: Path) -> None:
    (tmp_path / "one.pem").write_bytes((files / "locked.pem").read_bytes() + (files / "cert.pem").read_bytes())
    assert refusal(tmp_path, "one.pem") == f"spf_client_cert_password: is needed for one.pem. {AGAIN}"


def test_a_certificate_without_a_key_is_refused_whatever_the_library_calls_it(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = types.SimpleNamespace(load_key_and_certificates=lambda _content, _password: (None, object(), []))
    monkeypatch.setattr(client_certificate, "cryptography", lambda: types.SimpleNamespace(pkcs12=found))
    assert refusal(files, "open.pfx") == (
        "spf_client_cert: open.pfx holds a certificate without its private key. Export the PFX file with its private "
        "key."
    )


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (ValueError("Invalid PASSWORD or data"), f"spf_client_cert_password: is wrong for open.pfx. {AGAIN} {OLD}"),
        (ValueError("MAC verify failure"), f"spf_client_cert_password: is wrong for open.pfx. {AGAIN} {OLD}"),
        (TypeError("a Password is needed"), f"spf_client_cert_password: is wrong for open.pfx. {AGAIN} {OLD}"),
        (ValueError("no structure"), "spf_client_cert: open.pfx is neither PEM nor a PFX file. Give PEM files or a PFX "
         "file."),
    ],
    ids=str,
)  # fmt: skip
def test_what_the_library_says_of_a_password_is_about_the_password(
    files: Path, problem: Exception, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(content: bytes, password: bytes) -> None:
        raise problem

    library = types.SimpleNamespace(pkcs12=types.SimpleNamespace(load_key_and_certificates=load))
    monkeypatch.setattr(client_certificate, "cryptography", lambda: library)
    assert refusal(files, "open.pfx", password="x") == said


def test_without_cryptography_a_pfx_file_says_what_to_install(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise ImportError

    monkeypatch.setattr(client_certificate, "cryptography", missing)
    assert refusal(files, "open.pfx") == (
        "spf_client_cert: a PFX file needs the Python package cryptography for the Python that runs the module, "
        f"{sys.executable}. Install it: {sys.executable} -m pip install 'cryptography'. Or give the certificate in PEM."
    )


def test_where_no_file_can_be_in_memory_a_key_is_not_put_on_a_disk(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "memfd_create")
    assert refusal(files, "open.pfx") == f"spf_client_cert: open.pfx: {PFX_ONLY}"


@pytest.mark.parametrize("problem", [ssl.SSLError(1, "EE_KEY_TOO_SMALL"), ValueError("x")], ids=str)
def test_a_certificate_that_openssl_does_not_take_leaves_nothing_open(
    files: Path, problem: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*given: object) -> None:
        raise problem

    monkeypatch.setattr(Context, "load_cert_chain", refuses)
    before = set(Path("/proc/self/fd").iterdir())
    assert refusal(files, "open.pfx") == (
        "spf_client_cert: OpenSSL does not take the certificate in open.pfx. Have it issued anew with a key of 2048 "
        "bits or more and SHA-256."
    )
    assert set(Path("/proc/self/fd").iterdir()) == before
