# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/rights.md: each task runs with just the rights that the page lists, and with none of them left out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from simulator.arm.rights import action_of
from simulator.wire.exchange import Call
from tests.contract.checkpoints.scenarios import code
from tests.contract.compute.azure_harness import HOME, checkpoint, collection, done, make_lab, point, restore
from tests.support.lab import Lab, Result

PAGE = Path(__file__).resolve().parents[3] / "docs/rights.md"
GOOD_TO_HAVE = "Microsoft.Authorization/locks/read"
GROUP = "/subscriptions/s/resourceGroups/g"
Go = Callable[[Lab], Result]


@dataclass(frozen=True)
class Task:
    """How to make a world in which there is something to do, and the task.

    It `warns` of rights that it can do without, and some it `can_miss` without a word.
    """

    go: Go
    make: Callable[[], Lab] = make_lab
    before: Callable[[Lab], object] = lambda _lab: None
    warns: tuple[str, ...] = ()
    can_miss: tuple[str, ...] = ()


def _source(lab: Lab) -> str:
    return lab.world.azure.resource_id("restorePointCollections", HOME)


def _copies(lab: Lab) -> None:
    done(collection(lab, name="copies", source=_source(lab), location="northeurope"))


def _series(lab: Lab, vm: str) -> None:
    done(lab.run("vm_checkpoint", vm=vm, name="series", max_age="1h"))
    lab.advance(7200)


def _superseding(lab: Lab, vm: str) -> Result:
    return lab.run("vm_checkpoint", vm=vm, name="series", max_age="1h", supersede=True)


def _policy(lab: Lab, vm: str) -> Result:
    return lab.run("vm_checkpoint_policy", vm=vm, prefix="series", max_age="1h", keep={"last": 1})


def _collection_info(**options: Any) -> Go:
    return lambda lab: lab.run("restore_point_collection_info", name=HOME, resource_group="rg-shop", **options)


def _locked_pin(lab: Lab) -> None:
    done(checkpoint(lab, name="before", pin=True, pin_lock=True))


def _remove_leftover(lab: Lab) -> Result:
    ids = [lab.world.azure.resource_id("disks", "shop01_OsDisk")]
    return lab.run("leftover_disk", vm=lab.azure_vm, ids=ids, state="absent")


def _off() -> Lab:
    """Both VMs of the VMMs have a checkpoint of when they were off."""
    vm = {"power": "PowerOff", "checkpoints": [{"name": "baseline", "days_old": 1, "power": "PowerOff"}]}
    return Lab({"spf": {"vms": [{"name": "web01", **vm}]}, "scvmm": {"vms": [{"name": "app01", **vm}]}})


def _restoring(service: str, **options: Any) -> Go:
    return lambda lab: lab.run(
        "vm_checkpoint_restore", vm=lab.arm_vm if service == "scvmm" else "web01", name="baseline", **options
    )


