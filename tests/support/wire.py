# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wire without sockets: the service goes on when the client has given up, and answers can break in the middle."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import trio
from starlette.types import ASGIApp

from simulator.wire.faults import ConnectionLost

Message = dict[str, Any]
Watcher = Callable[[httpx.Request], None]


class Killed(Exception):
    """The client's process was ended between two of its requests; nothing of it ran any more."""


class Wire(httpx.AsyncBaseTransport):
    """Requests to an ASGI application in process, each served by a task of its own, as behind a real connection."""

    def __init__(self, app: ASGIApp, nursery: trio.Nursery, sent: Watcher, answered: Watcher) -> None:
        self._app = app
        self._nursery = nursery
        self._sent = sent
        self._answered = answered

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._sent(request)
        body = await request.aread()
        near, far = trio.open_memory_channel[Message | ConnectionLost](16)
        self._nursery.start_soon(self._serve, _scope(request), body, near)
        start = await _next(far, request)
        self._answered(request)
        return httpx.Response(start["status"], headers=start["headers"], stream=_Body(far, request), request=request)

    async def _serve(self, scope: Message, body: bytes, near: trio.MemorySendChannel[Message | ConnectionLost]) -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            try:
                near.send_nowait(message)
            except trio.BrokenResourceError:  # nobody listens any more; the service does its work all the same
                return

        with near:
            try:
                await self._app(scope, receive, send)  # type: ignore[arg-type] # starlette's mappings are narrower
            except ConnectionLost as lost:
                await send(lost)  # type: ignore[arg-type] # how the wire tells itself of the loss


class _Body(httpx.AsyncByteStream):
    """What is still to come of an answer; a connection lost in the middle shows while reading."""

    def __init__(self, far: trio.MemoryReceiveChannel[Message | ConnectionLost], request: httpx.Request) -> None:
        self._far = far
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await _next(self._far, self._request)
            more = bool(message.get("more_body"))
            yield message["body"]

    async def aclose(self) -> None:
        self._far.close()


async def _next(far: trio.MemoryReceiveChannel[Message | ConnectionLost], request: httpx.Request) -> Message:
    message = await far.receive()
    if isinstance(message, ConnectionLost):
        if message.httpx_name == "SSLEOFError":  # the server closed the connection in the TLS handshake
            closed = ssl.SSLEOFError(ssl.SSL_ERROR_EOF, "EOF occurred in violation of protocol")
            closed.library, closed.reason = "SSL", "UNEXPECTED_EOF_WHILE_READING"
            raise httpx.ConnectError("the simulator closed the connection", request=request) from closed
        kind: type[httpx.TransportError] = getattr(httpx, message.httpx_name)
        raise kind("the simulator closed the connection", request=request)
    return message


def _scope(request: httpx.Request) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "path": request.url.path,
        "raw_path": request.url.raw_path.partition(b"?")[0],
        "query_string": request.url.query,
        "server": (request.url.host, request.url.port),
        "client": ("127.0.0.1", 123),
        "root_path": "",
    }


Change = Callable[[dict[str, Any]], object]


class Changed(httpx.AsyncBaseTransport):
    """The answers of another wire, those to GETs of a path changed: what a service might answer that ours does not."""

    def __init__(self, wire: httpx.AsyncBaseTransport, path: str, change: Change) -> None:
        self._wire = wire
        self._path = path
        self._change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await self._wire.handle_async_request(request)
        if request.method != "GET" or not request.url.path.lower().endswith(self._path.lower()):
            return answer
        document = json.loads(await answer.aread())
        self._change(document)
        return httpx.Response(200, headers={"Date": answer.headers["date"]}, json=document)
