# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused, as whole lines in a file beside the tests: kind of error, text and remedy, as a user reads them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError

Ask = Callable[[], object]


def hold(path: Path, asks: Iterable[Ask]) -> None:
    """Each of them is refused as its line in the file says."""
    lines = "".join(f"{_told(ask)}\n" for ask in asks)
    if os.environ.get("REGENERATE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(lines, "utf-8")
    assert lines == path.read_text("utf-8"), "REGENERATE=1 writes it anew"


def _told(ask: Ask) -> str:
    try:
        found = ask()
    except CheckpointError as problem:
        return f"{type(problem).__name__}: {problem}"
    raise AssertionError(f"this is not refused: {found}")
