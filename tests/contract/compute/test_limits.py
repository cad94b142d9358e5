# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of restore points: how many, how often, one at a time; and every documented failure as it is reported."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.azure.jobs import MESSAGES
from tests.contract.compute.azure_harness import (
    checkpoint,
    document,
    done,
    fail_next,
    failed,
    jobs,
    make_lab,
    names,
    point,
    points,
    restore,
    verbs,
)

pytestmark = pytest.mark.thorough


def _full(count: int) -> dict[str, Any]:
    compute = document()
    compute["collections"][0]["points"] = [{"name": f"p{n:03}", "days_old": 600 - n} for n in range(count)]
    return compute


@pytest.mark.parametrize("check", [True, False])
def test_five_hundred_points(check: bool) -> None:
    lab = make_lab(_full(500))
    message = failed(checkpoint(lab, check=check, name="x"), "limit_reached")
    assert "500" in message
    failed(restore(lab, check=check, name="p001", safety_checkpoint=True), "limit_reached")
    failed(point(lab, check=check), "limit_reached")
    assert lab.sent() == []
    assert done(checkpoint(lab, check=check, name="p001"))["changed"] is False


def test_the_five_hundredth_point() -> None:
    lab = make_lab(_full(499))
    assert done(checkpoint(lab, name="x"))["changed"] is True
    failed(checkpoint(lab, name="y"), "limit_reached")
    # One goes only when the new one hangs, so there is no room for supersede either.
    lab.advance(60)
    failed(checkpoint(lab, name="x", max_age=1, supersede=True), "limit_reached")


@pytest.mark.parametrize("refusals", ["409", "failed"])
def test_points_in_another_collection_count_for_the_service(refusals: str) -> None:
    compute = document()
    compute["collections"].append({"name": "more", "source": "shop01", "points": [{"name": "a"}, {"name": "b"}]})
    lab = make_lab(compute, compute_max_points=3, compute_refusals=refusals)
    message = failed(checkpoint(lab, name="x"), "refused" if refusals == "409" else "operation_failed")
    assert "cannot exceed 3" in message


@pytest.mark.parametrize("body", ["bare", "wrapped"])
@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
def test_three_in_an_hour(module: str, body: str) -> None:
    """The fourth hears when to come again (429, Retry-After): it waits where there is time, and says so if not."""
    lab = make_lab(compute_429_body=body)
    for name in ("a", "b", "c"):
        done(checkpoint(lab, name=name))
    run = checkpoint if module == "vm_checkpoint" else point
    result = run(lab, name="d")
    message = failed(result, "unavailable")
    assert "429" in message
    assert result["changed"] is False
    assert "d" not in names(lab)
    assert lab.seconds < 700
    waited = done(run(lab, name="d", wait_timeout="2h"))
    assert waited["changed"] is True
    assert names(lab).count("d") == 1
    assert lab.seconds > 2500


@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
def test_three_in_an_hour_as_failed_operations(module: str) -> None:
    lab = make_lab(compute_hourly_limit="failed")
    for name in ("a", "b", "c"):
        done(checkpoint(lab, name=name))
    run = checkpoint if module == "vm_checkpoint" else point
    assert "TooManyRequests" in failed(run(lab, name="d"), "operation_failed")
    lab.advance(3600)
    done(run(lab, name="d"))
    assert [each.state for each in points(lab) if each.name == "d"] == ["Succeeded"]


@pytest.mark.parametrize("code", MESSAGES)
@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
def test_a_documented_failure(module: str, code: str) -> None:
    """Code and message of the service, and what to do; the next run makes the point anew."""
    lab = make_lab()
    fail_next(lab, "point", None, code)
    run = checkpoint if module == "vm_checkpoint" else point
    result = run(lab, name="new")
    message = failed(result, "operation_failed")
    assert code in message
    assert MESSAGES[code][:60] in message
    assert result["error"]["remedy"]
    assert result["error"]["operation"]["id"]
    done(run(lab, name="new"))
    assert [each.state for each in points(lab)] == ["Succeeded", "Succeeded"]
    assert jobs(lab, "point") == 2


@pytest.mark.parametrize("code", ["OperationNotAllowed", "BadRequest", "AllocationFailed"])
@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
def test_a_documented_refusal(module: str, code: str) -> None:
    lab = make_lab()
    fail_next(lab, "point", None, code, status=409)
    run = checkpoint if module == "vm_checkpoint" else point
    result = run(lab, name="new")
    message = failed(result, "refused")
    assert code in message
    assert (result["changed"], names(lab), result["error"]["status"]) == (False, ["before"], 409)


def test_a_point_with_open_access_is_not_removed() -> None:
    for refusals in ("409", "failed"):
        lab = make_lab(compute_refusals=refusals)
        points(lab)[0].disks[0].granted_until = lab.base + 3600
        message = failed(
            checkpoint(lab, name="before", state="absent"), "refused" if refusals == "409" else "operation_failed"
        )
        assert "DiskRestorePointUsedByCustomer" in message
        assert names(lab) == ["before"]
        lab.advance(3601)
        assert done(checkpoint(lab, name="before", state="absent"))["changed"] is True


def test_the_vm_changes_while_its_point_is_made() -> None:
    """Documented: OperationNotAllowed, and to try again; a failed point is replaced."""
    lab = make_lab(compute_point_takes="30s")
    done(checkpoint(lab, name="new", wait=False))
    lab.world.azure.disturb(lab.world.azure.named("shop01"))
    lab.advance(60)
    result = done(checkpoint(lab, name="new"))
    assert result["changed"] is True
    assert [each.state for each in points(lab)] == ["Succeeded", "Succeeded"]


def test_a_failed_point_of_a_series_is_left_behind() -> None:
    """The next one gets another name; the failed one counts for nothing, and goes with supersede or absent."""
    lab = make_lab(compute_hourly_limit="off")
    fail_next(lab, "point")
    failed(checkpoint(lab, name="nightly", max_age="1h"), "operation_failed")
    lab.advance(60)
    again = done(checkpoint(lab, name="nightly", max_age="1h"))
    assert verbs(again) == ["create"]
    assert [each.state for each in points(lab)] == ["Succeeded", "Failed", "Succeeded"]
    shown = done(lab.run("vm_checkpoint_info", vm=lab.azure_vm, name="nightly"))["checkpoints"]
    assert sorted(each["usable"] for each in shown) == [False, True]
    done(restore(lab, check=True, name="nightly"))
    assert done(checkpoint(lab, check=True, name="nightly", state="absent", on_ambiguous="all"))["changed"] is True
    lab.advance(7200)
    newer = done(checkpoint(lab, name="nightly", max_age="1h", supersede=True))
    assert verbs(newer) == ["create", "delete", "delete"]
    assert [each.state for each in points(lab)] == ["Succeeded", "Succeeded"]
