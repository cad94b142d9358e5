# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several things at once, but not too many."""

from __future__ import annotations

import typing as t

from .._core.errors import CheckpointError
from .._deps import anyio

Item = t.TypeVar("Item")


async def bounded(items: t.Iterable[Item], act: t.Callable[[Item], t.Awaitable[None]], concurrency: int) -> None:
    """`act` on each item in order, at most `concurrency` at once; the first error ends the rest and is raised alone."""
    todo = iter(list(items))
    failed: list[CheckpointError] = []

    async def worker() -> None:
        for item in todo:
            if failed:
                return
            try:
                await act(item)
            except CheckpointError as error:
                failed.append(error)

    async with anyio.create_task_group() as group:
        for _worker in range(max(1, concurrency)):
            group.start_soon(worker)
    if failed:
        raise failed[0]
