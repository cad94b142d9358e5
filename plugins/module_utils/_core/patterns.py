# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Regular expressions that users give: a subset that no name can keep busy for long. Pure.

Python's engine tries every way in which a text may match. How many there are at most for a name of 255 characters is
counted beforehand from what varies (repeats, optional parts, alternatives), and too many are refused.
"""

from __future__ import annotations

import re
import typing as t
import warnings
from dataclasses import dataclass

from .._deps import pydantic
from .fields import MAX_NAME

MAX_PATTERN = 200
MAX_WAYS = 16 * (MAX_NAME + 1) ** 3
"""Three repeats without a bound, and a few alternatives: `.*-web.*-(daily|weekly)-.*`. That is a second at most."""
_TOKEN = re.compile(
    r"(?P<refers>\\[1-9]|\(\?(?!:))|\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|(?P<open>\((?:\?:)?)|(?P<close>\))|(?P<or>\|)"
    r"|(?P<repeat>[*+?]|\{(?P<least>\d*)(?P<comma>,)?(?P<most>\d*)\})[?+]?|[^\\\[(]",
    re.DOTALL,
)
"""Each part of a pattern. A repeat may be lazy (`?`) or possessive (`+`), which changes no count."""


def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern for full matches; ValueError, in a user's words, for one that is wrong or may take long."""
    if len(pattern) > MAX_PATTERN:
        raise ValueError(f"is longer than {MAX_PATTERN} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Python warns of what a later one will read otherwise
            found = re.compile(pattern)
    except (re.error, FutureWarning, OverflowError, RecursionError) as problem:
        raise ValueError(f"is no regular expression: {problem}") from None
    if _ways(pattern) > MAX_WAYS:
        raise ValueError("may take very long; use fewer repeats, at most three of them without a bound")
    return found


Pattern = t.Annotated[str, pydantic.AfterValidator(lambda given: compiled(given).pattern)]
"""An option that is such a pattern."""


def matches_whole(pattern: str, name: str, *, any_case: bool) -> bool:
    """Whether all of the name matches; without case where the service knows none."""
    return re.fullmatch(pattern, name, re.IGNORECASE if any_case else 0) is not None


@dataclass
class _Group:
    """A group while it is read: the ways of its finished alternatives, and of the one at hand."""

    finished: int = 0
    ways: int = 1
    varies: bool = False


def _ways(pattern: str) -> int:
    """An upper bound of the ways in which a name may be tried; ValueError for what cannot be counted."""
    stack, position = [_Group()], 0
    closed: _Group | None = None  # the group that has just been closed
    while position < len(pattern):
        part = _TOKEN.match(pattern, position)
        if part is None or part["refers"]:
            raise ValueError("takes groups, sets, alternatives and repeats, but nothing that refers or looks elsewhere")
        position, group, before, closed = part.end(), stack[-1], closed, None
        if part["open"]:
            stack.append(_Group())
        elif part["close"]:
            closed = stack.pop()
            stack[-1].ways *= closed.finished + closed.ways
            stack[-1].varies = stack[-1].varies or closed.varies
        elif part["or"]:
            group.finished, group.ways, group.varies = group.finished + group.ways, 1, True
        elif part["repeat"]:
            if before is not None and before.varies and part["repeat"] != "?":
                raise ValueError("repeats a group in which something varies, which may take very long")
            counts = _counts(part)
            group.ways, group.varies = group.ways * counts, group.varies or counts > 1
    return stack[0].finished + stack[0].ways


def _counts(part: re.Match[str]) -> int:
    """How many counts a repeat allows."""
    if part["repeat"] == "?":
        return 2
    if part["repeat"] in ("*", "+") or (part["comma"] and not part["most"]):
        return MAX_NAME + 1
    return int(part["most"]) - int(part["least"] or 0) + 1 if part["comma"] else 1
