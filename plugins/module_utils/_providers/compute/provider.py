# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Compute: a checkpoint of a VM is a restore point in the VM's restore point collection.

There is no list of restore points but their collection read with `$expand=restorePoints`, restore points have neither
tags nor descriptions, and there is no restore call: see restore/. Facts and their sources: docs/services.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import datetime

from ..._arm import ids as _arm_id
from ..._arm.client import Arm
from ..._arm.ids import ArmId
from ..._core.errors import (
    BadResponse,
    Forbidden,
    InvalidInput,
    NotFound,
    ServiceError,
    SignInRefused,
    Unreachable,
    Unsupported,
    UntrustedTls,
)
from ..._core.model import VM, Checkpoint, Leftover, ObservedVm, Obstacle
from ..._core.operation import Operation, Status
from ..._core.plan import Step
from ..._core.settings import ArmSettings
from ..._deps import anyio
from ..._http.response import parse_entity
from ..base import MACHINES, Scope, bounded_count, clock
from .capabilities import CAPABILITIES
from .cautions import cautions
from .client import ComputeClient, power_request
from .disk_entities import DiskEntity
from .entities import CollectionEntity, PointEntity
from .fields import region_key, view
from .leftovers import leftovers
from .points import checkpoints
from .preflight import obstacles, of_locks_on
from .state import AzureVmState
from .steps import TAG, TAG_VALUE, AzureStep, MakeCollection
from .tags import RestoreTags
from .usability import percent, usability
from .vm_entities import VmEntity

COLLECTIONS = "Microsoft.Compute/restorePointCollections"
ARRIVED = 7 * 86400.0
"""Seconds. No point is so long on its way: of one that is older nothing is asked."""
MAX_GROUPS = 100
"""A VM has at most 65 disks; each may lie, or before a restore may have lain, in a group of its own."""


