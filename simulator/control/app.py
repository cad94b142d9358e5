# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API: what no real service has, for tests, demos and rehearsals; loopback only."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from simulator.control.compute import ComputeControl
from simulator.control.vms import VmControl
from simulator.world import World

Endpoint = Callable[[Request], Awaitable[Response]]


def control_app(world: World) -> Starlette:
    """The routes below `/_control`."""
    control = Control(world)
    compute = ComputeControl(world)
    vms = VmControl(world, compute)
    routes: dict[str, dict[str, Endpoint]] = {
        "/reset": {"POST": control.reset},
        "/world": {"GET": control.get_world, "POST": control.set_world},
        "/guest/compute/{vm}": {"GET": compute.get_file, "PUT": compute.put_file},
        "/guest/{service}/{vm}": {"GET": control.get_file, "PUT": control.put_file},
        "/clock": {"GET": control.get_clock, "POST": control.set_clock},
        "/switches": {"GET": control.get_switches, "POST": control.set_switches},
        "/faults": {"GET": control.get_faults, "POST": control.add_fault, "DELETE": control.clear_faults},
        "/faults/held": {"DELETE": control.release},
        "/counters": {"GET": control.counters, "DELETE": control.clear_journal},
        "/journal": {"GET": control.journal, "DELETE": control.clear_journal},
        "/vm": {"POST": vms.add},
        "/vm/compute/{vm}": {"POST": compute.change},
        "/vm/compute/{vm}/job": {"POST": compute.job},
        "/vm/{service}/{vm}": {"POST": vms.change},
        "/vm/{service}/{vm}/job": {"POST": vms.job},
        "/vm/{service}/{vm}/checkpoint": {"POST": vms.checkpoint},
        "/rights": {"POST": vms.rights},
        "/failures": {"POST": vms.failure, "DELETE": vms.clear_failures},
        "/locks": {"GET": compute.get_locks, "POST": compute.add_lock, "DELETE": compute.clear_locks},
    }
    return Starlette(
        routes=[
            Route(path, _guarded(world, endpoint), methods=[method])
            for path, methods in routes.items()
            for method, endpoint in methods.items()
        ],
        exception_handlers={HTTPException: _problem},
    )


def _guarded(world: World, endpoint: Endpoint) -> Endpoint:
    """Loopback callers only; what the caller got wrong is a 400 that says so."""

    async def guarded(request: Request) -> Response:
        host = request.client.host if request.client else "127.0.0.1"
        if host != "testclient" and not ipaddress.ip_address(host).is_loopback:
            raise HTTPException(403, "the control API answers on loopback only")
        world.settle()
        try:
            return await endpoint(request)
        except KeyError as error:
            raise HTTPException(404, f"there is no {error}") from None
        except (ValueError, TypeError) as error:
            raise HTTPException(400, str(error)) from None

    return guarded


async def _problem(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    return JSONResponse({"error": getattr(error, "detail", str(error))}, status)


async def document(request: Request) -> dict[str, Any]:
    """The request's JSON object; an empty body is an empty one."""
    if not await request.body():
        return {}
    given = await request.json()
    if not isinstance(given, dict):
        raise ValueError("the body is not a JSON object")
    return given


class Control:
    """World, guests, clock, switches, faults and the journal."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def reset(self, request: Request) -> Response:
        self.world.reset()
        return JSONResponse({"reset": True})

    async def get_world(self, request: Request) -> Response:
        return JSONResponse(self.world.dump())

    async def set_world(self, request: Request) -> Response:
        """`{"spf": 3, "scvmm": 2}` for so many VMs, anything else is a whole world document."""
        given = await document(request)
        services = {"spf", "scvmm", "compute"}
        if all(isinstance(given.get(name, 0), int) for name in services) and set(given) <= services:
            self.world.populate(**given)
        else:
            self.world.load(given)
        return JSONResponse(self.world.dump())

    async def get_file(self, request: Request) -> Response:
        vm = self.world.vm(request.path_params["vm"], request.path_params["service"])
        path = request.query_params.get("path")
        if path is None:
            return JSONResponse(vm.files)
        return PlainTextResponse(vm.files[path])

    async def put_file(self, request: Request) -> Response:
        vm = self.world.vm(request.path_params["vm"], request.path_params["service"])
        path = request.query_params.get("path")
        if path is None:
            raise ValueError("say which file: ?path=/etc/app.conf")
        vm.files[path] = (await request.body()).decode()
        return Response(status_code=204)

    async def get_clock(self, request: Request) -> Response:
        return JSONResponse({"now": self.world.now(), "scale": self.world.clock.scale})

    async def set_clock(self, request: Request) -> Response:
        """`advance`: seconds to let pass at once; `scale`: simulated seconds in a real one."""
        given = await document(request)
        if unknown := set(given) - {"advance", "scale"}:
            raise ValueError(f"the clock has no {', '.join(sorted(unknown))}")
        if "scale" in given:
            self.world.clock.rescale(float(given["scale"]))
        if "advance" in given:
            self.world.clock.advance(float(given["advance"]))
        self.world.settle()
        return await self.get_clock(request)

    async def get_switches(self, request: Request) -> Response:
        return JSONResponse(self.world.switches.as_dict())

    async def set_switches(self, request: Request) -> Response:
        self.world.switches.update(await document(request))
        return await self.get_switches(request)

    async def get_faults(self, request: Request) -> Response:
        return JSONResponse(self.world.faults.as_list())

    async def add_fault(self, request: Request) -> Response:
        """One fault, or a list of them under `faults`."""
        given = await document(request)
        for each in given.get("faults", [given]):
            self.world.faults.add(**each)
        return JSONResponse(self.world.faults.as_list(), 201)

    async def clear_faults(self, request: Request) -> Response:
        self.world.faults.clear()
        return Response(status_code=204)

    async def release(self, request: Request) -> Response:
        self.world.faults.release()
        return Response(status_code=204)

    async def counters(self, request: Request) -> Response:
        return JSONResponse(self.world.journal.counters())

    async def journal(self, request: Request) -> Response:
        return JSONResponse(self.world.journal.as_list())

    async def clear_journal(self, request: Request) -> Response:
        self.world.journal.clear()
        return Response(status_code=204)
