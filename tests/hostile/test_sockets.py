# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same over real sockets and real TLS: what only HTTP's own framing can do, and that nobody else hears of it."""

from __future__ import annotations

import json
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import trio
import trio.testing
import trustme

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import client
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import run_task
from tests.contract.checkpoints.scenarios import code
from tests.hostile.server import ON_ARM, ON_SPF
from tests.support.lab import BARE_ENVIRONMENT, Result
from tests.support.tasks import TASKS

# httpx nests generators that nobody outside can close; trio says so of each that is left before its end.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator .* was garbage collected:ResourceWarning")
Talk = Callable[[trio.abc.Stream], Awaitable[None]]
MIB = 1024 * 1024
DEADLINE = 60


class Host:
    """One server: what it says, how often it was called, and what it could send before the client left."""

    def __init__(self, talk: Talk) -> None:
        self.talk = talk
        self.calls = 0
        self.sent = 0
        self.heard = b""
        self.port = 0

    async def serve(self, stream: trio.abc.Stream) -> None:
        self.calls += 1
        head = b""
        try:
            async for piece in stream:
                head += piece
                if b"\r\n\r\n" in head:
                    self.heard, head = self.heard + head, b""
                    await self.talk(stream)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def pour(self, stream: trio.abc.Stream, *pieces: bytes, then: bytes = b"") -> None:
        """Send these, then `then` without end."""
        await stream.send_all(b"".join(pieces))
        while then:
            self.sent += len(then)
            await stream.send_all(then)


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
async def listening(host: Host, authority: trustme.CA | None) -> AsyncIterator[None]:
    """The host on a loopback port; without an authority in plain text."""
    serve: Callable[..., Awaitable[Any]] = partial(trio.serve_tcp, host.serve, 0, host="127.0.0.1")
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        serve = partial(trio.serve_ssl_over_tcp, host.serve, 0, context, host="127.0.0.1", https_compatible=True)
    async with trio.open_nursery() as nursery:
        listeners = await nursery.start(serve)
        host.port = getattr(listeners[0], "transport_listener", listeners[0]).socket.getsockname()[1]
        yield
        nursery.cancel_scope.cancel()


def played(
    authority: trustme.CA,
    trusted: str,
    first: Host,
    second: Host,
    *,
    plain: bool,
    on: str,
    clock: trio.abc.Clock | None = None,
    port: int | None = None,
) -> Result:
    """A listing of a whole scope on the first host, with the second one beside it.

    Time stands still unless a test moves it, so that no machine is too slow; and what is lost is not asked for again.
    """

    async def main() -> Result:
        async with listening(first, authority), listening(second, None if plain else authority):
            base = f"https://127.0.0.1:{port or first.port}"
            given = {**ON_SPF, "spf_url": base} if on == "spf" else {**ON_ARM, "cloud_environment": base}
            options = {"scope": on, "ca_path": trusted, "wait_timeout": f"{DEADLINE}s", **given}
            world = RunContext({}, lambda: datetime.now(UTC))
            return await run_task(TASKS["vm_checkpoint_info"], options, False, world)

    once = mock.patch.multiple(client, LOST_PATIENCE=-1.0, CONNECT_PATIENCE=-1.0)
    with mock.patch.dict(os.environ, BARE_ENVIRONMENT), once:
        return trio.run(main, clock=clock or trio.testing.MockClock())


async def _silent(_stream: trio.abc.Stream) -> None:
    """Says nothing; being called is all that counts."""


def _answer(body: str, status: str = "200 OK", **headers: str) -> bytes:
    header_lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{header_lines}\r\n{body}".encode()


@pytest.mark.parametrize("plain", [False, True], ids=["another port", "plain http"])
@pytest.mark.parametrize("how", ["next link", "redirect"])
def test_nobody_else_is_called(authority: trustme.CA, trusted: str, how: str, plain: bool) -> None:
    """Not even connected to: neither with SPF's password nor without."""

    async def talk(stream: trio.abc.Stream) -> None:
        there = f"http{'' if plain else 's'}://127.0.0.1:{second.port}/x"
        if how == "redirect":
            await stream.send_all(_answer("", "307 Temporary Redirect", Location=there))
        else:
            await stream.send_all(_answer(json.dumps({"value": [], "odata.nextLink": there})))

    first, second = Host(talk), Host(_silent)
    result = played(authority, trusted, first, second, plain=plain, on="spf")
    assert code(result) == "bad_answer", result
    assert (first.calls, second.calls, second.heard) == (1, 0, b"")
    assert b"authorization: basic " in first.heard.lower()


