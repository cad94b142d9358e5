# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What SPF shows of a VM, as it is handed on in whole: read alone, as it was found, and out of the tenant's lists."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    Ambiguous,
    BadResponse,
    NotFound,
    SignInRefused,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.model import Checkpoint, ObservedVm
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.ownership import Mark
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import SpfSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.targets import VM
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.bearer import Bearer
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.base import Scope
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.provider import Spf
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    virtual,
)

ROOT = f"{BASE}/spf.svc"
OURS = datetime(2026, 11, 20, 8, tzinfo=UTC)
ID, POINT, STAMP, HOST, CHILD, TASK = (f"{letter}b9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10" for letter in "abcdef")
WHO = VM(
    reference="web01", name="web01", id=ID, canonical=ID, provider="spf", service=ROOT, host_id=HOST, partition=STAMP
)
MACHINE = {
    "ID": ID.upper(),
    "Name": "web01",
    "StampId": STAMP,
    "VMId": HOST.upper(),
    "Status": "Stored",
    "VirtualMachineState": "Running",
    "LastRestoredCheckpointId": CHILD.upper(),
    "MostRecentTaskId": TASK,
    "ModifiedTime": "2026-11-20T07:40:00Z",
}
MADE = datetime(2026, 11, 20, 7, 30, 2, tzinfo=UTC)
POINTS = [
    {
        "ID": POINT.upper(),
        "VMId": ID,
        "Name": "first",
        "Description": "words\n[hybridvm.checkpoints 1 nonce=9f2c41d07ab3 at=2026-11-20T07:30:02Z]",
        "CheckpointID": POINT.upper(),
        "AddedTime": "2026-11-20T07:30:02Z",
    },
    {
        "ID": CHILD,
        "VMId": ID,
        "Name": "second",
        "CheckpointID": CHILD,
        "ParentCheckpointID": POINT,
        "Enabled": False,
        "AddedTime": "2026-11-20T07:30:02Z",
        "ModifiedTime": "2026-11-20T08:50:00+01:00",
    },
]
SEEN = ObservedVm(
    WHO,
    (
        Checkpoint(
            POINT,
            "first",
            "words",
            host_id=POINT,
            depth=1,
            created=MADE,
            current=False,
            mark=Mark("9f2c41d07ab3", MADE),
        ),
        Checkpoint(
            CHILD,
            "second",
            host_id=CHILD,
            parent_id=POINT,
            depth=2,
            created=MADE,
            current=True,
            usability="unusable",
        ),
    ),
    now=datetime(2026, 11, 20, 8, 0, 10, tzinfo=UTC),
    ahead=10.0,
    shown=datetime(2026, 11, 20, 7, 50, tzinfo=UTC),
    power="on",
    busy=None,
    refuses="Stored",
    refuses_for_now=False,
    current_known=True,
    last_operation=TASK,
)
OLDER = "Fri, 20 Nov 2026 08:00:05 GMT"
DATE = "Fri, 20 Nov 2026 08:00:10 GMT"


def using(server: Script, act: Callable[[Spf], Awaitable[Any]], **options: Any) -> Any:
    settings = SpfSettings.model_validate({"spf_url": ROOT, "spf_token": "e30", **options})

    async def main() -> Any:
        async with server.http() as http:
            return await act(Spf(http, settings, lambda: OURS))

    return virtual(main)


def page(*rows: Any, date: str = DATE) -> Reply:
    return reply(200, {"value": list(rows)}, date=date)


def test_a_vm_that_is_read_alone() -> None:
    async def read(spf: Spf) -> ObservedVm:
        return await spf.read(WHO, "list")

    assert using(Script(page({**MACHINE, "VMCheckpoints": POINTS})), read) == SEEN
    assert using(Script(page(MACHINE, date=OLDER), page(*POINTS)), read) == SEEN
    assert using(Script(page(MACHINE), reply(200, {"value": POINTS})), read) == SEEN
    lost = using(Script(page({**MACHINE, "LastRestoredCheckpointId": HOST, "VMCheckpoints": POINTS})), read)
    assert not lost.current_known
    busy = using(Script(page({**MACHINE, "Status": "MergingDrives", "VMCheckpoints": POINTS})), read)
    assert (busy.busy, busy.refuses) == ("MergingDrives", None)
    for state, passes in (("UnderMigration", True), ("UnderTemplateCreation", True), ("Missing", False)):
        held = using(Script(page({**MACHINE, "Status": state, "VMCheckpoints": POINTS})), read)
        assert (held.refuses, held.refuses_for_now) == (state, passes)


