# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service Provider Foundation: the VMM OData service of System Center and Windows Azure Pack."""

from __future__ import annotations

import json
import typing as t
import urllib.parse
from datetime import datetime

from ..._core.ancestry import build_tree
from ..._core.errors import Ambiguous, BadResponse, InvalidInput, NotFound, Refused
from ..._core.formatting import one_line
from ..._core.model import VM, Capabilities, Checkpoint, ObservedVm
from ..._core.operation import Operation
from ..._core.settings import SpfSettings
from ..._core.spec import is_guid
from ..._deps import anyio
from ..._http.client import Http
from ..._http.error_mapping import error_after_write, error_of_reading, leaves_open
from ..._http.links import below_root, sendable
from ..._http.response import Pages, Response, parse_entity
from ..base import Scope, SingleCallProvider, bounded_count, clock
from . import odata
from .entities import BUSY, REFUSING, CheckpointEntity, Kind, VmEntity
from .jobs import Jobs

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
    why={
        "identity": "id and host id; names may repeat",
        "time": "the service's own creation time",
        "exactly_once": "at most one create of unknown outcome per run; a rerun joins what is visible",
        "joining": "the job is found by its id or through the VM",
        "restore": "the job's success, and the VM's pointer where it had to move",
    },
)

EXPECTED = (
    "it must be the VMM service's own root, such as "
    "https://HOST:8090/SC2012R2/VMM/{subscription_id}/Microsoft.Management.Odata.svc, and lead to no proxy or portal."
)
"""What spf_url must be, for a server that answers as if there were no such root."""


