# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run has done so far: each step adds one thing and leaves the rest as it was."""

from __future__ import annotations

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Done, Progress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._engine.shelf import SHELF, Put

A, B, C = (Put(SHELF, "asked", item=item) for item in "abc")


def test_what_is_begun_and_carried_out_keeps_its_order() -> None:
    progress = Progress[None]().begins(A).begins(B).after(Done(A, "n0")).after(Done(B, "n1"))
    assert progress == Progress[None](begun=(A, B), done=(Done(A, "n0"), Done(B, "n1")))
    assert progress.actions == (A, B)


def test_what_was_taken_back_is_no_longer_done() -> None:
    first, second, third = Done(A, "n0"), Done(A, "n0"), Done(B)
    progress = Progress[None](done=(first, second, third)).without(second)
    assert progress == Progress[None](done=(first, third), undone=(second,))
    assert progress.done[0] is first
    assert progress.without(third).undone == (second, third)


def test_what_is_open_is_unsettled_until_its_operation_has_failed() -> None:
    progress = (
        Progress[None]().left_open(A).left_open(B).left_open(C).ended_in_failure(Done(B)).ended_in_failure(Done(C))
    )
    assert progress == Progress[None](open=(A, B, C), failed=(Done(B), Done(C)))
    assert progress.unsettled == (A,)


def test_creates_that_were_locked_out_are_remembered_by_what_they_are_called() -> None:
    progress = Progress[None]().locked("n0").locked("n1").locked("")
    assert progress == Progress[None](locked_out=frozenset({"n0", "n1"}))


def test_what_was_done_led_to_nothing_that_is_not_said() -> None:
    assert Done(A) == Done(A, "", Completed(None, (), (), None), False, "")
