# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a VM's ARM id is missing, by the code of the answer and by no word of its text."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import parse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse, NotFound
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.arm_provider import (
    no_subscription,
    not_there,
)

SUBSCRIPTION = "22222222-0000-4000-8000-000000000002"
VM = parse(f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/web01")
HIDDEN = "or it is hidden from client c"


def test_a_subscription_that_is_not_there_is_a_mistake_in_the_id() -> None:
    said = BadResponse("404", details={"code": "SubscriptionNotFound"}, status=404, request_id="r")
    found = no_subscription(VM, said, HIDDEN)
    assert isinstance(found, NotFound)
    assert str(found) == f"vm web01: no subscription {SUBSCRIPTION}, {HIDDEN}. [request r]"
    assert (found.status, found.details) == (404, {"code": "SubscriptionNotFound"})


@pytest.mark.parametrize("details", [None, {"code": "NotFound", "message": "SubscriptionNotFound"}])
def test_any_other_answer_that_makes_no_sense_stays_one(details: dict[str, str] | None) -> None:
    said = BadResponse("SubscriptionNotFound", details=details)
    assert no_subscription(VM, said, HIDDEN) is said


def test_it_says_whether_the_group_or_the_vm_is_missing() -> None:
    group = NotFound("x", details={"code": "ResourceGroupNotFound"})
    assert not_there(VM, group, HIDDEN, "VM", "compute") == (
        f"no resource group rg in subscription {SUBSCRIPTION}, {HIDDEN}.",
        "Check both in the id; vm_checkpoint_info with scope: compute lists the subscription's VMs.",
    )
    gone = NotFound("ResourceGroupNotFound", details={"code": "ResourceNotFound"})
    assert not_there(VM, gone, HIDDEN, "VM", "compute") == (
        f"no such VM in resource group rg, {HIDDEN}.",
        "Check the name and the resource group in the id; vm_checkpoint_info with scope: compute and resource_group: "
        "rg lists the VMs there.",
    )
