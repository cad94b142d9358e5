# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many targets are at work at once: in order, at most as asked, more on success, half as many on trouble."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from functools import partial

import anyio
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.concurrency import (
    Asked,
    Concurrency,
    Levels,
    ServiceLevel,
    each_at_its_level,
    side_by_side,
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


@pytest.mark.parametrize(("asked", "expected"), [(1, 1), (3, 3), (20, 20), ("auto", 256)])
def test_in_order_and_at_most_as_asked(asked: Asked, expected: int) -> None:
    begun, most = _play(asked, 2000, _a_second)
    assert begun == list(range(2000))
    assert most == expected


def test_it_begins_with_few() -> None:
    levels: list[int] = []

    async def note(concurrency: Concurrency, _item: int) -> None:
        levels.append(concurrency.level)
        await anyio.sleep(1)

    _play("auto", 32, note)
    assert set(levels) == {32}


def test_each_success_lets_more_begin() -> None:
    levels: list[int] = []

    async def note(concurrency: Concurrency, _item: int) -> None:
        levels.append(concurrency.level)

    _play("auto", 30, note)
    assert max(levels) > 32
    assert all(later - earlier in (0, 3) for earlier, later in itertools.pairwise(levels))


def test_trouble_halves_once_for_all_that_were_under_way() -> None:
    levels: list[int] = []

    async def fail(concurrency: Concurrency, _item: int) -> None:
        await anyio.sleep(1)
        concurrency.pressed()
        levels.append(concurrency.level)

    _play("auto", 32, fail)
    before, after = levels[:3], levels[3:]
    assert before == [32, 35, 38], "three in a row are no overload yet"
    assert set(after) == {20}


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

    assert (virtual(main) < 32) is shrinks


def test_it_never_falls_below_one() -> None:
    levels: list[int] = []

    async def fail(concurrency: Concurrency, _item: int) -> None:
        await anyio.sleep(1)
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

    _play("auto", 32 * 20, refused)
    assert levels[32 * 14] == 32
    assert levels[-1] > 32


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


@pytest.mark.parametrize(
    ("asked", "reading", "writing"),
    [("auto", (32, 64), (32, 256)), (300, (32, 64), (32, 256)), (40, (32, 40), (32, 40)), (5, (5, 5), (5, 5))],
)
def test_less_is_read_at_once_than_written(asked: Asked, reading: tuple[int, int], writing: tuple[int, int]) -> None:
    async def main() -> None:
        levels = Levels(asked)
        assert [(each.start, each.level, each.most) for each in (levels.reading, levels.writing)] == [
            (reading[0], *reading),
            (writing[0], *writing),
        ]
        service = levels.of("a")
        assert service is levels.of("a")
        assert (service.reading.level, service.reading.most) == reading
        assert (service.reading is levels.reading) is (asked != "auto")
        assert (levels.of("b").reading is service.reading) is (asked != "auto")

    virtual(main)


def _levels(levels: Levels, *services: ServiceLevel) -> list[int]:
    """Of all together, then of each service, reading and writing."""
    pairs = [(levels.reading, levels.writing), *((each.reading, each.writing((32, 256))) for each in services)]
    return [one.level for pair in pairs for one in pair]


def test_what_a_service_answers_concerns_it_and_what_is_counted_for_all() -> None:
    async def main() -> None:
        levels = Levels()
        a, b = levels.of("a"), levels.of("b")
        assert _levels(levels, a, b) == [32] * 6
        for _each in range(4):
            a.pressed()
        assert _levels(levels, a, b) == [16, 16, 16, 16, 32, 32]
        answering = Levels()
        c = answering.of("c")
        assert _levels(answering, c) == [32] * 4
        for _each in range(3):
            c.pressed()
        for _each in range(20):
            c.answered()
        c.pressed()
        assert _levels(answering, c) == [32] * 4
        c.held(30)
        grown = (answering.reading, answering.writing, c.reading, c.writing((32, 256)))
        await anyio.sleep(29)
        for each in grown:
            each.grow()
        assert _levels(answering, c) == [32] * 4
        await anyio.sleep(1)
        for each in grown:
            each.grow()
        assert _levels(answering, c) == [35] * 4

    virtual(main)


def test_trouble_holds_the_level_for_a_second_and_a_longer_hold_lasts() -> None:
    async def main() -> None:
        concurrency = Concurrency()
        for _each in range(4):
            concurrency.pressed()
        await anyio.sleep(0.9)
        concurrency.pressed()
        concurrency.grow()
        assert concurrency.level == 16, "a second has not passed"
        await anyio.sleep(0.1)
        concurrency.pressed()
        assert concurrency.level == 8
        await anyio.sleep(0.9)
        concurrency.grow()
        assert concurrency.level == 8
        await anyio.sleep(0.1)
        concurrency.grow()
        assert concurrency.level == 11
        concurrency.held(30)
        concurrency.held(5)
        concurrency.pressed()
        await anyio.sleep(29)
        concurrency.grow()
        assert concurrency.level == 5
        await anyio.sleep(1)
        concurrency.grow()
        assert concurrency.level == 8

    virtual(main)


def test_four_troubled_answers_in_a_row_are_overload_and_good_ones_between_are_not() -> None:
    async def main() -> None:
        concurrency = Concurrency()
        for _each in range(3):
            concurrency.pressed()
        assert concurrency.level == 32
        for _each in range(2):
            concurrency.answered()
        concurrency.pressed()
        assert concurrency.level == 16, "two good ones make little of three"
        few = Concurrency(3)
        for _each in range(4):
            few.pressed()
        assert few.level == 1
        few.grow()
        await anyio.sleep(1)
        few.grow()
        assert few.level == 3, "and never more than was asked for"

    virtual(main)


def test_each_goes_at_the_level_it_belongs_to_in_order_and_beside_the_others() -> None:
    begun: list[str] = []
    times: dict[str, float] = {}

    async def main() -> None:
        lines = {"a": Concurrency(1), "b": Concurrency(1)}

        async def act(item: str) -> None:
            begun.append(item)
            times[item] = anyio.current_time()
            await anyio.sleep(10)

        await each_at_its_level(["a1", "b1", "a2", "b2", "a3"], lambda item: lines[item[0]], act)

    virtual(main)
    assert [each for each in begun if each[0] == "a"] == ["a1", "a2", "a3"]
    assert times == {"a1": 0.0, "b1": 0.0, "a2": 10.0, "b2": 10.0, "a3": 20.0}


def test_of_several_ways_the_first_error_ends_the_others_and_is_raised_alone() -> None:
    ended: list[str] = []

    async def goes(name: str, seconds: float, *, fails: bool) -> None:
        await anyio.sleep(seconds)
        ended.append(name)
        if fails:
            raise InvalidInput(name)

    async def main(second: bool) -> float:
        ways = [partial(goes, "long", 30, fails=True), partial(goes, "short", 10, fails=second)]
        with pytest.raises(InvalidInput, match="short" if second else "long"):
            await side_by_side(ways)
        return anyio.current_time()

    assert virtual(lambda: main(True)) == 10.0
    assert virtual(lambda: main(False)) == 30.0
    assert ended == ["short", "short", "long"]


def test_of_those_at_work_the_first_error_is_raised_and_nobody_begins_after_it() -> None:
    begun: list[int] = []

    async def main() -> None:
        async def act(item: int) -> None:
            begun.append(item)
            await anyio.sleep(item + 1)
            raise InvalidInput(f"item {item}")

        await Concurrency(2).each(range(9), act)

    with pytest.raises(InvalidInput, match="item 0"):
        virtual(main)
    assert begun == [0, 1]


def test_those_that_wait_for_their_turn_do_not_begin_after_an_error() -> None:
    begun: list[int] = []

    async def main() -> None:
        async def act(item: int) -> None:
            begun.append(item)
            await anyio.sleep(1)
            raise InvalidInput(f"item {item}")

        await Concurrency("auto", 4, 1).each(range(4), act)

    with pytest.raises(InvalidInput, match="item 0"):
        virtual(main)
    assert begun == [0]
