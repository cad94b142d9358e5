# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restore points and collections as results show them, and copies that are refused: decided without a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import ArmId
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    InvalidInput,
    MissingCheckpoint,
    NotFound,
    VmState,
)
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
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.copies import (
    refuse_copies,
    refuse_elsewhere,
    refuse_source,
    takes_copies,
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
        ),
        "crash",
    )
    assert shown["replication"] == [
        {"disk_restore_point_id": "/d0", "percent": 5, "access_state": None, "state": "Going"},
        {
            "disk_restore_point_id": "/d1",
            "percent": None,
            "access_state": "Pending",
            "state": "ReplicationState/inProgress",
        },
        {"disk_restore_point_id": "/d2", "percent": None, "access_state": None, "state": None},
    ]
    assert shown["disks"] == [
        {"place": "os", "name": "Os", "source_id": "/os", "disk_restore_point_id": "/d0"},
        {"place": "lun3", "name": "D", "source_id": None, "disk_restore_point_id": None},
    ]
    assert shown["consistency"] == {"requested": "crash", "achieved": "CrashConsistent"}
    assert (shown["created"], shown["exclude_disks"]) == ("2026-11-20T11:30:00Z", ["/x"])
    assert shown["source_restore_point"] == COPY["sourceRestorePoint"]["id"]
    assert shapes.point(_point())["created"] is None


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
            UpdateResource(SUBJECT, "b differs", fields=fields),
            CreateResource(NEW, "it is missing"),
            Power(SUBJECT, "not a resource"),
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


def test_what_takes_copies() -> None:
    assert takes_copies(_home())
    assert not takes_copies(_home("/subscriptions/s/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/v"))


def test_a_collection_for_copies() -> None:
    vm = "/x/virtualMachines/v"
    refuse_copies(SOURCE, _home(vm), "northeurope")
    with pytest.raises(NotFound, match="does not exist"):
        refuse_copies(SOURCE, None, "northeurope")
    with pytest.raises(InvalidInput, match="lies in westeurope too"):
        refuse_copies(SOURCE, _home(vm), "West Europe")
    with pytest.raises(InvalidInput, match="holds copies itself"):
        refuse_copies(SOURCE, _home(), "northeurope")


def test_a_point_to_copy() -> None:
    given, home = f"{HOME}/restorePoints/p", _home()
    refuse_source(given.upper(), _home(), _point(), home)
    with pytest.raises(NotFound, match="source collection"):
        refuse_source(given, None, None, home)
    refuse_elsewhere(given.upper(), home)
    with pytest.raises(InvalidInput, match="does not lie in"):
        refuse_elsewhere(given.replace("home", "other"), home)
    with pytest.raises(MissingCheckpoint, match=r"There are: p\."):
        refuse_source(given, _home(HOME, "l", _point()), None, home)
    with pytest.raises(MissingCheckpoint, match=r"There are: none\."):
        refuse_source(given, _home(), None, home)
    with pytest.raises(VmState, match="it failed"):
        refuse_source(given, _home(), _point("Failed"), home)
    with pytest.raises(VmState, match="it is creating"):
        refuse_source(given, _home(), _point("Creating"), home)
