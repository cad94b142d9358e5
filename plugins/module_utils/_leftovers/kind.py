# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "disks that restores of a VM have left"."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from .._arm import ids as _arm_id
from .._core.errors import Locked, Obstructed
from .._core.model import VM, ObservedVm
from .._core.operation import Operation
from .._core.plan import Action, Plan
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
        self._last: ObservedDisks | None = None

    async def observe(self, *, for_write: bool) -> ObservedDisks:
        """The disks that are asked for, each by its id; for a write also the VM, whose restores they come from."""
        if self._last is None or for_write:
            vm = await self._provider.read(self._vm, "restore")
            self._last = _whole(vm, await self._read_all())
        else:
            self._last = replace(self._last, asked=await self._read_all())
        return self._last

    async def _read_all(self) -> Disks:
        return {disk.lower(): await self._client.disk(disk) for disk in self._disks}

    def plan(self, observed: ObservedDisks, progress: Progress[ObservedDisks]) -> Plan:
        """A delete for each that is still there."""
        done = {action.disk.id.lower() for action in progress.actions if isinstance(action, DeleteLeftover)}
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
        if not isinstance(action, DeleteLeftover):
            raise TypeError(f"no write carries out {action.verb!r}")
        disk = action.disk

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


def _whole(vm: ObservedVm, asked: Disks) -> ObservedDisks:
    state: AzureVmState = vm.detail
    if state.unlisted is not None:
        raise state.unlisted
    fresh = {key: disk for key, disk in asked.items() if disk is not None and key in state.disks}
    gone = {key for key, disk in asked.items() if disk is None}
    disks = {key: disk for key, disk in {**state.disks, **fresh}.items() if key not in gone}
    return ObservedDisks(replace(state, disks=disks), asked, vm.obstacles)
