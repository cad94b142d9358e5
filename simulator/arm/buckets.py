# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resource Manager's own limits: a token bucket for each subscription (or the tenant) and kind of operation.

Sizes and rates are documented (request-limits-and-throttling, for one principal in one region), and so is the answer.
Recorded answers of 2025 show larger buckets; the documented ones are the more dangerous.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from simulator.arm.common import ArmError
from simulator.wire.exchange import Answer, Call
from simulator.world import World

SIZES = {"read": (250.0, 25.0), "write": (200.0, 10.0), "delete": (200.0, 10.0)}
"""How many tokens a bucket holds, and how many come back in a second."""
_SUBSCRIPTION = re.compile(r"^/subscriptions/([^/]+)", re.IGNORECASE)


@dataclass
class Bucket:
    """The tokens that were left at a moment."""

    tokens: float
    at: float


def throttled(call: Call, world: World) -> Answer | None:
    """The 429 of a request for which no token is left; None, and one token less, for any other."""
    if world.switches.arm_buckets == "off":
        return None
    kind = {"GET": "read", "DELETE": "delete"}.get(call.method, "write")
    found = _SUBSCRIPTION.match(call.path)
    scope = found[1].lower() if found else "tenant"
    size, rate = SIZES[kind]
    now = world.now()
    bucket = world.buckets.setdefault((scope, kind), Bucket(size, now))
    bucket.tokens, bucket.at = min(size, bucket.tokens + (now - bucket.at) * rate), now
    if bucket.tokens >= 1:
        bucket.tokens -= 1
        return None
    seconds = max(1, math.ceil((1 - bucket.tokens) / rate))
    of = f"subscription '{scope}'" if found else "the tenant"
    answer = ArmError(
        429,
        "SubscriptionRequestsThrottled" if found else "TenantRequestsThrottled",
        f"Number of '{kind}' requests for {of} exceeded. Please try again after '{seconds}' seconds after additional "
        "tokens are available. Refer to https://aka.ms/arm-throttling for additional information.",
    ).answer()
    return Answer(429, [*answer.headers, ("Retry-After", str(seconds))], answer.body)
