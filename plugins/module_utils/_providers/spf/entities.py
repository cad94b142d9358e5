# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF's entities, validated: the second trust boundary for Service Provider Foundation.

Names and nullability follow the VMM service's documented entities (dn785076, dn785073, dn818633) and captures.
"""

from __future__ import annotations

import typing as t
import zlib
from datetime import datetime

from ..._core.ancestry import Row
from ..._core.model import Checkpoint, Power, Usability
from ..._core.ownership import split
from ..._core.spec import Guid
from ..._core.times import read_time
from ..._deps import pydantic

BUSY = {
    "CreatingCheckpoint",
    "DeletingCheckpoint",
    "RecoveringCheckpoint",
    "InitializingCheckpointOperation",
    "FinishingCheckpointOperation",
    "MergingDrives",
    "DiscardingDrives",
}
"""VM states in which a checkpoint job holds the VM; they end by themselves (VMComputerSystemState 12, 80, 210-215)."""
REFUSING = {
    "Stored",
    "Missing",
    "HostNotResponding",
    "UnderMigration",
    "UnderCreation",
    "UnderTemplateCreation",
    "CreationFailed",
    "Deleting",
    "P2VCreationFailed",
    "V2VCreationFailed",
}
"""VM states in which VMM creates no checkpoint: the VM must be deployed on a responding host (bb740891)."""
PASSING = {"UnderMigration", "UnderCreation", "UnderTemplateCreation"}
"""Those of them that end by themselves."""
_POWER: dict[str, Power] = {"Running": "on", "Paused": "on", "PowerOff": "off", "Saved": "off", "Stored": "off"}


class SpfEntity(pydantic.BaseModel):
    """Keys are sent back as GUID literals, so nothing else may be one."""

    model_config = pydantic.ConfigDict(frozen=True)

    @pydantic.field_validator("AddedTime", "StartTime", mode="before", check_fields=False)
    @classmethod
    def _time(cls, value: object) -> object:
        return read_time(value)

    @pydantic.field_validator("ModifiedTime", mode="before", check_fields=False)
    @classmethod
    def _time_if_any(cls, value: object) -> object:
        """It only tells how late it was by VMM's clock: one that makes no sense tells nothing."""
        try:
            return read_time(value)
        except ValueError:
            return None

    @pydantic.field_validator("ID", check_fields=False)
    @classmethod
    def _is_key(cls, value: str) -> str:
        """An id of zeros would be somebody else's key, or nobody's."""
        if not value.strip("0-"):
            raise ValueError("is an id of zeros")
        return value

    @pydantic.field_validator(
        "CheckpointID",
        "ParentCheckpointID",
        "VMId",
        "StampId",
        "LastRestoredCheckpointId",
        "MostRecentTaskId",
        check_fields=False,
    )
    @classmethod
    def _no_sentinel(cls, value: str | None) -> str | None:
        """An id of zeros alone is none: SPF's own clients send it for "not yet". Braces are no part of an id."""
        return value.strip("{}") if value and value.strip("0-{}") else None


class CheckpointEntity(SpfEntity):
    """VMM.VMCheckPoint. CheckpointID and the parent are the host's ids, null until the host has created it."""

    ID: Guid
    StampId: t.Optional[Guid] = None
    VMId: str | None = None
    Name: str | None = None
    Description: str | None = None
    CheckpointID: str | None = None
    ParentCheckpointID: str | None = None
    AddedTime: datetime | None = None
    ModifiedTime: datetime | None = None
    Enabled: bool | None = None

    @classmethod
    def select(cls) -> str:
        """$select for what is read of it: a tenant may have a hundred thousand."""
        return ",".join(cls.model_fields)

    @property
    def times(self) -> tuple[datetime | None, datetime | None]:
        """What VMM's clock has shown with it. Its refreshers rewrite ModifiedTime, so that is no time of a change."""
        return self.AddedTime, self.ModifiedTime

    def row(self) -> Row:
        """For build_tree(). `Enabled` false means unusable (dn785076); without a host id it is not known yet."""
        description, mark = split(self.Description)
        usability: Usability = "unknown" if self.CheckpointID is None else "usable"
        if self.Enabled is False:
            usability = "unusable"
        checkpoint = Checkpoint(
            id=self.ID.lower(),
            name=self.Name or "",
            description=description,
            host_id=self.CheckpointID.lower() if self.CheckpointID else None,
            created=self.AddedTime,
            usability=usability,
            mark=mark,
        )
        return Row(checkpoint, self.ParentCheckpointID)


class VmEntity(SpfEntity):
    """VMM.VirtualMachine: ID is VMM's id and the key, VMId the hypervisor's; the pointer names a host id."""

    ID: Guid
    StampId: t.Optional[Guid] = None
    VMId: str | None = None
    Name: str | None = None
    Status: str | None = None
    VirtualMachineState: str | None = None
    LastRestoredCheckpointId: str | None = None
    MostRecentTaskId: str | None = None
    ModifiedTime: datetime | None = None
    VMCheckpoints: list[CheckpointEntity] | None = None
    """Where the server expands them (the vendor's own cmdlets ask for that)."""
    more_checkpoints: t.Any = pydantic.Field(None, alias="VMCheckpoints@odata.nextLink")

    @classmethod
    def select(cls) -> str:
        """$select for what is read of it without its checkpoints."""
        return ",".join(name for name in cls.model_fields if "checkpoints" not in name.lower())

    def packed(self) -> bytes:
        """Small, for a task that has found thousands of VMs and not come to them yet: as an object 50 times as much."""
        return zlib.compress(self.model_dump_json(by_alias=True, exclude_none=True).encode(), level=1)

    @classmethod
    def unpacked(cls, packed: bytes) -> t.Self:
        """The entity again."""
        return cls.model_validate_json(zlib.decompress(packed))

    @property
    def expanded(self) -> list[CheckpointEntity]:
        """Its checkpoints as far as they came along with it. None is no proof that there is none."""
        return [] if self.more_checkpoints is not None else self.VMCheckpoints or []

    @property
    def power(self) -> Power:
        """From VirtualMachineState: Status may say UnsupportedCluster of a running VM (seen 2017)."""
        return _POWER.get(self.VirtualMachineState or self.Status or "", "unknown")

    def state_in(self, states: set[str]) -> str | None:
        """The VM's state if it is one of `states`."""
        return next((s for s in (self.Status, self.VirtualMachineState) if s in states), None)


Parsed = t.TypeVar("Parsed", bound=SpfEntity)
