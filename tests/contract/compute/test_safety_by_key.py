# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a checkpoint's name is all that a service keeps, a run's safety checkpoint is known again by its key."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import GOOD, done, guest, killed, make_lab, names, restore

KEYED: dict[str, Any] = {"safety_checkpoint": True, "restore_key": "deploy-1"}
SAFETY = "safety-before-before-"


@pytest.mark.parametrize("when", ["watch", "heard"])
def test_the_next_run_with_the_key_takes_no_second_one(when: str) -> None:
    lab = make_lab()
    killed(lab, 2, when, **KEYED)
    assert sum(name.startswith(SAFETY) for name in names(lab)) == 1
    lab.advance(5)
    done(restore(lab, **KEYED))
    assert sum(name.startswith(SAFETY) for name in names(lab)) == 1
    assert guest(lab) == GOOD


def test_another_key_is_another_run_and_takes_its_own() -> None:
    lab = make_lab()
    killed(lab, 2, "watch", **KEYED)
    lab.advance(5)
    done(restore(lab, **{**KEYED, "restore_key": "deploy-2"}))
    assert sum(name.startswith(SAFETY) for name in names(lab)) == 2
    assert guest(lab) == GOOD
