# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure counts together, for the one limiter of a task. Pure.

Resource Manager has a token bucket for each subscription (or the tenant), principal and kind of operation: reads
250 and 25 a second, writes and deletes 200 and 10 a second (request-limits-and-throttling). Compute counts by itself as
well; some of that is of one resource alone, such as three restore points of a VM in an hour, and holds nobody else up
(compute-throttling-limits; limitations of restore points; names as recorded in x-ms-ratelimit-remaining-resource).
"""

from __future__ import annotations

import re

from .._http.response import Response

_SUBSCRIPTION = re.compile(r"/subscriptions/([^/?]+)", re.IGNORECASE)
_OF_ONE_RESOURCE = re.compile(
    rb"Create(?:Application|Crash)ConsistentRestorePoint|CopyRestorePoint|PutRestorePointResource|GetOperationResource"
)
_KINDS = {"GET": "reads", "DELETE": "deletes"}


def counted(method: str, url: str, refused: Response | None = None) -> str | None:
    """The bucket that a request belongs to. For a refused one: None where it was counted for its resource alone."""
    if refused is not None and _OF_ONE_RESOURCE.search(refused.body[:4096]):
        return None
    scope = _SUBSCRIPTION.search(url)
    return f"{scope[1].lower() if scope else 'tenant'} {_KINDS.get(method, 'writes')}"
