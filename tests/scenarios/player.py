# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays cases: a row's task with its faults, again, and once more; and says which cases there are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from tests.scenarios.case import Broken, Case
from tests.scenarios.faults import BEHIND, FAULTS, SECOND, TO_COMPENSATE, Plan, impossible
from tests.scenarios.judge import judge
from tests.scenarios.record import RunSeen, Sent
from tests.scenarios.table import ROWS
from tests.scenarios.world import Ground


@dataclass(frozen=True)
class Name:
    """What a case is called: `spf/absent/lost_answer@3/lock@5`."""

    row: str
    strikes: tuple[tuple[str, int], ...] = ()

    def __str__(self) -> str:
        return "/".join([self.row, *(f"{trouble}@{at}" for trouble, at in self.strikes)])

    @classmethod
    def read(cls, text: str) -> Name:
        """The case of that name; ValueError where there can be none."""
        kind, verb, *given = (f"{text}/" if "/" not in text else text).strip().split("/")
        strikes = []
        for each in given:
            trouble, _at, number = each.partition("@")
            if trouble not in FAULTS or not number.isdigit():
                raise ValueError(f"{each!r} is no fault at a request, such as lost_answer@3")
            strikes.append((trouble, int(number)))
        if f"{kind}/{verb}" not in ROWS:
            raise ValueError(f"there is no row {kind}/{verb}; there are {', '.join(ROWS)}")
        return cls(f"{kind}/{verb}", tuple(strikes))

    def and_then(self, trouble: str, at: int) -> Name:
        """The same with one more fault."""
        return Name(self.row, (*self.strikes, (trouble, at)))


@dataclass(frozen=True)
class Verdict:
    """What came of a case; `reason` says why it cannot be played."""

    name: Name
    broken: tuple[Broken, ...] = ()
    requests: tuple[Sent, ...] = ()
    reason: str = ""


def play(name: Name) -> Case:
    """The case, played. A rerun that has nothing to do, and an act, are not played a second time: that is the same."""
    row = ROWS[name.row]
    ground = Ground(row, str(name))
    plan = Plan([(at, FAULTS[trouble]) for trouble, at in name.strikes])
    foreseen = ground.approve() if row.approved else None
    faulted, rerun = ground.run(plan), ground.run()
    idle = rerun.code is None and not rerun.changed and not rerun.writes
    third = rerun if idle or (row.act and rerun.changed) else ground.run()
    faults = tuple(trouble for trouble, _at in name.strikes)
    return Case(row, faults, faulted, rerun, third, foreseen, calm_run(name.row) if faults else None)


def verdict(name: Name) -> Verdict:
    """The case, played and judged."""
    case = play(name)
    return Verdict(name, tuple(judge(case)), case.faulted.sent)


@cache
def calm_run(row: str) -> RunSeen:
    """A row's task when nothing goes wrong."""
    ground = Ground(ROWS[row], row)
    if ROWS[row].approved:
        ground.approve()
    return ground.run()


def calm(row: str) -> tuple[Sent, ...]:
    """Its requests."""
    return calm_run(row).sent


def firsts(row: str) -> Iterator[Name]:
    """The case without a fault, and each first fault at each request."""
    yield Name(row)
    for trouble in FAULTS:
        for sent in calm(row):
            yield Name(row).and_then(trouble, sent.number)


def family(first: Name, *, single: bool = False) -> Iterator[Verdict]:
    """A case with one fault and, where that is at or behind a write, each second fault at each later request."""
    row = ROWS[first.row]
    if first.strikes:
        trouble, at = first.strikes[0]
        if reason := impossible(row, FAULTS[trouble], calm(first.row)[at - 1]):
            yield Verdict(first, reason=reason)
            return
    found = verdict(first)
    yield found
    if first.strikes and not single and has_seconds(found):
        for name, sent in seconds(found):
            reason = impossible(row, FAULTS[name.strikes[-1][0]], sent)
            yield Verdict(name, reason=reason) if reason else verdict(name)


def has_seconds(found: Verdict) -> bool:
    """Whether second faults are played behind the first: it is at a write, or behind one and of a kind of its own."""
    trouble, at = found.name.strikes[0]
    if FAULTS[trouble].lasts:
        return False
    at_write = any(sent.writes and sent.number == at for sent in found.requests)
    behind = any(sent.writes and sent.number < at for sent in found.requests)
    return {
        "all": at_write or (behind and trouble in BEHIND),
        "to_compensate": at_write and trouble in TO_COMPENSATE,
        "none": False,
    }[ROWS[found.name.row].pairs]


def seconds(found: Verdict) -> Iterator[tuple[Name, Sent]]:
    """Each second fault at each request behind the first; that all is cut off only behind one at a write."""
    at = found.name.strikes[0][1]
    at_write = found.requests[at - 1].writes
    for sent in found.requests[at:]:
        for trouble in SECOND if at_write else [name for name in SECOND if not FAULTS[name].lasts]:
            yield found.name.and_then(trouble, sent.number), sent
