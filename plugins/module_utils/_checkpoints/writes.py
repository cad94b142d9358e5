# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the actions on existing checkpoints, power and steps send, and what proves each."""

from __future__ import annotations

import typing as t

from .._core.errors import NotVerified
from .._core.model import Checkpoint, ObservedVm
from .._core.ownership import join
from .._core.plan import Step
from .._core.targets import VM
from .._engine.execution import Execution
from .._engine.kind import Remains, WriteRequest
from .._engine.progress import Completed, Progress
from .._providers.base import Provider
from .actions import Create, Delete, Power, Restore, SetLock, SetPin, Update
from .identity import description_drift, is_another, is_current, is_gone, keeps, stores
from .lost import started_since


def update_request(provider: Provider, vm: VM, action: Update) -> WriteRequest[ObservedVm]:
    """The description as the service keeps it, mark included, is what proves it."""
    checkpoint = action.checkpoint
    description = checkpoint.description if action.description is None else action.description
    mark = checkpoint.mark
    if mark is not None and action.pin is not None:
        mark = mark.with_pin(action.pin.after)

    def verified(now: ObservedVm) -> bool:
        found = now.by_id(checkpoint.id)
        if found is None or not _is_stored(checkpoint, found, description):
            return False
        return action.pin is None or found.pin == action.pin.after

    def notes(now: ObservedVm) -> tuple[str, ...]:
        found = now.by_id(checkpoint.id)
        if found is None or found.description == description:
            return ()
        return (f'the service keeps another description of checkpoint "{found.name}" than it was sent.',)

    return WriteRequest(
        context=f'updating checkpoint "{checkpoint.name}"',
        send=lambda: provider.update(vm, checkpoint, join(description, mark)),
        verified=verified,
        remains=lambda now: Remains(verified(now)),
        notes=notes,
    )


def _is_stored(before: Checkpoint, now: Checkpoint, description: str) -> bool:
    """Whether the write has taken effect: the service stores the text, whatever it makes of it, or another one."""
    return stores(now, description) or now.description != before.description


def drift_after(progress: Progress[ObservedVm], observed: ObservedVm) -> tuple[dict[str, t.Any], ...]:
    """What the service keeps otherwise of the descriptions that this run has sent."""
    drift = []
    for done in progress.done:
        made = done.completed.result if isinstance(done.action, Create) else getattr(done.action, "checkpoint", None)
        if not isinstance(done.action, (Create, Update)) or done.action.description is None or made is None:
            continue
        found = observed.by_id(made.id)
        if found is not None and not keeps(found, done.action.description):
            drift.append(description_drift(found, done.action.description))
    return tuple(drift)


def pin_request(
    provider: Provider, action: SetPin, observed: ObservedVm, made: Checkpoint | None
) -> WriteRequest[ObservedVm]:
    """A pin that is a write of its own; `made` is the checkpoint of this task."""
    checkpoint = _subject(action.checkpoint, observed, made)
    after = action.pin.after
    if after is None and action.pin.request is not None:
        after = action.pin.request.for_creation(checkpoint.created or observed.now)

    def verified(now: ObservedVm) -> bool:
        found = now.by_id(checkpoint.id)
        return found is not None and found.kept == after

    verb = "lifting the pin of" if after is None else "pinning"
    return WriteRequest(
        context=f'{verb} checkpoint "{checkpoint.name}"',
        send=lambda: provider.pin(observed, checkpoint, after),
        verified=verified,
    )


def lock_request(
    provider: Provider, action: SetLock, observed: ObservedVm, made: Checkpoint | None
) -> WriteRequest[ObservedVm]:
    """The lock that enforces a pin. Lifting it is a delete by id, which may be sent again."""
    checkpoint = _subject(action.checkpoint, observed, made)

    def verified(now: ObservedVm) -> bool:
        found = now.by_id(checkpoint.id)
        return found is not None and found.locked == action.on

    return WriteRequest(
        context=f'{"locking" if action.on else "unlocking"} checkpoint "{checkpoint.name}"',
        send=lambda: provider.lock(observed, checkpoint, action.on),
        verified=verified,
        may_resend=None if action.on else lambda now: True,
    )


def _subject(checkpoint: Checkpoint, observed: ObservedVm, made: Checkpoint | None) -> Checkpoint:
    """The checkpoint that is pinned, as it was read last."""
    wanted = checkpoint if checkpoint.id else made
    found = None if wanted is None else observed.by_id(wanted.id)
    if found is None:
        raise NotVerified(
            f'checkpoint "{checkpoint.name}" was to be pinned, and is not there any more.',
            remedy="Look who has removed it.",
        )
    return found


