# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""restore_point_collection: made, updated where the service lets one, never made anew, removed with what it holds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.shop import (
    HOME,
    bench,
    bodies,
    checkpoint,
    collection,
    document,
    done,
    failed,
    names,
    told,
    verbs,
)
from tests.support.bench import Bench

NEWER = "2025-04-01"


def _collection(made: Bench, name: str = HOME) -> Any:
    return next((each for each in made.world.azure.collections.values() if each.name == name), None)


def _id(made: Bench, name: str = HOME) -> str:
    return made.world.azure.resource_id("restorePointCollections", name)


def test_made_for_a_vm_where_the_vm_is() -> None:
    made = bench(point=False)
    options: dict[str, Any] = {"source": made.azure_vm, "tags": {"team": "shop"}}
    checked = done(collection(made, check=True, **options))
    assert (checked["changed"], made.sent(), checked["restore_point_collection"]) == (True, [], None)
    result = done(collection(made, **options))
    assert result["plan"] == checked["plan"]
    assert result["diff"] == checked["diff"]
    assert bodies(made) == [
        {"location": "westeurope", "tags": {"team": "shop"}, "properties": {"source": {"id": made.azure_vm}}}
    ]
    shown = result["restore_point_collection"]
    assert (shown["id"], shown["location"], shown["tags"]) == (_id(made), "westeurope", {"team": "shop"})
    assert (shown["source"], shown["restore_points"], shown["provisioning_state"]) == (made.azure_vm, [], "Succeeded")
    for check in (True, False):
        again = done(collection(made, check=check, **options))
        assert (again["changed"], verbs(again)) == (False, ["keep"])
    assert len(made.sent()) == 1


def test_without_source_nothing_is_made() -> None:
    made = bench(point=False)
    assert "source" in failed(collection(made), "invalid_input")
    gone = made.azure_vm.replace("shop01", "shop99")
    failed(collection(made, source=gone), "not_found")
    assert made.sent() == []


def test_made_for_copies() -> None:
    made = bench()
    options: dict[str, Any] = {"name": "copies", "source": _id(made)}
    assert "location" in failed(collection(made, **options), "invalid_input")
    result = done(collection(made, **options, location="northeurope"))
    assert result["restore_point_collection"]["source"].lower() == _id(made).lower()
    assert _collection(made, "copies").location == "northeurope"
    assert done(collection(made, **options, location="North Europe"))["changed"] is False


def test_tags_are_added_or_replaced() -> None:
    made = bench()
    _collection(made).tags = {"keep": "1", "team": "old"}
    result = done(collection(made, tags={"team": "shop"}))
    assert result["changed"] is True
    assert _collection(made).tags == {"keep": "1", "team": "shop"}
    assert result["restore_point_collection"]["tags"] == {"keep": "1", "team": "shop"}
    assert [method for method, _name in told(made.sent())] == ["PATCH"]
    assert done(collection(made, tags={"team": "shop"}))["changed"] is False
    assert done(collection(made, tags={}))["changed"] is False
    checked = done(collection(made, check=True, tags={"team": "shop"}, append_tags=False))
    assert checked["changed"] is True
    assert _collection(made).tags == {"keep": "1", "team": "shop"}
    done(collection(made, tags={"team": "shop"}, append_tags=False))
    assert _collection(made).tags == {"team": "shop"}
    done(collection(made, tags={}, append_tags=False))
    assert _collection(made).tags == {}
    assert done(collection(made))["changed"] is False


def test_tag_names_are_one_in_any_case_and_values_are_not() -> None:
    made = bench()
    _collection(made).tags = {"Team": "Shop", "keep": "1"}
    assert done(collection(made, tags={"TEAM": "Shop"}))["changed"] is False
    assert made.sent() == []
    assert done(collection(made, tags={"team": "shop"}))["changed"] is True
    assert _collection(made).tags == {"Team": "shop", "keep": "1"}
    assert done(collection(made, tags={"tEAM": "shop"}, append_tags=False))["changed"] is True
    assert _collection(made).tags == {"Team": "shop"}


def test_tags_that_the_service_spells_otherwise_are_there() -> None:
    made = bench()
    made.heard = lambda request: _spell(made) if request.method == "PATCH" else None
    assert done(collection(made, tags={"team": "shop"}, settle_time="5s"))["changed"] is True
    assert _collection(made).tags["TEAM"] == "shop"
    assert done(collection(made, tags={"team": "shop"}))["changed"] is False


def _spell(made: Bench) -> None:
    _collection(made).tags = {tag.upper(): value for tag, value in _collection(made).tags.items()}


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        ({"fine": "x", "cost_center": 4711}, "tags: cost_center takes text; write its value in quotes"),
        ({"on": True}, "tags: on takes text"),
        ({"none": None}, "tags: none takes text"),
        ({"list": ["a"]}, "tags: list takes text"),
        ({"Team": "a", "team": "a"}, "tags: Team and team are one name to Azure; keep one"),
    ],
)
def test_tags_that_are_none(tags: dict[str, Any], told: str) -> None:
    made = bench()
    result = collection(made, tags=tags)
    assert (result["error"]["code"], result["msg"].startswith(told), "\n" in result["msg"]) == (
        "invalid_input",
        True,
        False,
    )
    assert made.requests == []


