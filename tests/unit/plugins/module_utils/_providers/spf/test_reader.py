# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of SPF's sets, how their pages are followed, and what is asked of servers that can do less."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Unavailable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import SpfSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.bearer import Bearer
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.response import Response
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.entities import (
    CheckpointEntity,
    VmEntity,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.job_entities import JobEntity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.spf.reader import SpfReader
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    reply,
    virtual,
)

ROOT = f"{BASE}/spf.svc"
ID, OTHER, STAMP = (f"{letter}b9c4b58-77c5-4f1d-8a55-6c5d4e3f2a10" for letter in ("a", "b", "c"))
STAMPED = f"%20and%20StampId%20eq%20guid'{STAMP}'"
Act = Callable[[SpfReader], Awaitable[Any]]


def using(server: Script, act: Act, *, signed: bool = False, **options: Any) -> Any:
    given = {"spf_url": ROOT, "spf_token": "e30", "spf_principal_id": "me", **options}
    settings = SpfSettings.model_validate(given)

    async def main() -> Any:
        async with server.http(auth=Bearer("e30", "spf_token") if signed else None) as http:
            return await act(SpfReader(http, settings))

    return virtual(main)


def listed(*rows: dict[str, Any], **more: Any) -> Reply:
    return reply(200, {"value": list(rows), **more})


def test_who_asks() -> None:
    async def act(reader: SpfReader) -> tuple[str, dict[str, str]]:
        return reader.sign_in, reader.headers

    headers = {
        "Accept": "application/json;odata=minimalmetadata",
        "DataServiceVersion": "3.0;NetFx",
        "MaxDataServiceVersion": "3.0;NetFx",
        "x-ms-principal-id": "me",
    }
    assert using(Script(), act) == ("", headers)
    assert using(Script(), act, signed=True) == ("the token given as spf_token", headers)


async def machines(reader: SpfReader) -> Any:
    """Two looks at VMs: the ids of the second."""
    await reader.machines("Name eq 'a'", "looking for vm a")
    return [vm.ID for vm in (await reader.machines("Name eq 'a'", "looking for vm a"))[0]]


PLAIN = f"GET {ROOT}/VirtualMachines?$filter=Name%20eq%20'a'"
EXPANDED = f"{PLAIN}&$expand=VMCheckpoints"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ([listed({"ID": ID})], [EXPANDED, EXPANDED]),
        ([reply(400), listed({"ID": ID})], [EXPANDED, PLAIN, PLAIN]),
        ([reply(404), listed({"ID": ID})], [EXPANDED, PLAIN, PLAIN]),
        ([reply(501), listed({"ID": ID})], [EXPANDED, PLAIN, PLAIN]),
        ([reply(403), listed({"ID": ID})], [EXPANDED, PLAIN, EXPANDED]),
    ],
)
def test_checkpoints_come_along_where_the_server_brings_them(written: list[Reply], sent: list[str]) -> None:
    server = Script(*written)
    assert using(server, machines) == [ID]
    assert server.sent == sent


@pytest.mark.parametrize("stamp", [None, STAMP])
def test_a_filter_names_the_stamp_of_all_but_jobs(stamp: str | None) -> None:
    async def act(reader: SpfReader) -> None:
        await reader.machines("Name eq 'a'", "looking")
        await reader.find(VmEntity, "VirtualMachines", "Name eq 'a'", "looking")
        await reader.find(JobEntity, "Jobs", f"ID eq guid'{ID}'", "looking")
        await reader.find(VmEntity, "VirtualMachines", None, "looking")

    server = Script(listed())
    using(server, act, spf_stamp_id=stamp)
    also = "" if stamp is None else STAMPED
    assert server.sent == [
        f"{PLAIN}{also}&$expand=VMCheckpoints",
        f"{PLAIN}{also}",
        f"GET {ROOT}/Jobs?$filter=ID%20eq%20guid'{ID}'",
        f"GET {ROOT}/VirtualMachines",
    ]


