# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a restore point can be restored or copied: its access states, else percentages, else status codes."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import PointEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.usability import (
    not_copyable,
    of_access_state,
    percent,
    usability,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import POINT

COPY = {"sourceRestorePoint": {"id": f"{POINT}-source"}}
TWO_DISKS = {
    "storageProfile": {"osDisk": {"name": "o"}, "dataDisks": [{"lun": 0, "name": "d"}]},
}


def _row(state: str | None = None, percent: int | None = None, code: str | None = None) -> dict[str, Any]:
    status = None if code is None else {"code": f"ReplicationState/{code}"}
    return {"snapshotAccessState": state, "replicationStatus": {"completionPercent": percent, "status": status}}


def _point(*rows: dict[str, Any], **properties: Any) -> PointEntity:
    view = {"instanceView": {"diskRestorePoints": list(rows)}} if rows else {}
    members = {"provisioningState": "Succeeded", "sourceMetadata": TWO_DISKS, **view, **properties}
    return PointEntity.model_validate({"id": POINT, "name": "p", "properties": members})


@pytest.mark.parametrize(
    ("rows", "original", "copy"),
    [
        # Recorded 2026-04-24: succeeded, replicating, 0 %, one of two disks listed, and it can be restored at once.
        ([_row("InstantAccess", 0, "replicating")], "usable", "arriving"),
        ([_row("AvailableWithInstantAccess", 0, "replicating")] * 2, "usable", "usable"),
        ([_row("Available", 40)] * 2, "usable", "usable"),
        ([_row("available")] * 2, "usable", "usable"),
        ([_row("Available"), _row("Pending", 100, "succeeded")], "arriving", "arriving"),
        ([_row("Unknown", 100)] * 2, "usable", "usable"),
        ([_row("Unknown", 99), _row()], "arriving", "arriving"),
        ([_row("SomethingNew", None, "replicating")], "arriving", "arriving"),
        ([_row(None, 100)] * 2, "usable", "usable"),
        ([_row(None, 100), _row(None, 40)], "arriving", "arriving"),
        ([_row(None, None, "succeeded"), _row(None, None, "Completed")], "usable", "usable"),
        ([_row(None, None, "inProgress")], "arriving", "arriving"),
        ([_row("Available"), _row(None, 100, "failed")], "unusable", "unusable"),
        ([_row(None, 100)], "usable", "unknown"),
        ([_row(), _row()], "usable", "unknown"),
        ([{}, {}], "usable", "unknown"),
        ([], "usable", "unknown"),
    ],
)
def test_the_access_state_comes_before_percentages_and_those_before_codes(
    rows: list[dict[str, Any]], original: str, copy: str
) -> None:
    assert (usability(_point(*rows)), usability(_point(*rows, **COPY))) == (original, copy)


@pytest.mark.parametrize(
    ("state", "found"),
    [
        ("Creating", "arriving"),
        ("Updating", "arriving"),
        ("Deleting", "unusable"),
        ("DeletingLater", "unknown"),
        ("Failed", "unusable"),
        ("Canceled", "unusable"),
        ("Migrating", "unknown"),
        (None, "usable"),
    ],
)
def test_a_point_that_has_not_succeeded_cannot_be_restored_whatever_its_disks_say(
    state: str | None, found: str
) -> None:
    assert usability(_point(_row("Available"), provisioningState=state)) == found


def test_a_source_of_copies_needs_more_than_instant_access() -> None:
    assert not_copyable(_point(_row("Available"), _row("AvailableWithInstantAccess", 0))) == ""
    assert not_copyable(_point(_row(None, 0, "replicating"))) == ""  # whose turn it is the service knows better
    assert "InstantAccess" in not_copyable(_point(_row("Available"), _row("InstantAccess", 100)))
    assert "Pending" in not_copyable(_point(_row("Pending")))


def test_what_an_access_state_says() -> None:
    words = ["Available", "INSTANTACCESS", "AvailableWithInstantAccess", "Pending", "PendingLong", "Unknown", "", None]
    assert [of_access_state(word) for word in words] == ["usable"] * 3 + ["arriving"] + [None] * 4


@pytest.mark.parametrize(("code", "word"), [("Failed", "unusable"), ("Copy/completed", "usable"), (None, "usable")])
def test_the_code_of_a_disk_is_read_whatever_stands_before_it(code: str | None, word: str) -> None:
    row = {"replicationStatus": {"status": {"code": code}}}
    assert usability(_point(row)) == word


def test_a_copy_without_disks_that_are_known_needs_a_row_to_be_usable() -> None:
    assert usability(_point(sourceMetadata=None, **COPY)) == "unknown"
    assert usability(_point(_row("Available"), sourceMetadata=None, **COPY)) == "usable"
    assert usability(_point(_row("Available"), **COPY)) == "unknown"


@pytest.mark.parametrize(
    ("rows", "state", "original", "copy"),
    [
        ([_row(None, 40), _row(None, 70)], "Succeeded", 40, 40),
        ([_row(None, 40), _row()], "Succeeded", 0, 0),
        ([_row(), {}], "Succeeded", None, None),
        ([], "CreatingLater", None, None),
        ([], "Creating", None, 0),
        ([], "Succeeded", None, None),
        ([_row(None, 40)], "Creating", 40, 40),
    ],
)
def test_how_far_the_slowest_disk_is(
    rows: list[dict[str, Any]], state: str, original: int | None, copy: int | None
) -> None:
    assert percent(_point(*rows, provisioningState=state)) == original
    assert percent(_point(*rows, provisioningState=state, **COPY)) == copy
