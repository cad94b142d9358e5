# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=redundant-keyword-arg # it does not see the fields of a dataclass's base in another room
"""plan for a collection: pure, like the planner for VMs."""

from __future__ import annotations

import typing as t

from .._core.errors import InvalidInput, Pinned
from .._core.model import Obstacle
from .._core.pins import Pin
from .._core.plan import Action, Plan, refuse_obstructed
from .._core.targets import Target
from .._providers.compute.entities import CollectionEntity
from .._providers.compute.fields import region_key
from .._providers.compute.pins import MAX_TAGS, is_pin_tag
from .actions import CreateResource, DeleteResource, NoOp, UpdateResource
from .changes import Change, change, set_fields
from .specs import CollectionSpec
from .states import GOING, created_at, is_present, why_kept


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
        _require_room(spec.tags or {})
        fields = {"location": location, "source": spec.source, "tags": spec.tags, "instant_access": spec.instant_access}
        reason = "it does not exist" if now is None else GOING
        return Plan(subject, (CreateResource(subject, reason, fields=set_fields(fields)),))
    _immutable(spec, now)
    changes: dict[str, Change] = {}
    tags = wanted_tags(spec, now)
    if tags != (now.tags or {}):
        _require_room(tags)
        changes["tags"] = change(now.tags or {}, tags)
    if spec.instant_access is not None and spec.instant_access != bool(now.properties.instantAccess):
        changes["instant_access"] = change(bool(now.properties.instantAccess), spec.instant_access)
    if not changes:
        return Plan(subject, (NoOp(subject, why_kept(now.state)),))
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


def _delete_collection(spec: CollectionSpec, subject: Target, now: CollectionEntity | None) -> tuple[Action, ...]:
    if now is None:
        return ()
    if now.state == "deleting":
        return (NoOp(subject, GOING),)
    names = [point.name for point in now.points]
    if names and not spec.force:
        points = "1 restore point" if len(names) == 1 else f"{len(names)} restore points"
        raise InvalidInput(
            f"it holds {points} ({', '.join(names[:20])}), which would go with it.",
            remedy="Remove them first, or set force: true.",
            changed_nothing=True,
        )
    # Under `after`, so that an approval covers them: a point that has come since was not approved to go.
    fields = {"restore_points_that_go": change(None, sorted(names))} if names else {}
    return (DeleteResource(subject, "state is absent", fields=fields, created=created_at(*now.points)),)


def _require_room(tags: t.Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise InvalidInput(
            f"tags: there would be {len(tags)}, and Azure takes {MAX_TAGS} on a resource.",
            remedy="Set fewer, or replace those that are there with append_tags: false.",
            changed_nothing=True,
        )


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
