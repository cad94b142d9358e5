# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restore point whose data is still on its way beside its VM: how far it is, and that nothing is made of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.compute.azure_harness import (
    GOOD,
    HOME,
    azure_vm,
    checkpoint,
    disks,
    done,
    failed,
    guest,
    make_lab,
    names,
    point,
    points,
    restore,
    spoil,
)
from tests.support.lab import Lab
from tests.support.wire import Changed

OLD = {"shop01_OsDisk", "shop01_DataDisk_0", "shop02_OsDisk"}


def _half_way(**switches: Any) -> Lab:
    """The OS disk has arrived, and of the data disk half has."""
    lab = make_lab(point=False, compute_hydration_takes="600s", **switches)
    done(checkpoint(lab, name="before"))
    lab.advance(302 - lab.seconds)
    spoil(lab)
    return lab


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("options", [{}, {"restore_key": "deploy-1"}, {"safety_checkpoint": True}], ids=str)
def test_a_restore_is_refused_before_anything_is_done_for_it(options: dict[str, Any], check: bool) -> None:
    """Its safety checkpoint would be made for nothing, and a plan that cannot be carried out is none."""
    lab = _half_way()
    writes = lab.writes()
    result = restore(lab, check=check, **options)
    message = failed(result, "vm_state")
    assert 'checkpoint "before" is not usable yet' in message
    assert "its data is still on its way (at 50 %). Nothing was changed. Run the task again when all" in message
    assert (result["error"]["retry"], result["changed"], lab.writes()) == ("safe", False, writes)


def test_a_restore_to_what_could_not_be_copied_is_refused() -> None:
    lab = _half_way()
    lab.through = lambda wire: Changed(wire, "/restorePoints/before", _failed_copy)
    result = restore(lab, check=True)
    message = failed(result, "vm_state")
    assert "is not usable: its data could not be copied. Nothing was changed. Choose another one." in message
    assert result["error"]["retry"] == "never"


@pytest.mark.parametrize("incomplete", ["broken", "refused"])
@pytest.mark.parametrize("key", [None, "deploy-1"])
def test_it_is_not_restored_before_all_of_it_is_there(key: str | None, incomplete: str) -> None:
    """All its disks are looked at before the first new one is made, also where the point tells nothing by itself."""
    lab = _half_way(compute_incomplete_copy=incomplete)
    lab.through = lambda wire: Changed(wire, "/restorePoints/before", _viewless)
    writes = lab.writes()
    result = restore(lab, restore_key=key)
    message = failed(result, "vm_state")
    assert "not usable yet: shop01_DataDisk_0_" in message
    assert " is at 50 %. Nothing was changed." in message
    assert "again when all of its data is there" in message
    assert (result["error"]["retry"], result["changed"], lab.writes()) == ("safe", False, writes)
    assert disks(lab) == OLD
    lab.advance(300)
    done(restore(lab, restore_key=key))
    assert guest(lab) == GOOD


def test_its_percent_and_state_are_shown() -> None:
    lab = _half_way()
    asked: dict[str, Any] = {"name": HOME, "resource_group": "rg-shop", "instance_view": True}
    asked["disk_restore_points"] = True

    def shown() -> dict[str, Any]:
        info = done(lab.run("restore_point_collection_info", **asked))
        found: dict[str, Any] = info["restore_point_collections"][0]["restore_points"][0]
        return found

    half = shown()
    assert [(each["percent"], each["state"]) for each in half["replication"]] == [
        (100, "Succeeded"),
        (50, "Replicating"),
    ]
    rows = [(each["percent"], each["replication_state"]) for each in half["disk_restore_points"]]
    assert rows == [(100, "Succeeded"), (50, "InProgress")]
    assert half["usable"] is False
    lab.advance(300)
    whole = shown()
    assert [(each["percent"], each["state"]) for each in whole["replication"]] == [(100, "Succeeded")] * 2
    assert whole["usable"] is True


def test_the_module_for_points_waits_for_all_of_it() -> None:
    lab = make_lab(point=False, compute_hydration_takes="600s")
    done(lab.run("restore_point_collection", name=HOME, resource_group="rg-shop", source=lab.azure_vm))
    result = done(point(lab, wait_timeout="1h"))
    assert lab.seconds >= 600
    assert (result["restore_point"]["usable"], result["operation"]["percent"]) == (True, 100)
    assert {each["state"] for each in result["restore_point"]["replication"]} == {"Succeeded"}


