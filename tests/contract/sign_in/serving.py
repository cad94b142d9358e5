# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A world behind TLS on loopback, in this process, so that a test can change it while vendors' clients use it."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
import uvicorn

from simulator.app import create_app
from simulator.world import World
from tests.support.waiting import HANG


@dataclass
class Served:
    """A world behind TLS on loopback."""

    world: World
    url: str
    ca: str

    @property
    def client(self) -> dict[str, Any]:
        """What every client is given."""
        return {
            "tenant_id": self.world.credentials.tenant,
            "client_id": self.world.credentials.client_id,
            "authority": self.url,
            "disable_instance_discovery": True,
            "connection_verify": self.ca,
        }

    def opens(self, credential: Any) -> None:
        """The credential gets a token, which the resource manager would take."""
        with credential:
            token = credential.get_token(f"{self.url}/.default").token
        assert self.world.tokens[token][1].rstrip("/") == self.url


class _Server(uvicorn.Server):
    """Ends at once: a client that keeps its connection would let TLS wait half a minute for its goodbye."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for connection in list(self.server_state.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await super().shutdown(sockets)


@contextmanager
def serving(directory: Path, scale: float = 1.0) -> Iterator[Served]:
    """A world that is served until it is left."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(directory / "ca.pem")
    issued = authority.issue_cert("localhost", "127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(directory / "server.pem")
    world = World(time.time, scale=scale)
    config = uvicorn.Config(create_app(world), lifespan="off", log_level="critical", ws="none", loop="asyncio")
    config.load()
    config.ssl = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    config.ssl.load_cert_chain(directory / "server.pem")
    running = _Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield Served(world, f"https://localhost:{listening.getsockname()[1]}", str(directory / "ca.pem"))
    finally:
        running.should_exit = True
        thread.join(HANG)
        listening.close()