def delete_request(provider: Provider, vm: VM, action: Delete, observed: ObservedVm) -> WriteRequest[ObservedVm]:
    """Gone is proven by a complete list. A lost delete by id is sent once more, after a list that shows the checkpoint.

    Where names are unique an id follows from one, and whoever makes the checkpoint anew gives it the same: that is
    another one, and the rest of the plan does not know it.
    """
    checkpoint = action.checkpoint

    def another(now: ObservedVm) -> bool:
        found = now.by_id(checkpoint.id)
        return found is not None and is_another(found, checkpoint)

    def gone(now: ObservedVm) -> bool:
        return is_gone(now, checkpoint, observed) or another(now)

    async def complete(now: ObservedVm, execution: Execution[ObservedVm]) -> Completed:
        _require_kept(action, now, execution)
        return Completed()

    return WriteRequest(
        context=f'deleting checkpoint "{checkpoint.name}" ({checkpoint.id})',
        send=lambda: provider.delete(vm, checkpoint),
        verified=gone,
        may_resend=lambda now: True,
        met_by_others=True,
        remains=lambda now: Remains(gone(now)),
        replan=another,
        complete=complete,
    )


def _require_kept(action: Delete, observed: ObservedVm, execution: Execution[ObservedVm]) -> None:
    """The task's own checkpoint must outlive a delete: a service might remove children with a parent."""
    plan, made = execution.progress.plan, [each.completed.result for each in execution.progress.done]
    ours = next((each for each in reversed(made) if each is not None), plan.satisfied_by if plan else None)
    if ours is not None and ours.id != action.checkpoint.id and observed.by_id(ours.id) is None:
        raise NotVerified(
            f'checkpoint "{ours.name}" ({ours.id}) was there and has gone with "{action.checkpoint.name}" '
            f"({action.checkpoint.id}).",
            remedy="Look at the VM's checkpoints; this service seems to remove with one what stands on it.",
        )


def restore_request(provider: Provider, vm: VM, action: Restore, observed: ObservedVm) -> WriteRequest[ObservedVm]:
    """The terminal operation is the proof; the VM's pointer only where it had to move. Never sent twice."""
    target = action.checkpoint
    must_move = observed.current_known and not is_current(observed, target)

    async def complete(now: ObservedVm, execution: Execution[ObservedVm]) -> Completed:
        if not (must_move and now.current_known) or is_current(now, target):
            return Completed()
        # With a restore_key the next run will go by the pointer, so this one waits for it.
        tries = None if action.has_restore_key else 3
        now, shown = await execution.until(lambda read: is_current(read, target), tries)
        return Completed() if shown else Completed(warnings=(_not_shown(action, now),))

    return WriteRequest(
        context=f'restoring to checkpoint "{target.name}" ({target.id})',
        send=lambda: provider.restore(vm, target),
        verified=lambda now: must_move and is_current(now, target),
        proof="operation",
        reading_can_prove=must_move,
        find_lost=started_since(provider, observed, "restore"),
        notes=lambda now: tuple(
            f"the restore brought network adapter {each} back without a network; connect it."
            for each in sorted(now.unplugged - observed.unplugged)
        ),
        complete=complete,
    )


def _not_shown(action: Restore, observed: ObservedVm) -> str:
    target, shown = action.checkpoint, observed.current()
    below = set() if shown is None else {shown.id, *observed.ancestors(shown)}
    again = action.has_restore_key and any(c.ownership.safety for c in observed.checkpoints if c.id in below)
    return (
        "the restore was reported as done, but the service does not show the VM on "
        f"{target.id} ({target.name})"
        f"{'; a run with the same restore_key would therefore restore again' if again else ''}."
    )


def power_request(provider: Provider, vm: VM, action: Power) -> WriteRequest[ObservedVm]:
    """On, or off without asking the guest."""
    state = "on" if action.on else "off"
    return WriteRequest(
        context=f"turning the VM {state}",
        send=lambda: provider.power(vm, action.on),
        verified=lambda now: now.power == state,
        verified_after_loss=lambda now: now.power == state and now.busy is None,
    )


def step_request(provider: Provider, action: Step, observed: ObservedVm) -> WriteRequest[ObservedVm]:
    """A part of something larger: a write like any other."""
    return WriteRequest(
        context=action.activity,
        send=lambda: provider.execute_step(action, observed),
        verified=action.is_done,
        # What it has changed may be shown while it is still at work, and would refuse what comes next.
        verified_after_loss=lambda now: action.is_done(now) and now.busy is None,
    )
