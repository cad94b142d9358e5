# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""vm_checkpoint_info with leftovers: what restores and failed creates have left, and why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.contract.compute.azure_harness import (
    azure_vm,
    checkpoint,
    done,
    fail_next,
    failed,
    killed,
    make_lab,
    restore,
)
from tests.support.lab import Lab, Result

OLD = ["shop01_DataDisk_0", "shop01_OsDisk"]


def info(lab: Lab, **options: Any) -> Result:
    """vm_checkpoint_info of shop01, with leftovers."""
    sent = len(lab.sent())
    result = lab.run("vm_checkpoint_info", **{"vm": lab.azure_vm, "leftovers": True, **options})
    assert len(lab.sent()) == sent
    return result


def left(lab: Lab) -> dict[str, dict[str, Any]]:
    """The leftovers of shop01 by name."""
    return {each["name"]: each for each in done(info(lab))["leftovers"]}


def _run(lab: Lab) -> str:
    (run,) = {disk.tags.get("hybridvm-restore-run", "") for disk in lab.world.azure.disks.values()} - {""}
    return run


def test_nothing_is_left_where_nothing_was_done() -> None:
    lab = make_lab()
    assert left(lab) == {}
    assert "leftovers" not in done(lab.run("vm_checkpoint_info", vm=lab.azure_vm))


def test_the_disks_that_a_restore_replaced_and_kept() -> None:
    lab = make_lab()
    done(restore(lab))
    found, run = left(lab), _run(lab)
    assert sorted(found) == OLD
    disk = found["shop01_DataDisk_0"]
    assert disk.pop("id") == lab.world.azure.resource_id("disks", "shop01_DataDisk_0")
    assert disk == {
        "vm": lab.azure_vm,
        "vm_id": lab.azure_vm,
        "provider": "compute",
        "kind": "disk",
        "name": "shop01_DataDisk_0",
        "reason": f"replaced by shop01-lun0-{run} in the restore {run} to checkpoints-shop01/before",
        "created": disk["created"],
        "size_gb": 64,
        "removable": True,
    }
    assert disk["created"]
    assert done(info(lab, name="nothing"))["leftovers"] == done(info(lab))["leftovers"]
    assert {each["name"] for each in done(info(lab, vm=None, scope="compute"))["leftovers"]} == set(OLD)


def test_a_second_restore_leaves_those_of_the_first() -> None:
    lab = make_lab()
    done(restore(lab))
    first = _run(lab)
    done(restore(lab))
    found = left(lab)
    assert sorted(found) == sorted([*OLD, f"shop01-lun0-{first}", f"shop01-os-{first}"])
    assert all("replaced by" in each["reason"] and each["removable"] for each in found.values())


def test_disks_of_a_restore_that_was_interrupted_before_the_vm_was_touched() -> None:
    lab = make_lab()
    killed(lab, 3, "watch")
    found, run = left(lab), _run(lab)
    assert sorted(found) == [f"shop01-lun0-{run}", f"shop01-os-{run}"]
    for each in found.values():
        assert each["reason"] == f"made by the restore {run} to checkpoints-shop01/before, which was interrupted"
        assert each["removable"] is True


@pytest.mark.parametrize("number", [4, 5, 6, 7, 8])
def test_disks_that_an_unfinished_restore_may_need_are_not_removable(number: int) -> None:
    """From the moment the VM's disks begin to change until the run is marked as done."""
    lab = make_lab()
    killed(lab, number, "heard" if number < 8 else "watch")
    found = left(lab)
    assert found
    assert {each["removable"] for each in found.values()} == {False}
    assert all("that restore is not finished and may still need it" in each["reason"] for each in found.values())
    done(restore(lab))
    assert {each["removable"] for each in left(lab).values()} == {True}


def test_a_restore_that_was_put_back_leaves_its_new_disks() -> None:
    lab = make_lab()
    fail_next(lab, "vm", None, "AllocationFailed")
    result = restore(lab)
    assert code(result) is not None
    found = left(lab)
    assert sorted(name.rsplit("-", 1)[0] for name in found) == ["shop01-lun0", "shop01-os"]
    assert {each["removable"] for each in found.values()} == {True}


