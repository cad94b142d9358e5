# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A story from a seed: everything that chance decides is decided here, by one generator."""

from __future__ import annotations

import random
from typing import Any

from tests.simulation.azure_generator import (
    FOREIGN,
    NAMES,
    RESOURCES,
    SERIES,
    contrary,
    planted_collections,
    resource_task,
)
from tests.simulation.fault_generator import from_outside, troubles
from tests.simulation.further_generator import further
from tests.simulation.script import Kill, Script, Task
from tests.simulation.switch_positions import positions

PACE = ("wait_timeout", "poll_interval", "settle_time")


def script(seed: int, services: tuple[str, ...], turns: tuple[int, int] = (2, 4)) -> Script:
    """The story of a seed; so many users are in it."""
    return further(first_draft(seed, services, turns))


def first_draft(seed: int, services: tuple[str, ...], turns: tuple[int, int]) -> Script:
    """The story without the troubles that have a random stream of their own."""
    rng = random.Random(seed)
    used = [service for service in services if rng.random() < 0.6] or [rng.choice(services)]
    vms = {service: [f"{service}{n}" for n in range(1, rng.choice((1, 1, 2)) + 1)] for service in used}
    document = _document(rng, vms)
    tasks: list[Task] = []
    for _turn in range(rng.randint(*turns)):
        tasks += _tasks(rng, vms, len(tasks), document["compute"]["collections"])
    return Script(
        seed=seed,
        switches=positions(rng, used),
        document=document,
        tasks=tuple(tasks),
        troubles=tuple(troubles(rng, tasks)),
        events=tuple(from_outside(rng, vms, 0.2, 0.1, lambda: rng.choice((*NAMES, FOREIGN)))),
        skew=rng.choice((0.0, 0.0, 7.0, -20.0)),
        jumps=tuple(_jumps(rng)),
    )


def _jumps(rng: random.Random) -> list[tuple[float, float]]:
    """A clock that is set while tasks run: by summer time, by hand, by a time server."""
    count = rng.choice((0, 0, 1, 2))
    return [(round(rng.uniform(0, 90), 1), rng.choice((3600.0, -3600.0, 40.0, -40.0))) for _jump in range(count)]


def _document(rng: random.Random, vms: dict[str, list[str]]) -> dict[str, Any]:
    def vm(name: str) -> dict[str, Any]:
        points = [{"name": FOREIGN, "description": "after installation", "days_old": 12}]
        if rng.random() < 0.3:
            points.append({"name": rng.choice((*NAMES, *SERIES)), "description": "by hand", "days_old": 3})
        return {
            "name": name,
            "files": {"/app": "1"},
            "checkpoints": points,
            "power": rng.choice(("Running", "PowerOff")),
        }

    def azure(name: str) -> dict[str, Any]:
        disks = [{"lun": 0, "size_gb": 64, "files": {"/data": "1"}}] if rng.random() < 0.5 else []
        return {"name": name, "os_disk": {"files": {"/app": "1"}}, "data_disks": disks}

    machines = vms.get("compute", [])
    return {
        "spf": {"vms": [vm(name) for name in vms.get("spf", [])]},
        "scvmm": {"vms": [vm(name) for name in vms.get("scvmm", [])]},
        "compute": {
            "vms": [azure(name) for name in machines],
            "collections": [each for name in machines for each in planted_collections(rng, name)],
            "disks": [{"name": f"{name}-spare", "size_gb": 8} for name in machines],
        },
    }


def _tasks(rng: random.Random, vms: dict[str, list[str]], number: int, collections: list[dict[str, Any]]) -> list[Task]:
    """What one user asks for, sometimes carried out by two controllers at once."""
    service = rng.choice(sorted(vms))
    some = rng.sample(vms[service], k=rng.choice((1, 1, len(vms[service]))))
    if len(vms) > 1 and rng.random() < 0.1:
        some = [rng.choice(names) for names in vms.values()]
        service = "mixed"
    if service == "compute" and rng.random() < 0.35:
        some = some[:1]
        planted = [each for each in collections if each["name"].endswith(f"-{some[0]}")]
        module, options = resource_task(rng, some[0], planted)
    else:
        planted = []
        module, options = _task(rng, service)
    options |= {
        "wait_timeout": rng.choice(("45s", "3m", "10m", "10m")),
        "poll_interval": rng.choice(("1s", "5s", "5s", "10s")),
        "settle_time": rng.choice(("10s", "60s", "2m")),
    }
    if rng.random() < 0.05:
        options["wait"] = False
    check = rng.random() < 0.12
    start = round(rng.choice((0.0, rng.uniform(0, 3), rng.uniform(0, 60))), 1)
    # The same key twice at once is no retried job: that is one controller's affair.
    twins = 1 if "restore_key" in options or rng.random() < 0.75 else 2
    made = []
    for twin in range(twins):
        kill, again = None, None
        if rng.random() < 0.3:
            kill = Kill(int(rng.triangular(1, 25, 4)), rng.choice(("sent", "heard")))
            again = rng.choice((None, 0.0, 2.0, 400.0))
        begin = start if not twin else start + rng.choice((0.0, 0.0, 1.0, 4.0))
        made.append(Task(number + twin, begin, module, service, tuple(some), options, check, kill, again))
    if module in RESOURCES and rng.random() < 0.4:
        other = contrary(rng, some[0], planted, module, options) | {name: options[name] for name in PACE}
        begin = round(start + rng.uniform(0, 20), 1)
        made.append(Task(number + len(made), begin, module, service, tuple(some), other))
    return made


def _task(rng: random.Random, service: str) -> tuple[str, dict[str, Any]]:
    kind = rng.choices(("present", "series", "absent", "restore", "info"), (36, 18, 14, 24, 8))[0]
    options: dict[str, Any]
    if kind == "present":
        options = {"name": rng.choice(NAMES)}
        if rng.random() < 0.3:
            options["description"] = rng.choice(("before patching", "by nobody"))
            options["on_ambiguous"] = rng.choice(("fail", "newest"))
        return "vm_checkpoint", options
    if kind == "series":
        options = {"name": SERIES[0], "max_age": rng.choice(("30s", "1h", "1d"))}
        if rng.random() < 0.4:
            options["supersede"] = True
        return "vm_checkpoint", options
    if kind == "absent":
        on_ambiguous = rng.choice(("fail", "all", "oldest"))
        return "vm_checkpoint", {"name": rng.choice(NAMES), "state": "absent", "on_ambiguous": on_ambiguous}
    if kind == "info":
        return "vm_checkpoint_info", {}
    options = {"name": rng.choice((FOREIGN, FOREIGN, NAMES[0]))} if service != "compute" else {"name": NAMES[0]}
    options["on_ambiguous"] = rng.choice(("fail", "newest", "oldest"))
    if rng.random() < 0.6:
        options["safety_checkpoint"] = True
        if rng.random() < 0.7:
            options["restore_key"] = f"job-{rng.getrandbits(24):x}"
    if service == "compute" and rng.random() < 0.3:
        options |= {"restore_key": f"job-{rng.getrandbits(24):x}", "old_disks": rng.choice(("keep", "delete"))}
    if service != "scvmm" and service != "mixed":
        options["if_running"] = rng.choice(("proceed", "proceed", "stop"))
        options["power_after"] = rng.choice((None, "previous", "on"))
    return "vm_checkpoint_restore", options
