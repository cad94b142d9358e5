# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF's VMM service: VMCheckPoints, VirtualMachines, Jobs and Clouds over OData v3."""

from __future__ import annotations

import re
from typing import Any

import anyio

from simulator.odata.atom import metadata_document
from simulator.odata.edm import SETS, EntityType
from simulator.odata.protocol import (
    Format,
    ODataError,
    error_answer,
    negotiate,
    parse_body,
    parse_key,
)
from simulator.odata.query import Query, key_of
from simulator.odata.render import many, one, sets
from simulator.spf.access import Root, check_scope, find_root, refused_entry, with_headers
from simulator.spf.entities import checkpoint_entity
from simulator.spf.reads import Reads
from simulator.vmm.effects import OPERATIONS
from simulator.vmm.jobs import Job, Kind, Refusal
from simulator.vmm.machines import Checkpoint, VirtualMachine
from simulator.wire.exchange import Answer, Call
from simulator.wire.ids import same
from simulator.world import World

_RESOURCE = re.compile(r"(?P<set>\w+)(?:\((?P<key>[^)]*)\))?(?:/(?P<more>.+))?")
UPDATES = frozenset({"PUT", "MERGE", "PATCH"})


class Spf:
    """The dialect; every request sees the world as it is then."""

    def __init__(self, world: World) -> None:
        self.world = world

    async def handle(self, call: Call) -> Answer | None:
        """The answer, or None when the path is none of SPF's."""
        root = find_root(call)
        if root is None:
            return None
        refused, signed_in = refused_entry(call, self.world)
        answer = with_headers(refused, root, self.world) if refused else await self._entered(call, root)
        answer.headers += signed_in
        return answer

    async def _entered(self, call: Call, root: Root) -> Answer:
        wanted = Format("light", 3.0)
        try:
            wanted = negotiate(call, service_document=not root.rest.rstrip("/"))
            check_scope(call, root, self.world)
            answer, job = await self._route(call, root, wanted)
        except ODataError as error:
            portal = root.portal and self.world.switches.spf_errors == "wap"
            return with_headers(error_answer(error, wanted, portal=portal), root, self.world)
        return with_headers(answer, root, self.world, job.id if job else None)

    async def _route(self, call: Call, root: Root, wanted: Format) -> tuple[Answer, Job | None]:
        # A set may bear empty parentheses: WCF Data Services' own client writes them before options.
        rest = root.rest.rstrip("/").removesuffix("()")
        if not rest:
            return sets(wanted, root.base, [kind.entity_set for kind in SETS.values()]), None
        if rest.lower() == "$metadata":
            return Answer(200, [("Content-Type", "application/xml;charset=utf-8")], metadata_document().encode()), None
        found = _RESOURCE.fullmatch(rest)
        kind = SETS.get(found["set"].lower()) if found else None
        if found is None or kind is None:
            raise ODataError(404, f"Resource not found for the segment '{rest.partition('/')[0].partition('(')[0]}'.")
        reads = Reads(self.world)
        method = self._method(call)
        key = parse_key(found["key"]) if found["key"] is not None else None
        if method == "GET":
            return self._get(call, root, wanted, kind, key, found["more"], reads), None
        if found["more"]:
            raise ODataError(501, f"This simulator does not do {method} on '{rest}'.")
        if key is None:
            if method == "POST" and kind.name == "VMCheckPoint":
                return self._create(call, root, wanted)
            raise ODataError(405 if method != "POST" else 501, f"{method} is not possible on {kind.entity_set}.")
        if kind.name == "VMCheckPoint":
            return await self._write_checkpoint(call, method, wanted, root, key)
        if kind.name == "VirtualMachine" and method in UPDATES:
            return await self._operate(call, wanted, root, key)
        raise ODataError(501, f"This simulator does not do {method} on {kind.entity_set}.")

    def _method(self, call: Call) -> str:
        """The method meant; MERGE may travel inside POST (PATCH seen once, tunnelling unknown: docs/services.md)."""
        tunnelled = call.header("x-http-method")
        if call.method == "POST" and tunnelled:
            if not self.world.switches.spf_tunnel:
                raise ODataError(405, "X-HTTP-Method is not supported.")
            return tunnelled.upper()
        if call.method == "PATCH" and not self.world.switches.spf_patch:
            raise ODataError(501, "PATCH is not implemented.")
        return call.method

    # Reading ---------------------------------------------------------------------------------------------------

    def _get(
        self,
        call: Call,
        root: Root,
        wanted: Format,
        kind: EntityType,
        key: dict[str, str] | None,
        more: str | None,
        reads: Reads,
    ) -> Answer:
        if key is not None and not same(key["stampid"], self.world.spf.stamp_id):
            raise ODataError(404, f"Resource not found for the segment '{kind.entity_set}'.")
        if key is None and more:
            raise ODataError(501, f"This simulator does not do '{more}'.")
        if key is not None and more:
            name = next((each for each in kind.navigation if each.lower() == more.lower()), None)
            if name is None:
                raise ODataError(404, f"Resource not found for the segment '{more}'.")
            target = SETS[kind.navigation[name].lower()]
            query = Query.parse(call.query, target)
            entities = reads.navigate(kind, key["id"], name)
            if name in kind.collections:
                return self._page(call, root, wanted, target, entities, query)
            if not entities:
                raise ODataError(404, f"Resource not found for the segment '{name}'.")
            return one(wanted, root.base, target, entities[0], query.select)
        query = Query.parse(call.query, kind)
        self._option_switches(kind, query)
        if key is not None:
            entity = reads.entity(kind, key["id"])
            if entity is None:
                raise ODataError(404, f"Resource not found for the segment '{kind.entity_set}'.")
            return one(wanted, root.base, kind, reads.expanded(kind, entity, query), query.select)
        self._filter_switch(kind, query)
        entities = [reads.expanded(kind, each, query) for each in reads.all(kind, query)]
        return self._page(call, root, wanted, kind, entities, query)

    def _option_switches(self, kind: EntityType, query: Query) -> None:
        switches = self.world.switches
        if (
            query.select is not None
            and kind.name in ("VirtualMachine", "VMCheckPoint")
            and switches.spf_select != "works"
        ):
            raise ODataError(int(switches.spf_select), "The query option '$select' is not supported.")
        if not query.expand or switches.spf_expand in ("works", "empty"):
            return
        if switches.spf_expand != "ignored":
            raise ODataError(int(switches.spf_expand), "The query option '$expand' is not supported.")
        query.expand = []

    def _filter_switch(self, kind: EntityType, query: Query) -> None:
        self._or_switch(query)
        position = self.world.switches.spf_filter_vmid
        if kind.name != "VMCheckPoint" or "VMId" not in query.equal or position == "works":
            return
        if position == "ignored":
            del query.equal["VMId"]
            return
        raise ODataError(int(position), "Filtering on 'VMId' is not supported.")

    def _or_switch(self, query: Query) -> None:
        position = self.world.switches.spf_filter_or
        if len(query.either) == 1 or position == "works":
            return
        if position in ("400", "501"):
            raise ODataError(int(position), "The operator 'or' is not supported.")
        query.either = query.either[:1] if position == "first" else [{}]

    def _page(
        self, call: Call, root: Root, wanted: Format, kind: EntityType, entities: list[dict[str, Any]], query: Query
    ) -> Answer:
        entities = [entity for entity in entities if query.matches(entity)][: query.top]
        paging, size = self.world.switches.spf_paging, self.world.switches.spf_page_size
        start = query.skip_token
        if paging == "off" or start + size >= len(entities):
            return many(wanted, root.base, kind, entities[start:], query.select, None)
        options = "&".join(part for part in call.raw_query.split("&") if part and "skiptoken" not in part.lower())
        link = f"{root.rest}?{options}{'&' if options else ''}$skiptoken={start + size}"
        if paging == "absolute":
            link = root.base + link
        return many(wanted, root.base, kind, entities[start : start + size], query.select, link)

    # Writing ---------------------------------------------------------------------------------------------------

    def _create(self, call: Call, root: Root, wanted: Format) -> tuple[Answer, Job]:
        kind = SETS["vmcheckpoints"]
        body = _members(call, kind)
        site = self.world.spf
        if not same(body.get("StampId"), site.stamp_id):
            raise ODataError(400, "StampId is missing, or names no stamp of this subscription.")
        vm = site.vmm.vm(str(body.get("VMId")))
        if vm is None:
            raise ODataError(400, "VMId is missing, or names no virtual machine.")
        self._sync_refusal(Kind.CREATE, vm)
        job, point = site.vmm.create_checkpoint(vm, body.get("Name"), body.get("Description"), _owner(call))
        row = checkpoint_entity(site, vm, point, self.world.switches, fresh=True)
        row.update({"CheckpointID": None, "ParentCheckpointID": None})  # always null in the 201 (dn785087)
        answer = one(wanted, root.base, kind, row, None, 201)
        answer.headers.append(("Location", root.base + key_of(kind, row)))
        return answer, job

    async def _write_checkpoint(
        self, call: Call, method: str, wanted: Format, root: Root, key: dict[str, str]
    ) -> tuple[Answer, Job]:
        kind = SETS["vmcheckpoints"]
        site = self.world.spf
        site.vmm.settle()
        found = site.vmm.checkpoint(key["id"]) if same(key["stampid"], site.stamp_id) else None
        if found is None:
            raise ODataError(404, f"Resource not found for the segment '{kind.entity_set}'.")
        vm, point = found
        if method == "DELETE":
            self._sync_refusal(Kind.DELETE, vm)
            job = site.vmm.delete_checkpoint(vm, point, _owner(call))
        elif method in UPDATES:
            job = self._update(call, method, vm, point)
        else:
            raise ODataError(405, f"{method} is not possible on an entity.")
        if self.world.switches.spf_write_waits:
            await self._wait(job)
        if method != "DELETE" and "return-content" in (call.header("prefer") or ""):
            entity = checkpoint_entity(site, vm, point, self.world.switches)
            return one(wanted, root.base, kind, entity, None), job
        return _no_content(), job

    def _update(self, call: Call, method: str, vm: VirtualMachine, point: Checkpoint) -> Job:
        body = _members(call, SETS["vmcheckpoints"])
        changes: dict[str, str | None] = {}
        for member, name in (("Name", "name"), ("Description", "description")):
            if member in body:
                if body[member] is not None:  # null: parameter not given (four clients send nulls, docs/services.md)
                    changes[name] = str(body[member])
            elif method == "PUT" and self.world.switches.spf_put_resets:
                changes[name] = ""
        action = body.get("VMCheckPointAction")
        if action == "Restore":
            self._sync_refusal(Kind.RESTORE, vm)
            return self.world.spf.vmm.restore(vm, point, _owner(call), changes)
        if action is not None and (action != "Set" or self.world.switches.spf_set_action == "refused"):
            raise ODataError(400, f"'{action}' is not a supported VMCheckPointAction.")
        self._sync_refusal(Kind.UPDATE, vm)
        return self.world.spf.vmm.update_checkpoint(vm, point, changes, _owner(call))

    async def _operate(self, call: Call, wanted: Format, root: Root, key: dict[str, str]) -> tuple[Answer, Job | None]:
        kind = SETS["virtualmachines"]
        site = self.world.spf
        site.vmm.settle()
        vm = site.vmm.vm(key["id"]) if same(key["stampid"], site.stamp_id) else None
        if vm is None:
            raise ODataError(404, f"Resource not found for the segment '{kind.entity_set}'.")
        operation = _members(call, kind).get("Operation")
        job: Job | None = None
        if operation is not None:
            if operation not in OPERATIONS:
                raise ODataError(400, f"'{operation}' is not a supported Operation.")
            self._sync_refusal(Kind.REFRESH if operation == "Refresh" else Kind.POWER, vm)
            job = site.vmm.operate(vm, operation, _owner(call))
            if self.world.switches.spf_vm_update_waits and call.query.get("RunAsynchronously") != "1":
                await self._wait(job)  # documented: "which could cause the request to timeout" (dn785074)
        if "return-content" in (call.header("prefer") or ""):
            entity = Reads(self.world).entity(kind, vm.id)
            return one(wanted, root.base, kind, entity or {}, None), job
        return _no_content(), job

    def _sync_refusal(self, kind: Kind, vm: VirtualMachine) -> None:
        switches = self.world.switches
        vmm = self.world.spf.vmm
        if not vmm.allowed(kind) and switches.spf_rights_refusal == "403":
            raise ODataError(403, "You do not have permission to perform this operation.")
        if switches.spf_vmm_errors == "sync" and (refusal := vmm.refusal(kind, vm)) is not None:
            raise self._vmm_error(refusal)

    def _vmm_error(self, refusal: Refusal) -> ODataError:
        return ODataError(self.world.switches.spf_sync_error_status, refusal.text())

    async def _wait(self, job: Job) -> None:
        """Hold the answer back until the job is done, in steps so that a clock pushed forward is noticed."""
        vmm = self.world.spf.vmm
        vmm.look(job=job)
        while job.running:
            remaining = job.remaining(vmm.now())
            if remaining is not None:
                await anyio.sleep(min(max(self.world.clock.real_seconds(remaining), 0.001), 0.25))
            elif job.timing.looks is None:
                await anyio.sleep(0.25)
            vmm.look(job=job)
        if job.refusal is not None:
            raise self._vmm_error(job.refusal)


def _members(call: Call, kind: EntityType) -> dict[str, Any]:
    body = parse_body(call)
    for name in body:
        if name not in kind.properties:
            raise ODataError(400, f"The property '{name}' does not exist on type 'VMM.{kind.name}'.")
    return body


def _owner(call: Call) -> str:
    """x-ms-principal-id becomes the job owner's "on behalf of" name (docs/services.md 3)."""
    return call.header("x-ms-principal-id") or "CONTOSO\\svc-ansible"


def _no_content() -> Answer:
    return Answer(204, [("DataServiceVersion", "1.0;")])
