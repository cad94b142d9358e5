# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service Provider Foundation: the VMM OData service of System Center and Windows Azure Pack."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace
from datetime import datetime

from ..._core.ancestry import build_tree
from ..._core.capabilities import Capabilities
from ..._core.clocks import latest_of
from ..._core.errors import Ambiguous, BadResponse, InvalidInput, NotFound, Refused
from ..._core.formatting import one_line
from ..._core.model import Checkpoint, ObservedVm
from ..._core.operation import Operation
from ..._core.settings import SpfSettings
from ..._core.spec import is_guid
from ..._core.targets import VM
from ..._deps import anyio
from ..._http.client import Http
from ..._http.error_mapping import error_after_write, leaves_open
from ..._http.response import Response
from ..base import Purpose, Scope, SingleCallProvider, bounded_count, clock
from . import odata
from .entities import BUSY, PASSING, REFUSING, CheckpointEntity, VmEntity
from .jobs import Jobs
from .reader import SpfReader
from .tenant import Tenant, survey

CAPABILITIES = Capabilities(
    restores="its disks and its hardware configuration as they were, network adapters included",
    provider="spf",
    title="SPF",
    names_unique=False,
    can_update_description=True,
    operations_findable=True,
    restore_in_place=True,
    power=True,
    max_points=50,
    at_once=(32, 256),  # one VMM server carries all of it out
    why={
        "identity": "id and host id; names may repeat",
        "time": "the service's own creation time",
        "exactly_once": "at most one create of unknown outcome per run; a rerun joins what is visible",
        "joining": "the job is found by its id or through the VM",
        "restore": "the job's success, and the VM's pointer where it had to move",
    },
)


