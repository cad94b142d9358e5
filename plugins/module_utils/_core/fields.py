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


def read_by(read: t.Callable[[str], object]) -> pydantic.BeforeValidator:
    """For what is given as text, of which `read` makes the value."""

    def parse(value: object) -> object:
        return read(value) if isinstance(value, str) else value

    return pydantic.BeforeValidator(parse)


def _moment_or_duration(text: str) -> datetime | timedelta:
    """A time has a `T` or a blank between its date and its hour, and a duration has neither."""
    return parse_time(text) if text[4:].startswith("-") else parse_duration(text)


Duration = t.Annotated[timedelta, read_by(parse_duration)]
Time = t.Annotated[datetime, read_by(parse_time)]
TimeOrDuration = t.Annotated[t.Union[datetime, timedelta], read_by(_moment_or_duration)]


class OptionsModel(pydantic.BaseModel):
    """What a user asked for: nothing changes it, and nothing unknown is in it."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
