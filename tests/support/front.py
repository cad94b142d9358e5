# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that ends TLS before the simulator, as a reverse proxy or the portal does, with a connection for each."""

from __future__ import annotations

import http.client
import http.server
import ssl
import threading
import urllib.parse
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import trustme

from tests.support.waiting import HANG

_OF_CONNECTION = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass
class Front:
    """What it adds to each request, and what it takes off each path; `seen` are subjects of client certificates."""

    backend: str
    backend_ca: str
    prefix: str = ""
    adds: Mapping[str, str] = field(default_factory=dict)
    asks_late: bool = False
    seen: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


def _handler(front: Front) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            parts = urllib.parse.urlsplit(front.backend)
            context = ssl.create_default_context(cafile=front.backend_ca)
            self.upstream = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context)

        def finish(self) -> None:
            self.upstream.close()
            super().finish()

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except OSError:
                self.close_connection = True

        def forward(self) -> None:
            secured = self.connection
            assert isinstance(secured, ssl.SSLSocket)
            front.requests.append(f"{self.command} {self.path}")
            if front.asks_late:
                secured.verify_client_post_handshake()  # raises where the client cannot
            certificate = secured.getpeercert()
            if certificate:
                front.seen.append(str(certificate["subject"]))
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _OF_CONNECTION}
            path = self.path.removeprefix(front.prefix)
            self.upstream.request(self.command, path, body or None, {**headers, **front.adds, "Host": "localhost"})
            answer = self.upstream.getresponse()
            content = answer.read()
            lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
            lines += [f"{name}: {value}" for name, value in answer.getheaders() if name.lower() not in _OF_CONNECTION]
            if answer.status != 204:
                lines.append(f"Content-Length: {len(content)}")
            self.wfile.write("\r\n".join([*lines, "", ""]).encode("latin-1") + content)

        do_GET = do_POST = do_MERGE = do_PUT = do_PATCH = do_DELETE = forward

        def log_message(self, *_given: object) -> None:
            """Nothing."""

    return Handler


@contextmanager
def serving(
    front: Front,
    authority: trustme.CA,
    directory: Path,
    *,
    client_ca: trustme.CA | None = None,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
) -> Iterator[str]:
    """Its URL, as long as the block lasts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = version
    authority.issue_cert("localhost").configure_cert(context)
    if client_ca is not None:
        client_ca.configure_trust(context)
        context.verify_mode = ssl.CERT_OPTIONAL if front.asks_late else ssl.CERT_REQUIRED
        context.post_handshake_auth = front.asks_late
    authority.cert_pem.write_to_path(directory / "front-ca.pem")

    class Server(http.server.ThreadingHTTPServer):
        def get_request(self) -> tuple[ssl.SSLSocket, object]:
            plain, address = super().get_request()
            plain.settimeout(HANG)
            return context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, *_given: object) -> None:
            """A client that is refused in the handshake."""

    server = Server(("127.0.0.1", 0), _handler(front))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"https://localhost:{server.server_address[1]}{front.prefix}"
    finally:
        server.shutdown()
        thread.join(HANG)
        server.server_close()
