# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories about groups: many VMs as one unit, on any mix of services, from a random stream of their own."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

from tests.simulation.azure_generator import FOREIGN, NAMES, SERIES
from tests.simulation.fault_generator import from_outside, troubles
from tests.simulation.further_generator import KINDS
from tests.simulation.script import Kill, Script, Task, Trouble
from tests.simulation.switch_positions import positions
from tests.support.lab import START

DAY = 86400.0
FURTHER = ("strangers", "skews", "handshakes", "two in a row", "signals")


def groups(seed: int, services: tuple[str, ...], turns: tuple[int, int] = (2, 4)) -> Script:
    """A seed's story about groups."""
    rng = random.Random(f"groups {seed}")
    used = [service for service in services if rng.random() < 0.6] or [rng.choice(services)]
    least = 2 if len(used) == 1 else 1
    vms = {service: [f"{service}{n}" for n in range(1, rng.randint(least, 3) + 1)] for service in used}
    tasks: list[Task] = []
    for _turn in range(rng.randint(*turns)):
        tasks += _tasks(rng, vms, len(tasks))
    story = Script(
        seed=seed,
        # What stands on a removed checkpoint goes with it there, as with every removal (docs/semantics.md).
        switches={name: value for name, value in positions(rng, used).items() if name != "delete_children"},
        document=_document(rng, vms),
        tasks=tuple(tasks),
        troubles=(*_failures(rng, tasks), *troubles(rng, tasks)),
        events=tuple(from_outside(rng, vms, 0.15, 0.15, lambda: NAMES[0])),
        skew=rng.choice((0.0, 0.0, 7.0, -20.0)),
    )
    for kind in FURTHER:
        story = KINDS[kind](rng, story) if rng.random() < 0.15 else story
    return story


def service_of(vm: str) -> str:
    """The service that a story's name of a VM begins with."""
    return vm.rstrip("0123456789")


def _document(rng: random.Random, vms: dict[str, list[str]]) -> dict[str, Any]:
    def points(*, azure: bool) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        if rng.random() < 0.9:
            found.append({"name": FOREIGN, "description": "after installation", "days_old": 12})
        for age in (8, 3)[: rng.choice((0, 1, 2))]:
            at, nonce = datetime.fromtimestamp(START - age * DAY, UTC), f"{rng.getrandbits(48):012x}"
            mark = f"[hybridvm.checkpoints 1 nonce={nonce} at={at:%Y-%m-%dT%H:%M:%SZ}]"
            name = f"{SERIES[0]}-{at:%Y%m%dT%H%M%SZ}-{nonce}" if azure else SERIES[0]
            found.append({"name": name, "description": mark, "days_old": age})
        if rng.random() < 0.15:
            found.append({"name": NAMES[0], "description": "by hand", "days_old": 1})
        return [{k: v for k, v in each.items() if k != "description"} for each in found] if azure else found

    def vm(name: str) -> dict[str, Any]:
        power = rng.choice(("Running", "PowerOff"))
        return {"name": name, "files": {"/app": "1"}, "checkpoints": points(azure=False), "power": power}

    def home(name: str) -> dict[str, Any]:
        tags = {"hybridvm-checkpoints": "managed"}
        return {"name": f"checkpoints-{name}", "source": name, "tags": tags, "points": points(azure=True)}

    machines = vms.get("compute", [])
    return {
        "spf": {"vms": [vm(name) for name in vms.get("spf", [])]},
        "scvmm": {"vms": [vm(name) for name in vms.get("scvmm", [])]},
        "compute": {
            "vms": [{"name": name, "os_disk": {"files": {"/app": "1"}}} for name in machines],
            "collections": [home(name) for name in machines if rng.random() < 0.8],
        },
    }


def _tasks(rng: random.Random, vms: dict[str, list[str]], number: int) -> list[Task]:
    """What one user asks for, sometimes carried out by two controllers at once."""
    every = [vm for names in vms.values() for vm in names]
    some = tuple(rng.sample(every, k=rng.randint(2, len(every))))
    kinds = {service_of(vm) for vm in some}
    service = kinds.pop() if len(kinds) == 1 else "mixed"
    module, options = _asked(rng, service)
    options |= {
        "wait_timeout": rng.choice(("45s", "3m", "10m", "20m")),
        "poll_interval": rng.choice(("1s", "5s", "10s")),
        "settle_time": rng.choice(("10s", "60s", "2m")),
    }
    check, start = rng.random() < 0.1, round(rng.choice((0.0, rng.uniform(0, 3), rng.uniform(0, 60))), 1)
    made = []
    for twin in range(1 if "restore_key" in options or rng.random() < 0.75 else 2):
        kill, again = None, None
        if rng.random() < 0.25:
            kill = Kill(int(rng.triangular(1, 40, 10)), rng.choice(("sent", "heard")))
            again = rng.choice((None, 0.0, 2.0, 400.0))
        begin = start if not twin else start + rng.choice((0.0, 1.0, 4.0))
        made.append(Task(number + twin, begin, module, service, some, options, check, kill, again))
    return made


def _asked(rng: random.Random, service: str) -> tuple[str, dict[str, Any]]:
    order = rng.choice(("given", "given", "parallel"))
    kind = rng.choices(("present", "series", "restore"), (45, 25, 30))[0]
    if kind == "restore":
        options: dict[str, Any] = {"name": FOREIGN, "on_ambiguous": "newest", "group": {"order": order}}
        if rng.random() < 0.8:  # which carries the key
            options |= {"safety_checkpoint": True, "restore_key": f"job-{rng.getrandbits(24):x}"}
        if service == "spf":
            options |= {"if_running": rng.choice(("proceed", "stop")), "power_after": rng.choice((None, "previous"))}
        return "vm_checkpoint_restore", options
    group = {"order": order, "on_failure": rng.choice(("undo", "undo", "keep"))}
    if kind == "series":
        return "vm_checkpoint", {"name": SERIES[0], "max_age": "1h", "supersede": rng.random() < 0.7, "group": group}
    options = {"name": rng.choice(NAMES), "group": group}
    if rng.random() < 0.2:
        options |= {"description": "before patching", "on_ambiguous": "newest"}
    return "vm_checkpoint", options


def _failures(rng: random.Random, tasks: list[Task]) -> list[Trouble]:
    """What groups are for: one of the VMs fails, while others of the group have their checkpoint."""
    found = []
    for task in tasks:
        if rng.random() < 0.4:
            vm = rng.choice(task.vms)
            what = "create" if task.module == "vm_checkpoint" else rng.choice(("create", "restore"))
            fault = {"kind": "job", "job": what, "end": "Failed", "service": service_of(vm), "vm": vm}
            found.append(Trouble(task.number, "write", 1, 1, fault))
        if rng.random() < 0.2:
            fault = {"kind": "refusal"}
            found.append(Trouble(task.number, "write", rng.choice((2, 3)), 1, fault))
    return found
