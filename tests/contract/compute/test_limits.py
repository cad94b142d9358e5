# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of restore points: how many, how often, one at a time; and every documented failure as it is told."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.azure.jobs import MESSAGES
from tests.contract.compute.shop import (
    bench,
    checkpoint,
    document,
    done,
    fail_next,
    failed,
    jobs,
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
    made = bench(_full(500))
    message = failed(checkpoint(made, check=check, name="x"), "limit_reached")
    assert "500" in message
    failed(restore(made, check=check, name="p001", safety_checkpoint=True), "limit_reached")
    failed(point(made, check=check), "limit_reached")
    assert made.sent() == []
    assert done(checkpoint(made, check=check, name="p001"))["changed"] is False


def test_the_five_hundredth_point() -> None:
    made = bench(_full(499))
    assert done(checkpoint(made, name="x"))["changed"] is True
    failed(checkpoint(made, name="y"), "limit_reached")
    # One goes only when the new one hangs, so there is no room for supersede either.
    made.advance(60)
    failed(checkpoint(made, name="x", max_age=1, supersede=True), "limit_reached")


@pytest.mark.parametrize("refusals", ["409", "failed"])
def test_points_in_another_collection_count_for_the_service(refusals: str) -> None:
    compute = document()
    compute["collections"].append({"name": "more", "source": "shop01", "points": [{"name": "a"}, {"name": "b"}]})
    made = bench(compute, compute_max_points=3, compute_refusals=refusals)
    message = failed(checkpoint(made, name="x"), "refused" if refusals == "409" else "operation_failed")
    assert "cannot exceed 3" in message


@pytest.mark.parametrize("body", ["bare", "wrapped"])
@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
def test_three_in_an_hour(module: str, body: str) -> None:
    """The fourth is told when to come again (429, Retry-After): it waits where there is time, and says so if not."""
    made = bench(compute_429_body=body)
    for name in ("a", "b", "c"):
        done(checkpoint(made, name=name))
    run = checkpoint if module == "vm_checkpoint" else point
    result = run(made, name="d")
    message = failed(result, "unavailable")
    assert "429" in message
    assert result["changed"] is False
    assert "d" not in names(made)
    assert made.seconds < 700
    waited = done(run(made, name="d", wait_timeout="2h"))
    assert waited["changed"] is True
    assert names(made).count("d") == 1
    assert made.seconds > 2500


@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
def test_three_in_an_hour_as_failed_operations(module: str) -> None:
    made = bench(compute_hourly_limit="failed")
    for name in ("a", "b", "c"):
        done(checkpoint(made, name=name))
    run = checkpoint if module == "vm_checkpoint" else point
    assert "TooManyRequests" in failed(run(made, name="d"), "operation_failed")
    made.advance(3600)
    done(run(made, name="d"))
    assert [each.state for each in points(made) if each.name == "d"] == ["Succeeded"]


@pytest.mark.parametrize("code", MESSAGES)
@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
def test_a_documented_failure(module: str, code: str) -> None:
    """Code and message of the service, and what to do; the next run makes the point anew."""
    made = bench()
    fail_next(made, "point", None, code)
    run = checkpoint if module == "vm_checkpoint" else point
    result = run(made, name="new")
    message = failed(result, "operation_failed")
    assert code in message
    assert MESSAGES[code][:60] in message
    assert result["error"]["remedy"]
    assert result["error"]["operation"]["id"]
    done(run(made, name="new"))
    assert [each.state for each in points(made)] == ["Succeeded", "Succeeded"]
    assert jobs(made, "point") == 2


@pytest.mark.parametrize("code", ["OperationNotAllowed", "BadRequest", "AllocationFailed"])
@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
def test_a_documented_refusal(module: str, code: str) -> None:
    made = bench()
    fail_next(made, "point", None, code, status=409)
    run = checkpoint if module == "vm_checkpoint" else point
    result = run(made, name="new")
    message = failed(result, "refused")
    assert code in message
    assert (result["changed"], names(made), result["error"]["status"]) == (False, ["before"], 409)


def test_a_point_with_open_access_is_not_removed() -> None:
    for refusals in ("409", "failed"):
        made = bench(compute_refusals=refusals)
        points(made)[0].disks[0].granted_until = made.base + 3600
        message = failed(
            checkpoint(made, name="before", state="absent"), "refused" if refusals == "409" else "operation_failed"
        )
        assert "DiskRestorePointUsedByCustomer" in message
        assert names(made) == ["before"]
        made.advance(3601)
        assert done(checkpoint(made, name="before", state="absent"))["changed"] is True


def test_the_vm_changes_while_its_point_is_made() -> None:
    """Documented: OperationNotAllowed, and to try again; a failed point is replaced."""
    made = bench(compute_point_takes="30s")
    done(checkpoint(made, name="new", wait=False))
    made.world.azure.disturb(made.world.azure.named("shop01"))
    made.advance(60)
    result = done(checkpoint(made, name="new"))
    assert result["changed"] is True
    assert [each.state for each in points(made)] == ["Succeeded", "Succeeded"]


def test_a_failed_point_of_a_series_is_left_behind() -> None:
    """The next one gets another name; the failed one counts for nothing, and goes with supersede or absent."""
    made = bench(compute_hourly_limit="off")
    fail_next(made, "point")
    failed(checkpoint(made, name="nightly", max_age="1h"), "operation_failed")
    made.advance(60)
    again = done(checkpoint(made, name="nightly", max_age="1h"))
    assert verbs(again) == ["create"]
    assert [each.state for each in points(made)] == ["Succeeded", "Failed", "Succeeded"]
    shown = done(made.run("vm_checkpoint_info", vm=made.azure_vm, name="nightly"))["checkpoints"]
    assert sorted(each["usable"] for each in shown) == [False, True]
    done(restore(made, check=True, name="nightly"))
    assert done(checkpoint(made, check=True, name="nightly", state="absent", on_ambiguous="all"))["changed"] is True
    made.advance(7200)
    newer = done(checkpoint(made, name="nightly", max_age="1h", supersede=True))
    assert verbs(newer) == ["create", "delete", "delete"]
    assert [each.state for each in points(made)] == ["Succeeded", "Succeeded"]
