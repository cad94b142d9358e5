# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an Azure VM and its disks show, in whatever spelling, and what is empty where nothing is shown."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._deps import pydantic
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import (
    CollectionEntity,
    PointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.fields import region_key, view
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import (
    Disk,
    DiskInstance,
    StorageProfile,
    VmEntity,
    known_id,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import GROUP, ID, POINT


def vm(**properties: Any) -> VmEntity:
    return VmEntity.model_validate({"id": ID, "name": "v", "location": "l", "properties": properties})


def statuses(*codes: str | None) -> VmEntity:
    return vm(instanceView={"statuses": [{"code": code} for code in codes]})


@pytest.mark.parametrize(
    ("codes", "code", "power"),
    [
        (("PowerState/running",), "running", "on"),
        (("POWERSTATE/RUNNING",), "running", "on"),
        (("ProvisioningState/succeeded", "PowerState/deallocated"), "deallocated", "off"),
        (("PowerState/stopped",), "stopped", "off"),
        (("PowerState/runningLate",), "runninglate", "unknown"),
        (("PowerState/starting",), "starting", "unknown"),
        (("PowerState2/running", "PowerStat/running"), "", "unknown"),
        (("PowerState/deallocating", "PowerState/running"), "deallocating", "unknown"),
        (("PowerState",), "", "unknown"),
        (("PowerState", "PowerState/running"), "running", "on"),
        ((None,), "", "unknown"),
        ((), "", "unknown"),
    ],
)
def test_power(codes: tuple[str | None, ...], code: str, power: str) -> None:
    of = statuses(*codes)
    assert (of.power_code, of.power, of.is_on, of.is_off) == (code, power, power == "on", power == "off")


def test_a_vm_that_shows_nothing() -> None:
    for bare in (
        vm(),
        vm(instanceView={}),
        vm(hardwareProfile={}, securityProfile={}, storageProfile={}, osProfile={}),
    ):
        assert (bare.power_code, bare.power, bare.hibernated, bare.agent, bare.size) == ("", "unknown", False, "", "")
        assert (bare.confidential, bare.os_type, bare.encrypted_disks, bare.disks) == (False, "", set(), [])
        assert bare.state == "succeeded"
    assert vm(provisioningState="Updating").state == "updating"


def test_hibernation_is_shown_beside_the_power_state() -> None:
    assert statuses("PowerState/deallocated", "HibernationState/Hibernated").hibernated
    assert not statuses("PowerState/deallocated", "HibernationState/Restored").hibernated


@pytest.mark.parametrize(
    ("shown", "agent"),
    [
        ([{"displayStatus": "Ready"}], "Ready"),
        ([{"displayStatus": None}, {"displayStatus": "Not Ready"}], "Not Ready"),
        ([], ""),
        (None, ""),
    ],
)
def test_what_the_agent_says_of_itself(shown: Any, agent: str) -> None:
    assert vm(instanceView={"vmAgent": {"statuses": shown}}).agent == agent


def _row(status: Any) -> dict[str, Any]:
    return {"instanceView": {"diskRestorePoints": [{"replicationStatus": status}]}}


def test_what_it_is() -> None:
    of = vm(hardwareProfile={"vmSize": "Standard_D2s_v5"}, securityProfile={"securityType": "ConfidentialVM"})
    assert (of.size, of.confidential) == ("Standard_D2s_v5", True)
    for other in ("TrustedLaunch", "ConfidentialVM2"):
        assert not vm(securityProfile={"securityType": other}).confidential


@pytest.mark.parametrize(
    ("os_disk", "profile", "expected"),
    [
        ({"osType": "Windows"}, {"linuxConfiguration": {}}, "windows"),
        ({"osType": "LINUX"}, None, "linux"),
        ({}, {"windowsConfiguration": {}}, "windows"),
        ({}, {"linuxConfiguration": {}}, "linux"),
        (None, {"linuxConfiguration": {}}, "linux"),
        (None, {}, ""),
    ],
)
def test_its_operating_system(os_disk: Any, profile: Any, expected: str) -> None:
    shown = {"storageProfile": {"osDisk": os_disk}, "osProfile": profile}
    assert vm(**shown).os_type == expected
    point = PointEntity.model_validate({"id": POINT, "name": "p", "properties": {"sourceMetadata": shown}})
    assert point.os_type == expected


@pytest.mark.parametrize(
    ("row", "encrypted"),
    [
        ({"encryptionSettings": [{"enabled": True}]}, True),
        ({"encryptionSettings": [{"enabled": False}, {"enabled": True}]}, True),
        ({"encryptionSettings": [{"enabled": False}, {}]}, False),
        ({"statuses": [{"code": "EncryptionState/encrypted"}]}, True),
        ({"statuses": [{"code": "encryptionstate/ENCRYPTED"}]}, True),
        (
            {"statuses": [{"code": "EncryptionState/notEncrypted"}, {"code": "EncryptionState/encryptedInPart"}, {}]},
            False,
        ),
        ({}, False),
    ],
)
def test_azure_disk_encryption_in_the_instance_view(row: dict[str, Any], encrypted: bool) -> None:
    assert DiskInstance.model_validate(row).guest_encrypted is encrypted
    rows = [{"name": "Data_1", **row}, {**row}, {"name": "other"}]
    assert vm(instanceView={"disks": rows}).encrypted_disks == ({"data_1"} if encrypted else set())


@pytest.mark.parametrize(
    ("settings", "encrypted"), [({"enabled": True}, True), ({"enabled": False}, False), (None, False)]
)
def test_azure_disk_encryption_of_a_disk(settings: Any, encrypted: bool) -> None:
    assert Disk.model_validate({"encryptionSettings": settings}).guest_encrypted is encrypted
    entity = {"id": f"{GROUP}/disks/d", "name": "d", "location": "l"}
    shown = DiskEntity.model_validate({**entity, "properties": {"encryptionSettingsCollection": settings}})
    assert shown.guest_encrypted is encrypted


def test_places_and_ids_of_disks() -> None:
    os_disk, data = Disk.model_validate({"managedDisk": {"id": f"{GROUP}/disks/O"}}), Disk(lun=7)
    assert (os_disk.slot, data.slot) == ("os", "lun7")
    assert (os_disk.managed_id, data.managed_id) == (f"{GROUP}/disks/O".lower(), "")
    assert Disk.model_validate({"managedDisk": {}}).managed_id == ""
    profile = StorageProfile.model_validate({"osDisk": {"name": "o"}, "dataDisks": [{"lun": 1}, {"lun": 0}]})
    assert [disk.slot for disk in profile.disks] == ["os", "lun1", "lun0"]


@pytest.mark.parametrize(
    "profile",
    [
        {"dataDisks": [{"lun": 1}, {"lun": 1}]},
        {"osDisk": {"lun": 0}},
        {"osDisk": {}, "dataDisks": [{"name": "without a LUN"}]},
        {"dataDisks": [{"lun": -1}]},
        {"dataDisks": [{"lun": 1000}]},
        {"dataDisks": [{"lun": "1"}]},
    ],
)
def test_disks_whose_places_cannot_be(profile: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        StorageProfile.model_validate(profile)


@pytest.mark.parametrize("lun", [0, 999])
def test_the_first_lun_and_the_last(lun: int) -> None:
    assert StorageProfile.model_validate({"dataDisks": [{"lun": lun}]}).disks[0].lun == lun


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (" 0A1B ", "0a1b"),
        ("00000000-0000-0000-0000-000000000000", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_one_spelling_of_a_vm_s_own_id(shown: str | None, expected: str) -> None:
    assert known_id(shown) == expected


@pytest.mark.parametrize(
    ("of_point", "of_vm", "another"),
    [
        ("a", "b", True),
        ("A", "a", False),
        (None, "a", False),
        ("a", None, False),
        ("0-0", "a", False),
        ("a", "0", False),
    ],
)
def test_a_point_of_another_vm(of_point: str | None, of_vm: str | None, another: bool) -> None:
    properties = {"sourceMetadata": {"vmId": of_point}}
    point = PointEntity.model_validate({"id": POINT, "name": "p", "properties": properties})
    assert point.is_of_another(vm(vmId=of_vm)) is another
    known = PointEntity.model_validate({"id": POINT, "name": "p", "properties": {"sourceMetadata": {}}})
    assert (known.disks, known.os_type) == ([], "")
    bare = PointEntity.model_validate({"id": POINT, "name": "p", "properties": {}})
    assert not bare.is_of_another(vm(vmId=of_vm))
    assert (bare.os_type, bare.disks, bare.views, bare.created, bare.state, bare.failed) == (
        "",
        [],
        [],
        None,
        "succeeded",
        False,
    )


@pytest.mark.parametrize(
    ("properties", "failed"),
    [
        ({"provisioningState": "Failed"}, True),
        ({"provisioningState": "Canceled"}, True),
        ({"provisioningState": "Creating"}, False),
        ({"instanceView": {"statuses": [{"code": "ReplicationState/Failed"}]}}, True),
        ({"instanceView": {"statuses": [{"code": None}, {"code": "ReplicationState/Completed"}]}}, False),
        (
            {
                "instanceView": {
                    "diskRestorePoints": [{"replicationStatus": {"status": {"code": "ReplicationState/failed"}}}]
                }
            },
            True,
        ),
        (_row({"status": {"code": "ReplicationState/completed"}}), False),
        (_row({}), False),
        (_row(None), False),
    ],
)
def test_a_point_that_has_failed(properties: dict[str, Any], failed: bool) -> None:
    assert PointEntity.model_validate({"id": POINT, "name": "p", "properties": properties}).failed is failed


def test_when_a_point_was_made_in_either_form() -> None:
    def created(**properties: Any) -> Any:
        return PointEntity.model_validate({"id": POINT, "name": "p", "properties": properties}).created

    first, second = "2026-11-20T11:30:00+00:00", "2026-11-20T12:00:00+00:00"
    assert created(timeCreated=first, provisioningDetails={"creationTime": second}).isoformat() == first
    assert created(provisioningDetails={"creationTime": second}).isoformat() == second
    assert created(provisioningDetails={}) is None


def test_what_a_collection_is_of() -> None:
    def home(**properties: Any) -> CollectionEntity:
        return CollectionEntity.model_validate({"id": "/c", "name": "c", "location": "l", "properties": properties})

    for shown in (ID, ID.upper(), f"{ID.lstrip('/')}/"):
        of = home(source={"id": shown})
        assert (of.source_id, of.source_path) == (shown, f"/{shown.strip('/')}")
        assert of.is_of(ID)
        assert of.is_of(f"{ID.upper()}/".lstrip("/"))
        assert not of.is_of(f"{ID}2")
        assert not of.is_of(ID[:-1])
        assert of.points == []
    for bare in (home(), home(source={})):
        assert (bare.source_id, bare.source_path, bare.is_of(ID)) == ("", "/", False)
    assert [home().state, home(provisioningState="Deleting").state] == ["succeeded", "deleting"]


def test_our_tags_are_known_in_any_case_and_others_stay_as_they_are() -> None:
    entity = {"id": "/c", "name": "c", "location": "l", "properties": {}}
    tags = {"HybridVM-Pin-Nightly": "Until", "Owner": "Me"}
    assert CollectionEntity.model_validate({**entity, "tags": tags}).tags == {
        "hybridvm-pin-nightly": "Until",
        "Owner": "Me",
    }
    assert CollectionEntity.model_validate(entity).tags is None
    with pytest.raises(pydantic.ValidationError):
        CollectionEntity.model_validate({**entity, "tags": ["a"]})


def test_what_leads_elsewhere_is_no_name_and_no_id() -> None:
    entity = {"id": "/c", "name": "c", "location": "l", "properties": {}}
    for wrong in ({"name": "a/b"}, {"name": ".."}, {"id": "c"}, {"id": "/a/../b"}, {"id": "/a?b"}):
        with pytest.raises(pydantic.ValidationError):
            CollectionEntity.model_validate({**entity, **wrong})


def test_the_api_version_decides_whether_a_view_is_asked_for() -> None:
    shown = [view(each) for each in ("2021-10-31", "2021-11-01", "2021-11-01-preview", "2024-07-01")]
    assert shown == [{}, *([{"_expand": "instanceView"}] * 3)]
    assert region_key("North Central US") == "northcentralus"
