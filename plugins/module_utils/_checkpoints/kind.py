# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "checkpoints of a VM", on any service."""

from __future__ import annotations

import typing as t

from .._core.errors import CheckpointError, InvalidInput, Locked, NotFound, OutcomeUnknown
from .._core.model import Checkpoint, ObservedVm
from .._core.operation import Operation
from .._core.plan import Action, Plan, Step
from .._core.spec import Absent, Present, RestoreRequest, Spec
from .._core.targets import VM
from .._core.times import show_seconds
from .._engine.execution import Execution
from .._engine.kind import InProgress, Kind, Note, Reversals, WriteRequest
from .._engine.progress import Completed, Progress
from .._providers.base import Provider, Purpose
from .actions import Create, Delete, Power, Restore, SetLock, SetPin, Update
from .create import create_request
from .planner import plan
from .progress import CheckpointProgress, last_step
from .readiness import arrival_of, mark_arriving, require_ready
from .restore_planner import evidence_age_left
from .undo import reversals
from .writes import (
    delete_request,
    drift_after,
    lock_request,
    pin_request,
    power_request,
    restore_request,
    step_request,
    update_request,
)


class VmCheckpoints(Kind[ObservedVm]):
    """The checkpoints of one VM. `settle_time` (seconds) is how long a service may hide what was done."""

    def __init__(self, provider: Provider, vm: VM, spec: Spec, settle_time: float) -> None:
        self.target = self.vm = vm
        self.at_once = provider.capabilities.at_once
        self.provider = provider
        self._spec = spec
        self._settle_time = settle_time
        self._holder: Operation | None = None
        self._purpose: Purpose = "restore" if isinstance(spec, RestoreRequest) else "change"
        self._list_proves = not (isinstance(spec, RestoreRequest) or _sets_locks(spec))
        self._proving: Purpose = "list" if self._list_proves else self._purpose

    async def observe(self, *, for_write: bool) -> ObservedVm:
        """The VM's state and all its checkpoints."""
        return await self.provider.read(self.vm, self._purpose if for_write else self._proving)

    async def first_reading(self) -> ObservedVm:
        """The same for the first plan."""
        return await self.provider.first_reading(self.vm, self._purpose)

    async def prove(self, known: ObservedVm) -> ObservedVm:
        """The checkpoints; a restore is proven by the VM's state as well, a lock by the list of locks."""
        if self._list_proves:
            return await self.provider.read_points(known)
        return await self.provider.read(self.vm, self._proving)

    def is_for_all(self, problem: CheckpointError) -> bool:
        """Also that there is no such VM: a wrong name in a list is a mistake in the task."""
        return isinstance(problem, (InvalidInput, NotFound))

    def is_fresh(self, observed: ObservedVm) -> bool:
        """Not what a list of many VMs showed."""
        return not observed.from_list

    def plan(self, observed: ObservedVm, progress: Progress[ObservedVm]) -> Plan:
        """What is needed to get from what exists to the spec."""
        done = CheckpointProgress.of(progress)
        return plan(self._spec, observed, self.provider.capabilities, done)

    async def in_progress(
        self, observed: ObservedVm, progress: Progress[ObservedVm]
    ) -> tuple[ObservedVm, InProgress | None]:
        """A checkpoint job that holds the VM, data that is still arriving, or evidence that is too young to count."""
        held = await self.held(observed)
        if held is not None:
            return observed, held
        done = CheckpointProgress.of(progress)
        observed, arriving = await mark_arriving(self.provider, self._spec, observed, done)
        if arriving is not None:
            return observed, InProgress(arrival_of(arriving[0]), arriving[1])
        left = 0.0
        if not progress.begun:
            left = evidence_age_left(self._spec, observed, self.provider.capabilities, self._settle_time)
        if left <= 0:
            return observed, None
        pause = max(left, 1.0)
        return observed, InProgress("restore_key", seconds=pause, at_deadline=lambda _total: self._too_young(pause))

    async def held(self, observed: ObservedVm) -> InProgress | None:
        """A checkpoint job that holds the VM."""
        if observed.busy is None:
            self._holder = None
            return None
        self._holder = self._holder or await self._current_operation()
        return InProgress(observed.busy, at_deadline=lambda total: self._busy(str(observed.busy), total))

    def is_busy(self, observed: ObservedVm) -> bool:
        """Whether a job holds the VM."""
        return observed.busy is not None

    async def require_ready(self, plan: Plan, observed: ObservedVm) -> None:
        """A restore's checkpoint must have arrived."""
        await require_ready(self.provider, self._spec, plan, observed)

    async def readiness(self, observed: ObservedVm, execution: Execution[ObservedVm]) -> Completed:
        """Nothing is left to wait for; of the descriptions that were sent, what is kept otherwise is drift."""
        plan = execution.progress.plan
        drift = (*(plan.drift if plan is not None else ()), *drift_after(execution.progress, observed))
        return Completed(drift=drift or None)

    def write(self, action: Action, observed: ObservedVm, progress: Progress[ObservedVm]) -> WriteRequest[ObservedVm]:
        """What an action sends and what proves it."""
        if isinstance(action, Create):
            return create_request(self.provider, self.vm, action, observed, CheckpointProgress.of(progress).power)
        if isinstance(action, Update):
            return update_request(self.provider, self.vm, action)
        if isinstance(action, SetPin):
            return pin_request(self.provider, action, observed, made_by(progress))
        if isinstance(action, SetLock):
            return lock_request(self.provider, action, observed, made_by(progress))
        if isinstance(action, Delete):
            return delete_request(self.provider, self.vm, action, observed)
        if isinstance(action, Restore):
            return restore_request(self.provider, self.vm, action, observed)
        if isinstance(action, Power):
            return power_request(self.provider, self.vm, action)
        if isinstance(action, Step):
            return step_request(self.provider, action, observed)
        raise TypeError(f"no write carries out {action.verb!r}")

    def compensation(self, action: Action, before: ObservedVm) -> tuple[Step, ...]:
        """What brings a restore in several steps back to where the VM was."""
        return action.compensation(before) if isinstance(action, Step) else ()

    def reversals(self, observed: ObservedVm, progress: Progress[ObservedVm]) -> Reversals:
        """A Delete of each checkpoint that this run is proven to have made."""
        return reversals(observed, progress)

    async def describe_state(
        self, observed: ObservedVm, progress: Progress[ObservedVm], *, read: bool = True
    ) -> Note | None:
        """A VM that this run has turned off is never off in silence, nor is a checkpoint that was to be pinned."""
        step, off = last_step(progress), _turned_off_by(progress)
        if step is None:
            if off is None:
                return _unpinned(progress)
            now = await self._last_look() if read else None
            return _left_off(progress, off, now.power if now else None)
        now = await self._last_look() if read else None
        observed = now or observed
        where = step.describe_state(progress.before or observed, observed)
        if not where:
            return None
        when = "" if now else "When last read: "
        return Note(f"{when}{where}", "The same task, run again, continues from there.")

    async def _last_look(self) -> ObservedVm | None:
        """The VM; None when the time is over, or there is no way to the service any more."""
        try:
            return await self.provider.read(self.vm, self._proving)
        except CheckpointError:
            return None

    async def _current_operation(self) -> Operation | None:
        """What keeps the VM busy, for an error's text: whatever keeps us from seeing it is no reason to end."""
        try:
            return await self.provider.current_operation(self.vm)
        except CheckpointError:
            return None

    def _busy(self, why: str, total: float) -> Locked:
        return Locked(
            f"busy ({why}), still after {show_seconds(total)}.",
            remedy="Raise wait_timeout or try again.",
            operation=self._holder.to_result() if self._holder else None,
            changed_nothing=True,
        )

    def _too_young(self, left: float) -> OutcomeUnknown:
        return OutcomeUnknown(
            "restore_key: the safety checkpoint of an earlier run is so young that it may still be in the making, and "
            "the VM does not stand on it; whether the restore ran is not known yet.",
            remedy=f"Run the task again in {show_seconds(left)}, or raise wait_timeout.",
        )


