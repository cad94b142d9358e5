# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task costs for many VMs: requests, the documented limits, growth, memory, and beside bare httpx and a loop.

Requests and limits are measured in process, in virtual time; the rest against a simulator process over TLS, whose own
speed is printed, because nothing can be faster.
"""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from . import one_task
from .fleets import SERVICES, bound_of, counted, in_a_process, lab_of, paths_of_info, served, well
from .registry import figure

RUNS = 5
LOOPED = 10
CHECK = {"spf": 0.1, "scvmm": 1.1, "compute": 2.1}
CREATE = {"spf": 5.0, "scvmm": 8.0, "compute": 12.0}
AT_ONCE = 64
"""As many requests as a task that reads has under way."""
_ceilings: dict[str, float] = {}


def _requests_in_check_mode(service: str) -> Callable[[], list[float]]:
    def measure() -> list[float]:
        lab, vms = lab_of(service, 1000, arm_buckets=0.0)
        well(lab.run("vm_checkpoint", check=True, vms=vms, name="n", wait_timeout="2h"))
        return [counted(lab) / 1000] * RUNS  # virtual time: no run differs from another

    return measure


def _requests_of_creates(service: str) -> Callable[[], list[float]]:
    def measure() -> list[float]:
        lab, vms = lab_of(service, 100, arm_buckets=0.0)
        well(lab.run("vm_checkpoint", vms=vms, name="n", wait_timeout="2h"))
        return [counted(lab) / 100] * RUNS

    return measure


for _service in SERVICES:
    figure(f"requests_check_{_service}", "requests per VM, check mode, 1,000 VMs", CHECK[_service])(
        _requests_in_check_mode(_service)
    )
    figure(f"requests_create_{_service}", "requests per VM, create, 100 VMs, polls apart", CREATE[_service])(
        _requests_of_creates(_service)
    )


@figure("throttled_vs_bound", "1,000 creates on Azure under the documented buckets / their bound", 1.10)
def throttled_vs_bound() -> list[float]:
    """The virtual seconds of all, beside what the fullest bucket allows for what was sent."""
    lab, vms = lab_of("compute", 1000)
    well(lab.run("vm_checkpoint", vms=vms, name="n", wait_timeout="3h"))
    return [lab.seconds / bound_of(lab)] * RUNS


@figure("notice_vs_interval", "from an operation's end until it is noticed / poll_interval", 1.2)
def notice_vs_interval() -> list[float]:
    """The most of what operations of different lengths show; their ends lie anywhere between two polls."""
    late = []
    for takes in (7.3, 13.1, 21.7, 33.3, 58.9):
        lab, vms = lab_of("spf", 1, create_takes=f"{takes}s")
        well(lab.run("vm_checkpoint", vm=vms[0], name="n", poll_interval="5s"))
        late.append((lab.seconds - takes) / 5)
    return late


def _scaling(service: str) -> Callable[[], list[float]]:
    def measure() -> list[float]:
        taken = {count: _seconds(service, count) for count in (1000, 10_000)}
        return [many / few for few, many in zip(taken[1000], taken[10_000], strict=True)]

    return measure


def _seconds(service: str, count: int) -> list[float]:
    with served(service, count, 1) as (ready, vms):
        options = {"module": "vm_checkpoint", "check": True, "vms": vms, "name": "n", "wait_timeout": "2h"}
        return [in_a_process(options, one_task.variables_of(ready))[0] for _run in range(RUNS)]


def _peak(service: str) -> Callable[[], list[float]]:
    def measure() -> list[float]:
        with served(service, 10_000, 20) as (ready, vms):
            options = {"module": "vm_checkpoint", "check": True, "vms": vms, "name": "n", "wait_timeout": "2h"}
            return [in_a_process(options, one_task.variables_of(ready))[1] for _run in range(RUNS)]

    return measure


def _beside_httpx(service: str) -> Callable[[], list[float]]:
    def measure() -> list[float]:
        urls = paths_of_info(service, 1000, 1)
        with served(service, 1000, 1) as (ready, vms):
            environ = one_task.variables_of(ready)
            # Both name the way to sign in, so that neither has to ask for it.
            named = {"spf_auth": "basic"} if service == "spf" else {}
            options = {"module": "vm_checkpoint_info", "vms": vms, "wait_timeout": "2h", **named}
            ratios = []
            for _run in range(RUNS):
                bare = asyncio.run(_fetch(ready, service, urls))
                _ceilings[service] = max(_ceilings.get(service, 0.0), len(urls) / bare)
                ratios.append(in_a_process(options, environ)[0] / bare)
            return ratios

    return measure


async def _fetch(ready: dict[str, str], service: str, urls: list[str]) -> float:
    """The seconds that bare httpx takes for them, sign-in included, so many at once; every answer is parsed."""
    begun = time.perf_counter()
    origin = httpx.URL(ready["spf_url"] if service == "spf" else ready["arm_url"]).copy_with(path="", query=None)
    context = ssl.create_default_context(cafile=ready["ca_file"])
    async with httpx.AsyncClient(verify=context, timeout=100) as client:
        if service == "spf":
            client.auth = httpx.BasicAuth(ready["spf_username"], ready["spf_password"])
            client.headers.update({"x-ms-principal-id": "bench", "Accept": "application/json"})
        else:
            form = {"grant_type": "client_credentials", "client_id": ready["client_id"]}
            form |= {"client_secret": ready["secret"], "scope": "https://management.azure.com/.default"}
            token = await client.post(f"{ready['authority_url']}/{ready['tenant']}/oauth2/v2.0/token", data=form)
            client.headers["Authorization"] = f"Bearer {token.json()['access_token']}"
        room = asyncio.Semaphore(AT_ONCE)

        async def one(url: str) -> None:
            async with room:
                (await client.get(f"{str(origin).rstrip('/')}{url}")).raise_for_status().json()

        await asyncio.gather(*(one(url) for url in urls))
    return time.perf_counter() - begun


def _beside_a_loop(service: str) -> Callable[[], list[float]]:
    """In one play, in turn: a loop of ten as a module, five times, and the task for all."""

    def measure() -> list[float]:
        with served(service, 1000, 1) as (ready, vms), tempfile.TemporaryDirectory() as directory:
            asked = {"name": "n", "wait_timeout": "2h"}
            tasks: list[dict[str, Any]] = []
            for begin in range(0, LOOPED * (RUNS + 1), LOOPED):  # the first lot compiles, and does not count
                item = {"hybridvm.checkpoints.vm_checkpoint": {**asked, "vm": "{{ item }}"}, "check_mode": True}
                lot = vms[begin : begin + LOOPED]
                tasks.append({"name": "loop", "vars": one_task.MODULE, "loop": lot, **item})
                fleet = {"hybridvm.checkpoints.vm_checkpoint": {**asked, "vms": vms}, "check_mode": True}
                tasks.append({"name": "fleet", **fleet})
            times = one_task.timed(Path(directory), ready, tasks)
            pairs = list(zip(times["fleet"], times["loop"], strict=True))[1:]
            return [fleet / (loop * len(vms) / LOOPED) for fleet, loop in pairs]

    return measure


for _service in SERVICES:
    figure(f"fleet_vs_loop_{_service}", "1,000 VMs in one task / a loop of it as a module (of 50, scaled)", 0.02)(
        _beside_a_loop(_service)
    )
    figure(f"fleet_vs_httpx_{_service}", "1,000 VMs' info / bare httpx, the same requests", 1.5)(
        _beside_httpx(_service)
    )
    figure(f"scaling_{_service}", "10,000 VMs / 1,000 VMs, check mode", 12.0)(_scaling(_service))
    figure(f"peak_mb_{_service}", "MiB at most, check mode, 10,000 VMs with 20 checkpoints", 250.0)(_peak(_service))


def explain() -> list[str]:
    """The simulator's own ceiling, as bare httpx met it."""
    return [
        f"the simulator answered bare httpx {rate:,.0f} requests a second ({name})" for name, rate in _ceilings.items()
    ]
