# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""For how long one target, and one service, may hold up the others."""

from __future__ import annotations

from contextlib import suppress

import anyio
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Forbidden,
    Unavailable,
    Unreachable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.patience import (
    Patience,
    share_of,
)
from tests.unit.plugins.module_utils.scripted_server import virtual


@pytest.mark.parametrize(
    ("total", "longest", "expected"),
    [(3600, 90, 90), (600, 120, 120), (300, 120, 75), (240, 90, 60), (120, 90, 60), (60, 90, 30), (10, 90, 5)],
)
def test_a_quarter_of_the_time_or_a_minute_of_it(total: float, longest: float, expected: float) -> None:
    async def main() -> float:
        return share_of(Deadline(total), longest)

    assert virtual(main) == expected


async def _done() -> bool:
    return True


async def _hangs() -> bool:
    await anyio.sleep_forever()
    raise AssertionError


async def _overloaded() -> bool:
    raise Unavailable("503")


async def _forbidden() -> bool:
    raise Forbidden("403")


def test_what_takes_too_long_is_cut_off() -> None:
    async def main() -> tuple[bool, float]:
        start = anyio.current_time()
        return await Patience(Deadline(3600)).with_one("a", _hangs), anyio.current_time() - start

    assert virtual(main) == (False, 90.0)


def test_after_several_silent_ones_the_others_of_the_service_are_not_tried() -> None:
    async def main() -> list[bool]:
        patience = Patience(Deadline(3600))
        for number in range(5):
            if number % 2:
                with pytest.raises(Unavailable):
                    await patience.with_one("a", _overloaded)
            else:
                assert not await patience.with_one("a", _hangs)
        return [await patience.with_one("a", _done), await patience.with_one("b", _done)]

    assert virtual(main) == [False, True]


def test_before_that_the_others_are_tried() -> None:
    async def main() -> bool:
        patience = Patience(Deadline(3600))
        for _each in range(4):
            assert not await patience.with_one("a", _hangs)
        return await patience.with_one("a", _done)

    assert virtual(main)


async def _not_ready() -> bool:
    return False


async def _unreachable() -> bool:
    raise Unreachable("no route")


def test_what_could_not_be_reached_is_silent_and_what_is_not_ready_has_answered() -> None:
    async def main() -> list[bool]:
        patience = Patience(Deadline(3600))
        for act, service in [(_unreachable, "a"), (_not_ready, "b")] * 5:
            with suppress(Unreachable):
                assert not await patience.with_one(service, act)
        return [await patience.with_one("a", _done), await patience.with_one("b", _done)]

    assert virtual(main) == [False, True]


@pytest.mark.parametrize("answers", [_done, _forbidden])
def test_an_answer_counts_anew(answers: object) -> None:
    async def main() -> bool:
        patience = Patience(Deadline(3600))
        for act in [*[_hangs] * 4, answers, *[_hangs] * 4]:
            try:
                await patience.with_one("a", act)  # type: ignore[arg-type]  # one of the functions above
            except Forbidden:
                continue
        return await patience.with_one("a", _done)

    assert virtual(main)
