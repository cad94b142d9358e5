# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API's view of Azure: guests' disks, VMs, locks, rights, and how the next operations end."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from simulator.azure.jobs import PlannedEnd, Refused
from simulator.azure.model import AzureVm
from simulator.documents.azure_seeding import dump_azure_vm, plant_azure_vm, plant_lock
from simulator.world import World

KINDS = (
    "point",  # making a restore point
    "copy",  # beginning a copy
    "replication",  # the data of a copy, half-way
    "point_delete",
    "collection",  # PUT and PATCH of a collection: answered at once
    "collection_delete",
    "disk",  # PUT and PATCH of a disk
    "disk_delete",
    "vm",  # PUT, PATCH and attachDetachDataDisks of a VM
    "vm_delete",
    "power",  # start, restart, powerOff, deallocate
    "access",  # beginGetAccess, endGetAccess
)
CHANGEABLE = frozenset({"power", "agent", "tags", "size", "zones", "state"})
RIGHTS = frozenset({"all", "view", "none"})


class ComputeControl:
    """Endpoints of the control API for the service `compute`."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _vm(self, request: Request) -> AzureVm:
        return self.world.azure.named(request.path_params["vm"])

    async def get_file(self, request: Request) -> Response:
        """`?path=/etc/app.conf&disk=os` or a LUN; without a path all files of that disk."""
        files = self.world.azure.files(self._vm(request), request.query_params.get("disk", "os"))
        path = request.query_params.get("path")
        return JSONResponse(files) if path is None else PlainTextResponse(files[path])

    async def put_file(self, request: Request) -> Response:
        """Write one file of a disk that the VM has."""
        path = request.query_params.get("path")
        if path is None:
            raise ValueError("say which file: ?path=/etc/app.conf")
        files = self.world.azure.files(self._vm(request), request.query_params.get("disk", "os"))
        files[path] = (await request.body()).decode()
        return Response(status_code=204)

    async def add(self, given: dict[str, Any]) -> Response:
        """A VM as in a world document."""
        vm = plant_azure_vm(self.world.azure, given)
        return JSONResponse(dump_azure_vm(self.world.azure, vm), 201)

    async def change(self, request: Request) -> Response:
        """Set power, agent, tags, size, zones or state by hand."""
        given: dict[str, Any] = await request.json()
        if unknown := set(given) - CHANGEABLE:
            raise ValueError(f"an Azure VM's {', '.join(sorted(unknown))} cannot be set")
        vm = self._vm(request)
        for name, value in given.items():
            setattr(vm, name, value)
        vm.etag += 1
        return JSONResponse(dump_azure_vm(self.world.azure, vm))

    async def job(self, request: Request) -> Response:
        """Somebody else's operation on the VM, for `seconds`."""
        given: dict[str, Any] = await request.json() if await request.body() else {}
        azure, vm = self.world.azure, self._vm(request)
        timing = type(azure.switches.timing("compute_vm"))(seconds=float(given.get("seconds", 60)))
        job = azure.begin("vm", vm.location, timing, vm.attachments, vm=vm)
        azure.disturb(vm)
        return JSONResponse({"id": job.id}, 201)

    async def rights(self, given: dict[str, Any]) -> Response:
        """all, view or none, without the actions in `forbidden`."""
        rights, forbidden = given.get("rights", "all"), given.get("forbidden", [])
        if rights not in RIGHTS:
            raise ValueError(f"rights on Azure are one of {', '.join(sorted(RIGHTS))}")
        if not isinstance(forbidden, list) or not all(isinstance(each, str) and "/" in each for each in forbidden):
            raise ValueError("forbidden is a list of actions, such as Microsoft.Compute/disks/read")
        self.world.azure.rights, self.world.azure.forbidden = rights, forbidden
        return JSONResponse(given)

    async def failure(self, given: dict[str, Any]) -> Response:
        """How the next `count` operations of a `kind` end.

        `name` (or `vm`): the resource's or its VM's; `code`, `message`; `status`: the HTTP status with which
        it is refused, null: it is taken and fails later; `retry_after`.
        """
        if given["kind"] not in KINDS:
            raise ValueError(f"a kind is one of {', '.join(KINDS)}, not {given['kind']!r}")
        status = given.get("status") if given["kind"] != "replication" else None
        for _time in range(int(given.get("count", 1))):
            refusal = Refused(
                int(status or 409), str(given.get("code", "InternalError")), str(given.get("message", ""))
            )
            refusal.retry_after = given.get("retry_after")
            name = given.get("name", given.get("vm"))
            self.world.azure.planned.append(PlannedEnd(given["kind"], name, refusal, status and int(status)))
        return JSONResponse({"planned": len(self.world.azure.planned)}, 201)

    async def get_locks(self, request: Request) -> Response:
        return JSONResponse([vars(lock) for lock in self.world.azure.locks])

    async def add_lock(self, request: Request) -> Response:
        """`{"scope": "rg-shop", "level": "CanNotDelete"}`; the scope may be any ARM id."""
        lock = plant_lock(self.world.azure, await request.json() if await request.body() else {})
        return JSONResponse(vars(lock), 201)

    async def clear_locks(self, request: Request) -> Response:
        self.world.azure.locks.clear()
        return Response(status_code=204)
