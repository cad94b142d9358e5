# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same verbs on an Azure VM: a checkpoint is a restore point in the VM's collection."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    HOME,
    checkpoint,
    document,
    done,
    fail_next,
    failed,
    jobs,
    make_lab,
    names,
    points,
    steps_of,
    verbs,
)
from tests.support.lab import Lab


def _home(lab: Lab, name: str = HOME, group: str | None = None) -> str:
    return lab.world.azure.resource_id("restorePointCollections", name, group)


def test_present_makes_the_collection_and_the_point() -> None:
    lab = make_lab(point=False)
    checked = done(checkpoint(lab, check=True, name="before"))
    assert lab.sent() == []
    assert verbs(checked) == [f"make restore point collection {HOME}", "create"]
    assert checked["checkpoint"] is None or checked["checkpoint"]["id"] is None
    result = done(checkpoint(lab, name="before"))
    assert result["plan"] == checked["plan"]
    assert steps_of(lab.sent()) == [("PUT", HOME), ("PUT", "before")]
    point = result["checkpoint"]
    assert point["id"] == f"{_home(lab)}/restorePoints/before"
    assert (point["usable"], point["managed"], point["consistency"]) == (True, True, "FileSystemConsistent")
    assert point["created"] == "2026-11-20T11:30:00Z" or point["created"].startswith("2026-11-20T11:30:")
    collection = next(iter(lab.world.azure.collections.values()))
    assert (collection.location, collection.source.lower()) == ("westeurope", lab.azure_vm.lower())
    assert collection.tags == {"hybridvm-checkpoints": "managed"}
    for check in (True, False):
        again = done(checkpoint(lab, check=check, name="before"))
        assert (again["changed"], verbs(again)) == (False, ["keep"])
    assert len(lab.sent()) == 2


def test_absent_removes_it_and_leaves_the_collection() -> None:
    lab = make_lab()
    checked = done(checkpoint(lab, check=True, name="before", state="absent"))
    assert (verbs(checked), names(lab), lab.sent()) == (["delete"], ["before"], [])
    result = done(checkpoint(lab, name="before", state="absent"))
    assert (result["changed"], names(lab), result["plan"]) == (True, [], checked["plan"])
    again = done(checkpoint(lab, name="before", state="absent"))
    assert (again["changed"], verbs(again)) == (False, [])
    assert len(lab.world.azure.collections) == 1


def test_absent_without_a_collection_is_nothing_to_do() -> None:
    lab = make_lab(point=False)
    assert done(checkpoint(lab, name="before", state="absent"))["changed"] is False
    assert lab.sent() == []


def test_max_age_adds_to_the_series() -> None:
    lab = make_lab()
    point = points(lab)[0]
    first = done(checkpoint(lab, name="before", max_age="2d"))
    assert (first["changed"], first["checkpoint"]["name"]) == (False, "before")
    fresh = done(checkpoint(lab, name="before", max_age="1h"))
    assert fresh["changed"] is True
    assert fresh["checkpoint"]["name"].startswith("before-20261120T1130")
    assert point in points(lab)
    again = done(checkpoint(lab, name="before", max_age="1h"))
    assert (again["changed"], again["checkpoint"]["name"]) == (False, fresh["checkpoint"]["name"])
    # A plain present is satisfied by any of the series, and absent must know which one.
    assert done(checkpoint(lab, name="before"))["changed"] is False
    assert "before" in failed(checkpoint(lab, name="before", state="absent"), "ambiguous")
    lab.advance(7200)
    third = done(checkpoint(lab, name="before", max_age="1h"))
    assert third["changed"] is True
    assert len(names(lab)) == 3


def test_supersede_removes_the_older_ones_once_the_new_one_hangs() -> None:
    lab = make_lab()
    done(checkpoint(lab, name="before", max_age="1h"))
    lab.advance(7200)
    checked = done(checkpoint(lab, check=True, name="before", max_age="1h", supersede=True))
    assert verbs(checked) == ["create", "delete", "delete"]
    result = done(checkpoint(lab, name="before", max_age="1h", supersede=True))
    assert names(lab) == [result["checkpoint"]["name"]]
    sent = steps_of(lab.sent())
    assert [method for method, _name in sent] == ["PUT", "PUT", "DELETE", "DELETE"]
    assert sent[-2][1] == "before"  # the oldest first


def test_supersede_keeps_everything_when_the_new_one_fails() -> None:
    lab = make_lab()
    fail_next(lab, "point")
    failed(checkpoint(lab, name="before", max_age="1h", supersede=True), "operation_failed")
    assert "before" in names(lab)


