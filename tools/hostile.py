# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tasks whose services answer wrongly, prints what does not hold with the command that replays it, and sums up."""

from __future__ import annotations

import argparse
import multiprocessing
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from types import FrameType

from tests.hostile.campaign import Case, Chance, Verdict, chances, play
from tests.hostile.tasks import tasks

HANGS = 60
"""Seconds of computing after which a run that should take milliseconds counts as one that does not end."""
PROGRESS = 10_000
TASKS = {task.name: task for task in tasks()}


class Hangs(Exception):
    """A run that does not end."""


def every(name: str) -> list[Chance]:
    """The cases of one task."""
    return list(chances(TASKS[name]))


def some(name: str, seed: int) -> list[Chance]:
    """Two cases of each field of one task: enough to draw a sample from."""
    dice = random.Random(f"{name} {seed}")
    of_field: dict[str, list[Chance]] = {}
    for chance in chances(TASKS[name]):
        of_field.setdefault(chance.field, []).append(chance)
    return [chance for each in of_field.values() for chance in dice.sample(each, min(2, len(each)))]


def different(found: Iterable[list[Chance]]) -> list[Chance]:
    """Those of all tasks that differ: of one change of one field in one module's traffic the first and the last."""
    places: dict[tuple[object, ...], list[Chance]] = {}
    begun: set[tuple[object, ...]] = set()
    for of_task in found:
        for chance in of_task:
            case, task = chance.case, TASKS[chance.case.task]
            same = (chance.course, case.part, case.place, case.what)
            if same not in begun:
                begun.add(same)
                places.setdefault((task.module, task.check, chance.field, case.what), []).append(chance)
    return [chance for each in places.values() for chance in dict.fromkeys((each[0], each[-1]))]


def sampled(found: list[Chance], size: int, seed: int) -> list[Chance]:
    """`size` cases: one of each field (of a few, the one in the shortest task), then whatever chance takes."""
    found = random.Random(seed).sample(found, len(found))
    of_field: dict[str, list[Chance]] = {}
    for chance in found:
        of_field.setdefault(chance.field, []).append(chance)
    first = [min(each[:5], key=lambda chance: chance.length) for each in of_field.values()]
    taken = {id(chance) for chance in first}
    rest = [chance for chance in found if id(chance) not in taken]
    return [*first, *rest][:size]


def played(case: Case) -> tuple[Case, Verdict]:
    """The verdict on a case."""
    signal.signal(signal.SIGPROF, _hangs)
    signal.setitimer(signal.ITIMER_PROF, HANGS)
    try:
        return case, play(TASKS[case.task], case)
    except Hangs:
        return case, Verdict("hangs", (f"no end after {HANGS} s",), True)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _hangs(_signal: int, _frame: FrameType | None) -> None:
    raise Hangs


def main() -> int:
    """1 when something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--all", action="store_true", help="every case, not a sample")
    parser.add_argument("--size", type=int, default=2200, help="how many cases the sample has")
    parser.add_argument("--seed", type=int, default=1, help="which sample")
    parser.add_argument("--task", action="append", help="only this task's; may be repeated")
    parser.add_argument("--case", help="one case as it was printed")
    parser.add_argument("--failures", type=int, default=20, help="how many failing cases are shown")
    given = parser.parse_args()
    begin = time.monotonic()
    with multiprocessing.Pool(2) as pool:
        if given.case:
            chosen, fields = [Case.named(given.case)], 1
        else:
            gather = every if given.all else partial(some, seed=given.seed)
            found = different(pool.imap(gather, given.task or list(TASKS)))
            fields = len({chance.field for chance in found})
            chosen = [chance.case for chance in (found if given.all else sampled(found, given.size, given.seed))]
        return report(pool.imap(played, chosen, 50), len(chosen), fields, given.failures, begin)


def report(verdicts: Iterator[tuple[Case, Verdict]], size: int, fields: int, failures: int, begin: float) -> int:
    """Show what fails, then the counts."""
    ends: Counter[str] = Counter()
    answers: set[tuple[str, int]] = set()
    failed = met = 0
    for case, verdict in verdicts:
        ends[verdict.code or "success"] += 1
        met += verdict.met
        answers.add((case.task, case.number))
        if sum(ends.values()) % PROGRESS == 0:
            sys.stderr.write(f"{sum(ends.values())} of {size} cases, {failed} failed\n")
        if verdict.broken:
            failed += 1
            if failed <= failures:
                sys.stdout.write(f"\nfails: {case}\n  replay: make hostile CASE={case.name}\n")
                sys.stdout.flush()
                sys.stdout.writelines(f"  {line}\n" for line in verdict.broken)
    named = sum(count for code, count in ends.items() if code != "success")
    lines = [
        f"{size} cases, {failed} failed, in {time.monotonic() - begin:.0f} s",
        f"{len(answers)} answers of {len(TASKS)} tasks, {fields} fields, {met} runs met the change",
        f"{ends['success']} successes, {named} named errors of {len(ends) - 1} codes",
        *(f"  {count:8}  {code}" for code, count in sorted(ends.items())),
    ]
    sys.stdout.write("\n".join(["", *lines, ""]))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