DISKS = ("Microsoft.Compute/disks/read",)
COMPUTE = {
    "`vm_checkpoint`, present": Task(lambda lab: checkpoint(lab, name="x"), lambda: make_lab(point=False), warns=DISKS),
    "`vm_checkpoint`, present, in a collection that exists": Task(lambda lab: checkpoint(lab, name="x"), warns=DISKS),
    "`vm_checkpoint`, present, in a collection that exists, with `supersede`": Task(
        lambda lab: _superseding(lab, lab.azure_vm),
        lambda: make_lab(point=False),
        lambda lab: _series(lab, lab.azure_vm),
        warns=DISKS,
    ),
    "`vm_checkpoint`, with `pin`": Task(lambda lab: checkpoint(lab, name="before", pin=True), can_miss=DISKS),
    "`vm_checkpoint`, with `pin` and `pin_lock`": Task(
        lambda lab: checkpoint(lab, name="before", pin=True, pin_lock=True), can_miss=DISKS
    ),
    "`vm_checkpoint`, with `pin: false`, of one that is locked": Task(
        lambda lab: checkpoint(lab, name="before", pin=False),
        before=_locked_pin,
        can_miss=(*DISKS, GOOD_TO_HAVE),  # the lock is not seen then, and stays
    ),
    "`vm_checkpoint`, absent": Task(lambda lab: checkpoint(lab, name="before", state="absent"), can_miss=DISKS),
    "`vm_checkpoint_policy`, in a collection that exists": Task(
        lambda lab: _policy(lab, lab.azure_vm), before=lambda lab: _series(lab, lab.azure_vm), warns=DISKS
    ),
    "`vm_checkpoint_restore`": Task(restore),
    "`vm_checkpoint_restore`, with `safety_checkpoint`": Task(lambda lab: restore(lab, safety_checkpoint=True)),
    "`vm_checkpoint_restore`, with `old_disks: delete`": Task(lambda lab: restore(lab, old_disks="delete")),
    "`vm_checkpoint_info`": Task(lambda lab: lab.run("vm_checkpoint_info", vm=lab.azure_vm)),
    "`vm_checkpoint_info`, with `leftovers`": Task(
        lambda lab: lab.run("vm_checkpoint_info", vm=lab.azure_vm, leftovers=True)
    ),
    "`leftover_disk`": Task(_remove_leftover, before=lambda lab: done(restore(lab))),
    "`restore_point`, present": Task(lambda lab: point(lab, exclude_disks=["lun0"]), warns=DISKS),
    "`restore_point`, a copy": Task(
        lambda lab: point(lab, collection="copies", source_restore_point="before"), before=_copies
    ),
    "`restore_point`, absent": Task(lambda lab: point(lab, name="before", state="absent")),
    "`restore_point_collection`, of a VM": Task(lambda lab: collection(lab, name="n", source=lab.azure_vm)),
    "`restore_point_collection`, for copies": Task(
        lambda lab: collection(lab, name="copies", source=_source(lab), location="northeurope")
    ),
    "`restore_point_collection`, absent": Task(lambda lab: collection(lab, state="absent", force=True)),
    "`restore_point_collection_info`": Task(_collection_info()),
    "`restore_point_collection_info`, with `instance_view`": Task(_collection_info(instance_view=True)),
    "`restore_point_collection_info`, with `disk_restore_points`": Task(_collection_info(disk_restore_points=True)),
}
ARC = {
    "`vm_checkpoint`, present": Task(lambda lab: lab.run("vm_checkpoint", vm=lab.arm_vm, name="x"), Lab),
    "`vm_checkpoint`, absent": Task(
        lambda lab: lab.run("vm_checkpoint", vm=lab.arm_vm, name="baseline", state="absent"), Lab
    ),
    "`vm_checkpoint`, present, with `supersede`": Task(
        lambda lab: _superseding(lab, lab.arm_vm), Lab, lambda lab: _series(lab, lab.arm_vm)
    ),
    "`vm_checkpoint_policy`": Task(lambda lab: _policy(lab, lab.arm_vm), Lab, lambda lab: _series(lab, lab.arm_vm)),
    "`vm_checkpoint_restore`": Task(_restoring("scvmm"), Lab),
    "`vm_checkpoint_restore`, with `safety_checkpoint`": Task(_restoring("scvmm", safety_checkpoint=True), Lab),
    "`vm_checkpoint_restore`, with `if_running: stop`": Task(_restoring("scvmm", if_running="stop"), Lab),
    "`vm_checkpoint_restore`, with `power_after: on`": Task(_restoring("scvmm", power_after="on"), _off),
    "`vm_checkpoint_info`": Task(lambda lab: lab.run("vm_checkpoint_info", vm=lab.arm_vm), Lab),
    "`vm_checkpoint_info`, with `scope: scvmm`": Task(lambda lab: lab.run("vm_checkpoint_info", scope="scvmm"), Lab),
}
SPF = {
    "`vm_checkpoint`": Task(lambda lab: lab.run("vm_checkpoint", vm="web01", name="x", description="why"), Lab),
    "`vm_checkpoint_policy`": Task(lambda lab: _policy(lab, "web01"), Lab),
    "`vm_checkpoint_restore`": Task(_restoring("spf"), Lab),
    "`vm_checkpoint_restore`, with `safety_checkpoint`": Task(_restoring("spf", safety_checkpoint=True), Lab),
    "`vm_checkpoint_restore`, with `if_running: stop`": Task(_restoring("spf", if_running="stop"), Lab),
    "`vm_checkpoint_restore`, with `power_after: on`": Task(_restoring("spf", power_after="on"), _off),
    "`vm_checkpoint_info`": Task(lambda lab: lab.run("vm_checkpoint_info", vm="web01"), Lab),
}


