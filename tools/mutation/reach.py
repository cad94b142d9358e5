# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tests reach a line, and how long each takes: one run with coverage, kept as long as nothing changes."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import typing as t
from collections import defaultdict
from pathlib import Path

import coverage
import pytest

from .mutant import Mutant
from .settings import SOURCES, Settings
from .users import Users

KEPT = "build/mutants"


class Durations:
    """A pytest plugin that writes down how long each test took, setting up and tearing down included."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        self._file.write_text(json.dumps(self._seconds))


def pytest_configure(config: pytest.Config) -> None:
    """Loaded with -p; the workers of xdist report to the one that has started them."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Durations(Path(KEPT, "durations.json")))


class Reach:
    """Tests by line."""

    def __init__(self, seconds: t.Mapping[str, float], by_line: t.Mapping[tuple[str, int], set[str]]) -> None:
        self.seconds = seconds
        self._by_line = by_line
        self._by_file: defaultdict[str, set[str]] = defaultdict(set)
        for (file, _line), tests in by_line.items():
            self._by_file[file] |= tests

    def of(self, mutant: Mutant, users: Users) -> list[str]:
        """The tests that may see a mutant, quickest first.

        What runs at import time is seen by those who use its names; where nobody is known to, by all that use the file.
        """
        found = self._at(mutant.file, *mutant.lines)
        if mutant.imported:
            found = set()
            for file, first, last in users.of(mutant.imported):
                found |= self._at(file, first, last)
            found = found or self._by_file[mutant.file]
        return sorted(found, key=lambda test: (self.seconds.get(test, 0.0), test))

    def _at(self, file: str, first: int, last: int) -> set[str]:
        found: set[str] = set()
        for line in range(first, last + 1):
            found |= self._by_line.get((file, line), set())
        return found


def reach(settings: Settings, workers: int, *, kept_anyway: bool = False) -> Reach:
    """What the last run has found, or a new run where a source or a test has changed since."""
    kept = settings.root / KEPT
    stamp, now = kept / "stamp", _fingerprint(settings)
    if not stamp.is_file() or (stamp.read_text() != now and not kept_anyway):
        stamp.unlink(missing_ok=True)
        _run(settings, kept, workers)
        stamp.write_text(now)
    return _read(settings.root, kept)


def _fingerprint(settings: Settings) -> str:
    digest = hashlib.sha256(repr((settings.tests, settings.options, sys.version_info)).encode())
    for top in ("plugins", "simulator", "tests"):
        for file in sorted((settings.root / top).rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                digest.update(str(file.relative_to(settings.root)).encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def _run(settings: Settings, kept: Path, workers: int) -> None:
    kept.mkdir(parents=True, exist_ok=True)
    for file in kept.glob("coverage.data*"):
        file.unlink()
    config = kept / "coverage.ini"
    config.write_text(f"[run]\nsource = {SOURCES}\ndata_file = {KEPT}/coverage.data\nrelative_files = true\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tools.mutation.reach", *_parallel(workers)]
    command += ["--cov", f"--cov-config={config}", "--cov-context=test", "--cov-report=", *settings.options]
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [*command, *settings.tests],
        cwd=settings.root,
        env={**os.environ, "PYTHONPATH": paths},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode:
        sys.stderr.write(ended.stdout)
        raise SystemExit("The tests fail without any mistake planted: mend that first.")


def _parallel(workers: int) -> list[str]:
    return ["-n", str(workers)] if workers > 1 else []


def _read(root: Path, kept: Path) -> Reach:
    data = coverage.CoverageData(str(kept / "coverage.data"))
    data.read()
    by_line: dict[tuple[str, int], set[str]] = {}
    below = (root / SOURCES).resolve()
    for measured in data.measured_files():
        if not Path(measured).resolve().is_relative_to(below):
            continue  # a test has started a process with a tree of its own
        file = str(Path(measured).resolve().relative_to(below))
        for line, contexts in data.contexts_by_lineno(measured).items():
            tests = {context.rpartition("|")[0] for context in contexts if context}
            if tests:
                by_line[file, line] = tests
    seconds: dict[str, float] = json.loads((kept / "durations.json").read_text())
    return Reach(seconds, by_line)
