# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collection that is answered without the points that were asked for is no empty one: nothing is decided by it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import HOME, checkpoint, collection, done, failed, make_lab, names, point
from tests.support.lab import Lab, Result
from tests.support.wire import Changed

TASKS: dict[str, Any] = {
    "collection": lambda lab: collection(lab, source=lab.azure_vm, tags={"a": "b"}),
    "collection absent": lambda lab: collection(lab, state="absent"),
    "collection absent, force": lambda lab: collection(lab, state="absent", force=True),
    "point": point,
    "point absent": lambda lab: point(lab, name="before", state="absent"),
    "checkpoint": lambda lab: checkpoint(lab, name="new"),
    "checkpoint absent": lambda lab: checkpoint(lab, name="before", state="absent"),
    "info": lambda lab: lab.run("restore_point_collection_info", name=HOME, resource_group="rg-shop"),
    "info without points": lambda lab: lab.run(
        "restore_point_collection_info", name=HOME, resource_group="rg-shop", points=False
    ),
}


def _without(lab: Lab, *, null: bool) -> None:
    """From now on each answer that shows a collection lacks its points, or shows null in their place."""

    def change(body: dict[str, Any]) -> None:
        if null:
            body["properties"]["restorePoints"] = None
        else:
            body["properties"].pop("restorePoints", None)

    lab.through = lambda wire: Changed(wire, f"/restorePointCollections/{HOME}", change)


@pytest.mark.parametrize("pinned", [False, True])
@pytest.mark.parametrize("null", [False, True])
@pytest.mark.parametrize("task", TASKS)
def test_nothing_is_decided_by_a_collection_without_its_points(task: str, null: bool, pinned: bool) -> None:
    lab = make_lab()
    if pinned:
        done(checkpoint(lab, name="before", pin=True))
    before = lab.writes()
    _without(lab, null=null)
    result: Result = TASKS[task](lab)
    assert "the collection was answered without its restore points." in failed(result, "bad_answer")
    assert result["changed"] is False
    assert lab.writes() == before
    assert names(lab) == ["before"]


@pytest.mark.parametrize("task", ["collection absent", "info"])
def test_an_empty_collection_is_shown_as_one(task: str) -> None:
    lab = make_lab()
    done(point(lab, name="before", state="absent"))
    result = done(TASKS[task](lab))
    assert result["changed"] is (task == "collection absent")
