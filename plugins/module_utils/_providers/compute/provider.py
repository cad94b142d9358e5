# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Compute: a checkpoint of a VM is a restore point in the VM's restore point collection.

There is no list of restore points but their collection read with `$expand=restorePoints`, restore points have neither
tags nor descriptions, and there is no restore call: see restore/. Facts and their sources: docs/services.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import datetime, timedelta

from ..._arm import ids as _arm_id
from ..._arm.client import LOCKS_VERSION, Arm
from ..._arm.ids import ArmId
from ..._core.clocks import latest_of
from ..._core.errors import (
    BadResponse,
    InvalidInput,
    NotFound,
    ServiceError,
    SignInRefused,
    Unreachable,
    Unsupported,
    UntrustedTls,
)
from ..._core.model import Checkpoint, Leftover, ObservedVm, Obstacle
from ..._core.operation import Operation
from ..._core.pins import Pin
from ..._core.plan import Step
from ..._core.settings import ArmSettings
from ..._core.targets import VM
from ..._http.response import parse_entity
from ..arm_provider import ArmProvider, not_there
from ..azure_scope import listed, path_of_scope
from ..base import MACHINES, Purpose, Scope, bounded_count, clock
from .capabilities import CAPABILITIES
from .cautions import cautions, next_slot
from .client import ComputeClient, power_request
from .disk_lists import DiskLists
from .entities import CollectionEntity, PointEntity
from .fields import region_key, view
from .leftovers import leftovers
from .pins import MAX_TAGS, DropStalePins, lock_ids, lock_request, no_room, pin_request, pins_of, stale_tags
from .points import checkpoints
from .preflight import obstacles, of_locks_on
from .state import AzureVmState
from .steps import TAG, TAG_VALUE, AzureStep, MakeCollection
from .vm_entities import VmEntity
from .watching import arrival, making

COLLECTIONS = "Microsoft.Compute/restorePointCollections"
ARRIVED = 7 * 86400.0
"""Seconds. No point is so long on its way: of one that is older nothing is asked."""


class _Machine(t.NamedTuple):
    """A VM as it was answered, parsed and whole, with its version and the Date header."""

    entity: VmEntity
    raw: t.Mapping[str, t.Any]
    etag: str | None
    date: datetime | None


