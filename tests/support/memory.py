# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The most memory that a process had."""

from __future__ import annotations

from pathlib import Path


def peak_mib() -> float:
    """That of this process. What getrusage says begins with that of the process which has started it."""
    status = Path("/proc/self/status").read_text()
    return float(status.partition("VmHWM:")[2].split()[0]) / 1024
