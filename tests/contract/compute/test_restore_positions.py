# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore in place, whatever position the service takes on old disks, LUNs and groups: nothing is lost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from simulator.azure.machines import move
from simulator.azure.machines import power as start
from tests.contract.compute.shop import (
    GOOD,
    bench,
    bodies,
    disks,
    document,
    done,
    failed,
    guest,
    killed,
    restore,
    shop,
    spoil,
    told,
    verbs,
)
from tests.support.bench import Bench


def _new(made: Bench) -> dict[str, Any]:
    """The disks that the VM has now, by place."""
    azure = made.world.azure
    return {
        "os" if held.lun is None else str(held.lun): azure.disks[held.disk.lower()] for held in shop(made).attachments()
    }


@pytest.mark.parametrize("caching", ["None", "ReadOnly"])
def test_a_disk_that_was_detached_since_comes_back(caching: str) -> None:
    made = bench(document(data_disks=[{"lun": 0, "caching": caching, "files": GOOD["0"], "sku": "StandardSSD_LRS"}]))
    vm = shop(made)
    move(made.world.azure, vm, vm.os_disk, [])
    done(restore(made))
    assert guest(made) == GOOD
    (back,) = vm.data_disks
    assert (back.lun, back.caching) == (0, caching)
    assert _new(made)["0"].sku == "StandardSSD_LRS"
    assert "shop01_DataDisk_0" in disks(made)


@pytest.mark.parametrize("old", ["keep", "delete"])
def test_disks_of_another_group(old: str) -> None:
    compute = document(data_disks=[{"lun": 0, "resource_group": "rg-data", "files": GOOD["0"]}])
    made = bench(compute)
    done(restore(made, old_disks=old))
    assert guest(made) == GOOD
    assert ("shop01_DataDisk_0" in disks(made)) == (old == "keep")
    assert ("DELETE", "shop01_DataDisk_0") in told(made.sent()) or old == "keep"
    assert done(restore(made))["changed"] is True
    assert guest(made) == GOOD


@pytest.mark.parametrize("honoured", ["ignored", "honoured"])
def test_old_disks_survive_whatever_their_delete_option(honoured: str) -> None:
    compute = document(
        os_disk={"files": GOOD["os"], "delete_option": "Delete"},
        data_disks=[{"lun": 0, "files": GOOD["0"], "delete_option": "Delete"}],
    )
    made = bench(compute, compute_swap_delete_option=honoured)
    checked = done(restore(made, check=True))
    assert done(restore(made))["plan"] == checked["plan"]
    assert guest(made) == GOOD
    assert {"shop01_OsDisk", "shop01_DataDisk_0"} <= disks(made)
    assert [held.delete_option for held in shop(made).attachments()] == ["Delete", "Delete"]


@pytest.mark.parametrize("position", ["allowed", "refused"])
def test_whether_or_not_a_lun_takes_another_disk_at_once(position: str) -> None:
    made = bench(compute_lun_swap=position)
    checked = done(restore(made, check=True))
    assert done(restore(made))["plan"] == checked["plan"]
    assert guest(made) == GOOD
    assert [(held.lun, held.caching) for held in shop(made).attachments()] == [(None, "ReadOnly"), (0, "None")]
    assert shop(made).power == "running"


def test_after_a_way_back_by_hand_the_point_is_restored_and_no_later_state() -> None:
    """Disks of a run that has ended are the guest's since: they are not taken for the point's."""
    made = bench()
    old = [replace(held) for held in shop(made).attachments()]
    done(restore(made))
    spoil(made)
    move(made.world.azure, shop(made), old[0], old[1:])
    done(restore(made))
    assert guest(made) == GOOD


@pytest.mark.parametrize("check", [True, False])
def test_a_disk_that_sits_at_another_lun_by_now_is_not_attached_twice(check: bool) -> None:
    """Also one that a restore has brought; back in its place, or detached, it is no obstacle."""
    for earlier in (False, True):
        made = bench()
        vm = shop(made)
        if earlier:
            done(restore(made))
        home = vm.data_disks[0]
        move(made.world.azure, vm, vm.os_disk, [replace(home, lun=5)])
        writes = made.writes()
        result = restore(made, check=check)
        assert "it would be attached twice" in failed(result, "vm_state")
        assert (result["error"]["retry"], made.writes()) == ("never", writes)
        for kept in ([home], []):
            move(made.world.azure, vm, vm.os_disk, kept)
            done(restore(made))
            assert guest(made) == GOOD


@pytest.mark.parametrize("check", [True, False])
def test_a_vm_that_is_on_its_way_somewhere_is_not_switched_off(check: bool) -> None:
    """Whether it is to run afterwards cannot be told; with power_after, or later, it can."""
    made = bench(compute_vm_power_takes="60s")
    vm = shop(made)
    vm.power = "deallocated"
    start(made.world.azure, vm, "start")
    result = restore(made, check=check)
    assert '"starting", neither on nor off' in failed(result, "vm_state")
    assert (result["error"]["retry"], made.sent()) == ("safe", [])
    assert "start the VM" in verbs(done(restore(made, check=True, power_after="on")))
    made.advance(61)
    done(restore(made))
    assert (guest(made), vm.power) == (GOOD, "running")


def test_ids_of_2021_have_a_query() -> None:
    """By them disks are made, but nothing can be read: what the disks themselves tell is enough."""
    made = bench()
    old: dict[str, Any] = {"compute_api_version": "2021-04-01"}
    done(restore(made, **old))
    assert guest(made) == GOOD
    sources = [body["properties"]["creationData"]["sourceResourceId"] for body in bodies(made, path="/disks/")]
    assert [("/restorePoints/before/disks/" in source, "?id=" in source) for source in sources] == [(True, True)] * 2
    assert not [request for request in made.requests if "before/disks/" in request.url.path]
    # A run of it is taken up like any other; in another form the disks have other ids, so that run begins anew.
    for then, writes in ((old, 8), ({}, 10)):
        made = bench()
        killed(made, 1, "heard", restore_key="deploy-1", **old)
        done(restore(made, restore_key="deploy-1", **then))
        assert (guest(made), made.writes()) == (GOOD, writes)
