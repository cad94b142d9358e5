# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated world per test, on trio's virtual clock: no sockets, no waiting, no order between tests."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import trio.testing

ROOT = Path(__file__).resolve().parents[3]
if str(ROOT) not in sys.path:  # the plain `pytest` of somebody without our settings
    sys.path.insert(0, str(ROOT))

from .support import Sim, open_sim  # noqa: E402 - the path above comes first


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, Any]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture
async def sim(anyio_backend: object) -> AsyncIterator[Sim]:
    async with open_sim() as made:
        yield made
