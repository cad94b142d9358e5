# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "restore point": a point or a copy is present or absent, and waited for until all of its data is there."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from functools import partial

from .._arm.ids import ArmId
from .._core.errors import (
    BadResponse,
    Downgraded,
    InvalidInput,
    NotFound,
    NotVerified,
    OperationFailed,
    Unavailable,
)
from .._core.model import Obstacle
from .._core.operation import Operation, Status, watched
from .._core.pins import Pin
from .._core.plan import Action, Plan
from .._engine.execution import Execution
from .._engine.kind import InProgress, Kind, Remains, WriteRequest
from .._engine.progress import Completed, Progress
from .._providers.compute.entities import CollectionEntity, PointEntity
from .._providers.compute.pins import holding_pins
from .._providers.compute.preflight import of_locks
from .._providers.compute.usability import percent, usability
from .._providers.compute.vm_entities import VmEntity
from .actions import CreateResource, DeleteResource
from .client import RestorePointClient
from .consistency import is_downgrade, os_type_of
from .copies import takes_copies
from .drift import drift
from .identity import is_another, made_anew
from .inputs import PointInputs, comparable_fields, read_inputs, source_vm
from .point_planner import plan_point
from .specs import PointSpec
from .states import how_failed, is_in_progress, is_present
from .targets import point_target

MADE_AGAIN = "Run the task again: a failed point is removed and made again."


@dataclass(frozen=True)
class ObservedPoint:
    """A restore point, None where there is none, its collection, and what a new one would be made of.

    `judged`: a plan made of this holds the point's consistency against the spec. `pin` is the one that holds the point.
    """

    entity: PointEntity | None
    collection: CollectionEntity | None = None
    inputs: PointInputs = field(default_factory=PointInputs)
    locks: tuple[Obstacle, ...] = ()
    judged: bool = False
    pin: Pin | None = None


