# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories about guarded changes: some succeed, some fail and are rolled back, some are killed and resumed."""

from __future__ import annotations

import random
from typing import Any

from tests.simulation.azure_generator import FOREIGN
from tests.simulation.fault_generator import troubles
from tests.simulation.further_generator import KINDS
from tests.simulation.script import Event, Kill, Script, Task, Trouble
from tests.simulation.switch_positions import positions

CHANGE = "guarded_change"
FURTHER = ("strangers", "handshakes", "two in a row")
"""The further troubles whose stories leave a task what it is."""
# In some positions no restore is allowed, its safety checkpoint is not (the second one of a name, the second one of an
# hour), or nobody can know what became of it; the modules' own stories have them.
OPEN = (
    "arc_restore_running",
    "arc_status_lifetime",
    "arc_lists_running_create",
    "spf_host_id",
    "spf_job_purged_seconds",
)
LIMITS = ("arc_duplicate_name", "compute_frequency", "compute_hourly_limit")
LEFT_AS_THEY_ARE = ("delete_children", *OPEN, *LIMITS)
STEPS = 7
"""Modules that one run of the role may run."""


def changes(seed: int, services: tuple[str, ...], turns: tuple[int, int] = (2, 4)) -> Script:
    """A seed's story about guarded changes, each of a VM of its own."""
    rng = random.Random(f"changes {seed}")
    used = [service for service in services if rng.random() < 0.6] or [rng.choice(services)]
    vms = [f"{rng.choice(used)}{number}" for number in range(1, rng.randint(*turns) + 1)]
    tasks = [_task(rng, number, vm) for number, vm in enumerate(vms)]
    story = Script(
        seed=seed,
        switches={name: value for name, value in positions(rng, used).items() if name not in LEFT_AS_THEY_ARE},
        document=_document(rng, vms),
        tasks=tuple(tasks),
        troubles=(*_failures(rng, tasks), *troubles(rng, tasks)),
        events=tuple(_events(rng, vms)),
        skew=rng.choice((0.0, 0.0, 7.0, -20.0)),
    )
    for kind in FURTHER:
        story = KINDS[kind](rng, story) if rng.random() < 0.15 else story
    return story


def _document(rng: random.Random, vms: list[str]) -> dict[str, Any]:
    points = [{"name": FOREIGN, "description": "after installation", "days_old": 12}]

    def of(service: str) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "files": {"/app": "1"},
                "checkpoints": points,
                "power": rng.choice(("Running", "Running", "PowerOff")),
            }
            for name in vms
            if name.startswith(service)
        ]

    machines = [name for name in vms if name.startswith("compute")]
    return {
        "spf": {"vms": of("spf")},
        "scvmm": {"vms": of("scvmm")},
        "compute": {
            "vms": [{"name": name, "os_disk": {"files": {"/app": "1"}}} for name in machines],
            "collections": [],
        },
    }


def _task(rng: random.Random, number: int, vm: str) -> Task:
    """One operator's change, with what goes wrong with it."""
    options: dict[str, Any] = {
        "name": f"before-CHG{number}",
        "fails": rng.random() < 0.6,
        "on_resume": rng.choice(("fail", "continue", "restore", "restore")),
        "safety_checkpoint": rng.random() < 0.3,
        "wait_timeout": rng.choice(("3m", "10m", "20m")),
        "poll_interval": rng.choice(("1s", "5s", "10s")),
        "settle_time": rng.choice(("10s", "60s", "2m")),
    }
    kill, again = None, None
    if rng.random() < 0.5:
        options["killed_in"] = rng.randint(1, STEPS)
        kill = Kill(int(rng.triangular(1, 20, 4)), rng.choice(("sent", "heard")))
        again = rng.choice((None, 0.0, 2.0, 400.0))
    service = vm.rstrip("0123456789")
    return Task(number, round(rng.uniform(0, 60), 1), CHANGE, service, (vm,), options, kill=kill, again=again)


def _failures(rng: random.Random, tasks: list[Task]) -> list[Trouble]:
    """A checkpoint that fails, or the way back."""
    found = []
    for task in (each for each in tasks if rng.random() < 0.3):
        fault = {"kind": "job", "job": rng.choice(("create", "restore")), "end": "Failed", "service": task.service}
        found.append(Trouble(task.number, "any", 1, 1, {**fault, "vm": task.vms[0]}))
    return found


def _events(rng: random.Random, vms: list[str]) -> list[Event]:
    found = []
    for vm in (each for each in vms if not each.startswith("compute")):
        if rng.random() < 0.15:
            service = vm.rstrip("0123456789")
            found.append(Event(round(rng.uniform(0, 60), 1), "refresher", service, vm, rng.choice((3.0, 30.0))))
    return found
