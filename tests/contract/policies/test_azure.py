# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A policy on Azure: three creates an hour, points that arrive or failed, locks, foreign collections."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.wire.journal import Entry
from tests.contract.compute.azure_harness import HOME, QUICK, checkpoint, document, done, fail_next, failed, points
from tests.contract.policies.harness import DAY, codes, deletes, make_lab, names, planned, rules, run
from tests.support.lab import Lab

HOURLY: dict[str, Any] = {"prefix": "hourly", "max_age": "10m"}


def refused(lab: Lab) -> list[Entry]:
    """What the service has refused for coming too often."""
    return [each for each in lab.world.journal.entries if each.status == 429]


def three(**switches: Any) -> Lab:
    """Three points within the last half hour, the latest ten minutes old."""
    lab = make_lab("compute", **switches)
    for _each in range(3):
        done(run(lab, "compute", **HOURLY))
        lab.advance(630)
    lab.requests.clear()
    return lab


@pytest.mark.parametrize("check", [True, False])
def test_a_slot_that_opens_after_the_deadline_is_refused_with_its_time(check: bool) -> None:
    lab = three()
    result = run(lab, "compute", check=check, **HOURLY)
    message = failed(result, "limit_reached")
    assert "a new checkpoint is due, and the service takes the next one at 2026-11-20T12:30:0" in message
    assert "wait_timeout is 10m" in message
    assert result["error"]["retry"] == "safe"
    assert (lab.sent(), result["changed"]) == ([], False)
    assert lab.seconds < 60


def test_a_slot_that_opens_before_the_deadline_is_waited_for() -> None:
    """Without asking meanwhile, and no create ends in 429."""
    lab = three()
    foreseen = done(run(lab, "compute", check=True, **HOURLY, wait_timeout="1h"))
    reason = next(each["reason"] for each in foreseen["plan"]["actions"] if each["action"] == "create")
    assert "; the service takes the next one at 2026-11-20T12:30:0" in reason
    assert lab.seconds < 60
    lab.requests.clear()
    result = done(run(lab, "compute", **HOURLY, wait_timeout="1h", expected_plan=foreseen["plan"]["digest"]))
    assert result["changed"] is True
    assert 1600 < lab.seconds < 1900
    assert len(lab.sent("PUT")) == 1
    assert len(lab.requests) < 30
    assert refused(lab) == []


def test_what_cannot_be_seen_is_told_by_the_service() -> None:
    """A point that went counts all the same: the 429 is waited for."""
    lab = three()
    gone = done(run(lab, "compute", prefix="hourly", max_age=None, keep={"last": 1}))
    assert len(planned(gone, "delete")) == 2
    result = done(run(lab, "compute", **HOURLY, wait_timeout="1h"))
    assert result["changed"] is True
    assert len(refused(lab)) == 1


def test_a_fleet_never_meets_the_limit_that_can_be_seen() -> None:
    lab = three()
    other = lab.world.azure.named("shop02").id
    vms = [lab.azure_vm, other]
    result = done(lab.run("vm_checkpoint_policy", vms=vms, **HOURLY, wait_timeout="1h", concurrency=2))
    assert [each["changed"] if "changed" in each else each["status"] for each in result["vms"]] == ["changed"] * 2
    assert refused(lab) == []


def test_a_fresh_one_that_is_still_arriving_is_waited_for() -> None:
    lab = make_lab("compute", compute_hydration_takes="900s")
    failed(run(lab, "compute", wait_timeout="5m"), "timed_out")
    result = done(run(lab, "compute", wait_timeout="1h"))
    assert result["changed"] is False
    assert len([name for name in names(lab, "compute") if name.startswith("nightly")]) == 1
    assert result["checkpoint"]["usability"] == "usable"


