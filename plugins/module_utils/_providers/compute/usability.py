# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a restore point can be restored, or copied, as the service says it. Pure.

Succeeded says that the point was made, not that its data is there. Its instance view tells that for each disk: first
the access state (learn: KnownSnapshotAccessState), by which a disk can be restored while its data still travels; in
api-versions without it the percentage, else the status code. A row may be missing or say nothing (recorded 2026-04:
of two disks only the one with instant access is listed); of a point beside its VM that hinders nothing. A copy has
only what has arrived, so of a copy only what is shown counts; and so it is with a point away from its VM's region.
"""

from __future__ import annotations

from ..._core.model import Usability
from .entities import DiskView, PointEntity

_RESTORABLE = ("available", "availablewithinstantaccess")
_INSTANT = "instantaccess"
"""The disk can be restored, but neither copied nor downloaded; it is the access state of an original only."""
_CODES: dict[str, Usability] = {"succeeded": "usable", "completed": "usable", "failed": "unusable"}


def is_copy(point: PointEntity) -> bool:
    """Whether it was copied from another point."""
    return point.properties.sourceRestorePoint is not None


def usability(point: PointEntity, *, elsewhere: bool = False) -> Usability:
    """The point as a whole: what is worst of its disks. `elsewhere`: it is not in its VM's region."""
    if point.failed or point.state == "deleting":
        return "unusable"
    if point.state in ("creating", "updating"):
        return "arriving"
    if point.state != "succeeded":
        return "unknown"
    travels = elsewhere or is_copy(point)
    rows = [_of_row(row, travels=travels) for row in point.views]
    if travels and len(rows) < max(1, len(point.disks)):
        rows.append("unknown")
    words: tuple[Usability, ...] = ("unusable", "arriving", "unknown")
    return next((word for word in words if word in rows), "usable")


def not_copyable(point: PointEntity) -> str:
    """Why a point cannot be the source of a copy yet: instant access serves restores alone. Empty where it can."""
    for row in point.views:
        state = (row.snapshotAccessState or "").lower()
        if state in (_INSTANT, "pending"):
            return f"its data is still on its way ({row.snapshotAccessState})"
    return ""


def percent(point: PointEntity) -> int | None:
    """How far its data is as a whole, which is its slowest disk; None where no disk shows it."""
    shown = [row.replicationStatus.completionPercent if row.replicationStatus else None for row in point.views]
    if any(each is not None for each in shown):
        return min(each or 0 for each in shown)
    return 0 if is_copy(point) and point.state == "creating" else None


def of_access_state(state: str | None) -> Usability | None:
    """What the access state of one disk says; None where it says nothing."""
    word = (state or "").lower()
    if word in (*_RESTORABLE, _INSTANT):
        return "usable"
    return "arriving" if word == "pending" else None


def _of_row(row: DiskView, *, travels: bool) -> Usability:
    state = (row.snapshotAccessState or "").lower()
    said = None if travels and state == _INSTANT else of_access_state(state)
    if said is not None:
        return said
    status = row.replicationStatus
    if status is not None and status.completionPercent is not None:
        return "usable" if status.completionPercent >= 100 else "arriving"
    code = (status.status.code or "") if status is not None and status.status is not None else ""
    word = code.rpartition("/")[2].lower()
    if word:
        return _CODES.get(word, "arriving")
    return "unknown" if travels else "usable"
