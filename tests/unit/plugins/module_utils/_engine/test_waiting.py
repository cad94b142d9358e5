# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a task waits for a reading that shows something, past answers that make no sense."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Optional

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    Forbidden,
    Locked,
    OperationFailed,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import (
    Deadline,
    Operation,
    Status,
    Waiting,
)
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


@pytest.mark.parametrize("retry", [None, 0.0])
def test_what_is_waited_for_after_a_lock_is_told_until_it_is_over(retry: Optional[float]) -> None:
    heard: list[Waiting] = []

    async def main() -> None:
        deadline = Deadline(100.0)
        await trio.sleep(10)
        problem = Locked("busy.")
        problem.retry_after = retry
        await WaitPolicy(deadline, report=heard.append).backoff(problem, 5.0, "vm v")

    virtual(main)
    assert heard == [
        Waiting("vm v", "locked by other work", None, 10.0, "", False),
        Waiting("vm v", "locked by other work", None, 10.0, "", True),
    ]


@pytest.mark.parametrize(
    ("left", "pause", "interval", "passed", "following"),
    [
        (100.0, 10.0, 5.0, 10.0, 20.0),
        (100.0, 40.0, 5.0, 40.0, 60.0),
        (300.0, 40.0, 70.0, 40.0, 70.0),
        (300.0, 40.0, 90.0, 40.0, 80.0),
        (4.0, 5.0, 5.0, 2.0, 10.0),
        (2.0, 5.0, 5.0, 1.0, 10.0),
        (1.5, 5.0, 5.0, 1.0, None),
        (0.5, 5.0, 5.0, 0.5, None),
        (1.0, 5.0, 0.2, 0.6, 10.0),
        (0.5, 5.0, 0.25, 0.25, 10.0),
        (0.3, 5.0, 0.2, 0.2, None),
    ],
)
def test_a_last_try_leaves_time_for_its_answer(
    left: float, pause: float, interval: float, passed: float, following: Optional[float]
) -> None:
    async def main() -> tuple[float, Optional[float]]:
        policy = WaitPolicy(Deadline(left), poll_interval=interval)
        try:
            found = await policy.backoff(Locked("busy."), pause, "vm v")
        except Locked:
            return trio.current_time(), None
        return trio.current_time(), found

    when, found = virtual(main)
    assert (round(when, 3), found) == (passed, following)


def test_a_lock_that_outlasts_the_task_says_so() -> None:
    heard: list[Waiting] = []

    async def main() -> None:
        problem = Locked("busy.", subject="host", remedy="Wait.", status=409)
        await WaitPolicy(Deadline(0.5), report=heard.append).backoff(problem, 5.0, "vm v")

    with pytest.raises(Locked) as caught:
        virtual(main)
    assert str(caught.value) == (
        "vm v: busy. Still locked after 500ms. Nothing was changed. Raise wait_timeout or try again."
    )
    assert [each.over for each in heard] == [False, True]


@pytest.mark.parametrize(
    ("interval", "tries", "times"),
    [
        (5.0, None, [0.0, 1.0, 2.5, 4.75, 8.125, 13.125, 18.125, 20.0]),
        (2.0, 4, [0.0, 1.0, 2.5, 4.5]),
        (0.5, 3, [0.0, 0.5, 1.0]),
        (5.0, 1, [0.0]),
    ],
)
def test_the_pauses_between_readings_grow(interval: float, tries: Optional[int], times: list[float]) -> None:
    read = Readings(1)

    async def main() -> tuple[int, bool]:
        policy = WaitPolicy(Deadline(600.0), poll_interval=interval, settle_time=20.0)
        return await policy.read_until(read, lambda seen: seen == 2, tries)

    assert (virtual(main), read.times) == ((1, False), times)


def ended(*looks: Status) -> tuple[Status, list[Waiting], float]:
    """The end of an operation that these looks show, what was told meanwhile, and when it came."""
    left, heard = list(looks), list[Waiting]()

    async def poll() -> Status:
        return left.pop(0)

    async def main() -> tuple[Status, list[Waiting], float]:
        policy = WaitPolicy(Deadline(600.0), poll_interval=2.0, report=heard.append)
        operation = Operation("job", "j-1", poll)
        return await policy.ended(operation, "vm v", "deleting it"), heard, trio.current_time()

    return virtual(main)


@pytest.mark.parametrize("last", [Status("succeeded", warnings=("old",)), Status("unknown")])
def test_an_operation_is_told_until_its_end(last: Status) -> None:
    status, heard, when = ended(Status("running", percent=5), Status("running", percent=50), Status("running"), last)
    assert (status, when) == (last, 4.5)
    assert heard == [
        Waiting("vm v", "deleting it", 5, 0.0, "job j-1", False),
        Waiting("vm v", "deleting it", 50, 1.0, "job j-1", False),
        Waiting("vm v", "deleting it", None, 2.5, "job j-1", False),
        Waiting("vm v", "deleting it", None, 2.5, "job j-1", True),
    ]


@pytest.mark.parametrize(
    ("status", "code", "shown", "remedy"),
    [
        (
            Status("failed", "Failed", "no room. ", request_id="r-1", details={"code": "NoRoom"}),
            "operation_failed",
            "vm v: deleting it failed: no room.",
            "Mend what the service names, then run the task again.",
        ),
        (
            Status("failed", "Cancelled", request_id="r-1", details={"code": "NoRoom"}),
            "operation_failed",
            "vm v: deleting it failed: Cancelled.",
            "Mend what the service names, then run the task again.",
        ),
        (
            Status("failed", "Failed", "busy", locked=True, request_id="r-1", details={"code": "NoRoom"}),
            "locked",
            "vm v: deleting it is locked out: busy.",
            "",
        ),
    ],
)
def test_an_operation_that_failed_is_told_in_whole(status: Status, code: str, shown: str, remedy: str) -> None:
    with pytest.raises((OperationFailed, Locked)) as caught:
        ended(status)
    assert caught.value.to_result() == {
        "code": code,
        "message": shown,
        "status": None,
        "request_id": "r-1",
        "correlation_id": None,
        "operation": {"kind": "job", "id": "j-1", "status": "failed", "percent": None, "seconds": 0.0},
        "details": {"code": "NoRoom"},
        "remedy": remedy,
        "retry": "after_reading" if code == "operation_failed" else "safe",
    }
