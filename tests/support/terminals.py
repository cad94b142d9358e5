# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a terminal is told."""

from __future__ import annotations

import os
import select


def seen(master: int, patience: float = 5.0) -> str:
    """What has come since the last time; waits for the first of it, and until no more follows."""
    parts: list[bytes] = []
    while select.select([master], [], [], 0.1 if parts else patience)[0]:
        parts.append(os.read(master, 4096))
    return b"".join(parts).decode()
