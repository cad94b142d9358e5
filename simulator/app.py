# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The application: one ASGI app that counts, breaks and answers, and the control API beside it."""

from __future__ import annotations

from typing import Any

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from simulator.arm.rights import refused_action
from simulator.compute.service import Compute
from simulator.control.app import control_app
from simulator.entra.issuers import APP_SERVICE, AZURE_PIPELINES, GITHUB
from simulator.entra.service import Entra
from simulator.scvmm.service import ScVmm
from simulator.spf.access import find_root
from simulator.spf.service import Spf
from simulator.wire.clock import http_date
from simulator.wire.exchange import Answer, Call, Connection, json_answer
from simulator.wire.faults import HANDLED_FIRST, WAITING, ConnectionLost, Fault, distort, replacement
from simulator.world import World

_SIGNING_IN = ("/metadata/", "/common/", APP_SERVICE, GITHUB, AZURE_PIPELINES)
TRANSPORT = "simulator.transport"  # where the server leaves the connection's transport, see server.py
CONNECTION = "simulator.connection"  # and what lasts as long as the connection


def create_app(world: World) -> Starlette:
    """The whole simulator as one ASGI application; it works on asyncio and on trio, over sockets and without."""
    return Starlette(routes=[Mount("/_control", app=control_app(world)), Mount("/", app=App(world))])


class App:
    """Takes every request that is not for the control API."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.services = (Spf(world), Compute(world), ScVmm(world), Entra(world))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the simulator does not speak {scope['type']}")
        call = await _call(scope, receive)
        journal, world = self.world.journal, self.world
        service = _service(call)
        entry = journal.open(service, call, world.now())
        fault = world.faults.pick(call)
        entry.fault = fault.kind if fault else None
        if fault is not None and fault.kind == "delay":
            await anyio.sleep(world.clock.real_seconds(fault.seconds))
        if fault is not None and fault.kind == "hold":
            await world.faults.hold()
        if fault is not None and fault.kind == "lose_request":
            await _drop(scope, fault)
            return
        if fault is not None and fault.kind not in HANDLED_FIRST | WAITING:
            answer = replacement(fault)
        else:
            journal.handled(service, call)
            answer = await self._answer(call)
            if fault is not None:
                answer = distort(fault, answer)
        if fault is not None and fault.kind == "lose_answer":
            await _drop(scope, fault)
            return
        entry.status = answer.status
        if world.switches.date_header and answer.header("date") is None:
            answer.headers.append(("Date", http_date(world.now() + world.switches.date_skew)))
        await _send(scope, send, answer, fault)

    async def _answer(self, call: Call) -> Answer:
        if (refused := refused_action(call, self.world)) is not None:
            return refused
        for service in self.services:
            answer = await service.handle(call)
            if answer is not None:
                return answer
        return json_answer(404, {"error": {"code": "NotFound", "message": f"Nothing is simulated at '{call.path}'."}})


def _service(call: Call) -> str:
    if find_root(call) is not None:
        return "spf"
    path = call.path.lower()
    signing_in = "/oauth2/" in path or "/.well-known/" in path or path.startswith(_SIGNING_IN)
    return "entra" if signing_in else "arm"


async def _call(scope: Scope, receive: Receive) -> Call:
    request = Request(scope, receive)
    body = await request.body()
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    target = raw.partition(b"?")[0] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    return Call(
        method=scope["method"],
        target=target.decode("latin-1"),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=body,
        scheme=scope.get("scheme", "https"),
        connection=scope.get(CONNECTION) or Connection(),
    )


async def _send(scope: Scope, send: Send, answer: Answer, fault: Fault | None) -> None:
    bodiless = answer.status in {204, 304}
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    if not bodiless:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if fault is not None and fault.kind == "reset_body":
        await send({"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True})
        await _drop(scope, fault)
        return
    await send({"type": "http.response.body", "body": b"" if bodiless else answer.body})


async def _drop(scope: Scope, fault: Fault) -> None:
    """Close the connection: over sockets through its transport, elsewhere by an exception for the test to map."""
    transport: Any = scope.get(TRANSPORT)
    if transport is None:
        raise ConnectionLost(fault.exception)
    transport.abort()
    for _turn in range(3):  # let the server notice, so that it does not try to answer for us
        await anyio.lowlevel.checkpoint()
