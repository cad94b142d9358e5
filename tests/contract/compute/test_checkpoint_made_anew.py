# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A point that somebody makes anew under the same name, and so the same id, is another one: not deleted for the old."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from tests.contract.compute.shop import bench, checkpoint, done, names, points
from tests.support.bench import Bench

ANOTHERS = "another's"


def _made_anew(made: Bench, wanted_state: str) -> None:
    """The point goes by our DELETE, and before we look again another controller has made it anew."""
    (old,) = points(made)
    old.state = wanted_state
    donor = replace(old)
    home = next(iter(made.world.azure.collections.values()))

    def watch(request: httpx.Request) -> None:
        made.world.settle()
        if request.method == "GET" and len(made.sent("DELETE")) == 1 and not home.points:
            home.points.append(replace(donor, state="Succeeded", created=made.clock(), vm_id=ANOTHERS))

    made.watch = watch


@pytest.mark.parametrize("lost", [True, False], ids=["answer lost", "accepted"])
def test_a_failed_point_that_another_run_has_replaced_by_a_good_one(lost: bool) -> None:
    made = bench()
    _made_anew(made, "Failed")
    if lost:
        made.world.faults.add(kind="lose_answer", method="DELETE")
    result = done(checkpoint(made, name="before", settle_time="10s"))
    assert result["changed"] is True
    assert [request.method for request in made.sent()] == ["DELETE"]
    assert [point.vm_id for point in points(made)] == [ANOTHERS]
    assert [action["action"] for action in result["plan"]["actions"]] == ["delete", "keep"]


def test_absent_takes_the_new_one_only_by_a_plan_that_names_it() -> None:
    made = bench()
    _made_anew(made, "Succeeded")
    made.world.faults.add(kind="lose_answer", method="DELETE")
    result = done(checkpoint(made, name="before", state="absent", settle_time="10s"))
    assert names(made) == []
    assert [request.method for request in made.sent()] == ["DELETE", "DELETE"]
    assert [action["action"] for action in result["plan"]["actions"]] == ["delete", "delete"]


def test_an_approved_removal_does_not_reach_the_new_one() -> None:
    made = bench()
    approved = done(checkpoint(made, check=True, name="before", state="absent"))["plan"]
    _made_anew(made, "Succeeded")
    made.world.faults.add(kind="lose_answer", method="DELETE")
    checkpoint(made, name="before", state="absent", settle_time="10s", expected_plan=approved)
    assert [point.vm_id for point in points(made)] == [ANOTHERS]
