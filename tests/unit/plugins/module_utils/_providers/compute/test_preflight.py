# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the way of a restore point: each disk and each lock, with the verbs it forbids."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.cautions import cautions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.preflight import (
    encrypted_slots,
    obstacles,
    of_locks,
    of_locks_on,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    ID,
    POINT,
    SUBSCRIPTION,
    detail,
    disk,
)

HOME = POINT.rpartition("/restorePoints/")[0].lower()
GROUP = f"{SUBSCRIPTION}/resourceGroups/rg"
DISK = f"{GROUP}/providers/Microsoft.Compute/disks/d"


def _vm(power: str = "running", *, os: bool = False, **disk: Any) -> VmEntity:
    held = {"name": "d", "managedDisk": {"id": DISK}, **disk}
    profile: dict[str, Any] = {"osDisk": held} if os else {"dataDisks": [{"lun": 3, **held}]}
    view = {"statuses": [{"code": f"PowerState/{power}"}]}
    properties = {"storageProfile": profile, "instanceView": view}
    return VmEntity.model_validate({"id": f"{GROUP}/vms/v", "name": "v", "location": "l", "properties": properties})


def _statuses(*codes: str) -> VmEntity:
    view = {"statuses": [{"code": code} for code in (*codes, None)]}
    document = {"id": ID, "name": "v", "location": "l", "properties": {"instanceView": view}}
    return VmEntity.model_validate(document)


def _disks(**members: Any) -> dict[str, DiskEntity]:
    document = {"id": DISK, "name": "d", "location": "l", "properties": {}, **members}
    return {DISK.lower(): DiskEntity.model_validate(document)}


@pytest.mark.parametrize(
    ("vm", "disks", "said"),
    [
        (_vm(managedDisk=None, vhd={"uri": "x"}), {}, "data disk at LUN 3 (d) is unmanaged"),
        (_vm(os=True, diffDiskSettings={"option": "Local"}), {}, "OS disk (d) is ephemeral"),
        (_vm(), _disks(properties={"maxShares": 2}), "data disk at LUN 3 (d) is a shared disk"),
        (_vm("deallocated"), _disks(sku={"name": "UltraSSD_LRS"}), "(d) is Ultra; a crash-consistent point"),
        (_vm("stopped"), _disks(sku={"name": "PremiumV2_LRS"}), "(d) is Premium SSD v2"),
        (
            _vm("deallocated", managedDisk={"id": DISK, "storageAccountType": "UltraSSD_LRS"}),
            {},
            "(d) is Ultra; a crash-consistent point",
        ),
        (_vm("deallocated", writeAcceleratorEnabled=True), _disks(), "(d) is write-accelerated"),
    ],
)
def test_a_disk_that_cannot_be_captured(vm: VmEntity, disks: dict[str, DiskEntity], said: str) -> None:
    found, *_for_restores = obstacles(vm, disks)
    assert said in found.why
    assert "create" in found.verbs
    assert found.remedy
    # Not in the point, not in the way.
    assert obstacles(vm, disks, disks_in=[]) == ()


@pytest.mark.parametrize(
    ("vm", "disks"),
    [
        (_vm(), {}),
        (_vm(managedDisk=None), {}),
        (_vm(diffDiskSettings={"placement": "CacheDisk"}), {}),
        (_vm(diffDiskSettings={}), _disks(properties={"maxShares": 1})),
        (_vm(writeAcceleratorEnabled=True), _disks(sku={"name": "UltraSSD_LRS"})),
        (_vm("deallocated"), _disks(sku={"name": "Premium_LRS"})),
        (_vm("deallocated"), _disks(sku={})),
        (_vm("deallocated", vhd={"uri": "x"}), _disks()),
    ],
)
def test_a_disk_that_can(vm: VmEntity, disks: dict[str, DiskEntity]) -> None:
    assert obstacles(vm, disks) == ()


@pytest.mark.parametrize("sku", ["UltraSSD_LRS", "ultrassd_lrs"])
def test_crash_consistency_of_a_vm_that_runs(sku: str) -> None:
    assert obstacles(_vm(), _disks(sku={"name": sku})) == ()
    assert len(obstacles(_vm(), _disks(sku={"name": sku}), crash=True)) == 1


