# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's core run against the simulator in process: no sockets, and every wait is virtual."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any
from unittest import mock

import httpx
import trio
import trio.testing

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext as Surroundings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import run_task
from simulator.app import App
from simulator.switches.all import Switches
from simulator.vmm.jobs import LOCKED, Kind, Planned, Refusal, Status
from simulator.world import World
from tests.support.tasks import TASKS
from tests.support.wire import Killed, Wire

START = datetime(2026, 11, 20, 11, 30, tzinfo=UTC).timestamp()
HOST = "https://simulator.test"
FOREVER = 30 * 86400.0
"""Virtual seconds after which a run does not end: it fails then, where it would hang else."""
# Nobody is connected to, so nobody need be trusted: reading the system's authorities takes longer than a whole run.
BARE_ENVIRONMENT = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}

Result = dict[str, Any]
Meant = Callable[[httpx.Request], Any]


class Lab:
    """One simulated world and a clock that goes on from run to run, `seconds` being what the last run took.

    `requests` are all that were ever sent. `before_first` and `before_each` let something happen before a request
    leaves. `watch` is called with each of them, `heard` when its answer begins to come back; an action, `watch` and
    `heard` may raise `Killed`, and then `run` raises it. `through` may put something between
    the client and the wire.
    """

    def __init__(self, document: dict[str, Any] | None = None, **switches: Any) -> None:
        self.base = START
        self._began: float | None = None
        self.seconds = 0.0
        self.requests: list[httpx.Request] = []
        self.watch: Callable[[httpx.Request], None] = lambda _request: None
        self.heard: Callable[[httpx.Request], None] = lambda _request: None
        self._before: list[tuple[Meant, Callable[[], object], bool]] = []
        self._signals: list[trio.MemorySendChannel[int]] = []
        self.through: Callable[[httpx.AsyncBaseTransport], httpx.AsyncBaseTransport] = lambda wire: wire
        self.wall_clock: Callable[[], datetime] = lambda: datetime.fromtimestamp(self.clock(), UTC)
        self.world = World(self.clock, switches=Switches(**switches), document=document)

    def clock(self) -> float:
        """Seconds since 1970: virtual while a run is on, standing still between runs."""
        return self.base if self._began is None else self.base + trio.current_time() - self._began

    def advance(self, seconds: float) -> None:
        """Let time pass between two runs."""
        self.base += seconds

    @property
    def arm_vm(self) -> str:
        """The ARM id of app01."""
        return self.world.machine_uri("app01")

    @property
    def azure_vm(self) -> str:
        """The ARM id of shop01."""
        return self.world.azure.named("shop01").id

    @property
    def connection(self) -> dict[str, Any]:
        """Connection options for all services."""
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

    def _heard(self, request: httpx.Request) -> None:
        self.heard(request)  # looked up at each request: a test may set its own

    def _wall(self) -> datetime:
        return self.wall_clock()

    def run(
        self, module: str, *, check: bool = False, environ: Mapping[str, str] | None = None, **options: Any
    ) -> Result:
        """The result of one module; options are those of a task, the connection's are filled in."""
        (result,) = self.together((0.0, module, options), check=check, environ=environ)
        return result

    def together(
        self,
        *tasks: tuple[float, str, dict[str, Any]],
        check: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> list[Result]:
        """The results of several at once: when each begins, in seconds, its module, its options."""
        results: dict[int, Result] = {}

        async def one(number: int, services: trio.Nursery) -> None:
            start, module, options = tasks[number]
            await trio.sleep(start)
            task = TASKS[module]
            wire = Wire(App(self.world), services, self._sent, self._heard)
            send, received = trio.open_memory_channel[int](8)
            self._signals.append(send)
            surroundings = Surroundings(
                environ or {}, self._wall, self.through(wire), signals=lambda: nullcontext(received)
            )
            results[number] = await run_task(task, {**self.connection, **options}, check, surroundings)

        async def main() -> None:
            self._began = trio.current_time()
            try:
                # What the service still has to do when the module is done, it does before the next run.
                with trio.fail_after(FOREVER):
                    async with trio.open_nursery() as services:
                        try:
                            async with trio.open_nursery() as users:
                                for number in range(len(tasks)):
                                    users.start_soon(one, number, services)
                        finally:
                            self.seconds = trio.current_time() - self._began
            finally:
                self.base += trio.current_time() - self._began
                self._began = None

        with mock.patch.dict(os.environ, BARE_ENVIRONMENT, clear=True):
            try:
                trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))
            except BaseExceptionGroup as group:
                killed, others = group.split(Killed)
                if killed is None or others is not None:
                    raise
                raise Killed from None
        return [results[number] for number in range(len(tasks))]

    def before_first(self, meant: Meant, action: Callable[[], object]) -> None:
        """Do that once: before the first request that is meant leaves."""
        self._before.append((meant, action, True))

    def before_each(self, meant: Meant, action: Callable[[], object]) -> None:
        """Do that before each request that is meant leaves."""
        self._before.append((meant, action, False))

    def signal(self, number: int) -> None:
        """A signal reaches every module that runs."""
        for channel in self._signals:
            channel.send_nowait(number)

    def undisturbed(self) -> None:
        """From now on nothing happens before a request or its answer."""
        self._before.clear()
        self.watch = self.heard = lambda _request: None

    def a_write(self, *methods: str, path: str = "") -> Meant:
        """Whether a request is a write, of those methods and with that in its path."""
        return lambda request: request in self.sent(*methods, path=path)

    def nth_write(self, number: int, *methods: str, path: str = "") -> Meant:
        """Whether a request is such a write, and the lab has seen so many of them with it."""

        def meant(request: httpx.Request) -> bool:
            sent = self.sent(*methods, path=path)
            return len(sent) == number and request is sent[-1]

        return meant

    def _sent(self, request: httpx.Request) -> None:
        self.requests.append(request)
        for entry in list(self._before):
            meant, action, once = entry
            if meant(request):
                if once:
                    self._before.remove(entry)
                action()
        self.watch(request)

    def names(self, vm: str) -> list[str]:
        """The names of a VM's checkpoints, as the world has them."""
        return [str(point.name) for point in self.world.vm(vm).checkpoints]

    def writes(self) -> int:
        """How many requests have changed (or tried to change) something."""
        return len(self.sent())

    def sent(self, *methods: str, path: str = "") -> list[httpx.Request]:
        """The requests that could change something, of those methods and with that in their path."""
        return [
            request
            for request in self.requests
            if request.method != "GET"
            and "/oauth2/" not in request.url.path
            and (not methods or request.method in methods)
            and path in request.url.path
        ]

    def jobs(self, kind: str) -> int:
        """How many jobs of a kind VMM has begun and not refused, on both services together."""
        found = [job for site in (self.world.spf, self.world.arc) for job in site.vmm.jobs.values()]
        return sum(job.kind is Kind(kind) and job.refusal is None for job in found)

    def fail_next(
        self, service: str, kind: str, vm: str | None = None, problem: str = "The disk is full.", end: str = "Failed"
    ) -> None:
        """Let the next job of a kind end as `end` says, after as long as such a job takes; `2602` is a lock."""
        refusal = LOCKED if problem == "2602" else Refusal("10803", "Simulated", problem)
        self.world.site(service).vmm.planned_failures.append(Planned(Kind(kind), vm, refusal, Status(end)))

    def state(self) -> dict[str, Any]:
        """What a user could miss or find too much in the world: checkpoints, guests, power; no times, no jobs."""
        self.world.settle()
        return {
            vm.name: {
                "files": dict(vm.files),
                "power": vm.power,
                "pointer": vm.pointer,
                "checkpoints": [(point.id, point.name, point.description) for point in vm.checkpoints],
            }
            for site in (self.world.spf, self.world.arc)
            for vm in site.vmm.vms
        }