def _sets_locks(spec: t.Union[Present, Absent]) -> bool:
    """Whether a lock may be set or lifted, with a pin or before a delete."""
    if isinstance(spec, Present):
        return spec.pin is not None or spec.pin_lock is not None
    return spec.ignore_pin


def ends_on(plan: Plan, progress: Progress[ObservedVm], observed: ObservedVm) -> Checkpoint | None:
    """The checkpoint that the task ends on: the one that was made, restored to, or there already."""
    found = plan.satisfied_by
    for done in progress.done:
        if isinstance(done.action, Create) and not done.action.safety:
            found = done.completed.result
        elif isinstance(done.action, Restore):
            found = observed.by_id(done.action.checkpoint.id) or done.action.checkpoint
        elif not isinstance(done.action, Power) and found is not None:
            found = observed.by_id(found.id) or found
    return found


def made_by(progress: Progress[ObservedVm]) -> Checkpoint | None:
    """The checkpoint that this run has made, but for a safety checkpoint."""
    made = [each for each in progress.done if isinstance(each.action, Create) and not each.action.safety]
    return t.cast("Checkpoint | None", made[-1].completed.result) if made else None


def _unpinned(progress: Progress[ObservedVm]) -> Note | None:
    """That what this run has made is not pinned, or not locked, because of the write that failed."""
    made, begun = made_by(progress), progress.begun[-1] if progress.begun else None
    if made is None or not isinstance(begun, (SetPin, SetLock)) or begun in progress.actions or begun.checkpoint.id:
        return None  # the last: it is about another one, which goes
    state = "pinned" if isinstance(begun, SetPin) else "locked, though pinned"
    may = "may not be" if begun in progress.open else "is not"
    return Note(
        f'Checkpoint "{made.name}" ({made.id}) {may} {state}.',
        "The next run pins the one that exists.",
    )


