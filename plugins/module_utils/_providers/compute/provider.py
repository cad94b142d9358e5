# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Azure Compute: a checkpoint of a VM is a restore point in the VM's restore point collection.

There is no list of restore points but their collection read with `$expand=restorePoints`, restore points have neither
tags nor descriptions, and there is no restore call: see compute_restore. Facts and their sources: docs/services.md.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace
from datetime import datetime, timedelta

from ..._arm import ids as _arm_id
from ..._arm.client import Arm
from ..._arm.ids import ArmId
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
from ..._core.model import VM, Capabilities, Checkpoint, Inventory, Obstacle
from ..._core.operation import Operation, Status
from ..._core.ownership import GENERATED_LENGTH, Mark, read_generated
from ..._core.plan import Step
from ..._core.settings import ArmSettings
from ..._deps import anyio
from ..._http.response import parse_entity
from ..base import Scope, bounded_count
from . import restore_verify as compute_done
from .entities import CollectionEntity, DiskEntity, PointEntity, VmEntity
from .fields import place, view
from .preflight import cautions, obstacles, of_locks_on, points_of
from .restore_plan import restore_steps
from .restore_state import REPLACES_TAG, Detail
from .restore_steps import TAG, TAG_VALUE, ComputeSteps

MACHINES = "Microsoft.Compute/virtualMachines"
COLLECTIONS = "Microsoft.Compute/restorePointCollections"
ARRIVED = timedelta(days=7)
"""No point is so long on its way: of one that is older nothing is asked."""
MAX_GROUPS = 100
"""A VM has at most 65 disks; each may lie, or before a restore may have lain, in a group of its own."""
CAPABILITIES = Capabilities(
    provider="compute",
    title="Azure Compute",
    names_unique=True,
    can_update_description=False,
    operations_findable=True,
    restore_in_place=True,
    power=True,
    max_points=500,
    why={
        "identity": "the resource id; a name is unique in the VM's collection",
        "time": "the service's own creation time",
        "exactly_once": "with a fixed name exactly one; with max_age as on the others",
        "joining": "the restore point's own state, found by its name",
        "restore": "the VM read on its new disks, and running where it has to",
    },
    has_description=False,
    safety_name="safety-before-{name}",
    name_pattern=r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}",
    name_rule="letters, digits and _ . -, beginning with a letter or digit, at most 80",
    longest_series=80 - GENERATED_LENGTH,
    restore_steps=restore_steps,
)


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
        self._steps = ComputeSteps(arm, settings)

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

    async def everything(self, scope: Scope) -> list[VM] | list[Inventory]:
        """The VMs of the subscription or of one resource group; each is still to be read."""
        subscription = self._settings.subscription_id
        if subscription is None:
            raise InvalidInput("subscription_id: is needed to list a whole scope (or AZURE_SUBSCRIPTION_ID).")
        within = "" if scope.resource_group is None else f"/resourceGroups/{_arm_id.quote(scope.resource_group)}"
        path = f"/subscriptions/{subscription}{within}/providers/{MACHINES}"
        found = await self._arm.ids(self._arm.url(path, self._version), context="listing virtual machines")
        return [self._vm(each, str(each)) for each in found]

    async def read(self, vm: VM, *, whole: bool = True) -> Inventory:
        """The VM, its collection with all points, and with `whole` the disks of its resource group."""
        arm_id = _arm_id.parse(vm.id)
        url = self._arm.url(arm_id.path, self._version, _expand="instanceView")
        response = await self._arm.get(url, context=f"reading {vm}")
        machine = parse_entity(VmEntity, response.json(), response)
        if whole and machine.properties.storageProfile is None:
            raise response.bad(f"{vm}: the VM was answered without its disks.")
        home = self._collection_of(arm_id)
        collection, now = await self._collection(home, vm)
        disks, groups = await self._disks(arm_id, machine) if whole else ({}, frozenset[str]())
        detail = Detail(machine, response.json(), response.etag, arm_id.group, collection, disks, groups)
        points = list(collection.properties.restorePoints or []) if collection else []
        bounded_count(points, vm)
        elsewhere = collection is not None and place(collection.location) != place(machine.location)
        if elsewhere:
            points = [await self._point(point) for point in points]
        ours = collection is not None and (collection.tags or {}).get(TAG) == TAG_VALUE
        busy = [point.name for point in points if point.state in ("creating", "updating", "deleting")]
        state = (machine.properties.provisioningState or "succeeded").lower()
        return Inventory(
            vm,
            _in_time(tuple(_checkpoint(point, ours, elsewhere) for point in points)),
            now=now or response.date or self._wall_clock(),
            power=machine.power,
            busy=f"restore point {busy[0]} is being made or removed"
            if busy
            else state
            if state in ("updating", "creating")
            else None,
            refuses=state if state == "deleting" else None,
            obstacles=await self._obstacles(arm_id, detail, elsewhere) if whole else (),
            cautions=cautions(machine),
            managed_new=ours or collection is None,
            prelude=() if collection else (self._make_collection(vm, machine),),
            detail=detail,
        )

    async def _obstacles(self, arm_id: ArmId, detail: Detail, elsewhere: bool) -> tuple[Obstacle, ...]:
        home = self._collection_of(arm_id).canonical
        locks = await self._arm.locks([arm_id.canonical, home, *points_of(detail), *detail.own_disks()])
        found = (*obstacles(detail.vm, detail.disks), *of_locks_on(detail, home, locks))
        if elsewhere and detail.collection is not None:
            why = f"its restore points lie in {detail.collection.location}, and disks can only be made where they lie."
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
        return await self._steps.power(_arm_id.parse(vm.id), on)

    async def take(self, step: Step, actual: Inventory) -> Operation:
        """One step of a restore in place, or the making of the collection."""
        try:
            if step.about.get("op") == "make_collection":
                return await self._steps.make_collection(step, self._new_collection(step.vm, actual.detail.vm))
            return await self._steps.take(step, actual)
        except (SignInRefused, Unreachable, UntrustedTls):
            raise  # of the host, whatever was to be done there
        except ServiceError as problem:
            problem.subject = str(step.vm)  # of many VMs' steps the one that it was, not the host that all have
            raise

    def taken(self, step: Step, actual: Inventory) -> bool:
        """Whether reading shows the step as done."""
        return compute_done.taken(step, actual)

    def amends(self, step: Step, before: Inventory) -> tuple[Step, ...]:
        """What puts the VM back onto its old disks."""
        return compute_done.amends(step, before)

    def standing(self, step: Step, before: Inventory, now: Inventory) -> str:
        """Whether the VM is on, and on which disks."""
        return compute_done.standing(step, before, now)

    async def arriving(self, actual: Inventory, checkpoint: Checkpoint) -> Operation | None:
        """Succeeded need not mean that all of its data is there; only the point's instance view tells how far it is."""
        old = checkpoint.created is not None and actual.now - checkpoint.created > ARRIVED
        if old or not view(self._version):
            return None
        url = self._arm.url(self._point_path(actual.vm, checkpoint.name), self._version, _expand="instanceView")

        async def poll() -> Status:
            response = await self._arm.find(url, context=f"reading restore point {checkpoint.name}")
            if response is None:
                return Status("unknown")
            point = parse_entity(PointEntity, response.json(), response)
            if point.failed:
                return Status("failed", message="its data could not be copied")
            if point.whole is False:
                return Status("running", f"at {point.slowest} %", percent=point.slowest)
            return Status("succeeded")

        last = await poll()
        if last.state not in ("running", "failed"):
            return None
        return Operation("arm", None, poll, anyio.current_time(), last=last)

    async def latest(self, vm: VM) -> Operation | None:
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
                    replaced = (disk.tags or {}).get(REPLACES_TAG, "")
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

    def _make_collection(self, vm: VM, machine: VmEntity) -> Step:
        """The same step however the user spells the VM's id."""
        home = self._new_collection(vm, machine)
        about = {"op": "make_collection", "collection": home.canonical, "location": machine.location}
        return Step(vm, "it does not exist yet", do=f"make restore point collection {home.name}", about=about)

    def _new_collection(self, vm: VM, machine: VmEntity) -> ArmId:
        """The collection as it will be called: after the VM as the service spells it."""
        return self._collection_of(replace(_arm_id.parse(vm.id), name=machine.name))

    def _vm(self, arm_id: ArmId, reference: str) -> VM:
        return VM(
            reference=reference,
            name=arm_id.name,
            id=str(arm_id),
            canonical=arm_id.canonical,
            provider=self.capabilities.provider,
            service=self._arm.base,
        )


