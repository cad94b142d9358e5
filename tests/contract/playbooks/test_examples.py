# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
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


OURS_OF_LONG_AGO: Task = {
    "name": "Make one",
    "hybridvm.checkpoints.vm_checkpoint": {"vm": "web01", "name": "long ago"},
}

EXAMPLES = {
    "restore_point": {
        "A point without the data disk at LUN 0": Example(
            says={"restore_point.usable": True, "restore_point.consistency.achieved": "FileSystemConsistent"}
        ),
        "A copy in another region, awaited until every disk is there": Example(
            says={"restore_point.usable": True, "restore_point.replication.0.percent": 100}
        ),
        "A copy that is watched, one look a minute": Example(
            changed=False, says={"restore_point.usable": True, "restore_point.percent": 100}
        ),
        "Remove a point": Example(says={"plan.actions.0.action": "delete", "restore_point": None}),
    },
    "restore_point_collection": {
        "A collection for a VM": Example(
            needs=(_subscription,),
            says={"restore_point_collection.tags.owner": "web", "restore_point_collection.location": "westeurope"},
        ),
        "A collection for copies in another region": Example(
            says={
                "restore_point_collection.location": "northeurope",
                "restore_point_collection.source_location": "westeurope",
            }
        ),
        "What would go with it": Example(
            says={"plan.actions.0.fields.restore_points_that_go.after": ["first", "second"]}
        ),
    },
    "restore_point_collection_info": {
        "One collection with the progress of copies": Example(
            False, says={"restore_point_collections.0.restore_points.0.name": "old"}
        ),
        "All of the subscription": Example(
            False,
            needs=(_subscription,),
            says={
                "restore_point_collections.0.name": "shop01-copies",
                "restore_point_collections.1.name": "shop01-points",
            },
        ),
    },
    "vm_checkpoint": {
        "One checkpoint not older than four hours": Example(
            says={"checkpoint.name": "before-patching", "checkpoint.description": "Patch night, see change 4711"}
        ),
        "The same on Arc-enabled SCVMM and SPF at once, the last one only": Example(
            needs=(_subscription,),
            says={"vms.0.status": "unchanged", "vms.1.status": "changed", "vms.2.status": "changed"},
        ),
        "On Azure a restore point in the VM's collection, with a generated name under nightly": Example(
            needs=(_subscription,), says={"checkpoint.usable": True, "plan.actions.1.checkpoint.name": "nightly"}
        ),
        "Change the description of one of several": Example(says={"checkpoint.description": "Kept for the auditors"}),
        "Remove a checkpoint by its id": Example(
            needs=(lambda simulator: _point("web01", "old_checkpoint_id", simulator),),
            says={"plan.actions.0.checkpoint.name": "baseline", "checkpoint": None},
        ),
        "Remove all that have the name": Example(says={"plan.actions.1.checkpoint.name": "nightly"}),
        "Plan in check mode, to be approved": Example(says={"plan.actions.0.action": "create", "checkpoint.id": None}),
        "Do what was approved and nothing else": Example(says={"checkpoint.name": "before-upgrade"}),
        "What would be removed, for somebody to approve": Example(
            says={"vms.0.status": "changed", "vms.1.status": "unchanged", "plan.actions.0.action": "delete"}
        ),
        "Remove exactly that, approved by its digest": Example(
            says={"vms.0.status": "changed", "vms.1.status": "unchanged"}
        ),
        "VM by VM, and no further VM once one has failed": Example(
            says={"vms.0.status": "changed", "vms.1.status": "changed"}
        ),
        "Begin it and go on with something else meanwhile": Example(says={"operation.status": "running"}),
        "Come back until it is there and usable": Example(
            False, says={"checkpoint.name": "before-tests", "checkpoint.usable": True}
        ),
    },
    "vm_checkpoint_restore": {
        "Back to before the patch": Example(
            before=(
                {"name": "Make one", "hybridvm.checkpoints.vm_checkpoint": {"vm": "web01", "name": "before-patching"}},
            ),
            says={"checkpoint.name": "before-patching"},
        ),
        "Back to the latest of a series, with a way back, once per job, and running afterwards": Example(
            needs=(lambda _simulator: {"job_id": "job-4711"},), says={"plan.actions.0.action": "create"}
        ),
        "Back to how it was on the first of November": Example(says={"checkpoint.name": "baseline"}),
        "Many VMs, each back to the newest of a name, and no further VM once one has failed": Example(
            before=({"name": "Make one", "hybridvm.checkpoints.vm_checkpoint": {"vm": "web01", "name": "nightly"}},),
            says={"vms.0.checkpoint.name": "nightly", "vms.1.checkpoint.created": "2026-11-02T02:00:00Z"},
        ),
        "Many VMs, each back to the latest of its own before a time": Example(
            says={"vms.0.checkpoint.name": "baseline", "vms.1.checkpoint.created": "2026-11-01T02:00:00Z"}
        ),
        "A VM of Arc-enabled SCVMM, by the checkpoint's id": Example(
            needs=(_subscription, lambda simulator: _point("app01", "arc_checkpoint_id", simulator)),
            says={"checkpoint.name": "baseline"},
        ),
        "An Azure VM onto disks made from its newest restore point, the old disks kept, once per job": Example(
            needs=(_subscription, lambda _simulator: {"job_id": "job-4711"}), says={"checkpoint.name": "old"}
        ),
    },
    "vm_checkpoint_info": {
        "What web01 has": Example(False, says={"checkpoints.0.name": "baseline"}),
        "Ours that are older than thirty days, in the whole tenant": Example(
            False,
            before=(OURS_OF_LONG_AGO, prepare(["POST", "/clock", {"advance": 31 * 86400}])),
            says={"checkpoints.0.name": "long ago", "checkpoints.0.managed": True},
        ),
        "All Arc-enabled SCVMM VMs of a resource group": Example(False, says={"vms.1.name": "app02"}),
        "The restore points of an Azure VM": Example(
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
        assert not result.get("warnings"), name
        assert {path: _at(result, path) for path in example.says} == example.says, name
