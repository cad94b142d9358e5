# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore points as the core takes them: usable or not, in the order of time, ours or not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import Ownership
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import PointEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.points import checkpoints
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import POINT


def _point(name: str = "p", created: str | None = "2026-11-20T08:00:00Z", **properties: Any) -> PointEntity:
    document = {"id": f"{POINT}-{name}", "name": name, "properties": {"timeCreated": created, **properties}}
    return PointEntity.model_validate(document)


def _copied(percent: int | None) -> dict[str, Any]:
    return {"instanceView": {"diskRestorePoints": [{"replicationStatus": {"completionPercent": percent}}]}}


@pytest.mark.parametrize(
    ("properties", "here", "elsewhere"),
    [
        ({}, "usable", "unknown"),  # away from its VM, Succeeded says only that copying has begun
        ({"provisioningState": "Succeeded", **_copied(100)}, "usable", "usable"),
        ({"provisioningState": "Succeeded", **_copied(99)}, "arriving", "arriving"),
        (
            {"instanceView": {"statuses": [{"code": "ReplicationState/failed"}]}},
            "unusable",
            "unusable",
        ),
        ({"provisioningState": "Failed"}, "unusable", "unusable"),
        ({"provisioningState": "Canceled"}, "unusable", "unusable"),
        ({"provisioningState": "Creating"}, "arriving", "arriving"),
        ({"provisioningState": "Odd", **_copied(100)}, "unknown", "unknown"),
    ],
)
def test_whether_a_point_is_usable(properties: dict[str, Any], here: str, elsewhere: str) -> None:
    points = [_point(**properties)]
    assert [each.usability for each in checkpoints(points, ours=False, elsewhere=False)] == [here]
    assert [each.usability for each in checkpoints(points, ours=False, elsewhere=True)] == [elsewhere]


@pytest.mark.parametrize("mode", ["CrashConsistent", "FileSystemConsistent", "ApplicationConsistent"])
@pytest.mark.parametrize("spelled", [str.lower, str.upper, lambda mode: f"{mode[:1].lower()}{mode[1:]}"])
def test_its_consistency_has_one_spelling(mode: str, spelled: Callable[[str], str]) -> None:
    (found,) = checkpoints([_point(consistencyMode=spelled(mode))], ours=False, elsewhere=False)
    assert found.consistency == mode


@pytest.mark.parametrize("mode", [None, "", "Odd"])
def test_a_consistency_that_nobody_knows_is_kept_as_it_is(mode: str | None) -> None:
    assert _point(consistencyMode=mode).properties.consistencyMode == mode


def test_they_stand_in_the_order_of_time_and_those_of_unknown_time_last() -> None:
    late, unknown = "2026-11-20T09:00:00Z", _point("a", None)
    found = checkpoints([unknown, _point("d", late), _point("c", late), _point("z")], ours=False, elsewhere=False)
    assert [each.name for each in found] == ["z", "c", "d", "a"]


@pytest.mark.parametrize("ours", [True, False])
@pytest.mark.parametrize(
    ("name", "series", "nonce", "safety"),
    [
        ("p", None, None, False),
        ("nightly-20261120T080000Z-9f2c41d07ab3", "nightly", "9f2c41d07ab3", False),
        ("safety-before-p-20261120T080000Z-9f2c41d07ab3", "safety-before-p", "9f2c41d07ab3", True),
        ("safety-before-p", None, None, False),
    ],
)
def test_a_point_is_ours_by_its_collection_and_its_run_is_known_by_its_name(
    ours: bool, name: str, series: str | None, nonce: str | None, safety: bool
) -> None:
    """A generated name is ours wherever it lies, and says when by the Date header."""
    (found,) = checkpoints([_point(name, consistencyMode="ApplicationConsistent")], ours=ours, elsewhere=False)
    at = None if nonce is None else datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert (found.series, found.ownership) == (series, Ownership(ours or nonce is not None, nonce, safety, at))
    assert (found.consistency, found.any_case) == ("ApplicationConsistent", True)
