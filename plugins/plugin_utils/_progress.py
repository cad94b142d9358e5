# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The progress of a task as lines: a step when it begins, then when its percentage grows, then now and then."""

from __future__ import annotations

import typing as t

from ..module_utils._core.formatting import printable

if t.TYPE_CHECKING:
    from ..module_utils._core.operation import Waiting

LONGEST = 1000
"""Characters of a line."""
PERCENT, SECONDS = 10, 30.0
"""A step is shown again when it has come so much further, or after so long."""


class Lines:
    """Shows what is waited for, and not each look at it."""

    def __init__(self, show: t.Callable[[str], None]) -> None:
        self._show = show
        self._last: dict[tuple[str, str], Waiting] = {}

    def __call__(self, waiting: Waiting) -> None:
        """Take note of one look."""
        key = (waiting.subject, waiting.context)
        last = self._last.get(key)
        if waiting.over:
            return  # the next step, or the task's end, says so
        if last is None or _is_news(last, waiting):
            self._last[key] = waiting
            self._show(line(waiting))


def _is_news(last: Waiting, now: Waiting) -> bool:
    further = (now.percent or 0) - (last.percent or 0) >= PERCENT
    return further or now.seconds - last.seconds >= SECONDS or now.seconds < last.seconds


def line(waiting: Waiting) -> str:
    """Such as `vm web01: creating checkpoint "n": 40 %, 12 s [job 8f408179]`, on one line, as a terminal may show it:
    names in it are others' words.
    """
    percent = "" if waiting.percent is None else f"{waiting.percent} %, "
    operation = f" [{waiting.operation}]" if waiting.operation else ""
    what, since = f"{waiting.subject}: {waiting.context}", f"{percent}{waiting.seconds:.0f} s"
    return printable(f"{what}: {since}{operation}", LONGEST)