def test_in_a_collection_that_is_not_ours_only_what_we_made_is_superseded() -> None:
    compute = document()
    compute["collections"][0]["tags"] = {}
    lab = make_lab(compute)
    result = done(checkpoint(lab, name="before", max_age="1h", supersede=True))
    assert (result["changed"], result["checkpoint"]["managed"]) == (True, True)
    lab.advance(7200)
    again = done(checkpoint(lab, name="before", max_age="1h", supersede=True))
    assert names(lab) == ["before", again["checkpoint"]["name"]]


def test_a_description_is_not_kept_and_that_is_reported_each_time_in_the_same_words() -> None:
    """There is nothing to change, so it is no drift, and none of several is chosen by it."""
    lab = make_lab()
    new = done(checkpoint(lab, name="new", description="described"))
    again = done(checkpoint(lab, name="new", description="described"))
    assert (new["changed"], again["changed"]) == (True, False)
    assert (
        new["warnings"]
        == again["warnings"]
        == ["vm shop01: Azure Compute keeps no descriptions; this one is not stored."]
    )
    assert "drift" not in again
    assert "drift" not in new
    assert done(checkpoint(lab, name="new"))["warnings"] == []
    done(checkpoint(lab, name="new", max_age=1))
    assert done(checkpoint(lab, name="new", description="described"))["changed"] is False


def test_by_id() -> None:
    lab = make_lab()
    point_id = f"{_home(lab)}/restorePoints/before"
    for spelled in (point_id, point_id.upper(), point_id.lower()):
        assert done(checkpoint(lab, checkpoint_id=spelled))["changed"] is False
    assert "no checkpoint has the id" in failed(checkpoint(lab, checkpoint_id=f"{point_id}2"), "missing_checkpoint")
    assert done(checkpoint(lab, checkpoint_id=point_id, state="absent"))["changed"] is True
    assert names(lab) == []


def test_an_approved_plan() -> None:
    lab = make_lab(point=False)
    plan = done(checkpoint(lab, check=True, name="new"))["plan"]
    failed(checkpoint(lab, name="other", expected_plan=plan), "plan_changed")
    assert lab.sent() == []
    assert done(checkpoint(lab, name="new", expected_plan=plan["digest"]))["changed"] is True
    # What is left of it: nothing.
    assert done(checkpoint(lab, name="new", expected_plan=plan))["changed"] is False


def test_an_approval_does_not_depend_on_how_the_vms_id_is_spelled() -> None:
    lab = make_lab(point=False)
    spelled = [lab.azure_vm, lab.azure_vm.upper(), lab.azure_vm.lower()]
    plans = [done(checkpoint(lab, check=True, vm=vm, name="new"))["plan"] for vm in spelled]
    assert len({plan["digest"] for plan in plans}) == 1
    done(checkpoint(lab, vm=spelled[1], name="new", expected_plan=plans[2]["digest"]))
    home = next(iter(lab.world.azure.collections.values()))
    assert home.name == HOME


@pytest.mark.parametrize(
    "name", ["", "-x", "_x", ".x", "a b", "a/b", "ä", "a" * 81, "x?y", "a%2fb", "x#"], ids=["empty", *"abcdefghij"]
)
def test_names_that_azure_does_not_take(name: str) -> None:
    lab = make_lab()
    failed(checkpoint(lab, name=name), "invalid_input")
    assert lab.sent() == []


@pytest.mark.parametrize("name", ["a", "9", "a" * 80, "A.b-c_d"])
def test_names_that_azure_takes(name: str) -> None:
    lab = make_lab()
    assert done(checkpoint(lab, name=name))["checkpoint"]["name"] == name


def test_the_name_of_a_series_leaves_room() -> None:
    lab = make_lab()
    assert "with max_age" in failed(checkpoint(lab, name="a" * 80, max_age="1h"), "invalid_input")
    longest = next(n for n in range(80, 0, -1) if "error" not in checkpoint(lab, check=True, name="a" * n, max_age=1))
    made_name = done(checkpoint(lab, name="a" * longest, max_age="1h"))["checkpoint"]["name"]
    assert len(made_name) == 80


