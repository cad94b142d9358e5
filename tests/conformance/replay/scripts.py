# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook that a recording calls for: a task for each of its writes, and what each must have said.

Made from the recording itself, so that any other recording of the same services can be played, too.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from tests.conformance.replay.recording import Recording, kind_of
from tests.contract.checkpoints.exchange import Exchange

COLLECTION = "hybridvm.checkpoints"
_PARTS = re.compile(
    r".*/resourceGroups/(?P<group>[^/]+)/providers/Microsoft\.Compute"
    r"/restorePointCollections/(?P<collection>[^/]+)(?:/restorePoints/(?P<point>[^/]+))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Step:
    """A task; `again` says that it is the same once more, which must change nothing."""

    name: str
    module: str
    options: dict[str, Any]
    changed: bool = True
    count: int | None = None

    @property
    def task(self) -> dict[str, Any]:
        return {"name": self.name, f"{COLLECTION}.{self.module}": self.options}


def steps(recording: Recording) -> list[Step]:
    """The tasks in order."""
    made: list[Step] = []
    for number, write in enumerate(recording.writes):
        made_here = _steps(write)
        if recording.listed_after(write):
            made_here.append(_listing(write))
        for step in made_here:
            made.append(Step(f"{number} {step.name}", step.module, step.options, step.changed, step.count))
    return made


def _steps(write: Exchange) -> list[Step]:
    kind, body = str(kind_of(write)), write.body
    if "checkpoint" in write.path.rpartition("/")[2].lower():
        return _scvmm(kind, write.path.partition("/providers/Microsoft.ScVmm")[0], body)
    parts = _PARTS.fullmatch(write.path)
    assert parts is not None, write.path
    home = {"resource_group": parts["group"]}
    if parts["point"]:
        options = {**home, "collection": parts["collection"], "name": parts["point"]}
        if kind == "delete point":
            gone = {**options, "state": "absent"}
            return [Step(kind, "restore_point", gone), Step(f"{kind}: again", "restore_point", gone, changed=False)]
        wanted = body["properties"]
        options["consistency"] = "crash" if wanted.get("consistencyMode") == "CrashConsistent" else "application"
        if origin := (wanted.get("sourceRestorePoint") or {}).get("id"):
            options["source_restore_point"] = origin
        same = Step(f"{kind}: again", "restore_point", options, changed=False)
        return [Step(kind, "restore_point", options), same]
    home["name"] = parts["collection"]
    if kind == "delete collection":
        gone = {**home, "state": "absent", "force": True}
        again = Step(f"{kind}: again", "restore_point_collection", gone, changed=False)
        return [Step(kind, "restore_point_collection", gone), again]
    if kind == "patch collection":
        options = {**home, "tags": body["tags"]}
        same = Step(f"{kind}: again", "restore_point_collection", options, changed=False)
        return [Step(kind, "restore_point_collection", options), same]
    options = {**home, "source": body["properties"]["source"]["id"], "location": body["location"]}
    if body.get("tags"):
        options["tags"] = body["tags"]
    same = Step(f"{kind}: again", "restore_point_collection", options, changed=False)
    return [Step(kind, "restore_point_collection", options), same]


def _listing(write: Exchange) -> Step:
    group = write.path.split("/")[4]
    return Step("list", "restore_point_collection_info", {"resource_group": group}, changed=False, count=1)


def _scvmm(kind: str, vm: str, body: dict[str, Any]) -> list[Step]:
    if kind == "create":
        options = {"vm": vm, "name": body["name"], "description": body.get("description", "")}
        info = Step("info", "vm_checkpoint_info", {"vm": vm}, changed=False, count=1)
        again = Step("create: again", "vm_checkpoint", options, changed=False)
        return [Step(kind, "vm_checkpoint", options), again, info]
    if kind == "restore":
        return [Step(kind, "vm_checkpoint_restore", {"vm": vm, "checkpoint_id": body["id"]})]
    gone = {"vm": vm, "checkpoint_id": body["id"], "state": "absent"}
    info = Step("info: nothing left", "vm_checkpoint_info", {"vm": vm}, changed=False, count=0)
    return [Step(kind, "vm_checkpoint", gone), info]


def summary(result: dict[str, Any]) -> str:
    """What went wrong, for a message."""
    return json.dumps({name: result.get(name) for name in ("msg", "error", "warnings")}, default=str)[:1500]
