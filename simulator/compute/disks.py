# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed disks over HTTP."""

from __future__ import annotations

from simulator.azure.disks import delete, patch, put
from simulator.azure.model import group_of
from simulator.compute.common import ComputeRequest, accepted, answered, begun_headers, missing, paged
from simulator.compute.shapes import disk_shape
from simulator.wire.exchange import Answer
from simulator.wire.ids import same
from simulator.world import World


class Disks:
    """`disks`: unmanaged and ephemeral ones are no resources and are never shown."""

    def __init__(self, world: World) -> None:
        self.world = world

    def get_or_list(self, request: ComputeRequest) -> Answer:
        """A list in a group or the subscription, or one disk."""
        azure = self.world.azure
        if not request.names:
            if request.method != "GET":
                raise request.not_possible()
            found = [
                each
                for each in azure.disks.values()
                if each.kind == "managed" and (request.group is None or same(group_of(each.id), request.group))
            ]
            return paged(self.world, request.call, [disk_shape(self.world, each) for each in found])
        disk = azure.disk(request.id)
        if disk is not None and disk.kind != "managed":
            disk = None
        if request.method == "PUT":
            made, job = put(azure, request.id, request.body())
            # 202 with both headers and a body (recorded 2023-05)
            return answered(202, disk_shape(self.world, made), begun_headers(self.world, request, job, location=True))
        if disk is None:
            if request.method == "DELETE":
                return Answer(204)
            raise missing("disks", request.names[0], request.group)
        if request.method == "GET":
            return answered(200, disk_shape(self.world, disk))
        if request.method == "PATCH":
            changed, job = patch(azure, disk, request.body())
            return answered(
                202, disk_shape(self.world, changed), begun_headers(self.world, request, job, location=True)
            )
        if request.method == "DELETE":
            return accepted(self.world, request, delete(azure, disk))
        raise request.not_possible()
