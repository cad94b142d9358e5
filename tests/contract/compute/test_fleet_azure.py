# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many VMs, three services in one task, and what there is in a whole scope of Azure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    DOCUMENT,
    HOME,
    QUICK,
    document,
    done,
    failed,
    guest,
    make_lab,
    names,
    spoil,
)
from tests.support.lab import Lab

SPF = {"vms": [{"name": "web01", "checkpoints": [{"name": "before", "days_old": 1}]}]}
ARC = {"vms": [{"name": "app01", "checkpoints": [{"name": "before", "days_old": 1}]}]}


def _mixed() -> Lab:
    return Lab({"spf": SPF, "scvmm": ARC, "compute": DOCUMENT}, **QUICK)


def test_one_task_for_three_services() -> None:
    lab = _mixed()
    vms = ["web01", lab.arm_vm, lab.azure_vm]
    result = done(lab.run("vm_checkpoint", vms=vms, name="new"))
    assert [(each["vm"], each["provider"], each["status"]) for each in result["vms"]] == [
        ("web01", "spf", "changed"),
        (lab.arm_vm, "scvmm", "changed"),
        (lab.azure_vm, "compute", "changed"),
    ]
    assert "new" in names(lab)
    assert done(lab.run("vm_checkpoint", vms=vms, name="new"))["changed"] is False
    shown = done(lab.run("vm_checkpoint_info", vms=vms, name="new"))
    assert [each["provider"] for each in shown["checkpoints"]] == ["spf", "scvmm", "compute"]
    assert len({frozenset(each) for each in shown["checkpoints"]}) == 1


def test_all_three_are_restored() -> None:
    lab = _mixed()
    spoil(lab)
    result = done(lab.run("vm_checkpoint_restore", vms=["web01", lab.arm_vm, lab.azure_vm], name="before"))
    assert {each["status"] for each in result["vms"]} == {"changed"}
    assert guest(lab)["os"] == {"/etc/shop.conf": "version = 1\n"}


def test_one_vm_twice_in_two_spellings() -> None:
    lab = make_lab()
    message = failed(lab.run("vm_checkpoint", vms=[lab.azure_vm, lab.azure_vm.upper()], name="x"), "invalid_input")
    assert lab.azure_vm in message
    assert lab.sent() == []


def test_many_azure_vms_at_once() -> None:
    compute = document()
    compute["vms"] += [{"name": f"node{n}", "os_disk": {}} for n in range(12)]
    lab = make_lab(compute)
    vms = [vm.id for vm in lab.world.azure.vms.values() if vm.name.startswith("node")]
    result = done(lab.run("vm_checkpoint", vms=vms, name="x", concurrency=6))
    assert {each["status"] for each in result["vms"]} == {"changed"}
    assert len(lab.world.azure.collections) == 13


def test_info_of_one_vm() -> None:
    lab = make_lab()
    lab.run("vm_checkpoint", vm=lab.azure_vm, name="later")
    result = done(lab.run("vm_checkpoint_info", vm=lab.azure_vm))
    assert [each["name"] for each in result["checkpoints"]] == ["before", "later"]
    first = result["checkpoints"][0]
    assert first["id"].endswith(f"/restorePointCollections/{HOME}/restorePoints/before")
    assert (first["provider"], first["usable"], first["managed"]) == ("compute", True, True)
    assert 86400 <= first["age_seconds"] < 86460
    assert result["vms"][0]["power"] == "on"
    assert result["vms"][0]["checkpoint_count"] == 2
    younger = done(lab.run("vm_checkpoint_info", vm=lab.azure_vm, younger_than="1h"))
    assert [each["name"] for each in younger["checkpoints"]] == ["later"]
    writes = lab.writes()
    done(lab.run("vm_checkpoint_info", vm=lab.azure_vm, check=True))
    assert lab.writes() == writes


def test_info_of_a_vm_without_points() -> None:
    lab = make_lab()
    result = done(lab.run("vm_checkpoint_info", vm=lab.world.azure.named("shop02").id))
    assert (result["checkpoints"], result["vms"][0]["checkpoint_count"]) == ([], 0)


@pytest.mark.parametrize("pages", [{}, {"compute_page_size": 1}, {"compute_page_size": 1, "compute_empty_page": True}])
@pytest.mark.parametrize("case", ["upper", "kept"])
def test_info_of_the_whole_scope(case: str, pages: dict[str, Any]) -> None:
    lab = make_lab(compute_list_all_case=case, **pages)
    result = done(lab.run("vm_checkpoint_info", scope="compute"))
    assert sorted(each["name"] for each in result["vms"]) == ["shop01", "shop02"]
    assert [each["name"] for each in result["checkpoints"]] == ["before"]
    assert lab.sent() == []


def test_info_of_a_resource_group() -> None:
    compute = document()
    compute["vms"].append({"name": "elsewhere", "resource_group": "rg-other", "os_disk": {}})
    lab = make_lab(compute)
    result = done(lab.run("vm_checkpoint_info", scope="compute", resource_group="rg-other"))
    assert [each["name"] for each in result["vms"]] == ["elsewhere"]
    assert len(done(lab.run("vm_checkpoint_info", scope="compute"))["vms"]) == 3


def test_info_of_a_scope_needs_the_subscription() -> None:
    lab = make_lab()
    assert "subscription_id" in failed(
        lab.run("vm_checkpoint_info", scope="compute", subscription_id=None), "invalid_input"
    )


def test_a_vm_that_is_not_there() -> None:
    lab = make_lab()
    gone = lab.azure_vm.replace("shop01", "shop99")
    message = failed(lab.run("vm_checkpoint", vm=gone, name="x"), "not_found")
    assert "shop99" in message
    assert lab.sent() == []


@pytest.mark.parametrize("offset", ["+00:00", "-07:00", "+05:30"])
def test_times_with_offsets(offset: str) -> None:
    lab = make_lab(compute_time_offset=offset)
    result = done(lab.run("vm_checkpoint_info", vm=lab.azure_vm))
    assert result["checkpoints"][0]["created"] == "2026-11-19T11:30:00Z"


def test_the_name_of_a_vm_is_no_reference_to_azure() -> None:
    """Only an ARM id says Azure; a bare name is SPF's."""
    lab = _mixed()
    failed(lab.run("vm_checkpoint", vm="shop01", name="x"), "not_found")


@pytest.mark.parametrize(
    ("module", "options"),
    [
        ("vm_checkpoint", {"name": "a name that Azure does not take"}),
        ("vm_checkpoint_restore", {"name": "before", "restore_key": "job-1"}),  # SPF needs safety_checkpoint with it
    ],
)
def test_what_cannot_be_meant_for_one_vm_stops_the_task_before_anything_is_sent(
    module: str, options: dict[str, Any]
) -> None:
    lab = _mixed()
    failed(lab.run(module, vms=["web01", lab.arm_vm, lab.azure_vm], **options), "invalid_input")
    assert lab.sent() == []
