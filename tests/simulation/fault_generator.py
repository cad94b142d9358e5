# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which faults meet which requests."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from tests.simulation.azure_generator import RESOURCES
from tests.simulation.script import Event, Task, Trouble

LATE = ("RemoteProtocolError", "ReadError", "ReadTimeout", "WriteError", "CloseError")
NEVER_LEFT = ("ConnectError", "ConnectTimeout", "PoolTimeout")
STATUSES = (408, 500, 502, 503, 504)
OF_RESOURCES = ("create", "delete", "copy", "replication", "collection", "collection_delete")
BODIES: tuple[Any, ...] = (
    [],
    {},
    "null",
    {"d": None},
    {"value": 3},
    {"value": [None]},
    "<feed/>",
    {"properties": []},
    "[[[[",
)


def from_outside(
    rng: random.Random, vms: dict[str, list[str]], refreshed: float, made: float, name: Callable[[], str]
) -> list[Event]:
    """How likely VMM holds a VM for a while, and somebody makes a checkpoint on its host; `name` draws what it has."""
    found = []
    for service in sorted(set(vms) - {"compute"}):
        for vm in vms[service]:
            at = round(rng.uniform(0, 60), 1)
            if rng.random() < refreshed:
                found.append(Event(at, "refresher", service, vm, rng.choice((3.0, 30.0))))
            if rng.random() < made:
                found.append(Event(at, "outside", service, vm, name()))
    return found


def troubles(rng: random.Random, tasks: list[Task]) -> list[Trouble]:
    """None, few or many for each task."""
    calm = rng.random() < 0.1
    found = []
    for task in tasks:
        for _turn in range(0 if calm else rng.choice((0, 1, 1, 2, 4))):
            which = rng.choice(("any", "write", "write", "read", "poll"))
            nth = rng.choice((1, 1, 2, 3)) if which == "write" else int(rng.triangular(1, 30, 3))
            count = rng.choice((1, 1, 1, 2, 5, 40))
            found.append(Trouble(task.number, which, nth, count, _fault(rng, task, which)))
    return found


def _fault(rng: random.Random, task: Task, which: str) -> dict[str, Any]:
    kinds = [
        "lose_request",
        "lose_answer",
        "never_left",
        "status",
        "status_after",
        "429",
        "reset_body",
        "delay",
        "html",
    ]
    kinds += ["truncate", "expire", "job", "redirect"]
    kinds += {"read": ["replace"], "poll": ["replace", "nothing_known"]}.get(which, [])
    kind = rng.choice(kinds)
    if kind == "never_left":
        return {"kind": "lose_request", "exception": rng.choice(NEVER_LEFT)}
    if kind in ("lose_request", "lose_answer", "reset_body"):
        return {"kind": kind, "exception": rng.choice(LATE)}
    if kind in ("status", "status_after", "html"):
        headers = {"Retry-After": str(rng.choice((0, 1, 7, 30)))} if rng.random() < 0.4 else {}
        body = rng.choice((None, {"error": {"code": "ServerBusy", "message": "Try again."}}))
        return {"kind": kind, "status": rng.choice(STATUSES), "headers": headers, "body": body}
    if kind == "429":
        headers = {"Retry-After": str(rng.choice((1, 7, 30)))} if rng.random() < 0.6 else {}
        return {"kind": "status", "status": 429, "headers": headers}
    if kind == "delay":
        return {"kind": "delay", "seconds": rng.choice((0.5, 5.0, 30.0, 130.0, 400.0))}
    if kind == "replace":
        return {"kind": kind, "body": rng.choice(BODIES)}
    if kind == "nothing_known":
        return {"kind": "status", "status": 404, "body": {"error": {"code": "NotFound", "message": "Not found."}}}
    if kind == "job":
        what = rng.choice(OF_RESOURCES if task.module in RESOURCES else ("create", "restore", "delete", "power"))
        end = rng.choice(("Failed", "Failed", "Canceled", "2602", "SucceedWithInfo"))
        return {"kind": "job", "job": what, "end": end, "service": task.service, "vm": task.vms[0]}
    return {"kind": kind}