def test_the_deadline_tells_how_far_it_is() -> None:
    lab = make_lab(point=False, compute_hydration_takes="600s")
    done(lab.run("restore_point_collection", name=HOME, resource_group="rg-shop", source=lab.azure_vm))
    result = point(lab, wait_timeout="200s")
    failed(result, "timed_out")
    assert 20 <= result["error"]["operation"]["percent"] <= 40


@pytest.mark.parametrize("how", ["gone", "going"])
@pytest.mark.parametrize("from_the_first", [False, True])
def test_what_is_removed_while_it_is_watched_is_no_success(how: str, from_the_first: bool) -> None:
    lab = make_lab(compute_hydration_takes="600s")
    home = next(iter(lab.world.azure.collections.values()))
    seen: list[httpx.Request] = []

    def watch(request: httpx.Request) -> None:
        if request.method == "GET" and request.url.path.endswith("/new") and lab.sent("PUT"):
            seen.append(request)
            if len(seen) == (2 if from_the_first else 4):
                new = next(each for each in home.points if each.name == "new")
                if how == "going":
                    new.state = "Deleting"
                else:
                    home.points.remove(new)

    lab.watch = watch
    result = point(lab)
    message = failed(result, "not_proven")
    assert ("it was there, and is gone again" if how == "gone" else "it was there, and is being removed") in message
    assert (result["changed"], len(lab.sent())) == (True, 1)
    shown = result["restore_point"]
    assert shown is None if how == "gone" else shown["provisioning_state"] == "Deleting"
    assert lab.seconds < 60


# What depends on a point ----------------------------------------------------------------------------------------------

SERIES: dict[str, Any] = {"name": "s", "max_age": "1h", "supersede": True}


def _asked(lab: Lab) -> list[str]:
    """The points that were asked how far they are, by name."""
    found = [request.url for request in lab.requests if "instanceView" in str(request.url)]
    return [url.path.rpartition("/")[2] for url in found if "/restorePoints/" in url.path]


def _old_one(**switches: Any) -> Lab:
    """A series with a point that is whole and two hours old."""
    lab = make_lab(point=False, **switches)
    done(checkpoint(lab, **SERIES))
    lab.advance(7200)
    return lab


def test_an_older_point_goes_only_when_all_of_the_new_one_is_there() -> None:
    lab = _old_one()
    lab.world.switches.compute_hydration_takes = "400s"
    result = done(checkpoint(lab, **SERIES))
    assert lab.seconds >= 400
    assert (result["checkpoint"]["usable"], names(lab)) == (True, [result["checkpoint"]["name"]])
    done(restore(lab, name=None, checkpoint_id=result["checkpoint"]["id"]))


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [SERIES, {"name": "s", "max_age": "1h"}, {"name": "s", "max_age": "1h", "wait": False}]
)
def test_one_that_is_still_arriving_at_the_deadline_is_waited_for_by_the_next_run(options: dict[str, Any]) -> None:
    """It makes no second one beside it, and the older one stays until then."""
    lab = _old_one()
    (old,) = names(lab)
    lab.world.switches.compute_hydration_takes = "3000s"
    first = checkpoint(lab, **{**options, "wait": True}, wait_timeout="10m")
    assert 'bringing the data of checkpoint "s-' in failed(first, "timed_out")
    assert first["error"]["operation"]["percent"] < 100
    assert (len(names(lab)), names(lab)[0]) == (2, old)
    again = checkpoint(lab, **options, wait_timeout="10m")
    assert "last seen: at " in failed(again, "timed_out")
    assert (again["changed"], len(names(lab))) == (False, 2)
    result = done(checkpoint(lab, **options, wait_timeout="1h"))
    assert (len(lab.sent("PUT", path="/restorePoints/")), result["checkpoint"]["usable"]) == (2, True)
    assert (old in names(lab)) == ("supersede" not in options)


