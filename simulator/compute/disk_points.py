# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk restore points over HTTP, and access to their data."""

from __future__ import annotations

from simulator.azure.access import readable
from simulator.azure.jobs import Refused
from simulator.azure.model import Collection, DiskPoint, Point
from simulator.compute.common import ComputeRequest, accepted, answered, missing, paged
from simulator.compute.shapes import disk_point_shape
from simulator.wire.exchange import Answer
from simulator.world import World


class DiskPoints:
    """`diskRestorePoints` belong to DiskRP and its api-versions."""

    def __init__(self, world: World) -> None:
        self.world = world

    def get_or_list(self, request: ComputeRequest) -> Answer:
        """The list of a restore point, or one."""
        if request.method != "GET":
            raise request.not_possible()
        if len(request.names) > 2:
            collection, point, each = self._found(request, request.id)
            return answered(200, disk_point_shape(self.world, collection, point, each, request.version))
        found = self.world.azure.find_point(request.parent)
        if found is None:
            raise missing("restorePointCollections/restorePoints", "/".join(request.names), request.group)
        shown = [disk_point_shape(self.world, *found, each, request.version) for each in _ready(found[1])]
        return paged(self.world, request.call, shown)

    def access(self, request: ComputeRequest) -> Answer:
        """beginGetAccess and endGetAccess: 202 with Location, whose last answer is the result."""
        if request.method != "POST":
            raise request.not_possible()
        collection, point, each = self._found(request, request.parent)
        azure = self.world.azure
        timing = azure.switches.timing("compute_access")
        planned = azure.planned_end("access", each.name, request.names[1])
        if request.id.lower().endswith("/endgetaccess"):

            def closed() -> None:
                each.grant = each.granted_until = None

            job = azure.begin("access", collection.location, timing, closed, failure=planned, disk_rp=True)
            return accepted(self.world, request, job)
        body = request.body()
        access, seconds = body.get("access"), body.get("durationInSeconds")
        if access not in {"None", "Read", "Write"} or not isinstance(seconds, int):
            raise Refused(400, "InvalidParameter", "'access' and 'durationInSeconds' are required.")
        if access != "Read":
            raise Refused(400, "InvalidParameter", f"The access '{access}' is not possible on a disk restore point.")

        if not readable(azure, point, each):
            raise Refused(409, "OperationNotAllowed", f"The data of '{each.name}' cannot be read yet.")

        def opened() -> None:
            each.granted_until = azure.now() + seconds
            each.grant = (
                f"https://md-simulated.z1.blob.storage.azure.net/{azure.ids.text(12).lower()}/abcd?sv=2018-03-28&sr=b"
                f"&sig={self.world.secret_ids.text(44)}&sp=r"
            )

        job = azure.begin("access", collection.location, timing, opened, failure=planned, disk_rp=True, subject=each)
        return accepted(self.world, request, job)

    def _found(self, request: ComputeRequest, id_: str) -> tuple[Collection, Point, DiskPoint]:
        found = self.world.azure.find_disk_point(id_)
        if found is None or found[2] not in _ready(found[1]):
            raise missing(
                "restorePointCollections/restorePoints/diskRestorePoints", "/".join(request.names), request.group
            )
        return found


def _ready(point: Point) -> list[DiskPoint]:
    """They can be seen once the point is done."""
    return point.disks if point.state in {"Succeeded", "Deleting"} else []
