# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays the table of scenarios with two processes, prints what does not hold with the command that replays it."""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

from tests.scenarios.player import Name, Verdict, calm, family, firsts, play, verdict
from tests.scenarios.table import IMPOSSIBLE, ROWS

PROGRESS = 2000


class Report:
    """Counts by row and by rule, the failing cases, and what cannot be played."""

    def __init__(self, shown: int) -> None:
        self.cases: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.rules: Counter[str] = Counter()
        self.reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._shown = shown

    def add(self, found: Verdict) -> None:
        """One more verdict."""
        if found.reason:
            kinds = "/".join(each.partition("@")[0] for each in str(found.name).split("/")[2:])
            self.reasons[found.reason, kinds.rpartition("/")[2]].append(str(found.name))
            return
        self.cases[found.name.row] += 1
        if sum(self.cases.values()) % PROGRESS == 0:
            sys.stderr.write(f"{sum(self.cases.values())} cases, {sum(self.failed.values())} failed\n")
        if not found.broken:
            return
        self.failed[found.name.row] += 1
        self.rules.update({broken.rule for broken in found.broken})
        if sum(self.failed.values()) <= self._shown:
            sys.stdout.write(f"\nfails; replay: make scenarios CASE='{found.name}'\n")
            sys.stdout.writelines(f"  {broken}\n" for broken in found.broken)
            sys.stdout.flush()

    def lines(self, seconds: float) -> Iterator[str]:
        """For people; the last line is for machines."""
        yield "impossible, and why:"
        for row, reason in IMPOSSIBLE.items():
            yield f"  {row}: {reason}"
        for (reason, fault), names in sorted(self.reasons.items()):
            yield f"  {fault} in {len(names)} cells, such as {names[0]}: {reason}"
        yield f"rows, in {seconds:.0f} s:"
        for row, count in self.cases.items():
            yield f"  {row:28} {len(calm(row)):3} requests {count:6} cases {self.failed[row]:5} failed"
        for rule, count in self.rules.most_common():
            yield f"  broken in {count:5} cases: {rule}"
        yield f"{sum(self.cases.values())} cases, {sum(self.failed.values())} failed"


def _play(first: tuple[Name, bool]) -> list[Verdict]:
    """A first fault alone, or with every second one."""
    name, single = first
    return list(family(name, single=single))


def shown(name: Name) -> Iterator[str]:
    """One case, request by request."""
    case = play(name)
    for label, run in (("the task", case.faulted), ("the rerun", case.rerun), ("the third run", case.third)):
        yield f"{label}: {run.seconds:.1f} s"
        for sent in run.sent:
            what = f"  <- {sent.fault}" if sent.fault else ""
            yield f"  {sent.number:3} {sent.method:6} {sent.status} {sent.deed or sent.target[-100:]}{what}"
        yield f"  code={run.code} changed={run.changed} {(run.result or {}).get('msg', '')}{run.crash}"
        yield f"  jobs: {', '.join(f'{job.kind} {job.state}' for job in run.jobs) or 'none'}"
        for key, (then, now) in run.differences().items():
            yield f"  {key}: {then!r} -> {now!r}"


def main() -> int:
    """1 when a case fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", action="append", help="only this row's; may be repeated")
    parser.add_argument("--single", action="store_true", help="first faults only")
    parser.add_argument("--case", help="one case as it was printed, request by request")
    parser.add_argument("--failures", type=int, default=40, help="how many failing cases are shown")
    given = parser.parse_args()
    report, begin = Report(given.failures), time.monotonic()
    if given.case:
        name = Name.read(given.case)
        sys.stdout.writelines(f"{line}\n" for line in shown(name))
        report.add(verdict(name))
    else:
        names = [(name, given.single) for row in given.row or ROWS for name in firsts(row)]
        with multiprocessing.Pool(2) as pool:
            for verdicts in pool.imap_unordered(_play, names):
                for found in verdicts:
                    report.add(found)
    sys.stdout.writelines(f"{line}\n" for line in ["", *report.lines(time.monotonic() - begin)])
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
