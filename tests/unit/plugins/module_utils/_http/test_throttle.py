# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One limiter for what a service counts together, against token buckets whose size and rate it does not know."""

from __future__ import annotations

import math

import anyio
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.throttle import Bucket
from tests.unit.plugins.module_utils.scripted_server import virtual


class _Tokens:
    """The other side: a token bucket that asks for a whole second."""

    def __init__(self, size: float, rate: float) -> None:
        self.size, self.rate, self.tokens, self.at = size, rate, size, 0.0
        self.taken = self.refused = 0

    def take(self) -> float | None:
        """None, or the seconds to wait."""
        now = anyio.current_time()
        self.tokens = min(self.size, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if self.tokens < 1:
            self.refused += 1
            return float(max(1, math.ceil((1 - self.tokens) / self.rate)))
        self.tokens -= 1
        self.taken += 1
        return None


def _clients(tokens: _Tokens, clients: int, requests: int) -> float:
    """So many clients with so many requests each: the seconds that all took."""
    took = 0.0

    async def main() -> None:
        nonlocal took
        bucket, deadline = Bucket(), Deadline(1e6)

        async def client() -> None:
            for _request in range(requests):
                while True:
                    assert await bucket.admit(deadline)
                    sent = anyio.current_time()
                    await anyio.sleep(0.05)
                    if (seconds := tokens.take()) is None:
                        bucket.passed()
                        break
                    bucket.refused(sent, seconds)

        begun = anyio.current_time()
        async with anyio.create_task_group() as group:
            for _client in range(clients):
                group.start_soon(client)
        took = anyio.current_time() - begun

    virtual(main)
    return took


@pytest.mark.parametrize(("size", "rate"), [(200.0, 10.0), (250.0, 25.0), (12.0, 1.0), (1500.0, 100.0)])
@pytest.mark.parametrize("clients", [40, 256])
def test_a_bucket_is_used_up_and_seldom_overdrawn(size: float, rate: float, clients: int) -> None:
    tokens = _Tokens(size, rate)
    count = 20 * clients
    took = _clients(tokens, clients, 20)
    bound = max((count - size) / rate, 0.0)
    assert tokens.taken == count
    assert took <= 1.10 * bound + 20 * 0.05 + 2
    assert tokens.refused <= 2 * clients + count / 8


def test_nobody_waits_where_nothing_is_refused() -> None:
    assert _clients(_Tokens(1e9, 1.0), 5, 10) == pytest.approx(0.5)


def test_one_refusal_holds_all_up() -> None:
    left: list[float] = []

    async def main() -> None:
        bucket, deadline = Bucket(), Deadline(1e6)
        await bucket.admit(deadline)
        bucket.passed()
        bucket.refused(anyio.current_time(), 30)

        async def another() -> None:
            await bucket.admit(deadline)
            left.append(anyio.current_time())

        async with anyio.create_task_group() as group:
            for _each in range(3):
                group.start_soon(another)

    virtual(main)
    assert len(left) == 3
    assert min(left) >= 30


def test_one_that_is_refused_again_and_again_lets_the_others_pass() -> None:
    """Who has waited longest goes first; the one behind whom all would wait for good goes last."""
    left: list[int] = []

    async def main() -> None:
        bucket, deadline = Bucket(), Deadline(1e6)

        async def poisoned() -> None:
            while len(left) < 5:
                await bucket.admit(deadline)
                sent = anyio.current_time()
                await anyio.sleep(0.1)
                bucket.refused(sent, 60)

        async def another(number: int) -> None:
            await anyio.sleep(1)
            await bucket.admit(deadline)
            await anyio.sleep(0.1)
            bucket.passed()
            left.append(number)

        async with anyio.create_task_group() as group:
            group.start_soon(poisoned)
            for number in range(5):
                group.start_soon(another, number)

        assert anyio.current_time() < 400

    virtual(main)
    assert sorted(left) == [0, 1, 2, 3, 4]


def test_a_turn_after_the_deadline_is_refused_at_once() -> None:
    async def main() -> None:
        bucket = Bucket()
        await bucket.admit(Deadline(10))
        bucket.refused(anyio.current_time(), 30)
        before = anyio.current_time()
        assert not await bucket.admit(Deadline(10))
        assert anyio.current_time() == before

    virtual(main)


def test_many_have_time_enough_where_the_rate_grows() -> None:
    """Nothing passed before the refusal, so that the rate is the least; each that passes then adds to it."""

    async def main() -> list[bool]:
        bucket = Bucket()
        bucket.refused(anyio.current_time(), 60)
        let = []

        async def one() -> None:
            let.append(await bucket.admit(Deadline(100)))
            bucket.passed()

        async with anyio.create_task_group() as group:
            for _number in range(60):
                group.start_soon(one)
        return let

    assert virtual(main) == [True] * 60


def test_a_refusal_meanwhile_sends_those_who_wait_back() -> None:
    """Whoever waits for its turn waits on when the bucket is refused again before that."""
    left: list[float] = []

    async def main() -> None:
        bucket, deadline = Bucket(), Deadline(1e6)
        await bucket.admit(deadline)
        bucket.refused(anyio.current_time(), 5)

        async def waits() -> None:
            await bucket.admit(deadline)
            left.append(anyio.current_time())

        async with anyio.create_task_group() as group:
            group.start_soon(waits)
            await anyio.sleep(4)
            bucket.refused(anyio.current_time(), 60)

    virtual(main)
    assert left[0] >= 64


def test_the_rate_is_what_passed_in_the_time_between_two_refusals() -> None:
    async def main() -> list[float]:
        bucket, rates = Bucket(), []
        await anyio.sleep(1000)
        await bucket.admit(Deadline(1e6))
        for _request in range(20):
            bucket.passed()
        await anyio.sleep(5)
        await bucket.admit(Deadline(1e6))
        before = anyio.current_time()
        bucket.refused(before, 5)
        rates.append(bucket.rate)  # 20 in 10 seconds
        bucket.passed()
        rates.append(bucket.rate)
        bucket.refused(before, 9)  # it left before the last refusal: it tells nothing new
        rates.append(bucket.rate)
        await anyio.sleep(10)
        bucket.refused(anyio.current_time(), 1)  # one in six seconds is no rate
        rates.append(bucket.rate)
        return rates

    assert virtual(main) == pytest.approx([2.0, 2.1, 2.1, 0.5])


def test_a_refusal_at_once_counts_as_a_second() -> None:
    async def main() -> float:
        bucket = Bucket()
        await bucket.admit(Deadline(1e6))
        for _request in range(7):
            bucket.passed()
        bucket.refused(anyio.current_time(), 0.25)
        return bucket.rate

    assert virtual(main) == 7.0


def test_after_a_refusal_requests_leave_at_the_measured_rate() -> None:
    left: list[float] = []

    async def main() -> None:
        bucket, deadline = Bucket(), Deadline(1e6)
        await bucket.admit(deadline)
        for _request in range(20):
            bucket.passed()
        await anyio.sleep(5)
        bucket.refused(anyio.current_time(), 5)
        for _request in range(3):
            assert await bucket.admit(deadline)
            left.append(anyio.current_time())
        await anyio.sleep(30)
        for _request in range(3):  # nothing is saved up but one
            assert await bucket.admit(deadline)
            left.append(anyio.current_time())

    virtual(main)
    begun = left[0]
    assert [each - begun for each in left] == pytest.approx([0.0, 0.5, 1.0, 31.0, 31.0, 31.5])


@pytest.mark.parametrize(("seconds", "let"), [(30.0, False), (30.001, True)])
def test_a_turn_has_to_come_before_the_deadline(seconds: float, let: bool) -> None:
    async def main() -> bool:
        bucket = Bucket()
        await bucket.admit(Deadline(1e6))
        bucket.refused(anyio.current_time(), 30)
        return await bucket.admit(Deadline(seconds))

    assert virtual(main) is let


def _crowd(deadline: float) -> list[tuple[bool, float]]:
    """Sixty that come together, a minute before the bucket opens at its least rate: who was let, and when each knew."""

    async def main() -> list[tuple[bool, float]]:
        bucket = Bucket()
        await bucket.admit(Deadline(1))
        bucket.refused(anyio.current_time(), 60)
        let: list[tuple[bool, float]] = []

        async def one() -> None:
            turn = await bucket.admit(Deadline(deadline))
            if turn:
                bucket.passed()
            let.append((turn, anyio.current_time()))

        async with anyio.create_task_group() as group:
            for _number in range(60):
                group.start_soon(one)
        await anyio.sleep(100)
        bucket.refused(anyio.current_time(), 1)
        assert await bucket.admit(Deadline(2)), "nobody is in the line any more"
        return let

    return virtual(main)


@pytest.mark.parametrize(("seconds", "refused"), [(80.0, 28), (70.0, 51), (60.0, 60), (85.5, 0)])
def test_who_has_no_time_to_wait_for_all_before_it_is_refused_at_once(seconds: float, refused: int) -> None:
    let = _crowd(seconds)
    assert [turn for turn, at in let if at == 0.0] == [False] * refused
    assert sum(turn for turn, _at in let) <= 60 - refused
    assert all(60.0 <= at <= seconds for turn, at in let if turn)


def test_a_shorter_refusal_shortens_no_longer_one() -> None:
    async def main() -> float:
        bucket = Bucket()
        await bucket.admit(Deadline(1e6))
        bucket.refused(anyio.current_time(), 30)
        bucket.refused(anyio.current_time(), 1)
        assert await bucket.admit(Deadline(1e6))
        return anyio.current_time()

    assert virtual(main) == 30.0


def test_whoever_comes_when_others_wait_does_not_pass_them_by() -> None:
    left: list[str] = []

    async def main() -> None:
        bucket, deadline = Bucket(), Deadline(1e6)
        await bucket.admit(deadline)
        bucket.refused(anyio.current_time(), 10)

        async def one(name: str, after: float) -> None:
            await anyio.sleep(after)
            assert await bucket.admit(deadline)
            left.append(f"{name} {anyio.current_time():g}")

        async with anyio.create_task_group() as group:
            for number, name in enumerate("abc"):
                group.start_soon(one, name, float(number))
            group.start_soon(one, "d", 12.0)

    virtual(main)
    assert left == ["a 10", "b 12", "c 14", "d 16"]


@pytest.mark.parametrize("meanwhile", [16.0, 60.0])
def test_a_refusal_meanwhile_lets_whoever_has_no_time_for_it_go(meanwhile: float) -> None:
    async def main() -> tuple[bool, float]:
        bucket = Bucket()
        await bucket.admit(Deadline(1e6))
        bucket.refused(anyio.current_time(), 10)
        found: list[tuple[bool, float]] = []

        async def waits() -> None:
            let = await bucket.admit(Deadline(20))
            found.append((let, anyio.current_time()))

        async with anyio.create_task_group() as group:
            group.start_soon(waits)
            await anyio.sleep(4)
            bucket.refused(anyio.current_time(), meanwhile)
        return found[0]

    assert virtual(main) == (False, 10.0)


@pytest.mark.parametrize("pause", [0.0, 30.0])
def test_where_nothing_is_to_wait_for_no_time_is_needed(pause: float) -> None:
    async def main() -> bool:
        bucket = Bucket()
        if pause:
            await bucket.admit(Deadline(1))
            bucket.refused(anyio.current_time(), pause)
        await anyio.sleep(pause)
        return await bucket.admit(Deadline(0))

    assert virtual(main)
