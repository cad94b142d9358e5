# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge a coverage report: a floor for the whole, and every line and branch of the pure files."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

from tools.house import module_of, pure_files

FLOOR = 95.0


class Counts(t.TypedDict):
    """What coverage counts, for a file and for the whole."""

    covered_lines: int
    num_statements: int
    covered_branches: int
    num_branches: int


class FileReport(t.TypedDict):
    """One file of coverage's JSON report; a branch is a pair of lines, negative where a function is left."""

    summary: Counts
    missing_lines: list[int]
    missing_branches: list[list[int]]


def percent(counts: Counts) -> float:
    """Return the share of lines and branches that ran, in percent; nothing to run is all of it."""
    total = counts["num_statements"] + counts["num_branches"]
    return 100.0 * (counts["covered_lines"] + counts["covered_branches"]) / total if total else 100.0


def judge(files: t.Mapping[str, FileReport], whole: Counts, pure: t.Collection[str]) -> tuple[list[str], list[str]]:
    """Return a line for each file that is not fully covered, and what breaks the gate."""
    lines, broken = [], []
    for path, report in sorted(files.items()):
        missing = [str(line) for line in report["missing_lines"]]
        missing += [f"{start}->{'exit' if end < 0 else end}" for start, end in report["missing_branches"]]
        if missing:
            lines.append(f"{percent(report['summary']):6.1f} %  {path}: {', '.join(missing)}")
            if module_of(path) in pure:
                broken.append(f"{path} is pure and must be covered entirely")
    if percent(whole) < FLOOR:
        broken.append(f"{percent(whole):.1f} % of the whole is covered, and {FLOOR:.0f} % is the least")
    return lines, broken


def main(report: Path) -> int:
    """Print the judgement on a report."""
    document = json.loads(report.read_text())
    files: dict[str, FileReport] = document["files"]
    whole: Counts = document["totals"]
    lines, broken = judge(files, whole, pure_files(Path.cwd()))
    lines.append(f"{percent(whole):6.1f} %  of lines and branches in {len(files)} files")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stderr.write("".join(f"coverage: {text}\n" for text in broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
