# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A story from a seed: everything that chance decides is decided here, by one generator."""

from __future__ import annotations

import random
from typing import Any

from tests.simulation.azure_dice import FOREIGN, NAMES, RESOURCES, SERIES, contrary, planted_collections, resource_wish
from tests.simulation.positions import positions
from tests.simulation.script import Event, Kill, Script, Task
from tests.simulation.troubles import troubles

PACE = ("wait_timeout", "poll_interval", "settle_time")


def script(seed: int, services: tuple[str, ...], wishes: tuple[int, int] = (2, 4)) -> Script:
    """The story of a seed; so many users are in it."""
    dice = random.Random(seed)
    used = [service for service in services if dice.random() < 0.6] or [dice.choice(services)]
    vms = {service: [f"{service}{n}" for n in range(1, dice.choice((1, 1, 2)) + 1)] for service in used}
    document = _document(dice, vms)
    tasks: list[Task] = []
    for _turn in range(dice.randint(*wishes)):
        tasks += _tasks(dice, vms, len(tasks), document["compute"]["collections"])
    return Script(
        seed=seed,
        switches=positions(dice, used),
        document=document,
        tasks=tuple(tasks),
        troubles=tuple(troubles(dice, tasks)),
        events=tuple(_events(dice, vms)),
        skew=dice.choice((0.0, 0.0, 7.0, -20.0)),
        jumps=tuple(_jumps(dice)),
    )


def _jumps(dice: random.Random) -> list[tuple[float, float]]:
    """A clock that is set while tasks run: by summer time, by hand, by a time server."""
    count = dice.choice((0, 0, 1, 2))
    return [(round(dice.uniform(0, 90), 1), dice.choice((3600.0, -3600.0, 40.0, -40.0))) for _jump in range(count)]


def _document(dice: random.Random, vms: dict[str, list[str]]) -> dict[str, Any]:
    def vm(name: str) -> dict[str, Any]:
        points = [{"name": FOREIGN, "description": "after installation", "days_old": 12}]
        if dice.random() < 0.3:
            points.append({"name": dice.choice((*NAMES, *SERIES)), "description": "by hand", "days_old": 3})
        return {
            "name": name,
            "files": {"/app": "1"},
            "checkpoints": points,
            "power": dice.choice(("Running", "PowerOff")),
        }

    def azure(name: str) -> dict[str, Any]:
        disks = [{"lun": 0, "size_gb": 64, "files": {"/data": "1"}}] if dice.random() < 0.5 else []
        return {"name": name, "os_disk": {"files": {"/app": "1"}}, "data_disks": disks}

    machines = vms.get("compute", [])
    return {
        "spf": {"vms": [vm(name) for name in vms.get("spf", [])]},
        "scvmm": {"vms": [vm(name) for name in vms.get("scvmm", [])]},
        "compute": {
            "vms": [azure(name) for name in machines],
            "collections": [each for name in machines for each in planted_collections(dice, name)],
            "disks": [{"name": f"{name}-spare", "size_gb": 8} for name in machines],
        },
    }


def _tasks(
    dice: random.Random, vms: dict[str, list[str]], number: int, collections: list[dict[str, Any]]
) -> list[Task]:
    """One user's wish, sometimes carried out by two controllers at once."""
    service = dice.choice(sorted(vms))
    some = dice.sample(vms[service], k=dice.choice((1, 1, len(vms[service]))))
    if len(vms) > 1 and dice.random() < 0.1:
        some = [dice.choice(names) for names in vms.values()]
        service = "mixed"
    if service == "compute" and dice.random() < 0.35:
        some = some[:1]
        planted = [each for each in collections if each["name"].endswith(f"-{some[0]}")]
        module, options = resource_wish(dice, some[0], planted)
    else:
        planted = []
        module, options = _wish(dice, service)
    options |= {
        "wait_timeout": dice.choice(("45s", "3m", "10m", "10m")),
        "poll_interval": dice.choice(("1s", "5s", "5s", "10s")),
        "settle_time": dice.choice(("10s", "60s", "2m")),
    }
    if dice.random() < 0.05:
        options["wait"] = False
    check = dice.random() < 0.12
    start = round(dice.choice((0.0, dice.uniform(0, 3), dice.uniform(0, 60))), 1)
    # The same key twice at once is no retried job: that is one controller's affair.
    twins = 1 if "restore_key" in options or dice.random() < 0.75 else 2
    made = []
    for twin in range(twins):
        kill, again = None, None
        if dice.random() < 0.3:
            kill = Kill(int(dice.triangular(1, 25, 4)), dice.choice(("sent", "heard")))
            again = dice.choice((None, 0.0, 2.0, 400.0))
        begin = start if not twin else start + dice.choice((0.0, 0.0, 1.0, 4.0))
        made.append(Task(number + twin, begin, module, service, tuple(some), options, check, kill, again))
    if module in RESOURCES and dice.random() < 0.4:
        other = contrary(dice, some[0], planted, module, options) | {name: options[name] for name in PACE}
        begin = round(start + dice.uniform(0, 20), 1)
        made.append(Task(number + len(made), begin, module, service, tuple(some), other))
    return made


def _wish(dice: random.Random, service: str) -> tuple[str, dict[str, Any]]:
    kind = dice.choices(("present", "series", "absent", "restore", "info"), (36, 18, 14, 24, 8))[0]
    options: dict[str, Any]
    if kind == "present":
        options = {"name": dice.choice(NAMES)}
        if dice.random() < 0.3:
            options["description"] = dice.choice(("before patching", "by nobody"))
            options["on_ambiguous"] = dice.choice(("fail", "newest"))
        return "vm_checkpoint", options
    if kind == "series":
        options = {"name": SERIES[0], "max_age": dice.choice(("30s", "1h", "1d"))}
        if dice.random() < 0.4:
            options["supersede"] = True
        return "vm_checkpoint", options
    if kind == "absent":
        on_ambiguous = dice.choice(("fail", "all", "oldest"))
        return "vm_checkpoint", {"name": dice.choice(NAMES), "state": "absent", "on_ambiguous": on_ambiguous}
    if kind == "info":
        return "vm_checkpoint_info", {}
    options = {"name": dice.choice((FOREIGN, FOREIGN, NAMES[0]))} if service != "compute" else {"name": NAMES[0]}
    options["on_ambiguous"] = dice.choice(("fail", "newest", "oldest"))
    if dice.random() < 0.6:
        options["safety_checkpoint"] = True
        if dice.random() < 0.7:
            options["restore_key"] = f"job-{dice.getrandbits(24):x}"
    if service == "compute" and dice.random() < 0.3:
        options |= {"restore_key": f"job-{dice.getrandbits(24):x}", "old_disks": dice.choice(("keep", "delete"))}
    if service != "scvmm" and service != "mixed":
        options["if_running"] = dice.choice(("proceed", "proceed", "stop"))
        options["power_after"] = dice.choice((None, "previous", "on"))
    return "vm_checkpoint_restore", options


def _events(dice: random.Random, vms: dict[str, list[str]]) -> list[Event]:
    found = []
    for service in sorted(set(vms) - {"compute"}):
        for vm in vms[service]:
            at = round(dice.uniform(0, 60), 1)
            if dice.random() < 0.2:
                found.append(Event(at, "refresher", service, vm, dice.choice((3.0, 30.0))))
            if dice.random() < 0.1:
                found.append(Event(at, "outside", service, vm, dice.choice((*NAMES, FOREIGN))))
    return found
