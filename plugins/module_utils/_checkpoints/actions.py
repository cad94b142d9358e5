# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan may do with a VM's checkpoints."""

from __future__ import annotations

import typing as t
from abc import ABC, abstractmethod
from dataclasses import dataclass, field

from .._core.model import Checkpoint
from .._core.pins import Pin, PinRequest
from .._core.plan import Action, in_parentheses
from .._core.times import format_time


@dataclass(frozen=True)
class Create(Action):
    """A new checkpoint. `description` is None where the user set none; `safety` marks one taken before a restore.

    With `generate` the name begins a series, and the checkpoint gets a name of its own that starts with it. With
    `require_usable` it must be known to be usable: max_age accepts nothing less. `back_from` is, for a safety
    checkpoint, the id of the one that the restore goes to. `pin` is the one that is made with it.
    """

    verb = "create"
    name: str = ""
    description: str | None = None
    safety: bool = False
    key: str | None = None
    generate: bool = False
    require_usable: bool = False
    back_from: str = ""
    pin: PinRequest | None = None

    def details(self) -> dict[str, t.Any]:
        checkpoint: dict[str, t.Any] = {"name": self.name}
        if self.pin is not None:
            checkpoint |= self.pin.to_result()
        if self.safety:
            checkpoint["safety"] = True
        if self.description is not None:
            checkpoint["description"] = self.description
        return {"checkpoint": checkpoint}

    def covered(self) -> dict[str, t.Any]:
        # A safety checkpoint's name is generated.
        return {"safety": True} if self.safety else self.details()

    def title(self) -> str:
        set_by_user: dict[str, t.Any] = {} if self.description is None else {"description": self.description}
        set_by_user |= {} if self.pin is None else self.pin.to_result()
        return f"create {self.name} of {self.target.name}{in_parentheses(set_by_user)}"


@dataclass(frozen=True)
class CheckpointAction(Action):
    """An action on a checkpoint that exists."""

    checkpoint: Checkpoint = field(default_factory=lambda: Checkpoint(id="", name=""))

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.verb, f"{self.verb} {self.checkpoint.id}".lower())

    def details(self) -> dict[str, t.Any]:
        return {"checkpoint": {"id": self.checkpoint.known_id, "name": self.checkpoint.name}}

    def covered(self) -> dict[str, t.Any]:
        """The very checkpoint: where an id is made of the name, another one may have it by the time of the apply."""
        shown = self.checkpoint
        is_named = shown.created is not None and shown.id.lower().endswith(f"/{shown.name.lower()}")
        created = {"created": shown.created.isoformat()} if is_named and shown.created is not None else {}
        return {"checkpoint_id": shown.id.lower(), **created}

    def title(self) -> str:
        return f"{self.verb} {self.checkpoint.name} of {self.target.name}"


@dataclass(frozen=True)
class PinChange:
    """Another pin for a checkpoint: what the user asked for (None lifts it), the one before, and the one after.

    `after` is None too as long as nobody knows when the checkpoint is made that it counts from.
    """

    request: PinRequest | None
    before: Pin | None = None
    after: Pin | None = None

    def fields(self) -> dict[str, t.Any]:
        """What changes, as plans show it."""
        asked = self.covered()
        if self.after is not None and self.after.until is not None:
            asked["pin_until"] = format_time(self.after.until)
        ended = self.before.until if self.before is not None else None
        found: dict[str, t.Any] = {"pin": {"before": self.before is not None, "after": asked["pin"]}}
        until = {"before": None if ended is None else format_time(ended), "after": asked.get("pin_until")}
        return found if until["before"] == until["after"] else found | {"pin_until": until}

    def covered(self) -> dict[str, t.Any]:
        """What an approval covers: what the user set."""
        return {"pin": False} if self.request is None else self.request.to_result()


