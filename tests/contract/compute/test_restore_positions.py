# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore in place, whatever position the service takes on old disks, LUNs and groups: nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.azure.machines import move
from simulator.azure.machines import power as start
from tests.contract.compute.azure_harness import (
    GOOD,
    azure_vm,
    bodies,
    disks,
    document,
    done,
    failed,
    guest,
    killed,
    make_lab,
    restore,
    spoil,
    steps_of,
    verbs,
)
from tests.support.lab import Lab


def _new(lab: Lab) -> dict[str, Any]:
    """The disks that the VM has now, by place."""
    azure = lab.world.azure
    return {
        "os" if held.lun is None else str(held.lun): azure.disks[held.disk.lower()]
        for held in azure_vm(lab).attachments()
    }


@pytest.mark.parametrize("caching", ["None", "ReadOnly"])
def test_a_disk_that_was_detached_since_comes_back(caching: str) -> None:
    lab = make_lab(document(data_disks=[{"lun": 0, "caching": caching, "files": GOOD["0"], "sku": "StandardSSD_LRS"}]))
    vm = azure_vm(lab)
    move(lab.world.azure, vm, vm.os_disk, [])
    done(restore(lab))
    assert guest(lab) == GOOD
    (back,) = vm.data_disks
    assert (back.lun, back.caching) == (0, caching)
    assert _new(lab)["0"].sku == "StandardSSD_LRS"
    assert "shop01_DataDisk_0" in disks(lab)


@pytest.mark.parametrize("old", ["keep", "delete"])
def test_disks_of_another_group(old: str) -> None:
    compute = document(data_disks=[{"lun": 0, "resource_group": "rg-data", "files": GOOD["0"]}])
    lab = make_lab(compute)
    done(restore(lab, old_disks=old))
    assert guest(lab) == GOOD
    assert ("shop01_DataDisk_0" in disks(lab)) == (old == "keep")
    assert ("DELETE", "shop01_DataDisk_0") in steps_of(lab.sent()) or old == "keep"
    assert done(restore(lab))["changed"] is True
    assert guest(lab) == GOOD


@pytest.mark.parametrize("honoured", ["ignored", "honoured"])
def test_old_disks_survive_whatever_their_delete_option(honoured: str) -> None:
    compute = document(
        os_disk={"files": GOOD["os"], "delete_option": "Delete"},
        data_disks=[{"lun": 0, "files": GOOD["0"], "delete_option": "Delete"}],
    )
    lab = make_lab(compute, compute_swap_delete_option=honoured)
    checked = done(restore(lab, check=True))
    assert done(restore(lab))["plan"] == checked["plan"]
    assert guest(lab) == GOOD
    assert {"shop01_OsDisk", "shop01_DataDisk_0"} <= disks(lab)
    assert [held.delete_option for held in azure_vm(lab).attachments()] == ["Delete", "Delete"]


@pytest.mark.parametrize("position", ["allowed", "refused"])
def test_whether_or_not_a_lun_takes_another_disk_at_once(position: str) -> None:
    lab = make_lab(compute_lun_swap=position)
    checked = done(restore(lab, check=True))
    assert done(restore(lab))["plan"] == checked["plan"]
    assert guest(lab) == GOOD
    assert [(held.lun, held.caching) for held in azure_vm(lab).attachments()] == [(None, "ReadOnly"), (0, "None")]
    assert azure_vm(lab).power == "running"


def test_after_a_way_back_by_hand_the_point_is_restored_and_no_later_state() -> None:
    """Disks of a run that has ended are the guest's since: they are not taken for the point's."""
    lab = make_lab()
    old = [replace(held) for held in azure_vm(lab).attachments()]
    done(restore(lab))
    spoil(lab)
    move(lab.world.azure, azure_vm(lab), old[0], old[1:])
    done(restore(lab))
    assert guest(lab) == GOOD


@pytest.mark.parametrize("check", [True, False])
def test_a_disk_that_sits_at_another_lun_by_now_is_not_attached_twice(check: bool) -> None:
    """Also one that a restore has brought; back in its place, or detached, it is no obstacle."""
    for earlier in (False, True):
        lab = make_lab()
        vm = azure_vm(lab)
        if earlier:
            done(restore(lab))
        home = vm.data_disks[0]
        move(lab.world.azure, vm, vm.os_disk, [replace(home, lun=5)])
        writes = lab.writes()
        result = restore(lab, check=check)
        assert "it would be attached twice" in failed(result, "vm_state")
        assert (result["error"]["retry"], lab.writes()) == ("never", writes)
        for kept in ([home], []):
            move(lab.world.azure, vm, vm.os_disk, kept)
            done(restore(lab))
            assert guest(lab) == GOOD


@pytest.mark.parametrize("check", [True, False])
def test_a_vm_that_is_on_its_way_somewhere_is_not_switched_off(check: bool) -> None:
    """Whether it is to run afterwards cannot be said; with power_after, or later, it can."""
    lab = make_lab(compute_vm_power_takes="60s")
    vm = azure_vm(lab)
    vm.power = "deallocated"
    start(lab.world.azure, vm, "start")
    result = restore(lab, check=check)
    assert '"starting", neither on nor off' in failed(result, "vm_state")
    assert (result["error"]["retry"], lab.sent()) == ("safe", [])
    assert "start the VM" in verbs(done(restore(lab, check=True, power_after="on")))
    lab.advance(61)
    done(restore(lab))
    assert (guest(lab), vm.power) == (GOOD, "running")


def test_ids_of_2021_have_a_query() -> None:
    """By them disks are made, but nothing can be read: what the disks themselves tell is enough."""
    lab = make_lab()
    old: dict[str, Any] = {"compute_api_version": "2021-04-01"}
    done(restore(lab, **old))
    assert guest(lab) == GOOD
    sources = [body["properties"]["creationData"]["sourceResourceId"] for body in bodies(lab, path="/disks/")]
    assert [("/restorePoints/before/disks/" in source, "?id=" in source) for source in sources] == [(True, True)] * 2
    assert not [request for request in lab.requests if "before/disks/" in request.url.path]
    # A run of it is taken up like any other; in another form the disks have other ids, so that run begins anew.
    for then, writes in ((old, 8), ({}, 10)):
        lab = make_lab()
        killed(lab, 1, "heard", restore_key="deploy-1", **old)
        done(restore(lab, restore_key="deploy-1", **then))
        assert (guest(lab), lab.writes()) == (GOOD, writes)
