# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=redundant-keyword-arg # it does not see the fields of a dataclass's base in another room
"""What a plan does about pins: set, changed and lifted, and what goes only by its id. Pure."""

from __future__ import annotations

import typing as t
from datetime import timedelta

from .._core.capabilities import Capabilities
from .._core.errors import Pinned, UnknownTime, Unsupported
from .._core.model import Checkpoint, ObservedVm
from .._core.pins import PinRequest
from .._core.plan import Action
from .._core.spec import Present
from .actions import Delete, PinChange, SetLock, SetPin
from .selection import oldest_first

KEPT = "it is pinned"
"""Why a plan keeps what it would otherwise remove."""
_POLICY = "Name it under pins of vm_checkpoint_policy, which keeps it all the same."


def refuse_pinned(actual: ObservedVm, gone: t.Iterable[Checkpoint]) -> None:
    """Pinned where one of those that would go is."""
    pinned = [(c, pin) for c in gone if (pin := actual.holding_pin(c)) is not None]
    if not pinned:
        return
    listed = ", ".join(f'"{c.name}" ({c.id}) is {pin.shown()}' for c, pin in pinned[:20])
    more = f", and {len(pinned) - 20} more are" if len(pinned) > 20 else ""
    raise Pinned(
        f"checkpoint {listed}{more}.",
        remedy="Lift the pin (pin: false), or name it by checkpoint_id with ignore_pin: true.",
        changed_nothing=True,
    )


def unlocking(actual: ObservedVm, checkpoint: Checkpoint, reason: str, *, lift: bool = False) -> list[Action]:
    """What goes before a checkpoint: the lock that is left of an ended pin, with `lift` that of one that holds too."""
    locked = checkpoint.locked and (lift or (checkpoint.kept is not None and not actual.is_pinned(checkpoint)))
    return [SetLock(actual.vm, reason, checkpoint=checkpoint, on=False)] if locked else []


def removal(actual: ObservedVm, checkpoint: Checkpoint, reason: str, *, lift: bool = False) -> list[Action]:
    """What removes a checkpoint; with `lift` its pin goes first."""
    first = unlocking(actual, checkpoint, reason, lift=lift)
    if lift and checkpoint.kept is not None:
        first.append(SetPin(actual.vm, reason, checkpoint=checkpoint, pin=PinChange(None, checkpoint.kept)))
    return [*first, Delete(actual.vm, reason, checkpoint=checkpoint)]


def removals(actual: ObservedVm, reason: str, gone: t.Sequence[Checkpoint], *, lift: bool = False) -> list[Action]:
    """What removes several, oldest first."""
    return [action for c in oldest_first(actual, gone) for action in removal(actual, c, reason, lift=lift)]


def change_of(spec: Present, actual: ObservedVm, checkpoint: Checkpoint) -> PinChange | None:
    """What is to change of the pin of a checkpoint that exists; None where it is as asked for.

    A pin that has ended is none: not one that is there, and not one that is asked for.
    """
    if spec.pin is None:
        return None
    before = checkpoint.pin if actual.is_pinned(checkpoint) else None
    request, after = spec.pin_request, None
    if request is not None:
        created = checkpoint.ownership.at or checkpoint.created
        if created is None and isinstance(request.until, timedelta):
            raise UnknownTime(
                f'pin_until: is a duration from the creation of "{checkpoint.name}" ({checkpoint.id}), and the service '
                "keeps no time for it.",
                remedy="Give a time.",
            )
        after = request.for_creation(created or actual.now)
        if not after.holds(actual.earliest_now):
            request = after = None
    return None if before == after else PinChange(request, before, after)


def fits(spec: Present, actual: ObservedVm, capabilities: Capabilities, checkpoint: Checkpoint) -> bool:
    """Whether pin and lock of a checkpoint are as asked for."""
    return change_of(spec, actual, checkpoint) is None and _lock_of(spec, actual, checkpoint, capabilities) is None


