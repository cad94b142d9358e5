# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every switch, in each of its positions: what is unknown about the services can be had either way."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import fields
from pathlib import Path

import httpx
import pytest
import spnego
import trio
import trustme
from spnego.channel_bindings import GssChannelBindings

from simulator.server import certificate_der
from simulator.spf.access import refused_entry
from simulator.switches.all import Switches
from simulator.wire.exchange import Call, Connection
from simulator.world import World

from .shapes import ROOT
from .support import Sim

pytestmark = pytest.mark.anyio
HERE = Path(__file__).parent


def test_every_switch_is_documented() -> None:
    page = (ROOT / "docs" / "simulator.md").read_text()
    for each in fields(Switches):
        assert f"| `{each.name}` | `{str(each.default).lower() if each.type == 'bool' else each.default}` |" in page


def test_every_switch_is_tried_somewhere() -> None:
    tests = "".join(path.read_text() for path in HERE.rglob("test_*.py"))
    tried = [each.name for each in fields(Switches) if f'"{each.name}"' in tests or f"{each.name}=" in tests]
    assert tried == [each.name for each in fields(Switches)]


def test_switches_refuse_nonsense() -> None:
    switches = Switches()
    for name, value in (
        ("nonsense", 1),
        ("create_takes", "4"),
        ("spf_paging", "sometimes"),
        ("date_header", "perhaps"),
        ("max_checkpoints", "many"),
        ("spf_utc_offset", "Z"),
    ):
        with pytest.raises(ValueError, match=name):
            switches.update({"token_lifetime": 7, name: value})
    assert switches == Switches()
    switches.update({"date_header": "off", "max_checkpoints": "64", "arc_stale_seconds": "1.5"})
    assert (switches.date_header, switches.max_checkpoints, switches.arc_stale_seconds) == (False, 64, 1.5)


async def test_max_checkpoints(sim: Sim) -> None:
    sim.world.switches.set("max_checkpoints", 1)
    assert (await sim.done(await sim.create(sim.world.vm("web01"))))["Status"] == "Failed"


