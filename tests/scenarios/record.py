# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written down of one run of a task: every request with what met it, the world before and after, the result."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

View = Literal["answered", "unsent", "refused", "open"]
"""What the client can know of a request: it was answered, never left, was refused, or nobody can tell it."""
World = Mapping[str, str]
GENERATED = re.compile(r"-\d{8}t\d{6}z-[0-9a-f]{12}(?=$|[/?|])", re.I)
"""What stands behind a generated name: the time and a nonce, which differ from run to run."""
_ACTIONS = {"createcheckpoint": "create", "restorecheckpoint": "restore", "deletecheckpoint": "delete"}
_VERBS = {"PUT": "create", "PATCH": "update", "DELETE": "delete", "POST": "post", "MERGE": "update"}
_POWER = ("start", "stop", "deallocate", "poweroff", "restart")


@dataclass
class Sent:
    """One request. `deed` is what it does ("create new", "delete before"), empty for what changes nothing; `status` is
    what left the service, None where no answer did.
    """

    number: int
    method: str
    target: str
    deed: str = ""
    fault: str = ""
    view: View = "answered"
    status: int | None = None

    @property
    def writes(self) -> bool:
        """Whether it could change something."""
        return bool(self.deed)


@dataclass(frozen=True)
class Job:
    """One operation that a service began in the run, as it stands when everything has settled."""

    kind: str
    state: Literal["succeeded", "failed", "running"]


@dataclass(frozen=True)
class RunSeen:
    """One run: `after` is the world as it ended, `settled` the same once everything that was begun has ended."""

    result: Mapping[str, Any] | None
    crash: str
    seconds: float
    limit: float
    sent: tuple[Sent, ...]
    jobs: tuple[Job, ...]
    before: World
    after: World
    settled: World

    @property
    def code(self) -> str | None:
        """The error's code, None for success."""
        error = (self.result or {}).get("error")
        return str(error["code"]) if error else None

    @property
    def changed(self) -> bool:
        """What the result says."""
        return bool((self.result or {}).get("changed"))

    @property
    def writes(self) -> list[Sent]:
        """The requests that could change something."""
        return [each for each in self.sent if each.writes]

    def differences(self, *, settled: bool = True) -> dict[str, tuple[str | None, str | None]]:
        """Each key of the world that is another one now, with what it held before and holds now."""
        then, now = self.before, self.settled if settled else self.after
        keys = sorted({*then, *now})
        return {key: (then.get(key), now.get(key)) for key in keys if then.get(key) != now.get(key)}

    @property
    def effects(self) -> list[str]:
        """What it has done to the world: operations that ended well, and what is otherwise than before."""
        done = [f"job {job.kind}" for job in self.jobs if job.state == "succeeded"]
        return done + list(self.differences())


def deed_of(method: str, target: str, body: bytes) -> str:
    """What a request does, to what; empty for one that changes nothing."""
    path = target.partition("?")[0].lower()
    if method == "GET" or "/oauth2/" in path or "/microsoft.resourcegraph/" in path:
        return ""
    last, given = path.rsplit("/", 1)[-1], _json(body)
    if ".svc/" in path:
        key = "".join(re.findall(r"guid'([^']*)'", last)[:1])
        if last.startswith("virtualmachines("):
            return f"power {str(given.get('Operation', '')).lower()}".strip()
        if not key:
            return f"create {given.get('Name', '')}"
        verb = "restore" if given.get("VMCheckPointAction") == "Restore" else _VERBS[method]
        return f"{verb} {key}"
    if last in _ACTIONS:
        return f"{_ACTIONS[last]} {given.get('name') or given.get('id') or ''}"
    if last in _POWER:
        return f"power {last}"
    kinds = {"restorepoints": "point", "restorepointcollections": "collection", "disks": "disk", "tags": "tags"}
    kind = kinds.get(path.rsplit("/", 2)[-2], "vm")
    deed = f"{_VERBS.get(method, method.lower())} {kind} {GENERATED.sub('', last)}"
    # One VM is changed several times in a restore; twice the same is another matter.
    return f"{deed} {zlib.crc32(body):x}" if deed.startswith("update vm") else deed


def job_of(deed: str) -> str:
    """The kind of operation that does it, as the simulator calls it; empty where it is done in the answer itself."""
    verb, _blank, rest = deed.partition(" ")
    kind = rest.partition(" ")[0]
    if kind == "point":
        return {"create": "point", "delete": "point_delete"}.get(verb, "")
    if kind == "collection":
        return "collection_delete" if verb == "delete" else ""
    if kind == "tags":
        return ""
    if kind == "disk":
        return "disk_delete" if verb == "delete" else "disk"
    if deed.startswith("update vm"):
        return "vm"
    return verb


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