def test_two_thousand_checkpoints_are_taken_and_no_more() -> None:
    many = [{"ID": f"aaaaaaaa-0000-4000-8000-{number:012}", "VMId": ID} for number in range(2001)]
    kept = using(Script(page({**MACHINE, "VMCheckpoints": many[:2000]})), lambda spf: spf.read(WHO, "list"))
    assert len(kept.checkpoints) == 2000
    with pytest.raises(BadResponse) as caught:
        using(Script(page({**MACHINE, "VMCheckpoints": many})), lambda spf: spf.read(WHO, "list"))
    assert str(caught.value) == "vm web01: 2001 checkpoints were listed, and no service holds so many."


def test_a_vm_as_it_was_found_is_shown_once() -> None:
    server = Script(page({**MACHINE, "VMCheckpoints": POINTS}))

    async def act(spf: Spf) -> list[Any]:
        vm = await spf.resolve("web01")
        return [vm, await spf.first_reading(vm, "change"), len(server.requests), await spf.first_reading(vm, "change")]

    assert using(server, act) == [WHO, SEEN, 1, SEEN]
    assert len(server.requests) == 2


def lists(request: httpx.Request) -> Reply:
    return page(MACHINE, {"ID": STAMP, "Name": "other"}) if "VirtualMachines" in str(request.url) else page(*POINTS)


@pytest.mark.parametrize("reference", ["WEB01", ID, HOST.upper()])
def test_a_vm_out_of_the_tenant_s_lists_is_shown_once_and_then_read(reference: str) -> None:
    server = Script(lists)

    async def act(spf: Spf) -> list[Any]:
        await spf.prefetch([reference, *(f"x{number}" for number in range(20))])
        vm = await spf.resolve(reference)
        found = await spf.first_reading(vm, "change")
        counted = len(server.requests)
        return [vm.id, vm.reference, found.checkpoints, found.from_list, found.now, found.ahead, counted]

    assert using(server, act) == [ID, reference, SEEN.checkpoints, True, SEEN.now, 10.0, 2]

    async def twice(spf: Spf) -> tuple[bool, bool]:
        await spf.prefetch([reference, *(f"x{number}" for number in range(20))])
        first = await spf.first_reading(WHO, "change")
        return first.from_list, (await spf.first_reading(WHO, "change")).from_list

    assert using(Script(lists), twice) == (True, False)


def test_what_the_lists_show_of_another_stamp_is_asked_for_again() -> None:
    server = Script(lists)

    async def act(spf: Spf) -> int:
        await spf.prefetch(["web01", *(f"x{number}" for number in range(20))])
        with pytest.raises(NotFound):
            await spf.resolve("web01")
        return len(server.requests)

    assert using(server, act, spf_stamp_id=HOST) == 3


@pytest.mark.parametrize(("reference", "field"), [("web01", "name"), (HOST, "VMId")])
def test_of_very_many_vms_that_may_be_meant_twenty_are_named(reference: str, field: str) -> None:
    ids = [f"aaaaaaaa-0000-4000-8000-{number:012}" for number in range(21)]
    rows = [{"ID": each, "Name": "web01", "VMId": HOST, "Status": "Running"} for each in ids]
    with pytest.raises(Ambiguous) as caught:
        using(Script(page(*rows)), lambda spf: spf.resolve(reference))
    named = ", ".join(f"{each} (Running)" for each in ids[:20])
    assert str(caught.value) == f"vm {reference}: 21 VMs have this {field}: {named}. Name the VM by its ID."


def test_a_guid_is_first_the_vm_s_own_id_and_then_the_hypervisor_s() -> None:
    server = Script(page({**MACHINE, "ID": POINT}), page({**MACHINE, "VMCheckpoints": []}))
    assert using(server, lambda spf: spf.resolve(HOST.upper())).id == ID
    where = f"GET {ROOT}/VirtualMachines?$filter={{}}%20eq%20guid'{HOST}'&$expand=VMCheckpoints"
    assert server.sent == [where.format("ID"), where.format("VMId")]


