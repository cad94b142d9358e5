# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Creating a checkpoint: how ours is recognised, and until when it is waited for."""

from __future__ import annotations

import random
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial

from .._core.errors import Locked, NotVerified, OperationFailed
from .._core.formatting import printable
from .._core.model import Checkpoint, ObservedVm
from .._core.normalising import is_form_of, may_come_of
from .._core.operation import Operation
from .._core.ownership import Mark, generated, id_hash, join, name_hash
from .._core.targets import VM
from .._core.times import show_seconds
from .._engine.execution import Execution
from .._engine.kind import Remains, WriteRequest
from .._engine.progress import Completed
from .._providers.base import Provider
from .actions import Create
from .identity import marked, only_new
from .lost import started_since
from .readiness import arrival_of

_PINS = "No other description helps. The option pins of vm_checkpoint_policy keeps checkpoints by name, without a mark."
_NO_HELP = "No other description helps; where only a mark tells the age, max_age makes one in each run."


@dataclass(frozen=True)
class NewCheckpoint:
    """One that is being made. Its mark, or a generated name, holds the `nonce`; `known` are the ids that were there.

    `tells_new`: none of its name was shown without an id before, which would look new as soon as it has one. `made_ids`
    holds the id that the service's answer gave it, once there is one.
    """

    action: Create
    name: str
    nonce: str
    mark: Mark
    known: frozenset[str]
    unique_names: bool
    tells_new: bool
    made_ids: set[str] = field(default_factory=set)

    @property
    def description(self) -> str:
        """As it is sent."""
        return join(self.action.description or "", self.mark)

    @classmethod
    def of(cls, action: Create, observed: ObservedVm, power: str | None, unique_names: bool) -> NewCheckpoint:
        """A fresh nonce, but from the restore_key where the name is all that a service keeps of it."""
        nonce = action.key[:12] if action.key and unique_names else f"{random.getrandbits(48):012x}"
        power = power if action.safety and power in ("on", "off") else None
        target = id_hash(action.back_from) if action.back_from else None
        name = generated(action.name, observed.now, nonce) if action.generate else action.name
        mark = Mark(
            nonce, observed.now, safety=action.safety, power=power, key=action.key, target=target, name=name_hash(name)
        )
        if action.pin is not None:
            mark = mark.with_pin(action.pin.for_creation(observed.now))
        known = frozenset(c.id.lower() for c in observed.checkpoints)
        tells_new = not any(not c.identified and may_come_of(name, c.name) for c in observed.checkpoints)
        return cls(action, name, nonce, mark, known, unique_names, tells_new)

    def find_ours(self, observed: ObservedVm) -> Checkpoint | None:
        """The one that is surely ours."""
        if self.unique_names:
            return next((c for c in observed.checkpoints if c.name.lower() == self.name.lower()), None)
        answered = next((c for c in observed.checkpoints if c.id.lower() in self.made_ids), None)
        return answered or marked(observed, self.nonce)

    async def send(self, provider: Provider, vm: VM) -> Operation:
        """Have it made. An id that was there before is not that of something new, whatever the answer says."""
        self.made_ids.clear()
        operation = await provider.create(vm, self.name, self.description)
        if operation.made_id is not None and operation.made_id not in self.known:
            self.made_ids.add(operation.made_id)
        return operation

    def find(self, observed: ObservedVm) -> Checkpoint | None:
        """Ours, or once a create was accepted the only new one of the name: a service may drop the mark."""
        by_list = not self.unique_names and self.tells_new
        return self.find_ours(observed) or (only_new(observed, set(self.known), self.name) if by_list else None)

    def duplicates(self, observed: ObservedVm, ours: Checkpoint) -> tuple[Checkpoint, ...]:
        """What others made under the same name at the same time."""
        new = [c for c in observed.checkpoints if c.matches_name(self.name) and c.id.lower() not in self.known]
        return tuple(c for c in new if c.id != ours.id) if self.tells_new else ()


def create_request(
    provider: Provider, vm: VM, action: Create, observed: ObservedVm, power: str | None
) -> WriteRequest[ObservedVm]:
    """A new checkpoint. Done when the host has made it or `settle_time` is over."""
    new = NewCheckpoint.of(action, observed, power, provider.capabilities.names_unique)
    context = f'creating checkpoint "{new.name}"'

    def remains(now: ObservedVm) -> Remains:
        left = new.find(now)
        text = "" if left is None else f"It left the checkpoint {left.id} behind, which may be unusable."
        return Remains(left is not None, text)

    return WriteRequest(
        context=context,
        send=partial(new.send, provider, vm),
        verified=lambda now: new.find(now) is not None,
        verified_after_loss=lambda now: new.find_ours(now) is not None,
        find_lost=started_since(provider, observed, "create"),
        remains=remains,
        may_leave_remains=new.unique_names,
        taken=(lambda now: new.find_ours(now) is not None) if new.unique_names else None,
        complete=lambda now, execution: _complete(provider, new, now, execution),
        result=new.find,
        nonce=new.nonce,
    )


