# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a new process to the first signed answer, beside the library alone: `python -m tests.bench.spf_sign_in [RUNS]`.

Ours is the time that a way adds to a task with a token; the library's is what pyspnego (or cryptography with ssl, for a
PFX file) adds to a bare request of http.client. All go to the simulator on loopback over TLS. Kerberos is measured
where a KDC can be had.
"""

from __future__ import annotations

import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

import trustme
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
from cryptography.x509 import load_pem_x509_certificate

from tests.bench.sign_ins import show
from tests.support import kdc
from tests.support.simulator_server import started
from tools.kerberos import Unavailable

OURS = """
import json, os, sys
from datetime import UTC, datetime
import anyio
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import Providers, RunContext
async def main():
    context = RunContext(os.environ, lambda: datetime.now(UTC))
    async with Providers(json.loads(sys.argv[1]), context, Deadline(60)) as providers:
        await (await providers.of("web01")).resolve("web01")
anyio.run(main)
"""
THEIRS = """
import base64, http.client, json, ssl, sys, tempfile
given = json.loads(sys.argv[1])
context = ssl.create_default_context(cafile=given["ca"])
if given["way"] == "pfx":
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
    password = given["file_password"].encode()
    key, certificate, _more = pkcs12.load_key_and_certificates(open(given["file"], "rb").read(), password)
    with tempfile.NamedTemporaryFile() as pem:  # as requests-pkcs12 does
        pem.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        pem.write(certificate.public_bytes(Encoding.PEM))
        pem.flush()
        context.load_cert_chain(pem.name)
connection = http.client.HTTPSConnection("localhost", given["port"], context=context)
def get(header):
    connection.request("GET", given["path"], headers={"Accept": "application/json", "Authorization": header})
    answer = connection.getresponse()
    answer.read()
    return answer
if given["way"] in ("ntlm", "kerberos"):
    import spnego
    place = {"hostname": "localhost", "service": "HTTP", "protocol": given["way"]}
    client = spnego.client(given["user"], given["password"], **place)
    token = client.step()
    while token:
        answer = get("Negotiate " + base64.b64encode(token).decode())
        offered = answer.getheader("WWW-Authenticate", "").partition(" ")[2].split(",")[0]
        token = client.step(base64.b64decode(offered)) if offered and not client.complete else None
    assert answer.status != 401, answer.status
else:
    get("Bearer " + given["token"])
"""


FILE_PASSWORD = "of the PFX file"


def pfx_file(directory: Path) -> str:
    """A PFX file with a password; the simulator asks for no certificate, so only reading it is measured."""
    issued = trustme.CA().issue_cert("client@contoso.test")
    key: Any = load_pem_private_key(issued.private_key_pem.bytes(), None)
    certificate = load_pem_x509_certificate(issued.cert_chain_pems[0].bytes())
    file = directory / "client.pfx"
    locked = serialization.BestAvailableEncryption(FILE_PASSWORD.encode())
    file.write_bytes(pkcs12.serialize_key_and_certificates(b"c", key, certificate, None, locked))
    return str(file)


def main(runs: int) -> None:
    """Print a table: medians, and how ours compares."""
    password = "S3cret-of-Kerberos"
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ways, variables = ["ntlm", "pfx"], {}
        try:
            domain = stack.enter_context(kdc.running(directory, "svc-ansible", password))
            variables = domain.environment
            stack.enter_context(mock.patch.dict(os.environ, {**variables, "KRB5_KTNAME": str(domain.server_keytab)}))
            ways.append("kerberos")
        except Unavailable as reason:
            sys.stdout.write(f"no Kerberos: {reason}\n")
        switches = ("--switch", "spf_offers=negotiate,ntlm,basic")
        _process, ready = stack.enter_context(started(directory, *switches))
        environ = {**os.environ, **variables}
        url = ready["spf_url"].replace("127.0.0.1", "localhost")
        port, _slash, path = url.removeprefix("https://localhost:").partition("/")
        known = {"spf_url": url, "ca_path": ready["ca_file"]}
        bare = {
            "ca": ready["ca_file"],
            "port": int(port),
            "path": f"/{path}/VirtualMachines",
            "token": ready["spf_token"],
        }
        token = {**known, "spf_token": ready["spf_token"]}
        options: dict[str, dict[str, str]] = {
            "ntlm": {"spf_username": ready["spf_username"], "spf_password": ready["spf_password"], "spf_auth": "ntlm"},
            "kerberos": {"spf_username": "svc-ansible@SIM.TEST", "spf_password": password, "spf_auth": "kerberos"},
            "pfx": {
                "spf_token": ready["spf_token"],
                "spf_auth": "bearer",
                "spf_client_cert": pfx_file(directory),
                "spf_client_cert_password": FILE_PASSWORD,
            },
        }
        for way in ways:
            mine = {**known, **options[way]}
            who = {
                "user": mine.get("spf_username"),
                "password": mine.get("spf_password"),
                "file": mine.get("spf_client_cert"),
                "file_password": mine.get("spf_client_cert_password"),
            }
            plain, other = {**bare, "way": "bearer"}, {**bare, **who, "way": way}
            show(way, ((OURS, token), (OURS, mine), (THEIRS, plain), (THEIRS, other)), environ, runs)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 9)
