# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pins of restore points, which have no tags of their own: one tag of their collection for each, and a lock. Pure.

`hybridvm-pin-nightly: until=2026-12-01T00:00:00Z created=2026-11-20T11:30:02Z`. `created` is the point's own time: one
that is made anew under the name is another point. A value that cannot be read pins for good, for somebody meant it to.
Tags at scope, and a resource's 50 tags: learn (Tags - Update At Scope); names of 512 and values of 256 characters:
learn (Use tags to organize your Azure resources).
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from datetime import datetime

from ..._arm.client import LOCKS_VERSION
from ..._arm.ids import ArmId, quote
from ..._core.model import Obstacle
from ..._core.pins import Pin
from ..._core.targets import VM
from ..._core.times import format_time, parse_time
from .client import Request
from .entities import CollectionEntity, PointEntity
from .state import AzureVmState
from .steps import AzureStep

PREFIX = "hybridvm-pin-"
LOCK = "hybridvm-pin"
"""The name of the lock that pin_lock sets, one on each point."""
MAX_TAGS = 50
TAGS_VERSION = "2021-04-01"
NOTES = "Set by hybridvm.checkpoints (pin_lock). It is lifted with the pin."
_VALUE = re.compile(r"(?:until=(?P<until>[0-9TZ:-]{20}))? ?(?:created=(?P<created>[0-9TZ:-]{20}))?", re.ASCII)


def tag_of(point_name: str) -> str:
    """The name of the tag that pins a point, in lower case: neither points nor tags have one."""
    return f"{PREFIX}{point_name.lower()}"


def value_of(pin: Pin, created: datetime | None) -> str:
    """What the tag says: never nothing, for an empty value would be taken for any value when it is deleted."""
    made = "" if created is None else f" created={format_time(created)}"
    return f"{pin.ending()}{made}".strip() or "pinned"


def pin_of(collection: CollectionEntity | None, point: PointEntity) -> Pin | None:
    """The pin of a point, which may have ended."""
    value = _tags(collection).get(tag_of(point.name))
    if value is None:
        return None
    found = _VALUE.fullmatch(value.strip())
    try:
        until = parse_time(found["until"]) if found and found["until"] else None
        created = parse_time(found["created"]) if found and found["created"] else None
    except ValueError:
        return Pin()
    if created is not None and point.created is not None and format_time(created) != format_time(point.created):
        return None
    return Pin(until)


def pins_of(collection: CollectionEntity | None) -> dict[str, Pin]:
    """The pins of a collection's points, by id in lower case."""
    points = collection.points if collection else []
    return {point.id.lower(): pin for point in points if (pin := pin_of(collection, point)) is not None}


def holding_pins(collection: CollectionEntity | None, now: datetime | None) -> dict[str, Pin]:
    """The same without those that have ended; `now` is the service's time, without which none has."""
    return {each: pin for each, pin in pins_of(collection).items() if now is None or pin.holds(now)}


def is_pin_tag(name: str) -> bool:
    """Whether a tag of a collection pins one of its points."""
    return name.lower().startswith(PREFIX)


def stale_tags(collection: CollectionEntity | None, now: datetime) -> dict[str, str]:
    """The tags whose pins have ended, or whose points are gone or were made anew."""
    points = collection.points if collection else []
    pins = {tag_of(point.name): pin_of(collection, point) for point in points}
    holding = {tag for tag, pin in pins.items() if pin is not None and pin.holds(now)}
    return {name: value for name, value in _tags(collection).items() if is_pin_tag(name) and name not in holding}


def no_room(collection: CollectionEntity | None, now: datetime) -> tuple[Obstacle, ...]:
    """That the collection takes no other tag, whatever is stale among its own."""
    tags = _tags(collection)
    if len(tags) - len(stale_tags(collection, now)) < MAX_TAGS:
        return ()
    pins = sum(is_pin_tag(name) for name in tags)
    why = f"its collection has {len(tags)} tags, {pins} of them for pins, and Azure allows {MAX_TAGS}."
    return (Obstacle(("pin",), why, "Lift pins that are not needed any more (pin: false), or remove other tags."),)


def tags_request(collection_id: str, operation: str, tags: t.Mapping[str, str], context: str) -> Request:
    """A change of some of a collection's tags: the others stay, whoever else changes them at the same time."""
    path = f"{quote(collection_id)}/providers/Microsoft.Resources/tags/default"
    body = {"operation": operation, "properties": {"tags": dict(tags)}}
    return Request("PATCH", path, body, context, api_version=TAGS_VERSION)


def pin_request(state: AzureVmState, home: ArmId, point: PointEntity, pin: Pin | None, vm: VM) -> Request:
    """The tag that pins a point, set or removed: only as it was read, for it may have been pinned otherwise since."""
    name, what = tag_of(point.name), f"restore point {point.name} of {vm}"
    if pin is not None:
        return tags_request(str(home), "Merge", {name: value_of(pin, point.created)}, f"pinning {what}")
    there = {name: _tags(state.collection).get(name, "")}
    return tags_request(str(home), "Delete", there, f"lifting the pin of {what}")


def lock_request(point_path: str, name: str, vm: VM, on: bool) -> Request:
    """The lock on a point, set or lifted."""
    path, what = f"{point_path}/providers/Microsoft.Authorization/locks/{LOCK}", f"restore point {name} of {vm}"
    if not on:
        return Request("DELETE", path, None, f"unlocking {what}", api_version=LOCKS_VERSION)
    body = {"properties": {"level": "CanNotDelete", "notes": NOTES}}
    return Request("PUT", path, body, f"locking {what}", api_version=LOCKS_VERSION)


def lock_ids(locks: t.Iterable[t.Mapping[str, t.Any]]) -> set[str]:
    """The ids, in lower case, of what a pin's lock lies on."""
    ids = [str(lock.get("id")).lower() for lock in locks]
    ends = f"/providers/microsoft.authorization/locks/{LOCK}"
    return {each.removesuffix(ends) for each in ids if each.endswith(ends)}


@dataclass(frozen=True)
class DropStalePins(AzureStep):
    """The tags of pins that are over go, where there is no room for another one."""

    op = "drop_stale_pins"
    writes_to = "update"
    relies = False
    home: ArmId
    tags: t.Mapping[str, str]

    @property
    def summary(self) -> str:
        return f"remove {len(self.tags)} tags of pins that are over"

    @property
    def activity(self) -> str:
        return f"removing {len(self.tags)} tags of pins that are over"

    def about(self) -> dict[str, t.Any]:
        return super().about() | {"collection": self.home.canonical, "tags": sorted(self.tags)}

    def request(self, state: AzureVmState) -> Request:
        return tags_request(str(self.home), "Delete", self.tags, self.activity)

    def is_shown(self, state: AzureVmState) -> bool:
        return not set(self.tags) & set(_tags(state.collection))


def _tags(collection: CollectionEntity | None) -> dict[str, str]:
    return dict((collection.tags or {}) if collection else {})
