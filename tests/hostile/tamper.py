# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands between client and simulator: it writes down, makes answers wrong, and notices who else is called."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

from tests.support.lab import HOST

MOST_REQUESTS = 4000


@dataclass(frozen=True)
class Heard:
    """One request and the service's true answer to it."""

    method: str
    target: str
    sent: bytes
    status: int
    headers: httpx.Headers
    body: bytes

    @property
    def writes(self) -> bool:
        """Whether it could change something; a token request does not, nor does a question to Resource Graph."""
        asks = "/oauth2/" in self.target or "Microsoft.ResourceGraph" in self.target
        return self.method != "GET" and not asks

    @property
    def accepted(self) -> bool:
        """Whether the service took it."""
        return self.status < 300


class Endless(Exception):
    """The client goes on asking."""


Change = Callable[[int, Heard], "tuple[httpx.Headers, bytes] | None"]


@dataclass
class Log:
    """What went over the wire; `strangers` are requests that went to anybody but the service."""

    heard: list[Heard] = field(default_factory=list)
    strangers: list[httpx.Request] = field(default_factory=list)
    changed: int = 0


class Tamper(httpx.AsyncBaseTransport):
    """Hands on requests and answers; `change` may make another answer of the one with that number, with `status`."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        log: Log,
        change: Change | None = None,
        *,
        status: int | None = None,
    ) -> None:
        self._inner = inner
        self._status = status
        self._log = log
        self._change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if f"{request.url.scheme}://{request.url.netloc.decode()}" != HOST:
            self._log.strangers.append(request)
            return httpx.Response(200, json={"access_token": "stolen", "status": "Succeeded", "value": []})
        if len(self._log.heard) >= MOST_REQUESTS:
            raise Endless
        sent = await request.aread()
        answer = await self._inner.handle_async_request(request)
        body = await answer.aread()
        target = request.url.raw_path.decode("ascii")
        heard = Heard(request.method, target, sent, answer.status_code, answer.headers, body)
        self._log.heard.append(heard)
        headers, status = answer.headers, answer.status_code
        if self._change is not None and (made := self._change(len(self._log.heard) - 1, heard)) is not None:
            self._log.changed += 1
            headers, body = made
            status = self._status or status
        headers = httpx.Headers([(n, v) for n, v in headers.raw if n.lower() != b"content-length"])
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body), request=request)
