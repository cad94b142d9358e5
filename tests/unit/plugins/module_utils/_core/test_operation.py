# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One poller: at once, then at a growing pace, at the service's word, and never beyond the deadline."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    Forbidden,
    NotFound,
    TimedOut,
    Unavailable,
    Unreachable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import (
    NO_SENSE_FOR,
    Deadline,
    Operation,
    Report,
    Status,
    Waiting,
    unheard,
    wait,
    watched,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

RUNNING = Status("running", "Creating", percent=50)


class Job:
    """An operation whose looks answer as written, the last for ever."""

    def __init__(self, *looks: Status | Exception) -> None:
        self._looks: Sequence[Status | Exception] = looks
        self.times: list[float] = []

    async def poll(self) -> Status:
        self.times.append(trio.current_time())
        look = self._looks[min(len(self.times), len(self._looks)) - 1]
        if isinstance(look, Exception):
            raise look
        return look

    def waited(
        self,
        *,
        seconds: float = 600.0,
        interval: float = 5.0,
        asked: float | None = None,
        report: Report = unheard,
    ) -> tuple[Status, Operation]:
        async def main() -> tuple[Status, Operation]:
            last = Status("running", retry_after=asked)
            operation = Operation("job", "j-1", self.poll, trio.current_time(), last=last, request_id="r-1")
            names = {"subject": "vm web01", "context": "creating it"}
            status = await wait(operation, Deadline(seconds), interval, **names, report=report)
            return status, operation

        return virtual(main)

    @property
    def pauses(self) -> list[float]:
        return [round(b - a, 3) for a, b in zip(self.times, self.times[1:], strict=False)]


@pytest.mark.parametrize("state", ["succeeded", "failed", "unknown"])
def test_what_has_ended_is_seen_at_once(state: Any) -> None:
    job = Job(Status(state))
    assert job.waited()[0].state == state
    assert len(job.times) == 1


def test_the_pauses_grow_to_the_interval() -> None:
    job = Job(*[RUNNING] * 6, Status("succeeded"))
    assert job.waited()[0].state == "succeeded"
    assert job.pauses == [1.0, 1.5, 2.25, 3.375, 5.0, 5.0]


def test_a_short_interval_is_the_first_pause_too() -> None:
    job = Job(*[RUNNING] * 3, Status("succeeded"))
    job.waited(interval=0.1)
    assert job.pauses == [0.1, 0.1, 0.1]


@pytest.mark.parametrize(("asked", "pause"), [(30.0, 30.0), (2.0, 2.0), (0.0, 0.5)])
def test_retry_after_wins_over_the_interval(asked: float, pause: float) -> None:
    job = Job(Status("running", retry_after=asked), Status("succeeded"))
    job.waited()
    assert job.pauses == [pause]


def test_it_says_how_long_it_took_and_where_it_stands() -> None:
    job = Job(RUNNING, Status("succeeded", percent=100))
    _status, operation = job.waited()
    assert operation.to_result() == {
        "kind": "job",
        "id": "j-1",
        "status": "succeeded",
        "percent": 100,
        "seconds": 1.0,
    }


def test_at_the_deadline_the_error_names_the_operation() -> None:
    job = Job(RUNNING)
    with pytest.raises(TimedOut) as caught:
        job.waited(seconds=60.0)
    assert str(caught.value) == (
        "vm web01: creating it was still running at the task's deadline of 1m (last seen: Creating); nothing was "
        "sent twice. Raise wait_timeout, or look at the operation and run the task again. [job j-1]"
    )
    assert caught.value.retry == "after_reading"
    assert caught.value.request_id == "r-1"
    assert caught.value.operation is not None
    assert caught.value.operation["percent"] == 50
    assert job.times[-1] <= 60.0


def test_a_pause_that_leads_beyond_the_deadline_ends_in_a_last_look_before_it() -> None:
    job = Job(Status("running", retry_after=3600.0))
    with pytest.raises(TimedOut, match=r"deadline of 1m;"):
        job.waited(seconds=60.0)
    assert job.times == [0.0, 58.0]


@pytest.mark.parametrize(
    ("seconds", "asked", "times"),
    [(60.0, 59.5, [0.0, 59.5]), (60.0, 60.0, [0.0, 58.0]), (2.5, 60.0, [0.0, 0.5]), (2.0, 60.0, [0.0])],
)
def test_the_last_look_leaves_two_seconds_and_the_end_is_the_deadline_s(
    seconds: float, asked: float, times: list[float]
) -> None:
    job = Job(Status("running", retry_after=asked))

    async def main() -> float:
        with pytest.raises(TimedOut):
            await wait(Operation("job", "j-1", job.poll), Deadline(seconds), 5.0, subject="s", context="c")
        return trio.current_time()

    assert virtual(main) == seconds
    assert job.times == times


def test_what_has_ended_by_the_deadline_is_seen_however_long_the_service_asks_to_wait() -> None:
    job = Job(Status("running", retry_after=480.0), Status("succeeded"))
    assert job.waited(seconds=60.0)[0].state == "succeeded"
    assert job.times == [0.0, 58.0]


@pytest.mark.parametrize(("asked", "times"), [(7.0, [7.0]), (480.0, [58.0]), (None, [0.0])])
def test_the_first_look_comes_when_the_answer_that_accepted_the_write_says(
    asked: float | None, times: list[float]
) -> None:
    job = Job(Status("succeeded"))
    assert job.waited(seconds=60.0, asked=asked)[0].state == "succeeded"
    assert job.times == times


def test_what_keeps_us_from_looking_does_not_make_it_safe_to_start_again() -> None:
    job = Job(RUNNING, Unavailable("throttled."))
    with pytest.raises(TimedOut, match=r"not be seen any more at the task's deadline of 10m \(throttled\)") as caught:
        job.waited()
    assert caught.value.retry == "after_reading"
    assert job.times[-1] > 590


def test_what_kept_us_from_looking_may_pass() -> None:
    status, _operation = Job(RUNNING, Unreachable("no route."), Unavailable("503."), Status("succeeded")).waited()
    assert status.state == "succeeded"


def test_other_errors_of_looking_are_their_own() -> None:
    with pytest.raises(CheckpointError) as caught:
        Job(Forbidden("no.")).waited()
    assert caught.value.code == "forbidden"


@pytest.mark.parametrize("odd", [BadResponse("HTML."), NotFound("404.")])
def test_an_answer_that_makes_no_sense_is_looked_past(odd: CheckpointError) -> None:
    job = Job(RUNNING, odd, odd, RUNNING, odd, odd, odd, Status("succeeded"))
    assert job.waited()[0].state == "succeeded"
    assert job.pauses == [1.0, 1.5, 2.25, 3.375, 5.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("before", "interval", "looks"),
    [(1, 5.0, 15), (1, 60.0, 9), (20, 5.0, 13), (20, 20.0, 4), (20, 60.0, 4), (20, 100.0, 4)],
)
def test_of_what_never_makes_sense_nothing_is_known_after_a_minute_and_three_looks(
    before: int, interval: float, looks: int
) -> None:
    job = Job(*[RUNNING] * before, BadResponse("HTML."))
    status, operation = job.waited(seconds=6000.0, interval=interval)
    assert (status.state, status.text, status.message) == ("unknown", "no sense", "HTML.")
    assert (len(job.times) - before, operation.seconds) == (looks, job.times[-1])
    assert job.times[-1] - job.times[before] >= NO_SENSE_FOR


@pytest.mark.parametrize("interval", [5.0, 100.0])
def test_an_answer_that_makes_no_sense_until_the_deadline_times_out(interval: float) -> None:
    job = Job(RUNNING, BadResponse("HTML."))
    with pytest.raises(TimedOut, match=r"not be seen any more at the task's deadline of 30s \(HTML\)"):
        job.waited(seconds=30.0, interval=interval)


def test_a_deadline_counts_down_to_nothing_and_cuts_every_sleep() -> None:
    async def main() -> list[object]:
        deadline = Deadline(10.0)
        seen: list[object] = [deadline.remaining(), await deadline.sleep(4.0), deadline.remaining()]
        seen += [await deadline.sleep(60.0), deadline.remaining(), trio.current_time()]
        await trio.sleep(5)
        return [*seen, deadline.remaining(), await deadline.sleep(1.0)]

    assert virtual(main) == [10.0, True, 6.0, False, 0.0, 10.0, 0.0, False]


@pytest.mark.parametrize(("seconds", "left"), [(9.5, True), (9.999, True), (10.0, False), (10.5, False)])
def test_a_deadline_has_not_come_until_it_has(seconds: float, left: bool) -> None:
    async def main() -> bool:
        return await Deadline(10.0).sleep(seconds)

    assert virtual(main) is left


@pytest.mark.parametrize("looks", [(RUNNING, RUNNING, Status("succeeded")), (RUNNING,)], ids=["ends", "is left"])
def test_each_look_is_heard_and_once_that_it_is_over(looks: tuple[Status, ...]) -> None:
    heard: list[Waiting] = []
    with contextlib.suppress(TimedOut):
        Job(*looks).waited(seconds=20.0, report=heard.append)
    assert len(heard) > 2
    assert [each.over for each in heard] == [False] * (len(heard) - 1) + [True]
    assert {(each.subject, each.context, each.percent) for each in heard} == {("vm web01", "creating it", 50)}


def test_what_is_over_at_once_is_not_heard_of() -> None:
    heard: list[Waiting] = []
    Job(Status("succeeded")).waited(report=heard.append)
    assert heard == []


@pytest.mark.parametrize(("name", "shown"), [("j-1", "job j-1"), (None, "")])
def test_a_look_names_the_operation_and_how_long_it_lasts(name: str | None, shown: str) -> None:
    heard: list[Waiting] = []
    job = Job(RUNNING, Status("succeeded"))

    async def main() -> float:
        await trio.sleep(100)
        operation = Operation("job", name, job.poll, trio.current_time() - 7.0)
        await wait(operation, Deadline(60.0), 5.0, subject="vm web01", context="creating it", report=heard.append)
        return operation.seconds

    assert virtual(main) == 8.0
    first = Waiting("vm web01", "creating it", percent=50, seconds=7.0, operation=shown)
    assert heard == [first, replace(first, over=True)]


def test_a_result_tells_seconds_to_the_tenth() -> None:
    assert Operation("job", "j-1", Job(RUNNING).poll, seconds=12.345).to_result()["seconds"] == 12.3


def test_after_a_look_that_failed_the_pause_is_ours_again() -> None:
    job = Job(Status("running", retry_after=30.0), Unavailable("503."), Status("succeeded"))
    job.waited()
    assert job.pauses == [30.0, 1.5]


def test_what_is_watched_was_begun_by_somebody_and_is_looked_at_anew() -> None:
    job = Job(Unavailable("503."), Status("failed"))
    last = Status("succeeded", retry_after=30.0)

    async def main() -> tuple[Operation, Status]:
        await trio.sleep(100)
        operation = watched("restore point", "copy", job.poll, last)
        assert operation == Operation("restore point", "copy", job.poll, 100.0, last=last, joined=True)
        return operation, await wait(operation, Deadline(60.0), 5.0, subject="s", context="c")

    operation, status = virtual(main)
    assert (status.state, operation.last.state, operation.seconds) == ("failed", "failed", 1.0)
    assert job.times == [100.0, 101.0]


def test_the_last_look_is_one_although_seconds_are_rounded() -> None:
    """After 0.3 s the end of 9 s lies a trifle more than two seconds behind the last look."""
    job = Job(Status("running", retry_after=60.0))

    async def main() -> None:
        await trio.sleep(0.3)
        with pytest.raises(TimedOut):
            await wait(Operation("job", "j-1", job.poll), Deadline(9.0), 5.0, subject="s", context="c")

    virtual(main)
    assert job.times == [0.3, 7.3]
