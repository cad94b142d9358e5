# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a policy's plan does with a checkpoint, each with the rule that decided."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._checkpoints.actions import Create, Delete, NoOp


@dataclass(frozen=True)
class CreatePoint(Create):
    """A new checkpoint of the series. Its name holds the time, so that an approval covers what it is made of."""

    template: str = ""
    prefix: str = ""

    def details(self) -> dict[str, t.Any]:
        return {**super().details(), "rule": "max_age"}

    def covered(self) -> dict[str, t.Any]:
        return {"name_template": self.template, "prefix": self.prefix}


@dataclass(frozen=True)
class KeepPoint(NoOp):
    """A checkpoint stays; `rules` are all the counted rules that keep it."""

    rule: str = ""
    rules: tuple[str, ...] = ()

    def details(self) -> dict[str, t.Any]:
        return {**super().details(), "rule": self.rule, "rules": list(self.rules)}


@dataclass(frozen=True)
class RemovePoint(Delete):
    """A checkpoint goes."""

    rule: str = ""

    def details(self) -> dict[str, t.Any]:
        return {**super().details(), "rule": self.rule}
