# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Over real TLS: a certificate that we trust must also be the host's own, or nothing is sent there."""

from __future__ import annotations

import asyncio
import os
import ssl
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import anyio
import pytest
import trustme

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import run_task
from tests.contract.checkpoints.scenarios import code
from tests.support.lab import BARE_ENVIRONMENT, Result
from tests.support.tasks import TASKS

SPF: dict[str, Any] = {"scope": "spf", "spf_username": "somebody", "spf_password": "long and secret"}
ARM: dict[str, Any] = {
    "scope": "scvmm",
    "subscription_id": "7b0c2f34-58a1-4f7e-8f0d-2c1d3e4f5a6b",
    "access_token": "a-token",
}


class Server:
    """Answers everything with 403; `heard` is what reached it through TLS."""

    def __init__(self, certificate: trustme.LeafCert) -> None:
        self.heard = b""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(self.context)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            self.heard += await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # it has hung up: that is what is expected of it
        finally:
            writer.close()


def listed(server: Server, options: dict[str, Any], **trust: Any) -> Result:
    """What listing everything on that server comes to."""

    async def main() -> Result:
        listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=server.context)
        async with listening:
            url = f"https://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
            where = {"spf_url": url} if options is SPF else {"cloud_environment": url}
            context = RunContext({}, lambda: datetime.now(UTC))
            return await run_task(TASKS["vm_checkpoint_info"], {**options, **where, **trust}, False, context)

    with mock.patch.dict(os.environ, BARE_ENVIRONMENT):
        return anyio.run(main)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("options", [SPF, ARM], ids=["spf", "arm"])
def test_a_trusted_certificate_of_another_host_is_not_this_hosts(
    options: dict[str, Any], authority: trustme.CA, tmp_path: Path
) -> None:
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    other = Server(authority.issue_cert("elsewhere.test"))
    result = listed(other, options, ca_path=str(trusted))
    assert code(result) == "untrusted_tls"
    assert "mismatch" in result["msg"]
    assert other.heard == b""


@pytest.mark.parametrize("trust", ["ca_path", "validate_certs"])
def test_its_own_certificate_or_none_that_is_checked_lets_us_in(
    authority: trustme.CA, tmp_path: Path, trust: str
) -> None:
    """The test above is not green because nobody can come in."""
    trusted = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(trusted)
    given: dict[str, Any] = {"ca_path": str(trusted)} if trust == "ca_path" else {"validate_certs": False}
    own = Server(authority.issue_cert("127.0.0.1" if trust == "ca_path" else "elsewhere.test"))
    result = listed(own, SPF, **given)
    assert code(result) != "untrusted_tls"
    assert own.heard.startswith(b"GET /")