def test_supersede_alone_removes_nothing_for_one_that_is_still_arriving() -> None:
    """The newest that is whole is kept, and what is younger too."""
    lab = _old_one()
    (old,) = names(lab)
    lab.world.switches.compute_hydration_takes = "3000s"
    failed(checkpoint(lab, **SERIES, wait_timeout="10m"), "timed_out")
    result = done(checkpoint(lab, name="s", supersede=True))
    assert (result["changed"], result["checkpoint"]["name"], len(names(lab))) == (False, old, 2)
    points(lab)[0].state = "Failed"
    result = done(checkpoint(lab, name="s", supersede=True))
    assert (result["changed"], result["checkpoint"]["usability"], len(names(lab))) == (False, "arriving", 2)
    assert any("does not show all of it" in text for text in result["warnings"])


def test_a_point_that_nothing_depends_on_is_not_waited_for() -> None:
    lab = make_lab(point=False, compute_hydration_takes="3000s")
    result = done(checkpoint(lab, name="x"))
    assert lab.seconds < 60
    assert result["checkpoint"]["usability"] == "arriving"
    assert any("its data is still on its way (at 0 %)" in text for text in result["warnings"])
    assert _asked(lab) == ["x"]


def test_a_way_back_is_waited_for_before_the_restore() -> None:
    lab = make_lab(compute_hydration_takes="400s")
    done(restore(lab, safety_checkpoint=True))
    assert lab.seconds >= 400
    failed(restore(lab, safety_checkpoint=True, wait_timeout="5m", restore_key="again"), "timed_out")
    assert azure_vm(lab).power == "running"


def test_only_the_newest_point_that_is_whole_is_asked_about() -> None:
    """Of the series, and where it is young: one request, and none for what is older."""
    lab = _old_one()
    done(checkpoint(lab, name="s", max_age="1h"))
    done(checkpoint(lab, name="other"))
    lab.requests.clear()
    done(checkpoint(lab, name="s", max_age="4h"))
    assert _asked(lab) == [names(lab)[1]]
    lab.requests.clear()
    lab.advance(8 * 86400)
    done(checkpoint(lab, name="s", max_age="9d"))
    done(checkpoint(lab, name="s"))
    assert _asked(lab) == []


def test_behind_one_in_a_state_that_nobody_knows_the_next_is_asked_about() -> None:
    lab = _old_one()
    done(checkpoint(lab, name="s", max_age="30m"))
    points(lab)[1].state = "Odd"
    lab.requests.clear()
    assert done(checkpoint(lab, name="s", supersede=True))["changed"] is False
    assert _asked(lab) == names(lab)[::-1]


def test_one_that_goes_while_it_is_arriving() -> None:
    lab = _old_one()
    (old,) = names(lab)
    lab.world.switches.compute_hydration_takes = "400s"

    def remove() -> None:
        home = next(iter(lab.world.azure.collections.values()))
        home.points[:] = [kept for kept in home.points if kept.name == old]

    lab.before_each(lambda _request: len(_asked(lab)) == 5, remove)
    assert "it was there and is gone again" in failed(checkpoint(lab, **SERIES), "not_proven")
    assert names(lab) == [old]


def test_where_the_api_version_has_no_such_view_nothing_is_asked() -> None:
    lab = make_lab(point=False)
    done(checkpoint(lab, **SERIES, compute_api_version="2021-07-01"))
    done(checkpoint(lab, **SERIES, compute_api_version="2021-07-01"))
    assert _asked(lab) == []
    done(checkpoint(lab, **SERIES, compute_api_version="2021-11-01"))
    assert _asked(lab) == names(lab)


def _viewless(document: dict[str, Any]) -> None:
    document["properties"].pop("instanceView", None)


def _failed_copy(document: dict[str, Any]) -> None:
    document["properties"]["instanceView"] = {"statuses": [{"code": "ReplicationState/failed"}]}


def test_a_point_whose_data_could_not_be_copied_does_not_count() -> None:
    lab = _old_one()
    (old,) = names(lab)
    lab.through = lambda wire: Changed(wire, f"/restorePoints/{old}", _failed_copy)
    result = done(checkpoint(lab, name="s", max_age="1d"))
    assert result["changed"] is True
    lab.through = lambda wire: Changed(wire, "/restorePoints/y", _failed_copy)
    assert "its data could not be copied" in failed(checkpoint(lab, name="y"), "operation_failed")
