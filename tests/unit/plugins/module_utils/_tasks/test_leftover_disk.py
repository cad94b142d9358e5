# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What leftover_disk returns: the disks that are still left, before and after."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Done, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.actions import DeleteLeftover
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.planner import ObservedDisks
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import leftover_disk as task
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks import run
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    ID,
    WHO,
    detail,
    disk,
    inventory,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import UNIQUE

from .services import Opened, Service, context, later

RUN = "0123456789ab"


def idle(found: DiskEntity, **properties: Any) -> DiskEntity:
    """The disk as one that the service shows as unattached."""
    document = found.model_dump(mode="json")
    shown = {**document["properties"], "diskState": "Unattached", "uniqueId": "1", **properties}
    return DiskEntity.model_validate({**document, "properties": shown})


IN_PLACE = idle(disk(f"v-os-{RUN}", run=RUN, state="done", replaces="rg/O"))
OLD = idle(disk("O"), timeCreated="2026-01-02T00:00:00Z", diskSizeGB=32)
GIVEN_UP = idle(disk("v-os-ba9876543210", run="ba9876543210", state="given-up", replaces="rg/O"))
KEY = OLD.id.lower()
STATE = detail(OLD, IN_PLACE, GIVEN_UP, attached={"os": IN_PLACE.name})
REASON = f"replaced by v-os-{RUN} in the restore {RUN}"


def left(found: DiskEntity, reason: str, **fields: Any) -> dict[str, Any]:
    """The disk as results show it."""
    shown = {"vm": ID, "vm_id": ID, "provider": "compute", "kind": "disk", "id": found.id, "name": found.name}
    return {**shown, "reason": reason, "created": None, "size_gb": None, "removable": True, **fields}


OF_OLD = left(OLD, REASON, created="2026-01-02T00:00:00Z", size_gb=32)
OF_GIVEN_UP = left(GIVEN_UP, "made by the restore ba9876543210, which was given up")


def observed(asked: dict[str, DiskEntity | None] | None = None) -> ObservedDisks:
    return ObservedDisks(STATE, asked or {})


def ran(now: ObservedDisks | None, before: ObservedDisks | None = None, *done: Action) -> Any:
    """A run as the engine leaves it; it planned to remove the old one."""
    progress = Progress(before=before, done=tuple(Done(each) for each in done))
    plan = Plan(WHO, (DeleteLeftover(WHO, "asked for", OLD), Power(WHO, "no disk")))
    return SimpleNamespace(kind=SimpleNamespace(target=WHO), plan=plan, progress=progress, observed=now)


VIEW = task.LeftoverView()


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ({}, [OF_OLD, OF_GIVEN_UP]),
        ({KEY: OLD}, [OF_OLD, OF_GIVEN_UP]),
        ({KEY: None}, [OF_GIVEN_UP]),
        ({KEY: idle(OLD, uniqueId="2")}, [OF_GIVEN_UP]),
        ({GIVEN_UP.id.lower(): None}, [OF_OLD]),
        ({KEY: None, GIVEN_UP.id.lower(): None}, []),
    ],
)
def test_what_was_left_and_is_there_still(asked: dict[str, Any], kept: list[dict[str, Any]]) -> None:
    assert VIEW.keys(ran(observed(asked), observed()), check_only=False) == {"leftovers": kept}


def test_where_nothing_was_read_nothing_is_shown() -> None:
    for run_of in (ran(None), ran(observed()), ran(None, observed())):
        assert VIEW.keys(run_of, check_only=False) == {"leftovers": []}
    assert VIEW.diff(ran(observed()), check_only=True) is None


LINE_OF_OLD = f"  O  {REASON}\n"
LINE_OF_GIVEN_UP = "  v-os-ba9876543210  made by the restore ba9876543210, which was given up\n"


@pytest.mark.parametrize(
    ("check", "done", "after"),
    [
        (True, (), LINE_OF_GIVEN_UP),
        (False, (), LINE_OF_OLD + LINE_OF_GIVEN_UP),
        (False, (DeleteLeftover(WHO, "", OLD), Power(WHO, "")), LINE_OF_GIVEN_UP),
        (True, (DeleteLeftover(WHO, "", GIVEN_UP),), LINE_OF_GIVEN_UP),
    ],
)
def test_the_diff_in_check_mode_is_of_the_plan_else_of_what_was_done(
    check: bool, done: tuple[Action, ...], after: str
) -> None:
    header = "leftover disks of v (compute)"
    assert VIEW.diff(ran(observed(), observed(), *done), check_only=check) == {
        "before_header": header,
        "after_header": header,
        "before": LINE_OF_OLD + LINE_OF_GIVEN_UP,
        "after": after,
    }


STAGED = replace(UNIQUE, restore_steps=cast(Any, object()))


class Disks:
    """The disks by id; there are no others."""

    def __init__(self, _arm: Any, settings: Any) -> None:
        assert settings is not None

    async def disk(self, disk_id: str) -> DiskEntity | None:
        return {KEY: OLD}.get(disk_id.lower())


def removed(monkeypatch: pytest.MonkeyPatch, world: Opened, **params: Any) -> dict[str, Any]:
    """The result of the task in check mode."""
    monkeypatch.setattr(run, "Providers", world)
    monkeypatch.setattr(task, "ComputeClient", Disks)
    given = {"state": "absent", "ids": [OLD.id, f"{GROUP}/disks/gone"], **params}
    return later(lambda: task.leftover_disk(given, context(check_only=True)))


def test_every_key_in_check_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    vm = replace(inventory(STATE), vm=WHO)
    found = removed(monkeypatch, Opened(compute=Service({ID: vm}, capabilities=STAGED, seconds=1.0)), vm=ID)
    assert found == {
        "changed": True,
        "plan": found["plan"],
        "leftovers": [OF_OLD, OF_GIVEN_UP],
        "operation": None,
        "timing": {"read": 1.0, "total": 1.0},
        "warnings": [],
        "diff": {
            "before_header": "leftover disks of v (compute)",
            "after_header": "leftover disks of v (compute)",
            "before": LINE_OF_OLD + LINE_OF_GIVEN_UP,
            "after": LINE_OF_GIVEN_UP,
        },
    }
    (action,) = found["plan"]["actions"]
    assert (action["action"], action["disk"], action["reason"]) == (
        "delete",
        {"id": OLD.id, "name": "O", "size_gb": 32},
        REASON,
    )


def test_only_where_restores_make_disks_are_any_left(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service({"web01": inventory(STATE)})
    with pytest.raises(InvalidInput) as raised:
        removed(monkeypatch, Opened(spf=service), vm="web01")
    assert str(raised.value) == (
        "vm web01: SPF restores without new disks, so none are left. Give an Azure VM. Checkpoints that a failed "
        "create left are removed with vm_checkpoint."
    )
    assert service.asked == []


def test_it_takes_one_vm(monkeypatch: pytest.MonkeyPatch) -> None:
    for params in ({}, {"vms": [ID]}):
        with pytest.raises(InvalidInput, match=r"^exactly one of vm and vms is needed\.$"):
            removed(monkeypatch, Opened(), **params)
