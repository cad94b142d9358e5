# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same over real sockets and real TLS: what only HTTP's own framing can do, and that nobody else hears of it."""

from __future__ import annotations

import asyncio
import json
import os
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from unittest import mock

import anyio
import pytest
import trustme

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import run_task
from tests.contract.checkpoints.scenarios import code
from tests.hostile.server import ON_ARM, ON_SPF
from tests.support.lab import BARE_ENVIRONMENT, Result
from tests.support.tasks import TASKS

Talk = Callable[[asyncio.StreamWriter], Awaitable[None]]
MIB = 1024 * 1024


class Host:
    """One server: what it says, how often it was called, and what it could send before the client left."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.calls = 0
        self.sent = 0
        self.heard = b""
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.heard += head
                await self.talk(writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def pour(self, writer: asyncio.StreamWriter, *pieces: bytes, then: bytes = b"") -> None:
        """Send these, then `then` without end."""
        for piece in pieces:
            writer.write(piece)
        while then:
            writer.write(then)
            self.sent += len(then)
            await writer.drain()
            await asyncio.sleep(0)
        await writer.drain()


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> str:
    """The authority's certificate in a file."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    return str(file)


@asynccontextmanager
async def listening(host: Host, authority: trustme.CA | None) -> AsyncIterator[int]:
    """The host on a loopback port; without an authority in plain text."""
    context = None
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0, ssl=context)
    async with server:
        host.port = server.sockets[0].getsockname()[1]
        yield host.port


def played(
    authority: trustme.CA, trusted: str, first: Host, second: Host, *, plain: bool, on: str, timeout: str = "1s"
) -> Result:
    """A listing of a whole scope on the first host, with the second one beside it."""

    async def main() -> Result:
        async with listening(first, authority), listening(second, None if plain else authority):
            base = f"https://127.0.0.1:{first.port}"
            given = {**ON_SPF, "spf_url": base} if on == "spf" else {**ON_ARM, "cloud_environment": base}
            options = {"scope": on, "ca_path": trusted, "wait_timeout": timeout, **given}
            world = RunContext({}, lambda: datetime.now(UTC))
            return await run_task(TASKS["vm_checkpoint_info"], options, False, world)

    with mock.patch.dict(os.environ, BARE_ENVIRONMENT):
        return anyio.run(main)


async def _silent(_writer: asyncio.StreamWriter) -> None:
    """Says nothing; being called is all that counts."""


def _answer(body: str, status: str = "200 OK", **headers: str) -> bytes:
    told = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{told}\r\n{body}".encode()


@pytest.mark.parametrize("plain", [False, True], ids=["another port", "plain http"])
@pytest.mark.parametrize("how", ["next link", "redirect"])
def test_nobody_else_is_called(authority: trustme.CA, trusted: str, how: str, plain: bool) -> None:
    """Not even connected to: neither with SPF's password nor without."""

    async def talk(writer: asyncio.StreamWriter) -> None:
        there = f"http{'' if plain else 's'}://127.0.0.1:{second.port}/x"
        if how == "redirect":
            writer.write(_answer("", "307 Temporary Redirect", Location=there))
        else:
            writer.write(_answer(json.dumps({"value": [], "odata.nextLink": there})))

    first, second = Host(talk), Host(_silent)
    result = played(authority, trusted, first, second, plain=plain, on="spf")
    assert code(result) == "bad_answer", result
    assert (first.calls, second.calls, second.heard) == (1, 0, b"")
    assert b"authorization: basic " in first.heard.lower()


def test_metadata_that_leads_elsewhere_gets_no_call(authority: trustme.CA, trusted: str) -> None:
    async def talk(writer: asyncio.StreamWriter) -> None:
        sign_in = {"loginEndpoint": f"https://127.0.0.2:{second.port}", "audiences": ["https://x/"]}
        writer.write(_answer(json.dumps({"authentication": sign_in})))

    first, second = Host(talk), Host(_silent)
    result = played(authority, trusted, first, second, plain=False, on="scvmm")
    assert code(result) == "bad_answer"
    assert "127.0.0.2" in result["msg"]
    assert second.calls == 0


FRAMES: dict[str, tuple[tuple[bytes, ...], bytes]] = {
    "headers without end": ((b"HTTP/1.1 200 OK\r\n",), b"X-Header: " + b"x" * 1000 + b"\r\n"),
    "one header without end": ((b"HTTP/1.1 200 OK\r\nX-Header: ",), b"x" * 1000),
    "a status line without end": ((b"HTTP/1.1 200 ",), b"O" * 1000),
    "no HTTP": ((), b"\x16\x03\x01\x00" * 250),
    "chunk sizes without end": ((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",), b"0" * 1000),
    "trailers without end": (
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",),
        b"X-Trailer: " + b"x" * 1000 + b"\r\n",
    ),
    "hints without end": ((), b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"),
}


@pytest.mark.parametrize("name", list(FRAMES))
def test_framing_without_end_ends(authority: trustme.CA, trusted: str, name: str) -> None:
    """By h11's own bound of 100 KiB for what is not a body, or else by the task's deadline."""
    pieces, then = FRAMES[name]

    async def talk(writer: asyncio.StreamWriter) -> None:
        await first.pour(writer, *pieces, then=then)

    first, second = Host(talk), Host(_silent)
    assert code(played(authority, trusted, first, second, plain=True, on="spf")) == "unavailable"
    if name != "hints without end":
        assert first.sent < first.calls * 8 * MIB


@pytest.mark.parametrize("length", [b"Transfer-Encoding: chunked", b"Content-Length: 1073741824", b"Connection: close"])
def test_a_body_of_a_gigabyte_is_left_early(authority: trustme.CA, trusted: str, length: bytes) -> None:
    chunk = b"x" * 65536
    then = b"10000\r\n" + chunk + b"\r\n" if b"chunked" in length else chunk

    async def talk(writer: asyncio.StreamWriter) -> None:
        await first.pour(writer, b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n", then=then)

    first, second = Host(talk), Host(_silent)
    result = played(authority, trusted, first, second, plain=True, on="spf", timeout="60s")
    assert code(result) == "bad_answer"
    assert "longer than 32 MiB" in result["msg"]
    assert first.sent < 48 * MIB
