# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be asked of the modules for Azure's own resources, checked at the door."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import CollectionEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.inputs import comparable_fields
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.specs import (
    CollectionQuery,
    CollectionSpec,
    PointSpec,
    collection_id,
    disk_id,
    require_collection_api,
    require_point_api,
    require_query_api,
    source_of,
    source_point,
)

GUID = "33333333-0000-4000-8000-000000000001"
COMPUTE = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Compute"
HOME = f"{COMPUTE}/restorePointCollections/c"
NEWEST = "2026-04-01"
OLDER = {
    "2021-03-01": "2020-12-01",
    "2021-07-01": "2021-04-01",
    "2021-11-01": "2021-08-01",
    "2023-03-01": "2022-11-01",
    "2025-04-01": "2024-11-01",
}


def _collection(**options: Any) -> CollectionSpec:
    return validate_options(CollectionSpec, {"name": "c", "resource_group": "rg", **options})


def _point(**options: Any) -> PointSpec:
    return validate_options(PointSpec, {"name": "p", "collection": "c", "resource_group": "rg", **options})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"name": "a b"}, "name: takes letters"),
        ({"resource_group": "a."}, "resource_group: takes up to 90"),
        ({"tags": {"a": 1}}, "tags: a takes text"),
        ({"tags": {"a": "1", "A": "1"}}, "tags: a and A are one name"),
        ({"tags": "a=1"}, "tags: "),
    ],
)
def test_a_collection_that_cannot_be_asked_for(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        _collection(**options)
    assert _collection(tags={"a": "1", "b": ""}).tags == {"a": "1", "b": ""}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"source_restore_point": "p", "exclude_disks": ["os"]}, "a copy .* takes no exclude_disks"),
        ({"ignore_pin": True}, "ignore_pin goes with state=absent only"),
        ({"instant_access_duration": 59}, "60 to 300"),
        ({"instant_access_duration": 301}, "60 to 300"),
        ({"resource_group": None}, "resource_group is needed"),
    ],
)
def test_a_point_that_cannot_be_asked_for(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        _point(**options)
    assert _point(resource_group=None, collection=HOME).collection == HOME
    assert _point(instant_access_duration=60).instant_access_duration == 60


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"name": "c"}, "resource_group is needed with name"),
        ({"subscriptions": []}, "subscriptions is an empty list"),
        ({"subscriptions": ["x"]}, r"subscriptions, element 1: is no subscription"),
        ({"subscriptions": [GUID], "resource_group": "rg"}, "leave out resource_group"),
    ],
)
def test_a_query_that_cannot_be_asked(options: dict[str, Any], expected: str) -> None:
    with pytest.raises(InvalidInput, match=expected):
        validate_options(CollectionQuery, options)
    assert validate_options(CollectionQuery, {"subscriptions": [GUID]}).subscriptions == [GUID]


def test_a_collection_by_name_or_id() -> None:
    assert str(collection_id(GUID, "rg", "c")) == HOME
    assert str(collection_id(None, None, HOME)) == HOME
    assert str(collection_id(None, "RG", HOME)) == HOME
    for given in ((None, "rg", "c"), (None, "other", HOME), (GUID, None, f"{COMPUTE}/disks/c"), (GUID, "rg", "a?b")):
        with pytest.raises(InvalidInput):
            collection_id(*given)


def test_what_a_collection_is_made_for() -> None:
    assert source_of(f"{COMPUTE}/virtualMachines/v").name == "v"
    assert source_of(HOME.lstrip("/").upper()).canonical == HOME.lower()
    for given in ("", "v", f"{COMPUTE}/disks/d", f"{COMPUTE}/virtualMachines"):
        with pytest.raises(InvalidInput, match="source"):
            require_collection_api(_collection(source=given), NEWEST)
    with pytest.raises(InvalidInput, match="source: 'daily' is a name") as caught:
        source_of("daily")
    assert all(kind in caught.value.remedy for kind in ("virtualMachines/NAME", "restorePointCollections/NAME"))


def test_which_disk_is_left_out() -> None:
    assert disk_id(f"{COMPUTE}/Disks/D/") == f"{COMPUTE}/disks/d".lower()
    for wrong in (f"{COMPUTE}/snapshots/d", f"{COMPUTE}/disks/..", f"{COMPUTE}/disks/d?x=1", "/nonsense#"):
        with pytest.raises(InvalidInput, match="exclude_disks"):
            disk_id(wrong)


def test_which_point_is_copied() -> None:
    assert source_point("p", f"{HOME}/") == source_point(f"{HOME}/restorepoints/p/", "") == f"{HOME}/restorePoints/p"
    for given in (
        "",
        "..",
        "a/b",
        "/p",
        HOME,
        f"{COMPUTE}/disks/c/restorePoints/p",
        f"{HOME}/restorePoints/..",
        f"{HOME}/disks/p",
    ):
        with pytest.raises(InvalidInput, match="source_restore_point"):
            require_point_api(_point(source_restore_point=given), NEWEST)


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({}, "2021-03-01"),
        ({"source": f"{COMPUTE}/virtualMachines/v"}, "2021-03-01"),
        ({"source": HOME}, "2021-11-01"),
        ({"instant_access": False}, "2025-04-01"),
        ({"instant_access": True, "state": "absent"}, "2021-03-01"),
    ],
)
def test_the_api_version_that_a_collection_needs(options: dict[str, Any], first: str) -> None:
    require_collection_api(_collection(**options), first)
    require_collection_api(_collection(**options), f"{first}-preview")
    with pytest.raises(InvalidInput, match=first):
        require_collection_api(_collection(**options), OLDER[first])


