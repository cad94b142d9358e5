# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests behind Azure's steps: one write each, and the two reads that making a disk needs."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from ..._arm.ids import ArmId, quote
from ..._core.operation import Operation, State, Status
from ..._deps import anyio
from .disk_entities import DiskEntity, DiskRestorePointEntity
from .fields import view
from .reader import ComputeReader

DISK_ENDS: dict[str, State] = {"succeeded": "succeeded", "failed": "failed", "canceled": "failed"}
"""How the making of a disk has ended, by the disk's own state; in any other it goes on."""


@dataclass(frozen=True)
class Request:
    """One write to the resource at `path` (as it goes into a URL), made for `context`.

    With `etag` it is refused when somebody has changed the resource since. `to_disk`: it goes to the disk resource
    provider, which has versions of its own, and `api_version` is that of another provider still.
    """

    method: str
    path: str
    body: t.Mapping[str, t.Any] | None
    context: str
    etag: str | None = None
    to_disk: bool = False
    api_version: str | None = None


def power_request(vm: ArmId, on: bool) -> Request:
    """Start, or deallocate: an Azure VM that is only stopped still costs."""
    action, activity = ("start", "starting") if on else ("deallocate", "deallocating")
    return Request("POST", f"{vm.path}/{action}", None, f"{activity} vm {vm.name}")


def told_if_replaced(operation: Operation, collection: str) -> Operation:
    """The PUT of a new collection. One that was there all the same, whatever a reading has said, has lost its tags."""
    if operation.replaced:
        operation.warnings = (
            f"collection {collection} existed when it was to be made, although no reading had shown it: that has "
            "replaced its tags, pins among them. Look at its points, and set the tags again.",
        )
    return operation


class ComputeClient(ComputeReader):
    """Reads what steps need, and sends their requests."""

    async def send(self, request: Request) -> Operation:
        """A write, and the operation that it started."""
        version = self._disk_version if request.to_disk else self._compute_version
        url = self._arm.url(request.path, request.api_version or version)
        headers = {"If-Match": request.etag} if request.etag else {}
        body = None if request.body is None else dict(request.body)
        return await self._arm.write(request.method, url, body, context=request.context, headers=headers)

    async def disk_restore_point(self, point_id: str) -> DiskRestorePointEntity | None:
        """What a new disk is made from; None also where it cannot be read, as in 2021, when its id had a query."""
        if "?" in point_id:
            return None
        url = self._arm.url(quote(point_id), self._disk_version)
        return await self._arm.find_entity(DiskRestorePointEntity, url, context="reading a disk restore point")

    async def access_state(self, disk_point: str) -> str | None:
        """What its restore point's instance view says a disk restore point can be used for.

        The disk resource provider itself tells that in its newest api-versions only.
        """
        point_id = disk_point.rpartition("/diskRestorePoints/")[0]
        if not point_id or not view(self._compute_version):
            return None
        point = await self.point(point_id)
        found = (row for row in (point.views if point else ()) if (row.id or "").lower() == disk_point.lower())
        return next((row.snapshotAccessState for row in found), None)

    def join_creation(self, disk: DiskEntity) -> Operation:
        """The making of a disk that an earlier run has begun and that still goes on."""

        async def poll() -> Status:
            now = await self.disk(disk.id)
            if now is None:
                return Status("unknown")
            return Status(DISK_ENDS.get(now.state, "running"), now.state)

        return Operation("arm", None, poll, anyio.current_time(), joined=True)
