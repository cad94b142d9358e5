# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Guarded changes as scenarios: each fault at each request of a run of the role, then a run that goes back.

`python -m tests.scenarios.changes` plays all of them; a test plays a sample.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Coroutine, Iterator, Mapping
from functools import cache
from multiprocessing import Pool
from typing import Any

from tests.scenarios.documents import on_azure, on_vmm
from tests.scenarios.faults import FAULTS, Plan, impossible
from tests.scenarios.record import RunSeen, Sent
from tests.scenarios.table import PATIENCE, VMS, Row
from tests.scenarios.world import Ground
from tests.simulation.change_generator import CHANGE
from tests.simulation.change_player import ChangePlayer
from tests.simulation.record import Run, Step
from tests.simulation.script import Task

SERVICES = ("spf", "scvmm", "compute")
NAME = "before-CHG1"
ENDS = {True: "restored", False: "changed"}
"""How a change ends where nothing else goes wrong, by whether its own tasks fail."""


class ChangeGround(Ground):
    """A world in which a guarded change is run several times, as the role runs it."""

    def __init__(self, service: str, *, fails: bool, seed: str) -> None:
        vm = VMS.get(service, "shop01")
        world = on_azure() if service == "compute" else on_vmm(service, vm)
        super().__init__(Row(service, "change", {}, {}, (), world=world), seed)
        pace = {**PATIENCE, "poll_interval": "1s"}
        options = {"name": NAME, "fails": fails, "safety_checkpoint": False, **pace}
        self.steps: list[Step] = []
        self.on_resume = "fail"
        task = Task(0, 0.0, CHANGE, service, (vm,), options)
        self._change = ChangePlayer(task, self._bench.world, self._module, self.steps, self._later)
        self.first_files = dict(self._change.files())

    async def _later(self, seconds: float) -> None:
        self._bench.advance(seconds)

    async def _module(self, task: Task, _dying: bool) -> Run:
        options = {**task.options, "vm": self._vm()}
        return Run(task, 1, 0.0, result=self._bench.run(task.module, check=task.check, **options))

    def _play(self, _check: bool) -> Mapping[str, Any]:
        return {"outcome": _driven(self._change.run(self.on_resume)), "changed": False}


def _driven(coroutine: Coroutine[Any, Any, str]) -> str:
    """The result of a coroutine that waits for nothing but this thread."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return str(end.value)
    raise AssertionError("it waits for something")


def played(service: str, *, fails: bool, trouble: str = "", at: int = 0) -> tuple[RunSeen, list[str]]:
    """The run that met the fault, and what does not hold of it and of the run that goes back behind it."""
    ground = ChangeGround(service, fails=fails, seed=f"{service} {fails} {trouble} {at}")
    run = ground.run(Plan([(at, FAULTS[trouble])] if trouble else []))
    ground.on_resume = "restore"
    broken = [f"no traceback: {run.crash}"] if run.crash else []
    last = ground.steps[-1].what if ground.steps else "failed"
    # What failed before its change began is tried again, what was begun and is open is taken back.
    for _again in range(2 if last not in ENDS.values() else 0):
        again = ground.run()
        broken += [f"no traceback: {again.crash}"] if again.crash else []
    before = ground.first_files
    for step in ground.steps:
        if step.what == "begins" and step.saved not in (step.files, before):
            broken.append(f"no change begins without a way back: it has {step.saved}, the guest {step.files}")
        if step.what == "restored" and step.files != before:
            broken.append(f"what is said to be restored is: {step.files}")
        if step.what == "changed" and step.files != {**before, "/app": "2"}:
            broken.append(f"what is said to be changed is: {step.files}")
    ends = [step.what for step in ground.steps]
    if not ends or ends[-1] not in ENDS.values():
        broken.append(f"a change ends: {ends}")
    if not trouble and ends[-1:] != [ENDS[fails]]:
        broken.append(f"without a fault it is {ENDS[fails]}: {ends}")
    return run, broken


@cache
def calm(service: str, *, fails: bool) -> tuple[Sent, ...]:
    """The requests of a run that meets no fault."""
    return played(service, fails=fails)[0].sent


def every(service: str, *, fails: bool) -> Iterator[tuple[str, int]]:
    """Each fault at each request that it can meet."""
    row = Row(service, "change", {}, {}, ())
    for trouble, sent in itertools.product(FAULTS, calm(service, fails=fails)):
        if impossible(row, FAULTS[trouble], sent) is None:
            yield trouble, sent.number


def drawn(seed: int) -> Iterator[tuple[str, bool, str, int]]:
    """Of each service and each end each fault once."""
    for service, fails in itertools.product(SERVICES, (True, False)):
        rng = random.Random(f"{seed} {service} {fails}")
        for trouble, places in itertools.groupby(every(service, fails=fails), key=lambda each: each[0]):
            yield service, fails, trouble, rng.choice([at for _trouble, at in places])


def _told(case: tuple[str, bool, str, int]) -> list[str]:
    service, fails, trouble, at = case
    broken = played(service, fails=fails, trouble=trouble, at=at)[1]
    return [f"{service} fails={fails} {trouble}@{at}: {each}" for each in broken]


def main() -> int:
    """1 when a case fails."""
    cases = [
        (service, fails, *each)
        for service, fails in itertools.product(SERVICES, (True, False))
        for each in every(service, fails=fails)
    ]
    failed = 0
    with Pool(2) as pool:
        for lines in pool.imap_unordered(_told, cases):
            failed += bool(lines)
            sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.write(f"{len(cases)} cases, {failed} failed\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
