# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that are kept beside the tests: `REGENERATE=1 pytest …` writes them anew, and their diff is to be read."""

from __future__ import annotations

import os
from pathlib import Path


def hold(path: Path, text: str, before: str = "") -> None:
    """The text is what the file has, behind what stands `before` it there and is given."""
    if os.environ.get("REGENERATE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(before + text, "utf-8")
    assert before + text == path.read_text("utf-8"), "REGENERATE=1 writes it anew"
