# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kind "disks that restores have left": what is read, what a delete must still find, and what proves it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._checkpoints.actions import Power
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Obstructed
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._engine.progress import Done, Progress
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.actions import DeleteLeftover
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.kind import LeftoverDisks
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.planner import ObservedDisks
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._leftovers.specs import LeftoverSpec
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.client import Request
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.disk_entities import DiskEntity
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    WHO,
    detail,
    disk,
    inventory,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual


def idle(name: str, unique: str = "1", provisioning: str = "Succeeded", shown: str = "Unattached") -> DiskEntity:
    document = disk(name, provisioning).model_dump(mode="json")
    properties = {**document["properties"], "diskState": shown, "uniqueId": unique}
    return DiskEntity.model_validate({**document, "properties": properties})


OLD, OTHER = idle("Old"), idle("other")
ASKED = LeftoverSpec(state="absent", ids=[f"{GROUP}/disks/Old", f"{GROUP}/disks/other"])
KEY, OTHER_KEY = OLD.id.lower(), OTHER.id.lower()


class Service:
    """The VM, and disks by id in lower case."""

    def __init__(self, disks: Mapping[str, DiskEntity], vm: ObservedVm | None = None) -> None:
        self.disks = disks
        self.vm = vm or inventory(detail(OLD, OTHER))
        self.read_for: list[str] = []
        self.asked: list[str] = []
        self.sent: list[Request] = []

    async def read(self, _vm: object, purpose: str) -> ObservedVm:
        self.read_for.append(purpose)
        return self.vm

    async def disk(self, disk_id: str) -> DiskEntity | None:
        self.asked.append(disk_id)
        return self.disks.get(disk_id.lower())

    async def send(self, request: Request) -> None:
        self.sent.append(request)


def kind(service: Service) -> LeftoverDisks:
    return LeftoverDisks(cast(Any, service), cast(Any, service), WHO, ASKED)


def seen(**asked: DiskEntity | None) -> ObservedDisks:
    keys = {"old": KEY, "other": OTHER_KEY}
    return ObservedDisks(detail(OLD, OTHER), {keys[name]: found for name, found in asked.items()})


DELETE = DeleteLeftover(WHO, "why", OLD)


def test_the_vm_and_each_disk_that_is_asked_for_are_read() -> None:
    service = Service({KEY: idle("Old", "2")})
    found = virtual(lambda: kind(service).observe(for_write=True))
    assert (service.read_for, service.asked) == (["restore"], [OLD.id, OTHER.id])
    assert dict(found.asked) == {KEY: idle("Old", "2"), OTHER_KEY: None}
    # What was read of a disk itself is fresher than a list; what is gone is in none.
    assert dict(found.state.disks) == {KEY: idle("Old", "2")}
    assert found.obstacles == service.vm.obstacles


def test_what_no_list_shows_is_not_one_of_the_vm_s_disks() -> None:
    service = Service({KEY: OLD, OTHER_KEY: OTHER}, inventory(detail(OLD, disk("third"))))
    found = virtual(lambda: kind(service).observe(for_write=True))
    assert set(found.state.disks) == {KEY, f"{GROUP}/disks/third".lower()}


def test_before_a_delete_its_disk_alone_is_read_again() -> None:
    service = Service({})
    of, known = kind(service), seen(old=OLD, other=OTHER)
    found = virtual(lambda: of.read_before(DELETE, known))
    assert (service.read_for, service.asked) == (["restore"], [OLD.id])
    assert dict(found.asked) == {KEY: None, OTHER_KEY: OTHER}
    assert set(found.state.disks) == {OTHER_KEY}
    of.write(DELETE, known, Progress())
    proof = virtual(lambda: of.prove(known))
    assert (service.read_for, service.asked) == (["restore"], [OLD.id, OLD.id])
    assert (dict(proof.asked), proof.state) == ({KEY: None, OTHER_KEY: OTHER}, known.state)


def test_what_goes_already_is_waited_for() -> None:
    going = seen(old=idle("Old", provisioning="Deleting"), other=None)
    of = kind(Service({}))
    assert [of.is_busy(each) for each in (going, seen(old=OLD, other=None))] == [True, False]
    _observed, pending = virtual(lambda: of.in_progress(going, Progress()))
    assert pending is not None
    assert pending.context == "the removal of disk Old"
    assert pending.at_deadline is not None
    problem = pending.at_deadline(600.0)
    assert str(problem) == (
        "the removal of disk Old is in progress, still after 10m. Nothing was changed. Raise wait_timeout or try again."
    )
    assert virtual(lambda: of.in_progress(seen(old=OLD), Progress()))[1] is None
    both = seen(old=idle("Old", provisioning="Deleting"), other=idle("other", provisioning="Deleting"))
    _observed, pending = virtual(lambda: of.in_progress(both, Progress()))
    assert pending is not None
    assert pending.context == "the removal of disk Old, other"
    assert of.is_busy(seen(old=OLD, other=idle("other", provisioning="Deleting")))


def test_only_deleting_itself_is_a_removal() -> None:
    of, now = kind(Service({})), seen(old=idle("Old", provisioning="DeletingFailed"))
    assert not of.is_busy(now)
    assert virtual(lambda: of.in_progress(now, Progress())) == (now, None)


def test_a_delete_is_of_the_very_disk() -> None:
    service = Service({})
    found = kind(service).write(DELETE, seen(old=OLD), Progress())
    assert (found.context, found.met_by_others) == ("deleting disk Old", True)
    again, used = seen(old=idle("Old", "2")), seen(old=idle("Old", shown="Attached"))
    gone = seen(old=None)
    for now, done, resend in (
        (seen(old=OLD), False, True),
        (again, True, False),
        (gone, True, False),
        (used, False, False),
    ):
        assert found.verified(now) is done
        assert found.remains is not None
        assert found.remains(now).changed is done
        assert found.may_resend is not None
        assert found.may_resend(now) is resend
    assert found.notes(gone) == ()
    assert found.notes(again) == ("disk Old has gone, and another one was made under its name since.",)
    virtual(cast(Any, found.send))
    (request,) = service.sent
    assert request == Request("DELETE", OLD.id, None, "deleting disk Old", to_disk=True)


@pytest.mark.parametrize("now", [seen(old=idle("Old", shown="Attached")), seen(old=idle("Old", shown="ActiveSAS"))])
def test_what_is_used_since_the_plan_stays(now: ObservedDisks) -> None:
    service = Service({})
    with pytest.raises(Obstructed) as raised:
        virtual(cast(Any, kind(service).write(DELETE, now, Progress()).send))
    found = now.asked[KEY]
    assert found is not None
    assert str(raised.value) == (
        f"disk Old is no leftover any more: its state is {found.properties.diskState}. Leave it out of ids."
    )
    assert service.sent == []


def test_a_disk_that_no_reading_shows_any_more_is_deleted_as_it_was_planned() -> None:
    service = Service({})
    virtual(cast(Any, kind(service).write(DELETE, seen(old=None), Progress()).send))
    assert [(each.method, each.path) for each in service.sent] == [("DELETE", OLD.id)]


def test_no_other_action_is_carried_out_and_what_this_run_removed_is_not_planned_again() -> None:
    of = kind(Service({}))
    with pytest.raises(TypeError, match=r"^no write carries out 'power'$"):
        of.write(Power(WHO, "why"), seen(old=OLD), Progress())
    done = Progress[ObservedDisks](done=(Done(DELETE),))
    assert of.plan(seen(old=idle("Old", "2")), done).writes == ()
    assert of.target == WHO
