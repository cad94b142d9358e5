# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plants COUNT mistakes in the plugins, drawn by SEED, and says which of them no test sees: docs/decisions/0010."""

from __future__ import annotations

import argparse
import json
import os
import queue
import random
import shutil
import subprocess
import sys
import threading
import time
import typing as t
from collections import Counter, defaultdict
from pathlib import Path

from tools.mutation.equivalents import as_entry, equivalents, stale
from tools.mutation.mutant import Mutant, mutants
from tools.mutation.reach import KEPT, Reach, reach
from tools.mutation.settings import SOURCES, Settings, private_copy
from tools.mutation.users import Users
from tools.mutation.worker import Verdict

_BATCHES = (2.0, 20.0, 60.0)  # seconds of tests: most mistakes are seen by one of the first few


class Judged(t.NamedTuple):
    """A mutant and what the tests said."""

    mutant: Mutant
    verdict: Verdict

    @property
    def is_caught(self) -> bool:
        """A test failed, or used far more CPU than it ever needs, twice."""
        return self.verdict.word in ("caught", "hangs")


def population(settings: Settings) -> tuple[list[Mutant], Users]:
    """Every mutant of the files in question, and who uses which name."""
    found: list[Mutant] = []
    users = Users()
    below = settings.root / SOURCES
    for path in sorted(below.rglob("*.py")):
        users.add(str(path.relative_to(below)), path.read_text("utf-8"))
    for file in settings.files():
        found += mutants(file, (below / file).read_text("utf-8"))
    return found, users


def sample(found: t.Sequence[Mutant], seed: int, count: int, *, every: bool = False) -> list[Mutant]:
    """Draw places first, then one mistake at each: a place with ten possible mistakes is no likelier than another."""
    if every:
        return list(found)
    places: defaultdict[tuple[str, int], list[Mutant]] = defaultdict(list)
    for mutant in found:
        places[mutant.file, mutant.site].append(mutant)
    chance = random.Random(seed)
    drawn = chance.sample(sorted(places), min(count, len(places)))
    return [chance.choice(places[place]) for place in drawn]


def batches(tests: t.Sequence[str], seconds: t.Mapping[str, float]) -> list[dict[str, float]]:
    """The tests in their order, in batches of growing length."""
    made: list[dict[str, float]] = []
    left = 0.0
    for test in tests:
        took = seconds.get(test, 0.0)
        if not made or (left < took and made[-1]):
            left = _BATCHES[min(len(made), len(_BATCHES) - 1)]
            made.append({})
        made[-1][test] = took
        left -= took
    return made


