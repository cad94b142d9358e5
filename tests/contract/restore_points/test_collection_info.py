# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""restore_point_collection_info: by name, by group, by subscription (Resource Graph); and how far each point is."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.contract.compute.azure_harness import DOCUMENT, HOME, collection, document, done, failed, make_lab, point
from tests.support.lab import Lab, Result


def _info(lab: Lab, **options: Any) -> Result:
    return lab.run("restore_point_collection_info", **options)


def _names(result: Result) -> list[str]:
    return [each["name"] for each in done(result)["restore_point_collections"]]


def _many(count: int) -> dict[str, Any]:
    compute = document()
    more = [{"name": f"c{n:02}", "source": "shop02", "resource_group": f"rg-{n % 2}"} for n in range(count)]
    compute["collections"] += more
    return compute


def test_by_name() -> None:
    lab = make_lab()
    result = done(_info(lab, name=HOME, resource_group="rg-shop"))
    (shown,) = result["restore_point_collections"]
    assert (shown["name"], shown["location"], shown["source"].lower()) == (HOME, "westeurope", lab.azure_vm.lower())
    assert shown["tags"] == {"hybridvm-checkpoints": "managed"}
    (before,) = shown["restore_points"]
    assert (before["name"], before["usable"], before["replication"]) == ("before", True, [])
    assert before["created"] == "2026-11-19T11:30:00Z"
    assert (result["changed"], lab.sent()) == (False, [])
    assert _names(_info(lab, name="nope", resource_group="rg-shop")) == []
    assert "resource_group" in failed(_info(lab, name=HOME), "invalid_input")


def test_without_points() -> None:
    lab = make_lab()
    (shown,) = done(_info(lab, name=HOME, resource_group="rg-shop", points=False))["restore_point_collections"]
    assert shown["restore_points"] is None


