# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each step of a plan: one write, its operation, and the reading that proves it.

What a lost answer leaves open is settled by reading, never by sending again; the one exception is a delete by id, which
a listing has just shown to be still to do.
"""

from __future__ import annotations

import random
import typing as t
from contextlib import suppress
from dataclasses import replace

from .._checkpoints.identity import is_another, marked, only_new, stands_on
from .._checkpoints.planner import Memory
from .._core.errors import Locked, NotFound, NotVerified, OperationFailed, OutcomeUnknown
from .._core.model import VM, Checkpoint, Inventory
from .._core.operation import Operation, Status
from .._core.ownership import Mark, generated, id_hash, join
from .._core.plan import Action, Create, Delete, Power, Restore, Step, Update
from .._core.times import show_seconds
from .._http.client import ResponseLost
from .._providers.base import Provider
from .readiness import bringing
from .verification import CLAIMING, Pace, Proof, unread

Find = t.Callable[[Inventory], "Checkpoint | None"]


class Steps:
    """Carries out one step. What it learns (`checkpoint`, `nonce`, `duplicates`, `warnings`) is read afterwards.

    `lost` says that a write left whose answer did not come, and that it was sent once more; `carried_out`, beside
    Locked, that the step itself is done and only what comes next must be planned anew; `needed`, that what comes behind
    this step needs what it has made.
    """

    def __init__(
        self,
        provider: Provider,
        pace: Pace,
        started: t.Callable[[Operation], None],
        own: t.Container[str | None] = (),
        *,
        wait: bool = True,
        needed: bool = False,
    ) -> None:
        self._provider = provider
        self._pace = pace
        self._proof = Proof(provider, pace, own)
        self._started = started
        self._wait = wait
        self._needed = needed
        self.checkpoint: Checkpoint | None = None
        self.nonce = ""
        self.duplicates: list[Checkpoint] = []
        self.warnings: list[str] = []
        self.changed = False
        self.lost = False
        self.carried_out = False
        self._sent = False

    async def do(self, action: Action, actual: Inventory, memory: Memory) -> Inventory:
        """Carry out `action` on the VM as last read; the VM as it is afterwards.

        Once a write has left, no error may say that it is safe to run again: what keeps us from reading leaves it open.
        """
        try:
            return await self._do(action, actual, memory)
        except CLAIMING as problem:
            if not self._sent:
                raise
            raise unread(problem, str(action.vm), f"the {action.verb}") from None

    async def _do(self, action: Action, actual: Inventory, memory: Memory) -> Inventory:
        if isinstance(action, Create):
            return await self._create(action, actual, memory)
        if isinstance(action, Update):
            return await self._update(action, actual)
        if isinstance(action, Delete):
            return await self._delete(action, actual)
        if isinstance(action, Restore):
            return await self._restore(action, actual)
        if isinstance(action, Power):
            return await self._power(action, actual)
        if isinstance(action, Step):
            return await self._step(action)
        raise TypeError(f"no step carries out {action.verb!r}")

    async def _create(self, action: Create, actual: Inventory, memory: Memory) -> Inventory:
        """Ours is recognised by the mark's nonce; done when the host has made it or `settle_time` is over."""
        vm, context = action.vm, f'creating checkpoint "{action.name}"'
        # Where the name is all that a service keeps, a restore_key is told by it.
        unique = self._provider.capabilities.names_unique
        self.nonce = action.key[:12] if action.key and unique else f"{random.getrandbits(48):012x}"
        power = memory.power if action.safety and memory.power in ("on", "off") else None
        target = id_hash(action.back_from) if action.back_from else None
        mark = Mark(self.nonce, actual.now, safety=action.safety, power=power, key=action.key, target=target)
        known = {c.id.lower() for c in actual.checkpoints}
        name = generated(action.name, actual.now, self.nonce) if action.generate else action.name

        def ours(now: Inventory) -> Checkpoint | None:
            if unique:
                return next((c for c in now.checkpoints if c.name.lower() == name.lower()), None)
            return marked(now, self.nonce) or (only_new(now, known, name) if self.changed else None)

        try:
            operation = await self._provider.create(vm, name, join(action.description or "", mark))
        except ResponseLost as problem:
            self._sent = True
            found = await self._proof.until(vm, lambda now: ours(now) is not None)
            if found is None:
                raise self._proof.unsettled(problem, vm, "the create") from None
            self.changed = True
            lost = await self._proof.started_since(vm, actual.now, "create")
            if lost is not None:
                self._started(lost)
                await self._guessed(lost, vm, context, problem)
        else:
            self._started(operation)
            self.changed = self._sent = True
            if not self._wait:
                found = await self._provider.read(vm)
                self.checkpoint = ours(found)
                return found
            status = await self._made_by(operation, vm, context, ours)
            found = await self._proof.until(vm, lambda now: ours(now) is not None)
            if found is None and status.state == "unknown":
                raise self._unproven(operation, vm, context)
            if found is None:
                raise self._proof.not_shown(vm, context, operation)
        self.changed = True
        # The host's id comes after the job (seen: null at creation, present later); null for long is no failure.
        settled = await self._proof.until(vm, lambda now: (c := ours(now)) is not None and c.usable is not None)
        if (
            settled is None
            and (running := await self._provider.latest(vm)) is not None
            and running.last.state == "running"
            and running.work == "create"
        ):
            # A service that shows the work itself is waited for to its end. It may be somebody else's, so that not its
            # end but a reading tells what came of ours.
            with suppress(Locked, OperationFailed):
                await self._proof.ended(running, vm, context)
        actual = settled or await self._provider.read(vm)
        self.checkpoint = ours(actual)
        if self.checkpoint is None:
            raise NotVerified(f"{context}: it was there and is gone again.", subject=str(vm))
        if self.checkpoint.usable is False:
            raise OperationFailed(
                f"{context}: it was made, and the service shows it as unusable ({self.checkpoint.id}).",
                subject=str(vm),
                remedy="Run the task again, or look why it failed.",
            )
        if self.checkpoint.usable is None and action.strict:
            raise NotVerified(
                f"{context}: {self.checkpoint.id} exists, but nobody can say yet whether it is usable, and max_age "
                "takes nothing less.",
                subject=str(vm),
                remedy="Look at it and run the task again.",
            )
        if self.checkpoint.usable is None:
            self.warnings.append(
                f'{vm}: checkpoint "{action.name}" ({self.checkpoint.id}) exists, but the host\'s id for it did not '
                f"come within {show_seconds(self._pace.settle_time)}; whether it is usable is open."
            )
        self.checkpoint = await self._arrived(action, actual, self.checkpoint)
        twins = [c for c in actual.checkpoints if c.name == name and c.id.lower() not in known]
        self.duplicates = [c for c in twins if c.id != self.checkpoint.id]
        for twin in self.duplicates:
            self.warnings.append(
                f'{vm}: somebody made another "{action.name}" at the same time: {twin.id}; both are kept.'
            )
        return actual

    async def _arrived(self, action: Create, actual: Inventory, made: Checkpoint) -> Checkpoint:
        """The new checkpoint: with all of its data where anything needs that, else told to be still on its way."""
        vm, context = action.vm, bringing(made)
        operation = await self._provider.arriving(actual, made) if made.usable else None
        if operation is None:
            return made
        if action.strict or self._needed or operation.last.state == "failed":
            status = await self._end(operation, vm, context)
            if status.state == "unknown":
                raise NotVerified(f"{context}: it was there and is gone again.", subject=str(vm))
            return made
        self.warnings.append(
            f'{vm}: checkpoint "{made.name}" ({made.id}) exists, and its data is still on its way '
            f"({operation.last.text}): it can be restored once all of it is there."
        )
        return replace(made, usable=None)

    async def _update(self, action: Update, actual: Inventory) -> Inventory:
        """The description as the service keeps it, mark included, is what proves it."""
        vm, checkpoint = action.vm, action.checkpoint

        def told(now: Inventory) -> bool:
            found = now.by_id(checkpoint.id)
            return found is not None and found.description == action.description

        text = join(action.description, checkpoint.mark)
        context = f'updating checkpoint "{checkpoint.name}"'
        return await self._simple(
            vm, lambda: self._provider.update(vm, checkpoint, text), told, context, all_or_nothing=True
        )

    async def _delete(self, action: Delete, actual: Inventory) -> Inventory:
        """Gone is proven by a complete list. A lost delete by id is sent once more, after a list that shows it.

        Where names are unique an id follows from one, and whoever makes the checkpoint anew gives it the same: that is
        another one, which nobody has asked to delete.
        """
        vm, checkpoint = action.vm, action.checkpoint

        def gone(now: Inventory) -> bool:
            found = now.by_id(checkpoint.id)
            return found is None or is_another(found, checkpoint)

        now = await self._simple(
            vm,
            lambda: self._provider.delete(vm, checkpoint),
            gone,
            f'deleting checkpoint "{checkpoint.name}" ({checkpoint.id})',
            again=True,
            all_or_nothing=True,
        )
        found = now.by_id(checkpoint.id)
        if found is not None and is_another(found, checkpoint):
            self.carried_out = self.changed
            raise Locked(f'checkpoint "{checkpoint.name}" was made anew by somebody else', subject=str(vm))
        return now

    async def _restore(self, action: Restore, actual: Inventory) -> Inventory:
        """The terminal operation is the proof; the VM's pointer only where it had to move. Never sent twice."""
        vm, target = action.vm, action.checkpoint
        must_move = actual.current_known and not stands_on(actual, target)
        context = f'restoring to checkpoint "{target.name}" ({target.id})'

        def moved(now: Inventory) -> bool:
            return must_move and stands_on(now, target)

        try:
            operation = await self._provider.restore(vm, target)
        except ResponseLost as problem:
            self._sent = True
            found = await self._proof.started_since(vm, actual.now, "restore")
            if found is not None:
                self._started(found)
                await self._guessed(found, vm, context, problem)
            if (found is None or must_move) and await self._proof.until(vm, moved) is None:
                raise self._proof.unsettled(problem, vm, "the restore") from None
            self.changed = True
            return await self._provider.read(vm)
        self._started(operation)
        self.changed = self._sent = True
        if not self._wait:
            return actual
        status = await self._end(operation, vm, context)
        if status.state == "unknown" and not await self._proof.until(vm, moved):
            raise self._unproven(operation, vm, context)
        now = await self._provider.read(vm)
        if must_move and now.current_known and not stands_on(now, target):
            # With a restore_key the next run will go by the pointer, so this one waits for it.
            tries = None if action.keyed else 3
            now = await self._proof.until(vm, lambda read: stands_on(read, target), tries=tries) or now
            if not stands_on(now, target):
                shown = now.current()
                stands_on_them = set() if shown is None else {shown.id, *now.ancestors(shown)}
                again = action.keyed and any(c.is_safety for c in now.checkpoints if c.id in stands_on_them)
                self.warnings.append(
                    f"{vm}: the restore was reported as done, but the service does not show the VM on "
                    f"{target.id} ({target.name})"
                    f"{'; a run with the same restore_key would therefore restore again' if again else ''}."
                )
        return now

    async def _power(self, action: Power, actual: Inventory) -> Inventory:
        """Nothing to do where the VM already is."""
        vm, wanted = action.vm, "on" if action.on else "off"
        now = await self._provider.read(vm)
        if now.power == wanted:
            return now
        return await self._simple(
            vm, lambda: self._provider.power(vm, action.on), lambda read: read.power == wanted, f"turning it {wanted}"
        )

    async def _step(self, action: Step) -> Inventory:
        """A part of something larger: nothing to do where it is done, else a write like any other."""
        vm = action.vm
        now = await self._provider.read(vm)
        if self._provider.taken(action, now):
            return now
        return await self._simple(
            vm, lambda: self._provider.take(action, now), lambda read: self._provider.taken(action, read), action.do
        )

    async def _simple(
        self,
        vm: VM,
        send: t.Callable[[], t.Awaitable[Operation]],
        proven: t.Callable[[Inventory], bool],
        context: str,
        *,
        again: bool = False,
        all_or_nothing: bool = False,
    ) -> Inventory:
        """A write whose effect a reading shows. `again` allows one more try after a loss that reading proved undone.

        With `all_or_nothing` a reading also tells what a failed one has changed.
        """
        try:
            operation = await send()
        except ResponseLost as problem:
            self._sent = True
            found = await self._proof.until(vm, proven)
            if found is None and again:
                self.lost = True
                return await self._simple(vm, send, proven, context, all_or_nothing=all_or_nothing)
            if found is None:
                raise self._proof.unsettled(problem, vm, context) from None
            self.changed = True
            return found
        except NotFound:
            # Somebody else may have done it: a reading decides, not the 404 alone.
            now = await self._provider.read(vm)
            if not proven(now):
                raise
            self.changed = self.changed or self.lost  # a second delete says 404 because the first one ran
            return now
        self._started(operation)
        self._sent = True
        self.changed = not operation.joined
        if not self._wait:
            return await self._provider.read(vm)
        try:
            await self._end(operation, vm, context)
        except OperationFailed:
            if not all_or_nothing:
                raise
            now = await self._provider.read(vm)
            self.changed = proven(now)
            # What the lost one did late cannot be done again, and Arc says so by a failed operation instead of a 404.
            if not (self.lost and self.changed):
                raise
            return now
        found = await self._proof.until(vm, proven)
        if found is None:
            raise self._proof.not_shown(vm, context, operation)
        return found

    async def _guessed(self, found: Operation, vm: VM, context: str, problem: ResponseLost) -> None:
        """Wait for an operation that is taken for the one whose answer was lost; its failure may be somebody else's."""
        try:
            await self._end(found, vm, context)
        except (Locked, OperationFailed):
            raise self._proof.unsettled(problem, vm, context) from None

    def _unproven(self, operation: Operation, vm: VM, context: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"{context} was accepted, but the service shows no such operation, and nothing else proves it.",
            subject=str(vm),
            remedy="Look at the VM before you run the task again.",
            operation=operation.to_result(),
        )

    async def _end(self, operation: Operation, vm: VM, context: str) -> Status:
        try:
            status = await self._proof.ended(operation, vm, context)
        except Locked:
            self.changed = False
            raise
        self.warnings += [f"{vm}: {context}: {text}" for text in status.warnings]
        return status

    async def _made_by(self, operation: Operation, vm: VM, context: str, ours: Find) -> Status:
        """Wait for a create. What a failed one has left is named in the error, not deleted."""
        try:
            return await self._end(operation, vm, context)
        except OperationFailed as problem:
            left = ours(await self._provider.read(vm))
            if left is None:
                self.changed = False
            else:
                problem.notes.append(f"It left the checkpoint {left.id} behind, which may be unusable.")
            raise
