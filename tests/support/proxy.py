# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP proxy on loopback that opens tunnels (CONNECT), or refuses to."""

from __future__ import annotations

import base64
import http.server
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.waiting import HANG


@dataclass
class Proxy:
    """`status` other than 200 refuses every tunnel; `user` and `password` are demanded where they are given."""

    status: int = 200
    user: str = ""
    password: str = ""
    asked: list[str] = field(default_factory=list)
    address: str = ""

    def answer(self, given: str) -> int:
        """What a request for a tunnel with this Proxy-Authorization gets."""
        pair = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return 407 if self.user and given != f"Basic {pair}" else self.status


def _handler(proxy: Proxy) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            proxy.asked.append(self.path)
            status = proxy.answer(self.headers.get("Proxy-Authorization", ""))
            self.send_response(status)
            self.end_headers()
            self.close_connection = True
            if status == 200:
                _tunnel(self.connection, self.path)

        def log_message(self, *_given: object) -> None:
            """Nothing."""

    return Handler


def _tunnel(client: socket.socket, target: str) -> None:
    host, _colon, port = target.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=HANG) as server:
        back = threading.Thread(target=_copy, args=(server, client), daemon=True)
        back.start()
        _copy(client, server)
        back.join(HANG)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        """One of them has gone."""


@contextmanager
def proxying(proxy: Proxy) -> Iterator[Proxy]:
    """The same with its address, as long as the block lasts."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    proxy.address = f"127.0.0.1:{server.server_address[1]}"
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join(HANG)
        server.server_close()
