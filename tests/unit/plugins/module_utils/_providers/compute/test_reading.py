# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What one reading of an Azure VM asks for, and the whole of what it makes of the answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.ids import ArmId
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm, Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import Ownership
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import CollectionEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.pins import DropStalePins
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import AzureVmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.steps import MakeCollection
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.vm_entities import VmEntity
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_answers import (
    HOME,
    MADE,
    NOW,
    OS_DISK,
    WHO,
    Azure,
    absent,
    collection,
    lock,
    machine,
    point,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    ID,
    POINT,
    SUBSCRIPTION,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import reply

TAGS = {"hybridvm-checkpoints": "managed", "HybridVM-pin-p": "until=2026-12-01T00:00:00Z"}


def test_a_reading_for_a_change_as_a_whole() -> None:
    raw = machine()
    home = collection(point(consistencyMode="CrashConsistent", sourceMetadata={"vmId": "b"}), point("q"), tags=TAGS)
    locks = [lock("CanNotDelete", POINT, "hybridvm-pin"), lock("ReadOnly", ID), lock("CanNotDelete", f"{ID}2")]
    azure = Azure(vm=raw, home=home, locks={"value": locks})
    assert azure.read() == ObservedVm(
        WHO,
        (
            Checkpoint(
                id=POINT,
                name="p",
                created=MADE,
                owned=Ownership(managed=True),
                kept=Pin(datetime(2026, 12, 1, tzinfo=UTC)),
                locked=True,
                any_case=True,
                consistency="CrashConsistent",
                of_another=True,
            ),
            Checkpoint(
                id=f"{HOME}/restorePoints/q", name="q", created=MADE, owned=Ownership(managed=True), any_case=True
            ),
        ),
        now=NOW,
        ahead=5.0,
        shown=MADE,
        power="on",
        obstacles=(
            Obstacle(
                (f"delete {POINT.lower()}",),
                'the lock "hybridvm-pin" on p allows no deletion.',
                "Lift the pin with vm_checkpoint, pin: false; its lock goes with it.",
                f"unlock {POINT.lower()}",
            ),
            Obstacle(
                ("power", "change_vm"),
                'the lock "keep" on v allows no change.',
                "Have the lock removed for the time of the task.",
            ),
        ),
        detail=AzureVmState(
            VmEntity.model_validate(raw),
            raw,
            '"7"',
            "rg",
            CollectionEntity.model_validate(home),
            {OS_DISK["id"].lower(): DiskEntity.model_validate(OS_DISK)},
            frozenset({"rg"}),
        ),
    )
    assert azure.asked == ["vm", "home", "disks", "locks"]


def test_a_list_asks_for_neither_disks_nor_locks() -> None:
    raw = machine(storageProfile=None)
    azure = Azure(vm=raw, home=collection(point(), tags={"hybridvm-checkpoints": "Managed"}))
    assert azure.read("list") == ObservedVm(
        WHO,
        (Checkpoint(id=POINT, name="p", created=MADE, owned=Ownership(), any_case=True),),
        now=NOW,
        ahead=5.0,
        shown=MADE,
        power="on",
        managed_new=False,
        detail=AzureVmState(
            VmEntity.model_validate(raw),
            raw,
            '"7"',
            "rg",
            CollectionEntity.model_validate(
                collection(point(), tags={"hybridvm-checkpoints": "Managed"}),
            ),
            {},
        ),
    )
    assert azure.asked == ["vm", "home"]


def test_without_a_collection_the_first_create_makes_one() -> None:
    """Named after the VM as the service spells it; the clock is then the one that has answered for the VM."""
    below = f"{GROUP}/restorePointCollections"
    of = replace(WHO, id=f"{ID[:-1]}V")
    azure = Azure({f"{below}/checkpoints-v": absent(f"{below}/checkpoints-V")})
    found = azure.do(lambda compute: compute.read(of, "change"), collection=None)
    home = ArmId(SUBSCRIPTION.rpartition("/")[2], "rg", "Microsoft.Compute/restorePointCollections", "checkpoints-v")
    assert found.prelude == (MakeCollection(of, "it does not exist yet", home, "West Europe"),)
    assert (found.now, found.ahead) == (NOW - timedelta(hours=1), -3595.0)
    assert (found.checkpoints, found.managed_new, found.pin_prelude, found.obstacles) == ((), True, (), ())
    assert found.detail.collection is None


@pytest.mark.parametrize(
    ("away", "usability", "asked"),
    [
        (point(instanceView={"diskRestorePoints": [{"snapshotAccessState": "Pending"}]}), "arriving", ["point"]),
        (point(), "unknown", ["point"]),
        (None, "unknown", ["point"]),
    ],
)
def test_each_point_in_another_region_is_read_alone(away: Any, usability: str, asked: list[str]) -> None:
    azure = Azure(home=collection(point(), location="North Europe"), point=away)
    found = azure.read()
    assert [each.usability for each in found.checkpoints] == [usability]
    assert azure.asked == ["vm", "home", "disks", *asked, "locks"]
    assert azure.sent[3] == f"GET {POINT}?api-version=2024-07-01&$expand=instanceView"
    assert found.obstacles == (
        Obstacle(
            ("step",),
            "its restore points lie in North Europe, and disks can only be made where they lie.",
            "Restore from a collection in the VM's own region.",
        ),
    )


OVER = {f"hybridvm-pin-{number}": "pinned" for number in range(3)}


@pytest.mark.parametrize(("others", "stale"), [(46, False), (47, True), (49, True)])
def test_pins_that_are_over_make_room_for_another_one(others: int, stale: bool) -> None:
    tags = OVER | {f"t{number}": "x" for number in range(others)}
    found = Azure(home=collection(tags=tags)).read()
    home = ArmId(SUBSCRIPTION.rpartition("/")[2], "rg", "Microsoft.Compute/restorePointCollections", "c")
    step = DropStalePins(WHO, "there is no room for another pin", home, OVER)
    assert found.pin_prelude == ((step,) if stale else ())
    assert found.obstacles == ()


def test_a_collection_full_of_other_tags_takes_no_pin() -> None:
    home = collection(tags={f"t{number}": "x" for number in range(50)})
    assert Azure(home=home).read().obstacles == (
        Obstacle(
            ("pin",),
            "its collection has 50 tags, 0 of them for pins, and Azure allows 50.",
            "Lift pins that are not needed any more (pin: false), or remove other tags.",
        ),
    )
    assert Azure(home=home).read("list").obstacles == ()


@pytest.mark.parametrize(("until", "stale"), [("11:59:55", True), ("11:59:56", False)])
def test_where_two_clocks_differ_a_pin_has_ended_only_by_both(until: str, stale: bool) -> None:
    """Azure's clock says 12:00:00, ours 11:59:55."""
    tags = {"hybridvm-pin-p": f"until=2026-11-20T{until}Z"} | {f"t{number}": "x" for number in range(49)}
    found = Azure(home=collection(point(), tags=tags)).read()
    assert bool(found.pin_prelude) is stale
    assert bool(found.obstacles) is not stale


@pytest.mark.parametrize(("until", "stale"), [("11:59:55", True), ("11:59:56", False)])
def test_without_a_date_pins_end_by_our_clock(until: str, stale: bool) -> None:
    tags = {"hybridvm-pin-p": f"until=2026-11-20T{until}Z"} | {f"t{number}": "x" for number in range(49)}
    found = Azure(vm=reply(200, machine()), home=reply(200, collection(point(), tags=tags))).read()
    assert (found.now, found.ahead) == (NOW - timedelta(seconds=5), 0.0)
    assert bool(found.pin_prelude) is stale


FAR = f"{SUBSCRIPTION}/resourceGroups/far"
ASKED_FOR_LOCKS = "Have the lock removed for the time of the task."


@pytest.mark.parametrize(
    ("scope", "name", "verbs"),
    [
        (f"{FAR}/providers/Microsoft.Compute/restorePointCollections/c", "c", ("delete",)),
        (f"{FAR}/providers/Microsoft.Compute/disks/o", "o", ("delete_disk far/o",)),
    ],
)
def test_locks_are_looked_for_wherever_its_things_lie(scope: str, name: str, verbs: tuple[str, ...]) -> None:
    """The collection and the OS disk lie in another group than the VM, which has other disks locked there."""
    below = f"{FAR}/providers/Microsoft.Compute"
    os_disk = {"osDisk": {"name": "o", "managedDisk": {"id": f"{below}/disks/o"}}}
    locks = [lock("CanNotDelete", scope), lock("CanNotDelete", f"{below}/disks/other")]
    azure = Azure(
        {
            f"{below}/restorePointCollections/c": reply(200, collection()),
            f"{below}/disks": reply(200, {"value": [OS_DISK | {"id": f"{below}/disks/o"}]}),
            f"{FAR}/providers/Microsoft.Authorization/locks": reply(200, {"value": locks}),
        },
        vm=machine(storageProfile=os_disk),
    )
    found = azure.do(lambda compute: compute.read(WHO, "change"), collection=f"{below}/restorePointCollections/c")
    assert found.obstacles == (Obstacle(verbs, f'the lock "keep" on {name} allows no deletion.', ASKED_FOR_LOCKS),)


def test_all_that_stands_in_the_way_is_told_at_once() -> None:
    view = {"statuses": [{"code": "HibernationState/Hibernated"}]}
    tags = {f"t{number}": "x" for number in range(50)}
    found = Azure(
        vm=machine(instanceView=view),
        home=collection(location="North Europe", tags=tags),
        locks={"value": [lock("CanNotDelete", f"{GROUP}/disks/o")]},
    ).read()
    assert [each.verbs for each in found.obstacles] == [
        ("create_disk", "swap"),
        ("delete_disk rg/o",),
        ("step",),
        ("pin",),
    ]


@pytest.mark.parametrize(
    ("vm", "points", "busy", "refuses"),
    [
        (None, [], None, None),
        ("Updating", [], "updating", None),
        ("Creating", [], "creating", None),
        ("Failed", [], None, None),
        ("Deleting", [], None, "deleting"),
        ("DeletingFailed", [], None, None),
        (None, ["Succeeded", "Creating"], "restore point p1 is being made or removed", None),
        ("Updating", ["Updating"], "restore point p0 is being made or removed", None),
        (None, ["Deleting"], "restore point p0 is being made or removed", None),
    ],
)
def test_what_holds_the_vm(vm: str | None, points: list[str], busy: str | None, refuses: str | None) -> None:
    home = collection(*(point(f"p{number}", provisioningState=state) for number, state in enumerate(points)))
    found = Azure(vm=machine(provisioningState=vm), home=home).read("list")
    assert (found.busy, found.refuses) == (busy, refuses)


def test_what_a_new_point_has_to_wait_for() -> None:
    home = collection(*(point(f"p{number}", timeCreated=f"2026-11-20T11:{number}0:00Z") for number in (1, 2, 3)))
    found = Azure(home=home).read("list")
    assert found.next_create == NOW + timedelta(minutes=10)
    assert [verb for verb, text in found.cautions if "possible at 2026-11-20T12:10:00Z" in text] == ["create"]