def test_nothing_goes_for_one_that_is_still_arriving() -> None:
    """By keep alone the older one would go: but the newer one is not there yet, and stays with that reason."""
    lab = make_lab("compute")
    for _day in range(2):
        done(run(lab, "compute"))
        lab.advance(DAY)
    lab.world.switches.set("compute_hydration_takes", "86400s")
    failed(run(lab, "compute", wait_timeout="5m"), "timed_out")
    result = done(run(lab, "compute", max_age=None, keep={"last": 1}))
    assert sorted(rules(result).values()) == ["arriving", "last", "not_kept", "other_series"]
    assert result["series"]["usable"] == 1


def test_failed_ones_go_but_for_the_newest() -> None:
    lab = make_lab("compute")
    done(run(lab, "compute"))
    for _each in range(3):
        lab.advance(DAY)
        fail_next(lab, "point")
        failed(run(lab, "compute"), "operation_failed")
    assert codes(run(lab, "compute", check=True)) == ["stale", "failed_points"]
    result = done(run(lab, "compute", keep={"daily": 9}))
    assert list(rules(result).values()).count("failed") == 2
    assert list(rules(result).values()).count("keep_failed") == 1
    assert result["series"]["failed"] == 1
    assert [each.state for each in points(lab)].count("Failed") == 1


def _lock(lab: Lab, scope: str) -> None:
    lock = {
        "id": f"{scope}/providers/Microsoft.Authorization/locks/hold",
        "name": "hold",
        "properties": {"level": "CanNotDelete"},
    }
    lab.world.faults.add(kind="replace", path="Microsoft.Authorization/locks", count=None, body={"value": [lock]})


def test_a_lock_on_one_point_keeps_that_one_and_one_on_all_is_refused() -> None:
    lab = make_lab("compute")
    for _day in range(3):
        done(run(lab, "compute"))
        lab.advance(DAY)
    first = next(each for each in points(lab) if each.name.startswith("nightly"))
    collection = lab.world.azure.resource_id("restorePointCollections", HOME)
    _lock(lab, f"{collection}/restorePoints/{first.name}")
    keep: dict[str, Any] = {"max_age": None, "keep": {"last": 1}}
    result = done(run(lab, "compute", **keep))
    assert rules(result)[first.name] == "locked"
    assert deletes(lab) == 1
    done(run(lab, "compute"))
    lab.world.faults.script.clear()
    _lock(lab, collection)
    assert 'the lock "hold" on' in failed(run(lab, "compute", **keep), "vm_state")
    assert deletes(lab) == 1


def test_in_a_collection_of_somebody_else_only_generated_names_are_ours() -> None:
    given = document()
    given["collections"][0] |= {"tags": {}, "points": [{"name": "nightly"}, {"name": "nightly-20261101T000000Z"}]}
    lab = Lab({"compute": given}, **QUICK)
    done(run(lab, "compute"))
    lab.advance(DAY)
    result = done(run(lab, "compute", keep={"last": 1}))
    assert len(planned(result, "delete")) == 1
    kept = {each["checkpoint"]["name"]: each["rule"] for each in result["plan"]["actions"] if each["action"] == "keep"}
    assert kept == {"nightly": "not_managed", "nightly-20261101T000000Z": "not_managed"}


def test_a_vm_without_a_collection_gets_one() -> None:
    given = document()
    given.pop("collections")
    lab = Lab({"compute": given}, **QUICK)
    result = done(run(lab, "compute", keep={"last": 3}))
    assert [each["action"] for each in result["plan"]["actions"]] == ["step", "create"]
    assert done(run(lab, "compute", keep={"last": 3}))["changed"] is False


def test_a_series_of_vm_checkpoint_and_a_safety_net_beside_it() -> None:
    lab = make_lab("compute")
    done(checkpoint(lab, name="nightly", max_age="1s"))
    lab.advance(DAY)
    done(lab.run("vm_checkpoint_restore", vm=lab.azure_vm, name="nightly", safety_checkpoint=True))
    result = done(run(lab, "compute", keep={"last": 1}))
    safety = next(name for name in rules(result) if name.startswith("safety-before"))
    assert rules(result)[safety] == "other_series"
    assert [name[:8] for name in planned(result, "delete")] == ["nightly-"]
