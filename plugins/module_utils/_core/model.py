# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read of a VM and its checkpoints, in one shape for every service."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass
from datetime import datetime, timedelta

from .clocks import FUTURE, Reading, age, age_at_least, contradicts_stamp, latest_creation
from .normalising import LEAST_MARKED_NAME, may_come_of
from .ownership import Mark, Ownership, name_hash
from .pins import Pin
from .targets import VM
from .times import format_time

Power = t.Literal["on", "off", "unknown"]
Usability = t.Literal["usable", "arriving", "unusable", "unknown"]
"""Whether a checkpoint can be restored, as the service says it. `arriving`: it is being made, or its data is."""


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint. `created` is None where nobody knows; `current` is None where the service does not say.

    `locked`: a pin's lock lies on it, so that the service itself refuses to remove it. Not `identified`: the service
    shows it without an id (yet), and `id` holds words for one. So it can be neither chosen nor removed. `of_another`:
    it is known to be of another VM, which had this one's name.
    """

    id: str
    name: str
    description: str = ""
    host_id: str | None = None
    created: datetime | None = None
    parent_id: str | None = None
    depth: int = 1
    current: bool | None = None
    usability: Usability = "usable"
    mark: Mark | None = None
    owned: Ownership | None = None  # where no mark can say it
    kept: Pin | None = None  # the same of a pin; a mark's own is in the mark
    locked: bool = False
    series: str | None = None
    any_case: bool = False
    root: str | None = None  # the unlisted host id that its chain of parents ends at
    consistency: str | None = None
    identified: bool = True
    of_another: bool = False

    def matches_name(self, name: str) -> bool:
        """Whether it bears the name, or one generated for the series of that name."""
        if not self.any_case:
            return name in (self.name, self.series) or self.was_asked_as(name)
        return name.lower() in (self.name.lower(), (self.series or self.name).lower())

    def was_asked_as(self, name: str) -> bool:
        """Whether the service has made another name of that one: the mark says so, and it may have come of it."""
        return self.bears_mark_of(name) and may_come_of(name, self.name, LEAST_MARKED_NAME)

    def bears_mark_of(self, name: str) -> bool:
        """Whether it was made under that name, as its mark says; somebody may have given it another one since."""
        return self.mark is not None and self.mark.name == name_hash(name)

    @property
    def ownership(self) -> Ownership:
        """Who made it. A claim that anyone may forge: it widens nobody's rights."""
        if self.owned is not None or self.mark is None:
            return self.owned or Ownership()
        return Ownership(True, self.mark.nonce, self.mark.safety, self.mark.created)

    @property
    def usable(self) -> bool:
        """Whether it is known to be restorable."""
        return self.usability == "usable"

    @property
    def is_open(self) -> bool:
        """Whether nobody can say yet if it can be restored."""
        return self.usability in ("arriving", "unknown")

    @property
    def pin(self) -> Pin | None:
        """What keeps it from being removed by anything but a task that names its id; it may have ended."""
        return self.kept or (None if self.mark is None else self.mark.pinned)

    @property
    def known_id(self) -> str | None:
        """Its id, where the service shows one."""
        return self.id if self.identified else None

    def has_id(self, checkpoint_id: str) -> bool:
        """Whether `checkpoint_id`, in any case, is its id or its host id."""
        wanted = checkpoint_id.lower()
        known = wanted == self.id.lower() or (self.host_id is not None and wanted == self.host_id.lower())
        return self.identified and known

    def to_result(self, age: float | None, *, pinned: bool) -> dict[str, t.Any]:
        """The `checkpoint` key of results. Every boolean is one; what is unknown is said by a word beside it."""
        known = {True: "current", False: "elsewhere", None: "unknown"}
        pin = self.pin
        return {
            "id": self.known_id,
            "host_id": self.host_id,
            "name": self.name,
            "description": self.description,
            "created": None if self.created is None else format_time(self.created),
            "parent_id": self.parent_id,
            "depth": self.depth,
            "current": self.current is True,
            "position": known[self.current],
            "usable": self.usable,
            "usability": self.usability,
            "consistency": self.consistency,
            "managed": self.ownership.managed,
            "other_vm": self.of_another,
            "mark": None if self.mark is None else self.mark.to_result(),
            "pinned": pinned,
            "pin_until": format_time(pin.until) if pin is not None and pin.until is not None else None,
            "age_seconds": None if age is None else max(0, int(age)),
        }


@dataclass(frozen=True)
class Obstacle:
    """Why the service would refuse a verb on this VM, found before anything is sent, and what to do about it.

    `verbs` are those of actions (`Action.kinds`): of any (`delete`, or what a step writes to, `change_vm`), or of one
    about a certain thing (`delete` and a checkpoint's id, `delete_disk` and a disk). An action of the kind `lifted_by`
    takes it away.
    """

    verbs: tuple[str, ...]
    why: str
    remedy: str
    lifted_by: str = ""


