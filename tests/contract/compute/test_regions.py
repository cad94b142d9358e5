# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM's collection away from the VM: usable once the disks have arrived, and no way to restore in place."""

from __future__ import annotations

from typing import Any

from tests.contract.compute.azure_harness import checkpoint, collection, done, fail_next, failed, make_lab, restore
from tests.support.lab import Lab

ABROAD = "abroad"


def _make_lab(**switches: Any) -> Lab:
    lab = make_lab(compute_copy_takes="200s", **switches)
    done(collection(lab, name=ABROAD, source=lab.azure_vm, location="northeurope"))
    return lab


def test_a_checkpoint_is_usable_when_its_disks_have_arrived() -> None:
    lab = _make_lab()
    first = done(checkpoint(lab, name="new", collection=ABROAD, wait=False))
    assert first["checkpoint"]["usability"] == "arriving"
    lab.advance(300)
    assert done(checkpoint(lab, name="new", collection=ABROAD))["checkpoint"]["usable"] is True
    assert done(checkpoint(lab, name="new", collection=ABROAD))["changed"] is False


def test_disks_can_only_be_made_where_the_point_is() -> None:
    lab = _make_lab()
    done(checkpoint(lab, name="new", collection=ABROAD))
    lab.advance(300)
    writes = lab.writes()
    for check in (True, False):
        message = failed(restore(lab, check=check, name="new", collection=ABROAD), "vm_state")
        assert "northeurope" in message
    assert lab.writes() == writes


def test_one_whose_copying_stops_is_made_again() -> None:
    lab = _make_lab()
    fail_next(lab, "replication")
    result = checkpoint(lab, name="new", collection=ABROAD)
    lab.advance(300)
    again = checkpoint(lab, name="new", collection=ABROAD)
    lab.advance(300)
    assert "error" in result or again["changed"] is True
    assert done(checkpoint(lab, name="new", collection=ABROAD))["checkpoint"]["usable"] is True
