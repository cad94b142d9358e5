# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure's resources are made of, wherever it stands: names, ids, times, tags, locations."""

from __future__ import annotations

import typing as t

from ..._arm.ids import is_name, is_path
from ..._core.fields import fitting
from ..._core.times import read_time
from ..._deps import pydantic

VIEWED = "2021-11-01"
"""The first api-version in which points have an instance view and may be copies (models of azure-mgmt-compute 30)."""


def view(api_version: str) -> dict[str, str]:
    """What to ask for along with a restore point: how far its data is, where the api-version can tell."""
    return {"_expand": "instanceView"} if api_version >= VIEWED else {}


Named = t.Annotated[str, fitting(is_name, "is no name of a resource")]
ResourceId = t.Annotated[str, fitting(is_path, "is no resource id")]
"""What requests are made of: it must not lead anywhere else."""


class ArmModel(pydantic.BaseModel):
    """A part of a resource; members that are not known here are ignored."""

    model_config = pydantic.ConfigDict(frozen=True)

    @pydantic.field_validator("timeCreated", "creationTime", mode="before", check_fields=False)
    @classmethod
    def _time(cls, value: object) -> object:
        return read_time(value)


class Resource(ArmModel):
    """What every resource has."""

    id: ResourceId
    name: Named
    properties: t.Any

    @property
    def state(self) -> str:
        """`succeeded`, `creating`, `updating`, `failed`, `deleting`, …; one that does not say is as it should be."""
        return str(self.properties.provisioningState or "succeeded").lower()


def _ours_as_written(tags: dict[str, str]) -> dict[str, str]:
    """Names of tags are one in any case (documented): ours are looked for as we write them, in lower case."""
    return {name.lower() if name.lower().startswith("hybridvm-") else name: text for name, text in tags.items()}


Tags = t.Annotated[dict[str, str], pydantic.AfterValidator(_ours_as_written)]

_MODES = {mode.lower(): mode for mode in ("CrashConsistent", "FileSystemConsistent", "ApplicationConsistent")}


def _mode(value: str) -> str:
    return _MODES.get(value.lower(), value)


ConsistencyMode = t.Annotated[str, pydantic.AfterValidator(_mode)]
"""As the swagger spells it, however an answer does: what is compared with it must see a downgrade in any case."""


def region_key(location: str) -> str:
    """A region in one spelling: `West Europe` and `westeurope` are one."""
    return location.lower().replace(" ", "")