@pytest.mark.parametrize(
    ("options", "first"),
    [
        ({}, "2021-03-01"),
        ({"source_restore_point": "p"}, "2021-11-01"),
        ({"consistency": "crash"}, "2021-07-01"),
        ({"instant_access_duration": 60}, "2025-04-01"),
        ({"encryption_sets": [{"disk": "os", "id": f"{COMPUTE}/diskEncryptionSets/k"}]}, "2023-03-01"),
    ],
)
def test_the_api_version_that_a_point_needs(options: dict[str, Any], first: str) -> None:
    require_point_api(_point(**options), first)
    with pytest.raises(InvalidInput, match=first):
        require_point_api(_point(**options), OLDER[first])


@pytest.mark.parametrize(("options", "first"), [({}, "2021-03-01"), ({"instance_view": True}, "2021-11-01")])
def test_the_api_version_that_info_needs(options: dict[str, Any], first: str) -> None:
    require_query_api(CollectionQuery(**options), first)
    with pytest.raises(InvalidInput, match=first):
        require_query_api(CollectionQuery(**options), OLDER[first])


@pytest.mark.parametrize("view", ["instance_view", "disk_restore_points"])
def test_a_view_of_points_that_are_not_listed_is_refused(view: str) -> None:
    with pytest.raises(InvalidInput, match="would show nothing"):
        validate_options(CollectionQuery, {"points": False, view: True})


def test_an_encryption_set_s_id_is_one() -> None:
    for given in ("k", f"{COMPUTE}/disks/k"):
        sets = [{"disk": "os", "id": given}]
        with pytest.raises(InvalidInput, match="encryption_sets"):
            require_point_api(_point(encryption_sets=sets), NEWEST)


@pytest.mark.parametrize(
    "of_a_vm",
    [
        {"exclude_disks": ["os"]},
        {"instant_access_duration": 60},
        {"encryption_sets": [{"disk": "os", "id": f"{COMPUTE}/diskEncryptionSets/k"}]},
    ],
)
def test_a_copy_takes_nothing_that_is_of_a_vm(of_a_vm: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match=r"a copy .* takes no exclude_disks"):
        _point(source_restore_point="p", **of_a_vm)
    assert _point(source_restore_point="p", exclude_disks=[], encryption_sets=[]).source_restore_point == "p"


@pytest.mark.parametrize("minutes", [60, 300])
def test_instant_access_lasts_one_to_five_hours(minutes: int) -> None:
    assert _point(instant_access_duration=minutes).instant_access_duration == minutes


@pytest.mark.parametrize("given", ["a", "0", "a" * 80, "A_b.c-9"])
def test_a_name_that_azure_takes(given: str) -> None:
    assert _collection(name=given).name == given


@pytest.mark.parametrize("given", ["_a", ".a", "-a", "a" * 81, "a/b", "ä"])
def test_a_name_that_azure_does_not_take(given: str) -> None:
    with pytest.raises(InvalidInput, match="name: takes letters, digits"):
        _collection(name=given)


@pytest.mark.parametrize("given", ["r", "r" * 90, "(r.g)-_1"])
def test_a_group_that_azure_takes(given: str) -> None:
    assert _collection(resource_group=given).resource_group == given


@pytest.mark.parametrize("given", ["r" * 91, "r.", "r/g"])
def test_a_group_that_azure_does_not_take(given: str) -> None:
    with pytest.raises(InvalidInput, match="resource_group: takes up to 90"):
        _collection(resource_group=given)


@pytest.mark.parametrize("kind", ["EncryptionAtRestWithCustomerKey", "EncryptionAtRestWithPlatformAndCustomerKeys"])
def test_the_kinds_of_encryption_with_a_customer_s_key(kind: str) -> None:
    of_os = {"disk": "os", "id": "k", "type": kind}
    (found,) = _point(encryption_sets=[of_os]).encryption_sets or []
    assert found.type == kind
    with pytest.raises(InvalidInput, match="encryption_sets"):
        _point(encryption_sets=[of_os | {"type": "EncryptionAtRestWithPlatformKey"}])


def test_defaults() -> None:
    collection, point = _collection(), _point(encryption_sets=[{"disk": "os", "id": "k"}])
    assert (collection.state, collection.append_tags, collection.force) == ("present", True, False)
    assert (collection.instant_access, collection.tags) == (None, None)
    assert (point.state, point.consistency, point.on_downgrade) == ("present", "application", "warn")
    assert [each.type for each in point.encryption_sets or []] == ["EncryptionAtRestWithCustomerKey"]
    query = validate_options(CollectionQuery, {})
    assert (query.points, query.instance_view, query.disk_restore_points) == (True, False, False)
    assert query.on_error == "continue"


def test_a_view_of_points_that_are_listed_is_fine() -> None:
    assert validate_options(CollectionQuery, {"instance_view": True, "disk_restore_points": True}).points
    assert not validate_options(CollectionQuery, {"points": False}).points


def test_what_an_existing_point_is_held_against() -> None:
    source = {"properties": {"source": {"id": HOME}}, "id": HOME, "name": "c", "location": "l"}
    home = CollectionEntity.model_validate(source)
    assert comparable_fields(_point(instant_access_duration=90), home) == {"instant_access_duration": 90}
    assert comparable_fields(_point(source_restore_point="p"), home) == {
        "instant_access_duration": None,
        "source_restore_point": f"{HOME}/restorePoints/p",
    }
