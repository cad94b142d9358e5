# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Azure documents that a new restore point cannot be, may lack or has to wait for stands in the plan."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    GOOD,
    azure_vm,
    checkpoint,
    collection,
    document,
    done,
    fail_next,
    failed,
    make_lab,
    point,
    points,
    restore,
)
from tests.support.lab import Lab, Result

checks = pytest.mark.parametrize("check", [True, False])
HOURLY = "within the last hour"
MOMENTS = "more than one data disk"
CACHED = "cached ReadWrite"


def _make_lab(of_vm: dict[str, Any], **switches: Any) -> Lab:
    compute = document(**of_vm)
    compute["collections"][0]["points"] = []
    return make_lab(compute, **switches)


def _warned(result: Result, text: str) -> bool:
    return any(text in each for each in done(result)["warnings"])


# Three an hour --------------------------------------------------------------------------------------------------------


@checks
@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point", "safety"])
def test_the_fourth_point_of_an_hour(module: str, check: bool) -> None:
    """Check mode tells when the next one is possible; a task waits for it within its deadline, so it is no refusal."""
    lab = make_lab(compute_point_takes="60s")
    for name in ("a", "b", "c"):
        assert not _warned(checkpoint(lab, name=name), HOURLY)
    first = next(each for each in points(lab) if each.name == "a")
    options: dict[str, Any] = {"check": check, "wait_timeout": "2h"}
    if module == "safety":
        result = restore(lab, safety_checkpoint=True, **options)
    else:
        result = (checkpoint if module == "vm_checkpoint" else point)(lab, name="d", **options)
    (warning,) = [text for text in done(result)["warnings"] if HOURLY in text]
    assert "3 restore points" in warning
    assert "wait_timeout" in warning
    moment = warning.partition("possible at ")[2].partition(".")[0]
    assert moment.endswith("Z")
    if not check:
        made = points(lab)[-1]
        assert made.created >= first.created + 3600
    assert not _warned(restore(lab, check=True), HOURLY)
    assert not _warned(checkpoint(lab, check=True, name="a"), HOURLY)


@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
def test_failed_points_and_only_young_ones_count(module: str) -> None:
    lab = make_lab()
    run = checkpoint if module == "vm_checkpoint" else point
    fail_next(lab, "point", "a")
    run(lab, name="a")
    done(run(lab, name="b"))
    assert not _warned(run(lab, check=True, name="d"), HOURLY)
    done(run(lab, name="c"))
    assert _warned(run(lab, check=True, name="d"), HOURLY)
    lab.advance(3600)
    assert not _warned(run(lab, check=True, name="d"), HOURLY)


def test_each_consistency_counts_for_itself() -> None:
    lab = make_lab()
    for name in ("a", "b", "c"):
        done(point(lab, name=name, consistency="crash"))
    assert _warned(point(lab, check=True, name="d", consistency="crash"), HOURLY)
    assert not _warned(point(lab, check=True, name="d"), HOURLY)
    assert not _warned(checkpoint(lab, check=True, name="d"), HOURLY)
    assert not _warned(point(lab, name="d"), HOURLY)


def test_of_a_vm_that_is_off_all_are_crash_consistent() -> None:
    lab = make_lab()
    azure_vm(lab).power = "deallocated"
    for name in ("a", "b", "c"):
        done(checkpoint(lab, name=name))
    assert _warned(checkpoint(lab, check=True, name="d"), HOURLY)


def test_copies_do_not_count() -> None:
    """Their time is that of their source."""
    lab = make_lab()
    home = lab.world.azure.resource_id("restorePointCollections", "checkpoints-shop01")
    done(collection(lab, name="copies", source=home, location="northeurope"))
    for name in ("a", "b", "c"):
        done(point(lab, name=name))
        done(point(lab, name=name, collection="copies", source_restore_point=name))
    lab.advance(3600)
    done(point(lab, name="d"))
    assert not _warned(
        point(lab, check=True, name="d", collection="copies", source_restore_point="d"),
        HOURLY,
    )


# Crash consistency ----------------------------------------------------------------------------------------------------

TWO = {"data_disks": [{"lun": 0, "files": GOOD["0"]}, {"lun": 1}], "os_disk": {"caching": "ReadOnly"}}


@checks
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("Standard_D4s_v6", True),
        ("Standard_E4-2ads_v7", True),
        ("Standard_F4als_v7", True),
        ("standard_d4ds_V7", True),
        ("Standard_D4as_v6", False),
        ("Standard_D4ps_v6", False),
        ("Standard_D4s_v5", False),
        ("Standard_NC24ads_A100_v4", False),
        ("Standard_DS2_v2", False),
        ("Standard_A1", False),
    ],
)
def test_data_disks_of_different_moments(size: str, expected: bool, check: bool) -> None:
    lab = _make_lab({"size": size, **TWO})
    assert _warned(point(lab, check=check, name="a", consistency="crash"), MOMENTS) is expected
    assert not _warned(point(lab, check=check, name="b"), MOMENTS)
    assert not _warned(point(lab, check=check, name="c", consistency="crash", exclude_disks=["1"]), MOMENTS)
    assert not _warned(checkpoint(lab, check=check, name="d"), MOMENTS)