@dataclass(frozen=True)
class Update(CheckpointAction):
    """Another description for a checkpoint, another pin in its mark, or both; None leaves it as it is."""

    verb = "update"
    description: str | None = None
    pin: PinChange | None = None

    def details(self) -> dict[str, t.Any]:
        fields: dict[str, t.Any] = {}
        if self.description is not None:
            fields["description"] = {"before": self.checkpoint.description, "after": self.description}
        return {**super().details(), "fields": fields | ({} if self.pin is None else self.pin.fields())}

    def covered(self) -> dict[str, t.Any]:
        return {**super().covered(), **self._set_by_user()}

    def title(self) -> str:
        return f"{super().title()}{in_parentheses(self._set_by_user())}"

    def _set_by_user(self) -> dict[str, t.Any]:
        described = {} if self.description is None else {"description": self.description}
        return described | ({} if self.pin is None else self.pin.covered())


@dataclass(frozen=True)
class _Apart(CheckpointAction, ABC):
    """A write about a checkpoint's pin. One without an id is the one that this task makes."""

    verb = "update"
    relies = False

    def details(self) -> dict[str, t.Any]:
        known = {"id": self.checkpoint.id} if self.checkpoint.id else {}
        return {"checkpoint": {**known, "name": self.checkpoint.name}, "fields": self._fields()}

    def covered(self) -> dict[str, t.Any]:
        named = super().covered() if self.checkpoint.id else {"checkpoint": self.checkpoint.name}
        return {**named, **self._set_by_user()}

    def title(self) -> str:
        return f"{super().title()}{in_parentheses(self._set_by_user())}"

    @abstractmethod
    def _fields(self) -> dict[str, t.Any]:
        """What changes, as plans show it."""

    @abstractmethod
    def _set_by_user(self) -> dict[str, t.Any]:
        """What the user set."""


@dataclass(frozen=True)
class SetPin(_Apart):
    """A pin is set, changed or lifted where that is a write of its own."""

    pin: PinChange = field(kw_only=True)

    @property
    def kinds(self) -> tuple[str, ...]:
        """One that had none takes a place that the service may not have."""
        return (*super().kinds, *(["pin"] if self.pin.request is not None and self.checkpoint.kept is None else []))

    def _fields(self) -> dict[str, t.Any]:
        return self.pin.fields()

    def _set_by_user(self) -> dict[str, t.Any]:
        return self.pin.covered()


@dataclass(frozen=True)
class SetLock(_Apart):
    """The lock that has the service itself enforce a pin is set or lifted."""

    on: bool = True

    @property
    def kinds(self) -> tuple[str, ...]:
        lifts = [] if self.on else [f"unlock {self.checkpoint.id}".lower()]
        return (f"{'lock' if self.on else 'unlock'}_checkpoint", *lifts)

    def _fields(self) -> dict[str, t.Any]:
        return {"pin_lock": {"before": not self.on, "after": self.on}}

    def _set_by_user(self) -> dict[str, t.Any]:
        return {"pin_lock": self.on}


@dataclass(frozen=True)
class Delete(CheckpointAction):
    """A checkpoint goes; its children stay."""

    verb = "delete"


@dataclass(frozen=True)
class Restore(CheckpointAction):
    """The VM goes back to a checkpoint; later ones stay.

    `has_restore_key`: a run with the same restore_key will go by the checkpoint that the VM runs on then. `restores`
    says what comes back with it.
    """

    verb = "restore"
    has_restore_key: bool = False
    terms: t.Mapping[str, t.Any] = field(default_factory=dict)
    restores: str = ""

    def details(self) -> dict[str, t.Any]:
        more = {"restores": self.restores} if self.restores else {}
        return {**super().details(), **({"terms": dict(self.terms)} if self.terms else {}), **more}

    def covered(self) -> dict[str, t.Any]:
        return {**super().covered(), "terms": dict(self.terms)}

    def title(self) -> str:
        return f"{super().title()}{in_parentheses(self.terms)}"


@dataclass(frozen=True)
class Power(Action):
    """The VM is turned on or off; nothing happens where it already is."""

    verb = "power"
    once = True
    on: bool = True

    def details(self) -> dict[str, t.Any]:
        return {"power": "on" if self.on else "off"}

    def title(self) -> str:
        return f"power {'on' if self.on else 'off'} of {self.target.name}"


@dataclass(frozen=True)
class NoOp(CheckpointAction):
    """The checkpoint that already satisfies the spec, and why: nothing is written."""

    verb = "keep"
    writes = False
