# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written down while a story is played: who asked for what, what the services did, what came of it."""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from simulator.azure.jobs import AzureJob
from simulator.azure.model import Collection, Point
from simulator.vmm.jobs import Job, Kind, Status
from simulator.vmm.machines import Checkpoint, VirtualMachine
from simulator.vmm.names import stored_name
from simulator.wire.exchange import Call
from simulator.world import World
from tests.simulation.script import Task

NEVER_LEFT = ("ConnectError", "ConnectTimeout", "PoolTimeout", "SSLEOFError")


@dataclass(eq=False)
class Sent:
    """One request as the service's door saw it; `fate` is the fault that met it, `status` what was answered."""

    at: float
    method: str
    target: str
    body: bytes
    fate: dict[str, Any] | None = None
    status: int | None = None
    handled: float | None = None
    strange: bool = False
    """Whether somebody else answered 404 in the service's place."""
    locked_out: bool = False
    """Whether the service said that another job holds the VM."""

    @property
    def on_spf(self) -> bool:
        """Whether it went to SPF."""
        return ".odata.svc" in self.target.lower()

    @property
    def writes(self) -> bool:
        """Whether it could change something."""
        return self.method != "GET" and "/oauth2/" not in self.target

    @property
    def polls(self) -> bool:
        """Whether it looks at a job or an operation."""
        target = self.target.lower()
        return self.method == "GET" and ("/jobs(" in target or "/operation" in target or "operations/" in target)

    @property
    def never_left(self) -> bool:
        """Whether the client knows that the service has not heard of it."""
        return self.fate is not None and self.fate.get("exception") in NEVER_LEFT

    @property
    def late(self) -> bool:
        """Whether it was held up: the client may have given up on it."""
        return self.fate is not None and self.fate["kind"] == "delay"

    @property
    def open(self) -> bool:
        """Whether the client cannot know what came of it."""
        if self.fate is None or self.never_left or self.locked_out:
            return False
        kind, status = self.fate["kind"], self.fate.get("status", 200)
        lost = kind in ("lose_request", "lose_answer", "reset_body", "redirect")
        # Half a refusal is one all the same.
        lost = lost or (kind == "truncate" and (self.status or 0) < 400)
        return lost or (kind in ("status", "status_after", "html") and (status == 408 or status >= 500))


def ids(point: Checkpoint | Point | None) -> set[str]:
    """What a service calls a checkpoint: SPF by VMM's id, Arc by the host's; in lower case."""
    if not isinstance(point, Checkpoint):
        return set()
    return {each.lower() for each in (point.id, point.checkpoint_id) if each}


@dataclass(eq=False)
class Work:
    """One operation that a service began: VMM's job or Compute's, for whom, on what."""

    run: Run | None
    service: str
    vm: str
    kind: str
    at: float
    job: Job | AzureJob
    point: Checkpoint | Point | None = None
    name: str = ""
    description: str = ""
    home: str = ""
    """The collection that a point lies in, or that goes."""
    inside: tuple[Point, ...] = ()
    """What goes with a collection."""
    sent: Sent | None = None
    """The request that began it."""

    @property
    def refused(self) -> bool:
        """Whether it was over as it began."""
        return self.failed and self.job.finished == self.job.started

    @property
    def failed(self) -> bool:
        """Whether it ended badly."""
        if isinstance(self.job, Job):
            return self.job.status in (Status.FAILED, Status.CANCELED)
        return self.job.failure is not None and not self.job.running

    @property
    def succeeded(self) -> bool:
        """Whether it ended well."""
        return not self.failed and not self.job.running


