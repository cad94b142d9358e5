# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""VMs that are given by ARM ids, and what of one is missing: subscription, resource group or VM."""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod

from .._arm.client import NO_GROUP, NO_SUBSCRIPTION, Arm
from .._arm.errors import code_of
from .._arm.ids import ArmId, parse
from .._core.capabilities import Capabilities
from .._core.errors import BadResponse, CheckpointError, NotFound
from .._core.targets import VM

Found = t.TypeVar("Found")


class ArmProvider(ABC, t.Generic[Found]):
    """What the services behind a resource manager have in common. Each has a form of its own for a VM as answered."""

    capabilities: Capabilities

    def __init__(self, arm: Arm) -> None:
        self._arm = arm
        self._resolved: dict[str, Found] = {}

    def identify(self, reference: str) -> VM | None:
        """By ARM id."""
        return self._vm(parse(reference), reference)

    async def resolve(self, reference: str) -> VM:
        """By ARM id; there must be an answer, because not every such id is a VM of the service."""
        vm = self._vm(parse(reference), reference)
        self._resolved[vm.canonical] = await self._first(vm)
        return vm

    async def _resolved_or_first(self, vm: VM) -> Found:
        """What `resolve` has just read."""
        return self._resolved.pop(vm.canonical, None) or await self._first(vm)

    @abstractmethod
    async def _read_vm(self, vm: VM) -> Found:
        """What the service answers of the VM."""

    def _vm(self, arm_id: ArmId, reference: str) -> VM:
        return VM(
            reference=reference,
            name=arm_id.name,
            id=str(arm_id),
            canonical=arm_id.canonical,
            provider=self.capabilities.provider,
            service=self._arm.base,
        )

    @property
    def _hidden(self) -> str:
        return f"or it is hidden from {self._arm.sign_in}"

    async def _first(self, vm: VM) -> Found:
        """The same before anything else was read of the VM: a wrong subscription is a mistake in the id then."""
        try:
            return await self._read_vm(vm)
        except BadResponse as problem:
            raise no_subscription(parse(vm.id), problem, self._hidden) from None


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
