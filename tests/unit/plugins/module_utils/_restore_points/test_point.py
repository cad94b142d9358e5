# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "restore point": what is read for what, what is written, and what proves it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError, NotFound
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import InProgress, Remains, WriteRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Done, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import PointEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.actions import (
    CreateResource,
    DeleteResource,
    NoOp,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.inputs import PointInputs
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.point import (
    ObservedPoint,
    RestorePoint,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.targets import PointTarget
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._restore_points.service import (
    HERE,
    HOME,
    LOCK,
    ORIGIN,
    POINT,
    Service,
    asked_point,
    home,
    machine,
    point,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

TARGET = PointTarget(name="p", id=POINT, canonical=POINT.lower(), provider="compute", service="https://arm")
LOCKED = Obstacle(
    ("create", "update", "delete", "step", "power"),
    'the lock "l" on c allows no change.',
    "Have the lock removed for the time of the task.",
)
CREATE, DELETE = CreateResource(TARGET, "why"), DeleteResource(TARGET, "why")
WINDOWS, LINUX = ({"storageProfile": {"osDisk": {"osType": each}}} for each in ("Windows", "Linux"))
MADE_OF, OTHER = (f"831e819f-2f0b-4a6c-9d57-8f7a5f4be6e{digit}" for digit in (1, 2))
EARLY, LATE = {"timeCreated": "2026-11-20T10:00:00Z"}, {"timeCreated": "2026-11-20T11:00:00Z"}
AGAIN = "Run the task again: a failed point is removed and made again."


def kind(service: Service | None = None, **options: Any) -> RestorePoint:
    return RestorePoint((service or Service()).client, asked_point(**options), HERE)


def observed(service: Service, *, for_write: bool = True, **options: Any) -> ObservedPoint:
    return virtual(lambda: kind(service, **options).observe(for_write=for_write))


def test_what_is_read_of_a_point_that_is_to_be_made() -> None:
    collection, vm = home(), machine()
    service = Service(c=collection, v=vm, locks=[LOCK])
    found = observed(service)
    fields = {
        "instant_access_duration": None,
        "consistency": "application",
        "exclude_disks": None,
        "encryption_sets": None,
    }
    assert found == ObservedPoint(None, collection, PointInputs(fields, vm), (LOCKED,))
    assert service.calls == ["collection c", "point p", "vm v", "disk o", "disk d", "locks c p"]


def test_a_point_that_exists_is_read_without_its_vm() -> None:
    now, held = point(consistencyMode="ApplicationConsistent"), {"hybridvm-pin-p": "pinned"}
    collection = home(now, tags=held)
    service = Service(c=collection, p=now)
    inputs = PointInputs({"instant_access_duration": 60})
    assert observed(service, instant_access_duration=60) == ObservedPoint(now, collection, inputs, (), True, Pin())
    assert service.calls == ["collection c", "point p", "locks c p"]


def test_a_pin_that_has_ended_holds_nothing_where_the_service_tells_the_time() -> None:
    now = point()
    collection = home(now, tags={"hybridvm-pin-p": "until=2026-11-20T11:00:00Z"})
    assert observed(Service(c=collection, p=now)).pin is None
    assert observed(Service(None, c=collection, p=now)).pin is not None


@pytest.mark.parametrize(
    ("now", "options", "is_read"),
    [
        (point(consistencyMode="FileSystemConsistent"), {}, True),
        (point(consistencyMode="FileSystemConsistent", sourceMetadata=WINDOWS), {}, False),
        (point(consistencyMode="FileSystemConsistent", sourceMetadata=LINUX), {}, False),
        (point(consistencyMode="FileSystemConsistent"), {"consistency": "crash"}, False),
        (point(consistencyMode="FileSystemConsistent"), {"state": "absent"}, False),
        (point(consistencyMode="CrashConsistent"), {}, False),
        (point(), {}, False),
        (point(sourceMetadata={"vmId": MADE_OF}), {}, True),
        (point(sourceMetadata={"vmId": MADE_OF}), {"state": "absent"}, False),
        (point(sourceMetadata={"vmId": "00000000-0000-0000-0000-000000000000"}), {}, False),
    ],
)
def test_the_vm_tells_how_good_a_point_is_where_its_system_decides_and_whose_it_is(
    now: PointEntity, options: dict[str, Any], is_read: bool
) -> None:
    vm = machine(os_type="Windows")
    service = Service(c=home(now), p=now, v=vm)
    assert observed(service, **options).inputs.vm == (vm if is_read else None)
    assert ("vm v" in service.calls) is is_read


@pytest.mark.parametrize(("vm_id", "warned"), [(OTHER, True), (MADE_OF.upper(), False), (None, False), ("", False)])
def test_a_point_of_another_vm_is_told(vm_id: str | None, warned: bool) -> None:
    now = point(sourceMetadata={"vmId": MADE_OF})
    service = Service(c=home(now), p=now, v=machine(vmId=vm_id))
    plan = kind().plan(observed(service), Progress())
    told = "it is of another VM that had the name v; a point of the VM that has it now needs another name."
    assert plan.warnings == ((told,) if warned else ())
    assert plan.writes == ()


def test_of_a_copy_no_vm_is_read() -> None:
    source = f"{ORIGIN}/restorePoints/p"
    now = point(sourceMetadata={"vmId": MADE_OF}, sourceRestorePoint={"id": source})
    service = Service(c=home(now, source=ORIGIN), p=now, v=machine(vmId=OTHER))
    assert observed(service, source_restore_point=source).inputs.vm is None


def test_a_point_that_has_failed_is_read_as_one_to_be_made() -> None:
    service = Service(c=home(), p=point("Failed"), v=machine())
    assert observed(service).judged is False
    assert service.calls == ["collection c", "point p", "vm v", "disk o", "disk d", "locks c p"]


@pytest.mark.parametrize(
    ("now", "judged"), [(point(), True), (point("Creating"), False), (point("Failed"), False), (None, False)]
)
def test_only_a_point_that_can_be_used_is_judged_by_a_plan(now: PointEntity | None, judged: bool) -> None:
    found = observed(Service(c=home(), p=now), state="absent")
    assert (found.judged, found.inputs) == (judged, PointInputs())


def test_without_its_collection_no_point_can_be_made_and_none_is_left() -> None:
    service = Service(p=point())
    assert observed(service, state="absent") == ObservedPoint(None)
    assert service.calls == ["collection c"]
    with pytest.raises(NotFound) as raised:
        observed(service)
    assert str(raised.value) == f"its collection {HOME} does not exist. Make it first, with restore_point_collection."


def test_what_proves_a_write_is_the_point_alone() -> None:
    now = point()
    service = Service(c=home(tags={"hybridvm-pin-p": "pinned"}), p=now, v=machine(), locks=[LOCK])
    subject = kind(service)

    async def main() -> tuple[ObservedPoint, ObservedPoint]:
        first = await subject.observe(for_write=True)
        service.calls.clear()
        service.there["p"] = point("Deleting")
        return first, await subject.observe(for_write=False)

    before, after = virtual(main)
    assert service.calls == ["point p"]
    assert after.entity == point("Deleting")
    assert (after.collection, after.inputs, after.locks) == (before.collection, before.inputs, before.locks)
    assert observed(Service(p=now), for_write=False) == ObservedPoint(now)


def plan(of: ObservedPoint, *done: Any, **options: Any) -> Plan:
    return kind(**options).plan(of, Progress(done=tuple(Done(each) for each in done)))


def test_a_plan_rests_on_all_that_was_read() -> None:
    inputs = PointInputs({"consistency": "application"}, machine("deallocated"), warnings=["seen before."])
    fields = {"consistency": {"before": None, "after": "application"}}
    assert plan(ObservedPoint(None, home(), inputs)) == Plan(
        TARGET,
        (CreateResource(TARGET, "it does not exist", fields=fields),),
        ("seen before.", "the VM v is not running, so the point can only be crash-consistent."),
    )


def refusal(ask: Callable[[], object]) -> str:
    with pytest.raises((CheckpointError, TypeError)) as raised:
        ask()
    return str(raised.value)


def test_locks_pins_the_disks_and_a_full_collection_stand_in_the_way() -> None:
    cannot = Obstacle(("create",), "its disk cannot be held.", "Leave it out.")
    full = home(*(point(name=f"p{number}") for number in range(500)))
    gone = Plan(TARGET, (DeleteResource(TARGET, "state is absent"),))
    assert refusal(lambda: plan(ObservedPoint(None, home(), locks=(LOCKED,)))).startswith(LOCKED.why)
    assert refusal(lambda: plan(ObservedPoint(None, home(), PointInputs(obstacles=(cannot,))))).startswith(cannot.why)
    assert refusal(lambda: plan(ObservedPoint(None, full))).startswith("its collection holds 500 restore points")
    pinned = ObservedPoint(point(), home(), pin=Pin())
    assert refusal(lambda: plan(pinned, state="absent")).startswith("it is pinned, so it is not removed")
    assert plan(pinned, state="absent", ignore_pin=True) == gone


def test_what_has_gone_is_not_removed_again() -> None:
    there = ObservedPoint(point(), home())
    assert plan(there, state="absent") == Plan(TARGET, (DeleteResource(TARGET, "state is absent"),))
    assert plan(there, DELETE, state="absent") == Plan(TARGET)
    assert plan(there, CREATE, state="absent") != Plan(TARGET)
    assert plan(ObservedPoint(None), state="absent") == Plan(TARGET)
    # Made since its collection was found missing: nobody asked to remove that.
    assert plan(ObservedPoint(point()), state="absent") == Plan(TARGET)
    assert plan(ObservedPoint(point())) == Plan(TARGET, (NoOp(TARGET, "it exists"),))
    assert plan(there, DELETE) == Plan(TARGET, (NoOp(TARGET, "it exists"),))
    assert plan(ObservedPoint(point(), home(restorePoints=None))) == Plan(TARGET, (NoOp(TARGET, "it exists"),))


def waited_for(now: PointEntity | None, **options: Any) -> InProgress | None:
    seen = ObservedPoint(now)

    async def main() -> InProgress | None:
        known, work = await kind(**options).in_progress(seen, Progress())
        assert known is seen
        return work

    return virtual(main)


@pytest.mark.parametrize(
    ("state", "options", "context", "blocks"),
    [
        ("Creating", {}, "creating of it", False),
        ("Updating", {}, "updating of it", False),
        ("Deleting", {}, "deleting of it", True),
        ("Deleting", {"state": "absent"}, "deleting of it", False),
    ],
)
def test_what_others_have_begun_is_waited_for(state: str, options: dict[str, Any], context: str, blocks: bool) -> None:
    work = waited_for(point(state), **options)
    assert work is not None
    assert (work.context, work.plan_meanwhile, work.blocks_writes) == (context, True, blocks)
    assert work.operation is not None
    assert (work.operation.kind, work.operation.id) == ("restore point", "p")
    assert work.operation.last == Status("running", state.lower())
    assert kind().is_busy(ObservedPoint(point(state)))


@pytest.mark.parametrize("now", [point(), point("Failed"), None])
def test_what_is_at_rest_is_not_waited_for(now: PointEntity | None) -> None:
    assert waited_for(now) is None
    assert not kind().is_busy(ObservedPoint(now))


def test_others_work_is_over_when_the_point_rests_or_is_gone() -> None:
    rows = [{"replicationStatus": {"completionPercent": 30}}]
    half: dict[str, Any] = {"sourceRestorePoint": {"id": "/s"}, "instanceView": {"diskRestorePoints": rows}}
    service = Service()

    async def main() -> list[Status]:
        _known, work = await kind(service).in_progress(ObservedPoint(point("Creating")), Progress())
        assert work is not None
        assert work.operation is not None
        seen = []
        for now in (point("Creating", **half), point(**half), point("Failed"), None):
            service.there["p"] = now
            seen.append(await work.operation.poll())
        return seen

    assert virtual(main) == [
        Status("running", "creating", percent=30),
        Status("succeeded", "succeeded", percent=30),
        Status("succeeded", "failed"),
        Status("unknown", "gone"),
    ]
    assert service.calls == ["point p"] * 4


def write(action: Any, before: ObservedPoint, service: Service | None = None, **options: Any) -> WriteRequest[Any]:
    return kind(service, **options).write(action, before, Progress())


def of(*points: PointEntity | None) -> list[ObservedPoint]:
    return [ObservedPoint(each) for each in points]


def sent(request: WriteRequest[Any]) -> None:
    virtual(request.send)


def test_a_point_is_made_of_what_was_read() -> None:
    service = Service()
    before = ObservedPoint(None, home(), PointInputs({"exclude_disks": ["/d"]}))
    request = write(CREATE, before, service, consistency="crash")
    sent(request)
    assert service.calls == [f"put {POINT} crash: {{'exclude_disks': ['/d']}}"]
    assert (request.context, request.may_leave_remains, request.met_by_others) == ("creating it", True, False)
    assert request.may_resend is None
    assert request.taken is not None
    assert request.remains is not None
    for now, there in zip(of(None, point("Creating"), point("Failed")), (False, True, True), strict=True):
        assert (request.verified(now), request.taken(now)) == (there, there)
    assert list(map(request.remains, of(None, point("Creating"), point("Failed"), point("Canceled")))) == [
        Remains(False),
        Remains(True),
        Remains(True, "It left the point behind, as failed.", AGAIN),
        Remains(True, "It left the point behind, as canceled.", AGAIN),
    ]


def test_a_point_that_was_made_anew_is_another_than_the_one_that_goes() -> None:
    service = Service()
    request = write(DELETE, ObservedPoint(point(**EARLY)), service)
    sent(request)
    assert service.calls == [f"delete {POINT}"]
    assert (request.context, request.met_by_others, request.taken) == ("deleting it", True, None)
    assert request.may_resend is not None
    assert request.remains is not None
    seen = of(None, point(**EARLY), point("Deleting", **EARLY), point(**LATE))
    assert list(map(request.verified, seen)) == [True, False, False, True]
    assert list(map(request.may_resend, seen)) == [True] * 4
    assert list(map(request.remains, seen)) == [Remains(True), Remains(False), Remains(True), Remains(False)]
    assert list(map(request.replan, seen)) == [False, False, False, True]
    note = "it has gone, and was made anew by another run since."
    assert list(map(request.notes, seen)) == [(), (), (), (note,)]
    absent = write(DELETE, ObservedPoint(point(**EARLY)), state="absent")
    assert list(map(absent.replan, seen)) == [False] * 4


def test_what_does_not_exist_is_not_removed() -> None:
    assert refusal(lambda: write(DELETE, ObservedPoint(None))) == "no write carries out 'delete'"


@pytest.mark.parametrize(
    ("source", "options", "line"),
    [
        (ORIGIN, {}, "collection c needs source_restore_point: its source is another collection."),
        (None, {"source_restore_point": "q"}, "collection c takes no copies; leave out source_restore_point."),
    ],
)
def test_a_point_has_to_fit_its_collection(source: str | None, options: dict[str, Any], line: str) -> None:
    service = Service(c=home(source=source))
    assert refusal(lambda: observed(service, **options)) == line
    assert service.calls == ["collection c", "point p"]
