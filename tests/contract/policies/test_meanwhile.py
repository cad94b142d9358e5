# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What others do while a run removes one checkpoint after the other counts for those that have not gone yet."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.checkpoints import scenarios
from tests.contract.compute.azure_harness import HOME, done
from tests.contract.policies.harness import DAY, SERVICES, deletes, make_lab, names, run, vm_of
from tests.support.lab import Lab

SLOWLY = {"spf": {"delete_takes": "60s"}, "compute": {"compute_point_delete_takes": "60s"}}
VMS = ["web01", "web02"]
TASKS: dict[str, tuple[str, dict[str, Any]]] = {
    "a policy": ("vm_checkpoint_policy", {"prefix": "nightly", "keep": {"last": 1}}),
    "supersede": ("vm_checkpoint", {"name": "nightly", "max_age": "1m", "supersede": True}),
    "absent by select": ("vm_checkpoint", {"state": "absent", "select": {"name_matches": "nightly-.*"}}),
}


def _series(service: str, days: int, **switches: Any) -> tuple[Lab, list[str]]:
    """A series with a checkpoint of each day, and their names from the oldest on."""
    lab = make_lab(service, **switches)
    for _day in range(days):
        done(run(lab, service))
        lab.advance(DAY)
    return lab, [name for name in names(lab, service) if name.startswith("nightly")]


# On SPF what a policy has made bears other names than what vm_checkpoint makes, so nothing of it is superseded.
@pytest.mark.parametrize(
    ("service", "task"),
    [(service, task) for service in SLOWLY for task in TASKS if (service, task) != ("spf", "supersede")],
)
def test_what_another_task_pins_stays(service: str, task: str) -> None:
    lab, series = _series(service, 5, **SLOWLY[service])
    vm, pinned = vm_of(lab, service), series[3]
    shown = done(lab.run("vm_checkpoint_info", vm=vm))["checkpoints"]
    wanted = next(each["id"] for each in shown if each["name"] == pinned)
    module, options = TASKS[task]
    removes, pins = lab.together(
        (0.0, module, {"vm": vm, **options}),
        (30.0, "vm_checkpoint", {"vm": vm, "checkpoint_id": wanted, "pin": True}),
    )
    assert done(pins)["changed"]
    assert done(removes)["changed"]
    assert pinned in names(lab, service)
    assert series[0] not in names(lab, service)


@pytest.mark.parametrize("service", SERVICES)
def test_what_others_remove_lets_a_policy_keep_more(service: str) -> None:
    """min_good holds for what is there at each removal, not for what was there at the first."""
    lab, series = _series(service, 7)

    def removed_by_others() -> None:
        if service == "compute":
            collection = next(each for each in lab.world.azure.collections.values() if each.name == HOME)
            collection.points[:] = [point for point in collection.points if point.name != series[-2]]
            return
        vm = lab.world.vm(scenarios.VMS[service])
        vm.checkpoints = [each for each in vm.checkpoints if each.name != series[-2]]

    first = lab.a_write("POST", path="deleteCheckpoint") if service == "scvmm" else lab.a_write("DELETE")
    lab.before_first(first, removed_by_others)
    result = done(run(lab, service, max_age=None, keep={"last": 1}, min_good=3))
    assert [name for name in names(lab, service) if name in series] == [series[3], series[4], series[6]]
    assert deletes(lab) == 3
    assert result["compliance"]["compliant"]


@pytest.mark.parametrize("limit", [{"max_deletes": 5}, {"max_deletes": 9, "max_deletes_total": 9}])
@pytest.mark.parametrize("service", SERVICES)
def test_what_becomes_due_meanwhile_does_not_stop_what_was_within_the_limit(
    service: str, limit: dict[str, Any]
) -> None:
    """A limit stops a mistake before anything has gone; a new checkpoint of the series in mid-run is none."""
    lab, series = _series(service, 6, delete_takes="60s", compute_point_delete_takes="60s")
    vm = vm_of(lab, service)
    removes, makes = lab.together(
        (0.0, "vm_checkpoint_policy", {"vm": vm, "prefix": "nightly", "keep": {"last": 1}, **limit}),
        (90.0, "vm_checkpoint", {"vm": vm, "name": "nightly", "max_age": "1h"}),
    )
    assert done(makes)["changed"]
    assert done(removes)["changed"]
    assert deletes(lab) == 5
    left = [name for name in names(lab, service) if name.startswith("nightly")]
    assert left == [series[5], done(makes)["checkpoint"]["name"]]
    again = done(run(lab, service, max_age=None, keep={"last": 1}, **limit))
    assert [each["action"] for each in again["plan"]["actions"]].count("delete") == 1


def test_what_is_pinned_while_a_group_removes_from_others_stays() -> None:
    """The last VM's first removal is held against a reading of its own turn, as everywhere."""
    lab = Lab({"spf": {"vms": [{"name": "web01"}, {"name": "web02"}]}}, create_takes="1s", delete_takes="60s")
    old = [done(lab.run("vm_checkpoint", vm=vm, name="s", max_age="1m"))["checkpoint"]["id"] for vm in VMS]
    lab.advance(DAY)
    options = {"vms": VMS, "name": "s", "max_age": "1m", "supersede": True, "group": {"on_failure": "keep"}}
    removes, pins = lab.together(
        (0.0, "vm_checkpoint", options),
        (20.0, "vm_checkpoint", {"vm": VMS[1], "checkpoint_id": old[1], "pin": True}),
    )
    assert done(pins)["changed"]
    assert done(removes)["group"]["complete"]
    ids = [[point.id for point in lab.world.vm(vm).checkpoints] for vm in VMS]
    assert [len(each) for each in ids] == [1, 2]
    assert old[1] in ids[1]
