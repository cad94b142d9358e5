# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""x-ms-ratelimit-remaining-resource: what is left of Compute's own quotas, under the names of two eras."""

from __future__ import annotations

import re

from simulator.azure.limits import left
from simulator.wire.exchange import Answer, Call
from simulator.world import World

_RECENT = {  # recorded 2023-12 and 2026-04, the one for lists [I]
    "create": "PutRestorePointSubscriptionMaximum;149",
    "delete": "DeleteRestorePointSubscriptionMaximum;359",
    "get": "LowCostGetRestorePointSubscriptionMaximum;597",
    "list": "HighCostGetRestorePointSubscriptionMaximum;119",
    "operation": "GetOperationResource;44,GetOperationSubscriptionMaximum;14999",
}
_EARLIER = {  # recorded 2023-05
    "create": "CreateRestorePoints3Min;119,CreateRestorePoints30Min;599",
    "delete": "DeleteRestorePoints3Min;349,DeleteRestorePoints30Min;999",
    "get": "LowCostGetRestorePoint3Min;499,LowCostGetRestorePoint30Min;2499",
    "list": "HighCostGetRestorePoint3Min;119,HighCostGetRestorePoint30Min;1199",
    "operation": "GetOperation3Min;14999,GetOperation30Min;29999",
}
_NAMES = {"application": "CreateApplicationConsistentRestorePoint", "crash": "CreateCrashConsistentRestorePoint"}


def with_quota(world: World, call: Call, answer: Answer) -> Answer:
    """The answer with the header; Compute counts collections and points, other things are not known."""
    path = call.path.rstrip("/").lower()
    kind = _kind(path, call.method)
    if kind is None or answer.header("x-ms-failure-cause") is not None:
        return answer
    recent = world.switches.compute_quota_headers == "2026"
    text = (_RECENT if recent else _EARLIER)[kind]
    found = re.fullmatch(r"(?P<collection>.+)/restorepoints/[^/]+", path)
    collection = world.azure.collection(found["collection"]) if found else None
    if recent and kind == "create" and collection is not None and not collection.copies:
        last = collection.points[-1].kind if collection.points else "application"
        if last in _NAMES:
            own = left(world.azure, collection.source, last)
            text = f"{_NAMES[last]};{own},PutRestorePointResource;5,{text}"
    if world.switches.compute_remaining_zero:
        text = re.sub(r";\d+", ";0", text)
        answer.headers.append(("x-ms-throttling-version", "v2"))
    shown = ",".join(f"Microsoft.Compute/{each}" for each in text.split(","))
    return Answer(answer.status, [*answer.headers, ("x-ms-ratelimit-remaining-resource", shown)], answer.body)


def _kind(path: str, method: str) -> str | None:
    if "/operations/" in path and "/microsoft.compute/" in path:
        return "operation"
    if "/restorepointcollections" not in path or "/diskrestorepoints" in path:
        return None
    if method == "GET":
        return "list" if path.endswith("/restorepointcollections") else "get"
    return "delete" if method == "DELETE" else "create"
