# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""plan for a collection or a restore point: pure, like the planner for VMs."""

from __future__ import annotations

import typing as t

from .._errors import InvalidInput, LimitReached, VmState
from .._model import VM, Obstacle
from .._plan import Action, CreateResource, DeleteResource, Plan, UpdateResource
from .._providers.compute_entities import CollectionEntity, PointEntity, VmEntity
from .wishes import INSTANT_ACCESS, CollectionWish, PointWish, needs

Change = dict[str, t.Any]
MAX_POINTS = 500
"""Per VM, over all its collections (support matrix); only those of the one at hand are counted here."""


class Resource(VM):
    """An Azure resource in a VM's place: what a plan, a diff and an error name."""

    def __str__(self) -> str:
        return self.name


def plan_collection(
    wish: CollectionWish,
    subject: Resource,
    now: CollectionEntity | None,
    location: str | None,
    api_version: str,
    obstacles: t.Sequence[Obstacle] = (),
) -> Plan:
    """What a collection needs. Source and location cannot be changed: a difference is an error, never a re-creation."""
    made = _plan_collection(wish, subject, now, location, api_version)
    _refuse(made.writes, subject, obstacles)
    return made


def _plan_collection(
    wish: CollectionWish, subject: Resource, now: CollectionEntity | None, location: str | None, api_version: str
) -> Plan:
    if wish.state == "absent":
        return Plan(subject, _delete_collection(wish, subject, now))
    if wish.instant_access is not None:
        needs(api_version, INSTANT_ACCESS, "instant_access")
    if now is None:
        if wish.source is None or location is None:
            missing = "source" if wish.source is None else "location"
            raise InvalidInput(f"{missing}: is needed to make a collection.", subject=str(subject))
        fields = {"location": location, "source": wish.source, "tags": wish.tags, "instant_access": wish.instant_access}
        set_fields = {name: _change(None, value) for name, value in fields.items() if value is not None}
        return Plan(subject, (CreateResource(subject, "it does not exist", resource=subject.id, fields=set_fields),))
    _immutable(wish, subject, now)
    changes: dict[str, Change] = {}
    tags = wanted_tags(wish, now)
    if tags != (now.tags or {}):
        changes["tags"] = _change(now.tags or {}, tags)
    if wish.instant_access is not None and wish.instant_access != bool(now.properties.instantAccess):
        changes["instant_access"] = _change(bool(now.properties.instantAccess), wish.instant_access)
    if not changes:
        return Plan(subject)
    reason = f"{' and '.join(sorted(changes))} differ"
    return Plan(subject, (UpdateResource(subject, reason, resource=subject.id, fields=changes),))


def wanted_tags(wish: CollectionWish, now: CollectionEntity) -> dict[str, str]:
    """The tags as they should be: added to those that are there, unless append_tags is false."""
    if wish.tags is None:
        return dict(now.tags or {})
    return {**(now.tags or {}), **wish.tags} if wish.append_tags else dict(wish.tags)


def plan_point(
    wish: PointWish,
    subject: Resource,
    now: PointEntity | None,
    vm: VmEntity | None,
    obstacles: t.Sequence[Obstacle],
    fields: t.Mapping[str, t.Any],
    count: int = 0,
) -> Plan:
    """What a restore point needs. One that failed is not present: it goes and is made again.

    `vm` is the collection's source where that is a VM, `fields` what a new point is made with, `count` how many points
    the collection holds.
    """
    if wish.state == "absent":
        if now is None:
            return Plan(subject)
        gone = DeleteResource(subject, "state is absent", resource=subject.id)
        _refuse([gone], subject, obstacles)
        return Plan(subject, (gone,))
    if now is not None and not now.failed and now.state != "deleting":
        return Plan(subject, drift=_drift(wish, now, fields))
    actions: list[Action] = []
    if now is not None:
        actions.append(
            DeleteResource(
                subject, "it failed" if now.failed else f"its provisioningState is {now.state}", resource=subject.id
            )
        )
    told = {name: _change(None, value) for name, value in fields.items() if value is not None}
    actions.append(
        CreateResource(subject, "it does not exist" if now is None else "it failed", resource=subject.id, fields=told)
    )
    _refuse(actions, subject, obstacles)
    if count + 1 - len(actions[:-1]) > MAX_POINTS:
        raise LimitReached(
            f"its collection holds {count} restore points, and a VM may have {MAX_POINTS}. Nothing was changed.",
            subject=str(subject),
            remedy="Remove some first.",
        )
    warnings = []
    if vm is not None and wish.consistency == "application" and vm.power != "on":
        told_so = f"the VM {vm.name} is not running, so the point can only be crash-consistent."
        if wish.on_downgrade == "fail":
            raise VmState(
                f"{told_so} Nothing was changed.",
                subject=str(subject),
                remedy="Start the VM, or set consistency: crash or on_downgrade: warn.",
            )
        warnings.append(f"{subject}: {told_so}")
    return Plan(subject, tuple(actions), tuple(warnings))