def test_update_leaves_the_points() -> None:
    made = bench()
    result = done(collection(made, tags={"a": "b"}))
    assert names(made) == ["before"]
    assert [each["name"] for each in result["restore_point_collection"]["restore_points"]] == ["before"]


@pytest.mark.parametrize("version", ["2024-07-01", "2024-11-01"])
def test_instant_access_needs_its_api_version(version: str) -> None:
    made = bench()
    message = failed(collection(made, instant_access=True, compute_api_version=version), "invalid_input")
    assert NEWER in message
    assert version in message
    assert made.sent() == []


def test_instant_access() -> None:
    made = bench(point=False)
    newer: dict[str, Any] = {"compute_api_version": NEWER, "source": made.azure_vm}
    done(collection(made, instant_access=True, **newer))
    assert bodies(made)[0]["properties"]["instantAccess"] is True
    assert _collection(made).instant_access is True
    assert done(collection(made, instant_access=True, **newer))["changed"] is False
    checked = done(collection(made, check=True, instant_access=False, **newer))
    result = done(collection(made, instant_access=False, **newer))
    assert result["plan"] == checked["plan"]
    assert _collection(made).instant_access is False
    assert result["restore_point_collection"]["instant_access"] is False
    assert done(collection(made, instant_access=False, **newer))["changed"] is False
    both = done(collection(made, instant_access=True, tags={"x": "y"}, **newer))
    assert both["changed"] is True
    assert len(made.sent("PATCH")) == 2
    assert (_collection(made).instant_access, _collection(made).tags) == (True, {"x": "y"})


def test_source_and_location_cannot_be_changed() -> None:
    made = bench()
    other = made.world.azure.named("shop02").id
    for check in (True, False):
        message = failed(collection(made, check=check, source=other, location="eastus"), "invalid_input")
        assert "source is" in message
        assert "location is westeurope" in message
        assert "cannot be changed" in message
    assert made.sent() == []
    spelled = done(collection(made, source=made.azure_vm.upper(), location="West Europe"))
    assert spelled["changed"] is False


def test_removing_one_with_points_is_refused() -> None:
    made = bench()
    done(checkpoint(made, name="later"))
    writes = made.writes()
    for check in (True, False):
        message = failed(collection(made, check=check, state="absent"), "invalid_input")
        assert "before, later" in message
        assert "force" in message
    assert (made.writes(), names(made)) == (writes, ["before", "later"])


def test_forced_it_goes_with_all_points() -> None:
    made = bench()
    checked = done(collection(made, check=True, state="absent", force=True))
    assert "before" in str(checked["plan"])
    assert "before" in checked["diff"]["before"]
    assert _collection(made) is not None
    result = done(collection(made, state="absent", force=True))
    assert result["plan"] == checked["plan"]
    assert (_collection(made), result["restore_point_collection"]) == (None, None)
    assert done(collection(made, state="absent", force=True))["changed"] is False
    assert len(made.sent("DELETE")) == 1


def test_an_empty_one_goes_without_force() -> None:
    made = bench()
    done(checkpoint(made, name="before", state="absent"))
    assert done(collection(made, state="absent"))["changed"] is True
    assert _collection(made) is None


def test_an_approved_deletion_does_not_cover_points_that_came_since() -> None:
    made = bench()
    plan = done(collection(made, check=True, state="absent", force=True))["plan"]
    done(checkpoint(made, name="later"))
    failed(collection(made, state="absent", force=True, expected_plan=plan), "plan_changed")
    assert names(made) == ["before", "later"]


@pytest.mark.parametrize("name", ["a b", "x/y", "", "ä", "a" * 81])
def test_names(name: str) -> None:
    made = bench(point=False)
    failed(collection(made, name=name, source=made.azure_vm), "invalid_input")
    assert made.sent() == []


@pytest.mark.parametrize("group", ["", "a.", "a b", "x" * 91, "a/b"])
def test_groups(group: str) -> None:
    made = bench(point=False)
    failed(collection(made, resource_group=group, source=made.azure_vm), "invalid_input")


@pytest.mark.parametrize("check", [True, False])
def test_in_another_group_that_is_missing(check: bool) -> None:
    """Nothing can be made there, and check mode knows it; what is to be absent is."""
    made = bench(point=False)
    message = failed(collection(made, check=check, resource_group="rg-none", source=made.azure_vm), "not_found")
    assert "ResourceGroupNotFound: Resource group 'rg-none' could not be found" in message
    assert done(collection(made, check=check, resource_group="rg-none", state="absent"))["changed"] is False
    assert made.sent() == []


def test_no_subscription() -> None:
    made = bench(point=False)
    message = failed(collection(made, source=made.azure_vm, subscription_id=None), "invalid_input")
    assert "subscription_id" in message


def test_points_are_not_managed_by_tag_unless_asked() -> None:
    """A collection made by this module is the user's; what vm_checkpoint makes in it is not marked as ours."""
    compute = document()
    compute["collections"] = []
    made = bench(compute, point=False)
    done(collection(made, source=made.azure_vm))
    assert done(checkpoint(made, name="x"))["checkpoint"]["managed"] is False
