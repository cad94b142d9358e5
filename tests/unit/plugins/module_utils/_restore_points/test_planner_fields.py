# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of collections and points, field by field: what is the same, what is refused, and by what name."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Downgraded
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import Disk
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.actions import DeleteResource, NoOp
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.collection_planner import (
    plan_collection,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.drift import disk_names
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.point_planner import plan_point
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.targets import PointTarget
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._restore_points.service import (
    POINT,
    asked_collection,
    asked_point,
    home,
    point,
)

TARGET = PointTarget(name="p", id=POINT, canonical=POINT.lower(), provider="compute", service="https://arm")


def of_point(now: Any, fields: dict[str, Any] | None = None, **options: Any) -> Plan:
    return plan_point(asked_point(**options), TARGET, now, None, (), fields or {}, 1, None)


@pytest.mark.parametrize(
    ("disk", "names"),
    [
        ({"name": "Os", "managedDisk": {"id": "/D/Os"}}, {"os", "/d/os"}),
        ({"managedDisk": {"id": "/D/Os"}}, {"os", "/d/os"}),
        ({"lun": 0, "name": "Data"}, {"lun0", "0", "data"}),
        ({"lun": 12}, {"lun12", "12"}),
        ({}, {"os"}),
    ],
)
def test_what_a_disk_may_be_called(disk: dict[str, Any], names: set[str]) -> None:
    assert disk_names(Disk.model_validate(disk)) == names


@pytest.mark.parametrize("location", ["westeurope", "West Europe", "WESTEUROPE"])
def test_the_region_that_a_collection_has_may_be_named(location: str) -> None:
    plan = plan_collection(asked_collection(location=location), TARGET, home(location="westeurope"), None)
    assert plan == Plan(TARGET, (NoOp(TARGET, "it exists"),))


def test_a_collection_whose_points_are_not_told_goes_as_an_empty_one() -> None:
    plan = plan_collection(asked_collection(state="absent"), TARGET, home(restorePoints=None), None)
    assert plan == Plan(TARGET, (DeleteResource(TARGET, "state is absent"),))


def test_a_point_that_tells_no_consistency_is_not_less_than_was_asked_for() -> None:
    kept = Plan(TARGET, (NoOp(TARGET, "it exists"),))
    assert of_point(point()) == of_point(point(), on_downgrade="fail") == of_point(point(), consistency="crash") == kept


def test_only_less_consistency_is_refused_where_a_downgrade_is() -> None:
    lasting = {"instant_access_duration": 90}
    plan = of_point(point(), lasting, on_downgrade="fail", instant_access_duration=90)
    said = "instant_access_duration is not as asked for, and a point cannot be changed; see drift."
    assert plan.warnings == (said,)
    crash = point(consistencyMode="CrashConsistent")
    for fields in ({}, lasting):
        with pytest.raises(Downgraded) as raised:
            of_point(crash, fields, on_downgrade="fail")
        assert str(raised.value) == (
            "application consistency is asked for, and it is CrashConsistent. The restore point is kept. Remove it to "
            "have it made anew, or set consistency: crash or on_downgrade: warn."
        )
    assert of_point(crash).warnings == ("consistency is not as asked for, and a point cannot be changed; see drift.",)


def test_pins_keep_a_collection_from_nothing_but_its_removal() -> None:
    plan = plan_collection(asked_collection(), TARGET, home(), None, (), {POINT.lower(): Pin()})
    assert plan == Plan(TARGET, (NoOp(TARGET, "it exists"),))


RG = "/subscriptions/22222222-0000-4000-8000-000000000002/resourceGroups/rg"
KEY = f"{RG}/providers/Microsoft.Compute/diskEncryptionSets/k"
OURS = {"type": "EncryptionAtRestWithCustomerKey", "diskEncryptionSet": {"id": KEY}}


def encrypted(encryption: dict[str, Any] | None, state: str = "Succeeded") -> Any:
    """A point with an OS disk and a data disk, of which the first one shows this of its encryption."""
    os_disk = {"name": "Os", "diskRestorePoint": None if encryption is None else {"encryption": encryption}}
    profile = {"osDisk": os_disk, "dataDisks": [{"lun": 0, "name": "Data"}]}
    return point(state, sourceMetadata={"storageProfile": profile})


@pytest.mark.parametrize(
    ("shown", "state", "asked", "differs"),
    [
        (OURS, "Succeeded", {}, False),
        (OURS, "Succeeded", {"disk": " OS ", "id": KEY.upper().strip("/")}, False),
        ({"type": "EncryptionAtRestWithPlatformKey"}, "Succeeded", {}, True),
        ({"type": "EncryptionAtRestWithPlatformKey"}, "Creating", {}, False),
        (OURS, "Succeeded", {"id": f"{KEY}2"}, True),
        (OURS, "Succeeded", {"type": "EncryptionAtRestWithPlatformAndCustomerKeys"}, True),
        ({"type": "EncryptionAtRestWithCustomerKey"}, "Succeeded", {}, True),
        ({}, "Succeeded", {}, False),
        (None, "Succeeded", {}, False),
        ({"type": "EncryptionAtRestWithPlatformKey"}, "Succeeded", {"disk": "lun0"}, False),
        ({"type": "EncryptionAtRestWithPlatformKey"}, "Succeeded", {"disk": "lun7"}, False),
    ],
)
def test_another_key_than_the_one_asked_for_is_drift_where_the_point_shows_it(
    shown: dict[str, Any] | None, state: str, asked: dict[str, Any], differs: bool
) -> None:
    sets = [{"disk": "os", "id": KEY, **asked}]
    (found,) = of_point(encrypted(shown, state), encryption_sets=sets).drift or ({},)
    if not differs:
        assert found == {}
        return
    wanted = {"type": "EncryptionAtRestWithCustomerKey", **sets[0]}
    key = (shown or {}).get("diskEncryptionSet", {}).get("id")
    actual = [{"disk": "os", "id": key, "type": (shown or {})["type"]}]
    assert found == {"field": "encryption_sets", "desired": [wanted], "actual": actual}
