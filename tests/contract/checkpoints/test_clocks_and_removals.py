# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing young goes because a clock is wrong, and nothing old is fresh because a mark was edited."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.contract.checkpoints.scenarios import QUICK as VMM_QUICK
from tests.contract.checkpoints.scenarios import VMS, code
from tests.contract.compute.azure_harness import DOCUMENT, QUICK
from tests.support.lab import Lab, Result

DAY = 86400.0
JUMP = 40 * DAY
SERVICES = ("spf", "scvmm", "compute")
WRONG: dict[str, Callable[[Lab], None]] = {
    "the Date header jumps ahead": lambda lab: _switch(lab, date_skew=JUMP),
    "the Date header jumps behind": lambda lab: _switch(lab, date_skew=-JUMP),
    "the controller's clock is ahead": lambda lab: _controller(lab, JUMP),
    "the controller's clock is behind": lambda lab: _controller(lab, -JUMP),
}
KEPT_CLOCK: dict[str, Callable[[Lab], None]] = {
    **WRONG,
    "the clock of the times jumps ahead": lambda lab: _switch(lab, vmm_clock_skew=JUMP, compute_clock_skew=JUMP),
    "the clock of the times jumps behind": lambda lab: _switch(lab, vmm_clock_skew=-JUMP, compute_clock_skew=-JUMP),
}
"""Those of the times themselves count only where a mark or a name bears another."""


def _switch(lab: Lab, **switches: float) -> None:
    lab.world.switches.update(switches)


def _controller(lab: Lab, seconds: float) -> None:
    lab.wall_clock = lambda: datetime.fromtimestamp(lab.clock() + seconds, UTC)


def make_lab(service: str, days: tuple[float, ...] = ()) -> Lab:
    """A world with checkpoints of others that are so old."""
    if service == "compute":
        given: dict[str, Any] = deepcopy(DOCUMENT)
        given["collections"][0]["points"] = [{"name": f"old-{each:g}", "days_old": each} for each in days]
        return Lab({"compute": given}, **QUICK)
    points = [{"name": f"old-{each:g}", "days_old": each} for each in days]
    return Lab({service: {"vms": [{"name": VMS[service], "checkpoints": points}]}}, **VMM_QUICK)


def reference(lab: Lab, service: str) -> str:
    return {"spf": VMS["spf"], "scvmm": lab.arm_vm}[service] if service != "compute" else lab.azure_vm


def names(lab: Lab, service: str) -> list[str]:
    if service == "compute":
        return [point.name for home in lab.world.azure.collections.values() for point in home.points]
    return lab.names(VMS[service])


def series(lab: Lab, service: str, **options: Any) -> Result:
    result = lab.run("vm_checkpoint_policy", vm=reference(lab, service), prefix="nightly", **options)
    assert code(result) is None, result
    return result


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("service", ["spf", "compute"])
def test_absent_by_age_takes_nothing_that_any_clock_calls_young(service: str, wrong: str) -> None:
    lab = make_lab(service, days=(1, 2, 90))
    WRONG[wrong](lab)
    task: dict[str, Any] = {"vm": reference(lab, service), "state": "absent"}
    result = lab.run("vm_checkpoint", **task, select={"older_than": "30d"})
    assert code(result) is None
    assert names(lab, service)[-2:] == ["old-1", "old-2"]
    assert [text for text in result["warnings"] if "clock" in text]
    before = datetime.fromtimestamp(lab.clock(), UTC) - timedelta(days=30)
    lab.run("vm_checkpoint", **task, select={"before": f"{before:%Y-%m-%dT%H:%M:%SZ}"})
    assert names(lab, service)[-2:] == ["old-1", "old-2"]


@pytest.mark.parametrize("wrong", KEPT_CLOCK)
@pytest.mark.parametrize("service", SERVICES)
def test_a_policy_removes_nothing_of_ours_that_any_clock_calls_young(service: str, wrong: str) -> None:
    lab = make_lab(service)
    keep: dict[str, Any] = {"keep": {"within": "7d"}, "max_age": "12h"}
    for _day in range(3):
        series(lab, service, **keep)
        lab.advance(DAY)
    made = names(lab, service)
    assert len(made) == 3
    KEPT_CLOCK[wrong](lab)
    series(lab, service, **keep)
    assert set(made) < set(names(lab, service))  # and the one that is due is made
    task: dict[str, Any] = {"vm": reference(lab, service), "state": "absent"}
    lab.run("vm_checkpoint", **task, select={"older_than": "30d", "managed": True})
    assert set(made) < set(names(lab, service))


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("service", ["spf", "compute"])
def test_nor_does_it_of_others_that_it_adopts(service: str, wrong: str) -> None:
    lab = make_lab(service, days=(1, 2, 3))
    WRONG[wrong](lab)
    for _run in range(2):
        adopted = {"name_matches": "old-.*"}
        series(lab, service, keep={"within": "7d"}, max_age="12h", adopt=adopted, include_unmanaged=True)
    assert {"old-1", "old-2", "old-3"} < set(names(lab, service))


@pytest.mark.parametrize("skew", [60.0, 3600.0, -3600.0, JUMP, -JUMP])
@pytest.mark.parametrize("switch", ["date_skew", "vmm_clock_skew"])
def test_a_series_goes_on_beside_a_clock_that_is_wrong_for_good(switch: str, skew: float) -> None:
    """Which of its checkpoints are the newest, or of which day, no clock of today changes."""
    lab = make_lab("spf")
    _switch(lab, **{switch: skew})
    for _day in range(4):
        series(lab, "spf", keep={"last": 2}, max_age="12h")
        series(lab, "spf", keep={"last": 2}, max_age="12h")
        lab.advance(DAY)
    assert len(names(lab, "spf")) == 2


def _edited(lab: Lab, at: datetime) -> None:
    """Somebody edits the time in the mark of web01's only checkpoint, in VMM."""
    point = lab.world.vm("web01").checkpoints[-1]
    before, rest = str(point.description).split(" at=")
    point.description = f"{before} at={at:%Y-%m-%dT%H:%M:%SZ}{rest[20:]}"
    point.modified = lab.clock()


def test_an_edited_mark_makes_nothing_fresh_and_nothing_old() -> None:
    lab = make_lab("spf")
    task: dict[str, Any] = {"vm": "web01", "name": "nightly", "max_age": "1h"}
    lab.run("vm_checkpoint", **task)
    lab.advance(31 * DAY)
    _edited(lab, datetime.fromtimestamp(lab.clock() - 60, UTC))
    audit = lab.run("vm_checkpoint_policy", check=True, vm="web01", prefix="nightly", max_age="1d")
    assert [each["code"] for each in audit["compliance"]["violations"]] == ["stale"]
    shown = lab.run("vm_checkpoint_info", vm="web01")["checkpoints"][0]
    assert shown["age_seconds"] >= 31 * DAY
    result = lab.run("vm_checkpoint", **task)
    assert result["changed"]
    assert [text for text in result["warnings"] if "is older than its mark says" in text]
    assert not lab.run("vm_checkpoint", **task)["changed"]


def test_a_mark_that_was_edited_to_be_old_removes_nothing() -> None:
    lab = make_lab("spf")
    lab.run("vm_checkpoint", vm="web01", name="nightly")
    lab.advance(DAY)
    _edited(lab, datetime(2024, 1, 1, tzinfo=UTC))
    lab.run("vm_checkpoint", vm="web01", state="absent", select={"older_than": "30d"})
    assert names(lab, "spf") == ["nightly"]
