# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=redundant-keyword-arg # it does not see the fields of a dataclass's base in another room
"""plan for a collection or a restore point: pure, like the planner for VMs."""

from __future__ import annotations

import re
import typing as t
from datetime import datetime

from .._core.errors import Downgraded, InvalidInput, LimitReached, Pinned
from .._core.model import Obstacle
from .._core.pins import Pin
from .._core.plan import Action, Plan, refuse_obstructed
from .._core.targets import Target
from .._providers.compute.entities import CollectionEntity, PointEntity
from .._providers.compute.fields import region_key
from .._providers.compute.pins import is_pin_tag
from .._providers.compute.usability import is_copy, percent, usability
from .._providers.compute.vm_entities import Disk, VmEntity
from .actions import CreateResource, DeleteResource, NoOp, UpdateResource
from .consistency import foreseen, is_downgrade, os_type_of
from .specs import CollectionSpec, PointSpec

Change = dict[str, t.Any]
Found = t.TypeVar("Found", CollectionEntity, PointEntity)
MAX_POINTS = 500
"""Per VM, over all its collections (support matrix); only those of the one at hand are counted here."""
_GOING = "it is being removed"
_PLACE = re.compile(r"os|(lun)?[0-9]{1,3}")


def is_in_progress(state: str) -> bool:
    """Whether something is still being done with a resource in this state."""
    return state in ("creating", "updating", "deleting")


def is_present(found: t.Optional[Found]) -> t.TypeGuard[Found]:
    """Whether it is present, or being made: nothing new is needed. A point that failed is not present."""
    if found is None or found.state == "deleting":
        return False
    return not (isinstance(found, PointEntity) and found.failed)


def how_failed(point: PointEntity) -> str:
    """In what way a point has failed."""
    return {"failed": "it failed", "canceled": "it was canceled"}.get(point.state, "the copying of its disks failed")


def plan_collection(
    spec: CollectionSpec,
    subject: Target,
    now: CollectionEntity | None,
    location: str | None,
    obstacles: t.Sequence[Obstacle] = (),
    pins: t.Mapping[str, Pin] | None = None,
) -> Plan:
    """What a collection needs. Source and location cannot be changed: a difference is an error, never a re-creation.

    `pins` are those of its points, by id in lower case: a collection does not go with what is pinned in it.
    """
    made = _plan_collection(spec, subject, now, location)
    if pins and any(isinstance(action, DeleteResource) for action in made.writes):
        listed = ", ".join(f"{each.rpartition('/')[2]} is {pin.shown()}" for each, pin in list(pins.items())[:20])
        raise Pinned(
            f"{len(pins)} of its restore points are pinned ({listed}).",
            remedy="Lift the pins first (vm_checkpoint, pin: false).",
            changed_nothing=True,
        )
    refuse_obstructed(made.writes, obstacles)
    return made


def _plan_collection(spec: CollectionSpec, subject: Target, now: CollectionEntity | None, location: str | None) -> Plan:
    if not spec.is_wanted:
        return Plan(subject, _delete_collection(spec, subject, now))
    if not is_present(now):
        if spec.source is None or location is None:
            missing = "source" if spec.source is None else "location"
            raise InvalidInput(f"{missing}: is needed to make a collection.")
        fields = {"location": location, "source": spec.source, "tags": spec.tags, "instant_access": spec.instant_access}
        reason = "it does not exist" if now is None else _GOING
        return Plan(subject, (CreateResource(subject, reason, fields=_set(fields)),))
    _immutable(spec, now)
    changes: dict[str, Change] = {}
    tags = wanted_tags(spec, now)
    if tags != (now.tags or {}):
        changes["tags"] = _change(now.tags or {}, tags)
    if spec.instant_access is not None and spec.instant_access != bool(now.properties.instantAccess):
        changes["instant_access"] = _change(bool(now.properties.instantAccess), spec.instant_access)
    if not changes:
        return Plan(subject, (NoOp(subject, _kept(now.state)),))
    reason = f"{' and '.join(sorted(changes))} {'differs' if list(changes) == ['instant_access'] else 'differ'}"
    return Plan(subject, (UpdateResource(subject, reason, fields=changes),))


def wanted_tags(spec: CollectionSpec, now: CollectionEntity) -> dict[str, str]:
    """The tags as they should be: added to those that are there, unless append_tags is false. Those of pins stay.

    Names are one in any case, and one that is there keeps its spelling.
    """
    there = dict(now.tags or {})
    if spec.tags is None:
        return there
    spelled = {tag.lower(): tag for tag in there}
    asked = {spelled.get(tag.lower(), tag): value for tag, value in spec.tags.items()}
    pins = {tag: value for tag, value in there.items() if is_pin_tag(tag)}
    return {**there, **asked} if spec.append_tags else {**pins, **asked}


