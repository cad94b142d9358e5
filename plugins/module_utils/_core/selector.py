# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option `select`: which of a VM's checkpoints, the same for every module."""

from __future__ import annotations

import typing as t

from .._deps import pydantic
from .fields import Duration, OptionsModel, Time
from .patterns import Pattern
from .times import format_duration, show_time

TAKES = "takes latest, oldest, or a dictionary of which, before, older_than, name_matches, managed and pinned"
_TEXTS = {
    "which": "latest or oldest",
    "before": "a time as text, such as 2026-11-20T08:00:00Z",
    "older_than": "a duration as text, such as 7d",
    "name_matches": "a regular expression as text",
}


class Select(OptionsModel):
    """Every key that is given must hold; `which` then picks one of those: the latest, or the oldest, usable one."""

    which: t.Literal["latest", "oldest"] | None = None
    before: Time | None = None
    older_than: Duration | None = None
    name_matches: t.Optional[Pattern] = None
    managed: bool | None = None
    pinned: bool | None = None

    @pydantic.model_validator(mode="before")
    @classmethod
    def _read(cls, value: object) -> object:
        """A text is short for `which`. An empty dictionary or a null would widen the choice."""
        if value in ("latest", "oldest"):
            return {"which": value}
        if not isinstance(value, dict):
            raise ValueError(TAKES)
        given = {str(key): each for key, each in value.items()}
        if not given or set(given) - set(cls.model_fields):
            raise ValueError(TAKES)
        for key, each in given.items():
            if each is None:
                raise ValueError(f"{key} is empty; leave it out where nothing is meant")
            if key in _TEXTS and isinstance(each, (int, float, list, dict)):
                raise ValueError(f"{key}: takes {_TEXTS[key]}")
        return given

    @property
    def by_time(self) -> bool:
        """Whether a time or an age decides."""
        return self.before is not None or self.older_than is not None

    def __str__(self) -> str:
        """As plans and errors name it: `latest of those with older_than 7d and managed true`."""
        parts = [f"before {show_time(self.before)}"] if self.before is not None else []
        parts += [f"older_than {format_duration(self.older_than)}"] if self.older_than is not None else []
        parts += [f"name_matches {self.name_matches}"] if self.name_matches is not None else []
        flags = (("managed", self.managed), ("pinned", self.pinned))
        parts += [f"{name} {'true' if flag else 'false'}" for name, flag in flags if flag is not None]
        words = " and ".join(parts)
        if self.which is None:
            return words
        return f"{self.which} of those with {words}" if words else self.which
