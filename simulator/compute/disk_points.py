# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disk restore points over HTTP, and access to their data."""

from __future__ import annotations

from simulator.azure.jobs import Refused
from simulator.azure.model import Collection, DiskPoint, Point
from simulator.compute.shapes import disk_point_shape
from simulator.compute.wire import Ask, accepted, answered, missing, paged
from simulator.wire.exchange import Answer
from simulator.world import World


class DiskPoints:
    """`diskRestorePoints` belong to DiskRP and its api-versions."""

    def __init__(self, world: World) -> None:
        self.world = world

    def one_or_all(self, ask: Ask) -> Answer:
        """The list of a restore point, or one."""
        if ask.method != "GET":
            raise ask.not_possible()
        if len(ask.names) > 2:
            collection, point, each = self._found(ask, ask.id)
            return answered(200, disk_point_shape(self.world, collection, point, each, ask.version))
        found = self.world.azure.find_point(ask.parent)
        if found is None:
            raise missing("restorePointCollections/restorePoints", "/".join(ask.names), ask.group)
        shown = [disk_point_shape(self.world, *found, each, ask.version) for each in _ready(found[1])]
        return paged(self.world, ask.call, shown)

    def access(self, ask: Ask) -> Answer:
        """beginGetAccess and endGetAccess: 202 with Location, whose last answer is the result."""
        if ask.method != "POST":
            raise ask.not_possible()
        collection, _point, each = self._found(ask, ask.parent)
        azure = self.world.azure
        timing = azure.switches.timing("compute_access")
        planned = azure.planned_end("access", each.name, ask.names[1])
        if ask.id.lower().endswith("/endgetaccess"):

            def closed() -> None:
                each.grant = each.granted_until = None

            job = azure.begin("access", collection.location, timing, closed, failure=planned, disk_rp=True)
            return accepted(self.world, ask, job)
        body = ask.body()
        access, seconds = body.get("access"), body.get("durationInSeconds")
        if access not in {"None", "Read", "Write"} or not isinstance(seconds, int):
            raise Refused(400, "InvalidParameter", "'access' and 'durationInSeconds' are required.")
        if access != "Read":
            raise Refused(400, "InvalidParameter", f"The access '{access}' is not possible on a disk restore point.")

        def opened() -> None:
            each.granted_until = azure.now() + seconds
            each.grant = (
                f"https://md-simulated.z1.blob.storage.azure.net/{azure.ids.text(12).lower()}/abcd?sv=2018-03-28&sr=b"
                f"&sig={self.world.secret_ids.text(44)}&sp=r"
            )

        job = azure.begin("access", collection.location, timing, opened, failure=planned, disk_rp=True, subject=each)
        return accepted(self.world, ask, job)

    def _found(self, ask: Ask, id_: str) -> tuple[Collection, Point, DiskPoint]:
        found = self.world.azure.find_disk_point(id_)
        if found is None or found[2] not in _ready(found[1]):
            raise missing("restorePointCollections/restorePoints/diskRestorePoints", "/".join(ask.names), ask.group)
        return found


def _ready(point: Point) -> list[DiskPoint]:
    """They can be seen once the point is done."""
    return point.disks if point.state in {"Succeeded", "Deleting"} else []