@dataclass(frozen=True)
class Leftover:
    """What a restore or a failed create has left, and why it is there. A disk is `removable` if nothing needs it."""

    kind: t.Literal["disk", "restore_point", "checkpoint"]
    id: str
    name: str
    reason: str
    created: datetime | None = None
    size_gb: int | None = None
    removable: bool = True

    def to_result(self, vm: VM) -> dict[str, t.Any]:
        """An element of the `leftovers` key."""
        return {
            "vm": vm.reference,
            "vm_id": vm.id,
            "provider": vm.provider,
            "kind": self.kind,
            "id": self.id,
            "name": self.name,
            "reason": self.reason,
            "created": None if self.created is None else format_time(self.created),
            "size_gb": self.size_gb,
            "removable": self.removable,
        }


@dataclass(frozen=True)
class ObservedVm:
    """A VM and the complete list of its checkpoints, as read at `now` by the service's own clock.

    That clock is so many seconds `ahead` of ours (0 where it shows none). `shown` is the latest time that the clock of
    the checkpoints' own times has shown, where it is another. `busy` says what job holds the VM, `refuses` why the VM's
    state allows no checkpoint, in the service's words; `refuses_for_now`: that ends by itself. `current_known` is False
    when the service's pointer is missing or leads to a checkpoint that is not in the list. `obstacles` stand in the way
    of some verbs, `cautions` (verb, text) are warnings about verbs that still go on, `prelude` are the steps a first
    create needs before it and `pin_prelude` those that another pin needs, `next_create` is when the service takes the
    next create where it takes none now, `managed_new` says whether what is made is then managed, `last_operation` is
    the id of the operation that the VM shows as its latest, `unplugged` are its network adapters without a network,
    `from_list` says that a list of many VMs showed it, and `detail` is what only the provider understands
    (`restore_steps` reads it).
    """

    vm: VM
    checkpoints: tuple[Checkpoint, ...]
    now: datetime
    ahead: float = 0.0
    shown: datetime | None = None
    power: Power = "unknown"
    busy: str | None = None
    refuses: str | None = None
    refuses_for_now: bool = False
    current_known: bool = True
    obstacles: tuple[Obstacle, ...] = ()
    cautions: tuple[tuple[str, str], ...] = ()
    prelude: tuple[t.Any, ...] = ()
    pin_prelude: tuple[t.Any, ...] = ()
    next_create: datetime | None = None
    managed_new: bool = True
    last_operation: str | None = None
    unplugged: frozenset[str] = frozenset()
    from_list: bool = False
    detail: t.Any = None

    def _read(self, checkpoint: Checkpoint) -> Reading | None:
        """What the clocks say of it; None where nobody knows when it was made."""
        if checkpoint.created is None:
            return None
        return Reading(checkpoint.created, checkpoint.ownership.at, self.now, self.ahead, self.shown)

    def age(self, checkpoint: Checkpoint) -> float | None:
        """Seconds since it was made, for what has to be fresh; None where nobody knows, or for the future."""
        found = self.age_as_shown(checkpoint)
        return None if found is None or found < -FUTURE.total_seconds() else found

    def age_as_shown(self, checkpoint: Checkpoint) -> float | None:
        """The same, and negative for what its times place in the future, however far."""
        found = self._read(checkpoint)
        return None if found is None else age(found)

    def age_at_least(self, checkpoint: Checkpoint) -> float | None:
        """The same for what is chosen because it is old: where clocks disagree, the youngest age that any gives."""
        found = self._read(checkpoint)
        return None if found is None else age_at_least(found)

    def made_before(self, checkpoint: Checkpoint, moment: datetime) -> bool:
        """Whether it was made before, by every clock that can be asked."""
        found = self._read(checkpoint)
        return found is not None and latest_creation(found) < moment

    def contradicts_mark(self, checkpoint: Checkpoint) -> bool:
        """Whether its mark tells of a later creation than the service's own times allow."""
        found = self._read(checkpoint)
        return found is not None and contradicts_stamp(found)

    def show(self, checkpoint: Checkpoint) -> dict[str, t.Any]:
        """A checkpoint of this VM as results show it."""
        return checkpoint.to_result(self.age(checkpoint), pinned=self.is_pinned(checkpoint))

    def is_pinned(self, checkpoint: Checkpoint) -> bool:
        """Whether a pin keeps it now."""
        return self.holding_pin(checkpoint) is not None

    def holding_pin(self, checkpoint: Checkpoint) -> Pin | None:
        """The pin that keeps it now. Where two clocks differ a pin has ended only by both of them."""
        pin = checkpoint.pin
        return pin if pin is not None and pin.holds(self.earliest_now) else None

    @property
    def earliest_now(self) -> datetime:
        """The earlier of what the service's clock and ours say."""
        return self.now - timedelta(seconds=max(0.0, self.ahead))

    def by_id(self, checkpoint_id: str) -> Checkpoint | None:
        """The checkpoint with that id or host id."""
        return next((c for c in self.checkpoints if c.has_id(checkpoint_id)), None)

    def current(self) -> Checkpoint | None:
        """The checkpoint the VM now runs on top of, if any."""
        return next((c for c in self.checkpoints if c.current), None)

    def ancestors(self, checkpoint: Checkpoint) -> set[str]:
        """The ids of everything `checkpoint` stands on, without itself."""
        parents = {c.id: c.parent_id for c in self.checkpoints}
        found: set[str] = set()
        step = checkpoint.parent_id
        while step is not None and step not in found:
            found.add(step)
            step = parents.get(step)
        return found
