# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays a story: several controllers at once against one world, then a quiet time, then each task twice more."""

from __future__ import annotations

import os
import random
import signal
import traceback
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import httpx
import trio
import trio._core._run as scheduler
import trio.testing

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.reconciler import Reconciler
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext as Surroundings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import run_task
from simulator.app import App
from simulator.azure.jobs import PlannedEnd, Refused
from simulator.switches.all import Switches
from simulator.vmm.jobs import LOCKED, Kind, Planned, Refusal, Status
from simulator.wire.exchange import Answer, Call
from simulator.wire.faults import Fault
from simulator.world import World
from tests.simulation.change_generator import CHANGE
from tests.simulation.change_player import ChangePlayer
from tests.simulation.record import RUN, SENT, Record, Run, Sent, sent_from
from tests.simulation.script import Event, Script, Task
from tests.simulation.spoken_faults import SPOKEN, spoken
from tests.support.lab import BARE_ENVIRONMENT, HOST, START
from tests.support.tasks import TASKS
from tests.support.wire import Killed, Wire

QUIET = 6 * 3600.0
# A service that has settled is neither slow, full nor offline, and no reading of it is of yesterday.
SETTLED: dict[str, Any] = dict.fromkeys(("create_takes", "restore_takes", "delete_takes", "power_takes"), "2s")
SETTLED |= {"max_checkpoints": 50, "compute_point_takes": "5s", "compute_max_points": 500, "arc_connector": "online"}
SETTLED |= {"compute_max_collections": 10000, "compute_pending_seconds": 0.0}
PATIENT = {"wait_timeout": "30m", "poll_interval": "5s", "settle_time": "2m"}
AZURE_JOBS = {"create": "point", "restore": "vm", "delete": "point_delete"}
RESOURCES = ("restore_point", "restore_point_collection", "restore_point_collection_info")
DESCRIBE_A_STATE = ("vm_checkpoint", "vm_checkpoint_policy", *RESOURCES)


def play(script: Script) -> Record:
    """What happened; the same for the same story, always."""
    random.seed(script.seed)
    player = Player(script)
    with ExitStack() as patches:
        patches.enter_context(mock.patch.dict(os.environ, BARE_ENVIRONMENT, clear=True))
        patches.enter_context(mock.patch.object(scheduler, "_ALLOW_DETERMINISTIC_SCHEDULING", True))
        patches.enter_context(mock.patch.object(scheduler, "_r", random.Random(script.seed)))
        patches.enter_context(mock.patch.object(Reconciler, "plan_now", player.planner()))
        trio.run(player.main, clock=trio.testing.MockClock(autojump_threshold=0))
    return player.record


