# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What copies are refused before anything is sent, in check mode too. Pure.

Sources: the limitations of copying restore points into another region (learn.microsoft.com). Whose turn it is when
several are copied only the service knows.
"""

from __future__ import annotations

from .._arm.ids import ArmId
from .._core.errors import InvalidInput, MissingCheckpoint, NotFound, VmState
from .._providers.compute.entities import CollectionEntity, PointEntity
from .._providers.compute.fields import region_key
from .._providers.compute.usability import not_copyable
from .states import how_failed


def takes_copies(collection: CollectionEntity) -> bool:
    """Whether its source is another collection."""
    return "/restorepointcollections/" in collection.source_id.lower()


def refuse_copies(source: ArmId, origin: CollectionEntity | None, location: str) -> None:
    """A collection for copies is of one that exists, lies elsewhere and holds no copies itself (documented)."""
    if origin is None:
        raise NotFound(f"its source collection {source} does not exist, or is hidden.")
    why = ""
    if takes_copies(origin):
        why = f"holds copies itself, of {origin.source_id}, and copies cannot be copied again"
    elif region_key(origin.location) == region_key(location):
        why = f"lies in {origin.location} too, and copies go to another region"
    if why:
        raise InvalidInput(
            f"its source collection {source.name} {why}.",
            remedy="Name another source or location.",
            changed_nothing=True,
        )


def refuse_elsewhere(source: str, home: CollectionEntity) -> None:
    """A copy is of a point that lies in its collection's source: what is there need not be known for it."""
    if not home.is_of(source.rsplit("/", 2)[0]):
        raise InvalidInput(
            f"source_restore_point: {source} does not lie in {home.source_id}, which collection {home.name} copies.",
            remedy="Name a point of that collection, or use a collection for copies of the other one.",
        )


def refuse_second(source: str, home: CollectionEntity, name: str) -> None:
    """One copy of each point is all that a region takes (documented); one that has failed or goes is none.

    One of that `name` is no other: it is made anew where only its instance view shows that it has failed.
    """
    for point in (each for each in home.points if each.name.lower() != name.lower()):
        origin = point.properties.sourceRestorePoint
        is_same = origin is not None and f"/{(origin.id or '').strip('/')}".lower() == source.lower()
        if is_same and not point.failed and point.state != "deleting":
            raise InvalidInput(
                f"source_restore_point: {source.rpartition('/')[2]} has a copy there already: {point.name}.",
                remedy="Use that one, or remove it first.",
                changed_nothing=True,
            )


def refuse_source(
    source: str,
    origin: CollectionEntity | None,
    point: PointEntity | None,
    home: CollectionEntity,
) -> None:
    """A copy is of a point that is there, and was made."""
    if origin is None:
        raise NotFound(f"the source collection {home.source_id} of its collection does not exist, or is hidden.")
    name = source.rpartition("/")[2]
    if point is None:
        there = ", ".join(each.name for each in origin.points[:20]) or "none"
        raise MissingCheckpoint(
            f"nothing to copy: {origin.name} holds no restore point {name}. There are: {there}.",
            remedy="Name one of these, or make it first.",
        )
    if point.failed or point.state != "succeeded":
        raise VmState(
            f"restore point {name} cannot be copied: {how_failed(point) if point.failed else f'it is {point.state}'}.",
            remedy="Copy one that has succeeded.",
            changed_nothing=True,
        )
    if why := not_copyable(point):
        raise VmState(
            f"restore point {name} cannot be copied yet: {why}.",
            remedy="Run the task again when all of its data is there.",
            changed_nothing=True,
        )
