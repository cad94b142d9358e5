# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `restore_point` does, without Ansible: a point or a copy is present or absent, waited for to the truth."""

from __future__ import annotations

import typing as t
from functools import partial

from .._arm.ids import ArmId
from .._core.errors import CheckpointError, Downgraded, InvalidInput, NotFound, NotVerified, OperationFailed
from .._core.operation import Deadline, Operation, Status
from .._core.plan import Action, CreateResource, DeleteResource, Plan
from .._core.redaction import Redactor
from .._core.spec import validate_options
from .._deps import anyio
from .._engine.resource_run import Run, watched
from .._engine.resource_task import ResourceTask
from .._engine.run_options import approval_of, manner_of
from .._providers import Providers, World
from .._providers.compute.entities import CollectionEntity, PointEntity
from .._providers.compute.preflight import of_locks
from .._restore_points import results as shapes
from .._restore_points.client import Service
from .._restore_points.copies import takes_copies
from .._restore_points.planner import Resource, drift, how_failed, is_downgrade, is_on_its_way, is_there, plan_point
from .._restore_points.specs import PointWish, collection_id, require_point_api
from .restore_point_inputs import Surroundings, kept_fields, surroundings

Params = t.Mapping[str, t.Any]


async def restore_point(params: Params, check_only: bool, world: World, redactor: Redactor) -> dict[str, t.Any]:
    """A restore point is present or absent."""
    begun = anyio.current_time()
    wish = validate_options(PointWish, {name: params.get(name) for name in PointWish.model_fields})
    manner = manner_of(params)
    approval = approval_of(params)
    pace = manner.pace(Deadline(manner.wait_timeout.total_seconds()))
    async with Providers(params, world, pace.deadline, redactor) as providers:
        arm, settings = await providers.arm()
        require_point_api(wish, settings.compute_api_version)
        home = collection_id(settings.subscription_id, wish.resource_group, wish.collection)
        point_id = f"{home}/restorePoints/{wish.name}"
        subject = Resource(wish.name, f"restore point {wish.name}", point_id, point_id.lower(), "compute", arm.base)
        task = PointTask(Run(subject, pace, begun), Service(arm, settings), wish, home)
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
                await task.become_whole()
            except CheckpointError as problem:
                await task.left_by(problem)
                return run.failed(problem, restore_point=task.shown())
    return run.result(check_only=check_only, restore_point=task.shown())


