# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two controllers ask for the same at the same time: one does it, the other finds it and joins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import code
from tests.contract.compute.azure_harness import HOME, done, failed, jobs, make_lab, names, point
from tests.support.lab import Lab, Result

EXISTS = {"code": "Conflict", "message": "The restore point already exists."}


def _both(lab: Lab, module: str, **options: Any) -> list[Result]:
    given = {"name": "new", **options}
    if module == "vm_checkpoint":
        given["vm"] = lab.azure_vm
    else:
        given |= {"collection": HOME, "resource_group": "rg-shop"}
    return lab.together((0.0, module, given), (0.0, module, dict(given)))


def _refuse(lab: Lab, nth: int, error: dict[str, str], status: int = 409) -> None:
    body = {"error": error}
    lab.world.faults.add(kind="status", status=status, body=body, method="PUT", path="/restorePoints/", nth=nth)


@pytest.mark.parametrize("module", ["vm_checkpoint", "restore_point"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (409, EXISTS),
        (409, {"code": "RestorePointExists", "message": "It exists."}),
        (400, {"code": "PropertyChangeNotAllowed", "message": "Updating properties of a point is not allowed."}),
        (400, {"code": "InvalidParameter", "message": "Restore point 'new' already exists."}),
        (412, {"code": "PreconditionFailed", "message": "x"}),
        (422, {"code": "AlreadyExists", "message": "It exists."}),
    ],
)
def test_the_second_one_is_refused_and_joins(module: str, status: int, error: dict[str, str]) -> None:
    """What a refusal of a point that exists says is unknown: reading the point decides, not status and code."""
    lab = make_lab(compute_point_takes="30s")
    _refuse(lab, 2, error, status)
    first, second = _both(lab, module)
    assert [code(each) for each in (first, second)] == [None, None]
    assert sorted(each["changed"] for each in (first, second)) == [False, True]
    assert (names(lab).count("new"), jobs(lab, "point")) == (1, 1)


@pytest.mark.parametrize("status", [400, 409, 422])
def test_a_conflict_over_a_point_that_is_not_there_is_a_refusal(status: int) -> None:
    lab = make_lab()
    _refuse(lab, 1, {"code": "SomethingElse", "message": "No."}, status)
    assert "SomethingElse: No" in failed(point(lab), "refused")
    assert names(lab) == ["before"]


def test_what_the_other_one_made_is_held_against_the_task() -> None:
    lab = make_lab(compute_point_takes="30s")
    _refuse(lab, 2, EXISTS)
    theirs = {"name": "new", "collection": HOME, "resource_group": "rg-shop", "consistency": "crash"}
    ours = {**theirs, "consistency": "application"}
    first, second = lab.together((0.0, "restore_point", theirs), (0.0, "restore_point", ours))
    assert sorted([done(first)["changed"], done(second)["changed"]]) == [False, True]
    made_by_them = first["changed"]
    assert any("consistency" in text or "CrashConsistent" in text for text in second["warnings"]) is made_by_them


def test_a_refusal_is_told_although_nothing_can_be_read_behind_it() -> None:
    lab = make_lab()
    _refuse(lab, 1, {"code": "SomethingElse", "message": "No."}, 400)

    def forbid() -> None:
        lab.world.faults.add(kind="status", status=403, body="no", method="GET", count=None)

    lab.before_first(lab.a_write(), forbid)
    assert "SomethingElse: No" in failed(point(lab), "refused")
