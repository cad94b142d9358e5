# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a kind may ask while one of its writes is carried out: to read, to read until, to wait, and what is its own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse, Locked
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline, Operation, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.execution import Execution
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

Result = TypeVar("Result")
PAGE = BadResponse("HTML.")


def play(
    act: Callable[[Execution[int]], Awaitable[Result]],
    *readings: Any,
    wait: bool = True,
    is_busy: Callable[[int], bool] = lambda seen: False,
) -> tuple[Result, Execution[int], float]:
    """What `act` returns, and when; the readings are as written, the last one for ever."""
    left = list(readings)

    async def observe() -> int:
        seen = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(seen, Exception):
            raise seen
        return int(seen)

    async def main() -> tuple[Result, Execution[int], float]:
        policy = WaitPolicy(Deadline(600.0), wait, poll_interval=5.0, settle_time=20.0)
        execution = Execution[int](
            observe,
            policy,
            Progress(),
            "vm v",
            required_next=True,
            adopted=True,
            own={"mine"},
            is_busy=is_busy,
        )
        found = await act(execution)
        return found, execution, trio.current_time()

    return virtual(main)


def operation(name: str, *looks: Status) -> Operation:
    left = list(looks)

    async def poll() -> Status:
        return left.pop(0)

    return Operation("job", name, poll)


async def nothing(_execution: Execution[int]) -> None:
    return


@pytest.mark.parametrize("wait", [True, False])
def test_it_tells_how_the_task_waits_and_knows_nothing_yet(wait: bool) -> None:
    _none, execution, _when = play(nothing, 1, wait=wait)
    assert (execution.waits, execution.settle_time, execution.subject) == (wait, 20.0, "vm v")
    assert (execution.required_next, execution.adopted) == (True, True)
    assert (execution.observed, execution.operation, execution.warnings) == (None, None, [])


def test_the_last_reading_is_kept_however_it_was_made() -> None:
    seen, execution, _when = play(lambda each: each.observe(), PAGE, 3)
    assert (seen, execution.observed) == (3, 3)
    found, execution, _when = play(lambda each: each.until(lambda now: now == 4), 3, PAGE, 4)
    assert (found, execution.observed) == ((4, True), 4)


def test_reading_until_something_shows_ends_after_so_many_seconds_or_tries() -> None:
    found, execution, when = play(lambda each: each.until(lambda now: now == 4), 3)
    assert (found, execution.observed, when) == ((3, False), 3, 20.0)
    found, _execution, when = play(lambda each: each.until(lambda now: now == 4, 2), 3)
    assert (found, when) == ((3, False), 1.0)


def test_only_what_is_to_outlast_other_work_does() -> None:
    def busy(now: int) -> bool:
        return now == 3

    def wanted(now: int) -> bool:
        return now == 4

    readings = [3] * 20 + [4]
    found, _execution, when = play(lambda each: each.until(wanted, outlast=True), *readings, is_busy=busy)
    assert (found, when > 60) == ((4, True), True)
    found, _execution, when = play(lambda each: each.until(wanted), *readings, is_busy=busy)
    assert (found, when) == ((3, False), 20.0)


def test_what_is_read_beside_the_target_is_not_taken_for_it() -> None:
    looks: list[Any] = [PAGE, "seen"]

    async def look() -> str:
        found = looks.pop(0)
        if isinstance(found, Exception):
            raise found
        return str(found)

    seen, execution, _when = play(lambda each: each.read(look), 1)
    assert (seen, execution.observed) == ("seen", None)


def test_an_operation_is_waited_for_and_what_it_warns_of_names_the_write() -> None:
    job = operation("mine", Status("running"), Status("succeeded", warnings=("one", "two")))
    state, execution, when = play(lambda each: each.ended(job, "making it"), 1)
    assert (state, when) == ("succeeded", 1.0)
    assert execution.warnings == ["making it: one", "making it: two"]
    locked = operation("mine", Status("failed", message="busy", locked=True))
    with pytest.raises(Locked) as caught:
        play(lambda each: each.ended(locked, "making it"), 1)
    assert str(caught.value) == "vm v: making it is locked out: busy. [job mine]"


def test_its_own_operations_are_those_that_this_run_has_started() -> None:
    _none, execution, _when = play(nothing, 1)
    assert [execution.is_own(operation(name)) for name in ("mine", "theirs")] == [True, False]
