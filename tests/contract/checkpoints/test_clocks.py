# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks that disagree are noticed, and make neither a checkpoint in each run nor an old one out of a young one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import VMS, code, make_lab
from tests.contract.compute.azure_harness import checkpoint as azure_checkpoint
from tests.contract.compute.azure_harness import make_lab as make_azure_lab
from tests.contract.compute.azure_harness import names
from tests.support.lab import Lab

YEARS = 10 * 365 * 86400.0
TASK: dict[str, Any] = {"name": "nightly", "max_age": "4h", "supersede": True}


def _vm(lab: Lab, service: str) -> str:
    return VMS[service] if service == "spf" else lab.arm_vm


@pytest.mark.parametrize("skew", [YEARS, -YEARS, 90.0, -90.0, 3600.0])
@pytest.mark.parametrize(
    ("service", "switch"), [("spf", "date_skew"), ("spf", "vmm_clock_skew"), ("scvmm", "date_skew")]
)
def test_one_is_made_and_stays_the_one_whatever_the_clocks_say(service: str, switch: str, skew: float) -> None:
    lab = make_lab(service, **{switch: skew})
    first = lab.run("vm_checkpoint", vm=_vm(lab, service), **TASK)
    assert (code(first), first["changed"]) == (None, True)
    lab.advance(600)
    again = lab.run("vm_checkpoint", vm=_vm(lab, service), **TASK)
    assert (code(again), again["changed"]) == (None, False), again["plan"]["actions"]
    assert again["checkpoint"]["id"] == first["checkpoint"]["id"]
    assert 590 <= again["checkpoint"]["age_seconds"] <= 700
    skews = [text for text in again["warnings"] if "clock" in text]
    assert len(skews) == 1
    assert ("ahead of" if skew > 0 else "behind") in skews[0]
    lab.advance(4 * 3600)
    late = lab.run("vm_checkpoint", vm=_vm(lab, service), **TASK)
    assert (code(late), late["changed"]) == (None, True)
    marked = [point for point in lab.world.vm(VMS[service]).checkpoints if point.name == "nightly"]
    assert len(marked) == 1


@pytest.mark.parametrize("skew", [YEARS, -YEARS, 600.0])
@pytest.mark.parametrize("switch", ["date_skew", "compute_clock_skew"])
def test_the_same_on_azure(switch: str, skew: float) -> None:
    switches: dict[str, Any] = {switch: skew}
    lab = make_azure_lab(point=False, **switches)
    first = azure_checkpoint(lab, **TASK)
    assert (code(first), first["changed"]) == (None, True)
    lab.advance(600)
    again = azure_checkpoint(lab, **TASK)
    assert (code(again), again["changed"], len(names(lab))) == (None, False, 1)
    assert any("clock" in text for text in again["warnings"])


def test_one_that_others_made_under_clocks_that_disagree_counts_by_its_oldest_reading() -> None:
    lab = make_lab("spf", date_skew=YEARS)
    lab.world.vm("web01").checkpoints[-1].added = lab.clock() - 60
    first = lab.run("vm_checkpoint", vm="web01", name="later", max_age="4h")
    assert (first["changed"], lab.run("vm_checkpoint", vm="web01", name="later", max_age="4h")["changed"]) == (
        True,
        False,
    )


@pytest.mark.parametrize("service", ["spf", "scvmm"])
def test_a_restore_by_time_and_an_info_by_age_tell_of_the_clocks(service: str) -> None:
    lab = make_lab(service, date_skew=3600.0)
    vm = _vm(lab, service)
    lab.run("vm_checkpoint", vm=vm, name="nightly")
    info = lab.run("vm_checkpoint_info", vms=[vm], older_than="30m")
    assert [text for text in info["warnings"] if "clock" in text]
    assert "warnings" not in lab.run("vm_checkpoint_info", vms=[vm])
    before = {"before": "2099-01-01T00:00:00Z"}
    plan = lab.run("vm_checkpoint_restore", check=True, vm=vm, name="nightly", select=before)
    assert [text for text in plan["warnings"] if "clock" in text]
    latest = lab.run("vm_checkpoint_restore", check=True, vm=vm, name="nightly", select="latest")
    assert not [text for text in latest["warnings"] if "clock" in text]


def test_clocks_that_agree_are_not_spoken_of() -> None:
    lab = make_lab("spf", date_skew=45.0, vmm_clock_skew=-10.0)
    assert lab.run("vm_checkpoint", vm="web01", **TASK)["warnings"] == []
    assert lab.run("vm_checkpoint", vm="web01", **TASK)["warnings"] == []
