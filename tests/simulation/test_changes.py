# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories about guarded changes show modules on which no change can rely, and are the same for the same seed."""

from __future__ import annotations

from unittest import mock

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from tests.simulation.broken import Broken, list_seeds, never_failed, sent_again
from tests.simulation.change_generator import changes
from tests.simulation.change_player import ChangePlayer
from tests.simulation.script import SERVICES
from tests.simulation.soak import soak, trace
from tests.support.sampling import one_in

BROKEN = {
    "takes a failed restore for one": Broken(
        lambda: mock.patch.object(WaitPolicy, "ended", never_failed),
        "what is said to be restored is",
        (42, 44, 61),
    ),
    "makes two checkpoints of one change": Broken(
        lambda: mock.patch.object(Http, "write", sent_again),
        "a change has one checkpoint",
        (86, 90),
    ),
    "does not rehearse": Broken(
        lambda: mock.patch.object(ChangePlayer, "_rehearse", return_value=True),
        "no change begins without a way back",
        (7, 9, 19),
    ),
}


@pytest.mark.parametrize("what", one_in(5, BROKEN))
def test_what_no_change_can_rely_on_is_caught(what: str) -> None:
    BROKEN[what].check("changes")


def test_a_seed_is_one_story_about_changes() -> None:
    assert list(trace(soak(3, about="changes"))) == list(trace(soak(3, about="changes")))


def test_changes_are_of_every_service_with_every_end_and_way_to_go_on() -> None:
    tasks = [task for seed in range(1, 61) for task in changes(seed, SERVICES).tasks]
    assert {task.service for task in tasks} == set(SERVICES)
    assert {task.options["on_resume"] for task in tasks} == {"fail", "continue", "restore"}
    assert {(task.options["fails"], "killed_in" in task.options) for task in tasks} == {
        (fails, killed) for fails in (True, False) for killed in (True, False)
    }


if __name__ == "__main__":
    list_seeds("changes", BROKEN)
