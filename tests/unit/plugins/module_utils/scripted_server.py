# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server that answers as written, on a virtual clock and without sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, TypeVar

import httpx
import trio
import trio.testing

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Auth
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import Response

BASE = "https://service.test"
Result = TypeVar("Result")


@dataclass(frozen=True)
class Reply:
    """One answer; `after` seconds pass before it comes."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: float = 0.0


Written: TypeAlias = "Reply | Exception | Callable[[httpx.Request], Reply]"


def reply(status: int = 200, body: Any = b"", /, **headers: str) -> Reply:
    """An answer; a body that is not bytes or text goes out as JSON, `retry_after="5"` becomes Retry-After."""
    content = body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return Reply(status, content, {name.replace("_", "-"): value for name, value in headers.items()})


def slow(seconds: float, made: Reply | None = None) -> Reply:
    """The same answer, or an empty one, after a while."""
    return replace(made or Reply(), after=seconds)


def answer(status: int = 200, body: Any = b"", /, **headers: str) -> Response:
    """An answer as the client hands it on."""
    made = reply(status, body, **headers)
    return Response(made.status, httpx.Headers(dict(made.headers)), made.body, "service")


class Script(httpx.AsyncBaseTransport):
    """Answers in the order written, the last for ever; remembers each request and when it came."""

    def __init__(self, *written: Written) -> None:
        self._written = written
        self.requests: list[httpx.Request] = []
        self.times: list[float] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.times.append(trio.current_time())
        if len(self.requests) > 1000:
            raise AssertionError("a thousand requests: the client does not give up")
        entry = self._written[min(len(self.requests), len(self._written)) - 1]
        await trio.lowlevel.checkpoint()
        if isinstance(entry, Exception):
            raise entry
        said = entry if isinstance(entry, Reply) else entry(request)
        await trio.sleep(said.after)
        stream = httpx.ByteStream(said.body)
        return httpx.Response(said.status, headers=dict(said.headers), stream=stream, request=request)

    @property
    def sent(self) -> list[str]:
        """Method and URL of every request."""
        return [f"{request.method} {request.url}" for request in self.requests]

    @property
    def pauses(self) -> list[float]:
        """The seconds between one request and the next."""
        return [later - earlier for earlier, later in zip(self.times, self.times[1:], strict=False)]

    @asynccontextmanager
    async def http(self, *, seconds: float = 600.0, auth: Auth | None = None, base: str = BASE) -> AsyncIterator[Http]:
        """A client of this server, with a deadline."""
        async with httpx.AsyncClient(transport=self) as client:
            yield Http(client, base, "service", Deadline(seconds), auth=auth)

    def read(self, path: str = "/thing", *, seconds: float = 600.0, auth: Auth | None = None, **how: Any) -> Response:
        """One read, start to end."""

        async def main() -> Response:
            async with self.http(seconds=seconds, auth=auth) as http:
                return await http.read(BASE + path, context="reading vm web01", **how)

        return virtual(main)

    def write(self, path: str = "/thing", *, seconds: float = 600.0, auth: Auth | None = None, **how: Any) -> Response:
        """One write, start to end."""

        async def main() -> Response:
            async with self.http(seconds=seconds, auth=auth) as http:
                return await http.write("POST", BASE + path, context="changing vm web01", headers={}, body=b"{}", **how)

        return virtual(main)


def virtual(main: Callable[[], Awaitable[Result]]) -> Result:
    """Run on trio with a clock that jumps over every wait."""

    async def run() -> Result:
        return await main()

    return trio.run(run, clock=trio.testing.MockClock(autojump_threshold=0))


def link_lost() -> httpx.TransportError:
    """The connection broke after the request went out."""
    return httpx.ReadError("broken")


def never_left() -> httpx.TransportError:
    """No connection came about."""
    return httpx.ConnectError("refused")
