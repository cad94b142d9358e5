# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for other processes and threads: for the event itself, with a bound that only a hang reaches."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

HANG = 900.0
"""Seconds after which whatever is waited for hangs, on the busiest machine. No test may take long because of it."""

Given = TypeVar("Given")


def until(happened: Callable[[], Given], what: str) -> Given:
    """Look until there is something to be seen, and return that."""
    end = time.monotonic() + HANG
    while not (found := happened()):
        assert time.monotonic() < end, f"not within {HANG:g} s: {what}"
        time.sleep(0.01)
    return found