def in_mark(spec: Present, actual: ObservedVm, capabilities: Capabilities, checkpoint: Checkpoint) -> PinChange | None:
    """The change of a pin that the checkpoint's mark holds; Unsupported where nothing can change that."""
    if capabilities.pins_apart:
        return None
    refuse_lock(spec, capabilities)
    change = change_of(spec, actual, checkpoint)
    if change is None or (capabilities.can_update_description and checkpoint.mark is not None):
        return change
    named = f'checkpoint "{checkpoint.name}" ({checkpoint.id})'
    if checkpoint.mark is None:
        raise Unsupported(
            f"pin: {named} bears no mark of this collection, in which {capabilities.title} could keep a pin.",
            remedy=_POLICY,
            changed_nothing=True,
        )
    raise Unsupported(
        f"pin: {named} is {'not pinned' if change.before is None else change.before.shown()}, and "
        f"{capabilities.title} has no way to change that: a pin is set when a checkpoint is made.",
        remedy=_POLICY if change.request is not None else "Remove it by checkpoint_id with ignore_pin: true.",
        changed_nothing=True,
    )


def refuse_lock(spec: Present, capabilities: Capabilities) -> None:
    """Unsupported where no lock can enforce a pin."""
    if spec.pin_lock and not capabilities.pins_apart:
        raise Unsupported(
            f"pin_lock: {capabilities.title} has no locks that keep a checkpoint.",
            remedy="Leave pin_lock out; it is Azure's.",
            changed_nothing=True,
        )


def apart(spec: Present, actual: ObservedVm, capabilities: Capabilities, checkpoint: Checkpoint) -> list[Action]:
    """The writes that change pin and lock of a checkpoint that exists: locked last, and unlocked first."""
    if not capabilities.pins_apart:
        return []
    change, lock = change_of(spec, actual, checkpoint), _lock_of(spec, actual, checkpoint, capabilities)
    actions: list[Action] = []
    if change is not None:
        actions += actual.pin_prelude if change.request is not None and checkpoint.kept is None else ()
        actions.append(SetPin(actual.vm, why(change.request), checkpoint=checkpoint, pin=change))
    if lock is not None:
        reason = "pin_lock is set" if lock else "its pin has ended" if spec.pin else "pin is false"
        reason = "pin_lock is false" if spec.pin_lock is False else reason
        action = SetLock(actual.vm, reason, checkpoint=checkpoint, on=lock)
        actions = [*actions, action] if lock else [action, *actions]
    return actions


def of_new(
    name: str, spec: Present, actual: ObservedVm, capabilities: Capabilities
) -> tuple[PinRequest | None, list[Action]]:
    """The pin that a new checkpoint is made with, or the writes that pin it once it is there."""
    refuse_lock(spec, capabilities)
    request = spec.pin_request
    if request is None or not request.for_creation(actual.now).holds(actual.earliest_now):
        return None, []
    if not capabilities.pins_apart:
        return request, []
    new = Checkpoint(id="", name=name)
    pin = SetPin(actual.vm, why(request), checkpoint=new, pin=PinChange(request))
    locked = [SetLock(actual.vm, "pin_lock is set", checkpoint=new)] if spec.pin_lock else []
    return None, [*actual.pin_prelude, pin, *locked]


def warnings_of(spec: Present, actual: ObservedVm, checkpoint: Checkpoint | None) -> list[str]:
    """That the pin that is asked for has ended already, so that none is set."""
    request = spec.pin_request
    created = actual.now if checkpoint is None else checkpoint.ownership.at or checkpoint.created or actual.now
    if request is None or request.for_creation(created).holds(actual.earliest_now):
        return []
    which = f'checkpoint "{spec.name}"' if checkpoint is None else f'checkpoint "{checkpoint.name}" ({checkpoint.id})'
    return [f"pin_until has passed for {which}, so it is not pinned."]


def _lock_of(spec: Present, actual: ObservedVm, checkpoint: Checkpoint, capabilities: Capabilities) -> bool | None:
    """Whether a lock is to be set (True) or lifted (False); None where it is as asked for."""
    if not capabilities.pins_apart:
        return None
    wanted = spec.pin_lock if spec.pin is not False else False
    if warnings_of(spec, actual, checkpoint):
        wanted = False
    return None if wanted == checkpoint.locked else wanted


def why(request: PinRequest | None) -> str:
    """The reason for a change of a pin."""
    return "pin is false" if request is None else f"pin is set{'' if request.until is None else ', with pin_until'}"
