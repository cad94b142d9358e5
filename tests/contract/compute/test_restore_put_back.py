# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore in place that fails at or after the swap: the old disks are put back and the VM runs on them."""

from __future__ import annotations

import httpx
import pytest

from simulator.azure.model import Attachment
from tests.contract.compute.azure_harness import (
    BROKEN,
    GOOD,
    azure_vm,
    disks,
    document,
    done,
    fail_next,
    failed,
    guest,
    killed,
    make_lab,
    restore,
    verbs,
)
from tests.support.lab import Lab

OLD = ["shop01_OsDisk", "shop01_DataDisk_0"]

ELSEWHERE = document(data_disks=[{"lun": 0, "resource_group": "rg-data", "files": GOOD["0"]}])


def _attached(lab: Lab) -> list[str]:
    return [held.name for held in azure_vm(lab).attachments()]


def _on_old_disks(lab: Lab, power: str = "running") -> None:
    assert _attached(lab) == OLD
    assert guest(lab) == BROKEN
    assert azure_vm(lab).power == power


@pytest.mark.slow
@pytest.mark.parametrize("status", [None, 409], ids=["as an operation", "at once"])
@pytest.mark.parametrize(("kind", "name"), [("power", "start"), ("vm", None)], ids=["start", "swap"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["one group", "data disk in another group"])
def test_failed_after_the_swap(elsewhere: bool, kind: str, name: str | None, status: int | None) -> None:
    lab = make_lab(ELSEWHERE if elsewhere else None)
    fail_next(lab, kind, name, "AllocationFailed", status=status)
    result = restore(lab)
    message = failed(result, "operation_failed" if status is None else "refused")
    assert "AllocationFailed" in message
    assert "put back" in message
    assert result["changed"] is True
    _on_old_disks(lab)
    # What made it fail is mended: the same task brings it about.
    done(restore(lab))
    assert guest(lab) == GOOD
    assert azure_vm(lab).power == "running"
    assert set(OLD) <= disks(lab)


def test_a_resumed_run_that_fails_puts_the_power_back_too() -> None:
    """The VM ran when the restore began, in a run that has been ended since."""
    for number in (4, 5):
        lab = make_lab()
        killed(lab, number, "watch", restore_key="deploy-1")
        fail_next(lab, "power", "start")
        assert "put back" in failed(restore(lab, restore_key="deploy-1"), "operation_failed")
        _on_old_disks(lab)
        done(restore(lab, restore_key="deploy-1"))
        assert guest(lab) == GOOD


def test_somebody_changes_the_vm_before_the_swap() -> None:
    """The swap is conditional on what was read (If-Match): nothing of somebody else's is written over."""
    lab = make_lab()

    def touch(request: httpx.Request) -> None:
        if request.method == "PATCH" and "/virtualMachines/" in request.url.path:
            assert request.headers["if-match"]
            lab.watch = lambda _request: None
            vm = azure_vm(lab)
            vm.tags["owner"] = "somebody"
            vm.etag += 1

    lab.watch = touch
    result = restore(lab)
    assert azure_vm(lab).power == "running"
    assert azure_vm(lab).tags["owner"] == "somebody"
    if "error" in result:
        _on_old_disks(lab)
        assert done(restore(lab))["changed"] is True
    assert guest(lab) == GOOD
    assert azure_vm(lab).power == "running"


def _held(held: Attachment) -> tuple[str, int | None, str, str, bool]:
    return held.name, held.lun, held.caching, held.delete_option, held.write_accelerator


@pytest.mark.slow
@pytest.mark.parametrize("only_os", [False, True])
@pytest.mark.parametrize("key", [None, "another"])
@pytest.mark.parametrize("killed_after", [None, "keep", "deallocate", "detach"])
@pytest.mark.parametrize(("kind", "name"), [("power", "start"), ("vm", None)], ids=["start", "swap"])
def test_put_back_the_disks_are_held_as_they_were(
    kind: str, name: str | None, killed_after: str | None, key: str | None, only_os: bool
) -> None:
    """Caching, and what becomes of a disk when the VM goes; also when another run has taken them off."""
    os_disk = {"files": GOOD["os"], "caching": "ReadOnly", "delete_option": "Delete"}
    data = {"lun": 0, "files": GOOD["0"], "caching": "ReadOnly", "write_accelerator": True, "delete_option": "Delete"}
    if only_os and killed_after == "detach":
        return  # there is no such step
    world = document(os_disk=os_disk, data_disks=[] if only_os else [data])
    lab = make_lab(world, compute_swap_delete_option="honoured")
    before = [_held(held) for held in azure_vm(lab).attachments()]
    steps = [word.split(" ", maxsplit=1)[0] for word in verbs(done(restore(lab, check=True)))]
    if killed_after is not None:
        killed(lab, steps.index(killed_after) + 1, "heard")

    def fail_the_swap(request: httpx.Request) -> None:
        if request.method == "PATCH" and b'"name": "shop01-os-' in request.content:
            lab.watch = lambda _request: None
            fail_next(lab, "vm", None, "AllocationFailed")

    if kind == "vm":
        lab.watch = fail_the_swap
    else:
        fail_next(lab, "power", "start", "AllocationFailed")
    result = restore(lab, restore_key=key)
    assert "put back" in failed(result, "operation_failed")
    assert (set(guest(lab)["os"].values()), azure_vm(lab).power) == ({"broken\n"}, "running")
    assert [_held(held) for held in azure_vm(lab).attachments()] == before
