# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example of every module runs as it stands, with a world in which it makes sense."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from .support import MODULES, Ansible, Simulator, documented, play, prepare

Vars = Callable[[Simulator], dict[str, Any]]
Task = dict[str, Any]


def _subscription(simulator: Simulator) -> dict[str, Any]:
    return {"subscription": simulator.ready["subscription_id"]}


def _point(vm: str, variable: str, simulator: Simulator) -> dict[str, Any]:
    return {variable: simulator.vm(vm)["checkpoints"][0]["id" if vm == "web01" else "checkpoint_id"]}


@dataclass(frozen=True)
class Example:
    """What it needs beforehand, and what its result is: `says` are paths into it."""

    changed: bool = True
    before: tuple[Task, ...] = ()
    needs: tuple[Vars, ...] = ()
    says: dict[str, Any] = field(default_factory=dict)


BASELINE = {"name": "baseline", "added": "2026-10-01T08:00:00Z"}
NIGHTLIES = [{"name": "nightly", "added": f"2026-11-{day}T02:00:00Z"} for day in ("01", "02")]
WORLD = {
    "spf": {
        "vms": [
            {"name": "web01", "checkpoints": [BASELINE]},
            {"name": "db01", "checkpoints": [BASELINE, *NIGHTLIES]},
        ]
    },
    "scvmm": {"vms": [{"name": "app01", "checkpoints": [BASELINE]}, {"name": "app02"}]},
}


def _compute(module: str, simulator: Simulator) -> dict[str, Any]:
    """The Azure part of the world: collections that another module's examples only make."""
    points = {"name": "shop01-points", "source": "shop01", "points": [{"name": "old", "days_old": 3}]}
    source = simulator.azure("restorePointCollections", "shop01-points")
    copies = {"name": "shop01-copies", "source": source, "location": "northeurope"}
    old = {"name": "shop01-old", "source": "shop01", "points": [{"name": "first"}, {"name": "second"}]}
    data_disk = {"lun": 0, "files": {"/data/orders": "1 2 3"}}
    return {
        "vms": [{"name": "shop01", "data_disks": [data_disk]}],
        "collections": [old] if module == "restore_point_collection" else [points, copies],
    }


SHOP01 = "/subscriptions/{{ subscription }}/resourceGroups/rg-shop/providers/Microsoft.Compute/virtualMachines/shop01"
OURS_OF_LONG_AGO: Task = {
    "name": "Make one",
    "hybridvm.checkpoints.vm_checkpoint": {"vm": "web01", "name": "long ago"},
}

# This machine's clock stays: what the services' clocks have gone on by, only something younger shows.
A_MONTH_LATER = prepare(
    ["POST", "/clock", {"advance": 31 * 86400}],
    ["POST", "/vm/spf/web01/checkpoint", {"name": "of today"}],
    ["POST", "/vm/spf/web01/job", {"seconds": 1, "locks": False}],
    ["POST", "/clock", {"advance": 60}],
)

RESTORED: Task = {
    "name": "Restore it",
    "hybridvm.checkpoints.vm_checkpoint_restore": {"vm": SHOP01, "collection": "shop01-points", "name": "old"},
}


def _made_by_a_script(number: int) -> Task:
    """Hyper-V Manager's way: no mark of ours; VMM learns of it."""
    return prepare(
        ["POST", "/vm/spf/web01/checkpoint", {"name": f"backup_{number}"}],
        ["POST", "/vm/spf/web01/job", {"seconds": 1, "locks": False}],
        ["POST", "/clock", {"advance": 60}],
    )


