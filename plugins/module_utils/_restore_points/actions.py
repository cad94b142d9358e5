# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan may do with a restore point or a collection."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from datetime import datetime

from .._core.plan import Action, in_parentheses


@dataclass(frozen=True)
class ResourceAction(Action):
    """An action on an Azure resource. `fields` are those that the user set: name -> {before, after}."""

    fields: t.Mapping[str, t.Mapping[str, t.Any]] = field(default_factory=dict)

    def details(self) -> dict[str, t.Any]:
        return {"resource": self.target.id, "fields": {name: dict(change) for name, change in self.fields.items()}}

    def covered(self) -> dict[str, t.Any]:
        return {"fields": self._after()}

    def title(self) -> str:
        return f"{self.verb} {self.target}{in_parentheses(self._after())}"

    def _after(self) -> dict[str, t.Any]:
        return {name: change.get("after") for name, change in self.fields.items()}


@dataclass(frozen=True)
class CreateResource(ResourceAction):
    """A new resource."""

    verb = "create"


@dataclass(frozen=True)
class UpdateResource(ResourceAction):
    """Another value for what the service lets one change."""

    verb = "update"


@dataclass(frozen=True)
class DeleteResource(ResourceAction):
    """The resource goes; `fields` name what goes with it.

    `created`: when the restore points that go were made, where it is known. An approval covers them, and not others of
    their names.
    """

    verb = "delete"
    created: tuple[datetime, ...] = ()

    def covered(self) -> dict[str, t.Any]:
        return super().covered() | ({"created": [each.isoformat() for each in self.created]} if self.created else {})


@dataclass(frozen=True)
class NoOp(ResourceAction):
    """The resource that already satisfies the spec, or is in progress, and why: nothing is written."""

    verb = "keep"
    writes = False
