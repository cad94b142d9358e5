# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What `restore_point` does, without Ansible: a point or a copy is present or absent, waited for to the truth."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from functools import partial

from .. import _arm_id
from .._arm_id import ArmId
from .._deps import anyio
from .._errors import CheckpointError, Downgraded, Forbidden, InvalidInput, Locked, NotFound, OperationFailed
from .._manner import approval_of, manner_of
from .._model import Obstacle
from .._operation import Deadline, Operation, Status, wait
from .._plan import Approval, CreateResource, DeleteResource
from .._providers import Providers, World
from .._providers.compute_entities import CollectionEntity, Disk, DiskEntity, PointEntity, VmEntity
from .._providers.compute_preflight import obstacles, of_locks
from .._secrets import Secrets
from .._wish import check
from . import shapes
from .plan import Resource, is_downgrade, plan_point
from .service import Service
from .tasks import Run
from .wishes import CRASH, ENCRYPTION, INSTANT_ACCESS, PointWish, collection_id, needs

Params = t.Mapping[str, t.Any]


@dataclass
class Surroundings:
    """What a new point depends on: its collection, the source VM and its disks by place."""

    collection: CollectionEntity
    vm: VmEntity | None = None
    fields: dict[str, t.Any] = field(default_factory=dict)
    obstacles: tuple[Obstacle, ...] = ()


async def restore_point(params: Params, check_only: bool, world: World, secrets: Secrets) -> dict[str, t.Any]:
    """A restore point is present or absent."""
    wish = check(PointWish, {name: params.get(name) for name in PointWish.model_fields})
    manner = manner_of(params)
    approval = approval_of(params)
    pace = manner.pace(Deadline(manner.wait_timeout.total_seconds()))
    async with Providers(params, world, pace.deadline, secrets) as providers:
        arm, settings = await providers.arm()
        _gates(wish, settings.compute_api_version)
        home = collection_id(settings.subscription_id, wish.resource_group, wish.collection)
        point_id = f"{home}/restorePoints/{wish.name}"
        subject = Resource(wish.name, f"restore point {wish.name}", point_id, point_id.lower(), "compute", arm.base)
        run = Run(subject, pace)
        service = Service(arm, settings)
        around = await _around(service, wish, home, run)
        now = None if around is None else await service.point(point_id)
        if now is not None and now.state in ("creating", "updating", "deleting") and manner.wait:
            now = await _settle(run, service, now)
        found = around or Surroundings(CollectionEntity.model_construct())
        count = len(found.collection.properties.restorePoints or []) if around else 0
        run.plan = plan_point(wish, subject, now, found.vm, found.obstacles, found.fields, count)
        if approval is not None:
            approval.check([run.plan])
        if not check_only:
            try:
                now = await _carry_out(run, service, wish, now, found, approval)
                if wish.state == "present" and now is not None and manner.wait:
                    now = await _whole(run, service, wish, now)
            except CheckpointError as problem:
                return run.failed(problem, restore_point=_shown(now, wish))
    return run.result(check_only=check_only, restore_point=_shown(now, wish))


def _gates(wish: PointWish, api_version: str) -> None:
    if wish.instant_access_duration is not None:
        needs(api_version, INSTANT_ACCESS, "instant_access_duration")
    if wish.encryption_sets:
        needs(api_version, ENCRYPTION, "encryption_sets")
    if wish.consistency == "crash":
        needs(api_version, CRASH, "consistency")


