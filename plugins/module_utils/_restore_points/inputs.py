# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What something new would be made of: read only where there is something to make, for it may be gone since.

The right to make restore points is not the right to read VMs, disks and other collections: what may not be read is a
warning, and the service judges it.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime

from .._arm.ids import ArmId
from .._core.errors import Forbidden, InvalidInput, NotFound
from .._core.model import Obstacle
from .._providers.compute.cautions import hourly, keys_not_kept, of_new_point
from .._providers.compute.disk_entities import DiskEntity
from .._providers.compute.entities import CollectionEntity, PointEntity
from .._providers.compute.preflight import obstacles
from .._providers.compute.vm_entities import Disk, VmEntity
from .client import RestorePointClient
from .copies import refuse_copies, refuse_elsewhere, refuse_second, refuse_source
from .drift import disk_names
from .specs import CollectionSpec, PointSpec, disk_id, is_vm, source_of, source_point


@dataclass
class PointInputs:
    """What a new point is made with (`fields`), the VM where it may be read, and what stands in the way."""

    fields: dict[str, t.Any] = field(default_factory=dict)
    vm: VmEntity | None = None
    obstacles: tuple[Obstacle, ...] = ()
    warnings: list[str] = field(default_factory=list)


async def resolve_location(client: RestorePointClient, spec: CollectionSpec, warnings: list[str]) -> str | None:
    """Where a new collection lies: in its VM's region unless the spec names one; for copies it must."""
    if spec.source is None:
        return spec.location
    source = source_of(spec.source)
    try:
        if is_vm(source):
            vm = await _vm(client, source)
            return spec.location or vm.location
        if spec.location is None:
            raise InvalidInput(
                "location: is needed where the source is another collection.",
                remedy="Name the region that the copies go to.",
            )
        origin = await client.collection(source)
    except Forbidden as problem:
        if spec.location is None:
            problem.remedy = "Set location, or ask for the right to read the VM."
            raise
        warnings.append("its source may not be read, so nothing could be checked beforehand.")
        return spec.location
    refuse_copies(source, origin, spec.location)
    return spec.location


async def _vm(client: RestorePointClient, vm: ArmId | str) -> VmEntity:
    found = await client.vm(vm)
    if found is None:
        raise NotFound(
            f"its source VM {vm} does not exist, or is hidden.",
            remedy="Check its id; points that were made of it stay.",
        )
    return found


def comparable_fields(spec: PointSpec, collection: CollectionEntity) -> dict[str, t.Any]:
    """What of the spec an existing point is held against; nothing but the collection is needed for it."""
    fields: dict[str, t.Any] = {"instant_access_duration": spec.instant_access_duration}
    if spec.source_restore_point is not None:
        fields["source_restore_point"] = source_point(spec.source_restore_point, collection.source_id)
    return fields


async def read_inputs(
    client: RestorePointClient, spec: PointSpec, collection: CollectionEntity, now: datetime | None
) -> PointInputs:
    """What a new point in the collection would be made of; `now` is the service's time, where it tells."""
    inputs = PointInputs(comparable_fields(spec, collection))
    if spec.source_restore_point is not None:
        await _check_source(client, spec, inputs, collection)
        return inputs
    inputs.fields["consistency"] = spec.consistency
    if spec.instant_access_duration is not None and not collection.properties.instantAccess:
        inputs.warnings.append("its collection has no instant access, which restore_point_collection sets.")
    try:
        inputs.vm = await _vm(client, collection.source_path)
    except Forbidden as problem:
        _unread(spec, inputs, problem)
        inputs.warnings.append("its VM may not be read, so nothing could be checked beforehand.")
        return inputs
    excluded = _excluded(spec, inputs.vm)
    inputs.fields["exclude_disks"] = excluded or None
    inputs.fields["encryption_sets"] = _encryption(spec, inputs.vm, excluded) or None
    kept = [disk for disk in inputs.vm.disks if disk.managed_id not in excluded]
    disks = await _disks_of(client, kept, inputs)
    crash = spec.consistency == "crash"
    inputs.obstacles = obstacles(inputs.vm, disks, disks_in=kept, crash=crash)
    may_lack = of_new_point(inputs.vm, kept, crash=crash)
    may_lack += keys_not_kept(kept, disks, [each["disk"] for each in inputs.fields["encryption_sets"] or []])
    if now is not None and (many := hourly(inputs.vm, collection.points, now, crash=crash)):
        may_lack.append(many)
    inputs.warnings += [f"the VM {inputs.vm.name}: {text}" for text in may_lack]
    return inputs


async def source_vm(client: RestorePointClient, collection: CollectionEntity) -> VmEntity | None:
    """The VM of a collection, which may be gone or hidden."""
    try:
        return await client.vm(collection.source_path)
    except Forbidden:
        return None


