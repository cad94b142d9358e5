# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids and times that stand for none."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.entities import CheckpointEntity


@pytest.mark.parametrize("field", ["CheckpointID", "ParentCheckpointID"])
def test_an_id_of_zeros_is_none(field: str) -> None:
    row = _checkpoint(**{field: "00000000-0000-0000-0000-000000000000"}).row()
    assert (row.checkpoint.host_id if field == "CheckpointID" else row.parent_host_id) is None
    assert row.checkpoint.usable is (field != "CheckpointID")


@pytest.mark.parametrize(
    "never", ["0001-01-01T00:00:00", "0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59.9999999-07:00"]
)
def test_a_time_at_the_ends_of_the_calendar_is_none(never: str) -> None:
    assert _checkpoint(AddedTime=never).AddedTime is None


def _checkpoint(**fields: Any) -> CheckpointEntity:
    known = {"ID": "831e819f-f852-47a8-b4b0-c61ba062df73", "CheckpointID": "c20f0a11-1f6b-4d8e-9a57-0f4ad2b1c9e0"}
    return CheckpointEntity.model_validate({**known, **fields})