def in_any_case(tags: t.Mapping[str, str] | None) -> dict[str, str]:
    """Tags for comparison: names without case, values with."""
    return {tag.lower(): value for tag, value in (tags or {}).items()}


def plan_point(
    spec: PointSpec,
    subject: Target,
    now: PointEntity | None,
    vm: VmEntity | None,
    obstacles: t.Sequence[Obstacle],
    fields: t.Mapping[str, t.Any],
    count: int,
    pin: Pin | None,
) -> Plan:
    """What a restore point needs. One that failed is not present: it goes and is made again, unless it is pinned.

    `vm` is the collection's source where that is a VM and was read, `fields` what a new point is made with, `count` how
    many points the collection holds, `pin` the one that holds the point.
    """
    if not spec.is_wanted:
        return Plan(subject, _delete_point(subject, now, obstacles, None if spec.ignore_pin else pin))
    if is_present(now):
        kept = NoOp(subject, _why_kept(now))
        differs = drift(spec, now, fields, os_type_of(now, vm))
        return Plan(subject, (kept,), _of_another(now, vm) + _drift_warnings(spec, differs), drift=differs)
    actions: list[Action] = []
    why = "it does not exist"
    if now is not None:
        why = _GOING if now.state == "deleting" else how_failed(now)
    if now is not None and now.state != "deleting":
        _refuse_pinned(pin, why)
        actions.append(DeleteResource(subject, why, created=_created(now)))
    actions.append(CreateResource(subject, why, fields=_set(fields)))
    refuse_obstructed(actions, obstacles)
    if count + (now is None) > MAX_POINTS:
        raise LimitReached(
            f"its collection holds {count} restore points, and a VM may have {MAX_POINTS}.",
            remedy="Remove some first.",
            changed_nothing=True,
        )
    return Plan(subject, tuple(actions), foreseen(spec, vm) if vm is not None else ())


def _of_another(now: PointEntity, vm: VmEntity | None) -> tuple[str, ...]:
    """That a point which is there by its name is no way back for the VM that there is now."""
    if vm is None or not now.is_of_another(vm):
        return ()
    return (f"it is of another VM that had the name {vm.name}; a point of the VM that has it now needs another name.",)


