# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the state of a collection or restore point means: whether it is there, at work, or has failed. Pure."""

from __future__ import annotations

import typing as t
from datetime import datetime

from .._providers.compute.entities import CollectionEntity, PointEntity

Found = t.TypeVar("Found", CollectionEntity, PointEntity)
GOING = "it is being removed"


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


def why_kept(state: str) -> str:
    """Why an existing resource is enough."""
    return {"creating": "it is being made", "updating": "it is being changed"}.get(state, "it exists")


def created_at(*points: PointEntity) -> tuple[datetime, ...]:
    """When restore points were made, as far as it is known."""
    return tuple(sorted(point.created for point in points if point.created is not None))