def _lock(level: Any, scope: str = GROUP) -> dict[str, Any]:
    return {
        "id": f"{scope}/providers/Microsoft.Authorization/locks/keep",
        "name": "keep",
        "properties": {"level": level},
    }


@pytest.mark.parametrize(
    ("level", "forbidden"),
    [
        ("ReadOnly", {"create", "update", "delete", "step", "power"}),
        ("CanNotDelete", {"delete"}),
        ("cannotdelete", {"delete"}),
    ],
)
def test_locks(level: str, forbidden: set[str]) -> None:
    (found,) = of_locks([_lock(level)])
    assert set(found.verbs) == forbidden
    assert '"keep" on rg' in found.why
    assert found.remedy


@pytest.mark.parametrize("level", ["NotSpecified", "ReadOnlyInPart", "", None, 7])
def test_a_lock_that_forbids_nothing(level: Any) -> None:
    assert list(of_locks([_lock(level)])) == []


def test_a_lock_without_its_parts() -> None:
    assert list(of_locks([{"properties": None}, {}])) == []
    (found,) = of_locks([{"properties": {"level": "ReadOnly"}}])
    assert "its scope" in found.why


@pytest.mark.parametrize(
    ("power", "agent", "said"),
    [
        ("running", {"statuses": [{"displayStatus": "Ready"}]}, ""),
        ("running", {"statuses": [{}, {"displayStatus": "ready"}]}, ""),
        ("running", {"statuses": [{"displayStatus": "Not Ready"}]}, 'its agent is shown as "Not Ready"'),
        ("running", {"statuses": None}, "its agent is not shown"),
        ("running", None, "its agent is not shown"),
        ("deallocated", None, "it is off"),
        ("stopped", {"statuses": [{"displayStatus": "Ready"}]}, "it is off"),
        ("starting", None, ""),
    ],
)
def test_how_consistent_a_new_point_can_be(power: str, agent: dict[str, Any] | None, said: str) -> None:
    vm = _vm(power)
    view = {"statuses": [{"code": f"PowerState/{power}"}], "vmAgent": agent}
    shown = vm.model_dump() | {"properties": {"instanceView": view}}
    warnings = cautions(VmEntity.model_validate(shown), [], datetime(2026, 11, 20, tzinfo=UTC))
    assert [verb for verb, _text in warnings] == (["create"] if said else [])
    assert all(said in text for _verb, text in warnings)


def _verbs(level: str, scope: str, *, point: bool = True, home: str = HOME) -> set[str]:
    made = disk("v-os-r", run="r", replaces="rg/before")
    of = detail(
        disk("o"), disk("d"), disk("before"), disk("other"), made, attached={"os": "o", "lun0": "d"}, point=point
    )
    return {verb for found in of_locks_on(of, home, [_lock(level, scope)]) for verb in found.verbs}


DISKS = f"{GROUP}/providers/Microsoft.Compute/disks"
OF_VM = {"power", "change_vm"}
OF_HOME = {"make_collection", "create", "update", "delete", f"delete {POINT.lower()}"}
GOING = {f"delete_disk rg/{name}" for name in ("o", "d", "before", "v-os-r")}
TAGGED = {f"tag_disk {name}" for name in ("o", "d", "before", "v-os-r")}


