# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the table, the same for the same seed: every row, every fault and every second fault occurs."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.scenarios.faults import FAULTS, SECOND, impossible
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

    def name(self) -> Name:
        """The case; the first fault alone where it ends the run before a second one could meet it."""
        if not self.second:
            return self.first
        row = ROWS[self.first.row]
        found = [
            name
            for name, sent in seconds(verdict(self.first))
            if name.strikes[-1][0] == self.second and impossible(row, FAULTS[self.second], sent) is None
        ]
        return found[int(self.dice * len(found))] if found else self.first


def drawn(seed: int, rows: tuple[str, ...] = tuple(ROWS), every: int = 1) -> Iterator[Draw]:
    """Of each row each first fault once, at a write or anywhere, and each second fault; of `every` so many one."""
    for place, row in enumerate(rows):
        dice = random.Random(f"{seed} {row}")
        yield Draw(Name(row))
        at_write: list[Name] = []
        behind: list[Name] = []
        write = min((sent.number for sent in calm(row) if sent.writes), default=0)
        for turn, trouble in enumerate(FAULTS):
            places = [sent for sent in calm(row) if impossible(ROWS[row], FAULTS[trouble], sent) is None]
            if not places or (place + turn) % every:
                continue
            writes = [sent for sent in places if sent.writes]
            at = dice.choice(writes if writes and dice.random() < 0.6 else places).number
            first = Name(row).and_then(trouble, at)
            yield Draw(first)
            if write and at >= write and not FAULTS[trouble].lasts:
                behind.append(first)
                at_write += [first] if calm(row)[at - 1].writes else []
        for second in SECOND if at_write and ROWS[row].pairs != "none" else ():
            yield Draw(dice.choice(at_write if FAULTS[second].lasts else behind), second, dice.random())
