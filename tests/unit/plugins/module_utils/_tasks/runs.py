# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs as the engine leaves them, and members of a task around them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import (
    Create,
    Delete,
    NoOp,
    Power,
    Restore,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Refused,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.member import Member
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Completed, Done, Progress
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import (
    WEB01,
    having,
    point,
)

MADE = point("m1")
CREATE = Create(WEB01, "it is missing", name="nightly")
DELETE, KEEP = Delete(WEB01, "old", checkpoint=point("d1")), NoOp(WEB01, "it exists", checkpoint=point("k1"))
BACK, OFF = Restore(WEB01, "asked for", checkpoint=point("t1")), Power(WEB01, "off", on=False)
NO = Refused("says no.", subject="vm web01", status=400)


async def poll() -> Status:
    raise AssertionError


def vm(name: str) -> VM:
    return VM(reference=f"ref {name}", name=name, id=f"id-{name}", canonical=name, provider="spf", service="s")


def run(name: str = "web01", **fields: Any) -> Any:
    """A run as the engine leaves it."""
    target = vm(name)
    given = {
        "kind": SimpleNamespace(target=target),
        "plan": Plan(target, (CREATE,)),
        "todo": Plan(target, ()),
        "progress": Progress(before=having()),
        "observed": having(),
        "operation": None,
        "warnings": [],
        "timing": {"read": 1.234},
        "changed": False,
    }
    return SimpleNamespace(**given | fields)


def member(name: str = "web01", error: CheckpointError | None = None, **fields: Any) -> Member:
    state = {key: fields.pop(key) for key in ("started", "finished", "undo") if key in fields}
    return Member(cast(Any, run(name, **fields)), error, **state)


def done(*actions: Action, made: Checkpoint | None = MADE) -> Progress[Any]:
    return Progress(before=having(), begun=actions, done=tuple(Done(each, "n", Completed(made)) for each in actions))


class View:
    """What another kind might show."""

    def __init__(self, diff: dict[str, str] | None = None) -> None:
        self._diff = diff

    def keys(self, run: Any, *, check_only: bool) -> dict[str, Any]:
        return {"thing": f"{run.kind.target.name} {check_only}"}

    def diff(self, run: Any, *, check_only: bool) -> dict[str, str] | None:
        return self._diff

    def name(self, run: Any) -> dict[str, Any]:
        return {"vm": run.kind.target.reference}
