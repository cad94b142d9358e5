# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many targets are at work at once: in order, at most as asked, more on success, half as many on trouble."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable

import anyio
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.concurrency import (
    GROWTH,
    MOST,
    PAUSE,
    START,
    Asked,
    Concurrency,
    Levels,
)
from tests.unit.plugins.module_utils.scripted_server import virtual


def _play(asked: Asked, count: int, during: Callable[[Concurrency, int], Awaitable[None]]) -> tuple[list[int], int]:
    """The order in which items began, and the most that were at work at once."""
    begun: list[int] = []
    at_work = most = 0

    async def main() -> None:
        concurrency = Concurrency(asked)

        async def act(item: int) -> None:
            nonlocal at_work, most
            begun.append(item)
            at_work += 1
            most = max(most, at_work)
            await during(concurrency, item)
            at_work -= 1

        await concurrency.each(range(count), act)

    virtual(main)
    return begun, most


async def _a_second(_concurrency: Concurrency, _item: int) -> None:
    await anyio.sleep(1)


@pytest.mark.parametrize(("asked", "expected"), [(1, 1), (3, 3), (20, 20), ("auto", MOST)])
def test_in_order_and_at_most_as_asked(asked: Asked, expected: int) -> None:
    begun, most = _play(asked, 2000, _a_second)
    assert begun == list(range(2000))
    assert most == expected


def test_it_begins_with_few() -> None:
    levels: list[int] = []

    async def note(concurrency: Concurrency, _item: int) -> None:
        levels.append(concurrency.level)
        await anyio.sleep(1)

    _play("auto", START, note)
    assert set(levels) == {START}


def test_each_success_lets_more_begin() -> None:
    levels: list[int] = []

    async def note(concurrency: Concurrency, _item: int) -> None:
        levels.append(concurrency.level)

    _play("auto", 30, note)
    assert max(levels) > START
    assert all(later - earlier in (0, GROWTH) for earlier, later in itertools.pairwise(levels))


def test_trouble_halves_once_for_all_that_were_under_way() -> None:
    levels: list[int] = []

    async def fail(concurrency: Concurrency, _item: int) -> None:
        await anyio.sleep(1)
        concurrency.pressed()
        levels.append(concurrency.level)

    _play("auto", START, fail)
    before, after = levels[:3], levels[3:]
    assert before == [START, START + GROWTH, START + 2 * GROWTH], "three in a row are no overload yet"
    assert set(after) == {(START + 3 * GROWTH) // 2}


@pytest.mark.parametrize(("every", "shrinks"), [(20, False), (12, False), (3, True), (2, True)])
def test_a_few_troubled_answers_among_many_are_no_overload(every: int, *, shrinks: bool) -> None:
    async def main() -> int:
        concurrency = Concurrency("auto")
        for number in range(1000):
            await anyio.sleep(1)
            if number % every == 0:
                concurrency.pressed()
            else:
                concurrency.answered()
        return concurrency.level

    assert (virtual(main) < START) is shrinks


def test_it_never_falls_below_one() -> None:
    levels: list[int] = []

    async def fail(concurrency: Concurrency, _item: int) -> None:
        await anyio.sleep(PAUSE)
        concurrency.pressed()
        levels.append(concurrency.level)

    _play("auto", 200, fail)
    assert levels[-1] == 1


def test_what_is_counted_holds_the_level() -> None:
    levels: list[int] = []

    async def refused(concurrency: Concurrency, item: int) -> None:
        concurrency.held(30 if item == 0 else 0)
        await anyio.sleep(2)
        levels.append(concurrency.level)

    _play("auto", START * 20, refused)
    assert levels[START * 14] == START
    assert levels[-1] > START


def test_the_first_error_ends_the_rest() -> None:
    begun: list[int] = []

    async def main() -> None:
        async def act(item: int) -> None:
            begun.append(item)
            await anyio.sleep(1)
            if item == 1:
                raise InvalidInput("wrong")

        await Concurrency(2).each(range(50), act)

    with pytest.raises(InvalidInput, match="wrong"):
        virtual(main)
    assert begun == [0, 1, 2] or begun == [0, 1]


def test_nothing_to_do() -> None:
    assert _play("auto", 0, _a_second) == ([], 0)


def test_each_service_has_its_levels_and_an_asked_bound_is_one_for_all() -> None:
    async def main() -> None:
        own = Levels("auto")
        few, many, other = (
            own.of("a").writing((32, 256)),
            own.of("a").writing((100, 512)),
            own.of("b").writing((32, 256)),
        )
        assert (few.level, few.most, many.level, many.most) == (32, 256, 100, 512)
        assert own.of("a").writing((100, 512)) is many
        for _each in range(4):
            own.of("a").pressed()
        assert (few.level, many.level, other.level, own.reading.level) == (16, 50, 32, 16)
        shared = Levels(40)
        assert shared.of("a").writing((100, 512)) is shared.of("b").writing((32, 256)) is shared.writing
        assert shared.writing.most == 40

    virtual(main)
