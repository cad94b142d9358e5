# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Copies into another region: watched until every disk has arrived, one of each point, and a failed one reported."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.contract.compute.azure_harness import (
    HOME,
    bodies,
    checkpoint,
    collection,
    done,
    fail_next,
    failed,
    jobs,
    make_lab,
    names,
    point,
    points,
    verbs,
)
from tests.support.lab import Lab, Result

COPIES = "copies-north"


def _source(lab: Lab, name: str = HOME) -> str:
    return lab.world.azure.resource_id("restorePointCollections", name)


def _make_lab(**switches: Any) -> Lab:
    lab = make_lab(**switches)
    done(collection(lab, name=COPIES, source=_source(lab), location="northeurope"))
    return lab


def _copy(lab: Lab, **options: Any) -> Result:
    return point(lab, **{"name": "copy", "collection": COPIES, "source_restore_point": "before", **options})


def test_watched_from_beginning_to_end() -> None:
    lab = _make_lab(compute_copy_takes="600s", compute_copy_step=0.0)
    seen: list[int] = []

    def look(_request: httpx.Request) -> None:
        found = points(lab, COPIES)
        if found and found[0].replication:
            seen.append(min(found[0].percents(lab.clock(), 0.0)))

    lab.watch = look
    checked = done(_copy(lab, check=True))
    result = done(_copy(lab, wait_timeout="2h"))
    assert result["plan"] == checked["plan"]
    assert bodies(lab)[-1] == {"properties": {"sourceRestorePoint": {"id": f"{_source(lab)}/restorePoints/before"}}}
    assert (seen[0], seen[-1]) == (0, 100)
    assert any(0 < percent < 100 for percent in seen)
    assert lab.seconds >= 600
    shown = result["restore_point"]
    assert [each["percent"] for each in shown["replication"]] == [100, 100]
    assert (shown["usable"], shown["source_restore_point"].rsplit("/", 1)[-1]) == (True, "before")
    assert (result["operation"]["status"], result["operation"]["percent"]) == ("succeeded", 100)
    assert done(_copy(lab))["changed"] is False
    assert jobs(lab, "copy") == 1


def test_succeeded_alone_is_not_enough() -> None:
    """The operation and provisioningState say only that copying has begun."""
    lab = _make_lab(compute_copy_takes="3000s")
    result = _copy(lab, wait_timeout="300s")
    failed(result, "timed_out")
    assert points(lab, COPIES)[0].state == "Succeeded"
    assert result["restore_point"]["usable"] is False
    assert 0 < result["error"]["operation"]["percent"] < 100
    assert done(_copy(lab, wait_timeout="2h"))["changed"] is False
    assert jobs(lab, "copy") == 1


def test_not_waited_for_and_joined_later() -> None:
    lab = _make_lab(compute_copy_takes="600s")
    first = done(_copy(lab, wait=False))
    assert (first["changed"], first["restore_point"]["usable"]) == (True, False)
    lab.advance(30)
    half = done(_copy(lab, wait=False))
    assert (half["changed"], half["restore_point"]["provisioning_state"]) == (False, "Succeeded")
    assert half["restore_point"]["usable"] is False
    last = done(_copy(lab))
    assert (last["changed"], last["restore_point"]["usable"]) == (False, True)


def test_watched_by_repeated_runs() -> None:
    """What a loop with until sees: the percent of the copy, and that nothing is begun twice."""
    lab = _make_lab(compute_copy_takes="600s", compute_copy_starts="5s")
    seen: list[tuple[Any, ...]] = []
    for _attempt in range(20):
        result = done(_copy(lab, wait=False))
        shown, operation = result["restore_point"], result["operation"]
        seen.append((result["changed"], shown["percent"], shown["usable"]))
        if shown["usable"]:
            assert ([each["percent"] for each in shown["replication"]], operation) == ([100, 100], None)
            break
        assert (operation["status"], lab.seconds < 5) == ("running", True)
        if not result["changed"]:
            assert operation["percent"] == shown["percent"]
            checked = done(_copy(lab, check=True))
            (kept,) = checked["plan"]["actions"]
            assert kept["reason"] == f"it is being copied, {shown['percent']} % so far"
            assert (checked["changed"], checked["restore_point"]["percent"]) == (False, shown["percent"])
        lab.advance(65)
    assert seen[0] == (True, 0, False)
    assert seen[-1] == (False, 100, True)
    assert [changed for changed, _percent, _usable in seen[1:]] == [False] * (len(seen) - 1)
    percents = [percent for _changed, percent, _usable in seen]
    assert percents == sorted(percents)
    assert sum(0 < percent < 100 for percent in percents) >= 5
    assert jobs(lab, "copy") == 1


