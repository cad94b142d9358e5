# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore in place that fails at or after the swap: the old disks are put back and the VM runs on them."""

from __future__ import annotations

import httpx
import pytest

from tests.contract.compute.shop import (
    BROKEN,
    GOOD,
    bench,
    disks,
    document,
    done,
    fail_next,
    failed,
    guest,
    killed,
    restore,
    shop,
)
from tests.support.bench import Bench

OLD = ["shop01_OsDisk", "shop01_DataDisk_0"]

ELSEWHERE = document(data_disks=[{"lun": 0, "resource_group": "rg-data", "files": GOOD["0"]}])


def _attached(made: Bench) -> list[str]:
    return [held.name for held in shop(made).attachments()]


def _on_old_disks(made: Bench, power: str = "running") -> None:
    assert _attached(made) == OLD
    assert guest(made) == BROKEN
    assert shop(made).power == power


@pytest.mark.parametrize("status", [None, 409], ids=["as an operation", "at once"])
@pytest.mark.parametrize(("kind", "name"), [("power", "start"), ("vm", None)], ids=["start", "swap"])
@pytest.mark.parametrize("elsewhere", [False, True], ids=["one group", "data disk in another group"])
def test_failed_after_the_swap(elsewhere: bool, kind: str, name: str | None, status: int | None) -> None:
    made = bench(ELSEWHERE if elsewhere else None)
    fail_next(made, kind, name, "AllocationFailed", status=status)
    result = restore(made)
    message = failed(result, "operation_failed" if status is None else "refused")
    assert "AllocationFailed" in message
    assert "put back" in message
    assert result["changed"] is True
    _on_old_disks(made)
    # What made it fail is mended: the same task brings it about.
    done(restore(made))
    assert guest(made) == GOOD
    assert shop(made).power == "running"
    assert set(OLD) <= disks(made)


def test_a_resumed_run_that_fails_puts_the_power_back_too() -> None:
    """The VM ran when the restore began, in a run that has been ended since."""
    for number in (4, 5):
        made = bench()
        killed(made, number, "watch", restore_key="deploy-1")
        fail_next(made, "power", "start")
        assert "put back" in failed(restore(made, restore_key="deploy-1"), "operation_failed")
        _on_old_disks(made)
        done(restore(made, restore_key="deploy-1"))
        assert guest(made) == GOOD


def test_somebody_changes_the_vm_before_the_swap() -> None:
    """The swap is conditional on what was read (If-Match): nothing of somebody else's is written over."""
    made = bench()

    def touch(request: httpx.Request) -> None:
        if request.method == "PATCH" and "/virtualMachines/" in request.url.path:
            assert request.headers["if-match"]
            made.watch = lambda _request: None
            vm = shop(made)
            vm.tags["owner"] = "somebody"
            vm.etag += 1

    made.watch = touch
    result = restore(made)
    assert shop(made).power == "running"
    assert shop(made).tags["owner"] == "somebody"
    if "error" in result:
        _on_old_disks(made)
        assert done(restore(made))["changed"] is True
    assert guest(made) == GOOD
    assert shop(made).power == "running"
