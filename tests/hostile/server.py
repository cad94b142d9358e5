# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole modules against a server that answers whatever a test says, in process and on a virtual clock."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import FrameType
from typing import Any, TypeAlias
from unittest import mock

import httpx
import trio
import trio.testing

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import run_task
from tests.contract.checkpoints.scenarios import code
from tests.support.lab import BARE_ENVIRONMENT, Result
from tests.support.tasks import TASKS

CHUNK = 64 * 1024
"""As httpcore reads from a socket."""
SPF = "https://spf.example/root"
GUID = "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"
MACHINE = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.HybridCompute/machines/vm1"
AZURE_VM = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm1"
ON_SPF: dict[str, Any] = {
    "spf_url": SPF,
    "spf_auth": "basic",
    "spf_username": "somebody",
    "spf_password": "long and secret",
}
ON_ARM: dict[str, Any] = {"access_token": "a-token", "subscription_id": GUID}
READS: dict[str, tuple[str, dict[str, Any]]] = {
    "spf": ("vm_checkpoint_info", {**ON_SPF, "vm": "vm1"}),
    "scvmm": ("vm_checkpoint_info", {**ON_ARM, "vm": MACHINE}),
    "compute": ("vm_checkpoint_info", {**ON_ARM, "vm": AZURE_VM}),
    "list": ("vm_checkpoint_info", {**ON_ARM, "scope": "scvmm"}),
    "collection": ("restore_point_collection_info", {**ON_ARM, "resource_group": "rg", "name": "c"}),
}
"""A module that reads, by the service it reads from."""


class Stream(httpx.AsyncByteStream):
    """A body in chunks, each `pause` seconds after the one before; counts what was taken of it."""

    def __init__(self, chunks: Iterator[bytes], pause: float = 0.0) -> None:
        self._chunks = chunks
        self._pause = pause
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            await trio.sleep(self._pause)
            self.taken += len(chunk)
            yield chunk


def chunked(body: bytes) -> Iterator[bytes]:
    """A body as it comes off a socket."""
    return (body[at : at + CHUNK] for at in range(0, len(body), CHUNK))


@dataclass
class Said:
    """One answer."""

    body: bytes | Stream = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answers: TypeAlias = Callable[[httpx.Request], Said]


@dataclass
class Server(httpx.AsyncBaseTransport):
    """Answers everybody; `seconds` is how long a run took."""

    answers: Answers
    requests: list[httpx.Request] = field(default_factory=list)
    seconds: float = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        said = self.answers(request)
        stream = said.body if isinstance(said.body, Stream) else Stream(chunked(said.body))
        headers = {"Date": "Fri, 20 Nov 2026 11:30:00 GMT", **said.headers}
        return httpx.Response(said.status, headers=headers, stream=stream, request=request)

    def run(self, module: str, *, check: bool = False, **options: Any) -> Result:
        """The result of a module that speaks with this server."""
        task = TASKS[module]
        surroundings = RunContext({}, lambda: datetime.fromtimestamp(0, UTC), self)

        async def main() -> Result:
            begin = trio.current_time()
            try:
                return await run_task(task, options, check, surroundings)
            finally:
                self.seconds = trio.current_time() - begin

        with mock.patch.dict(os.environ, BARE_ENVIRONMENT, clear=True):
            return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def read(service: str, said: Said, **options: Any) -> tuple[str | None, str, Server]:
    """Code, message and server of a module that reads from a service which answers everything alike."""
    server = Server(lambda _request: said)
    module, given = READS[service]
    result = server.run(module, **given, **options)
    return code(result), str(result.get("msg", "")), server


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """No more of the processor's time than that, however busy the machine is; waiting is virtual here."""

    def late(_signal: int, _frame: FrameType | None) -> None:
        raise AssertionError(f"not done within {seconds} s of computing")

    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
