# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore points and collections as results show them, and copies that are refused: decided without a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import ArmId
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Usability
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import (
    DiskRestorePointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import (
    CollectionEntity,
    PointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points import results as shapes
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.actions import (
    CreateResource,
    DeleteResource,
    UpdateResource,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.targets import PointTarget

SUBJECT = PointTarget(name="r", id="/id/r", canonical="/id/r", provider="compute", service="https://arm")
OLD, NEW = replace(SUBJECT, name="old"), replace(SUBJECT, name="new")
HOME = "/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/restorePointCollections/home"
SOURCE = ArmId("s", "rg", "Microsoft.Compute/restorePointCollections", "home")
COPY: dict[str, Any] = {"sourceRestorePoint": {"id": f"{HOME}/restorePoints/p"}}


def _point(state: str = "Succeeded", *percents: int | None, **properties: Any) -> PointEntity:
    """`percents` are those of its disks; None is a disk of which nothing is said."""
    rows = [
        {"id": f"/d{n}", "replicationStatus": None if each is None else {"completionPercent": each}}
        for n, each in enumerate(percents)
    ]
    members = {"provisioningState": state, "instanceView": {"diskRestorePoints": rows} if rows else None, **properties}
    return PointEntity.model_validate({"id": f"{HOME}/restorePoints/p", "name": "p", "properties": members})


def _home(source: str = HOME, location: str = "westeurope", *points: PointEntity) -> CollectionEntity:
    members = {"source": {"id": source}, "restorePoints": [each.model_dump() for each in points] or None}
    return CollectionEntity.model_validate({"id": "/c", "name": "c", "location": location, "properties": members})


@pytest.mark.parametrize(
    ("point", "percent", "usability"),
    [
        (_point(), None, "usable"),
        (_point("Creating"), None, "arriving"),
        (_point("Failed"), None, "unusable"),
        (_point("Canceled"), None, "unusable"),
        (_point(provisioningState=None), None, "usable"),
        (_point("Migrating"), None, "unknown"),
        (_point("Deleting"), None, "unusable"),
        (_point("Succeeded", 100, 100), 100, "usable"),
        (_point("Succeeded", 100, None), 0, "usable"),
        (_point("Succeeded", 100, 40), 40, "arriving"),
        (_point("Creating", **COPY), 0, "arriving"),
        (_point("Succeeded", **COPY), None, "unknown"),
        (_point("Succeeded", 100, 40, **COPY), 40, "arriving"),
        (_point("Succeeded", 100, None, **COPY), 0, "unknown"),
        (_point("Succeeded", None, **COPY), None, "unknown"),
        (_point("Succeeded", 100, 100, **COPY), 100, "usable"),
        (_point("Failed", **COPY), None, "unusable"),
        (_point("Deleting", 100, **COPY), 100, "unusable"),
    ],
)
def test_how_far_a_point_is_and_whether_it_can_be_restored(
    point: PointEntity, percent: int | None, usability: Usability
) -> None:
    shown = shapes.point(point)
    assert (shown["percent"], shown["usability"], shown["usable"]) == (percent, usability, usability == "usable")


def test_what_is_shown_of_a_point() -> None:
    rows = [
        {"id": "/d0", "replicationStatus": {"completionPercent": 5, "status": {"code": "x", "displayStatus": "Going"}}},
        {
            "id": "/d1",
            "snapshotAccessState": "Pending",
            "replicationStatus": {"status": {"code": "ReplicationState/inProgress"}},
        },
        {"id": "/d2", "replicationStatus": None},
    ]
    disks = {
        "osDisk": {"name": "Os", "managedDisk": {"id": "/os"}, "diskRestorePoint": {"id": "/d0"}},
        "dataDisks": [{"lun": 3, "name": "D"}],
    }
    shown = shapes.point(
        _point(
            **COPY,
            instanceView={"diskRestorePoints": rows},
            sourceMetadata={"storageProfile": disks},
            excludeDisks=[{"id": "/x"}],
            consistencyMode="CrashConsistent",
            timeCreated="2026-11-20T11:30:00Z",
            instantAccessDurationMinutes=90,
        ),
        "crash",
    )
    rows_shown = [
        {"disk_restore_point_id": "/d0", "percent": 5, "access_state": None, "state": "Going"},
        {
            "disk_restore_point_id": "/d1",
            "percent": None,
            "access_state": "Pending",
            "state": "ReplicationState/inProgress",
        },
        {"disk_restore_point_id": "/d2", "percent": None, "access_state": None, "state": None},
    ]
    assert shown == {
        "id": f"{HOME}/restorePoints/p",
        "name": "p",
        "provisioning_state": "Succeeded",
        "created": "2026-11-20T11:30:00Z",
        "consistency": {"requested": "crash", "achieved": "CrashConsistent"},
        "exclude_disks": ["/x"],
        "source_restore_point": COPY["sourceRestorePoint"]["id"],
        "instant_access_duration": 90,
        "disks": [
            {"place": "os", "name": "Os", "source_id": "/os", "disk_restore_point_id": "/d0"},
            {"place": "lun3", "name": "D", "source_id": None, "disk_restore_point_id": None},
        ],
        "replication": rows_shown,
        "percent": 0,
        "usable": False,
        "usability": "arriving",
    }


def test_what_is_shown_of_a_point_that_tells_little() -> None:
    assert shapes.point(_point()) == {
        "id": f"{HOME}/restorePoints/p",
        "name": "p",
        "provisioning_state": "Succeeded",
        "created": None,
        "consistency": {"requested": None, "achieved": None},
        "exclude_disks": [],
        "source_restore_point": None,
        "instant_access_duration": None,
        "disks": [],
        "replication": [],
        "percent": None,
        "usable": True,
        "usability": "usable",
    }


def test_what_is_shown_of_a_collection_and_of_a_disk_restore_point() -> None:
    assert shapes.collection(None) is None
    shown = shapes.collection(_home(HOME, "l", _point()))
    assert shown is not None
    assert (shown["source"], [each["name"] for each in shown["restore_points"]], shown["tags"]) == (HOME, ["p"], {})
    bare = CollectionEntity.model_validate({"id": "/c", "name": "c", "location": "l", "properties": {}})
    other = shapes.collection(bare, [{"name": "given"}])
    assert other is not None
    assert (other["source"], other["source_location"], other["restore_points"]) == (None, None, [{"name": "given"}])
    disk = DiskRestorePointEntity.model_validate({"id": "/d", "name": "d", "properties": {"completionPercent": 7.0}})
    assert (shapes.disk_restore_point(disk)["percent"], shapes.disk_restore_point(disk)["created"]) == (7.0, None)


def test_the_diff_of_each_step() -> None:
    fields: dict[str, dict[str, Any]] = {"b": {"before": "x", "after": "y"}, "a": {"before": None, "after": 1}}
    gone = {"points": {"before": None, "after": ["p", "q"]}}
    plan = Plan(
        SUBJECT,
        (
            DeleteResource(OLD, "why", fields=gone),
            Power(SUBJECT, "not a resource"),
            UpdateResource(SUBJECT, "b differs", fields=fields),
            CreateResource(NEW, "it is missing"),
        ),
    )
    assert shapes.diff("it", plan.writes) == {
        "before_header": "it",
        "after_header": "it",
        "before": "  old\n    points:\n      p\n      q\n  r\n    b: x\n",
        "after": "  r  b differs\n    a: 1\n    b: y\n  new  it is missing\n",
    }


def test_the_diff_shows_tags_and_lists_line_by_line_and_nothing_as_python_writes_it() -> None:
    fields: dict[str, dict[str, Any]] = {
        "tags": {"before": {}, "after": {"team": "a\nb", "app": "shop"}},
        "instant_access": {"before": True, "after": False},
        "sets": {"before": None, "after": [{"place": "os", "id": "/k"}]},
    }
    shown = shapes.diff("it", [UpdateResource(SUBJECT, "so", fields=fields)])
    assert shown["before"] == "  r\n    instant_access: true\n    tags: none\n"
    assert shown["after"] == (
        "  r  so\n    instant_access: false\n    sets:\n      (place: os, id: /k)\n"
        "    tags:\n      app: shop\n      team: a b\n"
    )
    many: dict[str, dict[str, Any]] = {"tags": {"before": None, "after": {f"t{n:02}": "x" for n in range(50)}}}
    whole = shapes.diff("it", [CreateResource(SUBJECT, "so", fields=many)])
    assert "t49: x" in whole["after"]


def test_every_key_of_a_collection() -> None:
    whole = {
        "id": "/c",
        "name": "c",
        "location": "l",
        "tags": {"a": "b"},
        "properties": {
            "source": {"id": HOME, "location": "west"},
            "instantAccess": True,
            "provisioningState": "Succeeded",
        },
    }
    assert shapes.collection(CollectionEntity.model_validate(whole)) == {
        "id": "/c",
        "name": "c",
        "location": "l",
        "tags": {"a": "b"},
        "source": HOME,
        "source_location": "west",
        "instant_access": True,
        "provisioning_state": "Succeeded",
        "restore_points": [],
    }
    assert shapes.unread_collection(HOME) == {
        "id": HOME,
        "name": "home",
        "location": None,
        "tags": None,
        "source": None,
        "source_location": None,
        "instant_access": False,
        "provisioning_state": None,
        "restore_points": None,
    }


def test_every_key_of_a_disk_restore_point() -> None:
    properties = {
        "timeCreated": "2026-11-20T11:30:00Z",
        "sourceResourceId": "/disk",
        "osType": "Linux",
        "replicationState": "Going",
        "completionPercent": 7.0,
        "snapshotAccessState": "Pending",
    }
    entity = DiskRestorePointEntity.model_validate({"id": "/d", "name": "d", "properties": properties})
    assert shapes.disk_restore_point(entity) == {
        "id": "/d",
        "name": "d",
        "created": "2026-11-20T11:30:00Z",
        "source_id": "/disk",
        "os_type": "Linux",
        "replication_state": "Going",
        "percent": 7.0,
        "access_state": "Pending",
    }


def test_a_line_of_a_diff_is_shortened() -> None:
    fields: dict[str, dict[str, Any]] = {
        "a": {"before": None, "after": "x" * 1001},
        "b": {"before": 0, "after": ["y" * 1001]},
    }
    after = shapes.diff("it", [UpdateResource(SUBJECT, "so", fields=fields)])["after"]
    assert f"    a: {'x' * 999}…\n" in after
    assert f"      {'y' * 999}…\n" in after
