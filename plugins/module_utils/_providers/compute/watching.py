# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes on with a restore point, as operations: Azure shows others' work by the point's own state alone."""

from __future__ import annotations

from ..._core.operation import Operation, State, Status
from ..._deps import anyio
from .entities import PointEntity
from .reader import ComputeReader
from .usability import percent, usability


async def arrival(reader: ComputeReader, point_id: str) -> Operation | None:
    """What still brings the data of a point, or has failed to; None when all of it is there."""

    async def poll() -> Status:
        point = await reader.point(point_id)
        if point is None:
            return Status("unknown")
        if point.failed:
            return Status("failed", message="its data could not be copied")
        if usability(point) == "arriving":
            done = percent(point)
            return Status("running", "pending" if done is None else f"at {done} %", percent=done)
        return Status("succeeded")

    last = await poll()
    if last.state not in ("running", "failed"):
        return None
    return Operation("arm", None, poll, anyio.current_time(), last=last)


def making(reader: ComputeReader, point: PointEntity) -> Operation:
    """The making of a point that others, or an earlier run, have begun."""

    async def poll() -> Status:
        found = await reader.point(point.id)
        if found is None:
            return Status("unknown")
        state: State = "failed" if found.failed else "succeeded" if found.state == "succeeded" else "running"
        return Status(state, found.state)

    return Operation("arm", None, poll, anyio.current_time(), began=point.created, work="create")
