# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one file that knows how a task is run against the simulator in process."""

from __future__ import annotations

import random
import traceback
import uuid
from collections.abc import Mapping
from typing import Any
from unittest import mock

import httpx
import trio._core._run as scheduler

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.times import parse_duration
from simulator.azure.machines import POWER
from simulator.wire.exchange import Call
from simulator.wire.faults import Fault
from tests.scenarios.faults import HELD, Plan
from tests.scenarios.record import Job, RunSeen, Sent, deed_of
from tests.scenarios.seen import look
from tests.scenarios.table import PATIENCE, QUICK, VM, Row
from tests.support.lab import Lab

SETTLED = 900.0
"""Seconds after which everything that a run has begun is over."""


class Ground:
    """A row's world, in which its task is run several times; the same seed is the same story."""

    def __init__(self, row: Row, seed: str) -> None:
        self.row = row
        self._dice = random.Random(seed)
        self._bench = Lab(dict(row.world), **{**QUICK, **row.switches})
        self._bench.world.faults.chooser = self._choose
        self._plan = Plan()
        self._sent: list[Sent] = []
        self._approval: dict[str, Any] = {}

    def run(self, plan: Plan | None = None, *, check: bool = False) -> RunSeen:
        """The task once, with what meets its requests; afterwards whatever it has begun comes to its end."""
        bench, world = self._bench, self._bench.world
        self._plan, self._sent = plan or Plan(), []
        world.journal.clear()
        before, begun = look(world), self._jobs_begun()
        result, crash = self._finish(check)
        for sent, entry in zip(self._sent, world.journal.entries, strict=True):
            sent.status = entry.status
            if not sent.fault and sent.status is not None and 400 <= sent.status < 500:
                sent.view = "refused"  # by the service itself
        after, seconds = look(world), bench.seconds
        bench.advance(SETTLED)
        world.azure.planned.clear()
        for site in (world.spf, world.arc):
            site.vmm.planned_failures.clear()
        settled = look(world)
        jobs = tuple(job for id_, job in self._jobs().items() if id_ not in begun)
        limit = parse_duration(str(self._options["wait_timeout"])).total_seconds()
        return RunSeen(result, crash, seconds, limit, tuple(self._sent), jobs, before, after, settled)

    @property
    def requests(self) -> list[httpx.Request]:
        """All that were ever sent."""
        return self._bench.requests

    def approve(self) -> RunSeen:
        """Check mode; every later run has its plan as expected_plan."""
        seen = self.run(check=True)
        self._approval = {"expected_plan": (seen.result or {}).get("plan")}
        return seen

    @property
    def _options(self) -> dict[str, Any]:
        given = {**PATIENCE, **self.row.options, **self._approval}
        return {name: self._vm() if value == VM else value for name, value in given.items()}

    def _vm(self) -> str:
        if self.row.kind == "spf":
            return self.row.vm
        world = self._bench.world
        return world.machine_uri(self.row.vm) if self.row.kind == "scvmm" else world.azure.named(self.row.vm).id

    def _finish(self, check: bool) -> tuple[Mapping[str, Any] | None, str]:
        """The result, or how it broke."""
        random.seed(self._dice.random())  # nonces and pauses
        with (
            mock.patch.object(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", True),
            mock.patch.object(scheduler, "_r", random.Random(1)),
            mock.patch.object(uuid, "uuid4", self._id),
        ):
            try:
                return self._play(check), ""
            except (Exception, BaseExceptionGroup):
                return None, traceback.format_exc(limit=-6)

    def _id(self) -> uuid.UUID:
        return uuid.UUID(int=self._dice.getrandbits(128), version=4)

    def _play(self, check: bool) -> Mapping[str, Any]:
        return self._bench.run(self.row.module, check=check, **self._options)

    def _choose(self, call: Call) -> Fault | None:
        sent = Sent(len(self._sent) + 1, call.method, call.target, deed_of(call.method, call.target, call.body))
        self._sent.append(sent)
        trouble = self._plan.at(sent.number)
        if trouble is None:
            return None
        sent.fault, sent.view = trouble.name, trouble.view
        return trouble.strike(self._bench.world, self.row, sent)

    def _jobs_begun(self) -> set[str]:
        return set(self._jobs())

    def _jobs(self) -> dict[str, Job]:
        """All operations by id, but for those that nobody in the task has asked for."""
        world = self._bench.world
        found: dict[str, Job] = {}
        for site in (world.spf, world.arc):
            for id_, job in site.vmm.jobs.items():
                if job.kind != "background":
                    bad = job.status in ("Failed", "Canceled")
                    found[id_] = Job(str(job.kind), "running" if job.running else "failed" if bad else "succeeded")
        for id_, work in world.azure.jobs.items():
            if work.kind != "vm" or work.timing.seconds != HELD:
                state = "running" if work.running else "succeeded" if work.failure is None else "failed"
                kind = "power" if work.kind in POWER else "point" if work.kind == "copy" else work.kind
                found[id_] = Job(kind, state)  # type: ignore[arg-type] # one of the three
        return found