async def _around(service: Service, wish: PointWish, home: ArmId, run: Run) -> Surroundings | None:
    """The collection and what a new point in it would be made of; None where absent is asked for and it is missing."""
    collection = await service.collection(home)
    if collection is None:
        if wish.state == "absent":
            return None
        raise NotFound(
            f"its collection {home} does not exist.",
            subject=str(run.subject),
            remedy="Make it first, with restore_point_collection.",
        )
    around = Surroundings(collection, obstacles=tuple(of_locks(await service.locks(home))))
    if wish.state == "absent":
        return around
    source = (collection.properties.source.id or "") if collection.properties.source else ""
    is_copy = "/restorepointcollections/" in source.lower()
    if is_copy != (wish.source_restore_point is not None):
        why = (
            "needs source_restore_point: its source is another collection"
            if is_copy
            else "takes no copies; leave out source_restore_point"
        )
        raise InvalidInput(f"collection {home.name} {why}.", subject=str(run.subject))
    if is_copy:
        around.fields["source_restore_point"] = _source_point(wish.source_restore_point or "", source)
        return around
    try:
        around.vm = await service.vm("/" + source.lstrip("/"))
    except Forbidden:
        # Who may make restore points need not be allowed to read the VM; what cannot be looked at cannot be named
        # either.
        if wish.exclude_disks or wish.encryption_sets:
            raise
        run.warnings.append(f"{run.subject}: its VM may not be read, so nothing could be checked beforehand.")
        around.fields |= {"consistency": wish.consistency, "instant_access_duration": wish.instant_access_duration}
        return around
    excluded = [_disk("exclude_disks", name, around.vm, run).managed_id for name in wish.exclude_disks or []]
    around.fields["encryption_sets"] = _encryption(wish, around.vm, excluded, run) or None
    around.fields |= {"exclude_disks": excluded or None, "consistency": wish.consistency}
    around.fields["instant_access_duration"] = wish.instant_access_duration
    kept = [disk for disk in around.vm.disks if disk.managed_id not in excluded]
    disks = await _disks_of(service, kept, run)
    crash = wish.consistency == "crash"
    around.obstacles = (*around.obstacles, *obstacles(around.vm, disks, (), disks_in=kept, crash=crash))
    return around


async def _disks_of(service: Service, kept: t.Sequence[Disk], run: Run) -> dict[str, DiskEntity]:
    """What can be seen of the disks; the right to make points is not the right to read disks."""
    disks: dict[str, DiskEntity] = {}
    try:
        for disk in kept:
            if disk.managed_id and (entity := await service.disk(disk.managed_id)):
                disks[disk.managed_id] = entity
    except Forbidden:
        run.warnings.append(f"{run.subject}: its VM's disks may not be read, so their kinds were not checked.")
    return disks


def _source_point(given: str, collection: str) -> str:
    return (
        given
        if given.startswith("/")
        else f"/{collection.lstrip('/')}/restorePoints/{_arm_id.name(given, 'source_restore_point')}"
    )


def _encryption(wish: PointWish, vm: VmEntity, excluded: t.Sequence[str], run: Run) -> list[dict[str, str]]:
    """The encryption sets by the disks' places; each disk once, and only what the point holds."""
    found: dict[str, dict[str, str]] = {}
    for each in wish.encryption_sets or []:
        disk = _disk("encryption_sets", each.disk, vm, run)
        if disk.place in found or disk.managed_id in excluded:
            why = "is named twice" if disk.place in found else "is excluded"
            raise InvalidInput(f"encryption_sets: {each.disk} {why}.", subject=str(run.subject))
        found[disk.place] = {"place": disk.place, "id": each.id, "type": each.type}
    return [found[place] for place in sorted(found)]


def _disk(option: str, given: str, vm: VmEntity, run: Run) -> Disk:
    """A disk of the VM by id, by name, or by LUN (`0`, `lun0`); the OS disk also as `os`."""
    wanted = given.strip().lower()
    for disk in vm.disks:
        lun = None if disk.lun is None else str(disk.lun)
        names = (disk.managed_id, (disk.name or "").lower(), disk.place, lun)
        if wanted and wanted in names and disk.managed_id:
            return disk
    known = ", ".join(f"{disk.place} ({disk.name})" for disk in vm.disks)
    raise InvalidInput(f"{option}: {given[:100]!r} is no disk of {vm.name}; it has {known}.", subject=str(run.subject))


