# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure counts together, and what it counts for one resource alone."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.buckets import counted
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import Response

VM = "https://arm.test/subscriptions/S1/resourceGroups/g/providers/Microsoft.Compute/virtualMachines/v?api-version=x"


@pytest.mark.parametrize(
    ("method", "url", "bucket"),
    [
        ("GET", VM, "s1 reads"),
        ("PUT", VM, "s1 writes"),
        ("POST", VM, "s1 writes"),
        ("PATCH", VM, "s1 writes"),
        ("DELETE", VM, "s1 deletes"),
        ("GET", "https://arm.test/providers/Microsoft.ScVmm/locations/E/operationStatuses/1", "tenant reads"),
        ("GET", VM.replace("S1", "s2"), "s2 reads"),
    ],
)
def test_by_subscription_and_kind(method: str, url: str, bucket: str) -> None:
    assert counted(method, url) == bucket
    refused = Response(429, {}, b'{"error":{"code":"SubscriptionRequestsThrottled"}}', "arm")
    assert counted(method, url, refused) == bucket


@pytest.mark.parametrize(
    "group",
    [
        "CreateApplicationConsistentRestorePoint",
        "CreateCrashConsistentRestorePoint",
        "CopyRestorePoint",
        "PutRestorePointResource",
        "GetOperationResource",
    ],
)
def test_what_one_resource_used_up_holds_no_other_up(group: str) -> None:
    body = f'{{"code":"OperationNotAllowed","details":[{{"code":"TooManyRequests","target":"{group}"}}]}}'
    assert counted("PUT", VM, Response(429, {}, body.encode(), "arm")) is None


@pytest.mark.parametrize(("before", "bucket"), [(4096 - 16, None), (4096 - 15, "s1 writes")])
def test_what_was_used_up_stands_at_the_beginning(before: int, bucket: str | None) -> None:
    body = b"." * before + b"CopyRestorePoint"
    assert counted("PUT", VM, Response(429, {}, body, "arm")) == bucket
