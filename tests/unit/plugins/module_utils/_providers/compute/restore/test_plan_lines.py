# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole plans of a restore in place: the point, what is told of it, and every step with all that it is about."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.capabilities import RestorePlan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import RestoreRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.plan import restore_steps
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import AzureVmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import short_hash
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    POINT,
    TARGET,
    detail,
    disk,
    inventory,
    made_of,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_files import hold

OTHER = Checkpoint(f"{POINT}2", "q")
OLD, DATA = disk("o"), disk("d")
HELD: dict[str, dict[str, Any]] = {
    "os": {"caching": "ReadWrite", "deleteOption": "Delete"},
    "lun0": {"caching": "ReadOnly", "deleteOption": "Detach"},
}
BOTH = {"os": "o", "lun0": "d"}


def made(name: str, state: str = "pending", of: str = "o", **tags: str) -> DiskEntity:
    """A disk that the run at the end of its name has made of the point."""
    point = {"point": "c/p", "source": short_hash(made_of(of))}
    return disk(name, of=of, run=name.rpartition("-")[2], state=state, **{**point, **tags})


def asked(of: AzureVmState, power: Power = "on", run: str | None = None, **spec: Any) -> RestorePlan:
    named: dict[str, Any] = {} if "checkpoint_id" in spec else {"name": "p"}
    request = RestoreRequest(**named, **spec)
    return restore_steps(request, inventory(of, power, points=(OTHER, TARGET)), lambda: TARGET, power, run)


def shown(plan: RestorePlan) -> str:
    """A plan as text: its target and what is told of it, then a step a line."""
    told = [f"done: {plan.done}"] if plan.done else []
    told += [f"warning: {text}" for text in plan.warnings]
    steps = [
        f"{step.title()} | {step.reason} | {json.dumps(step.about(), sort_keys=True)}"  # whole, as an approval has it
        for step in plan.steps
    ]
    target = plan.target.name if plan.target else "no point"
    return "".join(f"  {text}\n" for text in (f"{target}{', resumed' if plan.resumed else ''}", *told, *steps))


def of_both(*disks: DiskEntity, **more: Any) -> AzureVmState:
    """A VM whose OS disk and data disk the point holds."""
    return detail(*disks, **{"attached": BOTH, "also": {"lun0": "d"}, "held": HELD, **more})


def plans() -> dict[str, RestorePlan]:
    run = str(asked(detail(OLD)).steps[0].about()["run"])
    keyed = str(asked(detail(OLD), restore_key="k").steps[0].about()["run"])
    left = made("v-os-left", power="on", replaces="rg/o", held="ReadWrite/Delete/")
    stood = made("v-os-stood", replaces="rg/o", power="on")
    return {
        "from the start": asked(of_both(OLD, DATA)),
        "with a key, by id, the old disks go, another point beside it": asked(
            of_both(OLD, DATA), checkpoint_id=POINT, restore_key="k", old_disks="delete", power_after="off"
        ),
        "a data disk where none is attached": asked(of_both(OLD, attached={"os": "o"}), "off"),
        "taken up": asked(of_both(OLD, DATA, left), "off"),
        "taken up by the task that has begun it": asked(of_both(OLD, DATA, left), run="left"),
        "taken up with its key": asked(detail(OLD, made(f"v-os-{keyed}", power="on")), "off", restore_key="k"),
        "ended with its key": asked(detail(OLD, made(f"v-os-{keyed}", "done")), restore_key="k"),
        "ended by another": asked(detail(OLD, made("v-os-mine", "done")), run="mine"),
        "swapped and not ended": asked(
            detail(OLD, stood, attached={"os": "v-os-stood"}), old_disks="delete", power_after="on"
        ),
        "ended before, and once more": asked(detail(OLD, made("v-os-e", "done"), attached={"os": "v-os-e"})),
        "its first run was given up": asked(detail(OLD, made(f"v-os-{run}", "given-up"))),
        "its first run has ended": asked(detail(OLD, made(f"v-os-{run}", "done"))),
        "an interrupted one with a key found it on": asked(
            detail(OLD, made("v-os-i", power="on", keyed="yes")), "off", restore_key="k"
        ),
    }


def test_whole_plans() -> None:
    text = "".join(f"{name}\n{shown(plan)}" for name, plan in plans().items())
    hold(Path(__file__).parent / "golden" / "plans.txt", text)
