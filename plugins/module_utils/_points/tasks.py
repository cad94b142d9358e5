# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for collections and restore points do, without Ansible: from options to result."""

from __future__ import annotations

import typing as t
from contextlib import contextmanager
from functools import partial

from .. import _arm_id
from .._errors import CheckpointError, InvalidInput, NotFound
from .._http import AnswerLost
from .._manner import approval_of, manner_of
from .._operation import Deadline, Operation
from .._plan import CreateResource, DeleteResource, OnResource, Plan, UpdateResource, to_result
from .._proof import CLAIMING, Pace, ended, not_shown, read_until, unread, unsettled
from .._providers import Providers, World
from .._providers.compute_entities import CollectionEntity
from .._providers.compute_preflight import of_locks
from .._secrets import Secrets
from .._wish import check
from . import shapes
from .plan import Resource, place, plan_collection
from .service import Service
from .wishes import CollectionWish, collection_id

Params = t.Mapping[str, t.Any]
Read = t.TypeVar("Read")


class Run:
    """One resource's way through a task: what was planned, started and told."""

    def __init__(self, subject: Resource, pace: Pace) -> None:
        self.subject = subject
        self.pace = pace
        self.plan = Plan(subject)
        self.operation: Operation | None = None
        self.changed = False
        self.warnings: list[str] = []

    async def send(
        self,
        write: t.Callable[[], t.Awaitable[Operation]],
        read: t.Callable[[], t.Awaitable[Read]],
        proven: t.Callable[[Read], bool],
        doing: str,
        *,
        wait: bool = True,
        again: bool = False,
    ) -> Read:
        """One write, its operation, and the reading that proves it; a lost answer is settled by reading.

        `again` (a delete by id) allows one more try after a loss that reading has shown to be undone. Once it has left,
        no error may say that nothing was changed.
        """
        try:
            operation = await write()
        except AnswerLost as problem:
            with self._left(doing):
                seen = await read_until(read, proven, self.pace)
            if seen is None and again:
                return await self.send(write, read, proven, doing, wait=wait)
            if seen is None:
                raise unsettled(problem, str(self.subject), doing, self.pace) from None
            self.changed = True
            return seen[0]
        except NotFound:
            # Somebody else may have done it: a reading decides, not the 404 alone.
            now = await read()
            if not proven(now):
                raise
            return now
        self.operation, self.changed = operation, True
        with self._left(doing):
            return await self._prove(operation, read, proven, doing, wait)

    @contextmanager
    def _left(self, doing: str) -> t.Iterator[None]:
        try:
            yield
        except CLAIMING as problem:
            raise unread(problem, str(self.subject), doing) from None

    async def _prove(
        self,
        operation: Operation,
        read: t.Callable[[], t.Awaitable[Read]],
        proven: t.Callable[[Read], bool],
        doing: str,
        wait: bool,
    ) -> Read:
        if not wait:
            return await read()
        await ended(operation, self.pace, str(self.subject), doing)
        seen = await read_until(read, proven, self.pace)
        if seen is None:
            raise not_shown(str(self.subject), doing, operation, self.pace)
        return seen[0]

    def result(self, *, check_only: bool, **more: t.Any) -> dict[str, t.Any]:
        """The result's common keys."""
        told: dict[str, t.Any] = {
            "changed": bool(self.plan.writes) if check_only else self.changed,
            "plan": to_result([self.plan]),
            "diff": shapes.diff(str(self.subject), self.plan),
            "operation": None if self.operation is None else self.operation.to_result(),
            "warnings": list(dict.fromkeys([*self.plan.warnings, *self.warnings])),
            **more,
        }
        if self.plan.drift:
            told["drift"] = list(self.plan.drift)
        return told

    def failed(self, problem: CheckpointError, **more: t.Any) -> dict[str, t.Any]:
        """The result of a failure, beside what had been done by then."""
        problem.about(str(self.subject))
        if problem.operation is None and self.operation is not None:
            problem.operation = self.operation.to_result()
        return {**self.result(check_only=False, **more), "error": problem.to_result(), "msg": str(problem)}


async def restore_point_collection(
    params: Params, check_only: bool, world: World, secrets: Secrets
) -> dict[str, t.Any]:
    """A restore point collection is present or absent."""
    wish = check(CollectionWish, {name: params.get(name) for name in CollectionWish.model_fields})
    manner = manner_of(params)
    approval = approval_of(params)
    pace = manner.pace(Deadline(manner.wait_timeout.total_seconds()))
    async with Providers(params, world, pace.deadline, secrets) as providers:
        arm, settings = await providers.arm()
        home = collection_id(settings.subscription_id, wish.resource_group, wish.name)
        run = Run(Resource(wish.name, f"collection {wish.name}", str(home), home.canonical, "compute", arm.base), pace)
        service = Service(arm, settings)
        now = await service.collection(home)
        location = wish.location or await _location(service, wish, now)
        locks = tuple(of_locks(await service.locks(home)))
        run.plan = plan_collection(wish, run.subject, now, location, settings.compute_api_version, locks)
        if approval is not None:
            approval.check([run.plan])
        if not check_only:
            try:
                now = await _apply_collection(run, service, wish, now, location or "")
            except CheckpointError as problem:
                return run.failed(problem, restore_point_collection=shapes.collection(now))
    return run.result(check_only=check_only, restore_point_collection=shapes.collection(now))


async def _location(service: Service, wish: CollectionWish, now: CollectionEntity | None) -> str | None:
    """The VM's location, for a new collection without one; a collection for copies must say where it lies."""
    if now is not None or wish.state == "absent" or wish.source is None:
        return None
    source = _arm_id.parse(wish.source, "Microsoft.Compute/virtualMachines", "source")
    if source.type.lower() != "microsoft.compute/virtualmachines":
        raise InvalidInput("location: is needed where the source is another collection.")
    return (await service.vm(str(source))).location


async def _apply_collection(
    run: Run, service: Service, wish: CollectionWish, now: CollectionEntity | None, location: str
) -> CollectionEntity | None:
    home = _arm_id.parse(run.subject.id)

    async def read() -> CollectionEntity | None:
        return await service.collection(home)

    for action in run.plan.writes:
        if isinstance(action, CreateResource):

            def made(found: CollectionEntity | None) -> bool:
                state = (found.properties.provisioningState or "Succeeded").lower() if found else ""
                return found is not None and place(found.location) == place(location) and state == "succeeded"

            write = partial(service.put_collection, home, wish, location)
            now = await run.send(write, read, made, "creating it")
        elif isinstance(action, UpdateResource) and now is not None:
            now = await _update(run, service, action, now, read)
        elif isinstance(action, DeleteResource):
            now = await run.send(partial(service.delete, str(home)), read, _gone, "deleting it", again=True)
    return now


def _gone(found: CollectionEntity | None) -> bool:
    return found is None


async def _update(
    run: Run,
    service: Service,
    action: OnResource,
    now: CollectionEntity,
    read: t.Callable[[], t.Awaitable[CollectionEntity | None]],
) -> CollectionEntity | None:
    def shown(found: CollectionEntity | None) -> bool:
        if found is None:
            return False
        values = {"tags": found.tags or {}, "instant_access": bool(found.properties.instantAccess)}
        return all(values[name] == change["after"] for name, change in action.fields.items())

    home = _arm_id.parse(run.subject.id)
    return await run.send(lambda: service.patch_collection(home, now, action.fields), read, shown, "updating it")
