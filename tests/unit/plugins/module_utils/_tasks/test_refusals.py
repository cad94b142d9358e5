# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that a task refuses before it asks a service, each as the whole line that a user reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import checksum, digest_of
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.run_options import RunOptions
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.specs import LeftoverSpec
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.checkpoints import _group_of
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.inventory_hosts import name_hosts
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.inventory_query import (
    InventoryQuery,
    refuse_unknown,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.plan_file import (
    approved_tasks,
    planned_tasks,
    to_text,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.vm_checkpoint_info import (
    InfoQuery,
    query_scope,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.vm_references import references_of
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    absent,
    present,
    restore,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_refusals import Ask, hold

AZURE = "/subscriptions/22222222-0000-4000-8000-000000000002/resourceGroups/g/providers/Microsoft.Compute"
OPTIONS = {"vm": "web01", "name": "n"}
PLAN = {"version": 1, "digest": digest_of([], None), "checksum": checksum([]), "actions": []}


def named(**params: Any) -> object:
    return references_of(params)


def info(**options: Any) -> object:
    return query_scope(validate_options(InfoQuery, options))


def group(spec: Any, **params: Any) -> object:
    return _group_of(spec, params)


def inventory(**options: Any) -> object:
    return validate_options(InventoryQuery, {"services": ["compute"], **options})


def hosts(*vms: str) -> object:
    return name_hosts(["web"] * len(vms), [{"vm": vm} for vm in vms], "fail")


def task(module: str = "vm_checkpoint", **options: Any) -> dict[str, Any]:
    return {"module": module, "options": options or OPTIONS}


def plan_file(**content: Any) -> str:
    """A file's text, with a checksum that fits."""
    held = {"format": "hybridvm.checkpoints plan file", "version": 1, "created": "c", "tasks": [], **content}
    return json.dumps({**held, "checksum": checksum(held)})


REFUSED: list[Ask] = [
    named,
    lambda: named(vm="a", vms=["b"]),
    lambda: references_of({}, takes_scope=True),
    lambda: references_of({"vm": "a"}, scope="spf", takes_scope=True),
    lambda: named(vms=[], expected_plan={"digest": "x"}),
    lambda: named(vm=""),
    lambda: named(vm=" "),
    lambda: named(vm="a" * 1025),
    lambda: named(vm="a\x07"),
    lambda: named(vm=" a"),
    lambda: named(vms=["a", "b", ""]),
    lambda: named(vms=["a", "b "]),
    lambda: info(resource_group="rg"),
    lambda: info(scope="hyperv"),
    lambda: group(absent(), group={}, vms=["a"]),
    lambda: group(present(), group={}, vms=[]),
    lambda: group(restore(), group={}, vm="a"),
    lambda: group(restore(), group={"on_failure": "undo"}, vms=["a"]),
    lambda: RunOptions.of({"wait_timeout": "999ms"}),
    lambda: RunOptions.of({"poll_interval": "99ms"}),
    lambda: RunOptions.of({"concurrency": "0"}),
    lambda: RunOptions.of({"concurrency": "257"}),
    lambda: RunOptions.of({"concurrency": "1" * 5000}),
    lambda: RunOptions.of({"concurrency": "²"}),
    lambda: RunOptions.of({"group": {}, "wait": False}),
    lambda: RunOptions.of({"group": {}, "on_error": "stop"}),
    lambda: RunOptions.of({"group": {}, "on_error": "continue"}),
    lambda: RunOptions.of({"require_approval": True}).approval(check_only=False),
    lambda: RunOptions.of({"require_approval": True, "expected_plan": ""}).approval(check_only=False),
    lambda: inventory(services=[]),
    lambda: inventory(subscriptions=[]),
    lambda: inventory(subscriptions=["x"]),
    lambda: inventory(resource_groups=[]),
    lambda: inventory(resource_groups=["rg."]),
    lambda: inventory(include=[]),
    lambda: inventory(exclude=[""]),
    lambda: inventory(tags={}),
    lambda: inventory(on_duplicate="keep"),
    lambda: inventory(services=["spf"], subscriptions=["22222222-0000-4000-8000-000000000002"]),
    lambda: inventory(services=["spf"], resource_groups=["rg"]),
    lambda: inventory(services=["spf"], tags={"a": "b"}),
    lambda: refuse_unknown(["tag", "vm", "services"], ["services"]),
    lambda: hosts("a", "b"),
    lambda: hosts(*"abcdef"),
    lambda: LeftoverSpec(state="absent", ids=[f"{AZURE}/disks/d", f"{AZURE}/virtualMachines/v"]),
    lambda: LeftoverSpec(state="absent", ids=["d"]),
    lambda: planned_tasks({}),
    lambda: planned_tasks([]),
    lambda: planned_tasks([task(), "vm_checkpoint"]),
    lambda: planned_tasks([["module", "options"]]),
    lambda: planned_tasks([{"module": "vm_checkpoint"}]),
    lambda: planned_tasks([{**task(), "when": "true"}]),
    lambda: planned_tasks([{"module": "vm_checkpoint", "options": []}]),
    lambda: planned_tasks([task("vm_checkpoint_info")]),
    lambda: planned_tasks([task(vm="a", spf_password="x")]),
    lambda: planned_tasks([task(vm="a", require_approval=True)]),
    lambda: planned_tasks([task(vm="a", expected_plan="x")]),
    lambda: planned_tasks([task("vm_checkpoint_restore")]),
    lambda: planned_tasks([task("vm_checkpoint_restore", restore_key="")]),
    lambda: to_text([task()], [], "now"),
    lambda: to_text([task()], [{"plan": None}], "now"),
    lambda: to_text([task()], "x", "now"),
    lambda: approved_tasks("{"),
    lambda: approved_tasks("[" * 100_000),
    lambda: approved_tasks("[]"),
    lambda: approved_tasks(plan_file(format="x")),
    lambda: approved_tasks(plan_file(version=2)),
    lambda: approved_tasks(plan_file().replace('"created": "c"', '"created": "d"')),
    lambda: approved_tasks(plan_file(), "sha256:0", "the file"),
    lambda: approved_tasks(plan_file(tasks={})),
    lambda: approved_tasks(plan_file(tasks=["x"])),
    lambda: approved_tasks(plan_file(tasks=[task()])),
    lambda: approved_tasks(plan_file(tasks=[{**task(), "plan": PLAN}, {**task(), "plan": {**PLAN, "version": 2}}])),
    lambda: approved_tasks(plan_file(tasks=[{**task("vm_checkpoint_info"), "plan": PLAN}])),
]


def test_what_is_refused() -> None:
    hold(Path(__file__).parent / "golden" / "refusals.txt", REFUSED)