def _delete_collection(wish: CollectionWish, subject: Resource, now: CollectionEntity | None) -> tuple[Action, ...]:
    if now is None:
        return ()
    points = [point.name for point in now.properties.restorePoints or []]
    if points and not wish.force:
        raise InvalidInput(
            f"it holds {len(points)} restore points ({', '.join(points[:20])}), which would go with it. "
            "Nothing was changed.",
            subject=str(subject),
            remedy="Remove them first, or set force: true.",
        )
    # Under `after`, so that an approval covers them: a point that has come since was not approved to go.
    fields = {"restore_points_that_go": _change(None, sorted(points))} if points else {}
    return (DeleteResource(subject, "state is absent", resource=subject.id, fields=fields),)


def _refuse(actions: t.Sequence[Action], subject: Resource, obstacles: t.Sequence[Obstacle]) -> None:
    """What the service would refuse is refused before anything is sent."""
    for obstacle in obstacles:
        if any(action.verb in obstacle.verbs for action in actions):
            raise VmState(f"{obstacle.why} Nothing was changed.", subject=str(subject), remedy=obstacle.remedy)


def _immutable(wish: CollectionWish, subject: Resource, now: CollectionEntity) -> None:
    source = (now.properties.source.id or "") if now.properties.source else ""
    differs = []
    if wish.source is not None and wish.source.lower().strip("/") != source.lower().strip("/"):
        differs.append(f"source is {source}")
    if wish.location is not None and place(wish.location) != place(now.location):
        differs.append(f"location is {now.location}")
    if differs:
        raise InvalidInput(
            f"its {' and its '.join(differs)}, and that cannot be changed. Nothing was changed.",
            subject=str(subject),
            remedy="Use another name, or remove the collection first.",
        )


def place(location: str) -> str:
    """A location for comparison: `West Europe` and `westeurope` are one."""
    return location.lower().replace(" ", "")


def _drift(wish: PointWish, now: PointEntity, fields: t.Mapping[str, t.Any]) -> tuple[dict[str, t.Any], ...]:
    """What an existing point has otherwise; nothing of it can be changed."""
    found: list[dict[str, t.Any]] = []
    excluded = sorted((ref.id or "").lower() for ref in now.properties.excludeDisks or [])
    wanted = sorted(disk.lower() for disk in fields.get("exclude_disks") or [])
    if wish.exclude_disks is not None and excluded != wanted:
        found.append({"field": "exclude_disks", "desired": wanted, "actual": excluded})
    for name, actual in (
        ("source_restore_point", now.properties.sourceRestorePoint.id if now.properties.sourceRestorePoint else None),
        ("instant_access_duration", now.properties.instantAccessDurationMinutes),
    ):
        wanted_value = fields.get(name)
        if wanted_value is not None and str(wanted_value).lower() != str(actual).lower():
            found.append({"field": name, "desired": wanted_value, "actual": actual})
    achieved = now.properties.consistencyMode
    if now.state == "succeeded" and achieved and is_downgrade(wish, achieved):
        found.append({"field": "consistency", "desired": wish.consistency, "actual": achieved})
    return tuple(found)


def is_downgrade(wish: PointWish, achieved: str) -> bool:
    """Whether less came than was asked for: file system consistency is what application mode gives on Linux."""
    return wish.consistency == "application" and wish.source_restore_point is None and achieved == "CrashConsistent"


def _change(before: t.Any, after: t.Any) -> Change:
    return {"before": before, "after": after}
