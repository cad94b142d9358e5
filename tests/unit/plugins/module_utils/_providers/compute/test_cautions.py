# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a new restore point may lack or wait for, by what was read of the VM and its points."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Forbidden
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.cautions import (
    cautions,
    hourly,
    less_consistent,
    next_slot,
    of_new_point,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import PointEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.sizes import (
    confidential_points,
    lacks_premium_storage,
    snapshots_disks_apart,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import ID, POINT

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
CRASH, APPLICATION = "CrashConsistent", "ApplicationConsistent"


def _vm(power: str = "running", size: str = "Standard_D4s_v6", location: str = "l", **properties: Any) -> VmEntity:
    view = {
        "statuses": [{"code": f"PowerState/{power}"}],
        "vmAgent": {"statuses": [{"displayStatus": "Ready"}]},
    }
    data = [{"lun": lun, "caching": "ReadWrite" if lun else "None"} for lun in (0, 1)]
    members = {
        "hardwareProfile": {"vmSize": size},
        "storageProfile": {"osDisk": {"caching": "ReadOnly"}, "dataDisks": data},
        "instanceView": view,
        **properties,
    }
    return VmEntity.model_validate({"id": ID, "name": "v", "location": location, "properties": members})


def _point(minutes: float | None, mode: str | None = APPLICATION, **properties: Any) -> PointEntity:
    created = None if minutes is None else (NOW - timedelta(minutes=minutes)).isoformat()
    members = {"timeCreated": created, "consistencyMode": mode, **properties}
    return PointEntity.model_validate({"id": POINT, "name": "p", "properties": members})


@pytest.mark.parametrize(
    ("points", "power", "crash", "until"),
    [
        ([_point(50), _point(20), _point(10)], "running", False, "12:10"),
        ([_point(59), _point(50), _point(20), _point(10)], "running", False, "12:10"),
        ([_point(50), _point(20), _point(10, None, provisioningState="Failed")], "running", False, "12:10"),
        ([_point(50), _point(20), _point(10, "FileSystemConsistent")], "running", False, "12:10"),
        ([_point(60), _point(20), _point(10)], "running", False, None),
        ([_point(50), _point(None), _point(10)], "running", False, None),
        ([_point(50), _point(20, CRASH), _point(10)], "running", False, None),
        ([_point(50), _point(20, CRASH), _point(10)], "deallocated", False, "12:10"),
        ([_point(50, CRASH), _point(20, CRASH), _point(10, "crashconsistent")], "running", True, "12:10"),
        ([_point(50), _point(20, CRASH), _point(10, CRASH)], "running", True, None),
        ([_point(50), _point(20), _point(10, sourceRestorePoint={"id": "/x"})], "running", False, None),
        ([_point(50), _point(20), _point(-2)], "running", False, "12:10"),
    ],
)
def test_the_next_one_within_an_hour(points: list[PointEntity], power: str, crash: bool, until: str | None) -> None:
    warning = hourly(_vm(power), points, NOW, crash=crash)
    assert (f"possible at 2026-11-20T{until}:00Z" in warning) if until else warning == ""


@pytest.mark.parametrize(
    ("size", "apart"),
    [
        ("Standard_D2s_v6", True),
        ("Standard_E2bds_v6", True),
        ("Standard_FX2mds_v7", True),
        ("Standard_D2lds_v7", True),
        ("Standard_DC2es_v6", True),
        ("Standard_D2ads_v7", True),
        ("Standard_D2as_v6", False),
        ("Standard_D2pds_v6", False),
        ("Standard_D2s_v5", False),
        ("Standard_M416ms_8_v2", False),
        ("Basic_A1", False),
        ("", False),
    ],
)
def test_sizes_on_azure_boost(size: str, apart: bool) -> None:
    assert snapshots_disks_apart(size) is apart


def test_crash_consistency_that_cannot_be_guaranteed() -> None:
    vm = _vm()
    moments, cached = of_new_point(vm, vm.disks, crash=True)
    assert moments == (
        "its size Standard_D4s_v6 runs on Azure Boost and it has more than one data disk: a crash-consistent point may "
        "hold them of different moments. An application-consistent point is not concerned."
    )
    assert cached == (
        "lun1 is cached ReadWrite: a crash-consistent point may lack what the host has not written yet. "
        "An application-consistent point is not concerned."
    )
    assert of_new_point(vm, vm.disks[:2], crash=True) == []
    assert of_new_point(vm, vm.disks, crash=False) == []
    assert of_new_point(_vm("deallocated"), vm.disks, crash=True) == []
    assert len(of_new_point(_vm("starting"), vm.disks, crash=True)) == 2
    without_agent = _vm(instanceView={"statuses": [{"code": "PowerState/running"}]})
    assert less_consistent(without_agent)
    assert len(of_new_point(without_agent, vm.disks, crash=False)) == 2
    assert of_new_point(_vm("deallocated"), vm.disks, crash=False) == []


@pytest.mark.parametrize(
    ("size", "location", "possible"),
    [
        ("Standard_DC2es_v6", "UAE North", True),
        ("Standard_EC2as_v6", "koreacentral", True),
        ("Standard_DC2as_v5", "koreacentral", False),
        ("Standard_DC2es_v6", "westeurope", False),
        ("Standard_DC2es_v7", "koreacentral", False),
        ("Basic_A6", "koreacentral", False),
    ],
)
def test_where_confidential_vms_can_have_points(size: str, location: str, possible: bool) -> None:
    vm = _vm(size=size, location=location, securityProfile={"securityType": "ConfidentialVM"})
    assert vm.confidential
    assert confidential_points(vm) is possible
    assert bool(of_new_point(vm, vm.disks, crash=False)) is possible
    assert not _vm(securityProfile={"securityType": "TrustedLaunch"}).confidential
    assert not _vm(securityProfile=None).confidential


@pytest.mark.parametrize(
    ("metadata", "known"),
    [
        ({"storageProfile": {"osDisk": {"osType": "Windows"}}}, "windows"),
        ({"storageProfile": {"dataDisks": []}, "osProfile": {"windowsConfiguration": {}}}, "windows"),
        ({"osProfile": {"linuxConfiguration": {}}}, "linux"),
        ({"osProfile": {}}, ""),
        (None, ""),
    ],
)
def test_the_system_of_a_point(metadata: dict[str, Any] | None, known: str) -> None:
    assert _point(1, sourceMetadata=metadata).os_type == known


@pytest.mark.parametrize(
    ("size", "lacks"),
    [
        ("Standard_D2_v3", True),
        ("Standard_D2s_v3", False),
        ("STANDARD_D2_V3", True),
        ("STANDARD_D2S_V3", False),
        ("Standard_A2m_v2", True),
        ("Standard_B2ts_v2", False),
        ("Standard_E2_v5", True),
        ("Standard_F2_v2", True),
        ("Standard_F2as_v6", False),
        ("Standard_DS2_v2", False),
        ("Standard_NV12_v3", False),  # in other families the name does not say it
        ("Standard_M32_v2", False),
        ("Standard_X2_v3", False),
        ("Basic_A1", False),
        ("", False),
    ],
)
def test_sizes_without_premium_storage(size: str, lacks: bool) -> None:
    assert lacks_premium_storage(size) is lacks
    vm = _vm("running", size=size)
    said = [text for text in of_new_point(vm, [], crash=True) if "Premium Storage" in text]
    assert said == (
        [f"its size {size} is without Premium Storage, which a crash-consistent point needs."] if lacks else []
    )
    assert not [text for text in of_new_point(vm, [], crash=False) if "Premium Storage" in text]


def test_one_data_disk_is_of_one_moment() -> None:
    vm = _vm()
    assert [text for text in of_new_point(vm, vm.disks[:2], crash=True) if "Azure Boost" in text] == []


def test_several_cached_disks_are_named_together() -> None:
    vm = _vm(size="Standard_D4s_v5", storageProfile={"dataDisks": [{"lun": n, "caching": "ReadWrite"} for n in (0, 1)]})
    (text,) = of_new_point(vm, vm.disks, crash=True)
    assert text == (
        "lun0, lun1 are cached ReadWrite: a crash-consistent point may lack what the host has not written yet. "
        "An application-consistent point is not concerned."
    )


@pytest.mark.parametrize("caching", ["ReadWriteThrough", "None", None])
def test_a_disk_that_is_cached_in_no_such_way(caching: Any) -> None:
    vm = _vm(size="Standard_D4s_v5", storageProfile={"dataDisks": [{"lun": 0, "caching": caching}]})
    assert of_new_point(vm, vm.disks, crash=True) == []


def test_the_warnings_of_a_new_checkpoint() -> None:
    off = _vm("deallocated", size="Standard_D4s_v5")
    assert cautions(off, [], NOW) == (("create", "it is off, so its restore point is only crash-consistent."),)
    hidden = Forbidden("no right to list disks.")
    on = _vm(size="Standard_D4s_v5")
    assert cautions(on, [], NOW, hidden) == (
        ("create", "its disks may not be listed, so their kinds were not checked: no right to list disks."),
    )
    assert cautions(on, [_point(50), _point(20), _point(10)], NOW) == (
        (
            "create",
            "3 restore points of it were made within the last hour, failed ones and safety checkpoints included, and "
            "Azure allows 3: the next one is possible at 2026-11-20T12:10:00Z. "
            "Until then it may be refused (429), which the task waits for within wait_timeout.",
        ),
    )


def test_a_preview_is_named() -> None:
    vm = _vm(size="Standard_DC2es_v6", location="UAE North", securityProfile={"securityType": "confidentialvm"})
    preview = "restore points of confidential VMs are a preview of Azure's."
    assert of_new_point(vm, [], crash=False) == [preview]
    assert cautions(vm, [], NOW) == (("create", preview),)
    other = _vm(size="Standard_DC2es_v6", location="UAE North")
    assert of_new_point(other, [], crash=False) == []


def test_when_the_next_create_is_possible() -> None:
    points = [_point(50), _point(20), _point(10)]
    assert next_slot(_vm(), points, NOW) == NOW + timedelta(minutes=10)
    assert next_slot(_vm(), points[1:], NOW) is None
    assert next_slot(_vm(), [_point(60), *points[1:]], NOW) is None
    assert next_slot(_vm(), [_point(-5), *points[1:]], NOW) == NOW + timedelta(minutes=40)
    assert next_slot(_vm(), [_point(-6), *points[1:]], NOW) is None  # its clock or the service's is wrong


def test_a_size_is_read_in_any_case() -> None:
    assert snapshots_disks_apart("STANDARD_D4S_V6") is snapshots_disks_apart("Standard_D4s_v6") is True
    assert snapshots_disks_apart("STANDARD_D4PS_V6") is snapshots_disks_apart("Standard_D4ps_v6") is False
    assert snapshots_disks_apart("STANDARD_D4AS_V6") is snapshots_disks_apart("Standard_D4as_v6") is False
    assert lacks_premium_storage("STANDARD_D4_V3") is lacks_premium_storage("Standard_D4_v3") is True
    assert not lacks_premium_storage("STANDARD_DS4_V3")