EXAMPLES = {
    "leftover_disk": {
        "List what restores have left": Example(
            False, before=(RESTORED,), needs=(_subscription,), says={"leftovers.0.kind": "disk"}
        ),
        "Show which of the disks would be removed": Example(
            needs=(_subscription,), says={"plan.actions.1.action": "delete"}
        ),
        "Remove exactly those": Example(needs=(_subscription,), says={"leftovers": []}),
    },
    "restore_point": {
        "Create a restore point without the data disk at LUN 0": Example(
            says={"restore_point.usable": True, "restore_point.consistency.achieved": "FileSystemConsistent"}
        ),
        "Copy it into another region and wait until every disk has arrived": Example(
            says={"restore_point.usable": True, "restore_point.replication.0.percent": 100}
        ),
        "Watch a copy, with one read a minute": Example(
            changed=False, says={"restore_point.usable": True, "restore_point.percent": 100}
        ),
        "Remove a restore point": Example(says={"plan.actions.0.action": "delete", "restore_point": None}),
    },
    "restore_point_collection": {
        "Create a collection for a VM": Example(
            needs=(_subscription,),
            says={"restore_point_collection.tags.owner": "web", "restore_point_collection.location": "westeurope"},
        ),
        "Create a collection for copies in another region": Example(
            says={
                "restore_point_collection.location": "northeurope",
                "restore_point_collection.source_location": "westeurope",
            }
        ),
        "Show which restore points would be removed with a collection": Example(
            says={"plan.actions.0.fields.restore_points_that_go.after": ["first", "second"]}
        ),
    },
    "restore_point_collection_info": {
        "List one collection, with the progress of copies": Example(
            False, says={"restore_point_collections.0.restore_points.0.name": "old"}
        ),
        "List all collections of a subscription": Example(
            False,
            needs=(_subscription,),
            says={
                "restore_point_collections.0.name": "shop01-copies",
                "restore_point_collections.1.name": "shop01-points",
            },
        ),
    },
    "vm_checkpoint": {
        "Have a checkpoint that is not older than four hours": Example(
            says={"checkpoint.name": "before-patching", "checkpoint.description": "Patch night, see change 4711"}
        ),
        "The same on SPF and Arc-enabled SCVMM at once, keeping only the newest one": Example(
            needs=(_subscription,),
            says={"vms.0.status": "unchanged", "vms.1.status": "changed", "vms.2.status": "changed"},
        ),
        "Have a restore point of an Azure VM, with a generated name that begins with nightly": Example(
            needs=(_subscription,), says={"checkpoint.usable": True, "plan.actions.1.checkpoint.name": "nightly"}
        ),
        "Change the description of one of several": Example(says={"checkpoint.description": "Kept for the auditors"}),
        "Remove a checkpoint by id": Example(
            needs=(lambda simulator: _point("web01", "old_checkpoint_id", simulator),),
            says={"plan.actions.0.checkpoint.name": "baseline", "checkpoint": None},
        ),
        "Remove all checkpoints of a name": Example(says={"plan.actions.1.checkpoint.name": "nightly"}),
        "Keep a checkpoint for the auditors, for a year": Example(
            says={"checkpoint.name": "as-audited", "checkpoint.pinned": True}
        ),
        "Lift the pin": Example(says={"checkpoint.pinned": False, "checkpoint.pin_until": None}),
        "Have a restore point for thirty days that nobody can remove, not even in the portal": Example(
            needs=(_subscription,),
            says={"checkpoint.pinned": True, "plan.actions.2.fields.pin_lock.after": True},
        ),
        "Remove what this collection created for a web release more than two weeks ago": Example(
            False, says={"plan.actions": []}
        ),
        "Plan in check mode, for approval": Example(says={"plan.actions.0.action": "create", "checkpoint.id": None}),
        "Do what was approved, and nothing else": Example(says={"checkpoint.name": "before-upgrade"}),
        "Show what would be removed, for approval": Example(
            says={"vms.0.status": "changed", "vms.1.status": "unchanged", "plan.actions.0.action": "delete"}
        ),
        "Remove exactly that, approved by its digest": Example(
            says={"vms.0.status": "changed", "vms.1.status": "unchanged"}
        ),
        "One VM after the other, stopping at the first failure": Example(
            says={"vms.0.status": "changed", "vms.1.status": "changed"}
        ),
        "All of them or none, the database first": Example(
            says={"group.complete": True, "group.created.0.vm": "db01", "vms.1.status": "changed"}
        ),
        "Start a checkpoint and go on without waiting": Example(says={"operation.status": "running"}),
        "Wait until it exists and is usable": Example(
            False, says={"checkpoint.name": "before-tests", "checkpoint.usable": True}
        ),
    },
    "vm_checkpoint_policy": {
        "Keep a week of days and a month of weeks, of many VMs": Example(
            says={"vms.0.status": "changed", "vms.1.status": "changed", "vms.1.compliance.compliant": True}
        ),
        "See what would go and why, and whether the VMs comply": Example(
            False, says={"vms.0.compliance.violations": [], "vms.0.plan.actions.0.rule": "not_managed"}
        ),
        "Fail a pipeline if a VM has no fresh checkpoint, and change nothing": Example(
            False, says={"compliance.compliant": True, "series.points": 1}
        ),
        "Keep restore points of an Azure VM within spans, and one for each month of a year": Example(
            needs=(_subscription,), says={"plan.actions.1.action": "create", "checkpoint.usable": True}
        ),
        "Take over what a script has left, once": Example(
            before=tuple(_made_by_a_script(number) for number in range(1, 6)),
            says={"plan.actions.5.checkpoint.name": "backup_1", "compliance.violations.0.code": "pinned_missing"},
        ),
    },
    "vm_checkpoint_restore": {
        "Restore a VM to before the patch": Example(
            before=(
                {"name": "Make one", "hybridvm.checkpoints.vm_checkpoint": {"vm": "web01", "name": "before-patching"}},
            ),
            says={"checkpoint.name": "before-patching"},
        ),
        "Restore to the latest of a series, once per job, with a safety checkpoint, and start the VM": Example(
            needs=(lambda _simulator: {"job_id": "job-4711"},), says={"plan.actions.0.action": "create"}
        ),
        "Restore to the latest checkpoint before a time": Example(says={"checkpoint.name": "baseline"}),
        "Restore to the latest nightly checkpoint that is at least a day old": Example(
            says={"checkpoint.created": "2026-11-02T02:00:00Z"}
        ),
        "Restore many VMs to their newest checkpoint of a name, stopping at the first failure": Example(
            before=({"name": "Make one", "hybridvm.checkpoints.vm_checkpoint": {"vm": "web01", "name": "nightly"}},),
            says={"vms.0.checkpoint.name": "nightly", "vms.1.checkpoint.created": "2026-11-02T02:00:00Z"},
        ),
        "Restore an application, none of its VMs before all of them have a safety checkpoint": Example(
            says={"group.went_back": ["db01", "web01"], "plan.actions.1.action": "create"}
        ),
        "Restore many VMs, each to its latest checkpoint before a time": Example(
            says={"vms.0.checkpoint.name": "baseline", "vms.1.checkpoint.created": "2026-11-01T02:00:00Z"}
        ),
        "Restore a VM of Arc-enabled SCVMM by the id of the checkpoint": Example(
            needs=(_subscription, lambda simulator: _point("app01", "arc_checkpoint_id", simulator)),
            says={"checkpoint.name": "baseline"},
        ),
        "Restore an Azure VM to its newest restore point, once per job, keeping the old disks": Example(
            needs=(_subscription, lambda _simulator: {"job_id": "job-4711"}), says={"checkpoint.name": "old"}
        ),
    },
    "vm_checkpoint_info": {
        "List the checkpoints of a VM": Example(False, says={"checkpoints.0.name": "baseline"}),
        "List what this collection created in the whole tenant more than thirty days ago": Example(
            False,
            before=(OURS_OF_LONG_AGO, A_MONTH_LATER),
            says={"checkpoints.0.name": "long ago", "checkpoints.0.managed": True},
        ),
        "List what is pinned of many VMs": Example(False, says={"checkpoints": []}),
        "Audit many VMs, and go on without those that cannot be read": Example(
            False, says={"vms.0.status": "read", "vms.1.status": "read", "checkpoints.0.name": "baseline"}
        ),
        "List what restores have left of all Azure VMs of a resource group": Example(
            False, needs=(_subscription,), says={"leftovers": [], "vms.0.name": "shop01"}
        ),
        "List all Arc-enabled SCVMM VMs of a resource group": Example(False, says={"vms.1.name": "app02"}),
        "List the restore points of an Azure VM": Example(
            False, needs=(_subscription,), says={"checkpoints.0.name": "old", "checkpoints.0.provider": "compute"}
        ),
    },
}


