# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""restore_point_collection: made, updated where the service lets one, never made anew, removed with what it holds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    HOME,
    bodies,
    checkpoint,
    collection,
    document,
    done,
    failed,
    make_lab,
    names,
    steps_of,
    verbs,
)
from tests.support.lab import Lab

NEWER = "2025-04-01"


def _collection(lab: Lab, name: str = HOME) -> Any:
    return next((each for each in lab.world.azure.collections.values() if each.name == name), None)


def _id(lab: Lab, name: str = HOME) -> str:
    return lab.world.azure.resource_id("restorePointCollections", name)


def test_made_for_a_vm_where_the_vm_is() -> None:
    lab = make_lab(point=False)
    options: dict[str, Any] = {"source": lab.azure_vm, "tags": {"team": "shop"}}
    checked = done(collection(lab, check=True, **options))
    assert (checked["changed"], lab.sent(), checked["restore_point_collection"]) == (True, [], None)
    result = done(collection(lab, **options))
    assert result["plan"] == checked["plan"]
    assert result["diff"] == checked["diff"]
    assert bodies(lab) == [
        {"location": "westeurope", "tags": {"team": "shop"}, "properties": {"source": {"id": lab.azure_vm}}}
    ]
    shown = result["restore_point_collection"]
    assert (shown["id"], shown["location"], shown["tags"]) == (_id(lab), "westeurope", {"team": "shop"})
    assert (shown["source"], shown["restore_points"], shown["provisioning_state"]) == (lab.azure_vm, [], "Succeeded")
    for check in (True, False):
        again = done(collection(lab, check=check, **options))
        assert (again["changed"], verbs(again)) == (False, ["keep"])
    assert len(lab.sent()) == 1


def test_without_source_nothing_is_made() -> None:
    lab = make_lab(point=False)
    assert "source" in failed(collection(lab), "invalid_input")
    gone = lab.azure_vm.replace("shop01", "shop99")
    failed(collection(lab, source=gone), "not_found")
    assert lab.sent() == []


def test_made_for_copies() -> None:
    lab = make_lab()
    options: dict[str, Any] = {"name": "copies", "source": _id(lab)}
    assert "location" in failed(collection(lab, **options), "invalid_input")
    result = done(collection(lab, **options, location="northeurope"))
    assert result["restore_point_collection"]["source"].lower() == _id(lab).lower()
    assert _collection(lab, "copies").location == "northeurope"
    assert done(collection(lab, **options, location="North Europe"))["changed"] is False


def test_tags_are_added_or_replaced() -> None:
    lab = make_lab()
    _collection(lab).tags = {"keep": "1", "team": "old"}
    result = done(collection(lab, tags={"team": "shop"}))
    assert result["changed"] is True
    assert _collection(lab).tags == {"keep": "1", "team": "shop"}
    assert result["restore_point_collection"]["tags"] == {"keep": "1", "team": "shop"}
    assert [method for method, _name in steps_of(lab.sent())] == ["PATCH"]
    assert done(collection(lab, tags={"team": "shop"}))["changed"] is False
    assert done(collection(lab, tags={}))["changed"] is False
    checked = done(collection(lab, check=True, tags={"team": "shop"}, append_tags=False))
    assert checked["changed"] is True
    assert _collection(lab).tags == {"keep": "1", "team": "shop"}
    done(collection(lab, tags={"team": "shop"}, append_tags=False))
    assert _collection(lab).tags == {"team": "shop"}
    done(collection(lab, tags={}, append_tags=False))
    assert _collection(lab).tags == {}
    assert done(collection(lab))["changed"] is False


def test_tag_names_are_one_in_any_case_and_values_are_not() -> None:
    lab = make_lab()
    _collection(lab).tags = {"Team": "Shop", "keep": "1"}
    assert done(collection(lab, tags={"TEAM": "Shop"}))["changed"] is False
    assert lab.sent() == []
    assert done(collection(lab, tags={"team": "shop"}))["changed"] is True
    assert _collection(lab).tags == {"Team": "shop", "keep": "1"}
    assert done(collection(lab, tags={"tEAM": "shop"}, append_tags=False))["changed"] is True
    assert _collection(lab).tags == {"Team": "shop"}


def test_tags_that_the_service_spells_otherwise_are_there() -> None:
    lab = make_lab()
    lab.heard = lambda request: _spell(lab) if request.method == "PATCH" else None
    assert done(collection(lab, tags={"team": "shop"}, settle_time="5s"))["changed"] is True
    assert _collection(lab).tags["TEAM"] == "shop"
    assert done(collection(lab, tags={"team": "shop"}))["changed"] is False


def _spell(lab: Lab) -> None:
    _collection(lab).tags = {tag.upper(): value for tag, value in _collection(lab).tags.items()}


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"fine": "x", "cost_center": 4711}, "tags: cost_center takes text; write its value in quotes"),
        ({"on": True}, "tags: on takes text"),
        ({"none": None}, "tags: none takes text"),
        ({"list": ["a"]}, "tags: list takes text"),
        ({"Team": "a", "team": "a"}, "tags: Team and team are one name to Azure; keep one"),
    ],
)
def test_tags_that_are_none(tags: dict[str, Any], expected: str) -> None:
    lab = make_lab()
    result = collection(lab, tags=tags)
    assert (result["error"]["code"], result["msg"].startswith(expected), "\n" in result["msg"]) == (
        "invalid_input",
        True,
        False,
    )
    assert lab.requests == []


def test_update_leaves_the_points() -> None:
    lab = make_lab()
    result = done(collection(lab, tags={"a": "b"}))
    assert names(lab) == ["before"]
    assert [each["name"] for each in result["restore_point_collection"]["restore_points"]] == ["before"]


