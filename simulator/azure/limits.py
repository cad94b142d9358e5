# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many restore points may be made, and what is left of that."""

from __future__ import annotations

import json
import math

from simulator.azure.jobs import Refused
from simulator.azure.subscription import Azure

HOUR = 3600.0
PER_HOUR = 3  # application, crash and copies alike (documented; the header of a first create says 2 are left, recorded)
GROUPS = {
    "application": "CreateApplicationConsistentRestorePoint",
    "crash": "CreateCrashConsistentRestorePoint",
    "copy": "CopyRestorePoint",
}


def window(azure: Azure, kind: str) -> tuple[int, float]:
    """So many creates in so many seconds."""
    if azure.switches.compute_frequency == "matrix" and kind != "copy":
        return 1, 3 * HOUR if kind == "application" else HOUR
    return PER_HOUR, HOUR


def taken(azure: Azure, whose: str, kind: str) -> list[float]:
    """When the creates were that still count; `whose`: the VM, or a copy's target collection."""
    since = azure.now() - window(azure, kind)[1]
    return [when for owner, of, when in azure.taken if owner == whose.lower() and of == kind and when > since]


def left(azure: Azure, whose: str, kind: str) -> int:
    return max(0, window(azure, kind)[0] - len(taken(azure, whose, kind)))


def count(azure: Azure, whose: str, kind: str) -> None:
    oldest = azure.now() - 3 * HOUR
    azure.taken = [each for each in azure.taken if each[2] > oldest]
    azure.taken.append((whose.lower(), kind, azure.now()))


def over_hourly(azure: Azure, whose: str, kind: str) -> Refused | None:
    """The documented 429 of Compute when there were too many, None when there were not."""
    if azure.switches.compute_hourly_limit == "off":
        return None
    allowed, seconds = window(azure, kind)
    earlier = taken(azure, whose, kind)
    if len(earlier) < allowed:
        return None
    refusal = Refused(
        429,
        "OperationNotAllowed",
        "The server rejected the request because too many requests have been received for this subscription.",
    )
    measured = {
        "operationGroup": GROUPS[kind],
        "allowedRequestCount": allowed,
        "measuredRequestCount": len(earlier) + 1,
    }
    refusal.details = [{"code": "TooManyRequests", "target": GROUPS[kind], "message": json.dumps(measured)}]
    refusal.retry_after = max(1, math.ceil(earlier[-allowed] + seconds - azure.now()))
    return refusal


def over_points(azure: Azure, vm_id: str) -> Refused | None:
    """The limit of points per VM, over all its collections."""
    limit = azure.switches.compute_max_points
    if len(azure.points_of(vm_id)) < limit:
        return None
    return Refused(
        409,
        "VMRestorePointClientError",
        f"The number of restore points across restore point collections and resource groups for a VM cannot exceed "
        f"{limit}. Delete existing restore points and retry.",
    )