class Player:
    """One world and everybody in it."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.record: Record
        self.world: World
        self.app: App
        self._struck: dict[int, int] = {}
        self._seen: dict[tuple[int, str], int] = {}
        self._approved: dict[int, dict[str, Any]] = {}
        self._changes: dict[int, ChangePlayer] = {}
        self._calm = False

    def planner(self) -> Callable[[Reconciler[Any]], None]:
        """The engine's planning, with every plan that it makes written down."""
        plan_now = Reconciler.plan_now

        def written_down(way: Reconciler[Any]) -> None:
            plan_now(way)
            if (run := RUN.get()) is not None:
                run.plan_made(way.todo, self.world.now())

        return written_down

    async def main(self) -> None:
        """The whole story."""
        script = self.script
        self.world = World(
            lambda: START + trio.current_time(),
            seed=f"soak{script.seed}",
            switches=Switches(**script.switches),
            document=script.document,
        )
        self.record = Record(self.world)
        self.app = App(self.world)
        self.world.faults.chooser = self._choose
        for service in self.app.services:
            self._listen(service)
        async with trio.open_nursery() as services:
            async with trio.open_nursery() as users:
                for task in script.tasks:
                    users.start_soon(self._user, task, services)
                for event in (each for each in script.events if each.task is None):
                    users.start_soon(self._event, event)
            self._calm = True
            await self._quiet()
            self.world.switches.update(SETTLED)
            await self._conclude()
            for task in self._declared():
                for attempt in (1, 2):
                    await self._run(task, attempt, services, "rerun" if attempt == 1 else "once more")
                    await trio.sleep(120)
                    self.world.settle()
                await self._quiet()

    def _declared(self) -> list[Task]:
        """The tasks that describe a state, or a restore that is to be done once; none in check mode."""
        return [
            replace(task, options=_patient(task.options))
            for task in self.script.tasks
            if not task.check and (task.module in DESCRIBE_A_STATE or "restore_key" in task.options)
        ]

    async def _quiet(self) -> None:
        """Everything that still runs comes to its end, and what is stale or hidden comes to light."""
        for site in (self.world.spf, self.world.arc):
            site.vmm.planned_failures.clear()
        self.world.azure.planned.clear()
        await trio.sleep(QUIET)
        for site in (self.world.spf, self.world.arc):
            for job in site.vmm.jobs.values():
                job.looks += 100
        for each in self.world.azure.jobs.values():
            each.looks += 100
        self.world.settle()
        await trio.sleep(QUIET)
        self.world.settle()

    async def _user(self, task: Task, services: trio.Nursery) -> None:
        await trio.sleep(task.start)
        if task.module == CHANGE:
            await self._change(task, services)
            return
        if task.approval is not None and not await self._approve(task, services):
            return
        run = await self._run(task, 1, services, "story", dying=True)
        if (run.killed or run.signalled is not None) and task.again is not None:
            await trio.sleep(task.again)
            await self._run(task, 2, services, "story")

    async def _change(self, task: Task, services: trio.Nursery) -> None:
        """A guarded change, and once more if its controller was killed."""

        async def run(each: Task, dying: bool) -> Run:
            return await self._run(each, len(self.record.runs), services, "story", dying=dying)

        change = self._changes[task.number] = ChangePlayer(task, self.world, run, self.record.steps)
        if await change.run(task.options["on_resume"], dying=True) == "killed" and task.again is not None:
            await trio.sleep(task.again)
            await change.run(task.options["on_resume"])

    async def _conclude(self) -> None:
        """In the quiet time every change that is not through is taken back, or made, as its first run would have."""
        for number, change in sorted(self._changes.items()):
            last = [each.what for each in self.record.steps if each.task.number == number][-1]
            if last not in ("changed", "restored"):
                await change.run("restore", pace=PATIENT | {"wait_timeout": "4h"})
                await trio.sleep(120)

    async def _approve(self, task: Task, services: trio.Nursery) -> bool:
        """The user looks at the plan first; where there is none, nothing is approved and nothing is done."""
        look = await self._run(replace(task, check=True, kill=None, signal=None), 0, services, "story")
        if not look.well or look.result is None:
            return False
        self._approved[task.number] = look.result["plan"]
        return True

    async def _event(self, event: Event) -> None:
        await trio.sleep(event.at)
        vmm, vm = self.world.site(event.service).vmm, self.world.vm(event.vm, event.service)
        if event.kind == "refresher":
            vmm.background(vm, event.argument)
        else:
            vmm.made_outside(vm, event.argument)

    async def _run(self, task: Task, attempt: int, services: trio.Nursery, phase: str, *, dying: bool = False) -> Run:
        run = Run(task, attempt, self.world.now(), phase=phase, before=self.record.homes_now())
        run.ran = run.runs_on = self.record.running()
        run.ahead = (self._ahead(), self._ahead())
        if phase == "story" and not task.check:
            run.approved = self._approved.get(task.number)
        self.record.runs.append(run)
        count = 0
        signals, received = trio.open_memory_channel[int](1)

        def watch(when: str) -> None:
            nonlocal count
            count += when == "sent"
            self.record.sample()
            here = task.signal is not None and task.signal.when == when and count >= task.signal.request
            if dying and here and task.signal is not None and run.signalled is None:
                run.signalled, run.signalled_at = count, self.world.now()
                signals.send_nowait(signal.Signals[task.signal.name])
            if dying and task.kill is not None and task.kill.when == when and count >= task.kill.request:
                run.killed = True
            if run.killed:
                raise Killed

        wire = Wire(self.app, services, lambda _request: watch("sent"), lambda _request: watch("heard"))
        token = RUN.set(run)
        try:
            run.result = await self._finish(run, wire, received)
        except Killed:
            pass
        except BaseExceptionGroup as group:
            rest = group.split(Killed)[1]
            if rest is not None:
                run.crash = "".join(traceback.format_exception(rest))
        except (Exception, trio.TrioInternalError):
            run.crash = traceback.format_exc()
        finally:
            RUN.reset(token)
            run.end = self.world.now()
            run.seen = self.record.homes_now()
            run.runs_on = self.record.running()
            run.ahead = (run.ahead[0], self._ahead())
        return run

    async def _finish(
        self, run: Run, wire: httpx.AsyncBaseTransport, signals: trio.MemoryReceiveChannel[int]
    ) -> dict[str, Any]:
        task = run.task
        names = [self._reference(vm) for vm in task.vms]
        about: dict[str, Any] = {"vm": names[0]} if len(names) == 1 else {"vms": names}
        surroundings = Surroundings({}, self._wall_clock, wire, signals=lambda: nullcontext(signals))
        approved = {} if run.approved is None else {"expected_plan": run.approved}
        if run.approved is not None and task.approval == "digest":
            approved = {"expected_plan": run.approved["digest"]}
        if task.module in RESOURCES:
            params = {**self._connection(), **self._of_azure(task.options), **approved}
            return await run_task(TASKS[task.module], params, task.check, surroundings)
        params = {**self._connection(), **about, **task.options, **approved}
        return await run_task(TASKS[task.module], params, task.check, surroundings)

    def _of_azure(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options with ids for names."""
        azure = self.world.azure
        found = {**options, "resource_group": azure.resource_group}
        if (source := options.get("source")) is not None:
            kind = "restorePointCollections" if source.startswith("own-") else "virtualMachines"
            found["source"] = azure.resource_id(kind, source)
        return found

    def _ahead(self) -> float:
        """How far the controllers' clock is ahead of the world's, in seconds."""
        # By the end somebody has set it right again.
        jumps = () if self._calm else self.script.jumps
        return self.script.skew + sum(seconds for at, seconds in jumps if trio.current_time() >= at)

    def _wall_clock(self) -> datetime:
        return datetime.fromtimestamp(self.world.now() + self._ahead(), UTC)

    def _reference(self, vm: str) -> str:
        if vm.startswith("spf"):
            return vm
        return self.world.machine_uri(vm) if vm.startswith("scvmm") else self.world.azure.named(vm).id

    def _connection(self) -> dict[str, Any]:
        credentials = self.world.credentials
        return {
            "spf_url": f"{HOST}/SC2012R2/VMM/{{subscription_id}}/Microsoft.Management.Odata.svc",
            "spf_subscription_id": self.world.spf.subscription_id,
            "spf_auth": "basic",
            "spf_username": credentials.spf_username,
            "spf_password": credentials.spf_password,
            "cloud_environment": HOST,
            "subscription_id": self.world.arc.subscription_id,
            "tenant": credentials.tenant,
            "client_id": credentials.client_id,
            "secret": credentials.secret,
        }

    def _listen(self, service: Any) -> None:
        """Write down what a service answers, and when it had done its work."""
        handle = service.handle

        async def handled(call: Call) -> Answer | None:
            answer: Answer | None = await handle(call)
            sent = SENT.get()
            if answer is not None and sent is not None:
                sent.status, sent.handled = answer.status, self.world.now()
            return answer

        service.handle = handled

    def _choose(self, call: Call) -> Fault | None:
        """The fault that the story has for this request."""
        run = RUN.get()
        if run is None:
            return None
        sent = sent_from(call, self.world.now())
        run.sent.append(sent)
        SENT.set(sent)
        fault = None if self._calm else self._trouble(run, sent)
        if fault is not None:
            sent.fate = {"kind": fault.kind, "exception": fault.exception if fault.kind == "lose_request" else None}
            sent.fate |= {"status": fault.status} if fault.kind in ("status", "status_after", "html") else {}
            if fault.kind in ("status", "html", "redirect"):
                sent.status = 307 if fault.kind == "redirect" else fault.status
        return fault

    def _trouble(self, run: Run, sent: Sent) -> Fault | None:
        if run.task.check and run.task.approval is not None:
            return None  # a plan that was approved is there
        kinds = ["any"] + ["write"] * sent.writes + ["poll"] * sent.polls + ["read"] * (sent.method == "GET")
        writes = self._seen.get((run.task.number, "write"), 0)
        kinds += [f"behind{number}" for number in range(1, writes + 1)]
        for kind in kinds:
            self._seen[run.task.number, kind] = self._seen.get((run.task.number, kind), 0) + 1
        for place, trouble in enumerate(self.script.troubles):
            if trouble.task != run.task.number or trouble.which not in kinds:
                continue
            done = self._struck.get(place, 0)
            if self._seen[run.task.number, trouble.which] < trouble.nth or done >= trouble.count:
                continue
            given = dict(trouble.fault)
            if given["kind"] == "stranger" and not _may_be_strange(given["form"], run, sent):
                continue
            self._struck[place] = done + 1
            self.record.faults.append(_described(given))
            if given["kind"] == "expire":
                self.world.tokens.clear()
            elif given["kind"] == "job":
                self._plan_job(given)
            elif given["kind"] in SPOKEN:
                sent.strange, sent.locked_out = given["kind"] == "stranger", given["kind"] == "lock"
                if sent.locked_out:
                    self._locked_out(run.task)
                return spoken(given, sent)
            else:
                return Fault(**given)
        return None

    def _locked_out(self, task: Task) -> None:
        """What happens while a write of that task is locked out."""
        for event in self.script.events:
            if event.task == task.number:
                vmm, vm = self.world.site(event.service).vmm, self.world.vm(event.vm, event.service)
                vmm.made_outside(vm, event.argument).in_database = True

    def _plan_job(self, given: dict[str, Any]) -> None:
        service, end = given["service"], given["end"]
        if service in ("spf", "scvmm"):
            refusal = LOCKED if end == "2602" else Refusal("10803", "Simulated", "The disk is full.")
            status = Status.FAILED if end == "2602" else Status(end)
            planned = Planned(Kind(given["job"]), given["vm"], refusal, status)
            self.world.site(service).vmm.planned_failures.append(planned)
        elif service == "compute":
            kind = AZURE_JOBS.get(given["job"], given["job"])
            when = 409 if end == "2602" else None
            self.world.azure.planned.append(PlannedEnd(kind, None, Refused(409, "InternalOperationError"), when))


def _patient(options: dict[str, Any]) -> dict[str, Any]:
    """The same with all the time that it may need: the VMs of a group may have to take their turns."""
    older = {"max_age": "2h"} if "max_age" in options else {}
    return {**options, **PATIENT, **older, **({"wait_timeout": "2h"} if "group" in options else {})}


def _may_be_strange(form: str, run: Run, sent: Sent) -> bool:
    """A group is only denied, against better knowledge, where this run has read what is in it."""
    if "/subscriptions/" not in sent.target.lower() and not sent.on_spf:
        return False  # the authority, and the cloud's list of endpoints
    read = any(each.status == 200 and "/resourcegroups/" in each.target.lower() for each in run.sent)
    return sent.on_spf or form != "ResourceGroupNotFound" or read


def _described(fault: dict[str, Any]) -> str:
    """How the summary counts it."""
    kind = str(fault["kind"])
    if kind in ("status", "status_after", "html"):
        return f"{kind} {fault.get('status', 503)}{' with Retry-After' if fault.get('headers') else ''}"
    return f"{kind} {fault['end'] if kind == 'job' else fault.get('exception', '')}".strip()
