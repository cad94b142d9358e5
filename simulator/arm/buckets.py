# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM's token buckets: how many requests a principal may send in a subscription, or to the tenant, by their kind.

Sizes, refill and what has a bucket of its own: request-limits-and-throttling.md, as of 2024. All tokens of the
simulator are one principal's, all regions one. The words of the refusal are those of azure-docs#105248.
"""

from __future__ import annotations

import math
import re

from simulator.arm.common import ArmError
from simulator.wire.exchange import Answer, Call
from simulator.world import World

SIZES = {"reads": (250.0, 25.0), "writes": (200.0, 10.0), "deletes": (200.0, 10.0)}
"""The most tokens, and those that come back in a second."""
_SCOPE = re.compile(r"/subscriptions/([^/]+)", re.I)


def refused(call: Call, world: World) -> Answer | None:
    """429 with Retry-After where the bucket is empty, else None and a token less; None without buckets."""
    share = world.switches.arm_buckets
    if share <= 0:
        return None
    kind = {"GET": "reads", "DELETE": "deletes"}.get(call.method, "writes")
    found = _SCOPE.search(call.path)
    key = (found[1].lower() if found else "tenant", kind)
    size, rate = (max(1.0, SIZES[kind][0] * share), SIZES[kind][1] * share)
    level, at = world.buckets.get(key, (size, world.now()))
    level = min(size, level + (world.now() - at) * rate)
    if level >= 1:
        world.buckets[key] = (level - 1, world.now())
        return None
    world.buckets[key] = (level, world.now())
    wait = max(1, math.ceil((1 - level) / rate))
    answer = ArmError(
        429,
        "SubscriptionRequestsThrottled",
        f"Number of requests for subscription '{key[0]}' and operation '{call.method}{call.path.upper()}' exceeded the "
        f"backend storage limit. Please try again after '{wait}' seconds.",
    ).answer()
    return Answer(429, [*answer.headers, ("Retry-After", str(wait))], answer.body)
