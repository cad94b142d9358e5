# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every service must be able to do for the core; docs/adding-a-service.md says how to add one."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime

from .._core.capabilities import Capabilities
from .._core.errors import BadResponse, Unsupported
from .._core.model import Checkpoint, Leftover, ObservedVm
from .._core.operation import Operation
from .._core.pins import Pin
from .._core.plan import Step
from .._core.targets import VM

MACHINES = {"scvmm": "Microsoft.HybridCompute/machines", "compute": "Microsoft.Compute/virtualMachines"}
"""The ARM type of each service's VMs."""


@dataclass(frozen=True)
class Scope:
    """What may be listed whole: SPF's scope is the tenant, Azure's a subscription, which `resource_group` narrows.

    Without a `subscription` it is that of the connection.
    """

    kind: str
    resource_group: str | None = None
    subscription: str | None = None


Purpose = t.Literal["list", "change", "restore", "leftovers"]
"""What a reading is for. `list`: what an inventory shows, and what proves that a checkpoint was made or removed.
`change`: also what a plan must know that makes or removes one. `restore`: also what a restore in place works on, and an
error where that is denied. `leftovers`: the same, as far as it may be read.
"""


def clock(dates: t.Iterable[datetime | None], ours: datetime) -> tuple[datetime, float]:
    """What time it is for a service, by the first Date header there is, and how many seconds it is ahead of us."""
    date = next((each for each in dates if each is not None), None)
    return (ours, 0.0) if date is None else (date, (date - ours).total_seconds())


MAX_CHECKPOINTS = 2000
"""Of one VM: Hyper-V holds 50, Azure 500. Their tree is walked for each of them."""


FAILED_CREATE = (
    "it is unusable: its create failed and left it. Remove it with vm_checkpoint, state: absent and its checkpoint_id."
)


def bounded_count(points: t.Sized, vm: VM) -> None:
    """BadResponse for a list that no service can mean."""
    if len(points) > MAX_CHECKPOINTS:
        raise BadResponse(f"{len(points)} checkpoints were listed, and no service holds so many.", subject=str(vm))


class Provider(t.Protocol):
    """One service. Every write returns an Operation and is sent once; ResponseLost leaves the rest to the caller."""

    capabilities: Capabilities

    async def resolve(self, reference: str) -> VM:
        """The VM that `reference` means: NotFound, Ambiguous, or exactly one."""

    def identify(self, reference: str) -> VM | None:
        """The VM that `reference` names by itself; None where only the service can tell. Whether it exists is open."""

    async def prefetch(self, references: t.Collection[str]) -> None:
        """Read what `resolve` and `first_reading` need for many VMs, where the service gives it in fewer requests."""

    async def list_scope(self, scope: Scope) -> list[VM] | list[ObservedVm]:
        """Every VM of the scope that this user may see; as inventories where one list shows all checkpoints."""

    async def read(self, vm: VM, purpose: Purpose) -> ObservedVm:
        """The VM's state and all its checkpoints; an unreadable list is an error, never an empty one."""

    async def first_reading(self, vm: VM, purpose: Purpose) -> ObservedVm:
        """The same for a plan: what `resolve` or `prefetch` has just read of the VM is not read again."""

    async def read_points(self, known: ObservedVm) -> ObservedVm:
        """What proves that a checkpoint was made or removed: its checkpoints again, and of the VM what is known."""

    async def create(self, vm: VM, name: str, description: str) -> Operation:
        """A new checkpoint. `description` is the whole text, mark included."""

    async def update(self, vm: VM, checkpoint: Checkpoint, description: str) -> Operation:
        """Another description (whole text, mark included) for a checkpoint."""

    async def pin(self, actual: ObservedVm, checkpoint: Checkpoint, pin: Pin | None) -> Operation:
        """Another pin for a checkpoint, or none, where that is a write of its own."""

    async def lock(self, actual: ObservedVm, checkpoint: Checkpoint, on: bool) -> Operation:
        """The lock that has the service enforce a pin is set, or lifted."""

    async def delete(self, vm: VM, checkpoint: Checkpoint) -> Operation:
        """The checkpoint goes; its children stay."""

    async def restore(self, vm: VM, checkpoint: Checkpoint) -> Operation:
        """The VM goes back to the checkpoint."""

    async def power(self, vm: VM, on: bool) -> Operation:
        """The VM is turned on, or off without asking the guest."""

    async def execute_step(self, step: Step, actual: ObservedVm) -> Operation:
        """Send a step of this provider's own."""

    async def readiness(self, actual: ObservedVm, checkpoint: Checkpoint) -> Operation | None:
        """What still brings the data of a checkpoint that a list shows as usable, or has failed to; None when all of it
        is there. Asked only where something depends on it.
        """

    async def leftovers(self, actual: ObservedVm) -> list[Leftover]:
        """What restores and failed creates have left of a VM that was read for a restore."""

    async def current_operation(self, vm: VM) -> Operation | None:
        """The checkpoint work that the service runs or last ran for the VM, where it shows any.

        Its `work` is None where the service does not show yet what it is.
        """


class SingleCallProvider:
    """For services that do everything in one call, and whose checkpoints are complete once they are made."""

    async def readiness(self, actual: ObservedVm, checkpoint: Checkpoint) -> Operation | None:
        """There is nothing to come."""
        return None

    async def pin(self, actual: ObservedVm, checkpoint: Checkpoint, pin: Pin | None) -> Operation:
        """The mark holds it, so that no plan asks for it."""
        raise Unsupported("a pin is no write of its own here.", subject=str(actual.vm))

    async def lock(self, actual: ObservedVm, checkpoint: Checkpoint, on: bool) -> Operation:
        """There are no locks, and no plan asks for one."""
        raise Unsupported("there are no locks that keep a checkpoint.", subject=str(actual.vm))

    async def leftovers(self, actual: ObservedVm) -> list[Leftover]:
        """Our checkpoints that a failed create has left, by their own word or by that of the job that made them."""
        found = []
        for checkpoint in actual.checkpoints:
            if not checkpoint.ownership.managed or checkpoint.usable:
                continue
            making = await self.readiness(actual, checkpoint)
            if checkpoint.usability == "unusable" or (making is not None and making.last.state == "failed"):
                found.append(Leftover("checkpoint", checkpoint.id, checkpoint.name, FAILED_CREATE, checkpoint.created))
        return found

    async def read_points(self, known: ObservedVm) -> ObservedVm:
        """One call shows both."""
        return await self.read(known.vm, "list")

    async def read(self, vm: VM, purpose: Purpose) -> ObservedVm:
        """See Provider."""
        raise NotImplementedError

    async def execute_step(self, step: Step, actual: ObservedVm) -> Operation:
        """There are none."""
        raise Unsupported(f"no such step: {step.summary}.", subject=str(step.target))