async def test_durations(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    point = vm.checkpoints[0]
    for name, method, body in (
        ("restore_takes", "MERGE", {"VMCheckPointAction": "Restore"}),
        ("update_takes", "MERGE", {"Name": "renamed"}),
        ("delete_takes", "DELETE", {}),
    ):
        sim.world.switches.set(name, "7s")
        before = trio.current_time()
        await sim.done(await sim.spf(method, sim.key(point.id), json=body))
        assert trio.current_time() - before == 7, name
    sim.world.switches.set("power_takes", "11s")
    before = trio.current_time()
    await sim.spf("MERGE", sim.key(vm.id, "VirtualMachines"), json={"Operation": "Stop"})
    assert trio.current_time() - before == pytest.approx(11)


@pytest.mark.parametrize("position", ["moves", "stays", "root", "none"])
async def test_pointer_after_restore(sim: Sim, position: str) -> None:
    """What is shown; the next checkpoint stands on the restored one all the same."""
    sim.world.switches.set("pointer_after_restore", position)
    for service, name in (("spf", "web01"), ("scvmm", "app01")):
        vm = sim.world.vm(name)
        baseline = vm.checkpoints[0]
        vmm = sim.world.site(service).vmm
        vmm.create_checkpoint(vm, "second", "")
        await trio.sleep(10)
        second = vm.checkpoints[1]
        vmm.restore(vm, baseline)
        await trio.sleep(10)
        shown = {"moves": baseline.checkpoint_id, "stays": second.checkpoint_id, "root": vm.vm_id, "none": None}
        sim.world.settle()
        assert vm.pointer == shown[position]
        vmm.create_checkpoint(vm, "third", "")
        await trio.sleep(10)
        sim.world.settle()
        assert vm.checkpoints[2].parent_id == baseline.checkpoint_id
        assert vm.pointer == vm.checkpoints[2].checkpoint_id
        assert vm.stands_on is None
    wire = await sim.profile("app01")
    assert wire["lastRestoredVMCheckpoint"]["name"] == "third"


@pytest.mark.parametrize("position", ["parent", "stays", "root", "none"])
async def test_pointer_after_delete(sim: Sim, position: str) -> None:
    sim.world.switches.set("pointer_after_delete", position)
    for service, name in (("spf", "web01"), ("scvmm", "app01")):
        vm = sim.world.vm(name)
        baseline = vm.checkpoints[0]
        vmm = sim.world.site(service).vmm
        vmm.create_checkpoint(vm, "second", "")
        await trio.sleep(10)
        sim.world.settle()
        second = vm.checkpoints[1]
        vmm.delete_checkpoint(vm, second)
        await trio.sleep(10)
        sim.world.settle()
        shown = {"parent": baseline.checkpoint_id, "stays": second.checkpoint_id, "root": vm.vm_id, "none": None}
        assert (vm.pointer, vm.place) == (shown[position], baseline.checkpoint_id)
        wire = (await sim.profile("app01"))["lastRestoredVMCheckpoint"] if service == "scvmm" else {}
        if service == "scvmm":
            gone = {"checkpointID": str(second.checkpoint_id).upper()}
            assert {"parent": wire and wire.get("name"), "stays": wire, "root": wire, "none": wire}[position] == {
                "parent": "baseline",
                "stays": gone,
                "root": {},
                "none": None,
            }[position]
    assert World(sim.world.now, document=sim.world.dump()).dump() == sim.world.dump()


@pytest.mark.parametrize("position", ["fails", "409", "503", "hangs"])
async def test_arc_connector(sim: Sim, position: str) -> None:
    """Reads show what was last known, nothing that changes something reaches VMM, and SPF does not care."""
    sim.world.switches.set("arc_connector", position)
    vm, before = sim.world.vm("app01"), sim.world.dump()["scvmm"]
    assert (await sim.profile("app01"))["checkpoints"][0]["name"] == "baseline"
    for action, body in (
        ("createCheckpoint", {"name": "new"}),
        ("deleteCheckpoint", {"id": vm.checkpoints[0].checkpoint_id}),
        ("stop", {"skipShutdown": "true"}),
    ):
        answer = await sim.arm("POST", f"{sim.instance()}/{action}", json=body)
        if position in {"409", "503"}:
            assert (answer.status_code, answer.json()["error"]["code"]) == (int(position), "ConnectorOffline")
            continue
        assert answer.status_code == 202
        await trio.sleep(600)
        status = (await sim.arm("GET", answer.headers["location"], version=None)).json()
        assert status["status"] == ("Failed" if position == "fails" else "Accepted")
    assert sim.world.dump()["scvmm"] == before
    assert (await sim.done(await sim.create(sim.world.vm("web01"))))["Status"] == "Completed"


@pytest.mark.parametrize("present", [True, False])
async def test_date_header(sim: Sim, present: bool) -> None:
    sim.world.switches.set("date_header", present)
    for answer in (await sim.spf("GET", "Clouds"), await sim.arm("GET", sim.instance())):
        assert ("date" in answer.headers) is present


@pytest.mark.parametrize("present", [True, False])
async def test_spf_request_id_header(sim: Sim, present: bool) -> None:
    sim.world.switches.set("spf_request_id_header", present)
    answer = await sim.create(sim.world.vm("web01"))
    assert ("x-ms-request-id" in answer.headers) is present
    assert "request-id" in answer.headers


@pytest.mark.parametrize("waits", [True, False])
async def test_spf_write_waits(sim: Sim, waits: bool) -> None:
    sim.world.switches.set("spf_write_waits", waits)
    answer = await sim.spf("DELETE", sim.key(sim.world.vm("web01").checkpoints[0].id))
    assert answer.status_code == 204
    assert (await sim.job(answer.headers["x-ms-request-id"]))["IsCompleted"] is waits
    assert (trio.current_time() >= 3) is waits


async def test_a_waiting_write_shows_the_jobs_failure(sim: Sim) -> None:
    sim.world.switches.update({"spf_write_waits": True, "delete_takes": "2 looks"})
    await sim.http.post("/_control/failures", json={"service": "spf", "kind": "delete", "problem": "No."})
    answer = await sim.spf("DELETE", sim.key(sim.world.vm("web01").checkpoints[0].id))
    assert answer.status_code == 500
    assert "No." in answer.json()["odata.error"]["message"]["value"]


@pytest.mark.parametrize("waits", [True, False])
async def test_spf_vm_update_waits(sim: Sim, waits: bool) -> None:
    sim.world.switches.set("spf_vm_update_waits", waits)
    vm = sim.world.vm("web01")
    await sim.spf("MERGE", sim.key(vm.id, "VirtualMachines"), json={"Operation": "Stop"})
    assert (vm.power == "PowerOff") is waits


async def test_spf_job_hidden_and_purged(sim: Sim) -> None:
    sim.world.switches.update({"spf_job_hidden_seconds": 3, "spf_job_purged_seconds": 10})
    job_id = (await sim.create(sim.world.vm("web01"))).headers["x-ms-request-id"]
    assert await sim.job(job_id) == {}
    await trio.sleep(3)
    assert (await sim.job(job_id))["Status"] == "Running"
    await trio.sleep(3)
    assert (await sim.job(job_id))["Status"] == "Completed"
    await trio.sleep(10)
    assert await sim.job(job_id) == {}
    assert (await sim.spf("GET", sim.key(job_id, "Jobs"))).status_code == 404


@pytest.mark.parametrize("position", ["filled", "never"])
async def test_spf_host_id(sim: Sim, position: str) -> None:
    sim.world.switches.set("spf_host_id", position)
    point = await sim.created(sim.world.vm("web01"))
    shown = (await sim.spf("GET", sim.key(point.id))).json()
    assert (shown["CheckpointID"] is None) is (position == "never")
    assert (shown["ParentCheckpointID"] is None) is (position == "never")
    restored = await sim.spf("MERGE", sim.key(point.id), json={"VMCheckPointAction": "Restore"})
    assert (await sim.done(restored))["Status"] == "Completed"


@pytest.mark.parametrize(("position", "outcome"), [("works", 1), ("ignored", 2), ("501", 501), ("400", 400)])
async def test_spf_filter_vmid(sim: Sim, position: str, outcome: int) -> None:
    sim.world.switches.set("spf_filter_vmid", position)
    answer = await sim.spf("GET", f"VMCheckPoints?$filter=VMId eq guid'{sim.world.vm('web01').id}'")
    assert (len(answer.json()["value"]) if answer.is_success else answer.status_code) == outcome


@pytest.mark.parametrize(
    ("position", "outcome"), [("400", 400), ("501", 501), ("works", 2), ("first", 1), ("ignored", 3)]
)
async def test_spf_filter_or(sim: Sim, position: str, outcome: int) -> None:
    sim.world.switches.set("spf_filter_or", position)
    for name in ("one", "two", "three"):
        sim.world.spf.vmm.create_checkpoint(sim.world.vm("web01"), name, "")
        sim.world.clock.advance(60)
    first, second, _third = sim.world.spf.vmm.jobs
    answer = await sim.spf("GET", f"Jobs?$filter=ID eq guid'{first}' or ID eq guid'{second}'")
    assert (len(answer.json()["value"]) if answer.is_success else answer.status_code) == outcome
    assert len((await sim.spf("GET", f"Jobs?$filter=ID eq guid'{second}'")).json()["value"]) == 1


@pytest.mark.parametrize(
    ("position", "outcome"),
    [("works", ["baseline"]), ("ignored", None), ("empty", []), ("400", 400), ("404", 404), ("500", 500), ("501", 501)],
)
async def test_spf_expand(sim: Sim, position: str, outcome: object) -> None:
    sim.world.switches.set("spf_expand", position)
    answer = await sim.spf("GET", "VirtualMachines?$filter=Name eq 'web01'&$expand=VMCheckpoints")
    if not answer.is_success:
        assert answer.status_code == outcome
        return
    points = answer.json()["value"][0].get("VMCheckpoints")
    assert (None if points is None else [point["Name"] for point in points]) == outcome
    assert len((await sim.spf("GET", "VMCheckPoints")).json()["value"]) == 2


@pytest.mark.parametrize("position", ["works", "400"])
@pytest.mark.parametrize("entities", ["VirtualMachines", "VMCheckPoints"])
async def test_spf_select(sim: Sim, position: str, entities: str) -> None:
    sim.world.switches.set("spf_select", position)
    answer = await sim.spf("GET", f"{entities}?$select=ID,Name")
    if position == "works":
        assert set(answer.json()["value"][0]) == {"ID", "Name"}
    assert answer.is_success is (position == "works")


@pytest.mark.parametrize("position", ["off", "absolute", "relative"])
@pytest.mark.parametrize("accept", ["application/json", "application/json;odata=verbose"])
async def test_spf_paging(sim: Sim, position: str, accept: str) -> None:
    sim.world.populate(spf=5)
    sim.world.switches.update({"spf_paging": position, "spf_page_size": 2})
    path, names, pages = "VirtualMachines?$select=Name", [], 0
    while path:
        document = (await sim.spf("GET", path, accept=accept)).json()
        pages += 1
        page = document.get("d", document)
        names += [vm["Name"] for vm in page.get("results", page.get("value"))]
        path = page.get("__next", page.get("odata.nextLink", ""))
        if path:
            assert path.startswith("https://") is (position == "absolute")
    assert names == [f"spf00{number}" for number in range(1, 6)]
    assert pages == (1 if position == "off" else 3)


@pytest.mark.parametrize("works", [True, False])
async def test_spf_patch_and_tunnel(sim: Sim, works: bool) -> None:
    sim.world.switches.update({"spf_patch": works, "spf_tunnel": works})
    key = sim.key(sim.world.vm("web01").checkpoints[0].id)
    patched = await sim.spf("PATCH", key, json={"Name": "patched"})
    assert patched.status_code == (204 if works else 501)
    tunnelled = await sim.spf("POST", key, json={"Name": "tunnelled"}, headers={"X-HTTP-Method": "MERGE"})
    assert tunnelled.status_code == (204 if works else 405)
    assert sim.world.vm("web01").checkpoints[0].name == ("tunnelled" if works else "baseline")


@pytest.mark.parametrize("position", ["required", "ignored"])
async def test_spf_principal_id(sim: Sim, position: str) -> None:
    sim.world.switches.set("spf_principal_id", position)
    without = {"x-ms-principal-id": ""}
    direct = await sim.spf("GET", "Clouds", headers=without)
    assert direct.status_code == (400 if position == "required" else 200)
    assert (await sim.spf("GET", "Clouds", headers=without, root=sim.wap_root)).status_code == 200
    admin = "/SC2012R2/VMM/Microsoft.Management.Odata.svc"
    assert (await sim.spf("GET", "Clouds", headers=without, root=admin)).status_code == 200


@pytest.mark.parametrize("status", [400, 409, 500])
async def test_spf_vmm_errors_may_come_at_once(sim: Sim, status: int) -> None:
    sim.world.switches.update({"spf_vmm_errors": "sync", "spf_sync_error_status": status})
    await sim.http.post("/_control/vm/spf/web01/job", json={"seconds": 30})
    answer = await sim.create(sim.world.vm("web01"))
    assert answer.status_code == status
    assert "2602" in answer.json()["odata.error"]["message"]["value"]
    assert len(sim.world.vm("web01").checkpoints) == 1


@pytest.mark.parametrize(("position", "status"), [("accepted", 204), ("refused", 400)])
async def test_spf_set_action(sim: Sim, position: str, status: int) -> None:
    sim.world.switches.set("spf_set_action", position)
    key = sim.key(sim.world.vm("web01").checkpoints[0].id)
    assert (await sim.spf("MERGE", key, json={"VMCheckPointAction": "Set", "Name": "x"})).status_code == status


@pytest.mark.parametrize(
    ("position", "offered"),
    [("basic", ["Basic"]), ("Negotiate, NTLM,basic", ["Negotiate", "NTLM", "Basic"]), ("nothing", [])],
)
async def test_spf_offers(sim: Sim, position: str, offered: list[str]) -> None:
    """Whether NTLM is taken shows over connections only: tests/contract/sign_in, spf_bindings= and the like."""
    sim.world.switches.set("spf_offers", position)
    refused = await sim.http.get(f"{sim.wap_root}/Clouds")
    assert [each.partition(" ")[0] for each in refused.headers.get_list("www-authenticate")] == offered
    known = sim.world.credentials
    answer = await sim.http.get(f"{sim.wap_root}/Clouds", auth=(known.spf_username, known.spf_password))
    assert answer.status_code == (200 if "Basic" in offered else 401)
    with pytest.raises(ValueError, match="spf_offers"):
        sim.world.switches.set("spf_offers", "digest")


@pytest.mark.parametrize("bindings", ["accepted", "required"])
@pytest.mark.parametrize("persistent", [True, False])
async def test_ntlm_belongs_to_its_connection(sim: Sim, bindings: str, persistent: bool) -> None:
    for name, position in (
        ("spf_offers", "ntlm"),
        ("spf_bindings", bindings),
        ("spf_persistent_auth", persistent),
    ):
        sim.world.switches.set(name, position)
    known = sim.world.credentials
    pem = trustme.CA().issue_cert("localhost").cert_chain_pems[0].bytes().decode()
    connection = Connection(certificate_der(pem))
    context = spnego.client(
        known.spf_username,
        known.spf_password,
        hostname="localhost",
        protocol="ntlm",
        channel_bindings=_bindings(connection.certificate) if bindings == "required" else None,
    )
    signed = [_leg(sim, connection, context.step())]
    challenge = dict(signed[0][1])["WWW-Authenticate"].split()[1]
    signed.append(_leg(sim, connection, context.step(base64.b64decode(challenge))))
    assert [status for status, _headers in signed] == [401, None]
    assert dict(signed[1][1])["Persistent-Auth"] == str(persistent).lower()
    assert _leg(sim, connection, None)[0] == (None if persistent else 401)
    assert _leg(sim, Connection(), None)[0] == 401


def _leg(sim: Sim, connection: Connection, token: bytes | None) -> tuple[int | None, list[tuple[str, str]]]:
    headers = {"host": "localhost:443"}
    if token is not None:
        headers["authorization"] = f"NTLM {base64.b64encode(token).decode()}"
    refused, more = refused_entry(Call("GET", "/", headers, connection=connection), sim.world)
    return (refused.status, refused.headers) if refused else (None, more)


def _bindings(certificate: bytes) -> GssChannelBindings:
    return GssChannelBindings(application_data=b"tls-server-end-point:" + hashlib.sha256(certificate).digest())


@pytest.mark.parametrize("seconds", [0, 17])
async def test_arc_retry_after(sim: Sim, seconds: int) -> None:
    sim.world.switches.set("arc_retry_after", seconds)
    accepted = await sim.act("createCheckpoint", {"name": "x"})
    polled = await sim.arm("GET", accepted.headers["location"])
    for answer in (accepted, polled):
        assert answer.headers.get("retry-after") == (str(seconds) if seconds else None)


@pytest.mark.parametrize("position", ["both", "location", "azure-asyncoperation"])
async def test_arc_polling_headers(sim: Sim, position: str) -> None:
    sim.world.switches.set("arc_polling_headers", position)
    answer = await sim.act("createCheckpoint", {})
    found = {name for name in ("location", "azure-asyncoperation") if name in answer.headers}
    assert found == ({"location", "azure-asyncoperation"} if position == "both" else {position})


@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("status", [200, 202])
async def test_arc_new_location_and_running_status(sim: Sim, fresh: bool, status: int) -> None:
    sim.world.switches.update({"arc_new_location": fresh, "arc_poll_running_status": status})
    accepted = await sim.act("createCheckpoint", {})
    await trio.sleep(1)
    polled = await sim.arm("GET", accepted.headers["location"])
    assert (polled.status_code, polled.json()["status"]) == (status, "Accepted")
    if status == 202:
        assert polled.headers["location"] != accepted.headers["location"]
        assert ("/locations/eastus/" in polled.headers["location"]) is fresh
        assert (await sim.arm("GET", polled.headers["location"])).status_code == 202
    await trio.sleep(4)
    assert (await sim.arm("GET", accepted.headers["location"])).json()["status"] == "Succeeded"


@pytest.mark.parametrize(("position", "on_action", "on_patch"), [("recorded", 0, 1), ("always", 1, 1), ("never", 0, 0)])
async def test_arc_error_member(sim: Sim, position: str, on_action: int, on_patch: int) -> None:
    sim.world.switches.set("arc_error_member", position)
    action = await sim.finished(await sim.act("createCheckpoint", {}))
    patch = await sim.finished(await sim.arm("PATCH", sim.instance(), json={"properties": {}}))
    assert ("error" in action, "error" in patch) == (on_action, on_patch)
    assert action.get("error", {}) == {}


@pytest.mark.parametrize(("position", "content"), [("null", b"null"), ("empty", b"")])
async def test_arc_action_body(sim: Sim, position: str, content: bytes) -> None:
    sim.world.switches.set("arc_action_body", position)
    assert (await sim.act("start", {})).content == content


async def test_arc_stale_list(sim: Sim) -> None:
    sim.world.switches.set("arc_stale_seconds", 20)
    status = await sim.finished(await sim.act("createCheckpoint", {"name": "new"}))
    assert status["status"] == "Succeeded"
    stale = await sim.profile()
    assert [point["name"] for point in stale["checkpoints"]] == ["baseline"]
    assert stale["lastRestoredVMCheckpoint"]["name"] == "baseline"
    await trio.sleep(20)
    assert [point["name"] for point in (await sim.profile())["checkpoints"]] == ["baseline", "new"]


@pytest.mark.parametrize("listed", [True, False])
async def test_arc_lists_running_create(sim: Sim, listed: bool) -> None:
    sim.world.switches.set("arc_lists_running_create", listed)
    accepted = await sim.act("createCheckpoint", {"name": "new"})
    early = (await sim.profile())["checkpoints"]
    assert ("new" in {point["name"] for point in early}) is listed
    await sim.finished(accepted)
    late = (await sim.profile())["checkpoints"]
    assert late[-1]["name"] == "new"
    if listed:
        assert late == early


@pytest.mark.parametrize("refusals", ["fails", "400"])
@pytest.mark.parametrize("position", ["allowed", "refused"])
async def test_arc_duplicate_name(sim: Sim, position: str, refusals: str) -> None:
    sim.world.switches.update({"arc_duplicate_name": position, "arc_refusals": refusals})
    answer = await sim.act("createCheckpoint", {"name": "baseline"})
    if position == "refused" and refusals == "400":
        assert answer.status_code == 400
        return
    assert (await sim.finished(answer))["status"] == ("Succeeded" if position == "allowed" else "Failed")


@pytest.mark.parametrize("position", ["succeeds", "fails", "404"])
async def test_arc_delete_unknown(sim: Sim, position: str) -> None:
    sim.world.switches.set("arc_delete_unknown", position)
    answer = await sim.act("deleteCheckpoint", {"id": "B6F0B2D7-3E0B-4A43-A6B6-000000000001"})
    if position == "404":
        assert answer.status_code == 404
        return
    assert (await sim.finished(answer))["status"] == ("Succeeded" if position == "succeeds" else "Failed")
    assert len((await sim.profile())["checkpoints"]) == 1


@pytest.mark.parametrize("position", ["fails", "400"])
async def test_arc_bad_id(sim: Sim, position: str) -> None:
    sim.world.switches.set("arc_bad_id", position)
    answer = await sim.act("restoreCheckpoint", {"id": "no id at all"})
    if position == "400":
        assert answer.status_code == 400
        return
    failed = await sim.finished(answer)
    assert failed["status"] == "Failed"
    assert failed["error"]["code"] == "CheckpointNotFound"


@pytest.mark.parametrize("refusals", ["fails", "400"])
@pytest.mark.parametrize("position", ["allowed", "fails"])
async def test_arc_restore_running(sim: Sim, position: str, refusals: str) -> None:
    sim.world.switches.update({"arc_restore_running": position, "arc_refusals": refusals})
    point = sim.world.vm("app01").checkpoints[0].checkpoint_id
    answer = await sim.act("restoreCheckpoint", {"id": point})
    if position == "fails" and refusals == "400":
        assert answer.status_code == 400
        return
    assert (await sim.finished(answer))["status"] == ("Succeeded" if position == "allowed" else "Failed")


@pytest.mark.parametrize("position", ["409", "fails"])
async def test_arc_concurrent(sim: Sim, position: str) -> None:
    sim.world.switches.set("arc_concurrent", position)
    first = await sim.act("createCheckpoint", {"name": "first"})
    second = await sim.act("createCheckpoint", {"name": "second"})
    if position == "409":
        assert second.status_code == 409
    else:
        assert (await sim.finished(second))["status"] == "Failed"
    assert (await sim.finished(first))["status"] == "Succeeded"
    assert [point["name"] for point in (await sim.profile())["checkpoints"]] == ["baseline", "first"]


@pytest.mark.parametrize("position", ["fails", "400"])
async def test_arc_refusals(sim: Sim, position: str) -> None:
    sim.world.switches.update({"arc_refusals": position, "max_checkpoints": 1})
    answer: httpx.Response = await sim.act("createCheckpoint", {"name": "one too many"})
    if position == "400":
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "CheckpointLimit")
    else:
        assert (await sim.finished(answer))["error"]["code"] == "CheckpointLimit"


