# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF's entities, validated: the second trust boundary for Service Provider Foundation.

Names and nullability follow the VMM service's documented entities (dn785076, dn785073, dn818633) and captures.
"""

from __future__ import annotations

import re
import typing as t
import zlib
from datetime import datetime

from ..._core.ancestry import Row
from ..._core.formatting import one_line
from ..._core.model import Checkpoint, Power, Usability
from ..._core.operation import State
from ..._core.operation import Status as JobStatus  # an entity has a member of that name
from ..._core.ownership import split
from ..._core.spec import Guid
from ..._core.times import read_time
from ..._deps import pydantic
from ..._http.lock_words import LOCK, number_of, says_locked

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
_VERBS = {
    "create": ("new-", "create"),
    "restore": ("restore", "recover"),
    "delete": ("remove", "delete"),
    "update": ("set-", "change", "update"),
}
"""What a job does, by words in its cmdlet and name: the cmdlets are documented, the wording of names is not."""
MOST_MESSAGES = 10
_NUMBER = re.compile(r"(?:VMM)?\d+", re.I)
_POWER: dict[str, Power] = {"Running": "on", "Paused": "on", "PowerOff": "off", "Saved": "off", "Stored": "off"}


class _Entity(pydantic.BaseModel):
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


class CheckpointEntity(_Entity):
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


class VmEntity(_Entity):
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


def _shown(value: object) -> str | None:
    """A member that is only shown or compared: a number as text, what is neither as nothing."""
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


_Shown = t.Annotated[t.Optional[str], pydantic.BeforeValidator(_shown)]


def _percent(value: object) -> int | None:
    """A percentage, whole; None for whatever else stands in its place."""
    return int(value) if isinstance(value, (int, float)) and 0 <= value <= 100 else None


class _Info(_Entity):
    ErrorCodeString: _Shown = None
    DisplayableErrorCode: _Shown = None
    Code: _Shown = None
    Problem: _Shown = None
    RecommendedAction: _Shown = None

    @property
    def number(self) -> str:
        """VMM's number of it: `` or `0` for a success, whose Code is a word (`Success`)."""
        code = next(filter(None, (self.ErrorCodeString, self.DisplayableErrorCode)), "").strip()
        return code or (_NUMBER.fullmatch((self.Code or "").strip()) or [""])[0]

    @property
    def names_no_cause(self) -> bool:
        """Whether no member names a cause by a number or a word of its own."""
        return not self.number or (_NUMBER.fullmatch(self.number) is not None and number_of(self.number) is None)

    @property
    def _codes(self) -> list[str]:
        return list(filter(None, (self.ErrorCodeString, self.DisplayableErrorCode, self.Code)))

    def is_lock(self, names: t.Collection[str] = ()) -> bool:
        """Whether another job held the object: by the number, or where none stands in its place by the text."""
        number = next(filter(None, map(number_of, self._codes)), None)
        return says_locked(self.Problem or "", names) if number is None else number == LOCK

    def text(self) -> str:
        """`VMM 10803: what is wrong. What to do.`"""
        words = " ".join(filter(None, ((self.Problem or "").strip(), (self.RecommendedAction or "").strip())))
        return (
            f"VMM {self.ErrorCodeString or self.DisplayableErrorCode or self.Code or 'message'}: {words}"
            if words
            else ""
        )


