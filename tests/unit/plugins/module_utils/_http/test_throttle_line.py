# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The line before a bucket: who goes first, and who leaves it at the deadline."""

from __future__ import annotations

import anyio
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.throttle import Bucket
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

Turn = tuple[str, bool, float]


def _lined_up(coming: list[tuple[str, float, float]], first: float, later: dict[float, float]) -> list[Turn]:
    """Names with when they come and how much time they have, at a bucket that is closed for `first` seconds, and later
    for so many: who was let, and when each knew, in that order.
    """
    turns: list[Turn] = []

    async def main() -> None:
        bucket = Bucket()
        await bucket.admit(Deadline(1e6))
        bucket.refused(anyio.current_time(), first)

        async def one(name: str, after: float, seconds: float) -> None:
            await anyio.sleep(after)
            turns.append((name, await bucket.admit(Deadline(seconds)), anyio.current_time()))

        async def closed(after: float, seconds: float) -> None:
            await anyio.sleep(after)
            bucket.refused(anyio.current_time(), seconds)

        async with anyio.create_task_group() as group:
            for each in coming:
                group.start_soon(one, *each)
            for pair in later.items():
                group.start_soon(closed, *pair)

    virtual(main)
    return turns


@pytest.mark.parametrize("seconds", [1.0, 5.0])
def test_who_comes_first_goes_first_however_short_the_pause(seconds: float) -> None:
    names = "abcdefgh"
    turns = _lined_up([(name, at / 10, 1e6) for at, name in enumerate(names)], seconds, {})
    assert turns == [(name, True, seconds + 2.0 * at) for at, name in enumerate(names)]


def test_who_still_stands_behind_another_at_its_deadline_has_no_turn() -> None:
    turns = _lined_up([("a", 0.0, 1e6), ("b", 1.0, 20.0), ("c", 2.0, 1e6)], 10.0, {4.0: 60.0})
    assert turns == [("b", False, 21.0), ("a", True, 64.0), ("c", True, 66.0)]
