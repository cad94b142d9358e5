# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "restore point collection": what is read for what, what is written, and what proves it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError, Forbidden
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Obstacle
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Status
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.pins import Pin
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Plan
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.kind import InProgress, Remains, WriteRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Done, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.entities import CollectionEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.actions import (
    CreateResource,
    DeleteResource,
    UpdateResource,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.collection import (
    ObservedCollection,
    RestorePointCollection,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._restore_points.targets import CollectionTarget
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils._restore_points.service import (
    HERE,
    HOME,
    LOCK,
    POINT,
    VM,
    Service,
    asked_collection,
    hidden,
    home,
    machine,
    point,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

TARGET = CollectionTarget(name="c", id=HOME, canonical=HOME.lower(), provider="compute", service="https://arm")
LOCKED = Obstacle(
    ("create", "update", "delete", "step", "power"),
    'the lock "l" on c allows no change.',
    "Have the lock removed for the time of the task.",
)
UNREAD = "its source may not be read, so nothing could be checked beforehand."
CREATE, DELETE = CreateResource(TARGET, "why"), DeleteResource(TARGET, "why")
PINNED = {"hybridvm-pin-p": "until=2026-11-20T11:00:00Z"}


def kind(service: Service | None = None, **options: Any) -> RestorePointCollection:
    return RestorePointCollection((service or Service()).client, asked_collection(**options), HERE)


def observed(service: Service, *, for_write: bool = True, **options: Any) -> ObservedCollection:
    return virtual(lambda: kind(service, **options).observe(for_write=for_write))


def test_what_is_read_of_a_collection_that_is_to_be_made() -> None:
    service = Service(v=machine(), locks=[LOCK])
    assert observed(service, source=VM) == ObservedCollection(None, "northeurope", (LOCKED,))
    assert service.calls == ["collection in its group c", "vm v", "locks c"]
    unread = observed(Service(v=hidden()), source=VM, location="eastus")
    assert unread == ObservedCollection(None, "eastus", warnings=(UNREAD,))


def test_one_that_is_being_removed_is_read_as_one_to_be_made() -> None:
    going = home(provisioningState="Deleting")
    assert observed(Service(c=going, v=machine()), source=VM) == ObservedCollection(going, "northeurope")


@pytest.mark.parametrize(("state", "call"), [("present", "collection in its group c"), ("absent", "collection c")])
def test_a_collection_that_exists_is_read_without_its_source(state: str, call: str) -> None:
    there = home(point(), tags=PINNED)
    service = Service(None, c=there, v=machine())
    found = observed(service, source=VM, state=state)
    assert (found.entity, found.location, found.warnings, list(found.pins)) == (there, None, (), [POINT.lower()])
    assert observed(Service(c=there), state=state).pins == {}
    assert service.calls == [call, "locks c"]


def test_one_that_is_to_be_absent_needs_no_location() -> None:
    service = Service(v=machine())
    assert observed(service, source=VM, state="absent") == ObservedCollection(None)
    assert service.calls == ["collection c", "locks c"]


def test_what_proves_a_write_is_the_collection_alone() -> None:
    service = Service(v=machine(), locks=[LOCK])
    subject = kind(service, source=VM)

    async def main() -> ObservedCollection:
        await subject.observe(for_write=True)
        service.calls.clear()
        service.there["c"] = home()
        return await subject.observe(for_write=False)

    assert virtual(main) == ObservedCollection(home(), "northeurope", (LOCKED,))
    assert service.calls == ["collection in its group c"]
    assert observed(Service(c=home()), for_write=False) == ObservedCollection(home())


def plan(of: ObservedCollection, *done: Any, **options: Any) -> Plan:
    return kind(**options).plan(of, Progress(done=tuple(Done(each) for each in done)))


def refusal(of: ObservedCollection, **options: Any) -> str:
    with pytest.raises(CheckpointError) as raised:
        plan(of, **options)
    return raised.value.message


def test_a_plan_rests_on_all_that_was_read() -> None:
    made = plan(ObservedCollection(None, "eastus", warnings=("seen before.",)), source=VM)
    fields = {"location": {"before": None, "after": "eastus"}, "source": {"before": None, "after": VM.lower()}}
    assert made == Plan(TARGET, (CreateResource(TARGET, "it does not exist", fields=fields),), ("seen before.",))
    assert refusal(ObservedCollection(None, "eastus", (LOCKED,)), source=VM) == LOCKED.why
    held = ObservedCollection(home(), pins={POINT.lower(): Pin()})
    assert refusal(held, state="absent") == "1 of its restore points are pinned (p is pinned)."


def test_what_has_gone_is_not_removed_again() -> None:
    there = ObservedCollection(home())
    assert plan(there, state="absent") == Plan(TARGET, (DeleteResource(TARGET, "state is absent"),))
    assert plan(there, DELETE, state="absent") == Plan(TARGET)
    assert plan(there, CREATE, state="absent") != Plan(TARGET)
    assert [each.verb for each in plan(there, DELETE).actions] == ["keep"]


def waited_for(now: CollectionEntity | None, **options: Any) -> InProgress | None:
    seen = ObservedCollection(now)

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
    work = waited_for(home(provisioningState=state), **options)
    assert work is not None
    assert (work.context, work.plan_meanwhile, work.blocks_writes) == (context, True, blocks)
    assert work.operation is not None
    assert (work.operation.kind, work.operation.id) == ("collection", "c")
    assert work.operation.last == Status("running", state.lower())
    assert kind().is_busy(ObservedCollection(home(provisioningState=state)))


@pytest.mark.parametrize("now", [home(), None])
def test_what_is_at_rest_is_not_waited_for(now: CollectionEntity | None) -> None:
    assert waited_for(now) is None
    assert not kind().is_busy(ObservedCollection(now))


@pytest.mark.parametrize(("state", "call"), [("present", "collection in its group c"), ("absent", "collection c")])
def test_others_work_is_over_when_the_collection_rests_or_is_gone(state: str, call: str) -> None:
    service = Service()

    async def main() -> list[Status]:
        going = ObservedCollection(home(provisioningState="Deleting"))
        _known, work = await kind(service, state=state).in_progress(going, Progress())
        assert work is not None
        assert work.operation is not None
        seen = []
        for now in (home(provisioningState="Updating"), home(), None):
            service.there["c"] = now
            seen.append(await work.operation.poll())
        return seen

    assert virtual(main) == [
        Status("running", "updating"),
        Status("succeeded", "succeeded"),
        Status("unknown", "gone"),
    ]
    assert service.calls == [call] * 3


def write(action: Any, before: ObservedCollection, service: Service, **options: Any) -> WriteRequest[Any]:
    return kind(service, **options).write(action, before, Progress())


def of(*collections: CollectionEntity | None) -> list[ObservedCollection]:
    return [ObservedCollection(each) for each in collections]


def test_a_collection_is_made_where_its_location_says() -> None:
    service = Service()
    request = write(CREATE, ObservedCollection(None, "West Europe"), service, source=VM)
    virtual(request.send)
    virtual(write(CREATE, ObservedCollection(None), service, source=VM).send)
    assert service.calls == [f"put {HOME} of {VM} in 'West Europe'", f"put {HOME} of {VM} in ''"]
    assert (request.context, request.may_leave_remains) == ("creating it", True)
    assert (request.may_resend, request.met_by_others) == (None, False)
    assert request.remains is not None
    seen = of(None, home(), home(source=f"{VM}2"), home(location="eastus"), home(provisioningState="Creating"))
    assert list(map(request.verified, seen)) == [False, True, False, False, False]
    assert list(map(request.remains, seen)) == [Remains(False)] + [Remains(True)] * 4
    of_nothing = write(CREATE, ObservedCollection(None), service)
    assert of_nothing.verified(ObservedCollection(home(source=None, location=""))) is True
    assert of_nothing.verified(ObservedCollection(home(source=None))) is False


def test_a_change_is_proven_by_what_a_reading_shows() -> None:
    service, now = Service(), home(restorePointCollectionId="1")
    fields: dict[str, Any] = {
        "tags": {"before": {}, "after": {"A": "b"}},
        "instant_access": {"before": True, "after": False},
    }
    request = write(UpdateResource(TARGET, "why", fields=fields), ObservedCollection(now), service)
    virtual(request.send)
    assert service.calls == [f"patch {HOME} as 1: {fields}"]
    assert (request.context, request.may_resend, request.met_by_others) == ("updating it", None, False)
    assert (request.may_leave_remains, request.remains is not None) == (False, True)
    assert request.remains is not None
    seen = of(None, home(), home(tags={"a": "b"}), home(tags={"a": "B"}), home(tags={"a": "b"}, instantAccess=True))
    shown = [False, False, True, False, False]
    assert list(map(request.verified, seen)) == shown
    assert list(map(request.remains, seen)) == [Remains(each) for each in shown]
    only = {"instant_access": {"before": False, "after": True}}
    access = write(UpdateResource(TARGET, "why", fields=only), ObservedCollection(now), service)
    assert list(map(access.verified, seen)) == [False, False, False, False, True]


def test_a_collection_that_was_made_anew_is_another_than_the_one_that_goes() -> None:
    service = Service()
    p, q = point(), point(name="Q")
    request = write(DELETE, ObservedCollection(home(p, q, restorePointCollectionId="1")), service)
    virtual(request.send)
    assert service.calls == [f"delete {HOME}"]
    assert (request.context, request.met_by_others) == ("deleting it", True)
    assert request.may_resend is not None
    assert request.remains is not None
    seen = of(
        None,
        home(p, q, restorePointCollectionId="1"),
        home(point(name="P"), restorePointCollectionId="1"),
        home(p, q, point(name="r"), restorePointCollectionId="1"),
        home(p, restorePointCollectionId="2"),
        home(restorePoints=None),
        home(p, q, provisioningState="Deleting"),
    )
    assert list(map(request.verified, seen)) == [True, False, False, False, True, False, False]
    assert list(map(request.may_resend, seen)) == [True, True, True, False, True, True, True]
    one, all_ = "Of its restore points, q went.", "Of its restore points, p, q went."
    assert list(map(request.remains, seen)) == [
        Remains(True),
        Remains(False),
        Remains(True, one),
        Remains(False),
        Remains(True, one),
        Remains(True, all_),
        Remains(True),
    ]
    note = "it has gone, and was made anew by another run since."
    assert list(map(request.notes, seen)) == [(), (), (), (), (note,), (), ()]
    assert list(map(request.replan, seen)) == [False] * 7


@pytest.mark.parametrize("verb", ["update", "delete"])
def test_what_does_not_exist_is_neither_changed_nor_removed(verb: str) -> None:
    action = DELETE if verb == "delete" else UpdateResource(TARGET, "why")
    with pytest.raises(TypeError, match=rf"^no write carries out '{verb}'$"):
        write(action, ObservedCollection(None), Service())


def test_a_source_that_may_not_be_read_needs_a_location() -> None:
    with pytest.raises(Forbidden):
        observed(Service(v=hidden()), source=VM)