@dataclass(eq=False)
class Run:
    """One controller's run of a task: the first, or the one after it was killed."""

    task: Task
    attempt: int
    start: float
    end: float = 0.0
    result: dict[str, Any] | None = None
    killed: bool = False
    crash: str = ""
    sent: list[Sent] = field(default_factory=list)
    plans: list[Any] = field(default_factory=list)
    phase: str = "story"
    planned_at: list[float] = field(default_factory=list)
    before: dict[str, Home] = field(default_factory=dict)
    """Azure's collections as the run began."""
    seen: dict[str, Home] = field(default_factory=dict)
    """The same as it ended."""
    ran: frozenset[str] = frozenset()
    """The VMs that were on as it began."""
    runs_on: frozenset[str] = frozenset()
    """Those that were on as it ended."""
    signalled: int | None = None
    """How many requests it had sent when a signal reached it."""
    signalled_at: float = 0.0
    ahead: tuple[float, float] = (0.0, 0.0)
    """How far the controller's clock was ahead of the world's as the run began and ended, in seconds."""
    approved: dict[str, Any] | None = None
    """The plan that its user had approved."""

    @property
    def label(self) -> str:
        """How traces call it."""
        return f"{self.task.label}.{self.attempt}" + ("" if self.phase == "story" else " (quiet)")

    def plan_made(self, plan: Any, now: float) -> None:
        """One more plan of this run."""
        self.plans.append(plan)
        self.planned_at.append(now)

    @property
    def over(self) -> float:
        """When the last thing of it was done: a request may reach the service after the client has gone."""
        return max([self.end, *(each.handled or each.at for each in self.sent)])

    @property
    def code(self) -> str | None:
        """The error's code, None without an error."""
        error = (self.result or {}).get("error")
        return str(error["code"]) if error else None

    @property
    def well(self) -> bool:
        """Whether it ended in success."""
        return self.result is not None and self.code is None

    def of(self, vm: str) -> dict[str, Any]:
        """The part of the result that is about one VM."""
        result = self.result or {}
        found = next((each for each in result.get("vms", []) if str(each["vm"]).rsplit("/", 1)[-1] == vm), None)
        return result if found is None else dict(found)


@dataclass(frozen=True)
class Step:
    """Something that became of a guarded change, and what its guest saw then; `saved` is what its checkpoint keeps."""

    task: Task
    what: str
    at: float
    files: dict[str, str]
    saved: dict[str, str] | None = None


@dataclass(frozen=True)
class Home:
    """A collection at a moment, with its points' states; `whole` are those whose data is all there."""

    tags: dict[str, str]
    points: dict[str, str]


RUN: ContextVar[Run | None] = ContextVar("RUN", default=None)
SENT: ContextVar[Sent | None] = ContextVar("SENT", default=None)


