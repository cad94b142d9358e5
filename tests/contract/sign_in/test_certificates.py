# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client certificate as PEM or PFX, in front of an SPF that the portal signs in to."""

from __future__ import annotations

import selectors
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from ansible_collections.hybridvm.checkpoints.plugins.module_utils import _providers
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.certificate import Certificate
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client_certificate import (
    ClientCertificate,
    load_client_certificate,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.tls import tls_context
from tests.support.front import Front, serving
from tests.support.kdc import free_port
from tests.support.signing import Result, Site, site
from tests.support.waiting import HANG

pytestmark = pytest.mark.servers

PASSWORD = "of the PFX file"


@dataclass
class Files:
    """A certificate in every form in which users have one."""

    directory: Path
    authority: trustme.CA

    def __post_init__(self) -> None:
        issued = self.authority.issue_cert("client@contoso.test", common_name="client")
        pem = b"".join(each.bytes() for each in issued.cert_chain_pems)
        (self.directory / "cert.pem").write_bytes(pem)
        (self.directory / "key.pem").write_bytes(issued.private_key_pem.bytes())
        (self.directory / "both.pem").write_bytes(issued.private_key_pem.bytes() + pem)
        key: Any = serialization.load_pem_private_key(issued.private_key_pem.bytes(), None)
        locked = serialization.BestAvailableEncryption(PASSWORD.encode())
        (self.directory / "locked.pem").write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
        )
        certificate = x509.load_pem_x509_certificate(pem)
        for name, held in (("client.pfx", key), ("no-key.pfx", None)):
            (self.directory / name).write_bytes(
                pkcs12.serialize_key_and_certificates(b"client", held, certificate, None, locked)
            )
        open_pfx = pkcs12.serialize_key_and_certificates(b"c", key, certificate, None, serialization.NoEncryption())
        (self.directory / "open.pfx").write_bytes(open_pfx)
        other = self.authority.issue_cert("other@contoso.test")
        (self.directory / "other-key.pem").write_bytes(other.private_key_pem.bytes())
        (self.directory / "nonsense").write_bytes(b"nothing of the kind")

    def given(self, **options: str | None) -> dict[str, Any]:
        """Options whose values are names of these files, but for the password."""
        return {
            name: value if value is None or name.endswith("password") else str(self.directory / value)
            for name, value in options.items()
        }


@pytest.fixture(scope="module")
def spf(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site(tmp_path_factory.mktemp("spf"), spf_offers="nothing") as found:
        yield found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("files"), trustme.CA())


def through(spf: Site, files: Files, tmp_path: Path, front: Front, version: ssl.TLSVersion, **options: Any) -> Result:
    """A checkpoint made by way of a front that demands a certificate."""
    with serving(front, trustme.CA(), tmp_path, client_ca=files.authority, version=version) as url:
        given = {
            "spf_url": spf.ready["wap_url"].replace(spf.ready["url"], url),
            "ca_path": str(tmp_path / "front-ca.pem"),
            "spf_username": None,
            "spf_password": None,
            "wait_timeout": "20s",
            "vm": "web01",
        }
        return spf.run("vm_checkpoint", **given | options)


def portal(spf: Site, **more: Any) -> Front:
    """Signs in to SPF itself, with a token."""
    return Front(
        spf.ready["url"], spf.ready["ca_file"], adds={"Authorization": f"Bearer {spf.ready['spf_token']}"}, **more
    )


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize(
    "options",
    [
        {"spf_client_cert": "both.pem"},
        {"spf_client_cert": "cert.pem", "spf_client_key": "key.pem"},
        {"spf_client_cert": "cert.pem", "spf_client_key": "locked.pem", "spf_client_cert_password": PASSWORD},
        {"spf_client_cert": "client.pfx", "spf_client_cert_password": PASSWORD},
        {"spf_client_cert": "open.pfx"},
    ],
    ids=lambda options: "-".join(options.values()),
)
def test_a_certificate_signs_in(
    spf: Site, files: Files, tmp_path: Path, options: dict[str, str], version: ssl.TLSVersion
) -> None:
    front = portal(spf)
    name = f"{'-'.join(options.values())} {version.name}"
    made = through(spf, files, tmp_path, front, version, name=name, **files.given(**options))
    assert (made["changed"], made.get("sign_in")) == (True, {"spf": "certificate"}), made
    assert all("client" in subject for subject in front.seen)
    assert len(front.seen) == len(front.requests)


