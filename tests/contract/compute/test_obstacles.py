# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Disks and locks that stand in the way of some of the verbs only."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.azure_seeding import plant_lock
from tests.contract.compute.shop import (
    GOOD,
    bench,
    checkpoint,
    document,
    done,
    failed,
    guest,
    point,
    restore,
    shop,
)
from tests.support.bench import Bench

DATA: dict[str, Any] = {"lun": 0, "files": GOOD["0"]}


NOT_WITHOUT_THE_GUEST: dict[str, tuple[dict[str, Any], str]] = {
    "Ultra": ({"data_disks": [{**DATA, "sku": "UltraSSD_LRS"}]}, "Ultra"),
    "Premium v2": ({"data_disks": [{**DATA, "sku": "PremiumV2_LRS"}]}, "Premium SSD v2"),
    "write accelerator": ({"data_disks": [{**DATA, "write_accelerator": True}]}, "write-accelerated"),
}


def _bench(of_vm: dict[str, Any]) -> Bench:
    compute = document(**of_vm)
    compute["collections"][0]["points"] = []
    return bench(compute)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("case", NOT_WITHOUT_THE_GUEST)
def test_disks_that_need_the_guest(case: str, check: bool) -> None:
    """Application mode of a VM that runs takes them; crash mode, or a VM that is off, does not."""
    of_vm, said = NOT_WITHOUT_THE_GUEST[case]
    made = _bench(of_vm)
    assert said in failed(point(made, check=check, consistency="crash"), "vm_state")
    shop(made).power = "deallocated"
    assert said in failed(checkpoint(made, check=check, name="x"), "vm_state")
    assert said in failed(point(made, check=check), "vm_state")
    assert made.sent() == []
    done(point(made, consistency="crash", exclude_disks=["lun0"]))
    shop(made).power = "running"
    assert done(checkpoint(made, name="x"))["changed"] is True


@pytest.mark.parametrize("check", [True, False])
def test_a_lock_against_deletion(check: bool) -> None:
    made = bench()
    plant_lock(made.world.azure, {"level": "CanNotDelete", "name": "keep-it"})
    assert "keep-it" in failed(checkpoint(made, check=check, name="before", state="absent"), "vm_state")
    assert "keep-it" in failed(checkpoint(made, check=check, name="before", max_age=1, supersede=True), "vm_state")
    assert "keep-it" in failed(restore(made, check=check, old_disks="delete"), "vm_state")
    assert made.sent() == []
    assert done(checkpoint(made, name="x"))["changed"] is True
    done(restore(made))
    assert guest(made) == GOOD


@pytest.mark.parametrize("level", ["ReadOnly", "CanNotDelete"])
def test_a_lock_on_something_else_in_the_group_is_no_obstacle(level: str) -> None:
    made = bench()
    plant_lock(made.world.azure, {"level": level, "scope": made.world.azure.named("shop02").id})
    assert done(checkpoint(made, name="x"))["changed"] is True
    done(restore(made))
    assert guest(made) == GOOD
    assert done(checkpoint(made, name="before", state="absent"))["changed"] is True
