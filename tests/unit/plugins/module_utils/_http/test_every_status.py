# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every status there is, not only the usual ones: what it means, and whether a write that got it may have worked."""

from __future__ import annotations

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.error_mapping import error_from, leaves_open
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import answer

OPEN = {*range(300, 400), 408, *range(500, 600)} - {501, 505}
MEANINGS = {
    "sign_in_refused": {401},
    "forbidden": {403},
    "not_found": {404},
    "unavailable": {408, 429, *range(500, 600)} - {501},
    "refused": {*range(400, 500), 501} - {401, 403, 404, 408, 429},
    "bad_answer": {*range(100, 400)},
}


def test_whether_a_write_may_have_worked() -> None:
    assert {status for status in range(100, 601) if leaves_open(status)} == OPEN


@pytest.mark.parametrize("code", MEANINGS)
def test_a_status_means_one_thing(code: str) -> None:
    for status in MEANINGS[code]:
        error = error_from(answer(status), "", context="reading vm web01")
        assert (error.code, error.status) == (code, status)
        assert ("redirect" in error.message) is (300 <= status < 400), status
        assert ("does not know this kind of request" in error.message) is (status in (405, 501)), status


def test_no_status_is_left_out_or_counted_twice() -> None:
    assert sorted(status for meant in MEANINGS.values() for status in meant) == list(range(100, 600))


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("ScopeLocked: delete the lock", "Have the lock removed for the time of the task."),
        ("Conflict", "Mend what the service names, then run the task again."),
    ],
)
def test_a_lock_of_an_administrator_is_another_matter_than_a_refusal(said: str, remedy: str) -> None:
    assert error_from(answer(409), said, context="x").remedy == remedy
