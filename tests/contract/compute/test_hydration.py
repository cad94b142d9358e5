# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore point whose data is still on its way beside its VM: how far it is, and that nothing is made of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.compute.shop import GOOD, HOME, bench, checkpoint, disks, done, failed, guest, point, restore, spoil
from tests.support.bench import Bench

OLD = {"shop01_OsDisk", "shop01_DataDisk_0", "shop02_OsDisk"}


def _half_way(**switches: Any) -> Bench:
    """The OS disk has arrived, and of the data disk half has."""
    made = bench(point=False, compute_hydration_takes="600s", **switches)
    done(checkpoint(made, name="before"))
    made.advance(302 - made.seconds)
    spoil(made)
    return made


@pytest.mark.parametrize("incomplete", ["broken", "refused"])
@pytest.mark.parametrize("key", [None, "deploy-1"])
def test_it_is_not_restored_before_all_of_it_is_there(key: str | None, incomplete: str) -> None:
    """All its disks are looked at before the first new one is made: nothing of it may be half there."""
    made = _half_way(compute_incomplete_copy=incomplete)
    writes = made.writes()
    result = restore(made, restore_key=key)
    message = failed(result, "vm_state")
    assert "not usable yet: shop01_DataDisk_0_" in message
    assert " is at 50 %. Nothing was changed." in message
    assert "again when it is at 100 %" in message
    assert (result["error"]["retry"], result["changed"], made.writes()) == ("safe", False, writes)
    assert disks(made) == OLD
    made.advance(300)
    done(restore(made, restore_key=key))
    assert guest(made) == GOOD


def test_its_percent_and_state_are_shown() -> None:
    made = _half_way()
    asked: dict[str, Any] = {"name": HOME, "resource_group": "rg-shop", "instance_view": True}
    asked["disk_restore_points"] = True

    def shown() -> dict[str, Any]:
        info = done(made.run("restore_point_collection_info", **asked))
        found: dict[str, Any] = info["restore_point_collections"][0]["restore_points"][0]
        return found

    half = shown()
    assert [(each["percent"], each["state"]) for each in half["replication"]] == [
        (100, "Succeeded"),
        (50, "In progress"),
    ]
    rows = [(each["percent"], each["replication_state"]) for each in half["disk_restore_points"]]
    assert rows == [(100, "Succeeded"), (50, "InProgress")]
    assert half["usable"] is False
    made.advance(300)
    whole = shown()
    assert [(each["percent"], each["state"]) for each in whole["replication"]] == [(100, "Succeeded")] * 2
    assert whole["usable"] is True


def test_the_module_for_points_waits_for_all_of_it() -> None:
    made = bench(point=False, compute_hydration_takes="600s")
    done(made.run("restore_point_collection", name=HOME, resource_group="rg-shop", source=made.azure_vm))
    result = done(point(made, wait_timeout="1h"))
    assert made.seconds >= 600
    assert (result["restore_point"]["usable"], result["operation"]["percent"]) == (True, 100)
    assert {each["state"] for each in result["restore_point"]["replication"]} == {"Succeeded"}


def test_the_deadline_tells_how_far_it_is() -> None:
    made = bench(point=False, compute_hydration_takes="600s")
    done(made.run("restore_point_collection", name=HOME, resource_group="rg-shop", source=made.azure_vm))
    result = point(made, wait_timeout="200s")
    failed(result, "timed_out")
    assert 20 <= result["error"]["operation"]["percent"] <= 40


@pytest.mark.parametrize("how", ["gone", "going"])
@pytest.mark.parametrize("from_the_first", [False, True])
def test_what_is_removed_while_it_is_watched_is_no_success(how: str, from_the_first: bool) -> None:
    made = bench(compute_hydration_takes="600s")
    home = next(iter(made.world.azure.collections.values()))
    seen: list[httpx.Request] = []

    def watch(request: httpx.Request) -> None:
        if request.method == "GET" and request.url.path.endswith("/new") and made.sent("PUT"):
            seen.append(request)
            if len(seen) == (2 if from_the_first else 4):
                new = next(each for each in home.points if each.name == "new")
                if how == "going":
                    new.state = "Deleting"
                else:
                    home.points.remove(new)

    made.watch = watch
    result = point(made)
    message = failed(result, "not_proven")
    assert ("it was there, and is gone again" if how == "gone" else "it was there, and is being removed") in message
    assert (result["changed"], len(made.sent())) == (True, 1)
    shown = result["restore_point"]
    assert shown is None if how == "gone" else shown["provisioning_state"] == "Deleting"
    assert made.seconds < 60
