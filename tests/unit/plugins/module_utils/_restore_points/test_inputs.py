# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What something new would be made of: what is read for it in which order, and what may not be read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import CollectionEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.inputs import (
    PointInputs,
    read_inputs,
    resolve_location,
    source_vm,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.specs import (
    CollectionSpec,
    PointSpec,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._restore_points.service import (
    HOME,
    KEY,
    NOW,
    ORIGIN,
    RG,
    VM,
    Service,
    asked_collection,
    asked_point,
    disk,
    hidden,
    home,
    machine,
    point,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

O_ID, D_ID = f"{RG}/disks/o".lower(), f"{RG}/disks/d".lower()
UNREAD = "its source may not be read, so nothing could be checked beforehand."


def located(service: Service, spec: CollectionSpec) -> tuple[str | None, list[str]]:
    warnings = ["one before"]
    return virtual(lambda: resolve_location(service.client, spec, warnings)), warnings[1:]


def refused(ask: Any) -> str:
    """The kind of error, its text and its remedy."""
    with pytest.raises(CheckpointError) as raised:
        ask()
    return f"{type(raised.value).__name__}: {raised.value}"


@pytest.mark.parametrize(
    ("there", "options", "location", "warnings", "calls"),
    [
        ({}, {"location": "eastus"}, "eastus", [], []),
        ({}, {}, None, [], []),
        ({"v": machine()}, {"source": VM}, "northeurope", [], ["vm v"]),
        ({"v": machine()}, {"source": VM, "location": "eastus"}, "eastus", [], ["vm v"]),
        ({"v": hidden()}, {"source": VM, "location": "eastus"}, "eastus", [UNREAD], ["vm v"]),
        ({"origin": home()}, {"source": ORIGIN, "location": "eastus"}, "eastus", [], ["collection origin"]),
        ({"origin": hidden()}, {"source": ORIGIN, "location": "eastus"}, "eastus", [UNREAD], ["collection origin"]),
    ],
)
def test_where_a_new_collection_lies(
    there: dict[str, Any], options: dict[str, Any], location: str | None, warnings: list[str], calls: list[str]
) -> None:
    service = Service(**there)
    assert located(service, asked_collection(**options)) == (location, warnings)
    assert service.calls == calls


@pytest.mark.parametrize(
    ("there", "options", "line"),
    [
        (
            {},
            {"source": VM},
            f"NotFound: its source VM {VM} does not exist, or is hidden. "
            "Check its id; points that were made of it stay.",
        ),
        (
            {"v": hidden()},
            {"source": VM},
            "Forbidden: reading v: forbidden. Set location, or ask for the right to read the VM.",
        ),
        (
            {"origin": home()},
            {"source": ORIGIN},
            "InvalidInput: location: is needed where the source is another collection. "
            "Name the region that the copies go to.",
        ),
        (
            {},
            {"source": ORIGIN, "location": "eastus"},
            f"NotFound: its source collection {ORIGIN} does not exist, or is hidden.",
        ),
        (
            {"origin": home()},
            {"source": ORIGIN, "location": "West Europe"},
            "InvalidInput: its source collection origin lies in westeurope too, and copies go to another region. "
            "Nothing was changed. Name another source or location.",
        ),
    ],
)
def test_where_no_collection_can_lie(there: dict[str, Any], options: dict[str, Any], line: str) -> None:
    assert refused(lambda: located(Service(**there), asked_collection(**options))) == line


def made_of(
    service: Service, spec: PointSpec, collection: CollectionEntity | None = None, now: datetime | None = NOW
) -> PointInputs:
    return virtual(lambda: read_inputs(service.client, spec, collection or home(), now))


def test_a_point_is_made_of_its_vm_and_all_disks() -> None:
    vm = machine()
    service = Service(v=vm, o=disk("O"), d=disk("D"))
    fields = {
        "instant_access_duration": 90,
        "consistency": "application",
        "exclude_disks": None,
        "encryption_sets": None,
    }
    found = made_of(service, asked_point(instant_access_duration=90))
    assert found.warnings.pop() == "its collection has no instant access, which restore_point_collection sets."
    assert found == PointInputs(fields, vm)
    assert service.calls == ["vm v", "disk o", "disk d"]


def test_what_is_left_out_and_what_is_encrypted_is_named_by_id() -> None:
    service = Service(v=machine(), o=disk("O"))
    sets = [{"disk": "os", "id": KEY}]
    found = made_of(service, asked_point(exclude_disks=["lun0"], encryption_sets=sets))
    assert found.fields["exclude_disks"] == [D_ID]
    assert found.fields["encryption_sets"] == [{"disk": "os", "id": KEY, "type": "EncryptionAtRestWithCustomerKey"}]
    assert service.calls == ["vm v", "disk o"]
    both = made_of(
        service,
        asked_point(
            encryption_sets=[
                {"disk": "O", "id": KEY, "type": "EncryptionAtRestWithPlatformAndCustomerKeys"},
                {"disk": " D ", "id": f"{KEY}2"},
            ]
        ),
    )
    assert both.fields["encryption_sets"] == [
        {"disk": D_ID, "id": f"{KEY}2", "type": "EncryptionAtRestWithCustomerKey"},
        {"disk": "os", "id": KEY, "type": "EncryptionAtRestWithPlatformAndCustomerKeys"},
    ]


def test_a_disk_that_a_point_cannot_hold_is_in_the_way_unless_it_is_left_out() -> None:
    service = Service(v=machine(), o=disk("O"), d=disk("D", sku={"name": "UltraSSD_LRS"}))
    crash = made_of(service, asked_point(consistency="crash"))
    assert crash.obstacles == (
        Obstacle(
            ("create",),
            "its data disk at LUN 0 (d) is Ultra; a crash-consistent point cannot hold it.",
            "Set consistency: application, or leave the disk out with exclude_disks.",
        ),
    )
    assert crash.fields["consistency"] == "crash"
    assert made_of(service, asked_point()).obstacles == ()
    assert made_of(service, asked_point(consistency="crash", exclude_disks=["d"])).obstacles == ()


def test_what_a_new_point_may_lack_is_said_of_its_vm() -> None:
    small = machine(hardwareProfile={"vmSize": "Standard_D2_v5"})
    lacks = "the VM v: its size Standard_D2_v5 is without Premium Storage, which a crash-consistent point needs."
    assert made_of(Service(v=small), asked_point(consistency="crash")).warnings == [lacks]
    assert made_of(Service(v=small), asked_point()).warnings == []
    cached = machine(storageProfile={"dataDisks": [{"lun": 4, "name": "d", "caching": "ReadWrite"}]})
    (warned,) = made_of(Service(v=cached), asked_point(consistency="crash")).warnings
    assert warned.startswith("the VM v: lun4 is cached ReadWrite: a crash-consistent point may lack")


def test_a_fourth_point_within_an_hour_is_warned_of_where_the_service_tells_the_time() -> None:
    times = [(NOW - timedelta(minutes=minutes)).isoformat() for minutes in (50, 40, 30)]
    crashed = [
        point(name=f"p{n}", timeCreated=moment, consistencyMode="CrashConsistent") for n, moment in enumerate(times)
    ]
    many, crash = home(*crashed), asked_point(consistency="crash")
    assert made_of(Service(v=machine()), crash, many).warnings == [
        "the VM v: 3 restore points of it were made within the last hour, failed ones and safety checkpoints included, "
        "and Azure allows 3: the next one is possible at 2026-11-20T12:10:00Z. Until then it may be refused (429), "
        "which the task waits for within wait_timeout."
    ]
    assert made_of(Service(v=machine()), asked_point(), many).warnings == []
    assert made_of(Service(v=machine()), crash, many, None).warnings == []
    assert made_of(Service(v=machine()), crash, home(restorePoints=None)).warnings == []


def test_a_vm_that_may_not_be_read_is_warned_of() -> None:
    service = Service(v=hidden())
    found = made_of(service, asked_point(exclude_disks=[f"{RG}/disks/D"]))
    fields = {
        "instant_access_duration": None,
        "consistency": "application",
        "exclude_disks": [D_ID],
        "encryption_sets": None,
    }
    warning = "its VM may not be read, so nothing could be checked beforehand."
    assert found == PointInputs(fields, warnings=[warning])
    assert service.calls == ["vm v"]


def test_disks_that_may_not_be_read_are_warned_of() -> None:
    service = Service(v=machine(), o=hidden("reading a disk"))
    found = made_of(service, asked_point())
    assert found.warnings == ["its VM's disks may not be read, so their kinds were not checked."]
    assert service.calls == ["vm v", "disk o"]


def test_a_disk_that_is_hidden_and_one_that_is_unmanaged_are_passed_over() -> None:
    disks = {"osDisk": {"name": "o"}, "dataDisks": [{"lun": 0, "name": "d", "managedDisk": {"id": f"{RG}/disks/D"}}]}
    service = Service(v=machine(storageProfile=disks))
    found = made_of(service, asked_point())
    assert (found.warnings, found.obstacles, service.calls) == ([], (), ["vm v", "disk d"])


@pytest.mark.parametrize("given", ["DATA", "data", " Data "])
def test_a_disk_is_known_by_its_name_in_any_case(given: str) -> None:
    data = {"lun": 0, "name": "Data", "managedDisk": {"id": f"{RG}/disks/D"}}
    vm = machine(storageProfile={"osDisk": {"name": "o", "managedDisk": {"id": f"{RG}/disks/O"}}, "dataDisks": [data]})
    assert made_of(Service(v=vm), asked_point(exclude_disks=[given])).fields["exclude_disks"] == [D_ID]


def test_of_a_vm_that_shows_no_disks_nothing_is_left_out() -> None:
    bare = machine(storageProfile=None)
    assert made_of(Service(v=bare), asked_point()).fields["exclude_disks"] is None


def test_a_vm_that_is_gone_makes_no_point() -> None:
    line = f"NotFound: its source VM {VM} does not exist, or is hidden. Check its id; points that were made of it stay."
    assert refused(lambda: made_of(Service(), asked_point())) == line


COPY, COPIES = asked_point(source_restore_point="q"), home(source=ORIGIN.lstrip("/"))
SOURCE = f"{ORIGIN}/restorePoints/q"


def test_a_copy_is_made_of_a_point_that_is_there() -> None:
    service = Service(origin=home(), q=point(name="q"))
    fields = {"instant_access_duration": None, "source_restore_point": SOURCE}
    assert made_of(service, COPY, COPIES) == PointInputs(fields)
    assert service.calls == ["collection origin", "point q"]


@pytest.mark.parametrize("there", [{"origin": hidden()}, {"origin": home(), "q": hidden()}])
def test_a_source_that_may_not_be_read_is_warned_of(there: dict[str, Any]) -> None:
    fields = {"instant_access_duration": None, "source_restore_point": SOURCE}
    assert made_of(Service(**there), COPY, COPIES) == PointInputs(fields, warnings=[UNREAD])


@pytest.mark.parametrize(
    ("there", "spec", "line", "calls"),
    [
        (
            {},
            asked_point(source_restore_point=f"{HOME}/restorePoints/q"),
            f"InvalidInput: source_restore_point: {HOME}/restorePoints/q does not lie in {ORIGIN[1:]}, which "
            "collection c copies. Name a point of that collection, or use a collection for copies of the other one.",
            [],
        ),
        (
            {"q": point(name="q")},
            COPY,
            f"NotFound: the source collection {ORIGIN[1:]} of its collection does not exist, or is hidden.",
            ["collection origin"],
        ),
        (
            {"origin": home()},
            COPY,
            "MissingCheckpoint: nothing to copy: c holds no restore point q. There are: none. "
            "Name one of these, or make it first.",
            ["collection origin", "point q"],
        ),
    ],
)
def test_what_cannot_be_copied(there: dict[str, Any], spec: PointSpec, line: str, calls: list[str]) -> None:
    service = Service(**there)
    assert refused(lambda: made_of(service, spec, COPIES)) == line
    assert service.calls == calls


@pytest.mark.parametrize("there", [machine(), None])
def test_the_vm_of_a_collection_may_be_there_or_gone(there: Any) -> None:
    service = Service(v=there)
    assert virtual(lambda: source_vm(service.client, home(source=VM[1:]))) is there
    assert service.calls == ["vm v"]


def test_the_vm_of_a_collection_may_be_hidden() -> None:
    assert virtual(lambda: source_vm(Service(v=hidden()).client, home())) is None