class RestorePoint(Kind[ObservedPoint]):
    """One restore point that is to be present or absent."""

    def __init__(self, client: RestorePointClient, spec: PointSpec, home: ArmId) -> None:
        self.target = point_target(home, spec.name, client.service)
        self._client, self._spec, self._home = client, spec, home
        self._last = ObservedPoint(None)

    async def observe(self, *, for_write: bool) -> ObservedPoint:
        """The point. The VM is read only where a point is to be made, for it may be gone."""
        if not for_write:
            return replace(self._last, entity=await self._read())
        self._last = await self._observe_for_write()
        return self._last

    async def _observe_for_write(self) -> ObservedPoint:
        collection, now = await self._client.dated_collection(self._home)
        if collection is None:
            if not self._spec.is_wanted:
                return ObservedPoint(None)
            raise NotFound(
                f"its collection {self._home} does not exist.", remedy="Make it first, with restore_point_collection."
            )
        entity = await self._read()
        inputs = PointInputs()
        if self._spec.is_wanted:
            self._require_fit(collection)
            inputs = PointInputs(comparable_fields(self._spec, collection))
            if is_present(entity):
                inputs.vm = await self._vm_of(entity, collection)
            else:
                inputs = await read_inputs(self._client, self._spec, collection, now)
        judged = entity is not None and usability(entity) == "usable"
        locks = tuple(of_locks(await self._client.locks(self._home, self.target.canonical)))
        pin = holding_pins(collection, now).get(self.target.canonical)
        return ObservedPoint(entity, collection, inputs, locks, judged, pin)

    def plan(self, observed: ObservedPoint, progress: Progress[ObservedPoint]) -> Plan:
        """What is left to do. One that was made anew since ours went is another, which nobody asked to remove."""
        if not self._spec.is_wanted and (
            observed.collection is None or any(isinstance(each, DeleteResource) for each in progress.actions)
        ):
            return Plan(self.target)
        points = observed.collection.points if observed.collection else []
        obstacles = (*observed.locks, *observed.inputs.obstacles)
        plan = plan_point(
            self._spec,
            self.target,
            observed.entity,
            observed.inputs.vm,
            obstacles,
            observed.inputs.fields,
            len(points),
            observed.pin,
        )
        return replace(plan, warnings=(*observed.inputs.warnings, *plan.warnings))

    async def in_progress(
        self, observed: ObservedPoint, progress: Progress[ObservedPoint]
    ) -> tuple[ObservedPoint, InProgress | None]:
        """What somebody else or an earlier run has begun with it."""
        entity = observed.entity
        if entity is None or not is_in_progress(entity.state):
            return observed, None
        operation = self._watch(entity, lambda point: not is_in_progress(point.state))
        blocks = self._spec.is_wanted and entity.state == "deleting"
        return observed, InProgress(f"{entity.state} of it", operation, plan_meanwhile=True, blocks_writes=blocks)

    def is_busy(self, observed: ObservedPoint) -> bool:
        """Whether it is being made, changed or removed."""
        return observed.entity is not None and is_in_progress(observed.entity.state)

    def write(
        self, action: Action, observed: ObservedPoint, progress: Progress[ObservedPoint]
    ) -> WriteRequest[ObservedPoint]:
        """What an action sends and what proves it."""
        if isinstance(action, CreateResource):
            return WriteRequest(
                context="creating it",
                send=partial(self._client.put_point, self.target.id, self._spec, observed.inputs.fields),
                verified=lambda now: now.entity is not None,
                taken=lambda now: now.entity is not None,
                remains=lambda now: _left_by_create(now.entity),
                may_leave_remains=True,
            )
        if isinstance(action, DeleteResource) and observed.entity is not None:
            return self._delete(observed.entity)
        raise TypeError(f"no write carries out {action.verb!r}")

    def _delete(self, planned: PointEntity) -> WriteRequest[ObservedPoint]:
        """It goes by name: one that was made under it since gets no second DELETE, and a create need not follow."""

        def another(now: ObservedPoint) -> bool:
            return is_another(now.entity, planned)

        return WriteRequest(
            context="deleting it",
            send=partial(self._client.delete, self.target.id),
            verified=lambda now: now.entity is None or another(now),
            may_resend=lambda now: True,
            met_by_others=True,
            remains=lambda now: Remains(now.entity is None or now.entity.state == "deleting"),
            replan=lambda now: self._spec.is_wanted and another(now),
            notes=lambda now: made_anew(now.entity, planned),
        )

    async def readiness(self, observed: ObservedPoint, execution: Execution[ObservedPoint]) -> Completed:
        """Until Succeeded, and for a copy until every disk has arrived; then the spec is held against what came."""
        entity = observed.entity
        if entity is None or not self._spec.is_wanted:
            return Completed()
        if not _is_complete(entity):
            if execution.waits or execution.operation is None:
                execution.operation = self._watch(entity, _is_complete)
            if not execution.waits:
                return Completed()
            context = "copying it" if self._spec.source_restore_point else "making it"
            await execution.ended(execution.operation, context)
            entity = (await execution.observe()).entity
        entity = self._require_usable(entity)
        os_type = os_type_of(entity, observed.inputs.vm)
        differs = drift(self._spec, entity, observed.inputs.fields, os_type) if execution.adopted else None
        achieved = entity.properties.consistencyMode
        warnings: tuple[str, ...] = ()
        if not observed.judged and is_downgrade(self._spec, achieved, os_type):
            warnings = (self._downgraded(achieved),)
        return Completed(warnings=warnings, drift=differs)

    async def _vm_of(self, entity: PointEntity, collection: CollectionEntity) -> VmEntity | None:
        """The VM of a point that is there, where it can tell something; that of a copy is elsewhere."""
        if self._spec.source_restore_point is not None:
            return None
        if self._system_decides(entity):
            return await source_vm(self._client, collection)
        try:
            return await source_vm(self._client, collection) if entity.made_of else None
        except (BadResponse, Unavailable):
            return None  # it would only be warned of whose the point is

    def _system_decides(self, entity: PointEntity) -> bool:
        """Whether the VM must tell how good a point is: it is less on Windows, and does not say of which it is."""
        achieved = entity.properties.consistencyMode
        on_windows = is_downgrade(self._spec, achieved, "windows")
        return not entity.os_type and on_windows != is_downgrade(self._spec, achieved)

    def _require_usable(self, entity: PointEntity | None) -> PointEntity:
        if entity is None or entity.state == "deleting":
            raise NotVerified(
                f"it was there, and is {'gone again' if entity is None else 'being removed'}.",
                remedy="Look at it before you run the task again.",
            )
        if entity.failed:
            raise OperationFailed(f"it was made, and {how_failed(entity)}{_why(entity)}.", remedy=MADE_AGAIN)
        return entity

    def _downgraded(self, achieved: str | None) -> str:
        message = f"application consistency was asked for, and {achieved} came."
        if self._spec.on_downgrade == "fail":
            checked = "the VM's VSS writers" if achieved == "FileSystemConsistent" else "the VM's agent"
            raise Downgraded(
                f"{message} The restore point is kept.", remedy=f"Check {checked}, or set on_downgrade: warn."
            )
        return message

    def _require_fit(self, collection: CollectionEntity) -> None:
        """A collection for copies takes nothing else, and a VM's collection no copies."""
        if takes_copies(collection) == (self._spec.source_restore_point is not None):
            return
        why = (
            "takes no copies; leave out source_restore_point"
            if self._spec.source_restore_point is not None
            else "needs source_restore_point: its source is another collection"
        )
        raise InvalidInput(f"collection {self._home.name} {why}.")

    async def _read(self) -> PointEntity | None:
        return await self._client.point(self.target.id)

    def _watch(self, now: PointEntity, ended: t.Callable[[PointEntity], bool]) -> Operation:
        """The point's own state, and a copy's percent, as an operation."""

        def show(point: PointEntity) -> Status:
            return Status("succeeded" if ended(point) else "running", point.state, percent=percent(point))

        async def poll() -> Status:
            found = await self._read()
            return Status("unknown", "gone") if found is None else show(found)

        return watched("restore point", now.name, poll, show(now))


def _left_by_create(entity: PointEntity | None) -> Remains:
    if entity is None or not entity.failed:
        return Remains(entity is not None)
    return Remains(True, f"It left the point behind, as {entity.state}.", MADE_AGAIN)


def _is_complete(point: PointEntity) -> bool:
    """Whether there is nothing left to wait for: all of it has arrived, or never will."""
    return point.failed or point.state == "deleting" or usability(point) == "usable"


def _why(point: PointEntity) -> str:
    details = point.properties.provisioningDetails
    return f" ({details.statusMessage})" if details and details.statusMessage else ""
