# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of restore points, whatever case they are written in: Azure's names are one in any."""

from __future__ import annotations

import pytest

from tests.contract.compute.azure_harness import (
    GOOD,
    checkpoint,
    document,
    done,
    failed,
    guest,
    make_lab,
    names,
    point,
    points,
    restore,
    verbs,
)


@pytest.mark.parametrize("name", ["BEFORE", "Before"])
def test_a_name_that_differs_in_case_is_the_same_point(name: str) -> None:
    lab = make_lab()
    assert done(checkpoint(lab, name=name))["changed"] is False
    assert done(point(lab, name=name))["changed"] is False
    assert lab.sent() == []
    done(restore(lab, name=name))
    assert guest(lab) == GOOD
    assert done(checkpoint(lab, name=name, state="absent"))["changed"] is True
    assert names(lab) == []


def test_a_failed_one_is_in_the_way_in_any_case() -> None:
    compute = document()
    compute["collections"][0]["points"][0]["state"] = "Failed"
    lab = make_lab(compute)
    result = done(checkpoint(lab, name="Before"))
    assert verbs(result) == ["delete", "create"]
    assert [(each.name, each.state) for each in points(lab)] == [("Before", "Succeeded")]


def test_a_series_in_any_case() -> None:
    lab = make_lab()
    first = done(checkpoint(lab, name="Nightly", max_age="1h"))
    again = done(checkpoint(lab, name="nightly", max_age="1h"))
    assert (again["changed"], again["checkpoint"]["id"]) == (False, first["checkpoint"]["id"])
    assert len(lab.sent("PUT")) == 1


def test_info_by_name_in_any_case() -> None:
    lab = make_lab()
    shown = done(lab.run("vm_checkpoint_info", vm=lab.azure_vm, name="BEFORE"))
    assert [each["name"] for each in shown["checkpoints"]] == ["before"]


@pytest.mark.parametrize("name", ["..", ".", "../x", "a/b", "a?b", "a%2fb", "a b"])
def test_a_point_whose_name_would_lead_elsewhere_is_never_sent(name: str) -> None:
    """A DELETE of `restorePoints/..` would be one of the whole collection."""
    lab = make_lab()
    points(lab)[0].name = name
    for result in (
        lab.run("vm_checkpoint_info", vm=lab.azure_vm),
        checkpoint(lab, name=name, state="absent"),
        checkpoint(lab, name="new", max_age="1h", supersede=True),
    ):
        assert "no name of a resource" in failed(result, "bad_answer")
    assert lab.sent() == []


def test_a_wrong_subscription_in_a_list_ends_the_task_before_anything_is_made() -> None:
    """As on Arc: it is a mistake in the task."""
    lab = make_lab()
    subscription = "99999999-0000-4000-8000-000000000009"
    wrong = lab.azure_vm.replace(lab.azure_vm.split("/")[2], subscription)
    result = lab.run("vm_checkpoint", vms=[lab.azure_vm, wrong], name="new")
    assert (result["error"]["code"], lab.writes()) == ("not_found", 0), result["msg"]
    assert f"vm shop01: no subscription {subscription}, or it is hidden from" in result["msg"]