class PointTask(ResourceTask[PointEntity]):
    """One restore point: `now` is how it was last read."""

    def __init__(self, run: Run, service: Service, wish: PointWish, home: ArmId) -> None:
        super().__init__(run, wish.state)
        self._service = service
        self._wish = wish
        self._home = home
        self._around = Surroundings()
        self._judged = False  # the plan has held the point against the wish

    def shown(self) -> dict[str, t.Any] | None:
        """The `restore_point` key. Of a copy no consistency is asked for: it has its source's."""
        asked = self._wish.consistency if self._wish.source_restore_point is None else None
        return None if self.now is None else shapes.point(self.now, asked)

    async def look(self) -> Plan:
        """Read and plan; nothing is written. The VM is read only where a point is to be made, for it may be gone."""
        wish, run = self._wish, self.run
        collection = await self._service.collection(self._home)
        if collection is None:
            self.now = None
            if wish.state == "absent":
                return Plan(run.subject)
            raise NotFound(
                f"its collection {self._home} does not exist.",
                subject=str(run.subject),
                remedy="Make it first, with restore_point_collection.",
            )
        self.now = await self._read()
        if wish.state == "absent" and run.went(self.now):
            return Plan(run.subject)
        self._around = Surroundings()
        if wish.state == "present":
            _fits(wish, collection, self._home, run)
            self._around.fields = kept_fields(wish, collection)
            if not is_there(self.now):
                self._around = await surroundings(self._service, wish, collection, run)
        self._judged = self.now is not None and shapes.usable(self.now) is True
        around = self._around
        locks = tuple(of_locks(await self._service.locks(self._home)))
        count = len(collection.properties.restorePoints or [])
        return plan_point(wish, run.subject, self.now, around.vm, (*locks, *around.obstacles), around.fields, count)

    def _on_its_way(self, now: PointEntity) -> Operation:
        return self._watch(now, lambda point: not is_on_its_way(point.state))

    async def do(self, action: Action, wait_for_it: bool) -> bool:
        """One step of the plan; whether the rest of it still fits."""
        if isinstance(action, DeleteResource) and self.now is not None:
            delete = partial(self._service.delete, self.run.subject.id)
            self.now = await self.run.send_delete(delete, self._read, self.now, wait=wait_for_it)
            return self.now is None or self._wish.state == "absent"
        if isinstance(action, CreateResource):
            write = partial(self._service.put_point, self.run.subject.id, self._wish, self._around.fields)
            self.now = await self.run.send(
                write, self._read, lambda found: found is not None, "creating it", wait=wait_for_it, leaves=True
            )
        return True

    async def become_whole(self) -> None:
        """Until Succeeded, and for a copy until every disk has arrived; then what was achieved is held to the wish."""
        now, run = self.now, self.run
        if now is None or self._wish.state == "absent":
            return
        if not _whole(now):
            operation = self._watch(now, _whole) if run.pace.wait or run.operation is None else run.operation
            if not run.pace.wait:
                return
            await self._end(operation, "copying it" if self._wish.source_restore_point else "making it")
            self.now = now = await self._read()
        if now is None or now.state == "deleting":
            raise NotVerified(
                f"it was there, and is {'gone again' if now is None else 'being removed'}.",
                subject=str(run.subject),
                remedy="Look at it before you run the task again.",
            )
        if now.failed:
            raise OperationFailed(
                f"it was made, and {how_failed(now)}{_why(now)}.",
                subject=str(run.subject),
                remedy="Run the task again: a failed point is removed and made again.",
            )
        if run.adopted:
            run.differs(drift(self._wish, now, self._around.fields))
        achieved = now.properties.consistencyMode or ""
        if not self._judged and is_downgrade(self._wish, achieved):
            if self._wish.on_downgrade == "fail":
                raise Downgraded(
                    f"application consistency was asked for, and {achieved} came. The restore point is kept.",
                    subject=str(run.subject),
                    remedy="Check the VM's agent, or set on_downgrade: warn.",
                )
            run.warnings.append(f"{run.subject}: application consistency was asked for, and {achieved} came.")

    async def left_by(self, problem: CheckpointError) -> None:
        """How it is after a failure, where that can still be seen: what a create has left is named, not deleted."""
        if not isinstance(problem, OperationFailed):
            return
        try:
            self.now = now = await self._read()
        except CheckpointError:
            return
        if self._wish.state == "absent":
            self.run.changed = self.run.changed and (now is None or now.state == "deleting")
        elif now is None and self.run.made_nothing():
            self.run.changed = False
        elif now is not None and now.failed and not problem.remedy.startswith("Run the task again"):
            problem.notes.append(f"It left the point behind, as {now.state}.")
            problem.remedy = "Run the task again: a failed point is removed and made again."

    async def _read(self) -> PointEntity | None:
        return await self._service.point(self.run.subject.id)

    def _watch(self, now: PointEntity, done: t.Callable[[PointEntity], bool]) -> Operation:
        """The point's own state, and a copy's percent, as the run's operation."""

        def show(point: PointEntity) -> Status:
            return Status("succeeded" if done(point) else "running", point.state, percent=shapes.percent(point))

        self.run.operation = watched("restore point", now.name, self._read, show, now)
        return self.run.operation


def _fits(wish: PointWish, collection: CollectionEntity, home: ArmId, run: Run) -> None:
    """A collection for copies takes nothing else, and a VM's collection no copies."""
    if takes_copies(collection) == (wish.source_restore_point is not None):
        return
    why = (
        "takes no copies; leave out source_restore_point"
        if wish.source_restore_point is not None
        else "needs source_restore_point: its source is another collection"
    )
    raise InvalidInput(f"collection {home.name} {why}.", subject=str(run.subject))


def _whole(point: PointEntity) -> bool:
    """Whether there is nothing left to wait for: all of it has arrived, or never will."""
    return point.failed or point.state == "deleting" or shapes.usable(point) is True


def _why(point: PointEntity) -> str:
    details = point.properties.provisioningDetails
    return f" ({details.statusMessage})" if details and details.statusMessage else ""
