# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service would refuse at once is refused by the plan, in check mode too: nothing is sent."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.contract.compute.azure_harness import (
    HOME,
    checkpoint,
    collection,
    document,
    done,
    fail_next,
    failed,
    make_lab,
    names,
    point,
)
from tests.support.lab import Lab, Result

OLD = "2021-04-01"
checks = pytest.mark.parametrize("check", [True, False])
SUBSCRIPTION = "/subscriptions/33333333-0000-4000-8000-000000000001"


def _id(lab: Lab, name: str = HOME, kind: str = "restorePointCollections") -> str:
    return lab.world.azure.resource_id(kind, name)


def _asked(lab: Lab) -> list[str]:
    """What was asked of the service beside where to sign in."""
    return [request.url.path for request in lab.requests if "/subscriptions/" in request.url.path]


def _copies(lab: Lab) -> int:
    done(collection(lab, name="copies", source=_id(lab), location="northeurope"))
    return lab.writes()


def _copy(lab: Lab, **options: Any) -> Result:
    return point(lab, **{"name": "copy", "collection": "copies", "source_restore_point": "before", **options})


@checks
def test_a_collection_of_a_vm_that_is_not_there(check: bool) -> None:
    lab = make_lab(point=False)
    gone = lab.azure_vm.replace("shop01", "shop99")
    for location in (None, "westeurope"):
        message = failed(collection(lab, check=check, source=gone, location=location), "not_found")
        assert "virtualMachines/shop99 does not exist" in message
    assert lab.sent() == []


@checks
def test_copies_of_what_cannot_be_copied(check: bool) -> None:
    lab = make_lab()
    writes = _copies(lab)
    to: dict[str, Any] = {"name": "more", "check": check}
    missing = failed(collection(lab, source=_id(lab, "nope"), location="northeurope", **to), "not_found")
    assert "restorePointCollections/nope does not exist" in missing
    near = failed(collection(lab, source=_id(lab), location="West Europe", **to), "invalid_input")
    assert "lies in westeurope too" in near
    again = failed(collection(lab, source=_id(lab, "copies"), location="eastus", **to), "invalid_input")
    assert "holds copies itself" in again
    assert lab.writes() == writes


@checks
def test_a_point_that_cannot_be_copied(check: bool) -> None:
    lab = make_lab()
    _copies(lab)
    fail_next(lab, "point", "broken")
    point(lab, name="broken")
    writes = lab.writes()
    missing = failed(_copy(lab, check=check, source_restore_point="nope"), "missing_checkpoint")
    assert "There are: before, broken." in missing
    assert "it failed" in failed(_copy(lab, check=check, source_restore_point="broken"), "vm_state")
    elsewhere = f"{_id(lab, 'copies')}/restorePoints/before"
    for hidden in (False, True):  # nothing of the source need be read for it
        if hidden:
            lab.world.faults.add(kind="status", status=403, method="GET", path=f"/{HOME}", count=None)
        result = _copy(lab, check=check, source_restore_point=elsewhere)
        assert f"does not lie in {_id(lab)}" in failed(result, "invalid_input")
    assert lab.writes() == writes


def test_a_point_that_is_still_being_made_is_not_copied_yet() -> None:
    lab = make_lab(compute_point_takes="100s")
    _copies(lab)
    done(point(lab, name="young", wait=False))
    assert "it is creating" in failed(_copy(lab, source_restore_point="young"), "vm_state")
    lab.advance(200)
    done(_copy(lab, source_restore_point="young"))


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("x", "malformed ARM id"),
        (f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/disks/x", "Microsoft.Compute/disks"),
        ("/subscriptions/x/resourceGroups/rg/providers/Microsoft.Compute/diskEncryptionSets/x", "no GUID"),
    ],
)
def test_an_encryption_set_s_malformed_id(given: str, expected: str, check: bool) -> None:
    lab = make_lab()
    sets = [{"disk": "os", "id": given, "type": "EncryptionAtRestWithCustomerKey"}]
    message = point(lab, check=check, encryption_sets=sets)["msg"]
    assert "encryption_sets" in message
    assert expected in message
    assert "diskEncryptionSets" in message
    assert _asked(lab) == []


