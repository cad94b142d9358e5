# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An approval is of the very point: on Azure another one may bear its name, and so its id, by the time of the apply."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.contract.compute.azure_harness import checkpoint, collection, done, failed, make_lab, names, point, restore
from tests.support.lab import Lab, Result

Ask = Callable[..., Result]
TASKS: dict[str, Callable[[Lab], Callable[..., Result]]] = {
    "a checkpoint goes": lambda lab: lambda **more: checkpoint(lab, name="before", state="absent", **more),
    "a restore in place": lambda lab: lambda **more: restore(lab, restore_key="k1", **more),
    "a restore point goes": lambda lab: lambda **more: point(lab, name="before", state="absent", **more),
    "a collection goes": lambda lab: lambda **more: collection(lab, state="absent", force=True, **more),
}


@pytest.mark.parametrize("form", ["plan", "digest"])
@pytest.mark.parametrize("task", TASKS)
def test_a_point_that_was_made_anew_under_the_name_is_not_approved(task: str, form: str) -> None:
    lab = make_lab()
    ask = TASKS[task](lab)
    plan = done(ask(check=True))["plan"]
    approved = plan if form == "plan" else plan["digest"]
    done(checkpoint(lab, name="before", state="absent"))
    lab.advance(3600)
    done(checkpoint(lab, name="before"))
    before = lab.writes()
    assert "what would be done is not what was approved" in failed(ask(expected_plan=approved), "plan_changed")
    assert lab.writes() == before
    assert names(lab) == ["before"]


@pytest.mark.parametrize("form", ["plan", "digest"])
@pytest.mark.parametrize("task", TASKS)
def test_the_point_that_was_planned_for_is(task: str, form: str) -> None:
    lab = make_lab()
    ask = TASKS[task](lab)
    plan = done(ask(check=True))["plan"]
    lab.advance(3600)
    assert done(ask(expected_plan=plan if form == "plan" else plan["digest"]))["changed"]
