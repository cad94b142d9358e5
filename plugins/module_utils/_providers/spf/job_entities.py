# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF's jobs, validated: how far one is, how it ended and why, and what it is about.

Names and nullability follow the documented VMM.Job and ErrorInfo and captures, as in entities.py.
"""

from __future__ import annotations

import re
import typing as t
from datetime import datetime

from ..._core.formatting import one_line
from ..._core.operation import State
from ..._core.operation import Status as JobStatus  # an entity has a member of that name
from ..._core.spec import Guid
from ..._deps import pydantic
from ..._http.lock_words import LOCK, number_of, says_locked
from .entities import SpfEntity

_VERBS = {
    "create": ("new-", "create"),
    "restore": ("restore", "recover"),
    "delete": ("remove", "delete"),
    "update": ("set-", "change", "update"),
}
"""What a job does, by words in its cmdlet and name: the cmdlets are documented, the wording of names is not."""
MOST_MESSAGES = 10
_NUMBER = re.compile(r"(?:VMM)?\d+", re.I)


def _shown(value: object) -> str | None:
    """A member that is only shown or compared: a number as text, what is neither as nothing."""
    return str(value) if isinstance(value, (str, int, float)) and not isinstance(value, bool) else None


_Shown = t.Annotated[t.Optional[str], pydantic.BeforeValidator(_shown)]


def _percent(value: object) -> int | None:
    """A percentage, whole; None for whatever else stands in its place."""
    return int(value) if isinstance(value, (int, float)) and 0 <= value <= 100 else None


class _Info(SpfEntity):
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


class JobEntity(SpfEntity):
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
