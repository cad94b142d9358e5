# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stories about policies, from a random stream of their own: no other seed becomes another story by them."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from tests.simulation.azure_generator import FOREIGN, SERIES
from tests.simulation.fault_generator import from_outside, troubles
from tests.simulation.further_generator import KINDS
from tests.simulation.script import Kill, Script, Task
from tests.simulation.switch_positions import positions
from tests.support.lab import START

POLICY = "vm_checkpoint_policy"
DAY = 86400.0
OTHERS = ("weekly", f"{SERIES[0]}-by-hand")
"""Names that look like the series', or are of another one of ours."""
FURTHER = ("strangers", "skews", "handshakes", "two in a row", "signals")
"""The further troubles that meet policies: an approval's and a changed name's stories are about other modules."""


def policies(seed: int, services: tuple[str, ...], turns: tuple[int, int] = (2, 4)) -> Script:
    """A seed's story about policies."""
    rng = random.Random(f"policies {seed}")
    used = [service for service in services if rng.random() < 0.4] or [rng.choice(services)]
    vms = {service: [f"{service}{n}" for n in range(1, rng.choice((1, 1, 2)) + 1)] for service in used}
    series = {vm: _series(rng) for names in vms.values() for vm in names}
    tasks: list[Task] = []
    for _turn in range(rng.randint(*turns)):
        tasks += _tasks(rng, vms, series, len(tasks))
    # What stands on a removed checkpoint goes with it there, as with every removal (docs/semantics.md).
    switches = {name: value for name, value in positions(rng, used).items() if name != "delete_children"}
    story = Script(
        seed=seed,
        switches=switches,
        document=_document(vms, series),
        tasks=tuple(tasks),
        troubles=tuple(troubles(rng, tasks)),
        events=tuple(from_outside(rng, vms, 0.2, 0.2, lambda: OTHERS[1])),
        skew=rng.choice((0.0, 0.0, 7.0, -20.0)),
    )
    for kind in FURTHER:
        story = KINDS[kind](rng, story) if rng.random() < 0.15 else story
    return _with_more_options(story)


def _with_more_options(story: Script) -> Script:
    """Options from a stream of their own: time zones, what others have made, what may go at all, and approvals."""
    rng, tasks = random.Random(f"policy options {story.seed}"), []
    for task in story.tasks:
        more: dict[str, Any] = {}
        if task.module == POLICY:
            if rng.random() < 0.3:
                more["timezone"] = rng.choice(("Europe/Berlin", "America/New_York", "Asia/Kathmandu"))
            if rng.random() < 0.2:
                more["include_unmanaged"] = True
            if rng.random() < 0.2:
                more["adopt"] = rng.choice(({"name": OTHERS[0]}, {"name_matches": "week.*"}))
            if rng.random() < 0.15:
                more["select"] = {"older_than": "2d"}
        approval = None
        if more and not task.check and task.kill is None and rng.random() < 0.4:
            approval = rng.choice(("plan", "digest"))
        tasks.append(replace(task, options={**task.options, **more}, approval=task.approval or approval))
    return replace(story, tasks=tuple(tasks))


def _series(rng: random.Random) -> list[dict[str, Any]]:
    """Checkpoints of the series and of others, the oldest first; some of them are pinned."""
    ages = sorted({round(rng.choice((0.02, 0.5, 1, 2, 3, 8, 15, 40)) + rng.random() / 50, 4) for _n in range(7)})
    found = []
    for age in reversed(ages[: rng.choice((1, 3, 5, 7))]):
        at = datetime.fromtimestamp(int(START - age * DAY), UTC)
        nonce = f"{rng.getrandbits(48):012x}"
        pin = rng.choice(("", "", "", "pin", "pin until=2027-11-20T00:00:00Z", "pin until=2026-11-19T00:00:00Z"))
        found.append({"at": at, "age": age, "nonce": nonce, "pin": pin, "series": SERIES[0]})
    if rng.random() < 0.5:
        other = {"at": datetime.fromtimestamp(START - 4 * DAY, UTC), "age": 4.0, "nonce": "ab" * 6, "pin": ""}
        found.append({**other, "series": rng.choice(OTHERS)})
    return found


def _name(point: dict[str, Any], *, azure: bool) -> str:
    if point["series"] in OTHERS:
        return str(point["series"])
    return f"{point['series']}-{point['at']:%Y%m%dT%H%M%SZ}" + (f"-{point['nonce']}" if azure else "")