async def _carry_out(
    run: Run,
    service: Service,
    wish: PointWish,
    now: PointEntity | None,
    around: Surroundings,
    approval: Approval | None,
) -> PointEntity | None:
    """Do what the plan says; after a lock (one create at a time per VM) wait, read and plan again."""
    pause = run.pace.poll_interval
    while True:
        try:
            return await _apply(run, service, wish, now, around)
        except Locked:
            if not await run.pace.deadline.sleep(pause) or run.pace.deadline.remaining() < min(1.0, pause):
                raise
            pause = min(pause * 2, max(60.0, run.pace.poll_interval))
        now = await service.point(run.subject.id)
        count = len(around.collection.properties.restorePoints or [])
        run.plan = plan_point(wish, run.subject, now, around.vm, around.obstacles, around.fields, count)
        if approval is not None:
            approval.check([run.plan], part=True)


async def _apply(
    run: Run, service: Service, wish: PointWish, now: PointEntity | None, around: Surroundings
) -> PointEntity | None:
    point_id = run.subject.id

    async def read() -> PointEntity | None:
        return await service.point(point_id)

    for action in run.plan.writes:
        if isinstance(action, DeleteResource):
            delete = partial(service.delete, point_id)
            now = await run.send(delete, read, lambda found: found is None, "deleting it", again=True)
        elif isinstance(action, CreateResource):
            now = await run.send(
                lambda: service.put_point(point_id, wish, around.fields),
                read,
                lambda found: found is not None,
                "creating it",
                wait=run.pace.wait,
            )
    return now


async def _settle(run: Run, service: Service, now: PointEntity) -> PointEntity | None:
    """A point that is still being made, or still going, by somebody else or an earlier run: its state is joined."""
    operation = _state_operation(
        service, run.subject.id, now, lambda point: point.state not in ("creating", "updating", "deleting")
    )
    run.operation = operation
    await wait(
        operation, run.pace.deadline, run.pace.poll_interval, subject=str(run.subject), doing=f"{now.state} of it"
    )
    return await service.point(run.subject.id)


async def _whole(run: Run, service: Service, wish: PointWish, now: PointEntity) -> PointEntity:
    """Until Succeeded, and for a copy until every disk has arrived; then what was achieved is held against the wish."""

    def whole(point: PointEntity) -> bool:
        return point.failed or shapes.usable(point) is True

    if not whole(now):
        operation = _state_operation(service, run.subject.id, now, whole)
        run.operation = operation
        doing = "copying it" if wish.source_restore_point else "making it"
        await wait(operation, run.pace.deadline, run.pace.poll_interval, subject=str(run.subject), doing=doing)
        now = await service.point(run.subject.id) or now
    if now.failed:
        raise OperationFailed(
            f"it was made, and {'it' if now.state == 'failed' else 'the copying of its disks'} failed{_why(now)}.",
            subject=str(run.subject),
            remedy="Run the task again: a failed point is removed and made again.",
        )
    achieved = now.properties.consistencyMode or ""
    if is_downgrade(wish, achieved):
        if wish.on_downgrade == "fail":
            raise Downgraded(
                f"application consistency was asked for, and {achieved} came. The restore point is kept.",
                subject=str(run.subject),
                remedy="Check the VM's agent, or set on_downgrade: warn.",
            )
        run.warnings.append(f"{run.subject}: application consistency was asked for, and {achieved} came.")
    return now


def _state_operation(
    service: Service, point_id: str, now: PointEntity, done: t.Callable[[PointEntity], bool]
) -> Operation:
    """A point's own state, and a copy's percent, as an operation to wait for."""

    async def poll() -> Status:
        point = await service.point(point_id)
        if point is None:
            return Status("unknown", "gone")
        return Status("succeeded" if done(point) else "running", point.state, percent=shapes.percent(point))

    return Operation("restore point", now.name, poll, anyio.current_time())


def _why(point: PointEntity) -> str:
    details = point.properties.provisioningDetails
    return f" ({details.statusMessage})" if details and details.statusMessage else ""


def _shown(now: PointEntity | None, wish: PointWish) -> dict[str, t.Any] | None:
    return None if now is None else shapes.point(now, wish.consistency)