class Compute:
    """Azure Compute behind one resource manager. `collection` is the option: a name, an id, or None for the default."""

    capabilities = CAPABILITIES

    def __init__(
        self, arm: Arm, settings: ArmSettings, collection: str | None, wall_clock: t.Callable[[], datetime]
    ) -> None:
        self._arm = arm
        self._settings = settings
        self._version = settings.compute_api_version
        self._collection_option = collection
        self._wall_clock = wall_clock
        self._client = ComputeClient(arm, settings)

    async def resolve(self, reference: str) -> VM:
        """By ARM id; the VM must exist."""
        arm_id = _arm_id.parse(reference)
        url = self._arm.url(arm_id.path, self._version)
        if await self._arm.find(url, context=f"reading vm {arm_id.name}") is None:
            raise NotFound(
                f"no such VM in resource group {arm_id.group}, or it is hidden from {self._arm.sign_in}.",
                subject=f"vm {arm_id.name}",
                remedy="Check the id and the subscription.",
            )
        return self._vm(arm_id, reference)

    async def list_scope(self, scope: Scope) -> list[VM] | list[ObservedVm]:
        """The VMs of the subscription or of one resource group; each is still to be read."""
        subscription = self._settings.subscription_id
        if subscription is None:
            raise InvalidInput("subscription_id: is needed to list a whole scope (or AZURE_SUBSCRIPTION_ID).")
        within = "" if scope.resource_group is None else f"/resourceGroups/{_arm_id.quote(scope.resource_group)}"
        path = f"/subscriptions/{subscription}{within}/providers/{MACHINES['compute']}"
        found = await self._arm.ids(self._arm.url(path, self._version), context="listing virtual machines")
        return [self._vm(each, str(each)) for each in found]

    async def read(self, vm: VM, *, whole: bool = True) -> ObservedVm:
        """The VM, its collection with all points, and with `whole` the disks of its resource group."""
        arm_id = _arm_id.parse(vm.id)
        url = self._arm.url(arm_id.path, self._version, _expand="instanceView")
        response = await self._arm.get(url, context=f"reading {vm}")
        machine = parse_entity(VmEntity, response.json(), response)
        if whole and machine.properties.storageProfile is None:
            raise response.bad(f"{vm}: the VM was answered without its disks.")
        home = self._collection_of(arm_id)
        collection, listed = await self._collection(home, vm)
        now, ahead = clock([listed, response.date], self._wall_clock())
        disks, groups, unlisted = await self._known_disks(arm_id, machine) if whole else ({}, frozenset[str](), None)
        state = AzureVmState(machine, response.json(), response.etag, arm_id.group, collection, disks, groups, unlisted)
        points = state.points
        bounded_count(points, vm)
        elsewhere = collection is not None and region_key(collection.location) != region_key(machine.location)
        if elsewhere:
            points = [await self._point(point) for point in points]
        ours = collection is not None and (collection.tags or {}).get(TAG) == TAG_VALUE
        prelude = MakeCollection(vm, "it does not exist yet", self._new_collection(arm_id, machine), machine.location)
        return ObservedVm(
            vm,
            checkpoints(points, ours, elsewhere),
            now=now,
            ahead=ahead,
            power=machine.power,
            busy=_busy(machine, points),
            refuses=machine.state if machine.state == "deleting" else None,
            obstacles=await self._obstacles(arm_id, state, elsewhere) if whole else (),
            cautions=cautions(machine, points, now, unlisted),
            managed_new=ours or collection is None,
            prelude=() if collection else (prelude,),
            detail=state,
        )

    async def _obstacles(self, arm_id: ArmId, state: AzureVmState, elsewhere: bool) -> tuple[Obstacle, ...]:
        home = self._collection_of(arm_id).canonical
        points = [point.id.lower() for point in state.points]
        locks = await self._arm.locks([arm_id.canonical, home, *points, *state.own_disks()])
        found = (*obstacles(state.vm, state.disks), *of_locks_on(state, home, locks))
        if elsewhere and state.collection is not None:
            why = f"its restore points lie in {state.collection.location}, and disks can only be made where they lie."
            found = (*found, Obstacle(("step",), why, "Restore from a collection in the VM's own region."))
        return found

    async def _point(self, point: PointEntity) -> PointEntity:
        """The point with its instance view: away from its VM, Succeeded says only that copying has begun."""
        url = self._arm.url(_arm_id.quote(point.id), self._version, **view(self._version))
        response = await self._arm.find(url, context=f"reading restore point {point.name}")
        return point if response is None else parse_entity(PointEntity, response.json(), response)

    async def create(self, vm: VM, name: str, description: str) -> Operation:
        """PUT of a name that nothing bears yet. No consistency is asked for: the service gives the best it can."""
        url = self._arm.url(self._point_path(vm, name), self._version)
        return await self._arm.write("PUT", url, {"properties": {}}, context=f"creating restore point {name} of {vm}")

    async def update(self, vm: VM, checkpoint: Checkpoint, description: str) -> Operation:
        """Not possible: restore points have no description, and no plan asks for it."""
        raise Unsupported("restore points have no description.", subject=str(vm))

    async def delete(self, vm: VM, checkpoint: Checkpoint) -> Operation:
        """By the point's own id, which lies below the VM's collection."""
        url = self._arm.url(self._point_path(vm, checkpoint.name), self._version)
        return await self._arm.write("DELETE", url, None, context=f"deleting restore point {checkpoint.name} of {vm}")

    async def restore(self, vm: VM, checkpoint: Checkpoint) -> Operation:
        """There is no such call; a plan holds its steps instead."""
        raise Unsupported("Azure restores in several steps.", subject=str(vm))

    async def power(self, vm: VM, on: bool) -> Operation:
        """Start, or deallocate: an Azure VM that is only stopped still costs."""
        return await self._client.send(power_request(_arm_id.parse(vm.id), on))

    async def execute_step(self, step: Step, actual: ObservedVm) -> Operation:
        """One step of a restore in place, or the making of the collection."""
        if not isinstance(step, AzureStep):
            raise Unsupported(f"no such step: {step.summary}.", subject=str(step.target))
        try:
            return await step.send(self._client, actual)
        except (SignInRefused, Unreachable, UntrustedTls):
            raise  # of the host, whatever was to be done there
        except ServiceError as problem:
            problem.subject = str(step.target)  # of many VMs' steps the one that it was, not the host that all have
            raise

    async def readiness(self, actual: ObservedVm, checkpoint: Checkpoint) -> Operation | None:
        """Succeeded need not mean that all of its data is there; only the point's instance view tells how far it is."""
        age = actual.age(checkpoint)
        if (age is not None and age > ARRIVED) or not view(self._version):
            return None
        url = self._arm.url(self._point_path(actual.vm, checkpoint.name), self._version, _expand="instanceView")

        async def poll() -> Status:
            response = await self._arm.find(url, context=f"reading restore point {checkpoint.name}")
            if response is None:
                return Status("unknown")
            point = parse_entity(PointEntity, response.json(), response)
            if point.failed:
                return Status("failed", message="its data could not be copied")
            if usability(point) == "arriving":
                done = percent(point)
                return Status("running", "pending" if done is None else f"at {done} %", percent=done)
            return Status("succeeded")

        last = await poll()
        if last.state not in ("running", "failed"):
            return None
        return Operation("arm", None, poll, anyio.current_time(), last=last)

    async def leftovers(self, actual: ObservedVm) -> list[Leftover]:
        """The points that failed, and the disks that restores have left; Forbidden where disks may not be listed."""
        state: AzureVmState = actual.detail
        if state.unlisted is not None:
            raise state.unlisted
        return leftovers(state)

    async def current_operation(self, vm: VM) -> Operation | None:
        """The restore point that is being made: its own state is what there is to look at."""
        collection, _now = await self._collection(self._collection_of(_arm_id.parse(vm.id)), vm)
        points = (collection.properties.restorePoints or []) if collection else []
        point = next((point for point in points if point.state == "creating"), None)
        if point is None:
            return None
        url = self._arm.url(_arm_id.quote(point.id), self._version)

        async def poll() -> Status:
            response = await self._arm.find(url, context=f"reading restore point {point.name}")
            if response is None:
                return Status("unknown")
            state = parse_entity(PointEntity, response.json(), response).state
            return Status("succeeded" if state == "succeeded" else "failed" if state == "failed" else "running", state)

        return Operation(
            "arm", None, poll, anyio.current_time(), last=Status("running"), began=point.created, work="create"
        )

    async def _collection(self, home: ArmId, vm: VM) -> tuple[CollectionEntity | None, datetime | None]:
        """The VM's collection with its points, if there is one; one of another VM is an error."""
        url = self._arm.url(home.path, self._version, _expand="restorePoints")
        response = await self._arm.find(url, context=f"reading restore points of {vm}")
        if response is None:
            return None, None
        collection = parse_entity(CollectionEntity, response.json(), response)
        if not collection.is_of(vm.canonical):
            raise InvalidInput(
                f"collection: {home} holds restore points of {collection.source_id or 'another source'}.",
                subject=str(vm),
                remedy="Name another collection; a collection's source cannot be changed.",
            )
        if collection.properties.restorePoints is None:
            raise response.bad(f"{vm}: the collection was answered without its restore points.")
        return collection, response.date

    async def _known_disks(
        self, arm_id: ArmId, machine: VmEntity
    ) -> tuple[dict[str, DiskEntity], frozenset[str], Forbidden | None]:
        """The disks, or why they may not be listed: a restore needs them, a create is only checked by them."""
        try:
            return *await self._disks(arm_id, machine), None
        except Forbidden as problem:
            return {}, frozenset(), problem

    async def _disks(self, arm_id: ArmId, machine: VmEntity) -> tuple[dict[str, DiskEntity], frozenset[str]]:
        """The disks of the VM's resource group, and of those that its disks lie in or, before a restore, lay in."""
        todo = [arm_id.group.lower()]
        todo += [parts[4] for disk in machine.disks if len(parts := disk.managed_id.split("/")) > 4]
        found: dict[str, DiskEntity] = {}
        listed: set[str] = set()
        while todo:
            group = todo.pop(0)
            if group in listed or not _arm_id.is_name(group):
                continue
            listed.add(group)
            if len(listed) > MAX_GROUPS:
                raise BadResponse(
                    f"its disks lead to more than {MAX_GROUPS} resource groups.", subject=f"vm {arm_id.name}"
                )
            path = f"/subscriptions/{arm_id.subscription}/resourceGroups/{_arm_id.quote(group)}"
            url = self._arm.url(f"{path}/providers/Microsoft.Compute/disks", self._settings.disk_api_version)
            within = f"/subscriptions/{arm_id.subscription}/resourceGroups/{group}/".lower()
            for response, rows in await self._arm.pages(url, context=f"listing disks of {group}"):
                for disk in (parse_entity(DiskEntity, row, response) for row in rows):
                    if not disk.id.lower().startswith(within):
                        raise response.bad(f"the list of disks of {group} holds one of elsewhere.")
                    found[disk.id.lower()] = disk
                    replaced = RestoreTags.of(disk).replaces
                    if "/" in replaced and disk.name.lower().startswith(machine.name.lower()[:58]):
                        todo.append(replaced.split("/", maxsplit=1)[0].lower())
        return found, frozenset(listed)

    def _collection_of(self, vm: ArmId) -> ArmId:
        """The option's collection, else `checkpoints-<vm>` in the VM's resource group."""
        option = self._collection_option
        if option is None:
            return ArmId(vm.subscription, vm.group, COLLECTIONS, f"checkpoints-{vm.name}"[:80])
        if option.startswith("/"):
            given = _arm_id.parse(option, COLLECTIONS, "collection")
            if given.type.lower() != COLLECTIONS.lower():
                raise InvalidInput(f"collection: takes a name or the id of one of {COLLECTIONS}.")
            return given
        return ArmId(vm.subscription, vm.group, COLLECTIONS, _arm_id.name(option, "collection"))

    def _point_path(self, vm: VM, name: str) -> str:
        """Below the VM's collection, whatever an answer claims to be a point's name."""
        return f"{self._collection_of(_arm_id.parse(vm.id)).path}/restorePoints/{_arm_id.name(name, 'restore point')}"

    def _new_collection(self, vm: ArmId, machine: VmEntity) -> ArmId:
        """The collection as it will be called: after the VM as the service spells it, however the user does."""
        return self._collection_of(replace(vm, name=machine.name))

    def _vm(self, arm_id: ArmId, reference: str) -> VM:
        return VM(
            reference=reference,
            name=arm_id.name,
            id=str(arm_id),
            canonical=arm_id.canonical,
            provider=self.capabilities.provider,
            service=self._arm.base,
        )


def _busy(machine: VmEntity, points: t.Iterable[PointEntity]) -> str | None:
    name = next((point.name for point in points if point.state in ("creating", "updating", "deleting")), None)
    if name is not None:
        return f"restore point {name} is being made or removed"
    return machine.state if machine.state in ("updating", "creating") else None