def _turned_off_by(progress: Progress[ObservedVm]) -> Power | Restore | None:
    """The action that turned the VM off, or may have, unless it has been turned on again since.

    A restore may leave a VM off that ran, such as one to a production checkpoint.
    """
    ran = progress.before is not None and progress.before.power == "on"
    sent = (*progress.actions, *progress.open)
    powers = [action for action in sent if isinstance(action, Power)]
    if powers and powers[-1].on and powers[-1] in progress.actions:
        return None
    off = next((action for action in reversed(powers) if not action.on), None)
    if off is not None:
        return off
    return next((action for action in sent if isinstance(action, Restore)), None) if ran else None


def _left_off(progress: Progress[ObservedVm], off: Power | Restore, power: str | None) -> Note | None:
    """What a run that left the VM off, and got no further, says of it; `power` is None where it cannot be read."""
    if power == "on" and off in progress.actions:
        return None
    remedy = "Turn the VM on, or have the next run do that (power_after: on)."
    look = "Look whether the VM is on; if not, turn it on, or have the next run do that (power_after: on)."
    if isinstance(off, Restore):
        if power == "off":
            return Note("The VM is off; it ran when the task began.", remedy)
        return Note("The VM may be off; it ran when the task began.", look)
    if off not in progress.actions and power != "off":
        return Note("Turning the VM off had begun, and it may be off by now.", look)
    if any(isinstance(action, Power) and action.on for action in progress.unsettled):
        shown = "is not shown as on yet" if power == "off" else "may still be off"
        return Note(f"The VM was turned off for it, and {shown}.", look)
    return Note("The VM was turned off for it, and nothing has turned it on again.", remedy)
