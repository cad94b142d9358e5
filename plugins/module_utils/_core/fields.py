# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of options that several specs share."""

from __future__ import annotations

import typing as t
from datetime import datetime, timedelta

from .._deps import pydantic
from .times import parse_duration, parse_time

MAX_NAME = 255


def fitting(fits: t.Callable[[str], object], why: str) -> pydantic.AfterValidator:
    """For a text that `fits`; of any other the error says `why`."""

    def check(value: str) -> str:
        if not fits(value):
            raise ValueError(why)
        return value

    return pydantic.AfterValidator(check)


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _time(value: object) -> object:
    return parse_time(value) if isinstance(value, str) else value


def _moment_or_duration(value: object) -> object:
    """A time has a `T` or a blank between its date and its hour, and a duration has neither."""
    if not isinstance(value, str):
        return value
    return parse_time(value) if value[4:].startswith("-") else parse_duration(value)


Duration = t.Annotated[timedelta, pydantic.BeforeValidator(_duration)]
Time = t.Annotated[datetime, pydantic.BeforeValidator(_time)]
TimeOrDuration = t.Annotated[t.Union[datetime, timedelta], pydantic.BeforeValidator(_moment_or_duration)]


class OptionsModel(pydantic.BaseModel):
    """What a user asked for: nothing changes it, and nothing unknown is in it."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