async def _complete(
    provider: Provider, new: NewCheckpoint, observed: ObservedVm, execution: Execution[ObservedVm]
) -> Completed:
    """Until it is known to be usable. The host's id comes after the job (seen: null at creation, present later)."""
    vm, context = observed.vm, f'creating checkpoint "{new.name}"'
    find = new.find_ours if execution.adopted else new.find

    def is_settled(now: ObservedVm) -> bool:
        return (found := find(now)) is not None and not found.is_open

    settled = is_settled(observed)
    if not settled:
        observed, settled = await execution.until(is_settled)
    if not settled:
        # A service that shows the work itself is waited for to its end. It may be somebody else's, so that not its end
        # but a reading tells what came of ours.
        running = await execution.read(partial(provider.current_operation, vm))
        if running is not None and running.last.state == "running" and running.work == "create":
            with suppress(Locked, OperationFailed):
                await execution.ended(running, context)
        observed = await execution.observe()
    made = find(observed)
    if made is None:
        raise NotVerified(f"{context}: it was there and is gone again.")
    if made.usability == "unusable":
        raise OperationFailed(
            f"{context}: it was made, and the service shows it as unusable ({made.id}).",
            remedy="Run the task again, or look why it failed.",
        )
    if new.action.pin is not None and made.pin is None:
        raise NotVerified(
            f"{context}: it was made ({made.id}), and is not pinned: {_lost_mark(new, made)}, which holds the pin.",
            remedy=_to_keep_the_mark(new, made, _PINS),
        )
    made, warnings = await _arrived(provider, new.action, observed, made, execution)
    if made.is_open and execution.required_next:
        raise NotVerified(
            f'checkpoint "{new.action.name}" ({made.id}) exists, but nobody can say yet whether it is usable, so the '
            "rest of the plan was not carried out.",
            remedy="Look at it and run the task again.",
        )
    if not new.unique_names:
        warnings += _stored_otherwise(new, made)
    duplicates = new.duplicates(observed, made)
    warnings += [
        f'somebody made another "{new.action.name}" at the same time: {each.id}; both are kept.' for each in duplicates
    ]
    return Completed(made, duplicates, tuple(warnings))


def _stored_otherwise(new: NewCheckpoint, made: Checkpoint) -> list[str]:
    """That the service has changed the name, or dropped the mark, by which alone the next run knows what is ours."""
    warnings, name = [], new.name
    if made.name != name:
        known = " It is known by its mark."
        if not made.matches_name(name):
            known = " Tasks will not know it by that name, and make another one: give it a name that the service keeps."
        known = known if made.mark else ""
        warnings.append(f'the service keeps the name "{name}" as "{made.name}" ({made.id}).{known}')
    if made.mark is None:
        remedy = _to_keep_the_mark(new, made, _NO_HELP)
        warnings.append(
            f'checkpoint "{name}" ({made.id}): {_lost_mark(new, made)}. It counts as somebody else\'s, of unknown age '
            f"where the service shows none. {remedy}"
        )
    return warnings


def _is_cut(new: NewCheckpoint, made: Checkpoint) -> bool:
    """Whether the description is the beginning of what was sent, so that the mark behind it is missing."""
    sent, kept = (" ".join(text.split()) for text in (new.description, made.description))
    return sent.startswith(kept) or is_form_of(new.description, made.description, whole=False)


def _lost_mark(new: NewCheckpoint, made: Checkpoint) -> str:
    """What the service has done to the mark."""
    if not made.description:
        return "the service has not kept the description, nor this collection's mark in it"
    if _is_cut(new, made):
        return (
            f"the service has cut the description to {len(made.description)} characters, and this collection's mark "
            "with it"
        )
    return f'the service keeps the description as "{printable(made.description, 60)}", without this collection\'s mark'


def _to_keep_the_mark(new: NewCheckpoint, made: Checkpoint, otherwise: str) -> str:
    """A shorter description, where that would leave room for the mark."""
    helps = new.action.description and _is_cut(new, made) and len(made.description) >= len(str(new.mark))
    return "Give a shorter description, or none." if helps else otherwise


async def _arrived(
    provider: Provider, action: Create, observed: ObservedVm, made: Checkpoint, execution: Execution[ObservedVm]
) -> tuple[Checkpoint, list[str]]:
    """The new checkpoint: with all of its data where anything needs that, else with a warning that it is on its way."""
    if made.is_open and action.require_usable:
        raise NotVerified(
            f'creating checkpoint "{action.name}": {made.id} exists, but nobody can say yet whether it is usable, and '
            "max_age takes nothing less.",
            remedy="Look at it and run the task again.",
        )
    if made.is_open:
        return made, [
            f'checkpoint "{action.name}" ({made.id}) exists, but the host\'s id for it did not come within '
            f"{show_seconds(execution.settle_time)}; whether it is usable is open."
        ]
    operation = await execution.read(partial(provider.readiness, observed, made))
    if operation is None:
        return made, []
    if action.require_usable or execution.required_next or operation.last.state == "failed":
        if await execution.ended(operation, arrival_of(made)) == "unknown":
            raise NotVerified(f"{arrival_of(made)}: it was there and is gone again.")
        return made, []
    return replace(made, usability="arriving"), [
        f'checkpoint "{made.name}" ({made.id}) exists, and its data is still on its way '
        f"({operation.last.text}): it can be restored once all of it is there."
    ]
