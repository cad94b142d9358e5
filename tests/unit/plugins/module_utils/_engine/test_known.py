# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an error may say once a write has left: never that nothing was sent, and always what was."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    Forbidden,
    Interrupted,
    InvalidInput,
    Locked,
    NotFound,
    NotVerified,
    OperationFailed,
    OutcomeUnknown,
    Refused,
    ResponseLost,
    SignInRefused,
    TimedOut,
    Unavailable,
    Unreachable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation, State, Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.known import (
    LOOK_FIRST,
    after_loss,
    interrupted,
    not_shown,
    tell_done,
    unproven,
    unread,
    unsettled,
    what_is_known,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Done, Progress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import SHELF, Put

DENYING = (Forbidden, InvalidInput, NotFound, Refused, SignInRefused, Unavailable, Unreachable)
OTHERS = (BadResponse, Locked, NotVerified, OperationFailed, OutcomeUnknown, ResponseLost, TimedOut)


async def _poll() -> Status:
    return Status("running")


def _operation() -> Operation:
    return Operation("job", "j-1", _poll, 0.0, request_id="r-1")


@pytest.mark.parametrize("kind", DENYING)
def test_an_error_that_denies_is_not_shown_behind_a_write(kind: type[CheckpointError]) -> None:
    problem = kind("no.", subject="s", status=403, request_id="r", correlation_id="c", details={"a": 1})
    assert what_is_known(problem, "vm v", None) is problem
    known = what_is_known(problem, "vm v", "deleting it")
    assert isinstance(known, OutcomeUnknown)
    assert known.message == (
        "deleting it was sent and reading what came of it failed: no. Whether it ran is open (outcome_unknown); "
        "nothing was sent twice."
    )
    assert (known.subject, known.remedy, known.status) == ("vm v", LOOK_FIRST, 403)
    assert (known.request_id, known.correlation_id, known.details) == ("r", "c", {"a": 1})


@pytest.mark.parametrize("kind", OTHERS)
def test_any_other_error_is_shown_as_it_is(kind: type[CheckpointError]) -> None:
    problem = kind("no.")
    assert what_is_known(problem, "vm v", "deleting it") is problem


def test_what_an_operation_reports_is_told_where_its_effect_cannot_be_read() -> None:
    operation = _operation()
    operation.last = Status("succeeded")
    known = what_is_known(Refused("no."), "vm v", "deleting it", operation=operation)
    assert known.message == (
        "deleting it was sent, the service reports that it succeeded, and reading what came of it failed: no. So "
        "nothing proves it (outcome_unknown); nothing was sent twice."
    )
    assert (known.operation or {})["id"] == "j-1"


@pytest.mark.parametrize(
    ("state", "said"),
    [("running", "whether it ran is open"), ("succeeded", "the service reports that it succeeded")],
)
def test_a_reading_that_makes_no_sense_names_the_write_before_it(state: State, said: str) -> None:
    operation = _operation()
    operation.last = Status(state)
    known = what_is_known(BadResponse("it is HTML."), "vm v", "deleting it", operation=operation)
    assert (type(known), known.notes) == (BadResponse, [f"deleting it was sent before, and {said}."])


def test_what_was_done_before_is_told_once_and_not_beside_what_the_error_is_about() -> None:
    progress = Progress[None]()
    tell_done(problem := Forbidden("making c: no."), progress)
    assert problem.notes == []
    for context in ("making a", "", "making b", "making c"):
        progress = progress.after(Done(Put(SHELF, "asked", item="x"), context=context))
    for _twice in range(2):
        tell_done(problem, progress)
    assert problem.notes == ["Done before: making a, making b."]
    for number in range(8):
        progress = progress.after(Done(Put(SHELF, "asked", item="x"), context=f"making c{number}"))
    tell_done(problem := Forbidden("making c1: no."), progress)
    said = "making b, making c, making c0, making c2, making c3, making c4, making c5, making c6, making c7"
    assert problem.notes == [f"Done before: making a, {said}."]
    tell_done(problem := Forbidden("no."), progress)
    assert problem.notes == [f"Done before (the last 10 of 11): {said.replace('c2', 'c1, making c2')}."]


def test_behind_a_lost_answer_one_that_makes_no_sense_leaves_it_open() -> None:
    problem = BadResponse("it is HTML.")
    assert isinstance(what_is_known(problem, "vm v", "deleting it", lost=True), OutcomeUnknown)
    assert what_is_known(problem, "vm v", None, lost=True) is problem


def test_a_lost_answer_is_named_in_what_came_while_it_was_settled() -> None:
    problem = Forbidden("no.")
    between = ValueError()
    problem.__context__, between.__context__ = between, ResponseLost("cut off.")
    assert (
        "deleting it was sent, its answer was lost (cut off), and reading"
        in unread(problem, "s", "deleting it").message
    )


def test_a_lost_answer_that_reading_cannot_settle() -> None:
    problem = unsettled(ResponseLost("cut off.", request_id="r"), "vm v", "deleting it", 90)
    assert problem.message == (
        "deleting it was sent, and its answer was lost (cut off). Whether it ran is open (outcome_unknown) after "
        "reading for 1m30s; nothing was sent twice."
    )
    assert (problem.subject, problem.request_id, "Look before you run" in problem.remedy) == ("vm v", "r", True)


def test_an_answer_that_leaves_a_write_open_was_not_lost_and_names_it_once() -> None:
    failed = ResponseLost("deleting a of vm v: the service failed (503).", status=503)
    failed.context = "deleting a of vm v"
    problem = unsettled(failed, "vm v", "deleting a", 3)
    assert problem.message == (
        "deleting a was sent, and the service failed (503). Whether it ran is open (outcome_unknown) after reading for "
        "3s; nothing was sent twice."
    )


@pytest.mark.parametrize("kind", [*DENYING, Locked])
def test_after_a_loss_what_would_deny_it_is_open(kind: type[CheckpointError]) -> None:
    known = after_loss(kind("no.", changed_nothing=True), "vm v", "deleting it")
    assert isinstance(known, OutcomeUnknown)
    assert not known.notes


def test_after_a_loss_another_error_says_so_too() -> None:
    problem = OperationFailed("broken.", changed_nothing=True)
    assert after_loss(problem, "vm v", "deleting it") is problem
    assert (problem.changed_nothing, problem.notes) == (
        False,
        ["deleting it was sent before, its answer was lost, and whether it ran is open."],
    )
    already_open = OutcomeUnknown("open.")
    assert after_loss(already_open, "vm v", "deleting it") is already_open
    assert already_open.notes == []


def test_a_signal_before_while_and_after_a_write_was_sent() -> None:
    before = interrupted("SIGTERM", "vm v", None, None)
    assert (type(before), before.message) == (Interrupted, "ended by SIGTERM; no write was under way.")
    sending = interrupted("SIGTERM", "vm v", "deleting it", None)
    assert (type(sending), sending.remedy) == (OutcomeUnknown, LOOK_FIRST)
    assert sending.message.startswith("deleting it was being sent when SIGTERM ended the run.")
    accepted = interrupted("SIGTERM", "vm v", "deleting it", _operation())
    assert (type(accepted), accepted.request_id) == (Interrupted, "r-1")
    assert accepted.message.startswith("deleting it was accepted and goes on; SIGTERM ended the run")
    assert (accepted.operation or {})["id"] == "j-1"
    assert {each.subject for each in (before, sending, accepted)} == {"vm v"}


def test_what_nothing_proves() -> None:
    for problem, kind, said in (
        (unproven(_operation(), "vm v", "deleting it"), OutcomeUnknown, "was accepted, but the service shows no such"),
        (not_shown(_operation(), "vm v", "deleting it", 90), NotVerified, "reading does not show it after 1m30s."),
    ):
        assert isinstance(problem, kind)
        assert said in problem.message
        assert (problem.subject, problem.remedy, (problem.operation or {})["id"]) == ("vm v", LOOK_FIRST, "j-1")


def test_what_an_operation_was_answered_is_told_where_it_made_no_sense() -> None:
    operation = _operation()
    operation.last = Status("unknown", "no sense", "a page.")
    problem = unproven(operation, "vm v", "deleting it")
    assert "was accepted, but its operation could not be followed (a page), and nothing else" in problem.message
