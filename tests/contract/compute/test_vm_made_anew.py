# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A VM that was made anew under its name has the old one's collection, and none of its points counts for it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.compute.azure_harness import (
    azure_vm,
    checkpoint,
    done,
    failed,
    guest,
    make_lab,
    names,
    restore,
    spoil,
)
from tests.support.lab import Lab, Result

BEFORE = "/restorePoints/before"


def _make_lab() -> Lab:
    lab = make_lab()
    azure_vm(lab).vm_id = lab.world.azure.ids.guid()
    return lab


def _id(lab: Lab) -> str:
    (found,) = lab.run("vm_checkpoint_info", vm=lab.azure_vm)["checkpoints"]
    return str(found["id"])


def _warned(result: Result) -> list[str]:
    return [text for text in done(result)["warnings"] if "another VM that had this name" in text]


@pytest.mark.parametrize("check", [True, False])
def test_a_point_of_the_old_one_is_not_young_enough(check: bool) -> None:
    lab = _make_lab()
    result = checkpoint(lab, check=check, name="before", max_age="1d")
    assert (result["changed"], len(_warned(result))) == (True, 1)
    assert (len(names(lab)), names(lab)[0]) == (1 if check else 2, "before")
    if not check:
        assert checkpoint(lab, name="before", max_age="1d")["changed"] is False


@pytest.mark.parametrize("check", [True, False])
def test_a_name_that_the_old_one_has_taken(check: bool) -> None:
    lab = _make_lab()
    assert "is taken by a checkpoint of another VM" in failed(checkpoint(lab, check=check, name="before"), "vm_state")
    assert (lab.sent(), names(lab)) == ([], ["before"])
    assert done(checkpoint(lab, name="before", checkpoint_id=_id(lab), state="absent"))["changed"] is True
    assert _warned(checkpoint(lab, name="before")) == []


@pytest.mark.parametrize("options", [{}, {"name": None, "select": {"which": "latest"}}])
def test_a_restore_goes_there_by_id_alone(options: dict[str, Any]) -> None:
    lab = _make_lab()
    broken = guest(lab)
    assert "of another VM" in failed(restore(lab, **options), "missing_checkpoint")
    assert (lab.sent(), guest(lab)) == ([], broken)
    done(checkpoint(lab, name="own"))
    spoil(lab)
    found = next(each["id"] for each in lab.run("vm_checkpoint_info", vm=lab.azure_vm)["checkpoints"])
    assert found.endswith(BEFORE)
    (warning,) = _warned(restore(lab, name=None, checkpoint_id=found))
    assert "its disks take the place" in warning
    assert guest(lab) != broken


def test_info_says_whose_it_is_and_selects_none_of_another() -> None:
    lab = _make_lab()
    own = done(checkpoint(lab, name="own"))["checkpoint"]
    shown = done(lab.run("vm_checkpoint_info", vm=lab.azure_vm))["checkpoints"]
    assert [(each["name"], each["usable"], each["other_vm"]) for each in shown] == [
        ("before", True, True),
        ("own", True, False),
    ]
    for which, named in (("latest", ["own"]), ("oldest", ["own"]), ({"name_matches": ".*"}, ["before", "own"])):
        found = done(lab.run("vm_checkpoint_info", vm=lab.azure_vm, select=which))
        assert [each["name"] for each in found["checkpoints"]] == named
    # Absent takes the same, and by anything else the old one's too.
    options: dict[str, Any] = {"vm": lab.azure_vm, "state": "absent"}
    gone = done(lab.run("vm_checkpoint", **options, select="oldest"))
    assert [each["checkpoint"]["id"] for each in gone["plan"]["actions"]] == [own["id"]]
    assert done(lab.run("vm_checkpoint_info", vm=lab.azure_vm, select="latest"))["checkpoints"] == []
    assert done(lab.run("vm_checkpoint", **options, select={"name_matches": ".*"}))["changed"] is True
    assert names(lab) == []


@pytest.mark.parametrize("check", [True, False])
def test_a_restore_point_of_the_old_one_is_kept_and_told(check: bool) -> None:
    lab = _make_lab()
    home, _slash, name = _id(lab).rpartition("/restorePoints/")
    options: dict[str, Any] = {"collection": home, "name": name, "check": check}
    result = done(lab.run("restore_point", **options))
    assert result["changed"] is False
    (warning,) = [text for text in result["warnings"] if "it is of another VM that had the name" in text]
    assert warning.endswith("a point of the VM that has it now needs another name.")
    own = make_lab()
    assert (
        done(own.run("restore_point", **{**options, "collection": _id(own).rpartition("/restorePoints/")[0]}))[
            "warnings"
        ]
        == []
    )


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, {"error": {"code": "SubscriptionNotFound", "message": "It could not be found."}}),
        (404, "<html>no such page</html>"),
        (500, {"error": {"code": "InternalServerError", "message": "It went wrong."}}),
    ],
)
def test_a_restore_point_that_exists_is_kept_where_its_vm_cannot_be_read(status: int, body: Any) -> None:
    """Only a warning would come of it."""
    lab = make_lab()
    home = _id(lab).rpartition("/restorePoints/")[0]
    lab.world.faults.add(kind="status", status=status, body=body, path="virtualMachines/shop01", count=None)
    result = done(lab.run("restore_point", collection=home, name="before"))
    assert (result["changed"], result["warnings"]) == (False, [])


def test_min_good_is_of_this_vm() -> None:
    lab = _make_lab()
    options: dict[str, Any] = {"vm": lab.azure_vm, "prefix": "before", "max_age": "1d", "keep": {"last": 1}}
    result = done(lab.run("vm_checkpoint_policy", **options))
    assert sorted(each["rule"] for each in result["plan"]["actions"] if "rule" in each) == ["max_age", "other_vm"]
    assert (result["changed"], len(names(lab)), names(lab)[0]) == (True, 2, "before")


@pytest.mark.parametrize("shown", ["", "00000000-0000-0000-0000-000000000000", None])
def test_where_nobody_shows_which_vm_it_was_it_counts(shown: str | None) -> None:
    lab = _make_lab()
    for home in lab.world.azure.collections.values():
        for each in home.points:
            each.metadata["vmId"] = shown
    assert done(checkpoint(lab, name="before"))["changed"] is False


def test_in_another_spelling_it_is_the_same_vm() -> None:
    lab = make_lab()
    azure_vm(lab).vm_id = azure_vm(lab).vm_id.upper()
    assert done(checkpoint(lab, name="before"))["changed"] is False
