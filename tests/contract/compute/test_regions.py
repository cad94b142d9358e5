# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM's collection away from the VM: usable once the disks have arrived, and no way to restore in place."""

from __future__ import annotations

from typing import Any

from tests.contract.compute.shop import bench, checkpoint, collection, done, fail_next, failed, restore
from tests.support.bench import Bench

ABROAD = "abroad"


def _bench(**switches: Any) -> Bench:
    made = bench(compute_copy_takes="200s", **switches)
    done(collection(made, name=ABROAD, source=made.azure_vm, location="northeurope"))
    return made


def test_a_checkpoint_is_usable_when_its_disks_have_arrived() -> None:
    made = _bench()
    first = done(checkpoint(made, name="new", collection=ABROAD, wait=False))
    assert first["checkpoint"]["usable"] is None
    made.advance(300)
    assert done(checkpoint(made, name="new", collection=ABROAD))["checkpoint"]["usable"] is True
    assert done(checkpoint(made, name="new", collection=ABROAD))["changed"] is False


def test_disks_can_only_be_made_where_the_point_is() -> None:
    made = _bench()
    done(checkpoint(made, name="new", collection=ABROAD))
    made.advance(300)
    writes = made.writes()
    for check in (True, False):
        message = failed(restore(made, check=check, name="new", collection=ABROAD), "vm_state")
        assert "northeurope" in message
    assert made.writes() == writes


def test_one_whose_copying_stops_is_made_again() -> None:
    made = _bench()
    fail_next(made, "replication")
    result = checkpoint(made, name="new", collection=ABROAD)
    made.advance(300)
    again = checkpoint(made, name="new", collection=ABROAD)
    made.advance(300)
    assert "error" in result or again["changed"] is True
    assert done(checkpoint(made, name="new", collection=ABROAD))["checkpoint"]["usable"] is True
