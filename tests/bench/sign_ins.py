# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What signing in adds to a process, ours beside a library's.

A round runs four processes in turn, so that a busy machine slows all of them; the median of the rounds' differences
counts, and the first round is thrown away.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping

Program = tuple[str, object]
"""Python source, and the one argument that it is given as JSON."""


def show(way: str, programs: tuple[Program, Program, Program, Program], environ: Mapping[str, str], runs: int) -> None:
    """Print a line of a table. `programs`: ours without and with the sign-in, then the library's likewise."""
    rounds = [[_milliseconds(each, environ) for each in programs] for _run in range(runs + 1)][1:]
    ours = statistics.median(given - bare for bare, given, _bare, _given in rounds)
    theirs = statistics.median(given - bare for _bare, _given, bare, given in rounds)
    sys.stdout.write(f"| {way} | {ours:.0f} ms | {theirs:.0f} ms | {ours / theirs:.2f} |\n")
    sys.stdout.flush()


def _milliseconds(program: Program, environ: Mapping[str, str]) -> float:
    """Of the whole process."""
    source, argument = program
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", source, json.dumps(argument)], check=True, env=environ)
    return (time.perf_counter() - begun) * 1000
