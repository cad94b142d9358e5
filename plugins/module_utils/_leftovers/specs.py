# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which disks are to go, as the user writes it, validated."""

from __future__ import annotations

import typing as t

from .._arm import ids as _arm_id
from .._core.errors import InvalidInput
from .._core.fields import OptionsModel
from .._deps import pydantic

DISKS = "Microsoft.Compute/disks"


class LeftoverSpec(OptionsModel):
    """The disks with these ids do not exist; each is named once, in the order given."""

    state: t.Literal["absent"]
    ids: list[str]

    @pydantic.field_validator("ids")
    @classmethod
    def _of_disks(cls, given: list[str]) -> list[str]:
        found: dict[str, str] = {}
        for position, each in enumerate(given, 1):
            option = f"ids, element {position} of {len(given)}"
            parsed = _arm_id.parse(each, DISKS, option)
            if parsed.type.lower() != DISKS.lower():
                raise InvalidInput(f"{option}: is the id of one of {parsed.type}, and only disks can be removed.")
            found.setdefault(parsed.canonical, str(parsed))
        return list(found.values())
