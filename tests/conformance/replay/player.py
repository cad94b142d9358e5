# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A recording served over TLS on a loopback port, for the length of a block."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import trustme
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.conformance.replay.recording import Recording
from tests.support.waiting import HANG, until

RECORDED_HOST = "https://management.azure.com"
_FRAMING = {"content-length", "transfer-encoding", "content-encoding", "connection", "strict-transport-security"}


@contextmanager
def playing(recording: Recording, directory: Path) -> Iterator[tuple[str, Path]]:
    """The player's origin and its CA; the thread ends with the block, and with the process whatever happens."""
    authority = trustme.CA()
    certificate, ca_file = directory / "player.pem", directory / "player-ca.pem"
    certificate.touch(mode=0o600)
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    authority.cert_pem.write_to_path(ca_file)
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    origin = f"https://localhost:{listening.getsockname()[1]}"
    config = uvicorn.Config(
        _application(recording, origin),
        http="h11",
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=str(certificate),
        ssl_keyfile=str(certificate),
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        until(lambda: server.started or not thread.is_alive(), "the player starts")
        assert server.started, "the player did not start"
        yield origin, ca_file
    finally:
        server.should_exit = True
        thread.join(HANG)
        listening.close()


def _application(recording: Recording, origin: str) -> Starlette:
    async def metadata(_request: Request) -> Response:
        recording.used.add("sign-in")
        login = {"loginEndpoint": origin, "audiences": [f"{origin}/"]}
        return JSONResponse([{"name": "Player", "resourceManager": origin, "authentication": login}])

    async def play(request: Request) -> Response:
        sent = await request.body()
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        body: Any = json.loads(sent) if sent else None
        if request.headers.get("authorization") is None:
            recording.failures.append(f"{request.method} {target} came without a token")
        recorded = recording.answer(request.method, target, body)
        headers = {
            name: value.replace(RECORDED_HOST, origin)
            for name, value in recorded.headers
            if name.lower() not in _FRAMING
        }
        return Response(recorded.body.encode(), recorded.status, headers)

    methods = ["GET", "PUT", "PATCH", "POST", "DELETE"]
    return Starlette(routes=[Route("/metadata/endpoints", metadata), Route("/{path:path}", play, methods=methods)])
