# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Management locks, to be read: Microsoft.Authorization/locks of a resource group or a resource."""

from __future__ import annotations

import re

from simulator.arm.common import check_version
from simulator.compute.common import paged
from simulator.wire.exchange import Answer, Call
from simulator.world import World

LOCKS_PATH = re.compile(
    r"(?P<scope>/subscriptions/(?P<subscription>[^/]+)(?:/resourceGroups/(?P<group>[^/]+)(?:/providers/.+)?)?)"
    r"/providers/Microsoft\.Authorization/locks/?",
    re.IGNORECASE,
)


def locks(world: World, call: Call, scope: str) -> Answer:
    """Those on the scope, above it and below it."""
    check_version(call, "Microsoft.Authorization", "locks", None, "")
    low = scope.lower()
    shown = [
        {
            "id": f"{lock.scope}/providers/Microsoft.Authorization/locks/{lock.name}",
            "name": lock.name,
            "type": "Microsoft.Authorization/locks",
            "properties": {"level": lock.level, **({"notes": lock.notes} if lock.notes else {})},
        }
        for lock in world.azure.locks
        if f"{low}/".startswith(f"{lock.scope.lower()}/") or lock.scope.lower().startswith(f"{low}/")
    ]
    return paged(world, call, shown)