def _drift_warnings(spec: PointSpec, differs: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[str, ...]:
    """What an existing point is not that the spec asks for. Nothing can change it: that is a warning, or refused."""
    achieved = [each["actual"] for each in differs if each["field"] == "consistency"]
    if spec.on_downgrade == "fail" and achieved:
        raise Downgraded(
            f"application consistency is asked for, and it is {achieved[0]}. The restore point is kept.",
            remedy="Remove it to have it made anew, or set consistency: crash or on_downgrade: warn.",
        )
    if not differs:
        return ()
    named = ", ".join(str(each["field"]) for each in differs)
    return (f"{named} is not as asked for, and a point cannot be changed; see drift.",)


def _delete_point(
    subject: Target, now: PointEntity | None, obstacles: t.Sequence[Obstacle], pin: Pin | None
) -> tuple[Action, ...]:
    if now is None:
        return ()
    if now.state == "deleting":
        return (NoOp(subject, _GOING),)
    _refuse_pinned(pin, "state is absent")
    gone = DeleteResource(subject, "state is absent", created=_created(now))
    refuse_obstructed([gone], obstacles)
    return (gone,)


def _refuse_pinned(pin: Pin | None, why: str) -> None:
    if pin is not None:
        raise Pinned(
            f"it is {pin.shown()}, so it is not removed ({why}).",
            remedy="Lift the pin with vm_checkpoint, pin: false; or set state: absent and ignore_pin: true.",
            changed_nothing=True,
        )


def _delete_collection(spec: CollectionSpec, subject: Target, now: CollectionEntity | None) -> tuple[Action, ...]:
    if now is None:
        return ()
    if now.state == "deleting":
        return (NoOp(subject, _GOING),)
    names = [point.name for point in now.points]
    if names and not spec.force:
        points = "1 restore point" if len(names) == 1 else f"{len(names)} restore points"
        raise InvalidInput(
            f"it holds {points} ({', '.join(names[:20])}), which would go with it.",
            remedy="Remove them first, or set force: true.",
            changed_nothing=True,
        )
    # Under `after`, so that an approval covers them: a point that has come since was not approved to go.
    fields = {"restore_points_that_go": _change(None, sorted(names))} if names else {}
    return (DeleteResource(subject, "state is absent", fields=fields, created=_created(*now.points)),)


def _created(*points: PointEntity) -> tuple[datetime, ...]:
    return tuple(sorted(point.created for point in points if point.created is not None))


def _kept(state: str) -> str:
    return {"creating": "it is being made", "updating": "it is being changed"}.get(state, "it exists")


def _why_kept(now: PointEntity) -> str:
    """Why an existing point is enough; that of a copy tells how far it is."""
    if is_copy(now) and usability(now) != "usable":
        done = percent(now)
        return "it is being copied" if done is None else f"it is being copied, {done} % so far"
    return _kept(now.state)


def _immutable(spec: CollectionSpec, now: CollectionEntity) -> None:
    differs = []
    if spec.source is not None and not now.is_of(spec.source):
        differs.append(f"source is {now.source_id}")
    if spec.location is not None and region_key(spec.location) != region_key(now.location):
        differs.append(f"location is {now.location}")
    if differs:
        raise InvalidInput(
            f"its {' and its '.join(differs)}, and that cannot be changed.",
            remedy="Use another name, or remove the collection first.",
            changed_nothing=True,
        )


def drift(
    spec: PointSpec, now: PointEntity, fields: t.Mapping[str, t.Any], os_type: str = ""
) -> tuple[dict[str, t.Any], ...]:
    """What an existing point has otherwise; nothing of it can be changed. `os_type` as in is_downgrade."""
    found: list[dict[str, t.Any]] = []
    if spec.exclude_disks is not None and not _leaves_out(now, spec.exclude_disks):
        excluded = sorted((ref.id or "").lower() for ref in now.properties.excludeDisks or [])
        wanted = sorted(disk.strip().lower() for disk in spec.exclude_disks)
        found.append({"field": "exclude_disks", "desired": wanted, "actual": excluded})
    for name, actual in (
        ("source_restore_point", now.properties.sourceRestorePoint.id if now.properties.sourceRestorePoint else None),
        ("instant_access_duration", now.properties.instantAccessDurationMinutes),
    ):
        wanted_value = fields.get(name)
        if wanted_value is not None and (actual is None or _spelled(name, wanted_value) != _spelled(name, actual)):
            found.append({"field": name, "desired": wanted_value, "actual": actual})
    achieved = now.properties.consistencyMode
    if now.state == "succeeded" and is_downgrade(spec, achieved, os_type):
        found.append({"field": "consistency", "desired": spec.consistency, "actual": achieved})
    return tuple(found)


def _leaves_out(now: PointEntity, disks: t.Sequence[str]) -> bool:
    """Whether a point leaves out just these. It tells the ids of those it leaves out, and the places of all others."""
    wanted = {_disk_spelled(disk) for disk in disks}
    if any(wanted & disk_names(disk) for disk in now.disks):
        return False
    left_out = {_disk_spelled(ref.id or "") for ref in now.properties.excludeDisks or []}
    extra = {disk for disk in left_out if disk not in wanted and disk.rpartition("/")[2] not in wanted}
    others = wanted - left_out - {disk.rpartition("/")[2] for disk in left_out}
    # What else is wanted can only be places, which are not shown for disks that were left out.
    if others and not (left_out and all(_PLACE.fullmatch(other) for other in others)):
        return False
    return len(extra) <= len(others)


def _disk_spelled(given: str) -> str:
    """A disk's id, name or place for comparison."""
    bare = given.strip().lower()
    return f"/{bare.strip('/')}" if "/" in bare else bare


def disk_names(disk: Disk) -> set[str]:
    """What a disk may be called in an option: its id, its name, its place, its LUN."""
    names = {disk.managed_id, (disk.name or "").lower(), disk.slot, "" if disk.lun is None else str(disk.lun)}
    return names - {""}


def _set(fields: t.Mapping[str, t.Any]) -> dict[str, Change]:
    """What the user set of something new."""
    return {name: _change(None, _spelled(name, value)) for name, value in fields.items() if value is not None}


def _spelled(field: str, value: t.Any) -> t.Any:
    """Ids and places in one spelling: an approval knows no other, and the service none either."""
    if field == "location":
        return region_key(value)
    if field in ("source", "source_restore_point"):
        return f"/{value.strip('/')}".lower()
    if field == "encryption_sets":
        return [{**each, "id": each["id"].lower()} for each in value]
    return value


def _change(before: t.Any, after: t.Any) -> Change:
    return {"before": before, "after": after}
