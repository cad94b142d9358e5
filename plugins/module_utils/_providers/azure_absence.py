# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a VM's ARM id is missing, after the resource manager's own words: subscription, resource group or VM."""

from __future__ import annotations

from .._arm.client import NO_GROUP, NO_SUBSCRIPTION
from .._arm.errors import code_of
from .._arm.ids import ArmId
from .._core.errors import BadResponse, CheckpointError, NotFound


def no_subscription(arm_id: ArmId, problem: BadResponse, hidden: str) -> CheckpointError:
    """The error for a subscription that is denied before anything was read in it; any other stays what it is."""
    if code_of(problem) != NO_SUBSCRIPTION:
        return problem
    missing = NotFound("")
    vars(missing).update(vars(problem), subject=f"vm {arm_id.name}")
    missing.message = f"no subscription {arm_id.subscription}, {hidden}."
    return missing


def not_there(arm_id: ArmId, said: NotFound, hidden: str, kind: str, scope: str) -> tuple[str, str]:
    """What is missing and what to do, where the service says that there is no such resource (a `kind`)."""
    if code_of(said) == NO_GROUP:
        why = f"no resource group {arm_id.group} in subscription {arm_id.subscription}, {hidden}."
        return why, f"Check both in the id; vm_checkpoint_info with scope: {scope} lists the subscription's VMs."
    why = f"no such {kind} in resource group {arm_id.group}, {hidden}."
    return why, f"Check the name and the resource group in the id; {vms_of_group(arm_id, scope)}."


def vms_of_group(arm_id: ArmId, scope: str) -> str:
    """What shows which VMs there are beside it."""
    return f"vm_checkpoint_info with scope: {scope} and resource_group: {arm_id.group} lists the VMs there"
