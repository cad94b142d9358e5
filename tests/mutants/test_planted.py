# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes that once went unseen, planted again: for each there is a test that sees it today.

A mistake is found by what it is about, not by where it stands. Where nothing matches any more the code has been
rewritten: find the same mistake in the new code. The list is never shortened.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tools.mutation.mutant import mutants
from tools.mutation.settings import SOURCES, private_copy

ROOT = Path(__file__).resolve().parents[2]
Plant = Callable[[str, str], "str | None"]


def replaced(pattern: str, by: str) -> Plant:
    """A mistake in the text of a file."""

    def plant(_file: str, source: str) -> str | None:
        changed, times = re.subn(pattern, by, source)
        return changed if times else None

    return plant


def mutated(operator: str, before: str, after: str, function: str = "") -> Plant:
    """A mistake that `make mutants` knows; patterns of what stands there before and after."""

    def plant(file: str, source: str) -> str | None:
        for mutant in mutants(file, source):
            named = re.search(function, mutant.function) and mutant.operator == operator
            if named and re.search(before, mutant.before) and re.search(after, mutant.after):
                return mutant.text()
        return None

    return plant


class Planted(NamedTuple):
    """A mistake and the test that is to see it."""

    name: str
    plant: Plant
    guard: str


PLANTED = [
    Planted(
        "an SPF VM matched by the beginning of its name",
        mutated("prefix", r"lower\(\) == reference\.lower\(\)", "startswith"),
        "test_a_part_of_a_name_is_nobodys",
    ),
    Planted(
        "host names are not checked",
        replaced(
            r"ssl\.create_default_context\(\)",
            r'(lambda made: (setattr(made, "check_hostname", False), made)[1])(ssl.create_default_context())',
        ),
        "test_a_trusted_certificate_of_another_host_is_not_this_hosts",
    ),
    Planted(
        "the approval is not checked again behind a lock",
        mutated("statement", r"^approval\.check\(\[self\.todo\].*part=True", "^pass$"),
        "test_a_plan_made_anew_stays_within_the_approval",
    ),
    Planted(
        "the approval is not checked for a VM that was postponed",
        mutated("statement", r"^approval\.check\(\[member\.", "^pass$"),
        "test_an_approval_covers_the_vm_that_was_postponed_too",
    ),
    Planted(
        "that the VM was turned off is left out",
        replaced(r"The VM was turned off for it, and nothing has turned it on again\.", ""),
        "test_a_restore_that_fails_behind_a_stop_says_that_the_vm_is_off",
    ),
    Planted(
        "a restore point that has gone is read on",
        mutated("comparison", "found is None", "found is not None", r"making\.poll$"),
        "test_the_point_in_the_making_says_how_it_goes",
    ),
    Planted(
        "a restore to where the VM stands is proven by where it stands",
        mutated("and/or", r"current_known and \(?not ", "current_known or "),
        "test_standing_where_it_stood_proves_no_restore",
    ),
    Planted(
        "a resource group must be there for what shall be absent",
        mutated("constant", "^False$", "^True$", r"^\w+\.dated_collection$"),
        "test_what_shall_be_absent_is_absent",
    ),
    Planted(
        "thirteen letters of a key in a name that has room for twelve",
        mutated("constant", r"key\[:12\]", r"key\[:13\]"),
        "test_the_next_run_with_the_key_takes_no_second_one",
    ),
]


def where(guard: str) -> str:
    """The file and name of a test, wherever it has been moved to."""
    (file,) = [path for path in (ROOT / "tests").rglob("test_*.py") if f"def {guard}(" in path.read_text("utf-8")]
    return f"{file.relative_to(ROOT)}::{guard}"


class Worker:
    """A tree of its own, and a process that runs tests in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        private_copy(ROOT, root)
        files = list(dict.fromkeys(where(planted.guard).partition("::")[0] for planted in PLANTED))
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
        command = [sys.executable, "-P", "-m", "tools.mutation.worker", *files]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=root, env=environ, stdin=pipe, stdout=pipe, text=True)

    def verdict(self, file: str, text: str, guard: str) -> dict[str, Any]:
        """What the guard says of a file with that text."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        job = {"file": file, "text": text, "batches": [{}], "paths": [where(guard)]}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def source(self, file: str) -> str:
        """A file as it is."""
        return (self.root / SOURCES / file).read_text("utf-8")


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    made = Worker(tmp_path_factory.mktemp("planted") / "copy")
    with made.process:
        yield made
        if made.process.stdin is not None:
            made.process.stdin.close()


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name.replace(" ", "-"))
def test_a_planted_mistake_is_seen(worker: Worker, planted: Planted) -> None:
    below = worker.root / SOURCES
    files = sorted(str(path.relative_to(below)) for path in below.rglob("*.py"))
    found = [(file, text) for file in files if (text := planted.plant(file, worker.source(file))) is not None]
    assert found, "nothing like it stands anywhere: find the mistake in the code of today"
    file = found[0][0]
    assert worker.verdict(file, worker.source(file), planted.guard)["word"] == "survived", "the guard is red anyway"
    for file, text in found:
        assert worker.verdict(file, text, planted.guard)["word"] == "caught", f"planted in {file}, nobody sees it"
