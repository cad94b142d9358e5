# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold of a run, whatever its answers were made into."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from tests.hostile.tamper import Heard, Log
from tests.hostile.tasks import Task
from tests.simulation.run_invariants import CODES, HARMLESS
from tests.support.lab import Result

SLACK = 1.0
"""Seconds that a run may take beyond its deadline."""
LONGEST = 4000
_GUID = re.compile(r"guid'([^']*)'")
Deed = tuple[str, str]


def judge(task: Task, limit: float, result: Result, seconds: float, log: Log) -> Iterator[str]:
    """What does not hold."""
    yield from _sound(result)
    if seconds > limit + SLACK:
        yield f"took {seconds:.1f} s of {limit:g} s"
    if log.strangers:
        yield f"somebody else was called: {log.strangers[0].method} {log.strangers[0].url}"
    done = [heard for heard in log.heard if heard.writes]
    if done and (task.check or task.module.endswith("_info")):
        yield f"wrote: {done[0].method} {done[0].target}"
    taken = [heard for heard in done if heard.accepted]
    yield from _planned(task, result, done, taken)
    yield from _honest(result, taken)


def _sound(result: Result) -> Iterator[str]:
    """Anybody can read it: JSON, one-line messages of bounded length, codes of the closed list."""
    try:
        json.dumps(result, ensure_ascii=False, allow_nan=False).encode()
    except ValueError as problem:
        yield f"the result is no JSON: {type(problem).__name__} {str(problem)[:80]}"
    errors = [result.get("error"), *(each.get("error") for each in result.get("vms", []))]
    for error in errors:
        if error and error["code"] not in CODES:
            yield f"the code {error['code']} is on no list"
    lines = [result.get("msg", ""), *result.get("warnings", [])]
    lines += [error[part] for error in errors if error for part in ("message", "remedy")]
    diffs = result.get("diff") or {}
    for diff in diffs if isinstance(diffs, list) else [diffs]:
        for part in diff.values():
            lines += part.split("\n")
    for line in lines:
        if not line.isprintable():
            yield f"not one printable line: {line[:200]!r}"
        if len(line) > LONGEST:
            yield f"a line of {len(line)} characters: {line[:60]!r}"


def _planned(task: Task, result: Result, done: list[Heard], taken: list[Heard]) -> Iterator[str]:
    """No write that the plan did not hold, and at most one create for each that it holds."""
    actions = (result.get("plan") or {}).get("actions", [])
    allowed = {deed for action in actions for deed in _deeds(action)}
    if "error" in result and any(
        action.get("about", {}).get("op") in ("detach", "swap", "start") for action in actions
    ):
        allowed |= {("power", ""), ("patch", "")}  # the VM is put back onto its old disks
    for heard in done:
        deed = deed_of(heard)
        if not _covers(allowed, deed):
            yield f"not in the plan: {heard.method} {heard.target[:160]} ({deed})"
    planned = Counter(action["action"] for action in actions)
    made = sum(deed_of(heard)[0] == "create" for heard in taken)
    if made > planned["create"] + task.locks:
        yield f"{made} creates were taken"
    for kind, most in (("restore", 1), ("update", 1), ("delete", 2)):
        often = Counter(deed_of(heard) for heard in taken if deed_of(heard)[0] == kind)
        if often and max(often.values()) > most:
            yield f"more than once: {often}"


def _covers(allowed: set[Deed], deed: Deed) -> bool:
    kind, what = deed
    if (kind, "") in allowed or deed in allowed:
        return True
    # A series' new name is generated under its own.
    return kind == "create" and any(k == kind and name and what.startswith(f"{name}-") for k, name in allowed)


def _deeds(action: dict[str, Any]) -> Iterator[Deed]:
    """What an action of a plan may send; an empty name stands for any."""
    kind, about = str(action["action"]), action.get("about", {})
    checkpoint = action.get("checkpoint", {})
    if "disk" in action:
        yield f"{kind} disk", str(action["disk"]["name"]).lower()
    elif "resource" in action:
        yield kind, str(action["resource"]).rsplit("/", 1)[-1].lower()
    elif kind == "create":
        yield kind, str(checkpoint["name"]).lower() if action["provider"] == "compute" else ""
    elif kind in ("update", "restore"):
        yield kind, str(checkpoint["id"]).lower()
    elif kind == "delete":
        yield kind, str(checkpoint["name" if action["provider"] == "compute" else "id"]).lower()
    elif kind == "power":
        yield kind, ""
    elif kind == "step":
        yield _STEPS[about["op"]], str(about.get("disk") or about.get("collection", "")).rsplit("/", 1)[-1].lower()


_STEPS = {
    "make_collection": "create collection",
    "create_disk": "create disk",
    "keep": "patch",
    "deallocate": "power",
    "detach": "patch",
    "swap": "patch",
    "start": "power",
    "finish": "tag disk",
    "delete_disk": "delete disk",
}


def deed_of(heard: Heard) -> Deed:
    """What a write does, to what."""
    path = heard.target.partition("?")[0].lower()
    last = path.rsplit("/", 1)[-1]
    body = _body(heard)
    if ".svc/" in path:
        key = (_GUID.findall(last) or [""])[0]
        if "virtualmachines(" in last:
            return "power", ""
        if heard.method == "DELETE":
            return "delete", key
        if key:
            return ("restore" if body.get("VMCheckPointAction") == "Restore" else "update"), key
        return "create", ""
    if last in ("createcheckpoint", "restorecheckpoint", "deletecheckpoint"):
        return last.removesuffix("checkpoint"), str(body.get("id", "")).lower()
    if last in ("start", "stop", "deallocate"):
        return "power", ""
    if "/disks/" in path:
        return f"{_VERBS[heard.method].replace('update', 'tag')} disk", last
    if "/virtualmachines/" in path:
        return "patch", ""
    if "/restorepointcollections/" in path and "/restorepoints/" not in path and heard.method == "PUT":
        return (
            ("create", last) if "properties" not in body or body.get("tags") != _OURS else ("create collection", last)
        )
    return _VERBS.get(heard.method, heard.method), last


_VERBS = {"PUT": "create", "PATCH": "update", "DELETE": "delete", "POST": "post"}
_OURS = {"hybridvm-checkpoints": "managed"}


def _body(heard: Heard) -> dict[str, Any]:
    try:
        body = json.loads(heard.sent or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _honest(result: Result, taken: list[Heard]) -> Iterator[str]:
    """Who says that nothing was changed has changed nothing."""
    error = result.get("error")
    if not taken or result.get("changed"):
        return
    if error is None:
        yield f"it says unchanged, and sent {taken[0].method} {taken[0].target[:160]}"
    elif error["code"] in HARMLESS:
        yield f"{error['code']} although {taken[0].method} {taken[0].target[:160]} was sent: {result['msg'][:200]}"
