# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps that change managed disks, each by what it sends and what proves it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.client import Arm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import NotFound, VmState
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Operation
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.spec import RestoreRequest
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.client import (
    ComputeClient,
    Request,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.base import RestoreRun
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.restore.disk_steps import (
    CreateDisk,
    DeleteDisk,
    DiskStep,
    MarkDone,
    MarkGivenUp,
    MarkRunDone,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.state import (
    Attachment,
    AzureVmState,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.compute.tags import short_hash
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.azure_builders import (
    GROUP,
    POINT,
    SOURCE,
    WHO,
    detail,
    disk,
    inventory,
    made_of,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    reply,
    virtual,
)

GONE = {"error": {"code": "ResourceNotFound", "message": "It is not there."}}
Result = TypeVar("Result")
NOT_FOUND = {"error": {"code": "ResourceNotFound", "message": "It is not there."}}
RUN = RestoreRun("r", "c/p", short_hash(POINT), RestoreRequest(name="p"))
SHOWN = {"run": "r", "point": "c/p", "point_id": short_hash(POINT)}
NEW = (Attachment("os", "v-os-r"), Attachment("lun0", "v-lun0-r"))
CREATE = CreateDisk(WHO, "asked", RUN, "v-os-r", "os", "on", False, "rg/o", "ReadOnly//")
DELETE = DeleteDisk(WHO, "asked", RUN, "rg/o")
DONE, RUN_DONE, GIVEN_UP = (kind(WHO, "asked", RUN, "v-os-r", NEW) for kind in (MarkDone, MarkRunDone, MarkGivenUp))
PENDING = disk("v-os-r", run="r", state="pending")
ON = {"os": "v-os-r", "lun0": "v-lun0-r"}
GERUNDS = {"create": "creating", "delete": "deleting", "mark": "marking"}


def _marked(state: str) -> AzureVmState:
    return detail(disk("v-os-r", run="r", state=state), disk("v-lun0-r"), attached=ON)


@pytest.mark.parametrize(
    ("step", "summary", "about", "writes_to"),
    [
        (
            CREATE,
            "create disk v-os-r",
            {
                "op": "create_disk",
                "disk": "v-os-r",
                "place": "os",
                "power": "on",
                "keyed": False,
                "replaces": "rg/o",
                "held": "ReadOnly//",
            },
            "create_disk",
        ),
        (DELETE, "delete disk rg/o", {"op": "delete_disk", "disk": "rg/o"}, "delete_disk"),
        (DONE, "mark disk v-os-r as done", {"op": "finish", "disk": "v-os-r", "disks": ON}, "tag_disk"),
        (RUN_DONE, "mark the run as done", {"op": "finish", "disk": "v-os-r", "disks": ON}, "tag_disk"),
        (GIVEN_UP, "mark disk v-os-r as given up", {"op": "give_up", "disk": "v-os-r", "disks": ON}, "tag_disk"),
    ],
)
def test_what_it_shows(step: DiskStep, summary: str, about: dict[str, Any], writes_to: str) -> None:
    assert step.details() == {"step": summary, "about": {**about, **SHOWN}}
    verb, _space, rest = summary.partition(" ")
    assert step.activity == f"{GERUNDS[verb]} {rest}"
    assert step.kinds == ("step", writes_to, f"{writes_to} {step.disk}")
    assert replace(step, disk="RG/O").kinds[2] == f"{writes_to} rg/o"
    assert step.compensation(inventory(detail())) == ()


# What it sends --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "request_"),
    [
        (DELETE, Request("DELETE", f"{GROUP}/disks/o", None, "deleting disk rg/o", to_disk=True)),
        *(
            (
                step,
                Request(
                    "PATCH",
                    f"{GROUP}/disks/v-os-r",
                    {"tags": {**(PENDING.tags or {}), "hybridvm-restore-state": state}},
                    step.activity,
                    to_disk=True,
                ),
            )
            for step, state in ((DONE, "done"), (RUN_DONE, "done"), (GIVEN_UP, "given-up"))
        ),
    ],
)
def test_what_it_sends(step: DiskStep, request_: Request) -> None:
    assert step.request(detail(disk("o"), PENDING)) == request_


@pytest.mark.parametrize("keyed", [True, False])
def test_a_new_disk_bears_what_its_run_is_known_by(keyed: bool) -> None:
    request = replace(CREATE, keyed=keyed).request(detail(disk("o")))
    assert (request.method, request.path, request.to_disk) == ("PUT", f"{GROUP}/disks/v-os-r", True)
    assert request.body is not None
    assert request.body["properties"]["creationData"]["sourceResourceId"] == SOURCE
    assert request.body["tags"] == {
        f"hybridvm-restore-{name}": value
        for name, value in {
            "run": "r",
            "state": "pending",
            "point": "c/p",
            "point-id": short_hash(POINT),
            "source": short_hash(SOURCE),
            "keyed": "yes" if keyed else "",
            "vm": short_hash(WHO.id),
            "power": "on",
            "replaces": "rg/o",
            "held": "ReadOnly//",
        }.items()
    }


@pytest.mark.parametrize("replaces", ["rg/v-os-q", ""])
def test_a_new_disk_is_of_the_kind_of_what_it_replaces_else_of_what_the_point_was_made_of(replaces: str) -> None:
    last = disk("v-os-q").model_copy(update={"tags": {"from": "last"}})
    first = disk("o").model_copy(update={"tags": {"from": "first"}})
    request = replace(CREATE, replaces=replaces).request(detail(first, last))
    assert request.body is not None
    assert request.body["tags"]["from"] == ("last" if replaces else "first")


@pytest.mark.parametrize(("step", "name"), [(DELETE, "rg/o"), (DONE, "v-os-r"), (GIVEN_UP, "v-os-r")])
def test_a_disk_that_has_gone_since_the_plan(step: DiskStep, name: str) -> None:
    with pytest.raises(NotFound, match=f"disk {name} is gone"):
        step.request(detail())


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (detail(point=False), "restore point c/p no longer holds os"),
        (detail(source=None), "the restore point has no disk restore point for os"),
    ],
)
def test_a_point_that_has_gone_since_the_plan(of: AzureVmState, said: str) -> None:
    with pytest.raises(NotFound, match=said) as caught:
        CREATE.request(of)
    assert caught.value.remedy == "Choose another restore point."


