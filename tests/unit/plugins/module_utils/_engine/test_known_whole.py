# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole of each error that stands behind a write, as results show it."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    Forbidden,
    Locked,
    ResponseLost,
    TimedOut,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, State, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import Note
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.known import (
    add_note,
    after_loss,
    interrupted,
    not_shown,
    not_waited_for,
    unproven,
    unread,
    unsettled,
    what_is_known,
)

LOOK = "Look at it before you run the task again."
OTHER = {"kind": "job", "id": "other", "status": "running", "percent": None, "seconds": 0.0}


async def _poll() -> Status:
    return Status("running")


def operation(state: State = "running", message: str = "") -> Operation:
    return Operation("job", "j-1", _poll, 0.0, Status(state, message=message), 5.0, "r-1")


def job(state: State = "running") -> dict[str, Any]:
    return {"kind": "job", "id": "j-1", "status": state, "percent": None, "seconds": 5.0}


def told(kind: type[CheckpointError], **how: Any) -> CheckpointError:
    about: dict[str, Any] = {"status": 403, "request_id": "r", "correlation_id": "c", "details": {"a": 1}}
    return kind("no.", subject="host", remedy="Mend it.", changed_nothing=True, **{**about, **how})


def whole(code: str, message: str, remedy: str, **others: Any) -> dict[str, Any]:
    """What a result shows; of what is not named there is nothing."""
    nothing = dict.fromkeys(("status", "request_id", "correlation_id", "operation", "details"))
    return {"code": code, "message": message, **nothing, "remedy": remedy, "retry": "after_reading", **others}


ABOUT = {"status": 403, "request_id": "r", "correlation_id": "c", "details": {"a": 1}}


@pytest.mark.parametrize(("own", "shown"), [(None, job("succeeded")), (OTHER, OTHER)])
def test_what_denies_a_write_is_open_and_keeps_all_that_the_service_said(
    own: Optional[dict[str, Any]], shown: dict[str, Any]
) -> None:
    known = what_is_known(told(Forbidden, operation=own), "vm v", "deleting it", operation=operation("succeeded"))
    assert known.to_result() == whole(
        "outcome_unknown",
        "vm v: deleting it was sent, the service reports that it succeeded, and reading what came of it failed: no. So "
        "nothing proves it (outcome_unknown); nothing was sent twice.",
        LOOK,
        **ABOUT,
        operation=shown,
    )


@pytest.mark.parametrize(("own", "shown"), [(None, job()), (OTHER, OTHER)])
@pytest.mark.parametrize("context", [None, "deleting it"])
def test_any_error_names_the_operation_of_the_write(
    own: Optional[dict[str, Any]], shown: dict[str, Any], context: Optional[str]
) -> None:
    problem = TimedOut("late.", operation=own)
    assert what_is_known(problem, "vm v", context, operation=operation()) is problem
    assert (problem.operation, problem.notes) == (shown, [])


def test_a_lost_answer_that_came_in_between_leaves_it_open_whatever_its_operation_reports() -> None:
    problem = told(Forbidden)
    problem.__context__ = ResponseLost("cut off.")
    assert unread(problem, "vm v", "deleting it", succeeded=True).to_result() == whole(
        "outcome_unknown",
        "vm v: deleting it was sent, its answer was lost (cut off), and reading what came of it failed: no. Whether it "
        "ran is open (outcome_unknown); nothing was sent twice.",
        LOOK,
        **ABOUT,
    )


def test_what_makes_no_sense_stays_what_it_is_behind_a_write() -> None:
    known = what_is_known(BadResponse("HTML.", subject="host"), "vm v", "deleting it", operation=operation())
    assert known.to_result() == whole(
        "bad_answer", "host: HTML. deleting it was sent before, and whether it ran is open.", "", operation=job()
    )


def test_a_lost_answer_that_nothing_settles() -> None:
    problem = ResponseLost("no.", request_id="r", correlation_id="c", details={"a": 1}, operation=OTHER)
    assert unsettled(problem, "vm v", "deleting it", 90.0).to_result() == whole(
        "outcome_unknown",
        "vm v: deleting it was sent, and its answer was lost (no). Whether it ran is open (outcome_unknown) after "
        "reading for 1m30s; nothing was sent twice.",
        "Look before you run the task again: what the service still hides could be done a second time.",
        **{**ABOUT, "status": None},
        operation=OTHER,
    )


@pytest.mark.parametrize("kind", [Locked, Forbidden])
def test_what_comes_while_an_answer_is_missing(kind: type[CheckpointError]) -> None:
    assert after_loss(told(kind), "vm v", "deleting it").to_result() == whole(
        "outcome_unknown",
        "vm v: deleting it was sent and reading what came of it failed: no. Whether it ran is open (outcome_unknown); "
        "nothing was sent twice.",
        LOOK,
        **ABOUT,
    )


def test_a_lock_that_is_not_waited_for() -> None:
    problem = Locked("busy.", subject="host", remedy="Mend it.")
    assert not_waited_for(problem, "vm v") is problem
    assert str(problem) == (
        "vm v: busy; it was not waited for, because the group has failed. Nothing was changed. Run the task again."
    )


def test_what_a_signal_ends() -> None:
    assert interrupted("SIGTERM", "vm v", None, None).to_result() == whole(
        "interrupted", "vm v: ended by SIGTERM; no write was under way.", ""
    )
    assert interrupted("SIGTERM", "vm v", "deleting it", None).to_result() == whole(
        "outcome_unknown",
        "vm v: deleting it was being sent when SIGTERM ended the run. Whether it ran is open (outcome_unknown); "
        "nothing was sent after it.",
        LOOK,
    )
    assert interrupted("SIGTERM", "vm v", "deleting it", operation()).to_result() == whole(
        "interrupted",
        "vm v: deleting it was accepted and goes on; SIGTERM ended the run before its end, and nothing was sent after "
        "it.",
        "Run the task again: it goes on from where it stands.",
        operation=job(),
        request_id="r-1",
    )


@pytest.mark.parametrize(
    ("message", "seen"),
    [
        ("", "the service shows no such operation"),
        ("a page.", "its operation could not be followed (a page)"),
    ],
)
def test_what_was_accepted_and_nothing_proves(message: str, seen: str) -> None:
    assert unproven(operation("unknown", message), "vm v", "deleting it").to_result() == whole(
        "outcome_unknown",
        f"vm v: deleting it was accepted, but {seen}, and nothing else proves it.",
        LOOK,
        operation=job("unknown"),
    )


def test_what_was_reported_and_left_no_trace() -> None:
    assert not_shown(operation("succeeded"), "vm v", "deleting it", 90.0).to_result() == whole(
        "not_proven",
        "vm v: deleting it was reported as done, but reading does not show it after 1m30s.",
        LOOK,
        operation=job("succeeded"),
    )


@pytest.mark.parametrize(
    ("note", "remedy", "shown"),
    [
        (None, "Mend it.", "no. Mend it."),
        (Note("It is off."), "Mend it.", "no. It is off. Mend it."),
        (Note("It is off.", "Turn it on."), "Mend it.", "no. It is off. Mend it. Turn it on."),
        (Note("It is off.", "Turn it on."), "", "no. It is off. Turn it on."),
    ],
)
def test_where_the_target_stands_is_said_behind_the_error(note: Optional[Note], remedy: str, shown: str) -> None:
    problem = Forbidden("no.", remedy=remedy)
    add_note(problem, note)
    assert str(problem) == shown
    assert problem.remedy == problem.remedy.strip()
