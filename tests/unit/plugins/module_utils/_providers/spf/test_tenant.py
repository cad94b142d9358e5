# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What two lists of a tenant show of many VMs, and when the VMs are read one by one instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import SignInRefused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import SpfSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.entities import (
    CheckpointEntity,
    VmEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.reader import SpfReader
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.tenant import Tenant, survey
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    virtual,
)

ROOT = f"{BASE}/spf.svc"
OURS = datetime(2026, 11, 20, 8, 0, 0, tzinfo=UTC)
ID, HOST, OTHER, POINT = (f"{letter}b9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10" for letter in "abcd")
VMS = (
    f"GET {ROOT}/VirtualMachines?$select=ID,StampId,VMId,Name,Status,VirtualMachineState,LastRestoredCheckpointId,"
    "MostRecentTaskId,ModifiedTime"
)
POINTS = (
    f"GET {ROOT}/VMCheckPoints?$select=ID,StampId,VMId,Name,Description,CheckpointID,ParentCheckpointID,AddedTime,"
    "ModifiedTime,Enabled"
)


def machine(**fields: Any) -> VmEntity:
    return VmEntity.model_validate({"ID": ID.upper(), "VMId": HOST.upper(), "Name": "Web01", **fields})


def checkpoint(vm_id: Any, point_id: str = POINT) -> CheckpointEntity:
    return CheckpointEntity.model_validate({"ID": point_id, "VMId": vm_id})


@pytest.mark.parametrize("wanted", ["wEB01", ID, ID.upper(), HOST])
def test_a_vm_that_may_be_meant_is_found_by_each_of_its_names(wanted: str) -> None:
    tenant, kept = Tenant([wanted, "x"], lambda: OURS), machine()
    tenant.add_machine(kept)
    tenant.add_machine(machine(ID=OTHER, VMId=None, Name=None))
    names = {"ID": ID.upper(), "VMId": HOST, "Name": "WEB01"}
    assert {field: tenant.by(field, name) for field, name in names.items()} == {field: [kept] for field in names}
    assert tenant.by("Name", ID) == tenant.by("ID", "web01") == tenant.by("ID", OTHER) == []


def test_vms_of_one_name_are_all_found() -> None:
    tenant, twice = Tenant(["web01"], lambda: OURS), [machine(), machine(ID=OTHER)]
    for each in twice:
        tenant.add_machine(each)
    assert tenant.by("Name", "web01") == twice


def test_the_checkpoints_of_a_vm_are_handed_out_once() -> None:
    tenant = Tenant(["web01", OTHER], lambda: OURS)
    tenant.add_machine(machine())
    tenant.add_machine(machine(ID=OTHER, Name="empty"))
    points = [checkpoint(ID.upper()), checkpoint(ID, OTHER)]
    for each in (*points, checkpoint(HOST), checkpoint(None)):
        tenant.add_point(each)
    assert (tenant.take(ID), tenant.take(OTHER), tenant.take(HOST)) == (points, [], None)
    assert tenant.take(ID) is None


def test_a_checkpoint_is_kept_without_what_it_has_not() -> None:
    tenant = Tenant([ID], lambda: OURS)
    tenant.add_machine(machine())
    tenant.add_point(checkpoint(ID))
    assert tenant._points == {ID: [f'{{"ID":"{POINT}","VMId":"{ID}"}}'.encode()]}


def page(*rows: dict[str, Any], date: str = "", after: str = "") -> Reply:
    body = {"value": list(rows), **({"odata.nextLink": after} if after else {})}
    return reply(200, body, **({"date": f"Fri, 20 Nov 2026 08:00:{date} GMT"} if date else {}))


def looked(server: Script, wanted: Sequence[str]) -> tuple[Tenant, bool]:
    async def main() -> tuple[Tenant, bool]:
        async with server.http() as http:
            tenant = Tenant(wanted, lambda: OURS)
            return tenant, await tenant.read(_reader(http))

    return virtual(main)


def _reader(http: Any) -> SpfReader:
    return SpfReader(http, SpfSettings.model_validate({"spf_url": ROOT}))


ONE = {"ID": ID, "Name": "web01"}
OF_ONE = {"ID": POINT, "VMId": ID}


def test_two_lists_show_all() -> None:
    server = Script(page(ONE, date="10"), page(OF_ONE))
    tenant, helps = looked(server, ["web01", "b", "c"])
    assert (helps, server.sent) == (True, [VMS, POINTS])
    assert [vm.ID for vm in tenant.by("Name", "web01")] == [ID]
    assert tenant.take(ID) == [CheckpointEntity.model_validate(OF_ONE)]
    assert tenant.now == (datetime(2026, 11, 20, 8, 0, 10, tzinfo=UTC), 10.0)


@pytest.mark.parametrize(
    ("dates", "now"),
    [
        (("", ""), (OURS, 0.0)),
        (("10", "20"), (datetime(2026, 11, 20, 8, 0, 20, tzinfo=UTC), 20.0)),
        (("", "20"), (datetime(2026, 11, 20, 8, 0, 20, tzinfo=UTC), 20.0)),
    ],
)
def test_the_time_is_that_of_the_latest_page(dates: tuple[str, str], now: tuple[datetime, float]) -> None:
    assert looked(Script(*(page(date=date) for date in dates)), ["a", "b", "c"])[0].now == now


@pytest.mark.parametrize(
    ("wanted", "written", "helps", "sent"),
    [
        (["a"], [page()], False, [VMS]),
        (["a", "b"], [page()], False, [VMS, POINTS]),
        (["a", "b", "c"], [page()], True, [VMS, POINTS]),
        (
            ["a", "b"],
            [page(after="VirtualMachines?p=1"), page(after="VirtualMachines?p=2"), page()],
            False,
            [VMS, f"GET {ROOT}/VirtualMachines?p=1"],
        ),
        (
            ["a", "b", "c"],
            [page(), page(after="VMCheckPoints?p=1"), page(after="VMCheckPoints?p=2"), page()],
            False,
            [VMS, POINTS, f"GET {ROOT}/VMCheckPoints?p=1"],
        ),
    ],
)
def test_lists_help_where_they_take_fewer_requests(
    wanted: list[str], written: list[Reply], helps: bool, sent: list[str]
) -> None:
    server = Script(*written)
    assert looked(server, wanted)[1] is helps
    assert server.sent == sent


def surveyed(server: Script, count: int) -> Tenant | None:
    async def main() -> Tenant | None:
        async with server.http() as http:
            return await survey(_reader(http), [f"web{number:02}" for number in range(1, count + 1)], lambda: OURS)

    return virtual(main)


def test_a_few_vms_are_no_reason_to_list_a_tenant() -> None:
    server = Script(page(ONE))
    assert surveyed(server, 20) is None
    assert server.requests == []
    tenant = surveyed(Script(page(ONE), page(OF_ONE)), 21)
    assert tenant is not None
    assert ([vm.ID for vm in tenant.by("Name", "web01")], tenant.now) == ([ID], (OURS, 0.0))


def test_lists_that_are_long_or_wrong_are_left_to_the_readings_one_by_one() -> None:
    numbers = iter(range(1000))

    def endless(_request: httpx.Request) -> Reply:
        return page(after=f"VirtualMachines?p={next(numbers)}")

    long = Script(endless)
    assert surveyed(long, 21) is None
    assert len(long.requests) == 21
    assert surveyed(Script(reply(404)), 21) is None


def test_a_refused_sign_in_is_told_at_once() -> None:
    with pytest.raises(SignInRefused):
        surveyed(Script(reply(401)), 21)