def test_a_run_that_leads_nowhere() -> None:
    lab = make_lab()
    killed(lab, 3, "watch")
    done(checkpoint(lab, name="before", state="absent"))
    reasons = [each["reason"] for each in left(lab).values()]
    assert all("leads nowhere: its restore point is gone" in reason for reason in reasons), reasons
    done(checkpoint(lab, name="other"))
    run = _run(lab)
    done(restore(lab, name="other"))
    given_up = left(lab)[f"shop01-os-{run}"]
    assert given_up["reason"].endswith("which was given up")
    assert given_up["removable"] is True


def test_a_disk_that_only_a_forged_tag_names() -> None:
    """Of a stranger's disk nothing is said; one that a tag of ours names, and no point knows, is not removable."""
    lab = make_lab()
    done(restore(lab))
    run = _run(lab)
    azure = lab.world.azure
    new = next(disk for disk in azure.disks.values() if disk.name == f"shop01-lun0-{run}")
    stranger = next(disk for disk in azure.disks.values() if disk.name == "shop02_OsDisk")
    stranger.owners.clear()
    azure_vm(lab, "shop02").os_disk.disk = "/none"
    new.tags["hybridvm-restore-replaces"] = "rg-shop/shop02_OsDisk"
    found = left(lab)["shop02_OsDisk"]
    assert found["removable"] is False
    assert "none of the VM's restore points knows it" in found["reason"]
    stranger.tags = {**new.tags, "hybridvm-restore-replaces": ""}
    new.tags["hybridvm-restore-replaces"] = ""
    assert "shop02_OsDisk" not in left(lab)


def test_a_disk_that_another_vm_has_now_is_no_leftover() -> None:
    lab = make_lab()
    done(restore(lab))
    old = next(disk for disk in lab.world.azure.disks.values() if disk.name == "shop01_DataDisk_0")
    old.owners.append(azure_vm(lab, "shop02").id)
    assert sorted(left(lab)) == ["shop01_OsDisk"]


def test_points_that_failed() -> None:
    lab = make_lab()
    fail_next(lab, "point")
    assert code(checkpoint(lab, name="broken")) == "operation_failed"
    found = left(lab)
    assert list(found) == ["broken"]
    point = found["broken"]
    assert (point["kind"], point["size_gb"], point["removable"]) == ("restore_point", None, True)
    assert "vm_checkpoint, state: absent and its checkpoint_id" in point["reason"]
    done(checkpoint(lab, name=None, checkpoint_id=point["id"], state="absent"))
    assert left(lab) == {}


def test_disks_that_may_not_be_listed_are_the_vms_error() -> None:
    lab = make_lab()
    lab.world.faults.add(kind="status", status=403, path=r"/disks\?", count=None)
    result = info(lab)
    failed(result, "forbidden")
    assert [each["name"] for each in result["checkpoints"]] == ["before"]
    assert result["vms"][0]["status"] == "failed"
    assert code(info(lab, on_error="report")) is None
    assert code(lab.run("vm_checkpoint_info", vm=lab.azure_vm)) is None


@pytest.mark.parametrize("scope", [False, True])
def test_a_row_that_a_failed_create_left_on_spf(scope: bool) -> None:
    lab = Lab(failed_create_row="left")
    lab.fail_next("spf", "create")
    assert code(lab.run("vm_checkpoint", vm="web01", name="new")) == "operation_failed"
    row = next(each for each in lab.world.vm("web01").checkpoints if each.name == "new")
    asked: dict[str, Any] = {"vm": None, "scope": "spf"} if scope else {"vm": "web01"}
    (found,) = done(info(lab, **asked))["leftovers"]
    assert (found["kind"], found["id"], found["name"], found["size_gb"]) == ("checkpoint", row.id, "new", None)
    assert "its create failed" in found["reason"]
    done(lab.run("vm_checkpoint", vm="web01", checkpoint_id=found["id"], state="absent"))
    assert done(info(lab, **asked))["leftovers"] == []


def test_a_checkpoint_that_is_being_made_is_no_leftover() -> None:
    lab = Lab(create_takes="3600s")
    done(lab.run("vm_checkpoint", vm="web01", name="new", wait=False))
    assert done(info(lab, vm="web01"))["leftovers"] == []
    assert done(info(lab, vm=lab.arm_vm))["leftovers"] == []
