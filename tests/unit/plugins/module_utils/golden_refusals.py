# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is refused, as whole lines in a file beside the tests: kind of error, text and remedy, as a user reads them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_files import hold as hold_text

Ask = Callable[[], object]


def hold(path: Path, asks: Iterable[Ask]) -> None:
    """Each of them is refused as its line in the file says."""
    lines = "".join(f"{_line(ask)}\n" for ask in asks)
    hold_text(path, lines)


def _line(ask: Ask) -> str:
    try:
        found = ask()
    except CheckpointError as problem:
        return f"{type(problem).__name__}: {problem}"
    raise AssertionError(f"this is not refused: {found}")
