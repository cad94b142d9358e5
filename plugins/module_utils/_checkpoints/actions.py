# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan may do with a VM's checkpoints."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._core.model import Checkpoint
from .._core.plan import Action, in_parentheses


@dataclass(frozen=True)
class Create(Action):
    """A new checkpoint. `description` is None where the user set none; `safety` marks one taken before a restore.

    With `generate` the name begins a series, and the checkpoint gets a name of its own that starts with it. With
    `require_usable` it must be known to be usable: max_age accepts nothing less. `back_from` is, for a safety
    checkpoint, the id of the one that the restore goes to.
    """

    verb = "create"
    name: str = ""
    description: str | None = None
    safety: bool = False
    key: str | None = None
    generate: bool = False
    require_usable: bool = False
    back_from: str = ""

    def details(self) -> dict[str, t.Any]:
        checkpoint: dict[str, t.Any] = {"name": self.name}
        if self.safety:
            checkpoint["safety"] = True
        if self.description is not None:
            checkpoint["description"] = self.description
        return {"checkpoint": checkpoint}

    def covered(self) -> dict[str, t.Any]:
        # A safety checkpoint's name is generated.
        return {"safety": True} if self.safety else self.details()

    def title(self) -> str:
        set_by_user = {} if self.description is None else {"description": self.description}
        return f"create {self.name} of {self.target.name}{in_parentheses(set_by_user)}"


@dataclass(frozen=True)
class CheckpointAction(Action):
    """An action on a checkpoint that exists."""

    checkpoint: Checkpoint = field(default_factory=lambda: Checkpoint(id="", name=""))

    @property
    def kinds(self) -> tuple[str, ...]:
        return (self.verb, f"{self.verb} {self.checkpoint.id}".lower())

    def details(self) -> dict[str, t.Any]:
        return {"checkpoint": {"id": self.checkpoint.id, "name": self.checkpoint.name}}

    def covered(self) -> dict[str, t.Any]:
        return {"checkpoint_id": self.checkpoint.id.lower()}

    def title(self) -> str:
        return f"{self.verb} {self.checkpoint.name} of {self.target.name}"


@dataclass(frozen=True)
class Update(CheckpointAction):
    """Another description for a checkpoint; nothing else of one can be changed."""

    verb = "update"
    description: str = ""

    def details(self) -> dict[str, t.Any]:
        fields = {"description": {"before": self.checkpoint.description, "after": self.description}}
        return {**super().details(), "fields": fields}

    def covered(self) -> dict[str, t.Any]:
        return {**super().covered(), "description": self.description}

    def title(self) -> str:
        return f"{super().title()}{in_parentheses({'description': self.description})}"


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