class Judges:
    """Workers with a private copy each, and the mutants that wait for one."""

    def __init__(self, settings: Settings, asked: argparse.Namespace, known: Reach | None, users: Users) -> None:
        self._settings, self._reach, self._users = settings, known, users
        self._number: int = asked.workers
        self._paths: list[str] = asked.tests
        self._batches: int | None = asked.batches

    def judge(self, drawn: t.Iterable[Mutant]) -> t.Iterator[Judged]:
        """The verdicts as they come."""
        todo: queue.SimpleQueue[tuple[Mutant, str]] = queue.SimpleQueue()
        done: queue.SimpleQueue[Judged | str | None] = queue.SimpleQueue()
        for mutant in drawn:
            todo.put((mutant, mutant.text()))  # not thread-safe: mutants of a file share its tree
        for number in range(self._number):
            threading.Thread(target=self._work, args=(number, todo, done), daemon=True).start()
        working = self._number
        while working:
            judged = done.get()
            if judged is None:
                working -= 1
            elif isinstance(judged, str):
                raise SystemExit(judged)
            else:
                yield judged

    def _work(
        self, number: int, todo: queue.SimpleQueue[tuple[Mutant, str]], done: queue.SimpleQueue[Judged | str | None]
    ) -> None:
        root = self._settings.root
        copy = root / KEPT / f"copy-{os.getpid()}-{number}"
        private_copy(root, copy)
        command = [sys.executable, "-P", "-m", "tools.mutation.worker", *self._settings.options]
        environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONHASHSEED": "0"}
        pipe = subprocess.PIPE
        with subprocess.Popen(
            [*command, *(self._paths or self._settings.tests)],
            cwd=copy,
            env=environ,
            stdin=pipe,
            stdout=pipe,
            text=True,
        ) as worker:
            try:
                if self._paths and not number:
                    self._refuse_red(worker)
                while True:
                    mutant, text = todo.get_nowait()
                    done.put(Judged(mutant, self._ask(worker, mutant, text)))
            except queue.Empty:
                pass
            except RuntimeError as problem:
                done.put(str(problem))
            finally:
                if worker.stdin is not None:
                    worker.stdin.close()
                shutil.rmtree(copy, ignore_errors=True)
                done.put(None)

    def _refuse_red(self, worker: subprocess.Popen[str]) -> None:
        """Tests that are named fail without any mistake: then they would see each."""
        file = self._settings.files()[0]
        text = (self._settings.root / SOURCES / file).read_text("utf-8")
        verdict = self._tell(worker, file, text, [{}])
        if verdict.word != "survived":
            raise RuntimeError(f"{verdict.test} fails without any mistake planted: mend that first.")

    def _ask(self, worker: subprocess.Popen[str], mutant: Mutant, text: str) -> Verdict:
        planned: list[dict[str, float]] = [{}]
        if not self._paths and self._reach is not None:
            planned = batches(self._reach.of(mutant, self._users), self._reach.seconds)[: self._batches]
        verdict = self._tell(worker, mutant.file, text, planned)
        if verdict.word == "unfit":
            raise RuntimeError(f"{verdict.test} fails in a copy of the tree without any mistake: mend that first.")
        return verdict

    def _tell(self, worker: subprocess.Popen[str], file: str, text: str, planned: list[dict[str, float]]) -> Verdict:
        job = {"file": file, "text": text, "batches": planned, "paths": self._paths}
        if worker.stdin is None or worker.stdout is None:
            raise RuntimeError("a worker is spoken to by pipes")
        worker.stdin.write(json.dumps(job) + "\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
        if not answer:
            raise RuntimeError("A worker has died.")
        return Verdict(**json.loads(answer))


def line(judged: Judged) -> str:
    """What is to be read of a mutant that is not plainly caught."""
    verdict = judged.verdict
    by = {"survived": f"{verdict.ran} tests pass" if verdict.ran else "no test reaches it"}
    return f"{verdict.word}: {SOURCES}/{judged.mutant} ({by.get(verdict.word, verdict.test)})"


def main() -> int:
    """1 when too many survive, too many are judged equivalent, or a judgement is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, help="how many: 200, or with --only or --files all that there are")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--only", nargs="*", default=[], help="draw from the mutants whose line holds one of these texts"
    )
    parser.add_argument("--files", nargs="*", default=[], help="draw from files whose path begins with one of these")
    parser.add_argument("--tests", nargs="*", default=[], help="run these tests whatever coverage says")
    parser.add_argument(
        "--batches", type=int, help="take for a survivor what so many batches of tests do not see: 2 s, 20 s, 60 s each"
    )
    parser.add_argument("--kept", action="store_true", help="take coverage as last measured, whatever has changed")
    parser.add_argument("--entries", action="store_true", help="print survivors as entries for the list of equivalents")
    asked = parser.parse_args()
    began = time.monotonic()
    settings = Settings.read(Path.cwd())
    found, users = population(settings)
    judged_before = equivalents(settings.root)
    chosen = [
        mutant
        for mutant in found
        if (not asked.only or any(text in mutant.whole for text in asked.only))
        and (not asked.files or mutant.file.startswith(tuple(asked.files)))
    ]
    count = asked.count or (len(chosen) if asked.only or asked.files else 200)
    drawn = sample(chosen, asked.seed, count, every=count >= len(chosen))
    known = None if asked.tests else reach(settings, asked.workers, kept_anyway=asked.kept)
    counts: Counter[str] = Counter()
    wrong = [f"no such mutant any more: {' '.join(map(str, key))}" for key in stale(judged_before, found)]
    for judged in Judges(settings, asked, known, users).judge(drawn):
        listed = judged.mutant.key in judged_before
        if listed and judged.is_caught:
            wrong.append(f"judged equivalent, but {line(judged)}")
        end = "equivalent" if listed else "caught" if judged.is_caught else "survived"
        counts[end] += 1
        if counts.total() % 20 == 0:
            print(f"mutants: {counts.total()} of {len(drawn)}", file=sys.stderr, flush=True)
        if end == "survived" or judged.verdict.word == "hangs":
            print(as_entry(judged.mutant) + "\n" if asked.entries else line(judged), flush=True)
    total, caught, equivalent = len(drawn), counts["caught"], counts["equivalent"]
    if caught < settings.least_caught / 100 * (total - equivalent):
        wrong.append(f"fewer than {settings.least_caught} % of those that change something are caught")
    if not (asked.only or asked.files) and equivalent > settings.most_equivalent / 100 * total:
        wrong.append(f"more than {settings.most_equivalent} % are judged equivalent")
    print("".join(f"mutants: {text}\n" for text in wrong), end="", file=sys.stderr, flush=True)
    print(f"seed {asked.seed}, {len(found)} mutants to draw from, {time.monotonic() - began:.0f} s")
    print(f"{total} mutants, {caught} caught, {counts['survived']} survived, {equivalent} equivalent")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
