# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is refused of collections and restore points, each as the whole line that a user reads."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import parse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Forbidden
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import validate_options
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import (
    CollectionEntity,
    PointEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points import (
    collection_planner,
    copies,
    inputs,
    point_planner,
    specs,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.actions import NoOp
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.collection import (
    ObservedCollection,
    RestorePointCollection,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.consistency import foreseen
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.point import (
    ObservedPoint,
    RestorePoint,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.targets import (
    CollectionTarget,
    PointTarget,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_refusals import Ask, hold

GUID = "33333333-0000-4000-8000-000000000001"
RG = f"/subscriptions/{GUID}/resourceGroups/rg/providers/Microsoft.Compute"
VM, HOME = f"{RG}/virtualMachines/v", f"{RG}/restorePointCollections/c"
POINT = f"{HOME}/restorePoints/p"
IN_THE_WAY = Obstacle(("create", "update", "delete"), "a lock forbids it.", "Have it removed.")
UNTIL = Pin(datetime(2026, 12, 1, tzinfo=UTC))
OF_C = CollectionTarget(name="c", id=HOME, canonical=HOME.lower(), provider="compute", service="a")
OF_P = PointTarget(name="p", id=POINT, canonical=POINT.lower(), provider="compute", service="a")


def asked_collection(**options: Any) -> specs.CollectionSpec:
    return validate_options(specs.CollectionSpec, {"name": "c", "resource_group": "rg", **options})


def asked_point(**options: Any) -> specs.PointSpec:
    return validate_options(specs.PointSpec, {"name": "p", "collection": "c", "resource_group": "rg", **options})


def query(**options: Any) -> specs.CollectionQuery:
    return validate_options(specs.CollectionQuery, options)


def home(points: int = 0, source: str | None = VM, **properties: Any) -> CollectionEntity:
    held = [{"id": f"{HOME}/restorePoints/p{n}", "name": f"p{n}", "properties": {}} for n in range(points)]
    members = {"source": None if source is None else {"id": source}, "restorePoints": held, **properties}
    return CollectionEntity.model_validate({"id": HOME, "name": "c", "location": "West Europe", "properties": members})


def made(state: str = "Succeeded", **properties: Any) -> PointEntity:
    members = {"provisioningState": state, **properties}
    return PointEntity.model_validate({"id": POINT, "name": "p", "properties": members})


def rows(*access: str) -> dict[str, Any]:
    return {"instanceView": {"diskRestorePoints": [{"snapshotAccessState": each} for each in access]}}


def machine(power: str = "running", agent: str = "Ready", unmanaged: bool = False, name: str = "d") -> VmEntity:
    view = {"statuses": [{"code": f"PowerState/{power}"}], "vmAgent": {"statuses": [{"displayStatus": agent}]}}
    data = {"lun": 0, "name": name, "managedDisk": None if unmanaged else {"id": f"{RG}/disks/d"}}
    storage = {"osDisk": {"name": "o", "managedDisk": {"id": f"{RG}/disks/o"}}, "dataDisks": [data]}
    members = {"instanceView": view, "storageProfile": storage}
    return VmEntity.model_validate({"id": VM, "name": "v", "location": "l", "properties": members})


def of_collection(
    spec: specs.CollectionSpec, now: CollectionEntity | None, location: str | None = "westeurope", **more: Any
) -> object:
    return collection_planner.plan_collection(spec, OF_C, now, location, **more)


def of_point(
    spec: specs.PointSpec,
    now: PointEntity | None,
    *obstacles: Obstacle,
    count: int = 0,
    pin: Pin | None = None,
    vm: VmEntity | None = None,
) -> object:
    return point_planner.plan_point(spec, OF_P, now, vm, obstacles, {}, count, pin)


def sets(*disks: str) -> list[dict[str, str]]:
    return [{"disk": disk, "id": f"{RG}/diskEncryptionSets/k"} for disk in disks]


def kind(spec: specs.PointSpec) -> RestorePoint:
    return RestorePoint(cast(Any, SimpleNamespace(service="a")), spec, parse(HOME))


def unread(**options: Any) -> dict[str, Any]:
    """What is sent for a VM that may not be read."""
    found = inputs.PointInputs()
    inputs._unread(asked_point(**options), found, Forbidden("no right to read v.", status=403))
    return found.fields


REFUSED: list[Ask] = [
    lambda: asked_collection(name="a b"),
    lambda: asked_collection(resource_group="a."),
    lambda: asked_collection(tags={"a": 1}),
    lambda: asked_collection(tags={"a": "1", "A": "2"}),
    lambda: asked_point(ignore_pin=True),
    lambda: asked_point(source_restore_point="p", exclude_disks=["os"]),
    lambda: asked_point(instant_access_duration=59),
    lambda: asked_point(resource_group=None),
    lambda: query(name="c"),
    lambda: query(subscriptions=[]),
    lambda: query(subscriptions=["x"]),
    lambda: query(subscriptions=[GUID], resource_group="rg"),
    lambda: query(points=False, instance_view=True),
    lambda: specs.collection_id(GUID, "other", HOME),
    lambda: specs.collection_id(None, "rg", "c"),
    lambda: specs.collection_id(GUID, "rg", f"{RG}/disks/c"),
    lambda: specs.source_of(f"{RG}/disks/c"),
    lambda: specs.source_of("v"),
    lambda: specs.disk_id(f"{RG}/snapshots/d"),
    lambda: specs.disk_id(f"{RG}/snapshots/d", "encryption_sets"),
    lambda: specs.source_point(f"{HOME}/disks/p", HOME),
    lambda: specs.source_point(f"{RG}/disks/c/restorePoints/p", HOME),
    lambda: specs.source_point(f"/{'x' * 250}", HOME),
    lambda: specs.require_collection_api(asked_collection(), "2020-12-01"),
    lambda: specs.require_collection_api(asked_collection(source=HOME), "2021-08-01"),
    lambda: specs.require_collection_api(asked_collection(instant_access=True), "2024-11-01"),
    lambda: specs.require_query_api(query(), "2020-12-01"),
    lambda: specs.require_query_api(query(instance_view=True), "2021-08-01"),
    lambda: specs.require_point_api(asked_point(), "2020-12-01"),
    lambda: specs.require_point_api(asked_point(source_restore_point="p"), "2021-08-01"),
    lambda: specs.require_point_api(asked_point(instant_access_duration=60), "2024-11-01"),
    lambda: specs.require_point_api(asked_point(encryption_sets=sets("os")), "2022-11-01"),
    lambda: specs.require_point_api(asked_point(consistency="crash"), "2021-04-01"),
    lambda: specs.require_point_api(asked_point(encryption_sets=[{"disk": "os", "id": VM}]), "2024-07-01"),
    lambda: of_collection(asked_collection(), None),
    lambda: of_collection(asked_collection(source=VM), None, None),
    lambda: of_collection(asked_collection(source=f"{VM}2"), home()),
    lambda: of_collection(asked_collection(location="eastus"), home()),
    lambda: of_collection(asked_collection(source=VM, location="eastus"), home(source=HOME)),
    lambda: of_collection(asked_collection(state="absent"), home(2)),
    lambda: of_collection(
        asked_collection(state="absent", force=True), home(), pins={POINT.lower(): Pin(), f"{POINT}2": UNTIL}
    ),
    lambda: of_collection(asked_collection(source=VM), None, obstacles=[IN_THE_WAY]),
    lambda: of_collection(asked_collection(tags={"a": "b"}), home(), obstacles=[IN_THE_WAY]),
    lambda: of_collection(asked_collection(state="absent"), home(), obstacles=[IN_THE_WAY]),
    lambda: of_point(asked_point(), made("Failed"), pin=UNTIL),
    lambda: of_point(asked_point(), made("Canceled"), pin=Pin()),
    lambda: of_point(asked_point(), made(instanceView={"statuses": [{"code": "ReplicationState/failed"}]}), pin=Pin()),
    lambda: of_point(asked_point(state="absent"), made(), pin=UNTIL),
    lambda: of_point(asked_point(state="absent"), made(), IN_THE_WAY),
    lambda: of_point(asked_point(), None, IN_THE_WAY),
    lambda: of_point(asked_point(), made("Failed"), IN_THE_WAY),
    lambda: of_point(asked_point(), None, count=500),
    lambda: of_point(asked_point(on_downgrade="fail"), made(consistencyMode="CrashConsistent")),
    lambda: of_point(asked_point(on_downgrade="fail"), None, vm=machine("deallocated")),
    lambda: foreseen(asked_point(on_downgrade="fail"), machine(agent="Not Ready")),
    lambda: copies.refuse_copies(parse(HOME), None, "eastus"),
    lambda: copies.refuse_copies(parse(HOME), home(source=HOME), "eastus"),
    lambda: copies.refuse_copies(parse(HOME), home(), "westeurope"),
    lambda: copies.refuse_elsewhere(POINT, home()),
    lambda: copies.refuse_source(POINT, None, None, home(source=HOME)),
    lambda: copies.refuse_source(POINT, home(), None, home(source=HOME)),
    lambda: copies.refuse_source(POINT, home(25), None, home(source=HOME)),
    lambda: copies.refuse_source(POINT, home(), made("Failed"), home(source=HOME)),
    lambda: copies.refuse_source(POINT, home(), made("Canceled"), home(source=HOME)),
    lambda: copies.refuse_source(POINT, home(), made("Creating"), home(source=HOME)),
    lambda: copies.refuse_source(POINT, home(), made(**rows("Available", "InstantAccess")), home(source=HOME)),
    lambda: copies.refuse_source(POINT, home(), made(**rows("Pending")), home(source=HOME)),
    lambda: inputs._excluded(asked_point(exclude_disks=["os", "O"]), machine()),
    lambda: inputs._excluded(asked_point(exclude_disks=["d", f"{RG}/disks/D" + " " * 120]), machine()),
    lambda: inputs._excluded(asked_point(exclude_disks=["os", "0"]), machine()),
    lambda: inputs._excluded(asked_point(exclude_disks=["e"]), machine()),
    lambda: inputs._excluded(asked_point(exclude_disks=["x" * 120]), machine()),
    lambda: inputs._excluded(asked_point(exclude_disks=[" "]), machine()),
    lambda: inputs._excluded(asked_point(exclude_disks=["lun0"]), machine(unmanaged=True)),
    lambda: inputs._excluded(asked_point(exclude_disks=["x" * 120]), machine(unmanaged=True, name="x" * 120)),
    lambda: inputs._encryption(asked_point(encryption_sets=sets("os", "o")), machine(), []),
    lambda: inputs._encryption(asked_point(encryption_sets=sets("d")), machine(), [f"{RG}/disks/d".lower()]),
    lambda: inputs._encryption(asked_point(encryption_sets=sets("e")), machine(), []),
    lambda: unread(exclude_disks=["os", f"{RG}/disks/d"], encryption_sets=sets("os", "lun0", f" {RG}/disks/d ")),
    lambda: unread(exclude_disks=[f"{RG}/disks/d", f" {RG}/Disks/D "]),
    lambda: unread(exclude_disks=[f"{RG}/disks/d", f"{RG}/disks/d{'/' * 200}"]),
    lambda: unread(encryption_sets=sets("os", " OS ")),
    lambda: unread(encryption_sets=sets(f"{RG}/disks/d", f" {RG}/disks/d{'/' * 200}")),
    lambda: unread(exclude_disks=[f"{RG}/snapshots/d"]),
    lambda: unread(encryption_sets=sets(f"{RG}/snapshots/d")),
    lambda: kind(asked_point())._require_fit(home(source=HOME)),
    lambda: kind(asked_point(source_restore_point="p"))._require_fit(home()),
    lambda: kind(asked_point())._require_usable(None),
    lambda: kind(asked_point())._require_usable(made("Deleting")),
    lambda: kind(asked_point())._require_usable(made("Failed")),
    lambda: kind(asked_point())._require_usable(made("Canceled", provisioningDetails={"statusMessage": "by a policy"})),
    lambda: kind(asked_point(on_downgrade="fail"))._downgraded("CrashConsistent"),
    lambda: kind(asked_point(on_downgrade="fail"))._downgraded("FileSystemConsistent"),
]


def test_what_is_refused() -> None:
    hold(Path(__file__).parent / "golden" / "refusals.txt", REFUSED)


def test_what_a_vm_that_may_not_be_read_leaves_out_and_encrypts() -> None:
    found = unread(
        exclude_disks=[f" {RG}/disks/F ", f"{RG}/disks/e"],
        encryption_sets=[
            {"disk": " OS ", "id": "k1", "type": "EncryptionAtRestWithPlatformAndCustomerKeys"},
            {"disk": f" {RG}/disks/D ", "id": "k2"},
        ],
    )
    assert found == {
        "exclude_disks": [f"{RG}/disks/{name}".lower() for name in "ef"],
        "encryption_sets": [
            {"disk": f"{RG}/disks/d".lower(), "id": "k2", "type": "EncryptionAtRestWithCustomerKey"},
            {"disk": "os", "id": "k1", "type": "EncryptionAtRestWithPlatformAndCustomerKeys"},
        ],
    }
    assert unread() == {"exclude_disks": None, "encryption_sets": None}


def test_no_other_action_is_carried_out() -> None:
    client = cast(Any, SimpleNamespace(service="a"))
    collection, point = RestorePointCollection(client, asked_collection(), parse(HOME)), kind(asked_point())
    for target, act in (
        (OF_C, lambda action: collection.write(action, ObservedCollection(home()), Progress())),
        (OF_P, lambda action: point.write(action, ObservedPoint(made()), Progress())),
    ):
        action: Action = NoOp(target, "why")
        with pytest.raises(TypeError, match=r"^no write carries out 'keep'$"):
            act(action)
