# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays seeds of the fault simulation, prints what fails with the command that replays it, and sums up."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
import typing as t
from collections import Counter
from functools import partial

from tests.simulation.script import SERVICES
from tests.simulation.soak import STORIES, Verdict, shrink, soak, trace


class Played(t.NamedTuple):
    """What is counted of one story, and what does not hold in it."""

    seed: int
    tasks: int
    runs: int
    killed: int
    requests: int
    faults: Counter[str]
    ends: Counter[str]
    checks: Counter[str]
    broken: list[str]

    @classmethod
    def of(cls, seed: int, verdict: Verdict) -> t.Self:
        """The counts of a verdict."""
        record = verdict.record
        return cls(
            seed,
            tasks=len(verdict.script.tasks),
            runs=len(record.runs),
            killed=sum(run.killed for run in record.runs),
            requests=sum(len(run.sent) for run in record.runs),
            faults=Counter(record.faults),
            ends=Counter("killed" if run.killed else run.code or "success" for run in record.runs),
            checks=verdict.made,
            broken=verdict.broken,
        )


def play(seed: int, *, services: tuple[str, ...], quick: bool, about: str) -> Played:
    """Play one seed's story."""
    return Played.of(seed, soak(seed, services, quick=quick, about=about))


class Summary:
    """What a series of seeds has seen."""

    def __init__(self) -> None:
        self.seeds = self.tasks = self.runs = self.killed = self.requests = 0
        self.faults: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.checks: Counter[str] = Counter()
        self.failed: list[int] = []

    def add(self, played: Played) -> None:
        """One more seed."""
        self.seeds += 1
        self.tasks += played.tasks
        self.runs += played.runs
        self.killed += played.killed
        self.requests += played.requests
        self.faults.update(played.faults)
        self.ends.update(played.ends)
        self.checks.update(played.checks)
        if played.broken:
            self.failed.append(played.seed)

    def lines(self, seconds: float) -> list[str]:
        """For people, and for the documents."""
        lines = [f"{self.seeds} seeds, {len(self.failed)} failed, in {seconds:.0f} s"]
        lines.append(f"{self.tasks} tasks in {self.runs} runs ({self.killed} killed), {self.requests} requests")
        for title, counts in (
            ("faults injected", self.faults),
            ("runs ended in", self.ends),
            ("invariant checks made", self.checks),
        ):
            lines.append(f"{title}: {sum(counts.values())}")
            lines += [f"  {count:8}  {name}" for name, count in sorted(counts.items())]
        return lines


def main() -> int:
    """1 when a seed fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=300)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--services", default=",".join(SERVICES), help="which of them, for a look at one alone")
    parser.add_argument("--failures", type=int, default=5, help="after so many failing seeds it ends")
    parser.add_argument("--seconds", type=float, help="end after so long")
    parser.add_argument("--quick", action="store_true", help="shorter stories")
    parser.add_argument("--about", choices=STORIES, default="tasks", help="what the stories are about; seeds differ")
    parser.add_argument("--no-shrink", action="store_true", help="show a failing story as it is")
    given = parser.parse_args()
    services = tuple(given.services.split(","))
    more = (" QUICK=1" if given.quick else "") + (f" ABOUT={given.about}" if given.about != "tasks" else "")
    more += f" SERVICES={given.services}" if services != SERVICES else ""
    summary, begin = Summary(), time.monotonic()
    story = partial(play, services=services, quick=given.quick, about=given.about)
    with multiprocessing.Pool(2) as pool:
        for played in pool.imap(story, range(given.first, given.first + given.seeds)):
            summary.add(played)
            if played.broken:
                sys.stdout.write(f"\nseed {played.seed} fails; replay: make soak FIRST={played.seed} SEEDS=1{more}\n")
                sys.stdout.writelines(f"  {line}\n" for line in played.broken)
                sys.stdout.flush()
            late = given.seconds is not None and time.monotonic() - begin > given.seconds
            if late or len(summary.failed) >= given.failures:
                break
    if given.seeds == 1 and summary.failed:
        verdict = soak(given.first, services, quick=given.quick, about=given.about)
        small = verdict if given.no_shrink else shrink(verdict)
        sys.stdout.writelines(f"  {line}\n" for line in ["", "as small as it gets:", *small.broken, *trace(small)])
    sys.stdout.write("\n".join(["", *summary.lines(time.monotonic() - begin), ""]))
    return 1 if summary.failed else 0


if __name__ == "__main__":
    sys.exit(main())