@pytest.mark.parametrize("size", [0, 1, 2])
@pytest.mark.parametrize("empty", [False, True])
def test_by_group(size: int, empty: bool) -> None:
    lab = make_lab(_many(7), compute_page_size=size, compute_empty_page=empty)
    assert _names(_info(lab, resource_group="rg-shop")) == [HOME]
    assert _names(_info(lab, resource_group="RG-1")) == ["c01", "c03", "c05"]
    assert lab.sent() == []


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_a_subscription_is_asked_of_resource_graph(size: int) -> None:
    lab = make_lab(_many(7), compute_graph_page_size=size)
    expected = sorted([HOME, *(f"c{n:02}" for n in range(7))])
    assert sorted(_names(_info(lab))) == expected
    asked = [json.loads(each.content) for each in lab.sent("POST", path="/providers/Microsoft.ResourceGraph/")]
    assert len(asked) == -(-8 // size)
    assert all(each["subscriptions"] == [lab.world.azure.subscription_id] for each in asked)
    assert ["$skipToken" in each["options"] for each in asked] == [False] + [True] * (len(asked) - 1)
    assert len(asked) == len(lab.sent())


def test_several_subscriptions() -> None:
    lab = make_lab()
    own, other = lab.world.azure.subscription_id, "33333333-0000-4000-8000-000000000009"
    assert _names(_info(lab, subscriptions=[own, other])) == [HOME]
    assert _names(_info(lab, subscriptions=[other])) == []
    failed(_info(lab, subscriptions=[own], resource_group="rg-shop"), "invalid_input")


def test_no_subscription() -> None:
    lab = make_lab()
    assert "subscription_id" in failed(_info(lab, subscription_id=None), "invalid_input")
    assert "subscription_id" in failed(_info(lab, subscription_id=None, resource_group="rg-shop"), "invalid_input")


def test_what_resource_graph_does_not_know_yet_or_still_knows() -> None:
    """It is eventually consistent: one that is gone is left out, and nothing is decided by it."""
    lab = make_lab(compute_graph_stale_seconds=600.0)
    assert _names(_info(lab)) == [HOME]
    done(collection(lab, state="absent", force=True))
    assert _names(_info(lab)) == []


def test_by_source() -> None:
    lab = make_lab(_many(3))
    assert _names(_info(lab, source=lab.azure_vm)) == [HOME]
    assert _names(_info(lab, source=lab.azure_vm.upper().lstrip("/"))) == [HOME]
    assert _names(_info(lab, source=f"{lab.azure_vm}9")) == []


def test_instance_view_and_disk_restore_points() -> None:
    lab = make_lab(compute_copy_takes="600s")
    source = lab.world.azure.resource_id("restorePointCollections", HOME)
    done(collection(lab, name="copies", source=source, location="northeurope"))
    done(point(lab, name="copy", collection="copies", source_restore_point="before", wait=False))
    lab.advance(302)
    asked: dict[str, Any] = {"name": "copies", "resource_group": "rg-shop"}
    (plain,) = done(_info(lab, **asked))["restore_point_collections"][0]["restore_points"]
    assert plain["replication"] == []
    (viewed,) = done(_info(lab, instance_view=True, **asked))["restore_point_collections"][0]["restore_points"]
    assert [each["percent"] for each in viewed["replication"]] == [100, 50]
    (whole,) = done(_info(lab, disk_restore_points=True, **asked))["restore_point_collections"][0]["restore_points"]
    assert [each["percent"] for each in whole["disk_restore_points"]] == [100, 50]
    assert all("/diskRestorePoints/" in each["source_id"] for each in whole["disk_restore_points"])
    assert lab.sent("POST") == []


def test_disk_restore_points_of_a_point() -> None:
    lab = make_lab()
    asked: dict[str, Any] = {"name": HOME, "resource_group": "rg-shop", "disk_restore_points": True}
    (before,) = done(_info(lab, **asked))["restore_point_collections"][0]["restore_points"]
    assert [each["os_type"] for each in before["disk_restore_points"]] == ["Linux", None]
    assert [each["source_id"].rsplit("/", 1)[-1] for each in before["disk_restore_points"]] == [
        "shop01_OsDisk",
        "shop01_DataDisk_0",
    ]


def test_check_mode_is_no_different() -> None:
    lab = make_lab()
    plain, checked = _info(lab), lab.run("restore_point_collection_info", check=True)
    assert done(plain)["restore_point_collections"] == done(checked)["restore_point_collections"]


@pytest.mark.parametrize("version", ["2021-04-01", "2022-11-01", "2024-07-01"])
def test_a_point_in_both_recorded_shapes(version: str) -> None:
    compute = document()
    compute["collections"][0]["points"][0]["version"] = version
    lab = make_lab(compute)
    asked: dict[str, Any] = {"name": HOME, "resource_group": "rg-shop", "compute_api_version": version}
    (before,) = done(_info(lab, **asked))["restore_point_collections"][0]["restore_points"]
    assert (before["created"], before["usable"]) == ("2026-11-19T11:30:00Z", True)
    assert DOCUMENT["collections"][0]["points"] == [{"name": "before"}]


@pytest.mark.parametrize(
    ("option", "given", "expected", "remedy"),
    [
        ("source", "shop01", "is a name, and an ARM id is needed", "Write /subscriptions/GUID/"),
        ("source", "/subscriptions/x/resourceGroups/g/providers/Microsoft.Compute/disks/d", "no GUID", "Write "),
        (
            "source",
            "/subscriptions/33333333-0000-4000-8000-000000000001/resourceGroups/g/providers/Microsoft.Compute/disks/d",
            "is the id of one of Microsoft.Compute/disks",
            "Give the id of one of Microsoft.Compute/virtualMachines or Microsoft.Compute/restorePointCollections",
        ),
        ("subscriptions", ["my subscription"], "is no subscription's id", "write its GUID"),
        ("subscriptions", ["33333333-0000-4000-8000-000000000001/x"], "is no subscription's id", "write its GUID"),
        ("subscriptions", [], "is an empty list", "name one, or leave it out"),
        ("name", "a/b", "letters, digits", "name: takes"),
        ("resource_group", "a b", "takes up to 90", "resource_group: takes"),
        ("subscription_id", "x", "GUID", "subscription_id"),
    ],
    ids=str,
)
def test_what_is_malformed(option: str, given: Any, expected: str, remedy: str) -> None:
    lab = make_lab()
    result = _info(lab, **{option: given})
    assert (result["error"]["code"], "\n" in result["msg"]) == ("invalid_input", False)
    for text in (option, expected, remedy):
        assert text in result["msg"]
    assert [request for request in lab.requests if "/providers/" in request.url.path] == []


def test_an_api_version_without_restore_points() -> None:
    lab = make_lab()
    assert "2021-03-01" in failed(_info(lab, compute_api_version="2020-12-01"), "invalid_input")


@pytest.mark.parametrize("truncated", ["true", True, "false", False, None])
def test_a_listing_that_is_held_back_is_never_silent(truncated: Any) -> None:
    lab = make_lab()

    class Graph(httpx.AsyncBaseTransport):
        def __init__(self, wire: httpx.AsyncBaseTransport) -> None:
            self.wire = wire

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            answer = await self.wire.handle_async_request(request)
            if "ResourceGraph" not in request.url.path:
                return answer
            return httpx.Response(200, json={**json.loads(await answer.aread()), "resultTruncated": truncated})

    lab.through = Graph
    result = _info(lab)
    if truncated in ("true", True):
        message = failed(result, "bad_answer")
        assert "holds back a part of its rows" in message
        assert "resource_group" in message
    else:
        assert _names(result) == [HOME]


def test_a_point_away_from_its_vm_is_usable_where_its_data_is_shown_to_be_there() -> None:
    """Succeeded says there that copying has begun, as of a copy (quickstart for restore points, step 3)."""
    lab = make_lab(compute_copy_takes="20000s")
    done(collection(lab, name="abroad", source=lab.azure_vm, location="northeurope"))
    done(point(lab, collection="abroad", wait=False))
    lab.advance(400)
    for view, usability in ((False, "unknown"), (True, "arriving")):
        shown = done(_info(lab, name="abroad", resource_group="rg-shop", instance_view=view))
        (found,) = shown["restore_point_collections"][0]["restore_points"]
        assert (found["provisioning_state"], found["usable"], found["usability"]) == ("Succeeded", False, usability)
    again = done(collection(lab, name="abroad", source=lab.azure_vm, location="northeurope"))
    assert again["restore_point_collection"]["restore_points"][0]["usability"] == "unknown"
    lab.advance(30000)
    shown = done(_info(lab, name="abroad", resource_group="rg-shop", instance_view=True))
    assert shown["restore_point_collections"][0]["restore_points"][0]["usable"] is True