def _checkpoint(point: PointEntity, ours: bool, elsewhere: bool) -> Checkpoint:
    """A point as the core takes it. It is managed where its collection bears our tag: points themselves bear none."""
    made = read_generated(point.name)
    series = made[0] if made else None
    mark = None
    if ours and point.created is not None:
        nonce = made[1] if made else "0" * 12
        safety = bool(series and series.startswith("safety-before-"))
        mark = Mark(nonce, point.created, safety=safety, written=False)
    # What is not understood is not known: only what says that it failed counts as failed.
    usable = {"succeeded": True, "failed": False, "canceled": False}.get(point.state)
    if usable and elsewhere:
        usable = False if point.failed else point.whole or None  # on its way: not known yet
    return Checkpoint(
        id=point.id,
        name=point.name,
        created=point.created,
        usable=usable,
        mark=mark,
        series=series,
        any_case=True,
        safety=bool(series and series.startswith("safety-before-")),
        nonce=made[1] if made else None,
        consistency=point.properties.consistencyMode,
    )


def _in_time(points: tuple[Checkpoint, ...]) -> tuple[Checkpoint, ...]:
    known = [point for point in points if point.created is not None]
    return tuple(sorted(known, key=lambda p: (p.created, p.id))) + tuple(p for p in points if p.created is None)