@pytest.mark.parametrize("kept", ["kept", "removed"])
def test_a_point_that_failed_is_made_again(kept: str) -> None:
    lab = make_lab(point=False, compute_failed_point=kept)
    fail_next(lab, "point", None, "VMRestorePointInternalError")
    result = checkpoint(lab, name="before")
    assert "VMRestorePointInternalError" in failed(result, "operation_failed")
    checked = done(checkpoint(lab, check=True, name="before"))
    assert verbs(checked) == (["delete", "create"] if kept == "kept" else ["create"])
    again = done(checkpoint(lab, name="before"))
    assert (again["changed"], again["checkpoint"]["usable"]) == (True, True)
    assert [point.state for point in points(lab)] == ["Succeeded"]


def test_a_point_that_is_being_made_is_joined() -> None:
    lab = make_lab(point=False, compute_point_takes="300s")
    first = done(checkpoint(lab, name="before", wait=False))
    assert (first["changed"], first["checkpoint"]["usability"]) == (True, "arriving")
    assert first["operation"]["status"] == "running"
    assert first["operation"]["id"]
    lab.advance(10)
    second = done(checkpoint(lab, name="before"))
    assert second["checkpoint"]["usable"] is True
    assert (jobs(lab, "point"), names(lab)) == (1, ["before"])
    assert lab.seconds > 200


def test_wait_false_of_a_point_that_is_being_made() -> None:
    lab = make_lab(point=False, compute_point_takes="300s")
    done(checkpoint(lab, name="before", wait=False))
    failed(checkpoint(lab, name="before", wait_timeout="30s"), "locked")
    assert jobs(lab, "point") == 1
    lab.advance(300)
    assert done(checkpoint(lab, name="before", wait=False))["changed"] is False


def test_the_deadline_passes_while_it_is_made() -> None:
    lab = make_lab(point=False, compute_point_takes="300s")
    failed(checkpoint(lab, name="before", wait_timeout="60s"), "timed_out")
    assert done(checkpoint(lab, name="before"))["checkpoint"]["usable"] is True
    assert jobs(lab, "point") == 1


# The collection option ------------------------------------------------------------------------------------------------


def _collections(lab: Lab) -> list[str]:
    return [each.id.split("/resourceGroups/")[1] for each in lab.world.azure.collections.values()]


def test_a_collection_by_name() -> None:
    lab = make_lab(point=False)
    done(checkpoint(lab, name="before", collection="mine"))
    assert _collections(lab) == ["rg-shop/providers/Microsoft.Compute/restorePointCollections/mine"]
    assert done(checkpoint(lab, name="before", collection="MINE"))["changed"] is False
    other = done(checkpoint(lab, check=True, name="before"))
    assert verbs(other) == [f"make restore point collection {HOME}", "create"]


def test_a_collection_by_id() -> None:
    lab = make_lab(point=False)
    lab.world.azure.add_group("rg-points", "westeurope")
    home = _home(lab, "mine", "rg-points")
    result = done(checkpoint(lab, name="before", collection=home))
    assert result["checkpoint"]["id"] == f"{home}/restorePoints/before"
    assert done(checkpoint(lab, name="before", collection=home, state="absent"))["changed"] is True
    done(checkpoint(lab, name="before", collection=home))
    done(lab.run("vm_checkpoint_restore", vm=lab.azure_vm, name="before", collection=home))


@pytest.mark.parametrize("collection", ["a b", "x/y", "", "/subscriptions/x", "/nonsense"])
def test_a_collection_that_cannot_be(collection: str) -> None:
    lab = make_lab(point=False)
    failed(checkpoint(lab, name="before", collection=collection), "invalid_input")
    assert lab.sent() == []


def test_something_else_in_the_collections_place() -> None:
    lab = make_lab(point=False)
    message = failed(checkpoint(lab, name="before", collection=lab.azure_vm), "invalid_input")
    assert "restorePointCollections" in message


def test_another_vms_collection_is_refused() -> None:
    compute: dict[str, Any] = document()
    compute["collections"].append({"name": "theirs", "source": "shop02"})
    lab = make_lab(compute)
    for state in ("present", "absent"):
        message = failed(checkpoint(lab, collection="theirs", name="x", state=state), "invalid_input")
        assert "shop02" in message
    assert lab.sent() == []


def test_default_collection_of_a_long_name() -> None:
    compute = document()
    compute["vms"].append({"name": "b" * 64, "os_disk": {}})
    lab = make_lab(compute)
    vm = lab.world.azure.named("b" * 64).id
    result = done(lab.run("vm_checkpoint", vm=vm, name="before"))
    assert len(result["checkpoint"]["id"].split("/")[8]) <= 80
