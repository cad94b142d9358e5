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
    (found,) = obstacles(vm, disks, ())
    assert said in found.why
    assert "create" in found.verbs
    assert found.remedy
    # Not in the point, not in the way.
    assert obstacles(vm, disks, (), disks_in=[]) == ()


@pytest.mark.parametrize(
    ("vm", "disks"),
    [
        (_vm(), {}),
        (_vm(managedDisk=None), {}),
        (_vm(diffDiskSettings={}), _disks(properties={"maxShares": 1})),
        (_vm(writeAcceleratorEnabled=True), _disks(sku={"name": "UltraSSD_LRS"})),
        (_vm("deallocated"), _disks(sku={"name": "Premium_LRS"})),
        (_vm("deallocated"), _disks(sku={})),
        (_vm("deallocated", vhd={"uri": "x"}), _disks()),
    ],
)
def test_a_disk_that_can(vm: VmEntity, disks: dict[str, DiskEntity]) -> None:
    assert obstacles(vm, disks, ()) == ()


@pytest.mark.parametrize("sku", ["UltraSSD_LRS", "ultrassd_lrs"])
def test_crash_consistency_of_a_vm_that_runs(sku: str) -> None:
    assert obstacles(_vm(), _disks(sku={"name": sku}), ()) == ()
    assert len(obstacles(_vm(), _disks(sku={"name": sku}), (), crash=True)) == 1


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
    assert obstacles(_vm(), {}, [_lock(level)]) == (found,)


@pytest.mark.parametrize("level", ["NotSpecified", "", None, 7])
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
    assert _verbs("NotSpecified", scope) == set()


def test_a_lock_on_the_group_of_the_collection_alone() -> None:
    away = HOME.replace("/rg/", "/rg-points/")
    assert _verbs("ReadOnly", f"{SUBSCRIPTION}/resourceGroups/rg-points", home=away) == OF_HOME - {
        f"delete {POINT.lower()}"
    }
    assert _verbs("CanNotDelete", GROUP, home=away, point=False) == GOING
