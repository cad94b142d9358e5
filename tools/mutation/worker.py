# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tests on one mistake after another, in a private copy of the tree: mutants in by stdin, verdicts out by stdout.

The libraries are imported once; for each mutant a fork of that process imports the plugins and the tests anew.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import resource
import select
import signal
import sys
import typing as t
from pathlib import Path

import pytest

from .settings import SOURCES

HANG_SECONDS, HANG_FACTOR = 15.0, 10.0  # of CPU, beyond which a test hangs: one that takes 0.1 s takes no 16 s
BLOCKED_SECONDS = 600.0  # of wall clock without a sign of life: it is no proof, for the machine may be busy
_MEMORY = 4 << 30
_QUIET = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"]
_QUIET += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # plugins of pytest are imported before it starts


class Verdict(t.NamedTuple):
    """What the tests say: survived, caught, hangs, blocked (unknown), unfit (red anyway); which test; how many ran."""

    word: str
    test: str = ""
    ran: int = 0


class Batch:
    """A pytest plugin that runs the tests of one batch, bounds each one's CPU, and reports as it goes."""

    def __init__(self, seconds: t.Mapping[str, float], report: t.IO[str]) -> None:
        self._seconds = seconds
        self._order = {test: number for number, test in enumerate(seconds)}
        self._report = report

    def say(self, word: str, test: str = "") -> None:
        """A line for the process that waits."""
        self._report.write(f"{word} {test}\n")
        self._report.flush()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        if self._order:
            items[:] = [item for item in items if item.nodeid in self._order]
            items.sort(key=lambda item: self._order[item.nodeid])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.say("failed", f"importing {report.nodeid}")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.say("start", nodeid)
        bound(self._seconds.get(nodeid, 60.0))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.say("failed", report.nodeid)


def bound(seconds: float) -> None:
    """End this process by SIGPROF when it uses far more CPU than that: no handler runs while a regex spins."""
    signal.setitimer(signal.ITIMER_PROF, HANG_SECONDS + HANG_FACTOR * seconds)


def _child(arguments: list[str], seconds: t.Mapping[str, float], pipe: int) -> None:
    _quieten()
    sys.dont_write_bytecode = True
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (_used() + _MEMORY, resource.RLIM_INFINITY))
    bound(60.0)
    with os.fdopen(pipe, "w") as report:
        batch = Batch(seconds, report)
        code = pytest.main([*_QUIET, *arguments], plugins=[batch])
        batch.say("end", str(int(code)))


def _used() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def run(arguments: list[str], seconds: t.Mapping[str, float]) -> Verdict:
    """The verdict of some tests on the tree as it is; of all in `arguments` where `seconds` names none."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.close(reader)
            _child(arguments, seconds, writer)
        os._exit(0)
    os.close(writer)
    ran, current, failed, code = 0, "importing", "", ""
    for word, test in _lines(reader):
        if word == "start":
            ran, current = ran + 1, test
        elif word == "failed":
            failed = failed or test
        elif word == "end":
            code = test
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _pid, status = os.waitpid(pid, 0)
    if failed:
        return Verdict("caught", failed, ran)
    if code in ("0", "5"):
        return Verdict("survived", "", ran)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
        return Verdict("hangs", current, ran)
    return Verdict("blocked", current, ran)


def _lines(reader: int) -> t.Iterator[tuple[str, str]]:
    """What the child says, until it ends or says nothing for so long that it must be blocked."""
    with os.fdopen(reader, "rb") as pipe:
        held = b""
        while select.select([pipe], [], [], BLOCKED_SECONDS)[0]:
            piece = os.read(pipe.fileno(), 65536)
            if not piece:
                return
            *lines, held = (held + piece).split(b"\n")
            for line in lines:
                word, _space, test = line.decode().partition(" ")
                yield word, test


def judge(batches: t.Sequence[t.Mapping[str, float]], paths: list[str]) -> Verdict:
    """One batch after the other, until one sees the mistake. A test that hangs must hang twice."""
    total = 0
    for seconds in batches:
        arguments = paths or list(dict.fromkeys(test.partition("::")[0] for test in seconds))
        verdict = run(arguments, seconds)
        total += verdict.ran
        if verdict.word == "hangs" and verdict.test in seconds:
            again = run([verdict.test.partition("::")[0]], {verdict.test: seconds[verdict.test]})
            verdict = verdict if again.word == "hangs" else verdict._replace(word=again.word)
        if verdict.word != "survived":
            return verdict._replace(ran=total)
    return Verdict("survived", "", total)


def confirmed(verdict: Verdict, batches: t.Sequence[t.Mapping[str, float]], fit: set[str]) -> Verdict:
    """The verdict, if the test that gave it passes here without the mistake; `fit` are those that have."""
    every = {test: seconds for batch in batches for test, seconds in batch.items()}
    test = verdict.test if verdict.test in every else next(iter(every))  # an import fails for every test of the file
    if test not in fit:
        if run([test.partition("::")[0]], {test: every[test]}).word != "survived":
            return Verdict("unfit", test)
        fit.add(test)
    return verdict


def warm_up(paths: list[str]) -> None:
    """Import what the tests import, but for what lies in the tree: the next mistake may change that.

    Found out in a process of its own, for importing a file may change others: loggers, registries.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            os.close(reader)
            _name_libraries(paths, writer)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        names = pipe.read().split()
    os.waitpid(pid, 0)
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


def _name_libraries(paths: list[str], pipe: int) -> None:
    here = f"{Path.cwd().resolve()}{os.sep}"
    _quieten()
    sys.dont_write_bytecode = False  # written once, or each mutant would have all of it compiled anew
    pytest.main(["--collect-only", *_QUIET, *paths])
    theirs = [name for name, module in sys.modules.items() if not any(p.startswith(here) for p in _places(module))]
    with os.fdopen(pipe, "w") as found:
        found.write("\n".join(theirs))


def _quieten() -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)


def _places(module: t.Any) -> list[str]:
    places = [getattr(module, "__file__", None), *getattr(module, "__path__", ())]
    return [str(Path(place).resolve()) for place in places if place]


def main(paths: list[str]) -> None:
    """Serve until stdin ends."""
    root = Path(__file__).parents[2]
    sys.path[:] = [path for path in sys.path if Path(path).resolve() != root]
    warm_up(paths)
    fit: set[str] = set()
    for line in sys.stdin:
        job = json.loads(line)
        file = Path(SOURCES, job["file"])
        original, times = file.read_bytes(), file.stat()
        file.write_text(job["text"], "utf-8")
        try:
            verdict = judge(job["batches"], job["paths"])
        finally:
            file.write_bytes(original)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))  # its bytecode is valid again
        if verdict.word == "caught" and not job["paths"]:
            verdict = confirmed(verdict, job["batches"], fit)
        sys.stdout.write(json.dumps(verdict._asdict()) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
