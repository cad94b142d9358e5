# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""SPF's wire: formats, versions, keys, filters, methods, errors, sign-in."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

import httpx
import pytest
import trio

from simulator.odata.edm import CHECKPOINT, JOB
from simulator.odata.edm_vm import VIRTUAL_MACHINE

from .support import Sim

pytestmark = pytest.mark.anyio
A = "{http://www.w3.org/2005/Atom}"
D = "{http://schemas.microsoft.com/ado/2007/08/dataservices}"
M = "{http://schemas.microsoft.com/ado/2007/08/dataservices/metadata}"


async def test_json_light(sim: Sim) -> None:
    answer = await sim.spf("GET", "VMCheckPoints")
    assert answer.headers["content-type"] == "application/json; odata=minimalmetadata; streaming=true; charset=utf-8"
    assert answer.headers["dataserviceversion"] == "3.0;"
    document = answer.json()
    assert list(document) == ["odata.metadata", "value"]
    assert document["odata.metadata"].endswith("/$metadata#VMCheckPoints")
    assert list(document["value"][0]) == list(CHECKPOINT)
    one = (await sim.spf("GET", sim.key(document["value"][0]["ID"]))).json()
    assert one.pop("odata.metadata").endswith("/$metadata#VMCheckPoints/@Element")
    assert one == document["value"][0]


async def test_all_members_are_there_and_int64_is_a_string(sim: Sim) -> None:
    vm = (await sim.spf("GET", "VirtualMachines")).json()["value"][0]
    assert set(vm) == set(VIRTUAL_MACHINE) | {"VMConnection@odata.mediaContentType"}
    assert isinstance(vm["TotalSize"], str)
    await sim.create(sim.world.vm("web01"))
    assert set((await sim.spf("GET", "Jobs")).json()["value"][0]) == set(JOB)
    assert (await sim.spf("GET", "Clouds?$select=ID,StampId")).json()["value"][0].keys() == {"ID", "StampId"}