# Making a disk --------------------------------------------------------------------------------------------------------


def _using(server: Script, do: Callable[[ComputeClient], Awaitable[Result]]) -> Result:
    async def main() -> Result:
        async with server.http() as http:
            return await do(ComputeClient(Arm(http, BASE, "client c"), ArmSettings(access_token="t")))

    return virtual(main)


def _send(of: AzureVmState, server: Script) -> Operation:
    return _using(server, lambda client: CREATE.send(client, inventory(of)))


def _disk_point(percent: float | None) -> dict[str, Any]:
    return {"id": SOURCE, "name": "o_1", "properties": {"completionPercent": percent}}


def _paths(server: Script) -> list[str]:
    return [f"{request.method} {request.url.path.rpartition('/')[2]}" for request in server.requests]


def test_all_of_the_points_disks_are_looked_at_before_the_first_one_is_made() -> None:
    server = Script(reply(200, _disk_point(100)), reply(404, NOT_FOUND), reply(202))
    _send(detail(disk("o"), disk("d"), also={"lun0": "d"}), server)
    assert _paths(server) == ["GET o_1", "GET d_1", "PUT v-os-r"]


def test_later_only_the_disks_own() -> None:
    server = Script(reply(200, _disk_point(None)), reply(202))
    _send(detail(disk("o"), disk("v-lun0-r", run="r"), also={"lun0": "d"}), server)
    assert _paths(server) == ["GET o_1", "PUT v-os-r"]


@pytest.mark.parametrize(("others", "changed_nothing"), [((), True), ((disk("v-lun0-r", run="r"),), False)])
def test_a_point_whose_data_is_still_arriving(others: tuple[Any, ...], changed_nothing: bool) -> None:
    with pytest.raises(VmState, match=r"not usable yet: o_1 is at 99\.5 %") as caught:
        _send(detail(disk("o"), *others), Script(reply(200, _disk_point(99.5))))
    assert caught.value.changed_nothing is changed_nothing


def test_an_id_of_2021_cannot_be_read() -> None:
    server = Script(reply(202))
    _send(detail(disk("o"), source=f"{SOURCE}?restorePoint=p"), server)
    assert _paths(server) == ["PUT v-os-r"]


def test_a_disk_that_lacks_its_disk_restore_point_hinders_only_its_own_create() -> None:
    of = detail(disk("o"), disk("d"), also={"lun0": "d"})
    (data,) = [each for each in of.points[0].disks if each.slot == "lun0"]
    object.__setattr__(data, "diskRestorePoint", None)
    server = Script(reply(200, _disk_point(100)), reply(202))
    _send(of, server)
    assert _paths(server) == ["GET o_1", "PUT v-os-r"]


@pytest.mark.parametrize(
    ("state", "ends"),
    [
        ("Succeeded", "succeeded"),
        ("Failed", "failed"),
        ("Canceled", "failed"),
        ("Updating", "running"),
        (None, "unknown"),
    ],
)
def test_a_disk_that_is_being_made_is_joined(state: str | None, ends: str) -> None:
    made = disk("v-os-r", "Updating")
    server = Script(
        reply(404, NOT_FOUND) if state is None else reply(200, disk("v-os-r", state).model_dump(mode="json"))
    )

    async def poll(client: ComputeClient) -> str:
        operation = await CREATE.send(client, inventory(detail(made)))
        assert (operation.joined, server.requests) == (True, [])
        return (await operation.poll()).state

    assert _using(server, poll) == ends


# What proves it -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "of", "is_done"),
    [
        (CREATE, detail(), False),
        (CREATE, detail(disk("v-os-r", "Updating")), False),
        (CREATE, detail(disk("v-os-r")), True),
        (CREATE, detail(disk("v-os-r", "Updating"), attached={"os": "v-os-r"}), True),
        (DELETE, detail(disk("o")), False),
        (DELETE, detail(), True),
        (replace(DELETE, disk="RG/GONE"), detail(disk("o")), True),
        (replace(DELETE, disk="elsewhere/gone"), detail(disk("o")), False),  # its group was not listed
        (DONE, _marked("done"), True),
        (DONE, _marked("pending"), False),
        (DONE, detail(disk("v-os-r", run="r", state="done")), False),  # the VM is not on its disks
        (DONE, detail(disk("v-lun0-r"), attached=ON), False),
        (RUN_DONE, _marked("done"), True),
        (GIVEN_UP, _marked("given-up"), True),
        (GIVEN_UP, _marked("done"), False),
    ],
)
def test_what_proves_it(step: DiskStep, of: AzureVmState, is_done: bool) -> None:
    assert step.is_done(inventory(of)) is is_done


def test_a_mark_of_a_disk_that_has_gone_is_not_done() -> None:
    step = replace(GIVEN_UP, disk="gone")
    assert step.is_done(inventory(_marked("given-up"))) is False


def test_each_disk_has_a_source_of_its_own() -> None:
    data = replace(CREATE, disk="v-lun0-r", slot="lun0").request(detail(disk("o"), also={"lun0": "d"}))
    assert data.body is not None
    assert data.body["properties"]["creationData"]["sourceResourceId"] == made_of("d")
