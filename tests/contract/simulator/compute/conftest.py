# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
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
