# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Managed disks over HTTP."""

from __future__ import annotations

from simulator.azure.disks import delete, patch, put
from simulator.azure.model import group_of
from simulator.compute.shapes import disk_shape
from simulator.compute.wire import Ask, accepted, answered, begun_headers, missing, paged
from simulator.wire.exchange import Answer
from simulator.wire.ids import same
from simulator.world import World


class Disks:
    """`disks`: unmanaged and ephemeral ones are no resources and are never shown."""

    def __init__(self, world: World) -> None:
        self.world = world

    def one_or_all(self, ask: Ask) -> Answer:
        """A list in a group or the subscription, or one disk."""
        azure = self.world.azure
        if not ask.names:
            if ask.method != "GET":
                raise ask.not_possible()
            found = [
                each
                for each in azure.disks.values()
                if each.kind == "managed" and (ask.group is None or same(group_of(each.id), ask.group))
            ]
            return paged(self.world, ask.call, [disk_shape(self.world, each) for each in found])
        disk = azure.disk(ask.id)
        if disk is not None and disk.kind != "managed":
            disk = None
        if ask.method == "PUT":
            made, job = put(azure, ask.id, ask.body())
            # 202 with both headers and a body (recorded 2023-05)
            return answered(202, disk_shape(self.world, made), begun_headers(self.world, ask, job, location=True))
        if disk is None:
            if ask.method == "DELETE":
                return Answer(204)
            raise missing("disks", ask.names[0], ask.group)
        if ask.method == "GET":
            return answered(200, disk_shape(self.world, disk))
        if ask.method == "PATCH":
            changed, job = patch(azure, disk, ask.body())
            return answered(202, disk_shape(self.world, changed), begun_headers(self.world, ask, job, location=True))
        if ask.method == "DELETE":
            return accepted(self.world, ask, delete(azure, disk))
        raise ask.not_possible()
