# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task waits for a reading that shows something, past answers that make no sense."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse, Forbidden, Locked
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

PAGE = BadResponse("HTML.")


class Readings:
    """Readings as written, the last for ever."""

    def __init__(self, *written: int | Exception) -> None:
        self._written: Sequence[int | Exception] = written
        self.times: list[float] = []

    async def __call__(self) -> int:
        self.times.append(trio.current_time())
        seen = self._written[min(len(self.times), len(self._written)) - 1]
        if isinstance(seen, Exception):
            raise seen
        return seen

    def until(
        self,
        wanted: int,
        *,
        seconds: float = 600.0,
        tries: int | None = None,
        busy: Callable[[int], bool] | None = None,
    ) -> tuple[int, bool]:
        async def main() -> tuple[int, bool]:
            policy = WaitPolicy(Deadline(seconds), poll_interval=5.0, settle_time=20.0)
            return await policy.read_until(self, lambda seen: seen == wanted, tries, busy)

        return virtual(main)


def test_what_makes_no_sense_shows_nothing_yet() -> None:
    readings = Readings(PAGE, PAGE, 1, PAGE, 2)
    assert readings.until(2) == (2, True)
    assert len(readings.times) == 5


@pytest.mark.parametrize("readings", [(PAGE,), (1, PAGE)])
def test_what_makes_no_sense_to_the_end_is_the_error(readings: Sequence[int | Exception]) -> None:
    read = Readings(*readings)
    with pytest.raises(BadResponse):
        read.until(2)
    assert read.times[-1] == 20.0


def test_it_is_bounded_by_the_deadline() -> None:
    read = Readings(PAGE)
    with pytest.raises(BadResponse):
        read.until(2, seconds=10.0)
    assert 8.0 <= read.times[-1] < 10.0


def test_it_is_no_try() -> None:
    read = Readings(PAGE, PAGE, 1, 1, 2)
    assert read.until(2, tries=2) == (1, False)
    assert len(read.times) == 4


def test_a_last_reading_that_shows_nothing_is_no_error() -> None:
    assert Readings(PAGE, 1).until(2) == (1, False)


def test_the_time_counts_anew_after_a_busy_reading_only() -> None:
    read = Readings(0, PAGE)
    with pytest.raises(BadResponse):
        read.until(2, busy=lambda seen: seen == 0)
    assert read.times[-1] == 20.0


def test_other_errors_of_reading_are_their_own() -> None:
    with pytest.raises(Forbidden):
        Readings(Forbidden("no.")).until(2)


@pytest.mark.parametrize(("readings", "seen"), [((1,), 1), ((PAGE, PAGE, 1), 1)])
def test_one_reading_is_the_first_that_makes_sense(readings: Sequence[int | Exception], seen: int) -> None:
    async def main() -> int:
        return await WaitPolicy(Deadline(60.0), settle_time=20.0).read(Readings(*readings))

    assert virtual(main) == seen


@pytest.mark.parametrize(
    ("asked", "passed", "following"),
    [(None, 5.0, 10.0), (60.0, 60.0, 10.0), (2.0, 5.0, 10.0), (0.0, 5.0, 10.0), (5000.0, 98.0, 10.0)],
)
def test_after_a_lock_no_try_comes_before_the_service_s_word_or_our_own(
    asked: float | None, passed: float, following: float
) -> None:
    async def main() -> tuple[float, float]:
        problem = Locked("busy.")
        problem.retry_after = asked
        following = await WaitPolicy(Deadline(100.0)).backoff(problem, 5.0, "vm v")
        return trio.current_time(), following

    assert virtual(main) == (passed, following)