def _at(result: Any, path: str) -> Any:
    for step in path.split("."):
        result = result[int(step)] if isinstance(result, list) else result[step]
    return result


@pytest.mark.parametrize("module", MODULES)
def test_every_example_has_an_entry_and_every_entry_an_example(module: str) -> None:
    assert [task["name"] for task in documented(module, "EXAMPLES")] == list(EXAMPLES[module])


@pytest.mark.parametrize("module", MODULES)
def test_examples_run_as_they_stand(module: str, simulator: Simulator, ansible: Ansible) -> None:
    simulator.control("POST", "/world", {**WORLD, "compute": _compute(module, simulator)})
    plays = []
    for task in documented(module, "EXAMPLES"):
        example = EXAMPLES[module][task["name"]]
        extra = {name: value for need in example.needs for name, value in need(simulator).items()}
        plays.append(play(task["name"], [*example.before, task], simulator.environment, vars=extra))
    run = ansible.run(plays)
    assert run.code == 0, run.stdout + run.stderr
    for name, example in EXAMPLES[module].items():
        result = run.of(name)
        assert result["changed"] == example.changed, name
        # The simulator's clock runs faster than ours, and that is reported.
        assert [text for text in result.get("warnings", []) if "the service's clock" not in text] == [], name
        assert {path: _at(result, path) for path in example.says} == example.says, name
