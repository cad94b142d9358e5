# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What something new would be made of: read only where there is something to make, for it may be gone since.

The right to make restore points is not the right to read VMs, disks and other collections: what may not be read is a
warning, and the service judges it.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._arm.ids import ArmId
from .._core.errors import Forbidden, InvalidInput, NotFound
from .._core.model import Obstacle
from .._engine.resource_run import Run
from .._providers.compute.entities import CollectionEntity, Disk, DiskEntity, PointEntity, VmEntity
from .._providers.compute.preflight import obstacles
from .._restore_points.client import Service
from .._restore_points.copies import refuse_copies, refuse_elsewhere, refuse_source
from .._restore_points.planner import PLACE, disk_names
from .._restore_points.specs import VMS, CollectionWish, PointWish, disk_id, source_of, source_point


@dataclass
class Surroundings:
    """What a new point is made with (`fields`), the VM where it may be read, and what stands in the way."""

    fields: dict[str, t.Any] = field(default_factory=dict)
    vm: VmEntity | None = None
    obstacles: tuple[Obstacle, ...] = ()


async def where(service: Service, wish: CollectionWish, run: Run) -> str | None:
    """Where a new collection lies: at its VM, unless told otherwise; one for copies must say where."""
    if wish.source is None:
        return wish.location
    source = source_of(wish.source)
    try:
        if source.type.lower() == VMS.lower():
            vm = await _vm(service, source, run)
            return wish.location or vm.location
        if wish.location is None:
            raise InvalidInput(
                "location: is needed where the source is another collection.",
                remedy="Name the region that the copies go to.",
            )
        origin = await service.collection(source)
    except Forbidden as problem:
        if wish.location is None:
            problem.remedy = "Set location, or ask for the right to read the VM."
            raise
        run.warnings.append(f"{run.subject}: its source may not be read, so nothing could be checked beforehand.")
        return wish.location
    refuse_copies(run.subject, source, origin, wish.location)
    return wish.location


async def _vm(service: Service, vm: ArmId | str, run: Run) -> VmEntity:
    found = await service.vm(vm)
    if found is None:
        raise NotFound(
            f"its source VM {vm} does not exist, or is hidden.",
            subject=str(run.subject),
            remedy="Check its id; points that were made of it stay.",
        )
    return found


def kept_fields(wish: PointWish, collection: CollectionEntity) -> dict[str, t.Any]:
    """What of the wish an existing point is held against; nothing but the collection is needed for it."""
    told: dict[str, t.Any] = {"instant_access_duration": wish.instant_access_duration}
    if wish.source_restore_point is not None:
        told["source_restore_point"] = source_point(wish.source_restore_point, collection.source_id)
    return told


async def surroundings(service: Service, wish: PointWish, collection: CollectionEntity, run: Run) -> Surroundings:
    """What a new point in the collection would be made of."""
    around = Surroundings(kept_fields(wish, collection))
    if wish.source_restore_point is not None:
        await _copied(service, around.fields["source_restore_point"], collection, run)
        return around
    around.fields["consistency"] = wish.consistency
    try:
        around.vm = await _vm(service, collection.source_path, run)
    except Forbidden as problem:
        _unread(wish, around, problem, run)
        run.warnings.append(f"{run.subject}: its VM may not be read, so nothing could be checked beforehand.")
        return around
    excluded = _excluded(wish, around.vm, run)
    around.fields["exclude_disks"] = excluded or None
    around.fields["encryption_sets"] = _encryption(wish, around.vm, excluded, run) or None
    kept = [disk for disk in around.vm.disks if disk.managed_id not in excluded]
    disks = await _disks_of(service, kept, run)
    around.obstacles = obstacles(around.vm, disks, (), disks_in=kept, crash=wish.consistency == "crash")
    return around


