# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of one target among many, in the words of the result."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Literal, Optional

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Forbidden,
    Interrupted,
    OutcomeUnknown,
    ResponseLost,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.member import Member
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.undo import Undo


@pytest.mark.parametrize("undone", [None, "removed", "not_needed", "failed", "unknown", "not_tried"])
@pytest.mark.parametrize("changed", [True, False])
@pytest.mark.parametrize(
    ("error", "started", "finished", "state"),
    [
        (OutcomeUnknown("open."), True, False, "outcome_unknown"),
        (ResponseLost("open."), False, False, "outcome_unknown"),
        (Forbidden("no."), True, False, "failed"),
        (Forbidden("no."), False, False, "failed"),
        (Interrupted("ended."), True, False, "failed"),
        (Interrupted("ended."), False, False, "not_started"),
        (None, False, False, "not_started"),
        (None, True, False, "stopped"),
        (None, True, True, "by change"),
    ],
)
def test_what_became_of_it(
    error: Optional[CheckpointError],
    started: bool,
    finished: bool,
    state: str,
    changed: bool,
    undone: Optional[Literal["removed", "not_needed", "failed", "unknown", "not_tried"]],
) -> None:
    reconciler: Any = SimpleNamespace(changed=changed)
    member = Member(reconciler, error, started, finished, undo=None if undone is None else Undo(undone))
    if state == "by change":
        state = "changed" if changed else "unchanged"
    if undone == "removed" and error is None and started:
        state = "undone"
    assert member.state == state


def test_of_what_has_not_begun_nothing_is_known() -> None:
    reconciler: Any = SimpleNamespace()
    assert Member(reconciler) == Member(reconciler, None, False, False, False, None, None)


def test_what_stopped_it_is_explained_and_what_was_shown_before_counts_no_more() -> None:
    explained = Forbidden("explained.")
    reconciler: Any = SimpleNamespace(failure=lambda problem: explained if problem.message == "no." else None)
    member = Member(reconciler, shown="changed: a")
    member.fail(Forbidden("no."))
    assert (member.error, member.shown) == (explained, None)