@pytest.mark.parametrize("position", ["upper", "lower"])
async def test_arc_id_case(sim: Sim, position: str) -> None:
    sim.world.switches.set("arc_id_case", position)
    shown = (await sim.profile())["checkpoints"][0]
    for name in ("checkpointID", "parentCheckpointID"):
        assert shown[name] == getattr(shown[name], position)()
    assert (await sim.finished(await sim.act("deleteCheckpoint", {"id": shown["checkpointID"]})))[
        "status"
    ] == "Succeeded"


@pytest.mark.parametrize("length", [1000, 4096, 8000])
async def test_arc_status_url_bytes(sim: Sim, length: int) -> None:
    sim.world.switches.set("arc_status_url_bytes", length)
    url = (await sim.act("start", {})).headers["location"]
    assert len(url.removeprefix("https://simulator.test")) == length
    assert (await sim.arm("GET", url)).status_code == 202


async def test_arc_status_lifetime(sim: Sim) -> None:
    sim.world.switches.set("arc_status_lifetime", 30)
    url = (await sim.act("start", {})).headers["location"]
    await trio.sleep(30)
    assert (await sim.arm("GET", url)).status_code == 200
    await trio.sleep(5)
    assert (await sim.arm("GET", url)).status_code == 404


@pytest.mark.parametrize("position", ["Succeeded", "Updating"])
async def test_arc_provisioning_during(sim: Sim, position: str) -> None:
    sim.world.switches.set("arc_provisioning_during", position)
    accepted = await sim.act("createCheckpoint", {})
    assert (await sim.arm("GET", sim.instance())).json()["properties"]["provisioningState"] == position
    await sim.finished(accepted)
    assert (await sim.arm("GET", sim.instance())).json()["properties"]["provisioningState"] == "Succeeded"


@pytest.mark.parametrize("size", [0, 2])
async def test_arc_page_size(sim: Sim, size: int) -> None:
    sim.world.switches.set("arc_page_size", size)
    url = f"/subscriptions/{sim.world.arc.subscription_id}/providers/Microsoft.HybridCompute/machines"
    names, pages = [], 0
    while url:
        document = (await sim.arm("GET", url)).json()
        pages += 1
        names += [machine["name"] for machine in document["value"]]
        url = document.get("nextLink", "")
    assert (sorted(names), pages) == (["app01", "app02", "bare01", "vsphere01"], 2 if size else 1)


async def test_token_lifetime_and_scope(sim: Sim) -> None:
    sim.world.switches.set("token_lifetime", 60)
    sim.token = sim.world.issue_token()
    assert (await sim.arm("GET", sim.instance())).status_code == 200
    await trio.sleep(61)
    assert (await sim.arm("GET", sim.instance())).json()["error"]["code"] == "ExpiredAuthenticationToken"
    sim.token = sim.world.issue_token("https://graph.microsoft.com/")
    assert (await sim.arm("GET", sim.instance())).status_code == 401
    sim.world.switches.set("token_checks_scope", False)
    assert (await sim.arm("GET", sim.instance())).status_code == 200
