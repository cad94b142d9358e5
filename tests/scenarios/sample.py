# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the table, the same for the same seed: every row, every fault and every second fault occurs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.scenarios.faults import FIRST, SECOND, TROUBLES, impossible
from tests.scenarios.player import Name, calm, seconds, verdict
from tests.scenarios.table import ROWS


@dataclass(frozen=True)
class Draw:
    """A case, its second fault at a place that is drawn once the first one has shown how the run goes on."""

    first: Name
    second: str = ""
    dice: float = 0.0

    def __str__(self) -> str:
        return f"{self.first}/{self.second}" if self.second else str(self.first)

    def name(self) -> Name | None:
        """The case; None where the run ends before a second fault could meet it."""
        if not self.second:
            return self.first
        row = ROWS[self.first.row]
        found = [
            name
            for name, sent in seconds(verdict(self.first))
            if name.strikes[-1][0] == self.second and impossible(row, TROUBLES[self.second], sent) is None
        ]
        return found[int(self.dice * len(found))] if found else None


def drawn(seed: int, rows: tuple[str, ...] = tuple(ROWS)) -> Iterator[Draw]:
    """Of each row each first fault once, at a write or anywhere, and each second fault twice."""
    for row in rows:
        dice = random.Random(f"{seed} {row}")
        yield Draw(Name(row))
        behind: list[Name] = []
        for trouble in FIRST:
            places = [sent for sent in calm(row) if impossible(ROWS[row], TROUBLES[trouble], sent) is None]
            writes = [sent for sent in places if sent.writes]
            if places:
                at = dice.choice(writes if writes and dice.random() < 0.6 else places).number
                first = Name(row).and_then(trouble, at)
                yield Draw(first)
                behind += [first] if at >= min(sent.number for sent in calm(row) if sent.writes) else []
        for second in SECOND if ROWS[row].pairs != "none" else ():
            for first in dice.sample(behind, min(2, len(behind))):
                yield Draw(first, second, dice.random())