async def _copied(service: Service, source: str, collection: CollectionEntity, run: Run) -> None:
    """The point to be copied lies where it must, is there and was made; whose turn it is the service knows better."""
    refuse_elsewhere(run.subject, source, collection)
    origin: CollectionEntity | None = None
    point: PointEntity | None = None
    try:
        origin = await service.collection(collection.source_path)
        point = await service.point(source) if origin is not None else None
    except Forbidden:
        run.warnings.append(f"{run.subject}: its source may not be read, so nothing could be checked beforehand.")
        return
    refuse_source(run.subject, source, origin, point, collection)


def _unread(wish: PointWish, around: Surroundings, problem: Forbidden, run: Run) -> None:
    """Without the VM its disks can be named by id, and by place where they are to be encrypted; each once."""
    named = [name.strip() for name in wish.exclude_disks or []]
    places = [(each.disk.strip().lower(), each) for each in wish.encryption_sets or []]
    unknown = [name for name in named if not name.startswith("/")]
    unknown += [each.disk for place, each in places if not PLACE.fullmatch(place)]
    if unknown:
        problem.remedy = (
            f"To find {', '.join(unknown)} the VM must be read: ask for that right, or write exclude_disks as ids and "
            "encryption_sets by place (os, lun0)."
        )
        raise problem
    excluded: list[str] = []
    for name in named:
        excluded.append(_new(disk_id(name), excluded, f"exclude_disks: {name[:200]}", run))
    sets: dict[str, dict[str, str]] = {}
    for place, each in places:
        lun = place if place == "os" else f"lun{int(place.removeprefix('lun'))}"
        told = {"place": lun, "id": each.id, "type": each.type}
        sets[_new(lun, sets, f"encryption_sets: {each.disk.strip()}", run)] = told
    around.fields["exclude_disks"] = sorted(excluded) or None
    around.fields["encryption_sets"] = [sets[place] for place in sorted(sets)] or None


def _new(disk: str, known: t.Container[str], given: str, run: Run) -> str:
    """The disk, which is not among those that are known yet."""
    if disk in known:
        raise InvalidInput(f"{given} is named twice.", subject=str(run.subject))
    return disk


async def _disks_of(service: Service, kept: t.Sequence[Disk], run: Run) -> dict[str, DiskEntity]:
    """What can be seen of the disks."""
    disks: dict[str, DiskEntity] = {}
    try:
        for disk in kept:
            if disk.managed_id and (entity := await service.disk(disk.managed_id)):
                disks[disk.managed_id] = entity
    except Forbidden:
        run.warnings.append(f"{run.subject}: its VM's disks may not be read, so their kinds were not checked.")
    return disks


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


def _excluded(wish: PointWish, vm: VmEntity, run: Run) -> list[str]:
    """The ids of the disks that the point leaves out: each once, and not all there are."""
    found: list[str] = []
    for name in wish.exclude_disks or []:
        disk = _disk("exclude_disks", name, vm, run)
        if disk.managed_id in found:
            raise InvalidInput(f"exclude_disks: {disk.place} is named twice ({name[:100]}).", subject=str(run.subject))
        found.append(disk.managed_id)
    if found and len(found) == len(vm.disks):
        raise InvalidInput(f"exclude_disks: names all disks of {vm.name}.", subject=str(run.subject))
    return sorted(found)


def _disk(option: str, given: str, vm: VmEntity, run: Run) -> Disk:
    """A disk of the VM by id, by name, or by LUN (`0`, `lun0`); the OS disk also as `os`."""
    wanted = given.strip().lower()
    for disk in vm.disks:
        if not wanted or wanted not in disk_names(disk):
            continue
        if not disk.managed_id:
            raise InvalidInput(
                f"{option}: {given[:100]!r} is an unmanaged disk, which a point can neither hold nor leave out.",
                subject=str(run.subject),
                remedy="Convert it to a managed disk.",
            )
        return disk
    known = ", ".join(f"{disk.place} ({disk.name})" for disk in vm.disks)
    raise InvalidInput(f"{option}: {given[:100]!r} is no disk of {vm.name}; it has {known}.", subject=str(run.subject))
