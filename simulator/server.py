# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator over TLS: a certificate of its own, a loopback port, a ready file, a clean end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from pathlib import Path
from weakref import WeakKeyDictionary

import trustme
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.app import CONNECTION, TRANSPORT, create_app
from simulator.ready import facts, write_ready_file
from simulator.wire.exchange import Connection
from simulator.world import World

PARENT_CHECK = 0.5  # seconds


def serve(world: World, *, port: int = 0, tls_dir: Path | None, ready_file: Path, parent: int | None = None) -> None:
    """Serve until SIGINT, SIGTERM or the parent's end; OSError when the port is taken."""
    listening = _listen(port)
    bound: int = listening[0].getsockname()[1]
    certificate, ca_file = _certificates(tls_dir) if tls_dir is not None else (None, None)
    config = uvicorn.Config(
        _WithTransport(create_app(world), certificate),
        http="h11",
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_level="critical",
        access_log=False,
        server_header=False,  # the dialects send their own
        date_header=False,  # and their own time
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
    )
    config.ssl_certfile = config.ssl_keyfile = certificate
    url = f"{'https' if tls_dir else 'http'}://localhost:{bound}"

    def ready() -> None:
        write_ready_file(ready_file, facts(world, url, ca_file))
        sys.stdout.write(f"Simulator ready at {url}\nAddresses and credentials: {ready_file}\n")
        sys.stdout.flush()

    # uvicorn raises a signal again after it has shut down: let that find somebody who does not mind.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_given: None)
    asyncio.run(_run(_Server(config, ready), listening, parent))


class _WithTransport:
    """Leaves the connection where a fault can close it; uvicorn's `send` is a method of the cycle that has it."""

    def __init__(self, app: ASGIApp, certificate: str | None) -> None:
        self._app = app
        self._certificate = certificate_der(Path(certificate).read_text()) if certificate else b""
        self._connections: WeakKeyDictionary[object, Connection] = WeakKeyDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = scope[TRANSPORT] = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is not None:
            scope[CONNECTION] = self._connections.setdefault(transport, Connection(self._certificate))
        await self._app(scope, receive, send)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()


async def _run(server: _Server, listening: list[socket.socket], parent: int | None) -> None:
    watch = asyncio.create_task(_watch(server, parent)) if parent is not None else None
    try:
        await server.serve(sockets=listening)
    finally:
        if watch is not None:
            watch.cancel()


async def _watch(server: _Server, parent: int) -> None:
    own = os.getppid() == parent
    while not (_gone(parent) or (own and os.getppid() != parent)):
        await asyncio.sleep(PARENT_CHECK)
    server.should_exit = True


def _gone(pid: int) -> bool:
    """Whether the process has ended, reaped or not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return False


def _listen(port: int) -> list[socket.socket]:
    """127.0.0.1, and ::1 on the same port where there is IPv6: `localhost` may mean either."""
    first = _socket(socket.AF_INET)
    first.bind(("127.0.0.1", port))
    listening = [first]
    with contextlib.suppress(OSError):
        second = _socket(socket.AF_INET6)
        second.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        try:
            second.bind(("::1", first.getsockname()[1]))
        except OSError:
            second.close()
        else:
            listening.append(second)
    return listening


def _socket(family: socket.AddressFamily) -> socket.socket:
    """With the protocol named: asyncio sets TCP_NODELAY on no other, and an answer then takes 44 ms."""
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    return made


def certificate_der(pem: str) -> bytes:
    """The first certificate of a file that also holds its key."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(f"{begin}{pem.partition(begin)[2].partition(end)[0]}{end}\n")


def _certificates(directory: Path) -> tuple[str, str]:
    """A CA and a certificate of it for localhost; the private key is readable by its owner only."""
    authority = trustme.CA(organization_name="hybridvm.checkpoints simulator")
    issued = authority.issue_cert("localhost", "127.0.0.1", "::1")
    server_file, ca_file = directory / "server.pem", directory / "ca.pem"
    server_file.unlink(missing_ok=True)
    server_file.touch(mode=0o600)
    issued.private_key_and_cert_chain_pem.write_to_path(server_file)
    authority.cert_pem.write_to_path(ca_file)
    return str(server_file), str(ca_file)