def listed(heading: str) -> dict[str, list[str]]:
    """The rights by task in one part of the page; "the same" is the row above, or the module's first row."""
    part = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows: dict[str, list[str]] = {}
    last: list[str] = []
    for task, needs in re.findall(r"^\| (`.*?) \| (.*) \|$", part, re.M):
        rights = re.findall(r"`([A-Z][\w./]+)`", needs)
        if needs.startswith("the same as without"):
            rights = [*rows[task.partition(",")[0]], *rights]
        elif needs.startswith("the same"):
            rights = [*last, *rights]
        rows[task] = last = rights
    return rows


def asked(lab: Lab, since: int) -> set[str]:
    """The actions of what a lab has sent, as the simulator names them."""
    calls = [Call(each.method, each.url.raw_path.decode(), {}, b"", "https") for each in lab.requests[since:]]
    return {action.lower() for call in calls if (action := action_of(call)) is not None}


@pytest.mark.parametrize(("heading", "tasks"), [("Azure Compute", COMPUTE), ("Arc-enabled SCVMM", ARC), ("SPF", SPF)])
def test_the_page_lists_these_tasks(heading: str, tasks: dict[str, Task]) -> None:
    assert list(listed(heading)) == list(tasks)


ARM = [("Azure Compute", name, task) for name, task in COMPUTE.items()]
ARM += [("Arc-enabled SCVMM", name, task) for name, task in ARC.items()]


@pytest.mark.slow
@pytest.mark.parametrize(("heading", "name", "task"), ARM, ids=[f"{heading} {name}" for heading, name, _task in ARM])
def test_a_task_runs_with_just_these_actions(heading: str, name: str, task: Task) -> None:
    rights = listed(heading)[name]
    lab = task.make()
    task.before(lab)
    since = len(lab.requests)
    lab.world.arm_actions = frozenset(rights)
    result = done(task.go(lab))
    assert not result.get("warnings")
    asked_for, listed_rights = asked(lab, since), {right.lower() for right in rights}
    assert asked_for - ({GOOD_TO_HAVE.lower()} - listed_rights) == listed_rights
    for left_out in rights:
        lab = task.make()
        task.before(lab)
        lab.world.arm_actions = frozenset(rights) - {left_out}
        result = task.go(lab)
        if left_out in (*task.warns, *task.can_miss):
            assert bool(done(result)["warnings"]) is (left_out in task.warns), left_out
        else:
            # Where a write has left, its outcome can no longer be read; of many VMs each has its own error.
            assert code(result) in {"forbidden", "outcome_unknown", "some_failed"}, left_out
            assert left_out.lower() in str(result).lower()


@pytest.mark.parametrize("name", SPF)
def test_a_task_on_spf_runs_with_just_these_actions(name: str) -> None:
    task, rights = SPF[name], listed("SPF")[name]
    lab = task.make()
    lab.world.spf.vmm.rights = frozenset(rights)
    done(task.go(lab))
    for left_out in rights:
        lab = task.make()
        power = {"Start", "Stop"}  # one kind of job to the simulator: one of them allows both
        lab.world.spf.vmm.rights = frozenset(rights) - (power if left_out in power else {left_out})
        assert code(task.go(lab)) == "forbidden", left_out


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", "/subscriptions/s", "Microsoft.Resources/subscriptions/read"),
        ("GET", "/subscriptions/s/resourceGroups", "Microsoft.Resources/subscriptions/resourceGroups/read"),
        (
            "PATCH",
            f"{GROUP}/providers/Microsoft.Compute/disks/d",
            "Microsoft.Compute/disks/write",
        ),
        ("POST", f"{GROUP}/providers/A.B/c/d/start", "A.B/c/start/action"),
        ("POST", "/providers/Microsoft.ResourceGraph/resources", None),
        ("POST", "/tenant/oauth2/v2.0/token", None),
        ("GET", "/SC2012R2/VMM/providers/x", None),
    ],
)
def test_how_an_action_is_named(method: str, path: str, action: str | None) -> None:
    assert action_of(Call(method, path, {}, b"", "https")) == action


def test_a_role_may_hold_wildcards_and_sign_in_comes_first() -> None:
    lab = make_lab()
    lab.world.arm_actions = frozenset({"*/read"})
    assert code(lab.run("vm_checkpoint_info", vm=lab.azure_vm)) is None
    assert code(checkpoint(lab, name="x")) == "forbidden"
    assert code(lab.run("vm_checkpoint_info", vm=lab.azure_vm, secret="wrong")) == "sign_in_refused"
