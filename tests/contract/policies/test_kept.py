# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stays whatever a policy's rules say: what is pinned, and what `select` does not mean."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import done, failed
from tests.contract.policies.harness import DAY, FOREIGN, SERVICES, make_lab, names, planned, rules, run, vm_of
from tests.support.lab import Lab

on_each = pytest.mark.parametrize("service", SERVICES)


def _series(service: str, days: int, **first: Any) -> tuple[Lab, str]:
    """A series with a checkpoint of each day, and the name of the first; vm_checkpoint made it, with these options."""
    lab = make_lab(service)
    made = done(lab.run("vm_checkpoint", vm=vm_of(lab, service), name="nightly", max_age="1m", **first))
    for _day in range(days - 1):
        lab.advance(DAY)
        done(run(lab, service))
    lab.advance(DAY)
    return lab, str(made["checkpoint"]["name"])


@on_each
def test_a_pin_keeps_from_the_policy_from_supersede_and_from_absent(service: str) -> None:
    lab, pinned = _series(service, 4, pin=True)
    result = done(run(lab, service, keep={"last": 1}))
    assert pinned not in planned(result, "delete")
    assert (rules(result)[pinned], pinned in names(lab, service)) == ("pinned", True)
    vm = vm_of(lab, service)
    done(lab.run("vm_checkpoint", vm=vm, name="nightly", max_age="1m", supersede=True))
    assert pinned in names(lab, service)
    failed(lab.run("vm_checkpoint", vm=vm, name=pinned, state="absent", on_ambiguous="all"), "pinned")
    assert pinned in names(lab, service)


@on_each
def test_a_pin_that_has_ended_keeps_nothing(service: str) -> None:
    lab, pinned = _series(service, 4, pin=True, pin_until="1d")
    result = done(run(lab, service, keep={"last": 1}))
    assert pinned in planned(result, "delete")
    assert pinned not in names(lab, service)


def test_the_lock_of_a_pin_that_has_ended_goes_with_its_checkpoint() -> None:
    lab, locked = _series("compute", 4, pin=True, pin_until="1d", pin_lock=True)
    assert lab.world.azure.locks
    result = done(run(lab, "compute", keep={"last": 1}))
    assert locked in planned(result, "delete")
    assert locked not in names(lab, "compute")
    assert not lab.world.azure.locks


def test_who_may_not_lift_such_a_lock_removes_the_others_all_the_same() -> None:
    lab, locked = _series("compute", 4, pin=True, pin_until="1d", pin_lock=True)
    lab.world.arm_actions = frozenset({"*/read", "Microsoft.Compute/*"})
    result = run(lab, "compute", max_age=None, keep={"last": 1})
    assert "Microsoft.Authorization/locks/delete" in failed(result, "forbidden")
    made = [name for name in names(lab, "compute") if name.startswith("nightly")]
    assert made == [locked, planned(result, "keep")[-1]]


@on_each
def test_select_narrows_what_a_policy_removes(service: str) -> None:
    lab, _first = _series(service, 5)
    widest = planned(done(run(lab, service, check=True, keep={"last": 1})), "delete")
    narrowed = done(run(lab, service, check=True, keep={"last": 1}, select={"older_than": "60h"}))
    kept = [name for name, rule in rules(narrowed).items() if rule == "not_selected"]
    assert sorted([*planned(narrowed, "delete"), *kept]) == sorted(widest)
    assert len(planned(narrowed, "delete")) == 3
    result = done(run(lab, service, keep={"last": 1}, select={"older_than": "60h"}))
    left = set(names(lab, service))
    assert set(kept) | set(FOREIGN[service]) <= left
    assert left.isdisjoint(planned(result, "delete"))


def test_a_selection_that_means_nothing_is_refused() -> None:
    lab = make_lab("spf")
    assert "select" in failed(run(lab, "spf", keep={"last": 1}, select={}), "invalid_input")
    assert lab.requests == []
