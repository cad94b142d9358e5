# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One VM from what is to what is wished: read, plan, (check mode stops here), apply, wait, read again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .._checkpoints.planner import Memory, plan
from .._checkpoints.restore_planner import evidence_ripens_in
from .._core.errors import BadResponse, CheckpointError, Locked, NotVerified, OutcomeUnknown, TimedOut
from .._core.model import VM, Checkpoint, Inventory
from .._core.operation import Operation
from .._core.plan import Action, Approval, Create, Delete, Plan, Power, Restore, Step
from .._core.spec import Wish
from .._core.times import show_seconds
from .._deps import anyio
from .._providers.base import Provider
from .readiness import refuse_arriving, sure_of
from .steps import Steps
from .verification import Pace, sit_out


@dataclass
class Reconciler:
    """The way of one VM through a task. `actual` and `plan` are what the result shows; `done` what was carried out."""

    provider: Provider
    vm: VM
    wish: Wish
    pace: Pace
    memory: Memory = field(default_factory=Memory)
    before: Inventory | None = None
    actual: Inventory | None = None
    plan: Plan = field(init=False)
    todo: Plan = field(init=False)
    done: list[Action] = field(default_factory=list)
    operation: Operation | None = None
    checkpoint: Checkpoint | None = None
    duplicates: list[Checkpoint] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    changed: bool = False
    timing: dict[str, float] = field(default_factory=dict)
    _own: set[str | None] = field(default_factory=set)
    _open: list[Delete] = field(default_factory=list)
    _at: Step | None = None

    def __post_init__(self) -> None:
        self.plan = self.todo = Plan(self.vm)

    async def prepare(self) -> Plan:
        """Read and plan; nothing is written."""
        start = anyio.current_time()
        self.actual = self.before = await self._read_ripe()
        self.memory = replace(self.memory, power=self.memory.power or self.actual.power)
        made = self._plan_now()
        await refuse_arriving(self.provider, self.wish, made, self.actual)
        self.plan = self.todo = made
        self.timing["read"] = anyio.current_time() - start
        return self.plan

    async def carry_out(self, approval: Approval | None) -> None:
        """Do what the plan says. After a lock the VM is read and planned again; nothing is ever sent a second time."""
        start, pause = anyio.current_time(), self.pace.poll_interval
        try:
            while True:
                try:
                    await self._apply()
                    break
                except Locked as problem:
                    await sit_out(problem, pause, self.pace, str(self.vm), changed=self.changed)
                    pause = min(pause * 2, max(60.0, self.pace.poll_interval))
                    self.actual = await self._read_idle()
                    self._close()
                    self.todo = self._plan_now()
                    self.plan = replace(self.todo, actions=(*self.done, *self.todo.actions))
                    if approval is not None:
                        approval.check([self.todo], part=True, done=self.done)
        except CheckpointError as problem:
            await self._tell_where(problem)
            raise
        finally:
            self.timing["apply"] = anyio.current_time() - start

    def _plan_now(self) -> Plan:
        actual = self._now()
        made = plan(self.wish, actual, self.provider.capabilities, actual.now, self.memory)
        self.warnings = list(dict.fromkeys([*self.warnings, *made.warnings]))
        self.checkpoint = made.satisfied_by
        return made

    async def _apply(self) -> None:
        writes = self.todo.writes
        for position, action in enumerate(writes):
            last = position == len(writes) - 1
            if isinstance(action, Step) and action.about.get("run"):
                self.memory = replace(self.memory, run=str(action.about["run"]))
                self._at = action
            wait = self.pace.wait or not last
            steps = Steps(self.provider, self.pace, self._started, self._own, wait=wait, needed=not last)
            try:
                self.actual = await steps.do(action, self._now(), self.memory)
            except Locked:
                self.memory = replace(self.memory, failed=self.memory.failed | {steps.nonce})
                if steps.carried_out:
                    self.done.append(action)
                if isinstance(action, Delete) and steps.lost:
                    self._open.append(action)
                raise
            except (TimedOut, OutcomeUnknown):
                raise  # it may still come true: the next run goes on from where this one stood
            except CheckpointError as problem:
                if isinstance(action, Step) and action.undo:
                    await self._amend(action, problem)
                raise
            finally:
                self.warnings = list(dict.fromkeys([*self.warnings, *steps.warnings]))
                self.changed = self.changed or steps.changed
            self.done.append(action)
            if isinstance(action, Restore):
                self.memory = replace(self.memory, restored=action.checkpoint.id)
            if isinstance(action, Create):
                self.memory = replace(self.memory, made=self.memory.made | {steps.nonce})
                self.duplicates += steps.duplicates
                if not last and not (steps.checkpoint and steps.checkpoint.usable):
                    raise self._not_proven(action, steps.checkpoint)
            if isinstance(action, Create) and not action.safety:
                self.checkpoint = steps.checkpoint
            elif not isinstance(action, Power) and self.checkpoint is not None:
                self._is_still_there(action)
            if isinstance(action, Restore):
                self.checkpoint = self.actual.by_id(action.checkpoint.id) or action.checkpoint

    def _close(self) -> None:
        """What went after a delete whose answer was lost, while a second one was locked out, went by the first."""
        gone = [action for action in self._open if self._now().by_id(action.checkpoint.id) is None]
        self.done += gone
        self.changed = self.changed or bool(gone)
        self._open = [action for action in self._open if action not in gone]

    async def _amend(self, action: Step, problem: CheckpointError) -> None:
        """Put back what the failed step and those before it have changed; the error says how that went."""
        done = []
        try:
            for step in self.provider.amends(action, self.before or self._now()):
                steps = Steps(self.provider, self.pace, self._started)
                self.actual = await steps.do(step, self._now(), self.memory)
                done += [step.do] if steps.changed else []
        except CheckpointError as worse:
            problem.notes.append(f"Putting the VM back failed too: {worse.message}")
            return
        if done:
            problem.notes.append(f"The VM was put back: {', '.join(done)}.")

    async def _tell_where(self, problem: CheckpointError) -> None:
        """Of a restore in several steps, the error says where it has left the VM, and that the same task goes on."""
        if self._at is None:
            self._tell_power(problem)
            return
        read = ""
        try:
            self.actual = await self.provider.read(self.vm)
        except CheckpointError:
            read = "When last read: "  # the time is over, or there is no way to the service any more
        where = self.provider.standing(self._at, self.before or self._now(), self._now())
        if where:
            problem.notes.append(f"{read}{where}")
            again = "" if "again" in problem.remedy else " Run the same task again: it goes on from where it stands."
            problem.remedy = f"{problem.remedy}{again}".strip()

    def _tell_power(self, problem: CheckpointError) -> None:
        """A restore that turned the VM off, and got no further, says so: nobody else will at night."""
        last = next((action for action in reversed(self.done) if isinstance(action, Power)), None)
        if last is None or last.on:
            return
        safety = next((action.name for action in self.done if isinstance(action, Create) and action.safety), None)
        kept = f' "{safety}" was made before.' if safety else ""
        problem.notes.append(f"The VM was turned off for it, and nothing has turned it on again.{kept}")
        problem.remedy = f"{problem.remedy} Turn the VM on, or run the task with power_after on.".strip()

    def _is_still_there(self, action: Action) -> None:
        """The task's checkpoint must outlive what was done after it: a service might remove children with a parent."""
        found = None if self.checkpoint is None else self._now().by_id(self.checkpoint.id)
        if found is None and isinstance(action, Delete) and self.checkpoint is not None:
            raise NotVerified(
                f'checkpoint "{self.checkpoint.name}" ({self.checkpoint.id}) was there and has gone with '
                f'"{action.checkpoint.name}" ({action.checkpoint.id}).',
                subject=str(self.vm),
                remedy="Look at the VM's checkpoints; this service seems to remove with one what stands on it.",
            )
        self.checkpoint = found or self.checkpoint

    def _not_proven(self, action: Create, made: Checkpoint | None) -> NotVerified:
        """What comes after a new checkpoint (a restore, a removal of older ones) needs it as the way back."""
        return NotVerified(
            f'checkpoint "{action.name}" ({made.id if made else "no id"}) exists, but nobody can say yet whether it is '
            "usable, so the rest of the plan was not carried out.",
            subject=str(self.vm),
            remedy="Look at it and run the task again.",
        )

    def _started(self, operation: Operation) -> None:
        self.operation = operation
        self._own.add(operation.id)

    def _now(self) -> Inventory:
        """The VM as last read."""
        if self.actual is None:
            raise RuntimeError("prepare() comes first")
        return self.actual

    async def _read_idle(self) -> Inventory:
        """The VM when no checkpoint job holds it: what such a job does decides what is still to be done."""
        holder: Operation | None = None
        first = True
        while True:
            actual = await self.provider.read(self.vm)
            if actual.busy is None:
                sure = await sure_of(self.provider, self.pace, self.wish, actual, self.memory)
                if sure is not None:
                    return sure
                continue
            if first:
                holder, first = await self._holder(), False
            if not await self.pace.deadline.sleep(self.pace.poll_interval):
                raise Locked(
                    f"busy ({actual.busy}), still after {show_seconds(self.pace.deadline.total)}.",
                    changed_nothing=not self.changed,
                    subject=str(self.vm),
                    remedy="Raise wait_timeout or try again.",
                    operation=holder.to_result() if holder else None,
                )

    async def _holder(self) -> Operation | None:
        """What keeps the VM busy, for an error's text: whatever keeps us from seeing it is no reason to end."""
        try:
            return await self.provider.latest(self.vm)
        except CheckpointError:
            return None

    async def _read_ripe(self) -> Inventory:
        """The VM when what it shows is evidence of what an earlier run with the same restore_key has done."""
        while True:
            actual = await self._read_idle()
            left = evidence_ripens_in(self.wish, actual, self.provider.capabilities, self.pace.settle_time)
            if not left:
                return actual
            if not await self.pace.deadline.sleep(min(max(left, 1.0), self.pace.poll_interval)):
                raise OutcomeUnknown(
                    "restore_key: the safety checkpoint of an earlier run is so young that it may still be in the "
                    "making, and the VM does not stand on it; whether the restore ran cannot be told yet.",
                    subject=str(self.vm),
                    remedy=f"Run the task again in {show_seconds(max(left, 1.0))}, or raise wait_timeout.",
                )

    def failure(self, problem: CheckpointError) -> CheckpointError:
        """The error with what had been started when it came."""
        problem.default_subject(str(self.vm))
        if isinstance(problem, BadResponse):
            problem.with_subject(str(self.vm))
        if self.changed:
            problem.changed_nothing = False
        if problem.operation is None and self.operation is not None:
            problem.operation = self.operation.to_result()
        return problem