async def test_no_accept_means_atom_even_for_a_json_post(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    body = {"VMId": vm.id, "StampId": sim.world.spf.stamp_id, "Name": "a & b"}
    answer = await sim.spf("POST", "VMCheckPoints", accept=None, json=body)
    assert answer.status_code == 201
    assert answer.headers["content-type"].startswith("application/atom+xml")
    entry = ET.fromstring(answer.content)
    assert entry.tag == f"{A}entry"
    properties = entry.find(f"{A}content/{M}properties")
    assert properties is not None
    assert [member.tag for member in properties] == [f"{D}{name}" for name in CHECKPOINT]
    assert properties.findtext(f"{D}Name") == "a & b"
    host_id = properties.find(f"{D}CheckpointID")
    assert host_id is not None
    assert host_id.attrib == {f"{M}type": "Edm.Guid", f"{M}null": "true"}


async def test_an_atom_feed_with_complex_members(sim: Sim) -> None:
    await sim.create(sim.world.vm("web01"))
    feed = ET.fromstring((await sim.spf("GET", "Jobs", accept="application/atom+xml")).content)
    assert feed.tag == f"{A}feed"
    assert feed.findtext(f".//{D}ErrorInfo/{D}Code") == "Success"
    expanded = await sim.spf("GET", "VirtualMachines?$expand=VMCheckpoints", accept="application/xml")
    inline = ET.fromstring(expanded.content).findall(f".//{M}inline/{A}feed/{A}entry")
    assert len(inline) == 3


async def test_verbose_json(sim: Sim) -> None:
    answer = await sim.spf("GET", "VMCheckPoints", accept="application/json;odata=verbose")
    first = answer.json()["d"]["results"][0]
    assert first["__metadata"]["type"] == "VMM.VMCheckPoint"
    assert "T" in first["AddedTime"]
    assert first["ParentCheckPoint"]["__deferred"]["uri"].endswith("/ParentCheckPoint")
    old = await sim.spf("GET", "VMCheckPoints", headers={"MaxDataServiceVersion": "2.0"})
    assert old.json()["d"]["results"][0]["AddedTime"].startswith("/Date(")
    oldest = await sim.spf("GET", "VMCheckPoints", headers={"MaxDataServiceVersion": "1.0"})
    assert isinstance(oldest.json()["d"], list)


@pytest.mark.parametrize("accept", ["application/json", "application/json;odata=verbose", "application/atom+xml", None])
@pytest.mark.parametrize("highest", ["1.0", "2.0;NetFx", "3.0;NetFx"])
async def test_the_version_is_never_above_what_the_client_takes(sim: Sim, accept: str | None, highest: str) -> None:
    answer = await sim.spf("GET", "VMCheckPoints", accept=accept, headers={"MaxDataServiceVersion": highest})
    assert answer.status_code == 200
    assert float(answer.headers["dataserviceversion"].rstrip(";")) <= float(highest.partition(";")[0])


async def test_unacceptable(sim: Sim) -> None:
    version_2, light = {"MaxDataServiceVersion": "2.0"}, "application/json;odata=minimalmetadata"
    assert (await sim.spf("GET", "Jobs", accept=light, headers=version_2)).status_code == 415
    assert (await sim.spf("GET", "Jobs", accept="text/html")).status_code == 415
    assert (await sim.spf("GET", "Jobs", headers={"DataServiceVersion": "4.0"})).status_code == 400


async def test_keys_in_either_order_and_any_case(sim: Sim) -> None:
    point, stamp = sim.world.vm("web01").checkpoints[0], sim.world.spf.stamp_id
    for key in (
        f"VMCheckPoints(ID=guid'{point.id}',StampId=guid'{stamp}')",
        f"VMCheckPoints(StampId=guid'{stamp.upper()}',ID=guid'{point.id.upper()}')",
        f"vmcheckpoints(ID=Guid'{point.id}',StampId=Guid'{stamp}')",
    ):
        assert (await sim.spf("GET", key)).json()["ID"] == point.id
    assert (await sim.spf("GET", f"VMCheckPoints(ID=guid'{point.id}')")).status_code == 400
    assert (await sim.spf("GET", f"VMCheckPoints(guid'{point.id}')")).status_code == 400
    wrong_stamp = f"VMCheckPoints(ID=guid'{point.id}',StampId=guid'{point.id}')"
    assert (await sim.spf("GET", wrong_stamp)).status_code == 404


async def test_a_set_with_empty_parentheses(sim: Sim) -> None:
    """As WCF Data Services' client writes Where(point => point.ID == id).FirstOrDefault(), the vendor's own example."""
    vm, point = sim.world.vm("web01"), sim.world.vm("web01").checkpoints[0]
    for listed in (
        f"VMCheckPoints()?$filter=ID eq guid'{point.id}'&$top=1",
        f"{sim.key(vm.id, 'VirtualMachines')}/VMCheckpoints()?$top=1",
    ):
        answer = await sim.spf("GET", listed)
        assert [each["ID"] for each in answer.json()["value"]] == [point.id]


async def test_filters(sim: Sim) -> None:
    vm, point = sim.world.vm("web01"), sim.world.vm("web01").checkpoints[0]

    async def found(options: str) -> list[Any]:
        answer = await sim.spf("GET", f"VMCheckPoints?{options}")
        assert answer.status_code == 200, answer.text
        listed: list[Any] = answer.json()["value"]
        return listed

    assert len(await found("$filter=")) == 2
    assert [each["ID"] for each in await found(f"$filter=VMId eq guid'{vm.id.upper()}'")] == [point.id]
    both = f"$filter=(ID eq guid'{point.id}') and (StampId eq guid'{sim.world.spf.stamp_id}')&$top=1&$select=ID,Name"
    assert [list(each) for each in await found(both)] == [["ID", "Name"]]
    assert await found("$filter=ID eq guid'00000000-0000-0000-0000-000000000001'") == []
    plain = "$filter=Name eq 'it''s here'"
    assert await found(plain) == []
    await sim.created(vm, "it's here")
    assert len(await found(plain)) == 1
    assert len(await found("$top=1")) == 1
    for wrong in (
        "$filter=Name ne 'x'",
        "$filter=startswith(Name,'x')",
        "$filter=Nonsense eq 'x'",
        "$filter=Name eq guid'00000000-0000-0000-0000-000000000001'",
        "$filter=Name eq 'x' or Name eq 'y'",
        "$filter=(Name eq 'x'",
        "$filter=Name eq 'x",
        "$select=Nonsense",
        "$top=x",
        "$orderby=Name",
        "$skip=1",
        "$inlinecount=allpages",
    ):
        answer = await sim.spf("GET", f"VMCheckPoints?{wrong}")
        assert answer.status_code == 400, wrong
        assert answer.json()["odata.error"]["code"] == ""


async def test_navigation_and_expand(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    child = await sim.created(vm, "child")
    listed = (await sim.spf("GET", f"{sim.key(vm.id, 'VirtualMachines')}/VMCheckpoints")).json()
    assert listed["odata.metadata"].endswith("#VMCheckPoints")
    assert [point["Name"] for point in listed["value"]] == ["baseline", "child"]
    parent = await sim.spf("GET", f"{sim.key(child.id)}/ParentCheckPoint")
    assert parent.json()["Name"] == "baseline"
    assert (await sim.spf("GET", f"{sim.key(parent.json()['ID'])}/ParentCheckPoint")).status_code == 404
    answer = await sim.spf("GET", "VirtualMachines?$filter=Name eq 'web01'&$expand=VMCheckpoints,MostRecentTask")
    expanded = answer.json()["value"][0]
    assert [point["Name"] for point in expanded["VMCheckpoints"]] == ["baseline", "child"]
    assert expanded["MostRecentTask"]["ID"] == expanded["MostRecentTaskId"]
    assert (await sim.spf("GET", f"{sim.key(vm.id, 'VirtualMachines')}/Nonsense")).status_code == 404
    assert (await sim.spf("GET", "VMCheckPoints/$count")).status_code == 501


async def test_metadata_and_service_document(sim: Sim) -> None:
    root = ET.fromstring((await sim.spf("GET", "$metadata")).content)
    edm = "{http://schemas.microsoft.com/ado/2009/11/edm}"
    kinds = {kind.get("Name"): kind for kind in root.iter(f"{edm}EntityType")}
    assert {"VMCheckPoint", "VirtualMachine", "Job", "Cloud"} <= set(kinds)
    named = {member.get("Name"): member.get("Type") for member in kinds["VMCheckPoint"].iter(f"{edm}Property")}
    assert named == CHECKPOINT
    sets = (await sim.spf("GET", "")).json()["value"]
    assert {"name": "VMCheckPoints", "url": "VMCheckPoints"} in sets


async def test_times_have_an_offset_and_are_rounded_when_read_back(sim: Sim) -> None:
    await trio.sleep(0.8838623)
    fresh = (await sim.create(sim.world.vm("web01"))).json()
    assert fresh["AddedTime"].startswith("2026-09-21T07:13:20.88386")
    assert fresh["AddedTime"].endswith("-07:00")
    later = (await sim.spf("GET", sim.key(fresh["ID"]))).json()
    assert later["AddedTime"] == "2026-09-21T07:13:20.883-07:00"
    sim.world.switches.set("spf_utc_offset", "+05:30")
    assert (await sim.spf("GET", sim.key(fresh["ID"]))).json()["AddedTime"] == "2026-09-21T19:43:20.883+05:30"


async def test_verbose_and_atom_bodies_are_read(sim: Sim) -> None:
    vm, stamp = sim.world.vm("web01"), sim.world.spf.stamp_id
    sim.world.switches.set("create_takes", "0s")
    verbose = {"d": {"__metadata": {"type": "VMM.VMCheckPoint"}, "VMId": vm.id, "StampId": stamp, "Name": "verbose"}}
    answer = await sim.spf(
        "POST",
        "VMCheckPoints",
        content=json.dumps(verbose),
        headers={"Content-Type": "application/json;odata=verbose"},
    )
    assert answer.json()["Name"] == "verbose"
    atom = (
        '<entry xmlns="http://www.w3.org/2005/Atom"'
        ' xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"'
        ' xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"><content type="application/xml">'
        f"<m:properties><d:VMId>{vm.id}</d:VMId><d:StampId>{stamp}</d:StampId><d:Name>atom</d:Name>"
        '<d:Confirm m:null="true" /></m:properties></content></entry>'
    )
    headers = {"Content-Type": "application/atom+xml"}
    answer = await sim.spf("POST", "VMCheckPoints", content=atom, headers=headers)
    assert answer.json()["Name"] == "atom"
    for content, kind, status in (("{", "application/json", 400), ("<", "application/xml", 400), ("x", "text/x", 415)):
        answer = await sim.spf("POST", "VMCheckPoints", content=content, headers={"Content-Type": kind})
        assert answer.status_code == status


async def test_writes_that_make_no_sense(sim: Sim) -> None:
    vm, stamp = sim.world.vm("web01"), sim.world.spf.stamp_id
    key = sim.key(vm.checkpoints[0].id)
    nowhere = "00000000-0000-0000-0000-000000000001"
    wrong: list[tuple[str, str, dict[str, Any] | None, int]] = [
        ("POST", "VMCheckPoints", {"VMId": nowhere, "StampId": stamp}, 400),
        ("POST", "VMCheckPoints", {"VMId": vm.id}, 400),
        ("POST", "VMCheckPoints", {"VMId": vm.vm_id, "StampId": stamp}, 400),  # the host's id is not VMM's
        ("POST", "VMCheckPoints", {"VMId": vm.id, "StampId": stamp, "CheckpointType": "Production"}, 400),
        ("MERGE", key, {"VMCheckPointAction": "Rollback"}, 400),
        ("MERGE", sim.key(nowhere), {"VMCheckPointAction": "Restore"}, 404),
        ("DELETE", sim.key(nowhere), None, 404),
        ("DELETE", "VMCheckPoints", None, 405),
        ("POST", key, {}, 405),
        ("DELETE", sim.key(vm.id, "VirtualMachines"), None, 501),
        ("PUT", sim.key(vm.id, "VirtualMachines"), {"Operation": "Explode"}, 400),
        ("GET", "Nonsense", None, 404),
    ]
    for method, path, body, status in wrong:
        answer = await sim.spf(method, path, json=body)
        assert answer.status_code == status, (method, path, body, answer.text)
    assert len(vm.checkpoints) == 1


async def test_rename_by_merge_and_what_put_resets(sim: Sim) -> None:
    point = sim.world.vm("web01").checkpoints[0]
    answer = await sim.spf("MERGE", sim.key(point.id), json={"Name": "renamed", "Description": None})
    assert answer.status_code == 204
    assert answer.content == b""
    assert (point.name, point.description) == ("renamed", "after installation")
    await sim.spf("PUT", sim.key(point.id), json={"VMCheckPointAction": "Set", "Name": "again"})
    assert (point.name, point.description) == ("again", "")
    point.description = "kept"
    sim.world.switches.set("spf_put_resets", False)
    await sim.spf("PUT", sim.key(point.id), json={"Name": "third"})
    assert (point.name, point.description) == ("third", "kept")
    sim.world.switches.set("spf_put_resets", True)
    await sim.done(await sim.spf("PUT", sim.key(point.id), json={"VMCheckPointAction": "Restore"}))
    assert (point.name, point.description) == ("", "")  # why a restore by PUT must send everything
    content = await sim.spf("PUT", sim.key(point.id), json={"Name": "back"}, headers={"Prefer": "return-content"})
    assert (content.status_code, content.json()["Name"]) == (200, "back")


async def test_power_operations_wait_unless_asked_not_to(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    key = sim.key(vm.id, "VirtualMachines")
    before = trio.current_time()
    answer = await sim.spf("MERGE", key, json={"Operation": "Shutdown"})
    assert answer.status_code == 204
    assert vm.power == "PowerOff"
    assert trio.current_time() - before >= 2
    answer = await sim.spf("PUT", f"{key}?RunAsynchronously=1", json={"ID": vm.id, "Operation": "Start"})
    assert vm.power == "PowerOff"
    assert (await sim.done(answer))["Status"] == "Completed"
    assert vm.power == "Running"
    shown = (await sim.spf("GET", key)).json()
    assert (shown["Status"], shown["StatusString"]) == ("Running", "Running")


async def test_the_roots(sim: Sim) -> None:
    subscription = sim.world.spf.subscription_id
    service = "/SC2012R2/VMM/Microsoft.Management.Odata.svc"
    for root in (
        service,
        f"/sc2012r2/vmm/{subscription.upper()}/microsoft.management.odata.svc",
        f"{service}/{subscription}",
        f"/{subscription}/Services/SystemCenter/VMM",
    ):
        answer = await sim.spf("GET", "VMCheckPoints", root=root)
        assert answer.status_code == 200
        assert answer.json()["odata.metadata"] == f"https://simulator.test{root}/$metadata#VMCheckPoints"
    foreign = "/00000000-0000-0000-0000-000000000001/services/systemcenter/vmm"
    assert (await sim.spf("GET", "VMCheckPoints", root=foreign)).status_code == 404


async def test_sign_in(sim: Sim) -> None:
    known = sim.world.credentials
    url, headers = f"{sim.wap_root}/Clouds", {"Accept": "application/json"}
    refused = await sim.http.get(url, headers=headers)
    assert refused.status_code == 401
    assert refused.headers["content-type"] == "text/html"
    offered = [value.partition(" ")[0] for value in refused.headers.get_list("www-authenticate")]
    assert offered == ["Basic"]
    for auth in (("svc-ansible", "wrong"), ("nobody", known.spf_password)):
        assert (await sim.http.get(url, headers=headers, auth=auth)).status_code == 401
    for value in ("Basic !!", "Bearer wrong", "Digest x"):
        assert (await sim.http.get(url, headers={**headers, "Authorization": value})).status_code == 401
    assert (await sim.http.get(url, headers=headers, auth=("CONTOSO\\SVC-ansible", known.spf_password))).is_success
    assert (await sim.http.get(url, headers={**headers, "Authorization": f"Bearer {known.spf_token}"})).is_success


async def test_rights(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    point = vm.checkpoints[0]

    async def rights(word: str) -> None:
        assert (await sim.http.post("/_control/rights", json={"service": "spf", "rights": word})).is_success

    await rights("restore_only")
    assert (await sim.create(vm)).status_code == 403
    restored = await sim.spf("MERGE", sim.key(point.id), json={"VMCheckPointAction": "Restore"})
    assert (await sim.done(restored))["Status"] == "Completed"
    await rights("view")
    assert (await sim.spf("DELETE", sim.key(point.id))).status_code == 403
    sim.world.switches.set("spf_rights_refusal", "job")
    assert (await sim.done(await sim.spf("DELETE", sim.key(point.id))))["Status"] == "Failed"
    await rights("none")
    refused = await sim.spf("GET", "Clouds")
    assert (refused.status_code, refused.headers["content-type"]) == (403, "text/html")


async def test_errors_come_in_the_callers_format(sim: Sim) -> None:
    missing = sim.key("00000000-0000-0000-0000-000000000001")
    light = (await sim.spf("GET", missing)).json()["odata.error"]
    assert light["message"] == {"lang": "en-US", "value": "Resource not found for the segment 'VMCheckPoints'."}
    verbose = await sim.spf("GET", missing, accept="application/json;odata=verbose")
    assert verbose.json()["error"]["message"]["value"] == light["message"]["value"]
    atom = ET.fromstring((await sim.spf("GET", missing, accept=None)).content)
    assert (atom.tag, atom.findtext(f"{M}message")) == (f"{M}error", light["message"]["value"])
    sim.world.switches.set("spf_errors", "wap")
    portal = ET.fromstring((await sim.spf("GET", missing, root=sim.wap_root)).content)
    assert portal.tag == "{http://schemas.microsoft.com/windowsazure}Error"
    assert portal.findtext("{http://schemas.microsoft.com/windowsazure}Message") == light["message"]["value"]
    direct = await sim.spf("GET", missing)
    assert "odata.error" in direct.json()


async def test_headers_are_those_of_the_captures(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    body = {"VMId": vm.id, "StampId": sim.world.spf.stamp_id}
    created: httpx.Response = await sim.spf("POST", "VMCheckPoints", root=sim.wap_root, json=body)
    assert created.headers.get_list("server") == ["Microsoft-IIS/8.5"] * 2
    assert created.headers.get_list("x-powered-by") == ["ASP.NET"] * 2
    assert created.headers["date"] == "Mon, 21 Sep 2026 14:13:20 GMT"
    assert created.headers["x-ms-request-id"] != created.headers["request-id"]
    await sim.done(created)
    deleted = await sim.spf("DELETE", sim.key(vm.checkpoints[0].id))
    assert (deleted.status_code, deleted.headers["dataserviceversion"]) == (204, "1.0;")
    assert deleted.headers["persistent-auth"] == "true"
    assert "content-length" not in deleted.headers