@pytest.mark.parametrize(
    ("scope", "read_only", "not_deleted"),
    [
        (ID, OF_VM, set()),
        (ID.upper(), OF_VM, set()),
        (f"{ID}/extensions/x", set(), set()),
        (ID[:-1], set(), set()),
        (HOME, OF_HOME, {"delete", f"delete {POINT.lower()}"}),
        (POINT, {f"delete {POINT.lower()}"}, {f"delete {POINT.lower()}"}),
        (f"{DISKS}/d", {"delete_disk rg/d", "tag_disk d"}, {"delete_disk rg/d"}),
        (f"{DISKS}/before", {"delete_disk rg/before", "tag_disk before"}, {"delete_disk rg/before"}),
        (f"{DISKS}/other", set(), set()),
        (
            GROUP,
            OF_VM | OF_HOME | GOING | TAGGED | {"create_disk", "tag_disk"},
            {"delete", f"delete {POINT.lower()}"} | GOING,
        ),
    ],
)
def test_a_lock_by_what_it_lies_on(scope: str, read_only: set[str], not_deleted: set[str]) -> None:
    assert _verbs("ReadOnly", scope) == read_only
    assert _verbs("CanNotDelete", scope) == not_deleted
    assert _verbs("NotSpecified", scope) == _verbs("ReadOnlyInPart", scope) == set()


def test_a_lock_on_the_group_of_the_collection_alone() -> None:
    away = HOME.replace("/rg/", "/rg-points/")
    assert _verbs("ReadOnly", f"{SUBSCRIPTION}/resourceGroups/rg-points", home=away) == OF_HOME - {
        f"delete {POINT.lower()}"
    }
    assert _verbs("CanNotDelete", GROUP, home=away, point=False) == GOING


@pytest.mark.parametrize(
    ("power", "crash", "why", "remedy"),
    [
        ("running", True, " cannot hold it.", "Set consistency: application, or {exclude}."),
        (
            "deallocated",
            False,
            ", the only kind of a VM that does not run, cannot hold it.",
            "Start the VM, or {exclude}.",
        ),
        ("deallocated", True, " cannot hold it.", "Start the VM and set consistency: application, or {exclude}."),
    ],
)
def test_what_to_do_about_a_disk_that_no_crash_consistent_point_holds(
    power: str, crash: bool, why: str, remedy: str
) -> None:
    vm, disks = _vm(power), _disks(sku={"name": "PremiumV2_LRS"})
    (found,) = obstacles(vm, disks, crash=crash)
    assert found.why == f"its data disk at LUN 3 (d) is Premium SSD v2; a crash-consistent point{why}"
    assert found.verbs == ("create",)
    assert found.remedy == remedy.format(exclude="make it with restore_point, exclude_disks")
    (found,) = obstacles(vm, disks, disks_in=vm.disks, crash=crash)
    assert found.remedy == remedy.format(exclude="leave the disk out with exclude_disks")


def test_which_writes_a_disk_that_cannot_be_captured_forbids() -> None:
    (unmanaged,) = obstacles(_vm(managedDisk=None, vhd={"uri": "x"}), {})
    assert set(unmanaged.verbs) == {"create", "create_disk", "swap"}
    ephemeral = obstacles(_vm(os=True, diffDiskSettings={"option": "Local"}), {})
    assert [each.verbs for each in ephemeral] == [("create",), ("step",)]
    (shared,) = obstacles(_vm(), _disks(properties={"maxShares": 2}))
    assert (shared.verbs, shared.remedy) == (("create",), "Make it with restore_point, exclude_disks.")


def _confidential(size: str, location: str, power: str) -> VmEntity:
    shown = _vm(power).model_dump(exclude_none=True)
    members = {"securityProfile": {"securityType": "ConfidentialVM"}, "hardwareProfile": {"vmSize": size}}
    return VmEntity.model_validate(shown | {"location": location, "properties": shown["properties"] | members})


@pytest.mark.parametrize(
    ("power", "crash", "remedy"),
    [
        ("running", False, None),
        ("running", True, "Set consistency: application."),
        ("deallocated", False, "Start the VM."),
        ("deallocated", True, "Set consistency: application. Start the VM."),
    ],
)
def test_a_confidential_vm_of_the_preview(power: str, crash: bool, remedy: str | None) -> None:
    found = obstacles(_confidential("Standard_DC2es_v6", "uaenorth", power), {}, crash=crash)
    assert [each.remedy for each in found] == ([] if remedy is None else [remedy])
    assert all("only crash-consistent" in each.why and each.verbs == ("create",) for each in found)