class Record:
    """All runs, all work, and every checkpoint that was ever there."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.runs: list[Run] = []
        self.work: list[Work] = []
        self.faults: list[str] = []
        self.steps: list[Step] = []
        self.os_disks: dict[str, list[tuple[float, str]]] = {}
        self.kept: list[Point] = []  # so that no id() is given twice
        self.planted = self.standing()
        self.planted_points = self.azure_points()
        self.collections: list[tuple[Run | None, float, Collection]] = [
            (None, world.now(), each) for each in world.azure.collections.values()
        ]
        self.homes: dict[int, str] = {}  # where each point lies, by its id()
        self._look_for_points()
        machines = {vm.name: vm for vm in world.azure.vms.values()}
        self.luns = {name: {each.lun for each in vm.attachments()} for name, vm in machines.items()}
        self.planted_disks = {name: [d for d in world.azure.disks if f"/{name}" in d] for name in machines}
        for service in ("spf", "scvmm"):
            self._watch(service)
        self._watch_azure()

    def standing(self) -> dict[tuple[str, str], list[Checkpoint]]:
        """What VMM has now, by service and VM."""
        return {
            (service, vm.name): list(vm.checkpoints)
            for service in ("spf", "scvmm")
            for vm in self.world.site(service).vmm.vms
        }

    def azure_points(self) -> dict[str, list[Point]]:
        """What Compute has now, by VM."""
        azure = self.world.azure
        return {vm.name: azure.points_of(vm.id) for vm in azure.vms.values()}

    def homes_now(self) -> dict[str, Home]:
        """Azure's collections and what is in them, in lower case."""
        azure = self.world.azure
        azure.settle()
        found = {}
        for each in azure.collections.values():
            points = {}
            for point in each.points:
                arriving = any(percent < 100 for percent in point.percents(azure.now(), 0))
                state = "arriving" if point.state == "Succeeded" and arriving else point.state
                points[point.name.lower()] = "whole" if state == "Succeeded" else state
            found[each.name.lower()] = Home(dict(each.tags), points)
        return found

    def running(self) -> frozenset[str]:
        """The VMs that are on now."""
        self.world.settle()
        found = {vm.name for site in (self.world.spf, self.world.arc) for vm in site.vmm.vms if vm.power == "Running"}
        return frozenset(found | {vm.name for vm in self.world.azure.vms.values() if vm.power == "running"})

    def kept_name(self, service: str, name: str) -> str:
        """What a service makes of the name of a checkpoint."""
        switches = self.world.switches
        if service not in ("spf", "scvmm"):
            return name
        cut = service == "scvmm" and switches.arc_names == "cut_20"
        return stored_name(name[:20] if cut else name, switches)

    def _look_for_points(self) -> Point | None:
        """The one that nobody had seen, with where it lies written down."""
        found = None
        for collection in self.world.azure.collections.values():
            for point in collection.points:
                if id(point) not in self.homes:
                    self.homes[id(point)] = collection.name.lower()
                    self.kept.append(point)
                    found = point
        return found

    def sample(self) -> None:
        """Look which OS disk each Azure VM has: every change of it is a restore, or one put back."""
        for vm in self.world.azure.vms.values():
            seen = self.os_disks.setdefault(vm.name, [])
            if not seen or seen[-1][1] != vm.os_disk.disk:
                seen.append((self.world.now(), vm.os_disk.disk))

    def works(self, kind: str, vm: str | None = None, run: Run | None = None) -> list[Work]:
        """The work of that kind that was begun, refused or not."""
        return [
            work
            for work in self.work
            if work.kind == kind and (vm is None or work.vm == vm) and (run is None or work.run is run)
        ]

    def _watch(self, service: str) -> None:
        vmm = self.world.site(service).vmm
        begin = vmm._begin

        def begun(kind: Kind, vm: VirtualMachine, *given: Any, **more: Any) -> Job:
            point = vm.by_id(more.get("checkpoint") or "")
            name, text = (point.name or "", point.description or "") if point else ("", "")
            job = begin(kind, vm, *given, **more)
            now = self.world.now()
            self.work.append(Work(RUN.get(), service, vm.name, str(kind), now, job, point, name, text))
            return job

        setattr(vmm, "_begin", begun)  # noqa: B010 - mypy lets nobody assign to a method

    def _watch_azure(self) -> None:
        azure = self.world.azure
        begin = azure.begin

        def begun(kind: str, *given: Any, **more: Any) -> AzureJob:
            found = self._look_for_points()
            inside: tuple[Point, ...] = ()
            sent = SENT.get()
            target = sent.target.partition("?")[0] if sent else ""
            vm = next((vm.name for vm in azure.vms.values() if vm.name.lower() in target.lower()), "")
            name = target.rsplit("/", 1)[-1]
            where = re.search("/restorepointcollections/([^/]+)", target.lower())
            home = where.group(1) if where else ""
            there = next((each for each in azure.collections.values() if each.name.lower() == home), None)
            if kind == "point_delete" and there is not None:
                found = there.point(name)
            if kind == "collection_delete" and there is not None:
                inside = tuple(there.points)
            job = begin(kind, *given, **more)
            done = {"point": "create", "disk": "tag" if sent and sent.method == "PATCH" else "disk"}.get(kind, kind)
            if kind == "point_delete" and found is not None and found.kind == "copy":
                done = "copy_delete"
            work = Work(
                RUN.get(), "compute", vm, done, self.world.now(), job, found, name, home=home, inside=inside, sent=sent
            )
            self.work.append(work)
            self.sample()
            return job

        add = azure.add_collection

        def added(collection: Collection) -> None:
            self.collections.append((RUN.get(), self.world.now(), collection))
            add(collection)

        setattr(azure, "begin", begun)  # noqa: B010 - mypy lets nobody assign to a method
        setattr(azure, "add_collection", added)  # noqa: B010 - the same


def sent_from(call: Call, now: float) -> Sent:
    """The entry for a request."""
    return Sent(now, call.method, call.target, call.body)
