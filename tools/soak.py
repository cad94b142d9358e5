# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays seeds of the fault simulation, prints what fails with the command that replays it, and sums up."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.simulation.script import SERVICES
from tests.simulation.soak import STORIES, Verdict, shrink, soak, trace


class Summary:
    """What a series of seeds has seen."""

    def __init__(self) -> None:
        self.seeds = self.tasks = self.runs = self.killed = self.requests = 0
        self.faults: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.checks: Counter[str] = Counter()
        self.failed: list[int] = []

    def add(self, seed: int, verdict: Verdict) -> None:
        """One more seed."""
        record = verdict.record
        self.seeds += 1
        self.tasks += len(verdict.script.tasks)
        self.runs += len(record.runs)
        self.killed += sum(run.killed for run in record.runs)
        self.requests += sum(len(run.sent) for run in record.runs)
        self.faults.update(record.faults)
        self.ends.update("killed" if run.killed else run.code or "success" for run in record.runs)
        self.checks.update(verdict.made)
        if verdict.broken:
            self.failed.append(seed)

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
    parser.add_argument("--seconds", type=float, help="begin no seed after so long")
    parser.add_argument("--quick", action="store_true", help="shorter stories")
    parser.add_argument("--about", choices=STORIES, default="tasks", help="what the stories are about; seeds differ")
    parser.add_argument("--no-shrink", action="store_true", help="show a failing story as it is")
    given = parser.parse_args()
    services = tuple(given.services.split(","))
    more = (" QUICK=1" if given.quick else "") + (f" ABOUT={given.about}" if given.about != "tasks" else "")
    more += f" SERVICES={given.services}" if services != SERVICES else ""
    summary, begin = Summary(), time.monotonic()
    for seed in range(given.first, given.first + given.seeds):
        if given.seconds is not None and time.monotonic() - begin > given.seconds:
            break
        verdict = soak(seed, services, quick=given.quick, about=given.about)
        summary.add(seed, verdict)
        if not verdict.broken:
            continue
        sys.stdout.write(f"\nseed {seed} fails; replay: make soak FIRST={seed} SEEDS=1{more}\n")
        sys.stdout.writelines(f"  {line}\n" for line in verdict.broken)
        sys.stdout.flush()
        if given.seeds == 1:
            small = verdict if given.no_shrink else shrink(verdict)
            sys.stdout.writelines(f"  {line}\n" for line in ["", "as small as it gets:", *small.broken, *trace(small)])
        if len(summary.failed) >= given.failures:
            break
    sys.stdout.write("\n".join(["", *summary.lines(time.monotonic() - begin), ""]))
    return 1 if summary.failed else 0


if __name__ == "__main__":
    sys.exit(main())