@checks
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("Standard_D2_v3", True),
        ("Standard_A2m_v2", True),
        ("Standard_D2s_v5", False),
        ("Standard_DS2_v2", False),
        ("Standard_B2ms", False),
        ("Standard_M64", False),
    ],
)
def test_crash_consistency_needs_a_size_with_premium_storage(size: str, expected: bool, check: bool) -> None:
    lab = _make_lab({"size": size})
    assert _warned(point(lab, check=check, name="a", consistency="crash"), "Premium Storage") is expected
    assert not _warned(point(lab, check=check, name="b"), "Premium Storage")
    assert not _warned(checkpoint(lab, check=check, name="c"), "Premium Storage")


@checks
def test_a_cache_that_the_host_has_not_written(check: bool) -> None:
    lab = _make_lab({"os_disk": {"caching": "ReadWrite"}, "data_disks": [{"lun": 0, "caching": "readwrite"}]})
    assert _warned(point(lab, check=check, name="a", consistency="crash"), f"os, lun0 are {CACHED}")
    assert _warned(point(lab, check=check, name="b", consistency="crash", exclude_disks=["0"]), f"os is {CACHED}")
    assert not _warned(point(lab, check=check, name="c"), CACHED)
    assert not _warned(checkpoint(lab, check=check, name="d"), CACHED)


@checks
def test_without_an_agent_a_checkpoint_is_crash_consistent_too(check: bool) -> None:
    switches = {"compute_no_agent": "downgrades", "compute_hourly_limit": "off"}
    lab = _make_lab({"size": "Standard_D4s_v6", **TWO, "agent": "Not Ready"}, **switches)
    for module in (checkpoint, point):
        assert _warned(module(lab, check=check, name=f"a-{module.__name__}"), MOMENTS)
    azure_vm(lab).power = "deallocated"  # then nothing is written meanwhile
    for module in (checkpoint, point):
        assert not _warned(module(lab, check=check, name=f"b-{module.__name__}"), MOMENTS)


@checks
@pytest.mark.parametrize("disk", [{"sku": "PremiumV2_LRS"}, {"sku": "UltraSSD_LRS"}, {"write_accelerator": True}])
def test_what_helps_where_a_disk_takes_no_crash_consistency(disk: dict[str, Any], check: bool) -> None:
    lab = _make_lab({"data_disks": [{"lun": 0, "files": GOOD["0"], **disk}]})
    running = failed(point(lab, check=check, consistency="crash"), "vm_state")
    assert "Set consistency: application, or leave the disk out with exclude_disks." in running
    assert "tart the VM" not in running
    assert "that does not run" not in running
    azure_vm(lab).power = "deallocated"
    off = failed(point(lab, check=check, consistency="crash"), "vm_state")
    assert "Start the VM and set consistency: application, or leave the disk out with exclude_disks." in off
    off = failed(point(lab, check=check), "vm_state")
    assert "Start the VM, or leave the disk out with exclude_disks." in off
    off = failed(checkpoint(lab, check=check, name="x"), "vm_state")
    assert "Start the VM, or make it with restore_point, exclude_disks." in off
    assert lab.sent() == []
    assert done(point(lab, check=check, consistency="crash", exclude_disks=["0"]))["changed"] is True
    azure_vm(lab).power = "running"
    assert done(point(lab, check=check, name="app"))["changed"] is True


# Confidential VMs -----------------------------------------------------------------------------------------------------

CONFIDENTIAL = {"properties": {"securityProfile": {"securityType": "ConfidentialVM"}}}


@checks
@pytest.mark.parametrize("security", ["ConfidentialVM", "confidentialvm"])
def test_a_confidential_vm(security: str, check: bool) -> None:
    lab = _make_lab({"properties": {"securityProfile": {"securityType": security}}})
    for result in (
        checkpoint(lab, check=check, name="x"),
        point(lab, check=check),
        point(lab, check=check, consistency="crash"),
    ):
        assert "confidential VM" in failed(result, "vm_state")
        assert result["error"]["remedy"]
    assert lab.sent() == []


def test_a_confidential_vm_where_points_are_in_preview() -> None:
    """Support matrix: application consistency, sizes of v6, two regions."""
    lab = make_lab(point=False)
    done(collection(lab, source=lab.azure_vm))
    vm = azure_vm(lab)
    vm.properties["securityProfile"] = {"securityType": "ConfidentialVM"}
    vm.size, vm.location = "Standard_DC4es_v6", "Korea Central"
    assert _warned(point(lab, check=True), "preview")
    crash = failed(point(lab, check=True, consistency="crash"), "vm_state")
    assert "Set consistency: application." in crash
    vm.power = "deallocated"
    assert "Start the VM." in failed(checkpoint(lab, check=True, name="x"), "vm_state")
    vm.power, vm.size = "running", "Standard_DC4es_v5"
    assert "from within the guest" in failed(point(lab, check=True), "vm_state")