def test_nothing_is_reported_of_a_copy_without_its_instance_view() -> None:
    lab = _make_lab(compute_copy_takes="600s")
    done(_copy(lab, wait=False))
    lab.advance(60)
    asked: dict[str, Any] = {"name": COPIES, "resource_group": "rg-shop"}
    shown = []
    for view in (False, True):
        result = done(lab.run("restore_point_collection_info", instance_view=view, **asked))
        (each,) = result["restore_point_collections"][0]["restore_points"]
        shown.append((each["percent"] is None, each["usability"], len(each["replication"])))
    assert shown == [(True, "unknown", 0), (False, "arriving", 2)]


def test_the_source_by_id() -> None:
    lab = _make_lab()
    by_id = done(_copy(lab, source_restore_point=f"{_source(lab)}/restorePoints/before"))
    assert by_id["restore_point"]["usable"] is True
    assert done(_copy(lab))["changed"] is False


def test_one_copy_of_a_point() -> None:
    lab = _make_lab()
    done(_copy(lab))
    assert "has a copy" in failed(_copy(lab, name="second"), "invalid_input")
    assert names(lab, COPIES) == ["copy"]


def test_one_at_a_time() -> None:
    lab = _make_lab(compute_copy_takes="600s")
    done(checkpoint(lab, name="later"))
    done(_copy(lab, wait=False))
    assert "being copied" in failed(_copy(lab, name="later", source_restore_point="later"), "refused")
    done(_copy(lab, wait_timeout="1h"))
    done(_copy(lab, name="later", source_restore_point="later", wait_timeout="1h"))
    assert names(lab, COPIES) == ["copy", "later"]


@pytest.mark.parametrize("wanted", ["nope", "/subscriptions/x/nope"])
def test_a_source_that_is_not_there(wanted: str) -> None:
    lab = _make_lab()
    result = _copy(lab, source_restore_point=wanted)
    assert result["error"]["code"] == ("invalid_input" if wanted.startswith("/") else "missing_checkpoint")
    assert names(lab, COPIES) == []


def test_what_does_not_go_together() -> None:
    lab = _make_lab()
    writes = lab.writes()
    for options in ({"exclude_disks": ["os"]}, {"instant_access_duration": 60}):
        assert "copy" in failed(_copy(lab, **options), "invalid_input")
    # A collection for copies takes nothing else, and a VM's collection takes no copies.
    assert "source_restore_point" in failed(point(lab, collection=COPIES), "invalid_input")
    assert "no copies" in failed(point(lab, source_restore_point="before"), "invalid_input")
    assert lab.writes() == writes


def test_a_copy_that_fails_to_begin() -> None:
    lab = _make_lab()
    fail_next(lab, "copy", None, "InternalOperationError")
    assert "InternalOperationError" in failed(_copy(lab), "operation_failed")
    again = done(_copy(lab))
    assert (again["changed"], verbs(again)) == (True, ["delete", "create"])
    assert again["restore_point"]["usable"] is True


def test_a_copy_asks_for_no_consistency_and_none_is_a_downgrade() -> None:
    lab = _make_lab()
    done(point(lab, name="crash", consistency="crash"))
    result = done(_copy(lab, source_restore_point="crash", on_downgrade="fail"))
    # What it has is its source's, and nothing was asked for.
    assert result["restore_point"]["consistency"] == {"requested": None, "achieved": "CrashConsistent"}
    assert done(_copy(lab, source_restore_point="crash", consistency="crash", on_downgrade="fail"))["changed"] is False
    assert all("consistencyMode" not in body["properties"] for body in bodies(lab)[-1:])


@pytest.mark.parametrize("time", ["source", "own"])
def test_its_time_is_its_sources_or_its_own(time: str) -> None:
    lab = _make_lab(compute_copy_time=time)
    created = done(_copy(lab))["restore_point"]["created"]
    assert created.startswith("2026-11-19" if time == "source" else "2026-11-20")


def test_removed() -> None:
    lab = _make_lab()
    done(_copy(lab))
    assert done(_copy(lab, state="absent"))["changed"] is True
    assert (names(lab, COPIES), names(lab)) == ([], ["before"])


def test_a_second_copy_of_a_point_is_refused_by_the_plan() -> None:
    """One of each point and region (limitations of copies); those in the collection are read in any case."""
    lab = _make_lab()
    done(_copy(lab, wait_timeout="2h"))
    writes = lab.writes()
    for check in (True, False):
        message = failed(_copy(lab, name="again", check=check), "invalid_input")
        assert "before has a copy there already: copy." in message
    assert lab.writes() == writes
