# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for collections and restore points as a whole: what is done and why, what is warned of, what differs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import (
    CollectionEntity,
    PointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.collection_planner import (
    plan_collection,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.point_planner import plan_point
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.targets import (
    collection_target,
    point_target,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._restore_points.service import (
    HERE,
    HOME,
    KEY,
    ORIGIN,
    RG,
    VM,
    asked_collection,
    asked_point,
    home,
    machine,
    point,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_plans import hold

OF_C, OF_P = collection_target(HERE, "https://arm"), point_target(HERE, "p", "https://arm")
COPIED: dict[str, Any] = {"sourceRestorePoint": {"id": f"{ORIGIN}/restorePoints/q"}}
PIN_TAG = {"hybridvm-pin-p": "pinned"}
Made = Callable[[], Plan]


def collection(now: CollectionEntity | None = None, location: str | None = "West Europe", **options: Any) -> Made:
    return lambda: plan_collection(asked_collection(**options), OF_C, now, location)


def of_point(
    now: PointEntity | None = None, fields: dict[str, Any] | None = None, vm: VmEntity | None = None, **options: Any
) -> Made:
    return lambda: plan_point(asked_point(**options), OF_P, now, vm, (), fields or {}, 1, None)


def percent(done: int) -> dict[str, Any]:
    return {**COPIED, "instanceView": {"diskRestorePoints": [{"replicationStatus": {"completionPercent": done}}]}}


COLLECTIONS: list[Made] = [
    collection(source=VM),
    collection(source=VM.lstrip("/"), tags={"a": "b"}, instant_access=False),
    collection(home(provisioningState="Deleting"), source=VM),
    collection(home(tags={"a": "b"}), source=VM.upper(), location="West Europe"),
    collection(home(provisioningState="Creating")),
    collection(home(provisioningState="Updating")),
    collection(home(tags={"A": "1", "b": "2", **PIN_TAG}), tags={"a": "2", "c": "3"}),
    collection(home(tags={"A": "1", "b": "2", **PIN_TAG}), tags={"a": "2", "c": "3"}, append_tags=False),
    collection(home(tags=PIN_TAG), tags={}, append_tags=False),
    collection(home(), tags={"a": "b"}, instant_access=True),
    collection(home(instantAccess=True), instant_access=False),
    collection(home(instantAccess=True), instant_access=True),
    collection(state="absent"),
    lambda: plan_collection(asked_collection(), OF_C, home(), None, pins={f"{HOME}/restorePoints/p".lower(): Pin()}),
    collection(home(), state="absent"),
    collection(home(provisioningState="Deleting"), state="absent"),
    collection(home(point(name="p2"), point(name="p1")), state="absent", force=True),
]
POINTS: list[Made] = [
    of_point(),
    of_point(
        fields={
            "consistency": "crash",
            "exclude_disks": [f"{RG}/disks/d"],
            "instant_access_duration": None,
            "encryption_sets": [{"disk": "os", "id": KEY, "type": "EncryptionAtRestWithCustomerKey"}],
        },
        consistency="crash",
    ),
    of_point(fields={"source_restore_point": f"{ORIGIN}/restorePoints/Q/"}, source_restore_point="Q"),
    of_point(vm=machine("deallocated")),
    of_point(vm=machine()),
    of_point(point("Failed")),
    of_point(point("Canceled")),
    of_point(point("Deleting")),
    of_point(point()),
    of_point(point("Creating")),
    of_point(point("Updating")),
    of_point(point(**COPIED), source_restore_point="q"),
    of_point(point(**percent(30)), source_restore_point="q"),
    of_point(point(**percent(100)), source_restore_point="q"),
    of_point(point(consistencyMode="CrashConsistent")),
    of_point(point(consistencyMode="FileSystemConsistent"), vm=machine(os_type="Windows")),
    of_point(point(excludeDisks=[{"id": f"{RG}/disks/D"}]), exclude_disks=["d", "lun1"]),
    of_point(point(instantAccessDurationMinutes=60), {"instant_access_duration": 90}, instant_access_duration=90),
    of_point(state="absent"),
    of_point(point(), state="absent"),
    of_point(point("Failed"), state="absent"),
    of_point(point("Deleting"), state="absent"),
]


def test_plans_for_a_collection() -> None:
    hold(Path(__file__).parent / "golden" / "collections.txt", COLLECTIONS)


def test_plans_for_a_restore_point() -> None:
    hold(Path(__file__).parent / "golden" / "points.txt", POINTS)