@pytest.mark.parametrize("status", [400, 501])
def test_a_server_without_filters_shows_all(status: int) -> None:
    rows = [{"ID": ID, "VMId": of} for of in (OTHER, f"{ID}0", None)]
    server = Script(reply(status), listed(*rows, {"ID": OTHER, "VMId": ID.upper()}))
    found, response = using(server, lambda reader: reader.checkpoints(ID, "listing checkpoints"))
    assert ([point.ID for point in found], response.status) == ([OTHER], 200)
    filtered = f"GET {ROOT}/VMCheckPoints?$filter=VMId%20eq%20guid'{ID}'"
    assert server.sent == [filtered, f"GET {ROOT}/VMCheckPoints"]


@pytest.mark.parametrize(("status", "cannot"), [(200, False), (400, True), (404, True), (500, True), (501, True)])
def test_jobs_that_meet_any_condition(status: int, cannot: bool) -> None:
    server = Script(reply(status, {"value": [{"ID": ID}]}))
    found = using(server, lambda reader: reader.find_any(JobEntity, "Jobs", ["A eq 1", "B eq 2"], "reading 2 jobs"))
    assert set(server.sent) == {f"GET {ROOT}/Jobs?$filter=A%20eq%201%20or%20B%20eq%202"}
    if cannot:
        assert found is None
    else:
        assert ([job.ID for job in found[0]], found[1].status) == ([ID], 200)


def test_the_stamps_of_the_clouds() -> None:
    server = Script(listed({"StampId": STAMP.upper()}, {"StampId": STAMP}, {}))
    assert using(server, lambda reader: reader.discover_stamps()) == {STAMP, "none"}
    assert server.sent == [f"GET {ROOT}/Clouds?$select=ID,StampId"]


def test_each_page_is_asked_for_as_the_first_one_was() -> None:
    following = {"odata.nextLink": "VMCheckPoints?$skiptoken=1"}
    server = Script(listed({"ID": ID}, {"ID": OTHER}, **following), listed({"ID": STAMP}))
    found, last = using(server, lambda reader: reader.find(CheckpointEntity, "VMCheckPoints", None, "listing"))
    assert [point.ID for point in found] == [ID, OTHER, STAMP]
    assert b"nextLink" not in last.body
    assert server.sent == [f"GET {ROOT}/VMCheckPoints", f"GET {ROOT}/VMCheckPoints?$skiptoken=1"]
    first, second = (dict(request.headers) for request in server.requests)
    assert first == second
    assert second["x-ms-principal-id"] == "me"


def test_pages_are_taken_for_as_long_as_they_are_wanted() -> None:
    pages: list[tuple[list[str], int]] = []

    def take(page: Iterator[VmEntity], response: Response) -> bool:
        pages.append(([vm.ID for vm in page], response.status))
        return len(pages) < 2

    more = {"odata.nextLink": "VirtualMachines?$skiptoken=1"}
    server = Script(
        listed({"ID": ID}, **more),
        listed({"ID": OTHER}, **{"odata.nextLink": "VirtualMachines?$skiptoken=2"}),
        listed({"ID": STAMP}),
    )
    using(server, lambda reader: reader.walk(VmEntity, "VirtualMachines", "?$select=ID", take, "listing"))
    assert pages == [([ID], 200), ([OTHER], 200)]
    assert server.sent == [f"GET {ROOT}/VirtualMachines?$select=ID", f"GET {ROOT}/VirtualMachines?$skiptoken=1"]


@pytest.mark.parametrize(
    ("link", "followed"),
    [
        ("VirtualMachines?$skiptoken=1", f"{ROOT}/VirtualMachines?$skiptoken=1"),
        ("VirtualMachines?$skiptoken='a b'", f"{ROOT}/VirtualMachines?$skiptoken='a%20b'"),
        ("/spf.svc/VirtualMachines?$skiptoken=1", f"{ROOT}/VirtualMachines?$skiptoken=1"),
        (f"{BASE}:443/elsewhere/VMs?$skiptoken=1", f"{BASE}/elsewhere/VMs?$skiptoken=1"),
        ("http://inner:8090/SPF.svc/VirtualMachines?$skiptoken=1", f"{ROOT}/VirtualMachines?$skiptoken=1"),
        ("//inner/x/spf.svc/virtualmachines()/?$skiptoken=1", f"{ROOT}/virtualmachines()?$skiptoken=1"),
    ],
)
def test_a_link_is_followed_on_our_own_root(link: str, followed: str) -> None:
    server = Script(listed({"ID": ID}, **{"odata.nextLink": link}), listed({"ID": OTHER}))
    found, _last = using(server, lambda reader: reader.find(VmEntity, "VirtualMachines", None, "listing VMs"))
    assert [vm.ID for vm in found] == [ID, OTHER]
    assert server.sent[1:] == [f"GET {followed}"]


