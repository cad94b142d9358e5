# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the figures: `python -m tests.bench [KEY ...]`, all that are not opt-in without a key.

Prints a table, and keeps the figures in build/bench.json; those that were not measured now stay there as they are. A
file of figures registers them when it is imported here.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tests.support.simulator_server import ROOT

from . import azcollection, many, one_task
from .registry import FIGURES, Result

FILES = (one_task, many, azcollection)
"""Each registers its figures; `explain`, where a file has it, returns lines that say where the time went."""
KEPT = ROOT / "build/bench.json"


def main(keys: list[str]) -> int:
    """2 for a key that is none; a bound that is missed is printed, and no failure."""
    if unknown := [key for key in keys if key not in FIGURES]:
        sys.stderr.write(f"{', '.join(unknown)}: the figures are {', '.join(FIGURES)}\n")
        return 2
    wanted = [FIGURES[key] for key in keys] if keys else [each for each in FIGURES.values() if each.is_wanted]
    load = os.getloadavg()[0]
    results = []
    for each in wanted:
        sys.stderr.write(f"{each.key} ...\n")
        results.append(Result(each, tuple(each.measure())))
        keep(results, KEPT)  # the next one may take minutes
        sys.stderr.write(f"  {results[-1].value:.3f} (to reach: {each.bound:g})\n")
    lines = table(results)
    for file in FILES:
        if (explain := getattr(file, "explain", None)) is not None:
            lines += ["", *explain()]
    lines.append(f"\nload when it began: {load:.1f} on {os.cpu_count()} cores; kept in {KEPT.relative_to(ROOT)}")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def table(results: list[Result]) -> list[str]:
    """A line for each figure."""
    lines = [f"{'figure':<28} {'value':>8} {'to reach':>9}           {'least':>8} {'most':>8}  runs  what"]
    for each in results:
        verdict = "reached" if each.is_reached else "MISSED"
        numbers = f"{each.value:>8.3f} {'≤ ' + format(each.figure.bound, 'g'):>9}  {verdict:<8} "
        spread = f"{min(each.runs):>8.3f} {max(each.runs):>8.3f}  {len(each.runs):>4}"
        lines.append(f"{each.figure.key:<28} {numbers}{spread}  {each.figure.title}")
    return lines


def keep(results: list[Result], path: Path) -> None:
    """Add the results to the file."""
    known = json.loads(path.read_text())["figures"] if path.exists() else {}
    known |= {each.figure.key: {"value": each.value, "runs": list(each.runs)} for each in results}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"figures": known}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
