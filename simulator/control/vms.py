# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API's view of single VMs: their state, their background jobs, checkpoints made behind VMM's back."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from simulator.control.compute import ComputeControl
from simulator.documents.check import check_vm
from simulator.documents.seeding import dump_vm, plant
from simulator.vmm.hardware import from_document
from simulator.vmm.jobs import Kind, Planned, Refusal, Status
from simulator.vmm.machines import VirtualMachine
from simulator.world import World

CHANGEABLE = frozenset({"power", "status", "checkpoint_type", "description", "name", "pointer"})
HARDWARE = frozenset({"nics", "cpu_count", "memory_mb"})
RIGHTS = frozenset({"all", "restore_only", "view", "none"})


class VmControl:
    """Endpoints below /_control/vm, and the rights and failures that concern all VMs of a service."""

    def __init__(self, world: World, compute: ComputeControl) -> None:
        self.world = world
        self.compute = compute  # answers what concerns Azure's VMs

    def _vm(self, request: Request) -> VirtualMachine:
        return self.world.vm(request.path_params["vm"], request.path_params["service"])

    async def add(self, request: Request) -> Response:
        """Add a VM, be it a second one of the same name: `{"service": "spf", "name": "web01", ...}`."""
        given: dict[str, Any] = await request.json()
        service = given.pop("service")
        if service == "compute":
            return await self.compute.add(given)
        if service == "scvmm":
            given.setdefault("resource_uri", self.world.machine_uri(given["name"]))
        check_vm(given)
        return JSONResponse(dump_vm(plant(self.world.site(service).vmm, given)), 201)

    async def change(self, request: Request) -> Response:
        """Set power, status, checkpoint_type, description, name or pointer by hand, or nics, cpu_count, memory_mb."""
        given: dict[str, Any] = await request.json()
        if unknown := set(given) - CHANGEABLE - HARDWARE:
            raise ValueError(f"a VM's {', '.join(sorted(unknown))} cannot be set")
        vm = self._vm(request)
        check_vm({"name": vm.name, **{name: value for name, value in given.items() if name in HARDWARE}})
        for name, value in given.items():
            if name in CHANGEABLE:
                setattr(vm, name, value)
        vm.hardware = from_document(vm.id, given, vm.hardware)
        if "pointer" in given:
            vm.stands_on = None
        vm.etag += 1
        return JSONResponse(dump_vm(vm))

    async def job(self, request: Request) -> Response:
        """A job of VMM's own on the VM for `seconds`; `locks` false: it shows, but is in nobody's way."""
        given: dict[str, Any] = await request.json() if await request.body() else {}
        vmm = self.world.site(request.path_params["service"]).vmm
        job = vmm.background(self._vm(request), float(given.get("seconds", 60)), locks=bool(given.get("locks", True)))
        return JSONResponse({"id": job.id}, 201)

    async def checkpoint(self, request: Request) -> Response:
        """A checkpoint made in Hyper-V Manager; VMM learns of it at the VM's next refresh."""
        given: dict[str, Any] = await request.json()
        vmm = self.world.site(request.path_params["service"]).vmm
        point = vmm.made_outside(self._vm(request), given["name"], given.get("description", ""))
        return JSONResponse({"id": point.id, "checkpoint_id": point.checkpoint_id}, 201)

    async def rights(self, request: Request) -> Response:
        """What the caller may do: all, restore_only, view or none; in ARM also by `actions`, as a role lists them."""
        given: dict[str, Any] = await request.json()
        if "actions" in given:
            actions = None if given["actions"] is None else frozenset(map(str, given["actions"]))
            if given["service"] == "spf":
                self.world.spf.vmm.rights = "all" if actions is None else actions
            else:
                self.world.arm_actions = actions
            return JSONResponse(given)
        if given["service"] == "compute":
            return await self.compute.rights(given)
        if given["rights"] not in RIGHTS:
            raise ValueError(f"rights are one of {', '.join(sorted(RIGHTS))}")
        self.world.site(given["service"]).vmm.rights = given["rights"]
        return JSONResponse(given)

    async def failure(self, request: Request) -> Response:
        """How the next `count` jobs of a kind end: `{"service", "kind"}`, and if wanted the rest.

        `vm`, `count`, `status` (Failed, Canceled, SucceedWithInfo), `code`, `symbol`, `problem`.
        """
        given: dict[str, Any] = await request.json()
        if given["service"] == "compute":
            return await self.compute.failure(given)
        refusal = Refusal(
            str(given.get("code", "Simulated")),
            str(given.get("symbol", "SimulatedFailure")),
            str(given.get("problem", "The simulator was asked to let this job fail.")),
        )
        planned = self.world.site(given["service"]).vmm.planned_failures
        status = Status(given.get("status", "Failed"))
        if status not in {Status.FAILED, Status.CANCELED, Status.SUCCEED_WITH_INFO}:
            raise ValueError(f"a job cannot be planned to end as {status}")
        planned.extend([Planned(Kind(given["kind"]), given.get("vm"), refusal, status)] * int(given.get("count", 1)))
        return JSONResponse({"planned": len(planned)}, 201)

    async def clear_failures(self, request: Request) -> Response:
        for site in (self.world.spf, self.world.arc):
            site.vmm.planned_failures.clear()
        self.world.azure.planned.clear()
        return Response(status_code=204)