def test_the_stamp_is_discovered_once() -> None:
    bare = {"ID": ID, "Name": "web01"}
    server = Script(page(bare), page({"StampId": STAMP}), page(bare))

    async def act(spf: Spf) -> list[str]:
        return [(await spf.resolve("web01")).partition for _time in range(2)]

    assert using(server, act) == [STAMP, STAMP]
    assert len(server.requests) == 3
    given = Script(page(bare))
    assert using(given, lambda spf: spf.resolve("web01"), spf_stamp_id=STAMP.upper()).partition == STAMP
    assert len(given.requests) == 1


JOB = {
    "ID": TASK,
    "Status": "Running",
    "ResultObjectID": POINT,
    "TargetObjectID": ID,
    "CmdletName": "New-SCVMCheckpoint",
}


def test_what_is_still_being_made_is_told_by_its_job_and_only_then_asked_for() -> None:
    opened = Checkpoint(POINT, "first", usability="unknown")
    server = Script(page(JOB))
    operation = using(server, lambda spf: spf.readiness(SEEN, opened))
    assert (operation.id, operation.last.state) == (TASK, "running")
    assert server.sent == [f"GET {ROOT}/Jobs?$filter=ResultObjectID%20eq%20guid'{POINT}'"]
    silent = Script(page(JOB))
    assert using(silent, lambda spf: spf.readiness(SEEN, Checkpoint(POINT, "first"))) is None
    assert silent.requests == []


def test_the_latest_task_of_a_vm_is_looked_for() -> None:
    server = Script(page(MACHINE), page(JOB))
    operation = using(server, lambda spf: spf.current_operation(WHO))
    assert (operation.id, operation.work) == (TASK, "create")


def test_a_name_says_by_itself_of_no_vm() -> None:
    async def act(spf: Spf) -> VM | None:
        return spf.identify("web01")

    assert using(Script(), act) is None


def test_letters_beyond_ascii_are_sent_as_they_are() -> None:
    server = Script(reply(202))
    using(server, lambda spf: spf.create(WHO, "nächtlich", "wörter"))
    assert "nächtlich" in server.requests[0].content.decode()
    assert json.loads(server.requests[0].content)["Description"] == "wörter"


def test_a_vm_that_is_not_found_is_told_with_who_looked_for_it() -> None:
    async def main() -> None:
        settings = SpfSettings.model_validate({"spf_url": ROOT, "spf_token": "e30"})
        async with Script(page()).http(auth=Bearer("e30", "spf_token")) as http:
            await Spf(http, settings, lambda: OURS).resolve("web01")

    with pytest.raises(NotFound) as caught:
        virtual(main)
    assert caught.value.message == "no such VM in service, or it is not visible to the token given as spf_token."


@pytest.mark.parametrize(
    ("method", "written"),
    [("put", [reply(401)]), ("merge", [reply(401)]), ("put", [reply(200, {"ID": POINT}), reply(401)])],
)
def test_a_change_that_is_refused_is_told_with_who_asked_for_it(method: str, written: list[Reply]) -> None:
    async def main() -> None:
        settings = SpfSettings.model_validate({"spf_url": ROOT, "spf_token": "e30", "spf_update_method": method})
        async with Script(*written).http(auth=Bearer("e30", "spf_token")) as http:
            await Spf(http, settings, lambda: OURS).update(WHO, SEEN.checkpoints[0], "words")

    with pytest.raises(SignInRefused) as caught:
        virtual(main)
    assert str(caught.value) == (
        "service: sign-in refused (401) for the token given as spf_token. The server offers nothing. Check the token "
        "given as spf_token: it may be wrong, for another service, or have expired."
    )


def test_a_scope_s_vm_without_a_stamp_is_of_the_only_one_there_is() -> None:
    machines = page({"ID": ID, "Name": "web01"}, {"ID": CHILD, "StampId": HOST})
    server = Script(machines, reply(200, {"value": []}), page({"StampId": STAMP}))
    found = using(server, lambda spf: spf.list_scope(Scope("spf")))
    assert [(each.vm.reference, each.vm.partition) for each in found] == [(ID, STAMP), (CHILD, HOST)]
    assert [(each.now, each.ahead) for each in found] == [(SEEN.now, 10.0)] * 2