@pytest.mark.parametrize(
    ("option", "given", "expected"),
    [
        ("source", "shop01", "is a name, and an ARM id is needed"),
        ("source", f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/disks/x", "is the id of one of"),
    ],
)
def test_a_malformed_source(option: str, given: str, expected: str) -> None:
    lab = make_lab()
    for state in ("present", "absent"):
        options: dict[str, Any] = {option: given, "state": state}
        result = collection(lab, **options)
        assert (result["error"]["code"], "\n" in result["msg"]) == ("invalid_input", False)
        assert option in result["msg"]
        assert expected in result["msg"]
        assert "virtualMachines" in result["error"]["remedy"]
    assert lab.sent() == []


@pytest.mark.parametrize(
    "given",
    [
        "/subscriptions/x/nope",
        "/x",
        f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/restorePointCollections/c",
        f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/disks/c/restorePoints/p",
        f"{SUBSCRIPTION}/resourceGroups/rg/providers/Microsoft.Compute/restorePointCollections/c/restorePoints/..",
        "a/b",
        "",
    ],
)
def test_a_malformed_source_restore_point(given: str) -> None:
    lab = make_lab()
    _copies(lab)
    seen = len(_asked(lab))
    result = _copy(lab, source_restore_point=given)
    assert (result["error"]["code"], "\n" in result["msg"]) == ("invalid_input", False)
    assert "source_restore_point" in result["msg"]
    assert len(_asked(lab)) == seen


def test_a_resource_group_that_contradicts_the_id() -> None:
    lab = make_lab()
    message = failed(point(lab, collection=_id(lab), resource_group="rg-other"), "invalid_input")
    assert "resource_group: is rg-other, and collection lies in rg-shop. Leave resource_group out." in message
    assert done(point(lab, name="before", collection=_id(lab), resource_group="RG-Shop"))["changed"] is False


@checks
def test_an_api_version_without_copies_is_reported_before_a_collection_for_them_is_made(check: bool) -> None:
    lab = make_lab()
    old: dict[str, Any] = {"check": check, "compute_api_version": OLD}
    message = failed(collection(lab, name="copies", source=_id(lab), location="northeurope", **old), "invalid_input")
    assert "needs compute_api_version 2021-11-01" in message
    assert _asked(lab) == []
    _copies(lab)
    seen = len(_asked(lab))
    assert "2021-11-01" in failed(_copy(lab, **old), "invalid_input")
    assert len(_asked(lab)) == seen


@pytest.mark.parametrize(
    ("options", "version", "needed"),
    [
        ({"instant_access": True}, "2024-07-01", "2025-04-01"),
        ({}, "2020-12-01", "2021-03-01"),
    ],
)
def test_what_a_collection_needs_is_reported_before_anything_is_asked(
    options: dict[str, Any], version: str, needed: str
) -> None:
    lab = make_lab(point=False)
    message = failed(collection(lab, source=lab.azure_vm, compute_api_version=version, **options), "invalid_input")
    assert needed in message
    assert _asked(lab) == []


@pytest.mark.parametrize(
    ("options", "version", "needed"),
    [
        ({"instant_access_duration": 60}, "2024-07-01", "2025-04-01"),
        (
            {
                "encryption_sets": [
                    {
                        "disk": "os",
                        "id": f"{SUBSCRIPTION}/resourceGroups/r/providers/Microsoft.Compute/diskEncryptionSets/k",
                        "type": "EncryptionAtRestWithCustomerKey",
                    }
                ]
            },
            "2022-11-01",
            "2023-03-01",
        ),
        ({"consistency": "crash"}, "2021-04-01", "2021-07-01"),
        ({}, "2020-12-01", "2021-03-01"),
    ],
)
def test_what_a_point_needs_is_reported_before_anything_is_asked(
    options: dict[str, Any], version: str, needed: str
) -> None:
    lab = make_lab()
    assert needed in failed(point(lab, compute_api_version=version, **options), "invalid_input")
    assert (_asked(lab), names(lab)) == ([], ["before"])


def test_a_source_that_is_answered_without_its_first_slash() -> None:
    """As the published examples have it."""
    lab = make_lab()
    _copies(lab)
    for home in lab.world.azure.collections.values():
        home.source = home.source.lstrip("/")
    assert "There are: before." in failed(_copy(lab, check=True, source_restore_point="nope"), "missing_checkpoint")
    assert done(_copy(lab, check=True))["changed"] is True
    assert done(point(lab, check=True))["changed"] is True


def test_where_the_api_version_has_no_instance_view_none_is_asked_for() -> None:
    lab = make_lab()
    for version, asked in (("2021-07-01", False), ("2021-11-01", True)):
        seen = len(lab.requests)
        result = point(lab, name="before", consistency="application", compute_api_version=version)
        assert (code(result), result["changed"], result["restore_point"]["usable"]) == (None, False, True)
        urls = [str(request.url) for request in lab.requests[seen:] if "restorePoints/before" in str(request.url)]
        assert (bool(urls), any("instanceView" in url for url in urls)) == (True, asked)


def test_an_ephemeral_os_disk_is_left_out() -> None:
    """`Exclude these disks and create a VM restore point` (support matrix)."""
    lab = make_lab(document(os_disk={"kind": "ephemeral"}), point=False)
    done(collection(lab, source=lab.azure_vm))
    assert "Make it with restore_point, exclude_disks." in failed(checkpoint(lab, name="new", check=True), "vm_state")
    assert "Leave the disk out with exclude_disks." in failed(point(lab, check=True), "vm_state")
    assert done(point(lab, exclude_disks=["os"]))["restore_point"]["usable"] is True
