# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task that only reads makes of what it could not read."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Refused,
    SignInRefused,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.concurrency import Concurrency
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import result
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.readings import OnError, Readings
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

NO = Refused("says no.", subject="vm web01", status=400)


def read(on_error: OnError, *errors: CheckpointError | None) -> tuple[Readings, list[int]]:
    readings, seen = Readings(on_error), list[int]()

    async def one(position: int) -> None:
        seen.append(position)
        problem = errors[position]
        if problem is not None:
            raise problem

    async def main() -> None:
        level = Concurrency(1)
        await readings.run(readings.each(range(len(errors)), one, lambda _position: level))

    virtual(main)
    return readings, seen


def test_what_could_not_be_read_is_an_error_or_a_warning() -> None:
    going, seen = read("continue", None, NO, None)
    assert (seen, list(going.errors)) == ([0, 1, 2], [1])
    found = going.outcome(3, "things", "rows")
    assert (found["msg"], found["error"]["code"]) == (
        "1 of 3 things could not be read; the first: vm web01: says no. Each error is in rows.",
        "some_failed",
    )
    assert going.outcome(1, "things", "rows") == result.failure(NO)
    reported = read("report", NO, Refused("again."))[0].outcome(2, "things", "rows")
    assert reported == {
        "warnings": ["2 of 2 things could not be read; the errors are in rows. The first: vm web01: says no."]
    }
    assert read("continue", None)[0].outcome(1, "things", "rows") == {}


def test_stop_ends_with_the_first_and_a_refused_sign_in_ends_the_task() -> None:
    stopped, seen = read("stop", None, NO, None)
    assert seen == [0, 1]
    assert [stopped.status(each, is_read=each == 0) for each in range(3)] == ["read", "failed", "not_started"]
    for on_error in ("continue", "stop", "report"):
        with pytest.raises(SignInRefused):
            read(on_error, None, SignInRefused("no."))


def test_what_has_failed_before_is_not_read() -> None:
    readings, seen = Readings("continue"), list[int]()
    readings.fail(1, NO)

    async def one(position: int) -> None:
        seen.append(position)

    async def main() -> None:
        level = Concurrency(1)
        await readings.each(range(3), one, lambda _position: level)

    virtual(main)
    assert seen == [0, 2]


def test_an_error_that_is_none_of_theirs_is_raised() -> None:
    async def fails() -> None:
        raise NO

    with pytest.raises(Refused):
        virtual(lambda: Readings("report").run(fails()))