def test_the_key_of_a_pfx_file_is_never_on_a_disk(
    spf: Site, files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    real = ssl.SSLContext.load_cert_chain

    def watched(self: ssl.SSLContext, certfile: Any, *more: Any, **how: Any) -> None:
        loaded.append(str(Path(str(certfile)).readlink()))
        real(self, certfile, *more, **how)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watched)
    before = set(Path("/proc/self/fd").iterdir())
    given = files.given(spf_client_cert="client.pfx", spf_client_cert_password=PASSWORD)
    context = ssl.create_default_context()
    wanted = ClientCertificate(given["spf_client_cert"], None, PASSWORD)
    load_client_certificate(context, wanted)
    assert loaded == ["/memfd:client (deleted)"]
    assert set(Path("/proc/self/fd").iterdir()) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"spf_client_cert": "nowhere.pem"}, ("spf_client_cert: ", "cannot be read (no such file or directory)")),
        ({"spf_client_cert": "cert.pem"}, ("spf_client_cert: ", "without its private key", "spf_client_key")),
        ({"spf_client_cert": "cert.pem", "spf_client_key": "nowhere.pem"}, ("spf_client_key: ", "cannot be read")),
        ({"spf_client_cert": "cert.pem", "spf_client_key": "other-key.pem"}, ("spf_client_key: ", "does not belong")),
        ({"spf_client_cert": "cert.pem", "spf_client_key": "nonsense"}, ("spf_client_key: ", "no PEM")),
        ({"spf_client_cert": "cert.pem", "spf_client_key": "locked.pem"}, ("spf_client_cert_password: is needed for",)),
        (
            {"spf_client_cert": "cert.pem", "spf_client_key": "locked.pem", "spf_client_cert_password": "not it"},
            ("spf_client_cert_password: is wrong for",),
        ),
        ({"spf_client_cert": "client.pfx"}, ("spf_client_cert_password: is needed for",)),
        (
            {"spf_client_cert": "client.pfx", "spf_client_cert_password": "not it"},
            ("spf_client_cert_password: is wrong for", "RC2"),
        ),
        (
            {"spf_client_cert": "no-key.pfx", "spf_client_cert_password": PASSWORD},
            ("spf_client_cert: ", "without its private key"),
        ),
        ({"spf_client_cert": "nonsense"}, ("spf_client_cert: ", "neither PEM nor a PFX file")),
        ({"spf_client_cert": "client.pfx", "spf_client_key": "key.pem"}, ("spf_client_key: goes with a PEM",)),
    ],
    ids=str,
)
def test_what_is_wrong_with_the_files_is_named_before_anything_is_sent(
    spf: Site, files: Files, options: dict[str, str], words: tuple[str, ...]
) -> None:
    before = len(spf.journal())
    result = spf.run("vm_checkpoint", vm="web01", name="new", **files.given(**options))
    assert (result["changed"], result["error"]["code"]) == (False, "invalid_input"), result
    assert all(part in result["msg"] for part in words), result["msg"]
    assert "\n" not in result["msg"]
    assert PASSWORD not in str(result)
    assert "not it" not in str(result)
    assert len(spf.journal()) == before