LEADS = "Check that the URL leads to the service itself and not to a proxy or portal."
NEITHER = "service: listing VMs: the answer's next link leads neither to this service nor to VirtualMachines."


@pytest.mark.parametrize(
    ("link", "told"),
    [
        ("https://evil.test/VirtualMachines?$skiptoken=1", f"{NEITHER} {LEADS}"),
        ("https://evil.test/spf.svc/VMCheckPoints?$skiptoken=1", f"{NEITHER} {LEADS}"),
        ("mailto:me", f"{NEITHER} {LEADS}"),
        ("https://[x/VirtualMachines", f"service: listing VMs: the answer's next link is no URL. {LEADS}"),
        (
            f"https://me@{BASE.removeprefix('https://')}/spf.svc/VirtualMachines",
            "service: was asked to follow an address on another origin (https://service.test): refused; no credentials "
            "were sent there.",
        ),
    ],
)
def test_a_link_that_leads_elsewhere_is_refused(link: str, told: str) -> None:
    server = Script(listed(**{"odata.nextLink": link}))
    with pytest.raises(CheckpointError) as caught:
        using(server, lambda reader: reader.find(VmEntity, "VirtualMachines", None, "listing VMs"))
    assert str(caught.value) == told
    assert len(server.requests) == 1


def test_a_link_to_a_page_that_was_there_ends_it() -> None:
    server = Script(listed(**{"odata.nextLink": "VirtualMachines?$skiptoken=1"}))
    with pytest.raises(CheckpointError) as caught:
        using(server, lambda reader: reader.find(VmEntity, "VirtualMachines", None, "listing VMs"))
    assert str(caught.value) == f"service: listing VMs: the pages do not end. {LEADS}"
    assert len(server.requests) == 2


OWN_ROOT = (
    "it must be the VMM service's own root, such as "
    "https://HOST:8090/SC2012R2/VMM/{subscription_id}/Microsoft.Management.Odata.svc, and lead to no proxy or portal."
)
SAYS_NO = {"odata.error": {"code": "", "message": {"value": "It says no."}}}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (reply(404, SAYS_NO), f"service: listing VMs: not found (404): It says no. Check {{}}spf_url: {OWN_ROOT}"),
        (
            reply(200, "<html>portal</html>"),
            f"service: listing VMs: the answer (200) is HTML, not OData. Check {{}}spf_url: {OWN_ROOT}",
        ),
        (
            listed({"ID": "x"}),
            f"service: listing VMs: the answer's Vm is malformed: ID: is no GUID. {LEADS}",
        ),
        (
            reply(400, {"odata.error": {"message": {"value": "Locked (2602)."}}}),
            "service: listing VMs: locked by another job: Locked (2602). Try again when that job has ended.",
        ),
    ],
)
def test_what_is_no_page_is_told_with_what_to_check(said: Reply, told: str) -> None:
    for url, also in ((ROOT, ""), (f"{BASE}/{{subscription_id}}/spf.svc", "spf_subscription_id and ")):
        with pytest.raises(CheckpointError) as caught:
            using(
                Script(said),
                lambda reader: reader.find(VmEntity, "VirtualMachines", None, "listing VMs"),
                spf_url=url,
                spf_subscription_id="s",
            )
        assert str(caught.value) == told.replace("{}", also)


def test_a_lock_met_in_reading_is_none_of_a_write_s() -> None:
    with pytest.raises(Unavailable):
        using(Script(reply(423)), lambda reader: reader.find(VmEntity, "VirtualMachines", None, "listing VMs"))


def test_a_refused_sign_in_names_who_signs_in() -> None:
    with pytest.raises(CheckpointError) as caught:
        using(Script(reply(401)), lambda reader: reader.find(VmEntity, "VirtualMachines", None, "listing"), signed=True)
    assert caught.value.message == "sign-in refused (401) for the token given as spf_token. The server offers nothing."