@pytest.mark.parametrize("power", ["running", "deallocated"])
def test_any_other_confidential_vm_has_no_points(power: str) -> None:
    (found,) = obstacles(_confidential("Standard_DC2as_v5", "uaenorth", power), {})
    assert (found.verbs, found.remedy) == (("create",), "Save what it holds from within the guest.")


@pytest.mark.parametrize(
    ("on_vm", "on_disk"),
    [
        ({"encryptionSettings": {"enabled": True}}, {}),
        ({}, {"encryptionSettingsCollection": {"enabled": True}}),
    ],
)
def test_azure_disk_encryption_forbids_a_restore_in_place_alone(on_vm: Any, on_disk: Any) -> None:
    (found,) = obstacles(_vm(os=True, **on_vm), _disks(properties=on_disk))
    assert set(found.verbs) == {"create_disk", "swap"}
    assert "OSDiskSwapNotSupportedForVMsUsingDiskEncryption" in found.why
    assert found.why.endswith("it is enabled on os.")


@pytest.mark.parametrize("code", ["HibernationState/Hibernated", "hibernationstate/hibernated"])
def test_a_hibernated_vm_is_not_restored_in_place(code: str) -> None:
    (found,) = obstacles(_statuses("ProvisioningState/succeeded", "PowerState/deallocated", code), {})
    assert set(found.verbs) == {"create_disk", "swap"}
    assert "it is hibernated" in found.why
    assert found.remedy == "Start the VM, or deallocate it without hibernation."


@pytest.mark.parametrize("codes", [("PowerState/deallocated",), ("PowerState/running", "HibernationState/Resumed"), ()])
def test_any_other_vm_is(codes: tuple[str, ...]) -> None:
    assert obstacles(_statuses(*codes), {}) == ()


@pytest.mark.parametrize(("level", "what"), [("ReadOnly", "change"), ("CanNotDelete", "deletion")])
def test_what_a_lock_does_not_allow(level: str, what: str) -> None:
    (found,) = of_locks([_lock(level)])
    assert (found.why, found.remedy) == (
        f'the lock "keep" on rg allows no {what}.',
        "Have the lock removed for the time of the task.",
    )


@pytest.mark.parametrize(
    ("shown", "slots"),
    [
        ({"name": "d", "encryptionSettings": [{"enabled": True}]}, ["lun3"]),
        ({"name": "D", "encryptionSettings": [{"enabled": True}]}, ["lun3"]),
        ({"name": "d", "encryptionSettings": [{"enabled": False}]}, []),
        ({"name": "e", "encryptionSettings": [{"enabled": True}]}, []),
        ({"name": "d", "statuses": [{"code": "EncryptionState/encrypted"}]}, ["lun3"]),
        ({"name": "D", "statuses": [{"code": "x"}, {"code": "encryptionstate/Encrypted"}]}, ["lun3"]),
        ({"name": "d", "statuses": [{"code": "EncryptionState/notEncrypted"}, {"code": None}]}, []),
        ({"name": "e", "statuses": [{"code": "EncryptionState/encrypted"}]}, []),
        ({"name": None, "statuses": [{"code": "EncryptionState/encrypted"}]}, []),
    ],
)
def test_an_instance_view_may_show_the_encryption(shown: dict[str, Any], slots: list[str]) -> None:
    view = {"disks": [shown]}
    vm = VmEntity.model_validate(
        {
            "id": ID,
            "name": "v",
            "location": "l",
            "properties": _vm().model_dump()["properties"] | {"instanceView": view},
        }
    )
    assert encrypted_slots(vm, {}) == slots


@pytest.mark.parametrize("name", ["d", "D"])
def test_disks_are_known_by_their_names_in_any_case(name: str) -> None:
    shown = _vm(name=name).properties.model_dump()
    shown["instanceView"] = {"disks": [{"name": "d", "encryptionSettings": [{"enabled": True}]}]}
    vm = VmEntity.model_validate({"id": ID, "name": "v", "location": "l", "properties": shown})
    assert encrypted_slots(vm, {}) == ["lun3"]


def test_a_disk_without_a_name_is_not_looked_for_in_the_instance_view() -> None:
    assert encrypted_slots(_vm(name=None), {}) == []
