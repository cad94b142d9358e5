# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A subscription per test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from .cloud import Cloud, open_cloud


@pytest.fixture
async def cloud(anyio_backend: object) -> AsyncIterator[Cloud]:
    async with open_cloud() as made:
        yield made