class JobEntity(_Entity):
    """VMM.Job. Terminal: Completed, SucceedWithInfo, Failed, Canceled, Invalid (the vendor's own cmdlets).

    Windows Azure Pack itself polls IsCompleted.
    """

    ID: Guid
    IsCompleted: bool | None = None
    Status: str | None = None
    StatusString: str | None = None
    Name: str | None = None
    CmdletName: str | None = None
    TargetObjectID: str | None = None
    ResultObjectID: str | None = None
    StartTime: datetime | None = None
    ProgressValue: t.Annotated[t.Optional[int], pydantic.BeforeValidator(_percent)] = None
    ErrorInfo: _Info | None = None
    AdditionalMessages: list[_Info] | None = None

    def status(self, request_id: str | None, names: t.Collection[str] = ()) -> JobStatus:
        """The job's status; the messages of SucceedWithInfo become warnings. A text may quote one of the `names`.

        A lock is a failure also where the job is said to be completed, with 23234 (VMM team blog, 2014-12-15): nothing
        of what was asked for is done.
        """
        state, code = self._state(), self._code()
        locked = (state == "failed" or self._has_ended_with_error(state)) and self._is_lock(names)
        state = "failed" if locked else state
        return JobStatus(
            state,
            one_line(self.StatusString or self.Status or "", 60),
            self._message(state),
            code,
            percent=self.ProgressValue,
            locked=locked,
            warnings=self._warnings() if state in ("succeeded", "unknown") else (),
            request_id=request_id,
        )

    def _has_ended_with_error(self, state: State) -> bool:
        """Whether it has an error of its own, although it is said to have ended well, or in an unknown word."""
        ended = state == "unknown" or (self.Status or "").strip().lower() == "succeedwithinfo"
        return ended and self._code() not in ("", "0")

    def _message(self, state: State) -> str:
        """Why it has failed: its own error, and its parts' where that names no cause. Of an unknown end all it says."""
        code, info = self._code(), self.ErrorInfo or _Info()
        if state == "unknown":
            said = "; ".join(self._warnings())
            return f"it ended as {one_line(self.Status or '', 60)}, which is no known state; {said}" if said else ""
        if state != "failed":
            return ""
        problem = " ".join(filter(None, (info.Problem, info.RecommendedAction)))
        own = f"VMM error {code}: {problem}" if code not in ("", "0") else problem
        parts = [part.text() for part in self.AdditionalMessages or ()] if info.names_no_cause else []
        said = "; ".join(filter(None, (own.strip(), *parts[:MOST_MESSAGES])))
        return one_line(said or self.StatusString or (self.Status or "").lower())

    def _state(self) -> State:
        """From the status word; of a job that is completed in a word that nobody knows, only reading tells the end."""
        word = (self.Status or "").strip().lower()
        if word in ("completed", "succeedwithinfo"):
            return "succeeded"
        if word in ("failed", "canceled", "invalid"):
            return "failed"
        if not self.IsCompleted or word == "running":
            return "running"
        if word:
            return "unknown"
        return "succeeded" if self._code() in ("", "0") else "failed"

    def _is_lock(self, names: t.Collection[str]) -> bool:
        """Whether it failed because another job held the VM; a part's lock counts where no other cause is named."""
        info = self.ErrorInfo or _Info()
        if info.is_lock(names):
            return True
        return info.names_no_cause and any(each.is_lock(names) for each in self.AdditionalMessages or ())

    def checkpoint_work(self, vm_id: str) -> str | None:
        """The verb, if the job is about this VM's checkpoints; the most recent task is mostly a refresher (seen)."""
        about = {(self.TargetObjectID or "").lower(), (self.ResultObjectID or "").lower()}
        words = f"{self.CmdletName} {self.Name}".lower()
        if vm_id.lower() not in about or "checkpoint" not in words:
            return None
        return next((verb for verb, marks in _VERBS.items() if any(mark in words for mark in marks)), "other")

    def _code(self) -> str:
        return self.ErrorInfo.number if self.ErrorInfo else ""

    def _warnings(self) -> tuple[str, ...]:
        """The messages of a success, with what to do about each; of very many the first."""
        info = self.ErrorInfo or _Info()
        own = [info] if info.number not in ("", "0") else []
        texts = [one_line(message.text(), 600) for message in (*own, *(self.AdditionalMessages or ()))]
        texts = list(dict.fromkeys(text for text in texts if text))
        more = len(texts) - MOST_MESSAGES
        return (*texts[:MOST_MESSAGES], *([f"and {more} more messages of this job"] if more > 0 else []))


Kind = t.TypeVar("Kind", CheckpointEntity, VmEntity, JobEntity)