def _document(vms: dict[str, list[str]], series: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    def vm(name: str) -> dict[str, Any]:
        points = [{"name": FOREIGN, "description": "after installation", "days_old": 60}]
        points.append({"name": f"{SERIES[0]}-20261001T000000Z", "description": "by hand", "days_old": 50})
        for each in series[name]:
            mark = f"[hybridvm.checkpoints 1 nonce={each['nonce']} at={each['at']:%Y-%m-%dT%H:%M:%SZ}"
            text = f"{mark} {each['pin']}".rstrip() + "]"
            points.append({"name": _name(each, azure=False), "description": text, "days_old": each["age"]})
        return {"name": name, "files": {"/app": "1"}, "checkpoints": points}

    def home(name: str) -> dict[str, Any]:
        points = [{"name": _name(each, azure=True), "days_old": each["age"]} for each in series[name]]
        tags = {"hybridvm-checkpoints": "managed"}
        for each in series[name]:
            if each["pin"]:
                tags[f"hybridvm-pin-{_name(each, azure=True)}".lower()] = each["pin"].removeprefix("pin ")
        return {
            "name": f"checkpoints-{name}",
            "source": name,
            "tags": tags,
            "points": [{"name": FOREIGN, "days_old": 60}, *points],
        }

    machines = vms.get("compute", [])
    return {
        "spf": {"vms": [vm(name) for name in vms.get("spf", [])]},
        "scvmm": {"vms": [vm(name) for name in vms.get("scvmm", [])]},
        "compute": {
            "vms": [{"name": name, "os_disk": {"files": {"/app": "1"}}} for name in machines],
            "collections": [home(name) for name in machines],
        },
    }


def _tasks(
    rng: random.Random, vms: dict[str, list[str]], series: dict[str, list[dict[str, Any]]], number: int
) -> list[Task]:
    """What one user asks for, mostly a policy, sometimes carried out by two controllers at once."""
    service = rng.choice(sorted(vms))
    some = tuple(rng.sample(vms[service], k=rng.choice((1, len(vms[service])))))
    names = [_name(each, azure=service == "compute") for each in series[some[0]]]
    loose = [name for name, each in zip(names, series[some[0]], strict=True) if not each["pin"]]
    if loose and rng.random() < 0.15:
        some = some[:1]
        module, options = "vm_checkpoint", {"name": rng.choice(loose), "state": "absent", "on_ambiguous": "all"}
    else:
        module, options = POLICY, _policy(rng, names)
    options |= {
        "wait_timeout": rng.choice(("45s", "3m", "10m", "10m")),
        "poll_interval": rng.choice(("1s", "5s", "5s", "10s")),
        "settle_time": rng.choice(("10s", "60s", "2m")),
    }
    check, start = rng.random() < 0.1, round(rng.choice((0.0, rng.uniform(0, 3), rng.uniform(0, 60))), 1)
    made = []
    for twin in range(1 if rng.random() < 0.75 else 2):
        kill, again = None, None
        if rng.random() < 0.3:
            kill = Kill(int(rng.triangular(1, 25, 6)), rng.choice(("sent", "heard")))
            again = rng.choice((None, 0.0, 2.0, 400.0))
        begin = start if not twin else start + rng.choice((0.0, 1.0, 4.0))
        made.append(Task(number + twin, begin, module, service, some, options, check, kill, again))
    return made


def _policy(rng: random.Random, names: list[str]) -> dict[str, Any]:
    """A policy's options."""
    options: dict[str, Any] = {"prefix": SERIES[0], "min_good": rng.choice((1, 1, 2, 3))}
    rules = {"last": rng.choice((1, 2, 3)), "daily": rng.choice((1, 2, 4)), "weekly": 2, "within": "3d"}
    rules |= {"within_daily": "10d", "monthly": 1}
    keep = dict(rng.sample(list(rules.items()), k=rng.choice((1, 1, 2))))
    options |= rng.choice(({"keep": keep}, {"keep": keep}, {"keep": keep, "max_age": "1h"}, {"max_age": "1d"}))
    if "keep" in options and rng.random() < 0.5:
        options["max_age"] = rng.choice(("1h", "20h", "3d"))
    options |= {"max_deletes": rng.choice((1, 3, 10, 10)), "keep_failed": rng.choice((0, 1))}
    if rng.random() < 0.15:
        options["max_deletes_total"] = rng.choice((2, 6))
    if rng.random() < 0.25:
        options["pins"] = [rng.choice(names)]
    return options
