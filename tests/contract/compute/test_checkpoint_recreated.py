# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A point that somebody makes anew under the same name, and so the same id, is another one: not deleted for the old."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from tests.contract.compute.azure_harness import checkpoint, done, make_lab, names, points
from tests.support.lab import Lab

ANOTHERS = "another's"


def _made_anew(lab: Lab, wanted_state: str) -> None:
    """The point goes by our DELETE, and before we look again another controller has made it anew."""
    (old,) = points(lab)
    old.state = wanted_state
    donor = replace(old)
    home = next(iter(lab.world.azure.collections.values()))

    def watch(request: httpx.Request) -> None:
        lab.world.settle()
        if request.method == "GET" and len(lab.sent("DELETE")) == 1 and not home.points:
            home.points.append(replace(donor, state="Succeeded", created=lab.clock(), vm_id=ANOTHERS))

    lab.watch = watch


@pytest.mark.parametrize("lost", [True, False], ids=["answer lost", "accepted"])
def test_a_failed_point_that_another_run_has_replaced_by_a_good_one(lost: bool) -> None:
    lab = make_lab()
    _made_anew(lab, "Failed")
    if lost:
        lab.world.faults.add(kind="lose_answer", method="DELETE")
    result = done(checkpoint(lab, name="before", settle_time="10s"))
    assert result["changed"] is True
    assert [request.method for request in lab.sent()] == ["DELETE"]
    assert [point.vm_id for point in points(lab)] == [ANOTHERS]
    assert [action["action"] for action in result["plan"]["actions"]] == ["delete", "keep"]


def test_absent_takes_the_new_one_only_by_a_plan_that_names_it() -> None:
    lab = make_lab()
    _made_anew(lab, "Succeeded")
    lab.world.faults.add(kind="lose_answer", method="DELETE")
    result = done(checkpoint(lab, name="before", state="absent", settle_time="10s"))
    assert names(lab) == []
    assert [request.method for request in lab.sent()] == ["DELETE", "DELETE"]
    assert [action["action"] for action in result["plan"]["actions"]] == ["delete", "delete"]


def test_an_approved_removal_does_not_reach_the_new_one() -> None:
    lab = make_lab()
    approved = done(checkpoint(lab, check=True, name="before", state="absent"))["plan"]
    _made_anew(lab, "Succeeded")
    lab.world.faults.add(kind="lose_answer", method="DELETE")
    checkpoint(lab, name="before", state="absent", settle_time="10s", expected_plan=approved)
    assert [point.vm_id for point in points(lab)] == [ANOTHERS]
