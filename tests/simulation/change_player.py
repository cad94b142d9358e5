# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out a guarded change: the modules of roles/guarded_change/tasks in their order, with the change between."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import trio

from simulator.world import World
from tests.simulation.record import Run, Step
from tests.simulation.script import Task

PACE = ("wait_timeout", "poll_interval", "settle_time")
RETRIES, DELAY = 60, 30.0
"""guarded_change_usable_retries, guarded_change_usable_delay."""
Sleep = Callable[[float], Awaitable[None]]
Play = Callable[[Task, bool], Awaitable[Run]]
"""Runs a module's task; whether what is to kill it may do so."""


class KilledChange(Exception):
    """Nothing follows: what ran the role has gone."""


class ChangePlayer:
    """One change of one VM, from its first run to the end of the last."""

    def __init__(self, task: Task, world: World, play: Play, steps: list[Step], sleep: Sleep = trio.sleep) -> None:
        self._task, self._world, self._play, self._steps, self._sleep = task, world, play, steps, sleep
        self._count = 0
        self._dying = True
        self._way: dict[str, Any] | None = None
        self._pace = {name: task.options[name] for name in PACE}

    async def run(self, on_resume: str, *, dying: bool = False, pace: dict[str, Any] | None = None) -> str:
        """One run of the role: `changed`, `restored`, `restore_failed`, `left`, `failed` or `killed`."""
        self._count, self._dying, self._way = 0, dying, None
        self._pace = pace or self._pace
        try:
            outcome = await self._guard(on_resume)
        except KilledChange:
            outcome = "killed"
        self._note(outcome, self._way if outcome == "restored" else None)
        return outcome

    async def _guard(self, on_resume: str) -> str:
        name = self._task.options["name"]
        looked = await self._module("vm_checkpoint_info", name=name)
        if looked.result is None or not looked.well:
            return "failed"
        found = [each for each in looked.result["checkpoints"] if each["usability"] != "unusable"]
        if not found:
            ensured = await self._module("vm_checkpoint", name=name)
            if ensured.result is None or not ensured.well:
                return "failed"
            found = [] if ensured.result["changed"] else [ensured.result["checkpoint"]]
            if not found:
                return await self._change(ensured.result["checkpoint"], managed=True)
        if on_resume == "fail" or len(found) > 1:
            return "left"
        if on_resume == "restore":
            return await self._restore(found[0])
        return await self._change(found[0], managed=bool(found[0]["managed"]))

    async def _change(self, point: dict[str, Any], *, managed: bool) -> str:
        if not await self._rehearse(point):
            return "failed"
        self._note("begins", point)
        self.files()["/app"] = "2"
        if self._task.options["fails"]:
            return await self._restore(point)
        if managed:
            await self._module("vm_checkpoint", checkpoint_id=point["id"], state="absent")
        return "changed"

    async def _rehearse(self, point: dict[str, Any]) -> bool:
        for _try in range(RETRIES):
            run = await self._module("vm_checkpoint_restore", True, **self._way_back(point))
            if run.well:
                return True
            if ((run.result or {}).get("error") or {}).get("retry") != "safe":
                return False
            await self._sleep(DELAY)
        return False

    async def _restore(self, point: dict[str, Any]) -> str:
        self._way = point
        run = await self._module("vm_checkpoint_restore", **self._way_back(point))
        return "restored" if run.well else "restore_failed"

    def _way_back(self, point: dict[str, Any]) -> dict[str, Any]:
        return {"checkpoint_id": point["id"], "safety_checkpoint": self._task.options["safety_checkpoint"]}

    async def _module(self, module: str, check: bool = False, **options: Any) -> Run:
        self._count += 1
        here = self._dying and self._count == self._task.options.get("killed_in")
        task = replace(self._task, module=module, options={**options, **self._pace}, check=check)
        run = await self._play(task, here)
        if run.killed:
            raise KilledChange
        return run

    def files(self) -> dict[str, str]:
        """What the guest sees now."""
        vm, azure = self._task.vms[0], self._world.azure
        if self._task.service == "compute":
            return azure.files(azure.named(vm))
        return self._world.vm(vm, self._task.service).files

    def _note(self, what: str, point: dict[str, Any] | None = None) -> None:
        self._world.settle()
        saved = None if point is None else self._saved(point)
        self._steps.append(Step(self._task, what, self._world.now(), dict(self.files()), saved))

    def _saved(self, point: dict[str, Any]) -> dict[str, str] | None:
        """What a checkpoint keeps of the guest; None where it is not there."""
        vm, wanted = self._task.vms[0], str(point["id"]).lower()
        if self._task.service == "compute":
            azure = self._world.azure
            points = [
                each for each in azure.points_of(azure.named(vm).id) if each.name.lower() == wanted.rpartition("/")[2]
            ]
            whole = bool(points) and all(each >= 100 for each in points[0].percents(azure.now(), 0))
            return dict(points[0].disks[0].disk.files) if whole and points[0].state == "Succeeded" else None
        every = self._world.vm(vm, self._task.service).checkpoints
        there = [each for each in every if wanted in (each.id.lower(), str(each.checkpoint_id).lower())]
        return dict(there[0].files) if there and there[0].made is not None else None
