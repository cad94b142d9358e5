# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The instance view as it was recorded on 2026-04-24 (azure-powershell, TestRestorePointsInstantAccess).

A point that has succeeded, with instant access: of its two disks only the Premium SSD v2 one is listed, as
InstantAccess, replicating, at 0 %. It can be restored at once, and cannot be copied yet.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    GOOD,
    HOME,
    checkpoint,
    collection,
    document,
    done,
    failed,
    guest,
    make_lab,
    names,
    point,
    restore,
)
from tests.support.lab import Lab

NEWER: dict[str, Any] = {"compute_api_version": "2025-04-01"}
FAST = {"lun": 0, "sku": "PremiumV2_LRS", "files": GOOD["0"]}


def _lab(**switches: Any) -> Lab:
    """A new point with instant access, made just now; the guest has been broken since."""
    lab = make_lab(document(os_type="Windows", data_disks=[FAST]), point=False, **switches)
    done(collection(lab, source=lab.azure_vm, instant_access=True, **NEWER))
    done(point(lab, instant_access_duration=120, **NEWER))
    lab.advance(60)
    return lab


def test_it_is_shown_as_it_was_recorded() -> None:
    lab = _lab()
    shown = done(
        lab.run("restore_point_collection_info", name=HOME, resource_group="rg-shop", instance_view=True, **NEWER)
    )
    (found,) = shown["restore_point_collections"][0]["restore_points"]
    (row,) = found["replication"]  # the OS disk is not listed
    assert (row["access_state"], row["percent"] < 20, row["state"]) == ("InstantAccess", True, "Replicating")
    assert (found["provisioning_state"], found["usable"], found["usability"]) == ("Succeeded", True, "usable")


@pytest.mark.parametrize("rows", ["instant", "all"])
def test_it_is_usable_at_once(rows: str) -> None:
    lab = _lab(compute_view_rows=rows)
    again = done(point(lab, instant_access_duration=120, **NEWER))
    assert (again["changed"], again["restore_point"]["usable"], lab.seconds < 60) == (False, True, True)
    fresh = done(checkpoint(lab, name="new", max_age="4h", **NEWER))
    assert (fresh["changed"], names(lab)) == (False, ["new"])
    restored = done(restore(lab, name="new", **NEWER))
    assert restored["changed"] is True
    assert guest(lab)["0"] == GOOD["0"]


def test_it_is_not_a_source_of_copies_until_all_of_it_is_there() -> None:
    lab = _lab()
    home = lab.world.azure.resource_id("restorePointCollections", HOME)
    done(collection(lab, name="copies", source=home, location="northeurope", **NEWER))
    copy = {"name": "new", "collection": "copies", "source_restore_point": "new", **NEWER}
    assert "cannot be copied yet" in failed(point(lab, check=True, **copy), "vm_state")
    assert "InstantAccess" in failed(point(lab, **copy), "vm_state")
    lab.advance(3600)
    assert done(point(lab, **copy))["restore_point"]["usability"] == "usable"


def test_what_is_pending_is_arriving_and_waited_for() -> None:
    lab = make_lab(point=False, compute_pending_seconds=300.0)
    lab.advance(1)
    made = done(checkpoint(lab, name="new", wait=False, **NEWER))
    assert made["checkpoint"]["usability"] in ("arriving", "unknown")
    lab.advance(10)
    assert "not usable yet" in failed(restore(lab, name="new", check=True, **NEWER), "vm_state")
    waited = done(checkpoint(lab, name="new", max_age="4h", **NEWER))
    assert (waited["changed"], waited["checkpoint"]["usable"]) == (False, True)
    assert lab.seconds > 200


@pytest.mark.parametrize("check", [True, False])
def test_what_instant_access_goes_with(check: bool) -> None:
    """It is of application consistent points alone, and a matter of the collection first (documented)."""
    lab = _lab()
    writes = lab.writes()
    crash = point(lab, name="crash", check=check, consistency="crash", instant_access_duration=120, **NEWER)
    assert "instant_access_duration goes with consistency=application only" in failed(crash, "invalid_input")
    assert lab.writes() == writes
    done(collection(lab, source=lab.azure_vm, instant_access=False, **NEWER))
    off = point(lab, name="off", check=check, instant_access_duration=120, **NEWER)
    assert (
        "restore point off: its collection has no instant access, which restore_point_collection sets."
        in off["warnings"]
    )
