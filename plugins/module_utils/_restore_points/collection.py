# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "restore point collection"."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace
from functools import partial

from .._arm.ids import ArmId
from .._core.model import Obstacle
from .._core.operation import Operation, Status, watched
from .._core.pins import Pin
from .._core.plan import Action, Plan
from .._engine.kind import InProgress, Kind, Remains, WriteRequest
from .._engine.progress import Progress
from .._providers.compute.entities import CollectionEntity
from .._providers.compute.fields import region_key
from .._providers.compute.pins import holding_pins
from .._providers.compute.preflight import of_locks
from .actions import CreateResource, DeleteResource, ResourceAction, UpdateResource
from .client import RestorePointClient
from .collection_planner import in_any_case, plan_collection
from .identity import is_another, made_anew
from .inputs import resolve_location
from .specs import CollectionSpec
from .states import is_in_progress, is_present
from .targets import collection_target


@dataclass(frozen=True)
class ObservedCollection:
    """A collection with its points, and where a new one would lie; `entity` is None where there is none.

    `pins` are those that hold its points, by id in lower case.
    """

    entity: CollectionEntity | None
    location: str | None = None
    locks: tuple[Obstacle, ...] = ()
    warnings: tuple[str, ...] = ()
    pins: t.Mapping[str, Pin] = field(default_factory=dict)


class RestorePointCollection(Kind[ObservedCollection]):
    """One collection that is to be present or absent."""

    def __init__(self, client: RestorePointClient, spec: CollectionSpec, home: ArmId) -> None:
        self.target = collection_target(home, client.service)
        self._client, self._spec, self._home = client, spec, home
        self._last = ObservedCollection(None)

    async def observe(self, *, for_write: bool) -> ObservedCollection:
        """The collection; for a write also its locks, and for a new one its location."""
        entity, now = await self._client.dated_collection(self._home, grouped=self._spec.is_wanted)
        if not for_write:
            return replace(self._last, entity=entity)
        location, warnings = None, list[str]()
        if self._spec.is_wanted and not is_present(entity):
            location = await resolve_location(self._client, self._spec, warnings)
        locks = tuple(of_locks(await self._client.locks(self._home)))
        self._last = ObservedCollection(entity, location, locks, tuple(warnings), holding_pins(entity, now))
        return self._last

    def plan(self, observed: ObservedCollection, progress: Progress[ObservedCollection]) -> Plan:
        """What is left to do. One that was made anew since ours went is another, which nobody asked to remove."""
        if not self._spec.is_wanted and any(isinstance(each, DeleteResource) for each in progress.actions):
            return Plan(self.target)
        plan = plan_collection(
            self._spec, self.target, observed.entity, observed.location, observed.locks, observed.pins
        )
        return replace(plan, warnings=observed.warnings)

    async def in_progress(
        self, observed: ObservedCollection, progress: Progress[ObservedCollection]
    ) -> tuple[ObservedCollection, InProgress | None]:
        """What somebody else or an earlier run has begun with it."""
        entity = observed.entity
        if entity is None or not is_in_progress(entity.state):
            return observed, None
        blocks = self._spec.is_wanted and entity.state == "deleting"
        return observed, InProgress(
            f"{entity.state} of it", self._watch(entity), plan_meanwhile=True, blocks_writes=blocks
        )

    def is_busy(self, observed: ObservedCollection) -> bool:
        """Whether it is being made, changed or removed."""
        return observed.entity is not None and is_in_progress(observed.entity.state)

    def write(
        self, action: Action, observed: ObservedCollection, progress: Progress[ObservedCollection]
    ) -> WriteRequest[ObservedCollection]:
        """What an action sends and what proves it."""
        if isinstance(action, CreateResource):
            return WriteRequest(
                context="creating it",
                send=partial(self._client.put_collection, self._home, self._spec, observed.location or ""),
                verified=lambda now: self._is_made(now.entity, observed.location),
                remains=lambda now: Remains(now.entity is not None),
                may_leave_remains=True,
            )
        if isinstance(action, UpdateResource) and observed.entity is not None:
            shows = partial(_shows, _wanted(action))
            return WriteRequest(
                context="updating it",
                send=partial(self._client.patch_collection, self._home, observed.entity, action.fields),
                verified=lambda now: shows(now.entity),
                remains=lambda now: Remains(shows(now.entity)),
            )
        if isinstance(action, DeleteResource) and observed.entity is not None:
            return self._delete(observed.entity)
        raise TypeError(f"no write carries out {action.verb!r}")

    def _delete(self, planned: CollectionEntity) -> WriteRequest[ObservedCollection]:
        """The DELETE. What came into the collection before a second one is in no plan, so that is made anew first."""
        return WriteRequest(
            context="deleting it",
            send=partial(self._client.delete, str(self._home)),
            verified=lambda now: now.entity is None or is_another(now.entity, planned),
            met_by_others=True,
            may_resend=lambda now: now.entity is None or not _names(now.entity) - _names(planned),
            remains=lambda now: _left_by_delete(now.entity, planned),
            notes=lambda now: made_anew(now.entity, planned),
        )

    def _is_made(self, found: CollectionEntity | None, location: str | None) -> bool:
        """Where the answer to our PUT was lost another run may have made one of that name, of something else."""
        return (
            found is not None
            and found.is_of(self._spec.source or "")
            and region_key(found.location) == region_key(location or "")
            and found.state == "succeeded"
        )

    def _watch(self, now: CollectionEntity) -> Operation:
        async def poll() -> Status:
            found = await self._client.collection(self._home, grouped=self._spec.is_wanted)
            return Status("unknown", "gone") if found is None else _state(found)

        return watched("collection", now.name, poll, _state(now))


def _state(found: CollectionEntity) -> Status:
    return Status("running" if is_in_progress(found.state) else "succeeded", found.state)


def _names(found: CollectionEntity) -> set[str]:
    """The points in a collection, as plans name them."""
    return {point.name.lower() for point in found.points}


def _left_by_delete(found: CollectionEntity | None, planned: CollectionEntity) -> Remains:
    """A collection whose DELETE has failed may have lost some of its points."""
    if found is None or found.state == "deleting":
        return Remains(changed=True)
    gone = sorted(_names(planned) - _names(found))
    return Remains(bool(gone), f"Of its restore points, {', '.join(gone)} went." if gone else "")


def _wanted(action: ResourceAction) -> dict[str, t.Any]:
    wanted = {name: change["after"] for name, change in action.fields.items()}
    if "tags" in wanted:
        wanted["tags"] = in_any_case(wanted["tags"])
    return wanted


def _shows(wanted: t.Mapping[str, t.Any], found: CollectionEntity | None) -> bool:
    if found is None:
        return False
    values = {"tags": in_any_case(found.tags), "instant_access": bool(found.properties.instantAccess)}
    return all(values[name] == value for name, value in wanted.items())
