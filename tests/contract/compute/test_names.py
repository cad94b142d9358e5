# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of restore points, whatever case they are written in: Azure's names are one in any."""

from __future__ import annotations

import pytest

from tests.contract.compute.shop import (
    GOOD,
    bench,
    checkpoint,
    document,
    done,
    failed,
    guest,
    names,
    point,
    points,
    restore,
    verbs,
)


@pytest.mark.parametrize("name", ["BEFORE", "Before"])
def test_a_name_that_differs_in_case_is_the_same_point(name: str) -> None:
    made = bench()
    assert done(checkpoint(made, name=name))["changed"] is False
    assert done(point(made, name=name))["changed"] is False
    assert made.sent() == []
    done(restore(made, name=name))
    assert guest(made) == GOOD
    assert done(checkpoint(made, name=name, state="absent"))["changed"] is True
    assert names(made) == []


def test_a_failed_one_is_in_the_way_in_any_case() -> None:
    compute = document()
    compute["collections"][0]["points"][0]["state"] = "Failed"
    made = bench(compute)
    result = done(checkpoint(made, name="Before"))
    assert verbs(result) == ["delete", "create"]
    assert [(each.name, each.state) for each in points(made)] == [("Before", "Succeeded")]


def test_a_series_in_any_case() -> None:
    made = bench()
    first = done(checkpoint(made, name="Nightly", max_age="1h"))
    again = done(checkpoint(made, name="nightly", max_age="1h"))
    assert (again["changed"], again["checkpoint"]["id"]) == (False, first["checkpoint"]["id"])
    assert len(made.sent("PUT")) == 1


def test_info_by_name_in_any_case() -> None:
    made = bench()
    shown = done(made.run("vm_checkpoint_info", vm=made.azure_vm, name="BEFORE"))
    assert [each["name"] for each in shown["checkpoints"]] == ["before"]


@pytest.mark.parametrize("name", ["..", ".", "../x", "a/b", "a?b", "a%2fb", "a b"])
def test_a_point_whose_name_would_lead_elsewhere_is_never_sent(name: str) -> None:
    """A DELETE of `restorePoints/..` would be one of the whole collection."""
    made = bench()
    points(made)[0].name = name
    for result in (
        made.run("vm_checkpoint_info", vm=made.azure_vm),
        checkpoint(made, name=name, state="absent"),
        checkpoint(made, name="new", max_age="1h", supersede=True),
    ):
        assert "no name of a resource" in failed(result, "bad_answer")
    assert made.sent() == []