def test_without_cryptography_a_pfx_file_says_what_to_install(
    spf: Site, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> Any:
        raise ImportError("No module named 'cryptography'")

    module = "ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client_certificate"
    monkeypatch.setattr(f"{module}.cryptography", missing)
    result = spf.run("vm_checkpoint", vm="web01", name="new", **files.given(spf_client_cert="open.pfx"))
    assert result["error"]["code"] == "missing_library"
    assert "-m pip install 'cryptography'" in result["msg"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_server_that_demands_a_certificate_says_so(
    spf: Site, files: Files, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    given = {"spf_username": "u", "spf_password": "p" * 9, "spf_auth": "basic", "name": "new"}
    result = through(spf, files, tmp_path, portal(spf), version, **given)
    assert result["error"]["code"] == "untrusted_tls", result
    assert "client certificate (spf_client_cert)" in result["msg"]


def test_a_certificate_of_somebody_else_is_refused(spf: Site, files: Files, tmp_path: Path) -> None:
    (tmp_path / "others").mkdir()
    others = Files(tmp_path / "others", trustme.CA())
    given = others.given(spf_client_cert="both.pem")
    result = through(spf, files, tmp_path, portal(spf), ssl.TLSVersion.TLSv1_3, name="new", **given)
    # TLS 1.3 tells it after the handshake: what the client has just sent may make the system drop the server's word.
    assert result["error"]["code"] in ("untrusted_tls", "sign_in_refused"), result
    assert "authority that the server trusts" in result["msg"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_certificate_that_has_expired_is_named(
    spf: Site, files: Files, tmp_path: Path, version: ssl.TLSVersion
) -> None:
    issued = files.authority.issue_cert("client@contoso.test", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "expired.pem")
    front = portal(spf)
    result = through(spf, files, tmp_path, front, version, name="new", spf_client_cert=str(tmp_path / "expired.pem"))
    assert result["changed"] is False
    assert front.requests == []
    if version is ssl.TLSVersion.TLSv1_3 and result["error"]["code"] == "sign_in_refused":
        assert "Otherwise check that the certificate is valid" in result["msg"]  # the server's word was dropped
    else:
        assert result["error"]["code"] == "untrusted_tls"
        assert "sslv3 alert certificate expired. The certificate of spf_client_cert has expired: rene" in result["msg"]


def test_a_server_that_asks_after_the_handshake_is_answered_with_what_to_set(
    spf: Site, files: Files, tmp_path: Path
) -> None:
    front = portal(spf, asks_late=True)
    given = files.given(spf_client_cert="both.pem")
    result = through(spf, files, tmp_path, front, ssl.TLSVersion.TLSv1_3, name="new", **given)
    assert (result["changed"], result["error"]["code"]) == (False, "sign_in_refused"), result
    assert "clientcertnegotiation=enable" in result["msg"]


def test_a_server_that_wants_a_user_beside_the_certificate_is_told(spf: Site, files: Files, tmp_path: Path) -> None:
    front = Front(spf.ready["url"], spf.ready["ca_file"])
    given = files.given(spf_client_cert="both.pem")
    result = through(spf, files, tmp_path, front, ssl.TLSVersion.TLSv1_3, name="new", **given)
    assert (result["changed"], result["error"]["code"]) == (False, "sign_in_refused"), result
    assert "Check that the certificate of spf_client_cert is valid, and mapped to an account" in result["msg"]
    assert "name that way by spf_auth" in result["msg"]


def test_only_spf_is_shown_the_certificate(spf: Site, files: Files, tmp_path: Path) -> None:
    """Azure's client of the same task has none."""
    loaded: list[object] = []
    with pytest.MonkeyPatch.context() as patch:
        name = "ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.load_client_certificate"
        patch.setattr(name, lambda context, _given: loaded.append(context))

        async def main() -> int:
            given = {"spf_url": spf.ready["wap_url"], "spf_client_cert": "x"}
            world = _providers.RunContext({}, lambda: pytest.fail("no clock is needed"))
            async with _providers.Providers(given, world, Deadline(9)) as providers:
                await providers.of("web01")
                providers._http()
                return len(loaded)

        assert anyio.run(main) == 1


@pytest.mark.parametrize("file", ["client.pfx", "both.pem"])
def test_a_server_that_renegotiates_with_tls_1_2_gets_the_certificate(files: Files, tmp_path: Path, file: str) -> None:
    """As IIS does without clientcertnegotiation: the request first, the certificate then, the answer last."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl here, the only server that renegotiates")
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    files.authority.cert_pem.write_to_path(tmp_path / "client-ca.pem")
    port = str(free_port())
    command = [
        openssl,
        "s_server",
        "-accept",
        port,
        "-cert",
        "server.pem",
        "-tls1_2",
        "-crlf",
        "-msg",
        "-no_ticket",
        "-no_cache",
    ]
    command += ["-CAfile", "client-ca.pem"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    ) as server:
        shown = b""
        try:
            shown += _until(server, b"ACCEPT")
            answers: list[str] = []
            client = threading.Thread(target=lambda: answers.append(_ask(files, tmp_path, port, file)))
            client.start()
            shown += _until(server, b"\r\n\r\n")  # the end of the request's headers
            assert server.stdin is not None
            server.stdin.write(b"R\n")
            shown += _until(server, b", CertificateVerify")  # which only a client with a key sends
            server.stdin.write(b"HTTP/1.1 200 OK\nContent-Length: 4\n\ndone")
            client.join(HANG)
        finally:
            server.kill()
    assert answers == ["200 done"], shown.decode(errors="replace")[-1500:]


def _until(server: subprocess.Popen[bytes], *marks: bytes) -> bytes:
    """What the server shows until one of the marks."""
    assert server.stdout is not None
    shown = b""
    with selectors.DefaultSelector() as selector:
        selector.register(server.stdout, selectors.EVENT_READ)
        while not any(mark in shown for mark in marks):
            assert selector.select(timeout=HANG), shown
            piece = server.stdout.read(4096)
            assert piece, shown
            shown += piece
    return shown


def _ask(files: Files, tmp_path: Path, port: str, file: str) -> str:
    """One read with the certificate."""
    context = tls_context(True, str(tmp_path / "ca.pem"))
    password = PASSWORD if file.endswith("pfx") else None
    load_client_certificate(context, ClientCertificate(str(files.directory / file), None, password))

    async def main() -> str:
        base = f"https://localhost:{port}"
        async with httpx.AsyncClient(verify=context) as client:
            http = Http(client, base, "server", Deadline(HANG), auth=Certificate())
            answer = await http.read(f"{base}/", context="reading", patience=0)
            return f"{answer.status} {answer.body.decode()}"

    return anyio.run(main)


def test_curl_sees_the_same_server(spf: Site, files: Files, tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("there is no curl here")
    with serving(portal(spf), trustme.CA(), tmp_path, client_ca=files.authority) as url:
        target = spf.ready["wap_url"].replace(spf.ready["url"], url) + "/VirtualMachines"
        command = [curl, "-sS", "--cacert", str(tmp_path / "front-ca.pem"), "-o", "/dev/null", "-w", "%{http_code}"]
        refused = subprocess.run([*command, target], capture_output=True, text=True, check=False)
        assert refused.returncode != 0
        given = ["--cert", str(files.directory / "both.pem")]
        done = subprocess.run([*command, *given, target], capture_output=True, text=True, check=True)
    assert done.stdout == "200"