class Compute(ArmProvider[_Machine]):
    """Azure Compute behind one resource manager. `collection` is the option: a name, an id, or None for the default."""

    capabilities = CAPABILITIES

    def __init__(
        self, arm: Arm, settings: ArmSettings, collection: str | None, wall_clock: t.Callable[[], datetime]
    ) -> None:
        super().__init__(arm)
        self._settings = settings
        self._version = settings.compute_api_version
        self._collection_option = collection
        self._wall_clock = wall_clock
        self._client = ComputeClient(arm, settings)
        self._disks = DiskLists(arm, self._client, settings.disk_api_version)

    async def prefetch(self, references: t.Collection[str]) -> None:
        """Nothing: a list of VMs shows no restore points, and may lag behind."""

    async def list_scope(self, scope: Scope) -> list[VM] | list[ObservedVm]:
        """The VMs of the subscription or of one resource group; each is still to be read."""
        url = self._arm.url(path_of_scope(scope, self._settings.subscription_id, MACHINES["compute"]), self._version)
        found = await self._arm.resources(url, context="listing virtual machines")
        return [replace(self._vm(each, str(each)), **listed(row)) for each, row in found]

    async def read(self, vm: VM, purpose: Purpose) -> ObservedVm:
        """The VM, its collection with all points, and unless for a list also its disks and the locks on all that.

        The lists of disks are as fresh as the reading for a restore alone; a new point is only checked by them.
        """
        return await self._observed(vm, purpose, await self._read_vm(vm))

    async def first_reading(self, vm: VM, purpose: Purpose) -> ObservedVm:
        """The same; the VM itself is not read again where `resolve` has just read it."""
        return await self._observed(vm, purpose, await self._resolved_or_first(vm))

    async def read_points(self, known: ObservedVm) -> ObservedVm:
        """The collection: what a restore point is made or removed in says nothing new of the VM itself."""
        state: AzureVmState = known.detail
        return await self._observed(known.vm, "list", _Machine(state.vm, state.raw, state.etag, known.now))

    async def _read_vm(self, vm: VM) -> _Machine:
        arm_id = _arm_id.parse(vm.id)
        url = self._arm.url(arm_id.path, self._version, _expand="instanceView")
        try:
            response = await self._arm.get(url, context=f"reading {vm}")
        except NotFound as problem:
            why, remedy = not_there(arm_id, problem, self._hidden, "VM", "compute")
            problem.message, problem.subject, problem.remedy = why, f"vm {arm_id.name}", remedy
            raise
        raw = response.json()
        return _Machine(parse_entity(VmEntity, raw, response), raw, response.etag, response.date)

    async def _observed(self, vm: VM, purpose: Purpose, answered: _Machine) -> ObservedVm:
        arm_id, whole, machine = _arm_id.parse(vm.id), purpose != "list", answered.entity
        if whole and machine.properties.storageProfile is None:
            raise BadResponse("the VM was answered without its disks.", subject=str(vm))
        home = self._collection_of(arm_id)
        collection, listed = await self._collection(home, vm)
        now, ahead = clock([listed, answered.date], self._wall_clock())
        points = collection.points if collection else []
        known = await self._disks.of_vm(arm_id, machine, purpose)
        state = AzureVmState(
            machine,
            answered.raw,
            answered.etag,
            arm_id.group,
            collection,
            known.disks,
            known.groups,
            known.unlisted,
        )
        bounded_count(points, vm)
        away: str | None = None
        if collection is not None and region_key(collection.location) != region_key(machine.location):
            away = collection.location
            points = [await self._point(point) for point in points]
        ours = collection is not None and (collection.tags or {}).get(TAG) == TAG_VALUE
        prelude = MakeCollection(vm, "it does not exist yet", self._new_collection(arm_id, machine), machine.location)
        locks = await self._locks(arm_id, state) if whole else []
        held = now - timedelta(seconds=max(0.0, ahead))
        stale = stale_tags(collection, held) if len((collection.tags or {}) if collection else {}) >= MAX_TAGS else {}
        return ObservedVm(
            vm,
            checkpoints(points, ours, away is not None, pins_of(collection), lock_ids(locks), machine),
            now=now,
            ahead=ahead,
            shown=latest_of(point.created for point in points),
            power=machine.power,
            busy=_busy(machine, points),
            refuses=machine.state if machine.state == "deleting" else None,
            obstacles=(*self._obstacles(arm_id, state, locks, away), *no_room(collection, held)) if whole else (),
            cautions=cautions(machine, points, now, known.unlisted, known.disks),
            next_create=next_slot(machine, points, now),
            managed_new=ours or collection is None,
            prelude=() if collection else (prelude,),
            pin_prelude=(DropStalePins(vm, "there is no room for another pin", home, stale),) if stale else (),
            detail=state,
        )

    async def _locks(self, arm_id: ArmId, state: AzureVmState) -> list[dict[str, t.Any]]:
        """The management locks on the VM, its collection and points, and its disks."""
        home, points = self._collection_of(arm_id).canonical, [point.id for point in state.points]
        return await self._arm.locks([arm_id.canonical, home, *points, *state.own_disks()])

    def _obstacles(
        self, arm_id: ArmId, state: AzureVmState, locks: t.Sequence[t.Mapping[str, t.Any]], away: str | None
    ) -> tuple[Obstacle, ...]:
        home = self._collection_of(arm_id).canonical
        found = (*obstacles(state.vm, state.disks), *of_locks_on(state, home, locks))
        if away is not None:
            why = f"its restore points lie in {away}, and disks can only be made where they lie."
            found = (*found, Obstacle(("step",), why, "Restore from a collection in the VM's own region."))
        return found

    async def _point(self, point: PointEntity) -> PointEntity:
        """The point with its instance view: away from its VM, Succeeded says only that copying has begun."""
        return await self._client.point(point.id) or point

    async def create(self, vm: VM, name: str, description: str) -> Operation:
        """PUT of a name that nothing bears yet. No consistency is asked for: the service gives the best it can."""
        url = self._arm.url(self._point_path(vm, name), self._version)
        return await self._arm.write("PUT", url, {"properties": {}}, context=f"creating restore point {name} of {vm}")

    async def update(self, vm: VM, checkpoint: Checkpoint, description: str) -> Operation:
        """Not possible: restore points have no description, and no plan asks for it."""
        raise Unsupported("restore points have no description.", subject=str(vm))

    async def pin(self, actual: ObservedVm, checkpoint: Checkpoint, pin: Pin | None) -> Operation:
        """By a tag of the collection, which other tags do not touch."""
        state: AzureVmState = actual.detail
        point = state.point(checkpoint.id)
        if point is None:
            raise NotFound(f"there is no restore point {checkpoint.name} any more.", subject=str(actual.vm))
        home = self._collection_of(_arm_id.parse(actual.vm.id))
        return await self._client.send(pin_request(state, home, point, pin, actual.vm))

    async def lock(self, actual: ObservedVm, checkpoint: Checkpoint, on: bool) -> Operation:
        """A management lock on the point itself. Only a list of locks can show it, so that must be readable."""
        path = self._point_path(actual.vm, checkpoint.name)
        listed = self._arm.url(f"{path}/providers/Microsoft.Authorization/locks", LOCKS_VERSION)
        await self._arm.pages(listed, context=f"reading locks of {actual.vm}")
        operation = await self._client.send(lock_request(path, checkpoint.name, actual.vm, on))
        self._arm.forget_locks()
        return operation

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
        age = actual.age_at_least(checkpoint)
        if (age is not None and age > ARRIVED) or not view(self._version):
            return None
        return await arrival(self._client, self._point_id(actual.vm, checkpoint.name))

    async def leftovers(self, actual: ObservedVm) -> list[Leftover]:
        """The points that failed, and the disks that restores have left; Forbidden where disks may not be listed."""
        state: AzureVmState = actual.detail
        if state.unlisted is not None:
            raise state.unlisted
        return leftovers(state)

    async def current_operation(self, vm: VM) -> Operation | None:
        """The restore point that is being made: its own state is what there is to look at."""
        collection, _now = await self._collection(self._collection_of(_arm_id.parse(vm.id)), vm)
        points = collection.points if collection else []
        point = next((point for point in points if point.state == "creating"), None)
        return None if point is None else making(self._client, point)

    async def _collection(self, home: ArmId, vm: VM) -> tuple[CollectionEntity | None, datetime | None]:
        """The VM's collection with its points, if there is one; one of another VM is an error."""
        context = f"reading restore points of {vm}"
        collection, now = await self._client.dated_collection(home, context=context)
        if collection is not None and not collection.is_of(vm.canonical):
            raise InvalidInput(
                f"collection: {home} holds restore points of {collection.source_id or 'another source'}.",
                subject=str(vm),
                remedy="Name another collection; a collection's source cannot be changed.",
            )
        return collection, now

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

    def _point_id(self, vm: VM, name: str) -> str:
        """Below the VM's collection, whatever an answer claims to be a point's name."""
        return f"{self._collection_of(_arm_id.parse(vm.id))}/restorePoints/{_arm_id.name(name, 'restore point')}"

    def _point_path(self, vm: VM, name: str) -> str:
        return _arm_id.quote(self._point_id(vm, name))

    def _new_collection(self, vm: ArmId, machine: VmEntity) -> ArmId:
        """The collection as it will be called: after the VM as the service spells it, however the user does."""
        return self._collection_of(replace(vm, name=machine.name))


def _busy(machine: VmEntity, points: t.Iterable[PointEntity]) -> str | None:
    name = next((point.name for point in points if point.state in ("creating", "updating", "deleting")), None)
    if name is not None:
        return f"restore point {name} is being made or removed"
    return machine.state if machine.state in ("updating", "creating") else None
