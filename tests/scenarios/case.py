# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A case as it was played, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass

from tests.scenarios.record import RunSeen
from tests.scenarios.table import Row


@dataclass(frozen=True)
class Broken:
    """One rule that does not hold."""

    rule: str
    what: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.what}"


@dataclass(frozen=True)
class Case:
    """What was played: the task with the faults, again without, and once more.

    `foreseen` is check mode, before; `calm` the task in another such world where nothing goes wrong.
    """

    row: Row
    faults: tuple[str, ...]
    faulted: RunSeen
    rerun: RunSeen
    third: RunSeen
    foreseen: RunSeen | None = None
    calm: RunSeen | None = None


def short(run: RunSeen) -> str:
    """How a run ended, in its own words."""
    return str((run.result or {}).get("msg", "success"))[:400]
