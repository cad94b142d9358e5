# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "disks that restores of a VM have left"."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from .._arm import ids as _arm_id
from .._core.errors import Locked, Obstructed
from .._core.model import ObservedVm
from .._core.operation import Operation
from .._core.plan import Action, Plan
from .._core.targets import VM
from .._core.times import show_seconds
from .._engine.kind import InProgress, Kind, Remains, WriteRequest
from .._engine.progress import Progress
from .._providers.base import Provider
from .._providers.compute.client import ComputeClient, Request
from .._providers.compute.disk_entities import DiskEntity
from .._providers.compute.state import AzureVmState
from .actions import DeleteLeftover
from .planner import Disks, ObservedDisks, in_use, plan, same_disk
from .specs import LeftoverSpec


class LeftoverDisks(Kind[ObservedDisks]):
    """The disks with these ids, which restores of this VM have left, are to go."""

    def __init__(self, provider: Provider, client: ComputeClient, vm: VM, spec: LeftoverSpec) -> None:
        self.target = self._vm = vm
        self._provider, self._client = provider, client
        self._disks = spec.ids
        self._going = ""

    async def observe(self, *, for_write: bool) -> ObservedDisks:
        """The VM, whose restores the disks come from, and those that are asked for, each by its id."""
        vm = await self._provider.read(self._vm, "restore")
        return _whole(vm, {disk.lower(): await self._client.disk(disk) for disk in self._disks})

    async def read_before(self, action: Action, known: ObservedDisks) -> ObservedDisks:
        """The VM, and the one disk that is to go: with all of them n disks would take n times n readings."""
        vm = await self._provider.read(self._vm, "restore")
        return _whole(vm, await self._again(_disk_of(action).id, known))

    async def prove(self, known: ObservedDisks) -> ObservedDisks:
        """The disk that is going."""
        return replace(known, asked=await self._again(self._going, known))

    async def _again(self, disk: str, known: ObservedDisks) -> Disks:
        return {**known.asked, disk.lower(): await self._client.disk(disk)}

    def plan(self, observed: ObservedDisks, progress: Progress[ObservedDisks]) -> Plan:
        """A delete for each that is still there."""
        done = {_disk_of(action).id.lower() for action in progress.actions}
        return plan(self.target, observed, done)

    async def in_progress(
        self, observed: ObservedDisks, progress: Progress[ObservedDisks]
    ) -> tuple[ObservedDisks, InProgress | None]:
        """A removal that others, or a run before this one, have begun."""
        going = [disk.name for disk in observed.asked.values() if disk is not None and disk.state == "deleting"]
        if not going:
            return observed, None
        removal = f"the removal of disk {', '.join(going)}"
        return observed, InProgress(removal, at_deadline=lambda total: self._still_going(removal, total))

    def is_busy(self, observed: ObservedDisks) -> bool:
        """Whether one of the disks is being removed."""
        return any(disk is not None and disk.state == "deleting" for disk in observed.asked.values())

    def _still_going(self, removal: str, total: float) -> Locked:
        return Locked(
            f"{removal} is in progress, still after {show_seconds(total)}.",
            remedy="Raise wait_timeout or try again.",
            changed_nothing=True,
        )

    def write(
        self, action: Action, observed: ObservedDisks, progress: Progress[ObservedDisks]
    ) -> WriteRequest[ObservedDisks]:
        """The DELETE of one disk, and that it is gone."""
        disk = _disk_of(action)
        self._going = disk.id

        def is_gone(now: ObservedDisks) -> bool:
            found = now.asked.get(disk.id.lower())
            return found is None or not same_disk(found, disk)

        def may_resend(now: ObservedDisks) -> bool:
            found = now.asked.get(disk.id.lower())
            return found is not None and same_disk(found, disk) and not in_use(now.state, found)

        return WriteRequest(
            context=f"deleting disk {disk.name}",
            send=partial(self._delete, disk, observed),
            verified=is_gone,
            met_by_others=True,
            may_resend=may_resend,
            remains=lambda now: Remains(is_gone(now)),
            notes=lambda now: self._notes(disk, now),
        )

    async def _delete(self, disk: DiskEntity, observed: ObservedDisks) -> Operation:
        """Somebody may have attached it since the plan: the last reading decides."""
        found = observed.asked.get(disk.id.lower()) or disk
        if why := in_use(observed.state, found):
            raise Obstructed(f"disk {disk.name} is no leftover any more: {why}.", remedy="Leave it out of ids.")
        request = Request("DELETE", _arm_id.quote(disk.id), None, f"deleting disk {disk.name}", to_disk=True)
        return await self._client.send(request)

    def _notes(self, disk: DiskEntity, now: ObservedDisks) -> tuple[str, ...]:
        found = now.asked.get(disk.id.lower())
        if found is None:
            return ()
        return (f"disk {disk.name} has gone, and another one was made under its name since.",)


def _disk_of(action: Action) -> DiskEntity:
    if not isinstance(action, DeleteLeftover):
        raise TypeError(f"no write carries out {action.verb!r}")
    return action.disk


def _whole(vm: ObservedVm, asked: Disks) -> ObservedDisks:
    state: AzureVmState = vm.detail
    last_read = {key: asked.get(key, disk) for key, disk in state.disks.items()}
    disks = {key: disk for key, disk in last_read.items() if disk is not None}
    return ObservedDisks(replace(state, disks=disks), asked, vm.obstacles)
