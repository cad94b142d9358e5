# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories about fleets under an hourly limit show a policy that looks away from it, and are the same for a seed."""

from __future__ import annotations

from unittest import mock

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._policies import planner as _planner
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute import provider as _provider
from tests.simulation.broken import Broken, list_seeds
from tests.simulation.soak import soak, trace

BROKEN = {
    "looks away from the limit": Broken(
        lambda: mock.patch.object(_provider, "next_slot", return_value=None),
        "no create ends in a 429 that could be seen coming",
        (8, 9, 10),
    ),
    "says that it may go on at once": Broken(
        lambda: mock.patch.object(_planner, "format_time", return_value="2026-11-20T00:00:00Z"),
        "a limit says when it ends",
        (9, 15, 16),
    ),
}


@pytest.mark.parametrize("what", list(BROKEN))
def test_a_policy_that_breaks_a_promise_is_caught(what: str) -> None:
    BROKEN[what].check("fleets")


def test_a_seed_is_one_story_about_fleets() -> None:
    assert list(trace(soak(3, about="fleets", quick=True))) == list(trace(soak(3, about="fleets", quick=True)))


if __name__ == "__main__":
    list_seeds("fleets", BROKEN)
