# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `restore_point_collection` does, without Ansible: a collection is present or absent, from options to result."""

from __future__ import annotations

import typing as t
from functools import partial

from .._arm.ids import ArmId
from .._core.errors import CheckpointError, Locked
from .._core.operation import Deadline, Operation, Status
from .._core.plan import Action, CreateResource, DeleteResource, OnResource, Plan, UpdateResource
from .._core.redaction import Redactor
from .._core.spec import validate_options
from .._deps import anyio
from .._engine.resource_run import Run, watched
from .._engine.resource_task import ResourceTask
from .._engine.run_options import approval_of, manner_of
from .._providers import Providers, World
from .._providers.compute.entities import CollectionEntity
from .._providers.compute.fields import place
from .._providers.compute.preflight import of_locks
from .._restore_points import results as shapes
from .._restore_points.client import Service
from .._restore_points.planner import Resource, in_any_case, is_on_its_way, is_there, plan_collection
from .._restore_points.specs import CollectionWish, collection_id, require_collection_api
from .restore_point_inputs import where

Params = t.Mapping[str, t.Any]


async def restore_point_collection(
    params: Params, check_only: bool, world: World, redactor: Redactor
) -> dict[str, t.Any]:
    """A restore point collection is present or absent."""
    begun = anyio.current_time()
    wish = validate_options(CollectionWish, {name: params.get(name) for name in CollectionWish.model_fields})
    manner = manner_of(params)
    approval = approval_of(params)
    pace = manner.pace(Deadline(manner.wait_timeout.total_seconds()))
    async with Providers(params, world, pace.deadline, redactor) as providers:
        arm, settings = await providers.arm()
        require_collection_api(wish, settings.compute_api_version)
        home = collection_id(settings.subscription_id, wish.resource_group, wish.name)
        subject = Resource(wish.name, f"collection {wish.name}", str(home), home.canonical, "compute", arm.base)
        task = CollectionTask(Run(subject, pace, begun), Service(arm, settings), wish, home)
        run = task.run
        run.planned(await task.look())
        if approval is not None:
            approval.check([run.todo])
        if not check_only:
            try:
                if await task.settle():
                    run.planned(await task.look())
                    if approval is not None:
                        approval.check([run.todo])
                await run.carry_out(task.do, task.look_again, approval)
            except CheckpointError as problem:
                return run.failed(problem, restore_point_collection=shapes.collection(task.now))
    return run.result(check_only=check_only, restore_point_collection=shapes.collection(task.now))


class CollectionTask(ResourceTask[CollectionEntity]):
    """One collection: `now` is how it was last read, `location` where a new one lies."""

    def __init__(self, run: Run, service: Service, wish: CollectionWish, home: ArmId) -> None:
        super().__init__(run, wish.state)
        self._service = service
        self._wish = wish
        self._home = home
        self._location: str | None = None

    async def look(self) -> Plan:
        """Read and plan; nothing is written."""
        wish, service = self._wish, self._service
        self.now = await self._read()
        if wish.state == "absent" and self.run.went(self.now):
            return Plan(self.run.subject)
        if wish.state == "present" and not is_there(self.now):
            self._location = await where(service, wish, self.run)
        locks = tuple(of_locks(await service.locks(self._home)))
        return plan_collection(wish, self.run.subject, self.now, self._location, locks)

    def _on_its_way(self, now: CollectionEntity) -> Operation:
        return watched("collection", now.name, self._read, _state, now)

    async def do(self, action: Action, wait_for_it: bool) -> bool:
        """One step of the plan, which has one only."""
        if isinstance(action, CreateResource):
            write = partial(self._service.put_collection, self._home, self._wish, self._location or "")
            self.now = await self.run.send(
                write, self._read, self._is_made, "creating it", wait=wait_for_it, leaves=True
            )
        elif isinstance(action, UpdateResource) and self.now is not None:
            await self._update(action, self.now, wait_for_it)
        elif isinstance(action, DeleteResource) and self.now is not None:
            delete = self._deleting(self.now)
            self.now = await self.run.send_delete(delete, self._read, self.now, wait=wait_for_it)
        return True

    def _deleting(self, planned: CollectionEntity) -> t.Callable[[], t.Awaitable[Operation]]:
        """The DELETE. What came into the collection before a second one is in no plan, so that is made anew first."""
        left = False

        async def delete() -> Operation:
            nonlocal left
            now = await self._read() if left else planned
            if now is not None and _held(now) - _held(planned):
                raise Locked("restore points were made in it since it was to go", subject=str(self.run.subject))
            left = True
            return await self._service.delete(str(self._home))

        return delete

    async def _read(self) -> CollectionEntity | None:
        return await self._service.collection(self._home, grouped=self._wish.state == "present")

    def _is_made(self, found: CollectionEntity | None) -> bool:
        """Where the answer to our PUT was lost another run may have made one of that name, of something else."""
        return (
            found is not None
            and found.is_of(self._wish.source or "")
            and place(found.location) == place(self._location or "")
            and found.state == "succeeded"
        )

    async def _update(self, action: OnResource, now: CollectionEntity, wait_for_it: bool) -> None:
        def shown(found: CollectionEntity | None) -> bool:
            if found is None:
                return False
            values = {"tags": in_any_case(found.tags), "instant_access": bool(found.properties.instantAccess)}
            return all(values[name] == value for name, value in wanted.items())

        wanted = {name: change["after"] for name, change in action.fields.items()}
        if "tags" in wanted:
            wanted["tags"] = in_any_case(wanted["tags"])
        patch = partial(self._service.patch_collection, self._home, now, action.fields)
        self.now = await self.run.send(patch, self._read, shown, "updating it", wait=wait_for_it)


def _held(found: CollectionEntity) -> set[str]:
    """The points in a collection, as plans name them."""
    return {point.name.lower() for point in found.properties.restorePoints or []}


def _state(found: CollectionEntity) -> Status:
    state = found.state
    return Status("running" if is_on_its_way(state) else "succeeded", state)