async def _check_source(
    client: RestorePointClient, spec: PointSpec, inputs: PointInputs, collection: CollectionEntity
) -> None:
    """The point to be copied lies where it must, is there and was made; whose turn it is the service knows better."""
    source = inputs.fields["source_restore_point"]
    refuse_elsewhere(source, collection)
    origin: CollectionEntity | None = None
    point: PointEntity | None = None
    try:
        origin = await client.collection(collection.source_path)
        point = await client.point(source) if origin is not None else None
    except Forbidden:
        inputs.warnings.append("its source may not be read, so nothing could be checked beforehand.")
    else:
        refuse_source(source, origin, point, collection)
    refuse_second(source, collection, spec.name)


def _unread(spec: PointSpec, inputs: PointInputs, problem: Forbidden) -> None:
    """Without the VM its disks can be named by id, and the OS disk as `os` where it is to be encrypted; each once."""
    named = [name.strip() for name in spec.exclude_disks or []]
    places = [(each.disk.strip().lower(), each) for each in spec.encryption_sets or []]
    unknown = [name for name in named if not name.startswith("/")]
    unknown += [each.disk for place, each in places if place != "os" and not place.startswith("/")]
    if unknown:
        problem.remedy = (
            f"To find {', '.join(unknown)} the VM must be read: ask for that right, or write the disks' ids (in "
            "encryption_sets also os)."
        )
        raise problem
    excluded: list[str] = []
    for name in named:
        excluded.append(_new(disk_id(name), excluded, f"exclude_disks: {name[:200]}"))
    sets: dict[str, dict[str, str]] = {}
    for place, each in places:
        disk = place if place == "os" else disk_id(each.disk.strip(), "encryption_sets")
        entry = {"disk": disk, "id": each.id, "type": each.type}
        sets[_new(disk, sets, f"encryption_sets: {each.disk.strip()[:200]}")] = entry
    inputs.fields["exclude_disks"] = sorted(excluded) or None
    inputs.fields["encryption_sets"] = [sets[place] for place in sorted(sets)] or None


def _new(disk: str, known: t.Container[str], given: str) -> str:
    """The disk, which is not among those that are known yet."""
    if disk in known:
        raise InvalidInput(f"{given} is named twice.")
    return disk


async def _disks_of(client: RestorePointClient, kept: t.Sequence[Disk], inputs: PointInputs) -> dict[str, DiskEntity]:
    """What can be seen of the disks."""
    disks: dict[str, DiskEntity] = {}
    try:
        for disk in kept:
            if disk.managed_id and (entity := await client.disk(disk.managed_id)):
                disks[disk.managed_id] = entity
    except Forbidden:
        inputs.warnings.append("its VM's disks may not be read, so their kinds were not checked.")
    return disks


def _encryption(spec: PointSpec, vm: VmEntity, excluded: t.Sequence[str]) -> list[dict[str, str]]:
    """The encryption sets by the disks' ids (and `os`); each disk once, and only what the point holds."""
    found: dict[str, dict[str, str]] = {}
    for each in spec.encryption_sets or []:
        disk = _disk("encryption_sets", each.disk, vm)
        if disk.slot in found or disk.managed_id in excluded:
            why = "is named twice" if disk.slot in found else "is excluded"
            raise InvalidInput(f"encryption_sets: {each.disk} {why}.")
        name = disk.slot if disk.lun is None else disk.managed_id
        found[disk.slot] = {"disk": name, "id": each.id, "type": each.type}
    return sorted(found.values(), key=lambda each: each["disk"])


def _excluded(spec: PointSpec, vm: VmEntity) -> list[str]:
    """The ids of the disks that the point leaves out: each once, and not all there are."""
    found: list[str] = []
    for name in spec.exclude_disks or []:
        disk = _disk("exclude_disks", name, vm)
        if disk.managed_id in found:
            raise InvalidInput(f"exclude_disks: {disk.slot} is named twice ({name[:100]}).")
        found.append(disk.managed_id)
    if found and len(found) == len(vm.disks):
        raise InvalidInput(f"exclude_disks: names all disks of {vm.name}.")
    return sorted(found)


def _disk(option: str, given: str, vm: VmEntity) -> Disk:
    """A disk of the VM by id, by name, or by LUN (`0`, `lun0`); the OS disk also as `os`."""
    wanted = given.strip().lower()
    for disk in vm.disks:
        if wanted not in disk_names(disk):
            continue
        if not disk.managed_id:
            raise InvalidInput(
                f"{option}: {given[:100]!r} is an unmanaged disk, which a point can neither hold nor leave out.",
                remedy="Convert it to a managed disk.",
            )
        return disk
    known = ", ".join(f"{disk.slot} ({disk.name})" for disk in vm.disks)
    raise InvalidInput(f"{option}: {given[:100]!r} is no disk of {vm.name}; it has {known}.")
