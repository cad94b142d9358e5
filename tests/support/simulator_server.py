# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m simulator` as a process, for as long as a block lasts."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.waiting import HANG

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def started(directory: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """The process and its ready file's content; it ends with the block, and with this process whatever happens."""
    command = [sys.executable, "-m", "simulator", "--tls-dir", str(directory), "--with-parent", str(os.getpid())]
    process = subprocess.Popen(
        [*command, *options],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ)
            assert selector.select(timeout=HANG), "no sign of life"
        first, second = process.stdout.readline(), process.stdout.readline()
        assert first.startswith("Simulator ready at "), first + second + process.stdout.read()
        yield process, json.loads(Path(second.strip().rpartition(": ")[2]).read_text())
    finally:
        process.terminate()
        try:
            process.wait(HANG)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