@pytest.mark.parametrize("version", ["2024-07-01", "2024-11-01"])
def test_instant_access_needs_its_api_version(version: str) -> None:
    lab = make_lab()
    message = failed(collection(lab, instant_access=True, compute_api_version=version), "invalid_input")
    assert NEWER in message
    assert version in message
    assert lab.sent() == []


def test_instant_access() -> None:
    lab = make_lab(point=False)
    newer: dict[str, Any] = {"compute_api_version": NEWER, "source": lab.azure_vm}
    done(collection(lab, instant_access=True, **newer))
    assert bodies(lab)[0]["properties"]["instantAccess"] is True
    assert _collection(lab).instant_access is True
    assert done(collection(lab, instant_access=True, **newer))["changed"] is False
    checked = done(collection(lab, check=True, instant_access=False, **newer))
    result = done(collection(lab, instant_access=False, **newer))
    assert result["plan"] == checked["plan"]
    assert _collection(lab).instant_access is False
    assert result["restore_point_collection"]["instant_access"] is False
    assert done(collection(lab, instant_access=False, **newer))["changed"] is False
    both = done(collection(lab, instant_access=True, tags={"x": "y"}, **newer))
    assert both["changed"] is True
    assert len(lab.sent("PATCH")) == 2
    assert (_collection(lab).instant_access, _collection(lab).tags) == (True, {"x": "y"})


def test_source_and_location_cannot_be_changed() -> None:
    lab = make_lab()
    other = lab.world.azure.named("shop02").id
    for check in (True, False):
        message = failed(collection(lab, check=check, source=other, location="eastus"), "invalid_input")
        assert "source is" in message
        assert "location is westeurope" in message
        assert "cannot be changed" in message
    assert lab.sent() == []
    spelled = done(collection(lab, source=lab.azure_vm.upper(), location="West Europe"))
    assert spelled["changed"] is False


def test_removing_one_with_points_is_refused() -> None:
    lab = make_lab()
    done(checkpoint(lab, name="later"))
    writes = lab.writes()
    for check in (True, False):
        message = failed(collection(lab, check=check, state="absent"), "invalid_input")
        assert "before, later" in message
        assert "force" in message
    assert (lab.writes(), names(lab)) == (writes, ["before", "later"])


def test_forced_it_goes_with_all_points() -> None:
    lab = make_lab()
    checked = done(collection(lab, check=True, state="absent", force=True))
    assert "before" in str(checked["plan"])
    assert "before" in checked["diff"]["before"]
    assert _collection(lab) is not None
    result = done(collection(lab, state="absent", force=True))
    assert result["plan"] == checked["plan"]
    assert (_collection(lab), result["restore_point_collection"]) == (None, None)
    assert done(collection(lab, state="absent", force=True))["changed"] is False
    assert len(lab.sent("DELETE")) == 1


def test_an_empty_one_goes_without_force() -> None:
    lab = make_lab()
    done(checkpoint(lab, name="before", state="absent"))
    assert done(collection(lab, state="absent"))["changed"] is True
    assert _collection(lab) is None


def test_an_approved_deletion_does_not_cover_points_that_came_since() -> None:
    lab = make_lab()
    plan = done(collection(lab, check=True, state="absent", force=True))["plan"]
    done(checkpoint(lab, name="later"))
    failed(collection(lab, state="absent", force=True, expected_plan=plan), "plan_changed")
    assert names(lab) == ["before", "later"]


@pytest.mark.parametrize("name", ["a b", "x/y", "", "ä", "a" * 81])
def test_names(name: str) -> None:
    lab = make_lab(point=False)
    failed(collection(lab, name=name, source=lab.azure_vm), "invalid_input")
    assert lab.sent() == []


@pytest.mark.parametrize("group", ["", "a.", "a b", "x" * 91, "a/b"])
def test_groups(group: str) -> None:
    lab = make_lab(point=False)
    failed(collection(lab, resource_group=group, source=lab.azure_vm), "invalid_input")


@pytest.mark.parametrize("check", [True, False])
def test_in_another_group_that_is_missing(check: bool) -> None:
    """Nothing can be made there, and check mode knows it; what is to be absent is."""
    lab = make_lab(point=False)
    message = failed(collection(lab, check=check, resource_group="rg-none", source=lab.azure_vm), "not_found")
    assert "ResourceGroupNotFound: Resource group 'rg-none' could not be found" in message
    assert done(collection(lab, check=check, resource_group="rg-none", state="absent"))["changed"] is False
    assert lab.sent() == []


def test_no_subscription() -> None:
    lab = make_lab(point=False)
    message = failed(collection(lab, source=lab.azure_vm, subscription_id=None), "invalid_input")
    assert "subscription_id" in message


def test_points_are_not_managed_by_tag_unless_asked() -> None:
    """A collection made by this module is the user's; what vm_checkpoint makes in it is not marked as ours."""
    compute = document()
    compute["collections"] = []
    lab = make_lab(compute, point=False)
    done(collection(lab, source=lab.azure_vm))
    assert done(checkpoint(lab, name="x"))["checkpoint"]["managed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_more_tags_than_azure_takes(check: bool) -> None:
    """A resource has at most 50 (use tags to organize your Azure resources)."""
    lab = make_lab()
    many = {f"t{number}": "x" for number in range(50)}
    for options in ({"tags": many}, {"name": "new", "source": lab.azure_vm, "tags": {**many, "more": "x"}}):
        message = failed(collection(lab, check=check, **options), "invalid_input")
        assert "tags: there would be 51, and Azure takes 50 on a resource." in message
    assert lab.sent() == []
    assert done(collection(lab, check=check, tags=many, append_tags=False))["changed"] is True
