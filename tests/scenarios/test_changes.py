# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of the guarded changes that meet a fault; `make scenarios` plays all of them."""

from __future__ import annotations

from unittest import mock

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.waiting import WaitPolicy
from tests.scenarios.changes import SERVICES, calm, drawn, played
from tests.scenarios.faults import FAULTS
from tests.simulation.broken import never_failed

DRAWS = tuple(drawn(seed=1))


@pytest.mark.thorough
@pytest.mark.parametrize(("service", "fails", "trouble", "at"), DRAWS)
def test_a_change(service: str, fails: bool, trouble: str, at: int) -> None:
    _run, broken = played(service, fails=fails, trouble=trouble, at=at)
    assert broken == []


@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.parametrize("service", SERVICES)
def test_one_that_meets_nothing(service: str, fails: bool) -> None:
    assert played(service, fails=fails)[1] == []


def test_the_sample_has_every_service_and_every_fault() -> None:
    assert {service for service, *_rest in DRAWS} == set(SERVICES)
    assert {trouble for *_rest, trouble, _at in DRAWS} == set(FAULTS)


def test_a_failed_restore_that_is_taken_for_a_success_is_caught() -> None:
    """The second write of it is the restore."""
    at = [sent.number for sent in calm("spf", fails=True) if sent.writes][1]
    with mock.patch.object(WaitPolicy, "ended", never_failed):
        _run, broken = played("spf", fails=True, trouble="operation_fails", at=at)
    assert any(each.startswith("what is said to be restored is") for each in broken)