class Spf(SingleCallProvider):
    """SPF at one service root."""

    capabilities = CAPABILITIES

    def __init__(self, http: Http, settings: SpfSettings, wall_clock: t.Callable[[], datetime]) -> None:
        self._http = http
        self._settings = settings
        self._root = settings.root
        self._wall_clock = wall_clock
        self._stamp = settings.spf_stamp_id
        self._reader = SpfReader(http, settings)
        self._jobs = Jobs(self._reader)
        self._tenant: Tenant | None = None
        self._resolved: dict[str, tuple[bytes, datetime | None]] = {}

    def identify(self, reference: str) -> VM | None:
        """Only the service knows which VM a name or a GUID means."""
        return None

    async def resolve(self, reference: str) -> VM:
        """By GUID: VMM's ID first, then a unique hypervisor VMId; otherwise by a name that is unique."""
        field, found, response = await self._candidates(reference)
        if len(found) > 1:
            listed = ", ".join(f"{vm.ID.lower()} ({vm.Status})" for vm in found[:20])
            raise Ambiguous(
                f"{len(found)} VMs have this {field.replace('Name', 'name')}: {listed}.",
                subject=f"vm {reference}",
                remedy="Name the VM by its ID.",
            )
        if not found:
            raise NotFound(
                f"no such VM in {self._http.label}, or it is not visible to {self._reader.sign_in or 'this user'}.",
                subject=f"vm {reference}",
                remedy=f"Give the VM's name or ID as SPF shows it{self._only_of_stamp()}. VMs of Arc-enabled SCVMM and "
                "of Azure are given by their ARM ids (/subscriptions/…).",
            )
        vm = await self._vm(found[0], reference)
        if response is not None:
            self._resolved[vm.id] = (found[0].packed(), response.date)
        return vm

    async def _candidates(self, reference: str) -> tuple[str, list[VmEntity], Response | None]:
        """The VMs that may be meant and by which field; from the server, its answer too."""
        fields = ("ID", "VMId") if is_guid(reference) else ("Name",)
        literal = odata.guid if is_guid(reference) else odata.text
        for field in fields:
            listed = self._tenant.by(field, reference) if self._tenant is not None else []
            if found := [vm for vm in listed if self._is_of_stamp(vm)]:
                return field, found, None
        for field in fields:
            machines, response = await self._reader.machines(
                f"{field} eq {literal(reference)}", f"looking for vm {reference}"
            )
            if found := [vm for vm in machines if self._is_meant(vm, field, reference)]:
                return field, found, response
        return fields[0], [], None

    async def prefetch(self, references: t.Collection[str]) -> None:
        """The tenant's two lists, for more than a few VMs."""
        self._tenant = await survey(self._reader, references, self._wall_clock)

    async def list_scope(self, scope: Scope) -> list[VM] | list[ObservedVm]:
        """Two lists for the whole tenant, however many VMs it has."""
        if scope.resource_group is not None:
            raise InvalidInput("resource_group: is Azure's; SPF's scope is the whole tenant.")
        machines, response = await self._reader.find(VmEntity, "VirtualMachines", None, "listing VMs")
        points, listed = await self._reader.find(CheckpointEntity, "VMCheckPoints", None, "listing checkpoints")
        stamps = {vm.StampId.lower() for vm in machines if vm.StampId}
        if machines and not any(self._is_of_stamp(machine) for machine in machines):
            raise NotFound(
                f"none of the {len(machines)} VMs is of the stamp {self._settings.spf_stamp_id}.",
                subject=self._http.label,
                remedy=f"Check spf_stamp_id, or leave it out: these VMs are of {', '.join(sorted(stamps)[:5])}.",
            )
        now = clock([listed.date, response.date], self._wall_clock())
        by_vm: dict[str, list[CheckpointEntity]] = {}
        for point in points:
            by_vm.setdefault((point.VMId or "").lower(), []).append(point)
        return [
            self._inventory(await self._vm(machine, machine.ID), machine, by_vm.get(machine.ID.lower(), []), now)
            for machine in machines
            if self._is_of_stamp(machine)
        ]

    async def first_reading(self, vm: VM, purpose: Purpose) -> ObservedVm:
        """As `resolve` or the tenant's lists showed it; what a list showed is read again before a write."""
        if (resolved := self._resolved.pop(vm.id, None)) is not None:
            packed, date = resolved
            return await self._observed(vm, VmEntity.unpacked(packed), date)
        if self._tenant is not None and (points := self._tenant.take(vm.id)) is not None:
            machine = self._tenant.by("ID", vm.id)[0]
            return replace(self._inventory(vm, machine, points, self._tenant.now), from_list=True)
        return await self.read(vm, purpose)

    async def read(self, vm: VM, purpose: Purpose) -> ObservedVm:
        """The VM and its checkpoints."""
        found, response = await self._reader.machines(f"ID eq {odata.guid(vm.id)}", f"reading {vm}")
        machine = next((m for m in found if m.ID.lower() == vm.id), None)
        if machine is None:
            raise NotFound("it is gone from SPF, or no longer visible.", subject=str(vm))
        return await self._observed(vm, machine, response.date)

    async def _observed(self, vm: VM, machine: VmEntity, date: datetime | None) -> ObservedVm:
        """With the checkpoints that came along. That there are none is said by their own list alone."""
        own, dates = [point for point in machine.expanded if (point.VMId or "").lower() == vm.id], [date]
        if not own:
            own, listed = await self._reader.checkpoints(vm.id, f"listing checkpoints of {vm}")
            dates = [listed.date, date]
        return self._inventory(vm, machine, own, clock(dates, self._wall_clock()))

    def _inventory(
        self, vm: VM, machine: VmEntity, points: list[CheckpointEntity], now: tuple[datetime, float]
    ) -> ObservedVm:
        bounded_count(points, vm)
        rows = [point.row() for point in points]
        if len({row.checkpoint.id for row in rows}) != len(rows):
            raise BadResponse("SPF lists a checkpoint twice.", subject=str(vm))
        checkpoints, known = build_tree(rows, machine.LastRestoredCheckpointId)
        return ObservedVm(
            vm,
            checkpoints,
            now=now[0],
            ahead=now[1],
            shown=latest_of([machine.ModifiedTime, *(each for point in points for each in point.times)]),
            power=machine.power,
            busy=machine.state_in(BUSY),
            refuses=machine.state_in(REFUSING),
            refuses_for_now=machine.state_in(REFUSING) in PASSING,
            current_known=known,
            last_operation=machine.MostRecentTaskId,
        )

    async def create(self, vm: VM, name: str, description: str) -> Operation:
        """POST as in the vendor's reference: every property named, null where it has no value, and an all-zero ID."""
        body = {
            "odata.type": "VMM.VMCheckPoint",
            "Accessibility": None,
            "AddedTime": None,
            "CheckpointID": None,
            "Confirm": None,
            "Description": description,
            "Enabled": None,
            "ID": "00000000-0000-0000-0000-000000000000",
            "ModifiedTime": None,
            "Name": name,
            "ParentCheckpointID": None,
            "RunAsynchronously": None,
            "StampId": vm.partition,
            "VMCheckPointAction": None,
            "VMId": vm.id,
        }
        return await self._write(
            "POST", "/VMCheckPoints", body, vm, f"creating checkpoint {name} of {vm}", "create", name
        )

    async def update(self, vm: VM, checkpoint: Checkpoint, description: str) -> Operation:
        """Sends only Description (MERGE), or the entity just read with another Description (PUT)."""
        path, changes = _key("VMCheckPoints", checkpoint.id, vm.partition), {"Description": description}
        context = f"updating checkpoint {checkpoint.name} of {vm}"
        return await self._modify(path, "VMM.VMCheckPoint", changes, vm, context, "update", checkpoint.name)

    async def restore(self, vm: VM, checkpoint: Checkpoint) -> Operation:
        """VMCheckPointAction: Restore, on the checkpoint that the VM goes back to."""
        path, changes = _key("VMCheckPoints", checkpoint.id, vm.partition), {"VMCheckPointAction": "Restore"}
        context = f"restoring {vm} to checkpoint {checkpoint.name}"
        return await self._modify(path, "VMM.VMCheckPoint", changes, vm, context, "restore", checkpoint.name)

    async def delete(self, vm: VM, checkpoint: Checkpoint) -> Operation:
        """DELETE by key."""
        path = _key("VMCheckPoints", checkpoint.id, vm.partition)
        context = f"deleting checkpoint {checkpoint.name} of {vm}"
        return await self._write("DELETE", path, None, vm, context, "delete", checkpoint.name)

    async def power(self, vm: VM, on: bool) -> Operation:
        """Operation Start or Stop on the VM (dn458378); Stop turns off without asking the guest."""
        path, changes = _key("VirtualMachines", vm.id, vm.partition), {"Operation": "Start" if on else "Stop"}
        context = f"turning {vm} {'on' if on else 'off'}"
        return await self._modify(path, "VMM.VirtualMachine", changes, vm, context, "power")

    async def readiness(self, actual: ObservedVm, checkpoint: Checkpoint) -> Operation | None:
        """The job of a checkpoint that the host has no id for; a failed one may have left it behind."""
        return await self._jobs.creation(actual.vm, checkpoint) if checkpoint.is_open else None

    async def current_operation(self, vm: VM) -> Operation | None:
        """The VM's most recent task, if it is checkpoint work or not listed yet."""
        return await self._jobs.current_operation(vm)

    async def _modify(
        self, path: str, kind: str, changes: dict[str, t.Any], vm: VM, context: str, work: str, *names: str
    ) -> Operation:
        """Send changes by the configured method. PUT resets what it leaves out, so it sends the entity just read."""
        method = self._settings.spf_update_method
        body = {**changes, "odata.type": kind}
        if method == "put":
            response = await self._reader.get(path, context)
            if response.status != 200:
                raise odata.error(response, context=context, sign_in=self._reader.sign_in)
            entity = odata.entity(response)
            if str(entity.get("ID")).lower() not in path:
                raise response.bad(f"{context}: another entity was answered than the one asked for.")
            for verb in {"VMCheckPointAction", "Operation"} & entity.keys():
                entity[verb] = None  # what another client left there must not be carried out again
            body = {n: v for n, v in entity.items() if "odata." not in n} | body
        verb = {"put": "PUT", "patch": "PATCH"}.get(method, "MERGE")
        return await self._write(verb, path, body, vm, context, work, *names)

    async def _write(
        self,
        verb: str,
        path: str,
        body: dict[str, t.Any] | None,
        vm: VM,
        context: str,
        work: str,
        *names: str,
    ) -> Operation:
        """One write and the job it started. SPF may respond only when the job has ended, so the time limit is long.

        No word in the VM's name, or in one of `names`, tells what an error means.
        """
        named = (vm.name, *names)
        headers, sent = {**self._reader.headers, **odata.JSON_BODY}, verb
        if self._settings.spf_update_method == "post_tunnel" and verb != "POST":
            headers["X-HTTP-Method"], sent = verb, "POST"
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        started = anyio.current_time()
        response = await self._http.write(sent, self._root + path, headers=headers, body=content, context=context)
        if leaves_open(response.status):
            raise error_after_write(odata.error(response, context=context, names=named))
        if response.status in (405, 501) or (response.status == 404 and not odata.is_own_error(response)):
            raise self._filtered(response, verb, sent, context)
        if response.status not in (200, 201, 202, 204):
            raise odata.error(response, context=context, sign_in=self._reader.sign_in, names=named)
        operation = self._jobs.started(response, vm, started, work, named)
        operation.made_id = odata.made_id(response)
        return operation

    def _filtered(self, response: Response, verb: str, sent: str, context: str) -> Refused:
        """The error for a verb that does not reach SPF: something before it takes only some.

        WebDAV in IIS takes DELETE and PUT for itself (jaydata#111), request filtering answers 404 without a word of
        OData.
        """
        said = one_line(odata.said_by(response), 300).rstrip(". ")
        allowed = one_line(str(response.headers.get("allow") or ""), 200)
        takes = f"; it takes {allowed}" if allowed else ""
        if sent == "POST":
            remedy = "Have POST let through, with its X-HTTP-Method header where spf_update_method is post_tunnel."
        elif verb == "DELETE":
            remedy = "Have it let through, or set spf_update_method: post_tunnel, which covers DELETE too."
        else:
            remedy = "Have it let through, or choose another spf_update_method: post_tunnel needs POST alone."
        return response.error(
            Refused,
            f"{context}: {sent} is not let through to SPF ({response.status}{takes}){f': {said}' if said else ''}.",
            f"WebDAV, request filtering or a proxy before SPF filters {sent}. {remedy}",
        )

    async def _vm(self, entity: VmEntity, reference: str) -> VM:
        return VM(
            reference=reference,
            name=entity.Name or entity.ID.lower(),
            id=entity.ID.lower(),
            canonical=entity.ID.lower(),
            provider=self.capabilities.provider,
            service=self._root,
            host_id=entity.VMId.lower() if entity.VMId else None,
            partition=(entity.StampId or await self._discover_stamp()).lower(),
        )

    async def _discover_stamp(self) -> str:
        """The stamp of the tenant's cloud, unless it was given: a subscription has one cloud and one stamp."""
        if self._stamp is not None:
            return self._stamp
        stamps = await self._reader.discover_stamps()
        if len(stamps) != 1 or not is_guid(next(iter(stamps))):
            raise InvalidInput(
                f"spf_stamp_id: cannot be discovered, SPF shows {len(stamps)} stamps.", remedy="Set spf_stamp_id."
            )
        self._stamp = stamps.pop()
        return self._stamp

    def _is_meant(self, vm: VmEntity, field: str, reference: str) -> bool:
        return self._is_of_stamp(vm) and (getattr(vm, field) or "").lower() == reference.lower()

    def _only_of_stamp(self) -> str:
        return "; spf_stamp_id is set, so only VMs of that stamp are found" if self._settings.spf_stamp_id else ""

    def _is_of_stamp(self, vm: VmEntity) -> bool:
        stamp = self._settings.spf_stamp_id
        return not stamp or (vm.StampId or stamp).lower() == stamp.lower()


def _key(entities: str, entity_id: str, stamp_id: str) -> str:
    return f"/{entities}(ID={odata.guid(entity_id)},StampId={odata.guid(stamp_id)})"