class Spf(SingleCallProvider):
    """SPF at one service root."""

    capabilities = CAPABILITIES

    def __init__(self, http: Http, settings: SpfSettings, wall_clock: t.Callable[[], datetime]) -> None:
        self._http = http
        self._settings = settings
        self._root = settings.root
        self._wall_clock = wall_clock
        self._stamp = settings.spf_stamp_id
        self._jobs = Jobs(self._find)

    @property
    def _sign_in(self) -> str:
        """Who signs in and how, for errors; known once the server has been asked."""
        return self._http.auth.signer if self._http.auth is not None else ""

    async def resolve(self, reference: str) -> VM:
        """By GUID: VMM's ID first, then a unique hypervisor VMId; otherwise by a name that is unique."""
        tries = [odata.text(reference)] if not is_guid(reference) else [odata.guid(reference)] * 2
        fields = ("Name",) if len(tries) == 1 else ("ID", "VMId")
        for field, literal in zip(fields, tries, strict=True):
            found, _response = await self._find(
                VmEntity, "VirtualMachines", f"{field} eq {literal}", f"looking for {reference}"
            )
            found = [vm for vm in found if self._is_meant(vm, field, reference)]
            if len(found) > 1:
                listed = ", ".join(f"{vm.ID.lower()} ({vm.Status})" for vm in found[:20])
                raise Ambiguous(
                    f"{len(found)} VMs have this {field.lower() if field == 'Name' else field}: {listed}.",
                    subject=f"vm {reference}",
                    remedy="Name the VM by its ID.",
                )
            if found:
                return await self._vm(found[0], reference)
        raise NotFound(
            f"no such VM in {self._http.label}, or it is not visible to {self._sign_in or 'this user'}.",
            subject=f"vm {reference}",
            remedy=f"Give the VM's name or ID as SPF shows it{self._only_of_stamp()}. VMs of Arc-enabled SCVMM and "
            "of Azure are given by their ARM ids (/subscriptions/…).",
        )

    async def list_scope(self, scope: Scope) -> list[VM] | list[ObservedVm]:
        """Two lists for the whole tenant, however many VMs it has."""
        if scope.resource_group is not None:
            raise InvalidInput("resource_group: is Azure's; SPF's scope is the whole tenant.")
        machines, response = await self._find(VmEntity, "VirtualMachines", None, "listing VMs")
        points, listed = await self._find(CheckpointEntity, "VMCheckPoints", None, "listing checkpoints")
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

    async def read(self, vm: VM, *, whole: bool = True) -> ObservedVm:
        """The VM and its checkpoints. Both are filtered here too: a server that ignores $filter must not widen them."""
        found, response = await self._find(VmEntity, "VirtualMachines", f"ID eq {odata.guid(vm.id)}", f"reading {vm}")
        machine = next((m for m in found if m.ID.lower() == vm.id), None)
        if machine is None:
            raise NotFound("it is gone from SPF, or no longer visible.", subject=str(vm))
        points, listed = await self._find(
            CheckpointEntity, "VMCheckPoints", f"VMId eq {odata.guid(vm.id)}", f"listing checkpoints of {vm}"
        )
        own = [point for point in points if (point.VMId or "").lower() == vm.id]
        return self._inventory(vm, machine, own, clock([listed.date, response.date], self._wall_clock()))

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
            power=machine.power,
            busy=machine.state_in(BUSY),
            refuses=machine.state_in(REFUSING),
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
        return await self._write("POST", "/VMCheckPoints", body, vm, f"creating checkpoint {name} of {vm}", "create")

    async def update(self, vm: VM, checkpoint: Checkpoint, description: str) -> Operation:
        """Sends only Description (MERGE), or the entity just read with another Description (PUT)."""
        path, changes = _key("VMCheckPoints", checkpoint.id, vm.partition), {"Description": description}
        context = f"updating checkpoint {checkpoint.name} of {vm}"
        return await self._modify(path, "VMM.VMCheckPoint", changes, vm, context, "update")

    async def restore(self, vm: VM, checkpoint: Checkpoint) -> Operation:
        """VMCheckPointAction: Restore, on the checkpoint that the VM goes back to."""
        path, changes = _key("VMCheckPoints", checkpoint.id, vm.partition), {"VMCheckPointAction": "Restore"}
        context = f"restoring {vm} to checkpoint {checkpoint.name}"
        return await self._modify(path, "VMM.VMCheckPoint", changes, vm, context, "restore")

    async def delete(self, vm: VM, checkpoint: Checkpoint) -> Operation:
        """DELETE by key."""
        path = _key("VMCheckPoints", checkpoint.id, vm.partition)
        return await self._write("DELETE", path, None, vm, f"deleting checkpoint {checkpoint.name} of {vm}", "delete")

    async def power(self, vm: VM, on: bool) -> Operation:
        """Operation Start or Stop on the VM (dn458378); Stop turns off without asking the guest."""
        path, changes = _key("VirtualMachines", vm.id, vm.partition), {"Operation": "Start" if on else "Stop"}
        context = f"turning {vm} {'on' if on else 'off'}"
        return await self._modify(path, "VMM.VirtualMachine", changes, vm, context, "power")

    async def readiness(self, actual: ObservedVm, checkpoint: Checkpoint) -> Operation | None:
        """The job of a checkpoint that the host has no id for; a failed one may have left it behind."""
        return await self._jobs.creation(actual.vm, checkpoint) if checkpoint.is_open else None

    async def current_operation(self, vm: VM) -> Operation | None:
        """The VM's most recent task, if it is checkpoint work."""
        return await self._jobs.current_operation(vm)

    async def _modify(
        self, path: str, kind: str, changes: dict[str, t.Any], vm: VM, context: str, work: str
    ) -> Operation:
        """Send changes by the configured method. PUT resets what it leaves out, so it sends the entity just read."""
        method = self._settings.spf_update_method
        body = {**changes, "odata.type": kind}
        if method == "put":
            response = await self._http.read(self._root + path, headers=self._headers(), context=context)
            if response.status != 200:
                raise odata.error(response, context=context, sign_in=self._sign_in)
            entity = odata.entity(response)
            if str(entity.get("ID")).lower() not in path.lower():
                raise response.bad(f"{context}: another entity was answered than the one asked for.")
            for verb in {"VMCheckPointAction", "Operation"} & entity.keys():
                entity[verb] = None  # what another client left there must not be carried out again
            body = {n: v for n, v in entity.items() if "odata." not in n} | body
        verb = {"put": "PUT", "patch": "PATCH"}.get(method, "MERGE")
        return await self._write(verb, path, body, vm, context, work)

    async def _write(
        self,
        verb: str,
        path: str,
        body: dict[str, t.Any] | None,
        vm: VM,
        context: str,
        work: str,
    ) -> Operation:
        """One write and the job it started. SPF may respond only when the job has ended, so the time limit is long."""
        headers, sent = {**self._headers(), **odata.JSON_BODY}, verb
        if self._settings.spf_update_method == "post_tunnel" and verb != "POST":
            headers["X-HTTP-Method"], sent = verb, "POST"
        content = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        started = anyio.current_time()
        response = await self._http.write(sent, self._root + path, headers=headers, body=content, context=context)
        if leaves_open(response.status):
            raise error_after_write(odata.error(response, context=context, sign_in=self._sign_in))
        if response.status in (405, 501) or (response.status == 404 and not odata.is_own_error(response)):
            raise self._filtered(response, verb, sent, context)
        if response.status not in (200, 201, 202, 204):
            raise odata.error(response, context=context, sign_in=self._sign_in)
        return self._jobs.started(response, vm, started, work)

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

    async def _find(
        self, kind: type[Kind], entities: str, condition: str | None, context: str
    ) -> tuple[list[Kind], Response]:
        """All entities of a set that meet `condition`; from a server without $filter, all entities."""
        url = self._root + "/" + entities
        if condition is not None:
            conditions = [condition]
            if self._settings.spf_stamp_id and entities != "Jobs":
                conditions.append(f"StampId eq {odata.guid(self._settings.spf_stamp_id)}")
            response = await self._http.read(url + odata.where(*conditions), headers=self._headers(), context=context)
            if response.status not in (400, 501):
                return await self._pages(kind, entities, response, context)
        response = await self._http.read(url, headers=self._headers(), context=context)
        return await self._pages(kind, entities, response, context)

    async def _pages(
        self, kind: type[Kind], entities: str, response: Response, context: str
    ) -> tuple[list[Kind], Response]:
        found: list[Kind] = []
        pages = Pages(context)
        while True:
            page = self._page(response, context)
            found += [parse_entity(kind, entity, response) for entity in page.entities]
            if not page.next_link:
                return found, response
            link = self._absolute(page.next_link, entities, response)
            following = pages.follow(response, self._http.followable(link))
            response = await self._http.read(following, headers=self._headers(), context=context)

    def _page(self, response: Response, context: str) -> odata.Page:
        """The entities of one response. A set always exists, so a 404 or a web page means that the root is wrong."""
        try:
            if response.status == 200:
                return odata.page(response)
            raise error_of_reading(odata.error(response, context=context, sign_in=self._sign_in))
        except (BadResponse, NotFound) as problem:
            placed = "{subscription_id}" in (self._settings.spf_url or "")
            problem.remedy = f"Check {'spf_subscription_id and ' if placed else ''}spf_url: {EXPECTED}"
            raise

    def _absolute(self, link: str, entities: str, response: Response) -> str:
        """A next link on our own root; credentials never go elsewhere."""
        try:
            absolute = urllib.parse.urljoin(self._root + "/", sendable(link))
            if self._http.is_own(absolute):
                return str(absolute)
            on_root = below_root(absolute, self._root, entities)
        except ValueError:
            raise response.bad("the answer's next link is no URL.") from None
        if on_root is None:
            raise response.bad(f"the answer's next link leads neither to this service nor to {entities}.")
        return on_root

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
        context = "discovering the stamp"
        response = await self._http.read(
            self._root + "/Clouds?$select=ID,StampId", headers=self._headers(), context=context
        )
        stamps = {str(cloud.get("StampId")).lower() for cloud in self._page(response, context).entities}
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

    def _headers(self) -> dict[str, str]:
        # Required on subscription-scoped calls, "can be set to any value"; jobs then run on behalf of that name.
        return {**odata.HEADERS, "x-ms-principal-id": self._settings.principal}


def _key(entities: str, entity_id: str, stamp_id: str) -> str:
    return f"/{entities}(ID={odata.guid(entity_id)},StampId={odata.guid(stamp_id)})"