def test_metadata_that_leads_elsewhere_gets_no_call(authority: trustme.CA, trusted: str) -> None:
    async def talk(stream: trio.abc.Stream) -> None:
        sign_in = {"loginEndpoint": f"https://127.0.0.2:{second.port}", "audiences": ["https://x/"]}
        await stream.send_all(_answer(json.dumps({"authentication": sign_in})))

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
}


@pytest.mark.parametrize("name", list(FRAMES))
def test_framing_without_end_ends(authority: trustme.CA, trusted: str, name: str) -> None:
    """By h11's own bound of 100 KiB for what is not a body."""
    pieces, then = FRAMES[name]

    async def talk(stream: trio.abc.Stream) -> None:
        await first.pour(stream, *pieces, then=then)

    first, second = Host(talk), Host(_silent)
    assert code(played(authority, trusted, first, second, plain=True, on="spf")) == "unavailable"
    assert first.calls == 1
    assert first.sent < 8 * MIB


def test_hints_without_end_end_with_the_task(authority: trustme.CA, trusted: str) -> None:
    """Nothing else bounds them: each is a small and valid answer."""
    clock = trio.testing.MockClock()

    async def talk(stream: trio.abc.Stream) -> None:
        hint = b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        await first.pour(stream, *[hint] * 1000)
        clock.jump(DEADLINE)
        await first.pour(stream, then=hint)

    first, second = Host(talk), Host(_silent)
    result = played(authority, trusted, first, second, plain=True, on="spf", clock=clock)
    assert (code(result), first.calls) == ("unavailable", 1)
    assert "no answer within 1m" in result["msg"]


def test_a_port_where_nobody_listens(authority: trustme.CA, trusted: str) -> None:
    first, second = Host(_silent), Host(_silent)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        result = played(authority, trusted, first, second, plain=True, on="spf", port=unused.getsockname()[1])
    assert code(result) == "unreachable"
    assert "connection refused" in result["msg"]
    assert "Check the URL" in result["msg"]


@pytest.mark.parametrize("length", [b"Transfer-Encoding: chunked", b"Content-Length: 1073741824", b"Connection: close"])
def test_a_body_of_a_gigabyte_is_left_early(authority: trustme.CA, trusted: str, length: bytes) -> None:
    chunk = b"x" * 65536
    then = b"10000\r\n" + chunk + b"\r\n" if b"chunked" in length else chunk

    async def talk(stream: trio.abc.Stream) -> None:
        await first.pour(stream, b"HTTP/1.1 200 OK\r\n" + length + b"\r\n\r\n", then=then)

    first, second = Host(talk), Host(_silent)
    result = played(authority, trusted, first, second, plain=True, on="spf")
    assert code(result) == "bad_answer"
    assert "longer than 32 MiB" in result["msg"]
    assert first.sent < 48 * MIB


@pytest.mark.parametrize("often", [1, None], ids=["once", "always"])
def test_a_handshake_that_is_broken_off_is_tried_again(authority: trustme.CA, trusted: str, often: int | None) -> None:
    """As a balancer or a restarting server does: nothing left, and nobody is distrusted."""
    host = Host(lambda stream: stream.send_all(_answer('{"value": []}')))
    closed = 0

    async def serve(stream: trio.SocketStream) -> None:
        nonlocal closed
        if often is None or closed < often:
            closed += 1
            await stream.receive_some(1)  # the client's greeting has begun
            await stream.aclose()
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
        await host.serve(trio.SSLStream(stream, context, server_side=True, https_compatible=True))

    async def main() -> Result:
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(trio.serve_tcp, serve, 0, host="127.0.0.1"))
            base = f"https://127.0.0.1:{listeners[0].socket.getsockname()[1]}"
            options = {"scope": "spf", "ca_path": trusted, "wait_timeout": "60s", **ON_SPF, "spf_url": base}
            world = RunContext({}, lambda: datetime.now(UTC))
            result = await run_task(TASKS["vm_checkpoint_info"], options, False, world)
            nursery.cancel_scope.cancel()
        return result

    with mock.patch.dict(os.environ, BARE_ENVIRONMENT):
        result = trio.run(main, clock=trio.testing.MockClock(rate=1000.0))
    assert code(result) == (None if often else "unreachable")
    assert closed >= 1
    if often is None:
        assert result["error"]["retry"] == "safe"
        assert closed > 1
