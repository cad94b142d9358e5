# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripted faults, the control API, the journal."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import trio

from simulator.ready import facts
from simulator.wire.faults import KINDS, Fault
from simulator.world import World

from .support import START, Sim, open_sim

pytestmark = pytest.mark.anyio
LIST = "VMCheckPoints"


async def fault(sim: Sim, **given: Any) -> None:
    answer = await sim.http.post("/_control/faults", json=given)
    assert answer.status_code == 201, answer.text


async def test_a_status_instead_of_the_service(sim: Sim) -> None:
    await fault(sim, kind="status", status=429, headers={"Retry-After": "17"}, body={"error": {"code": "TooMany"}})
    answer = await sim.create(sim.world.vm("web01"))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "17")
    assert answer.json()["error"]["code"] == "TooMany"
    assert len(sim.world.vm("web01").checkpoints) == 1
    assert (await sim.create(sim.world.vm("web01"))).status_code == 201


async def test_which_requests_a_fault_meets(sim: Sim) -> None:
    await fault(sim, kind="status", method="GET|HEAD", path=r"/vmcheckpoints\?", nth=2, count=2, status=500)
    statuses = [(await sim.spf("GET", f"{LIST}?$top=1")).status_code for _time in range(4)]
    assert statuses == [200, 500, 500, 200]
    await sim.http.delete("/_control/faults")
    await fault(sim, kind="status", path="Clouds", count=None, status=502)
    assert [(await sim.spf("GET", "Clouds")).status_code for _time in range(3)] == [502] * 3
    assert (await sim.spf("GET", LIST)).status_code == 200


async def test_a_lost_request_did_nothing_and_a_lost_answer_did_all(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    await fault(sim, kind="lose_request", method="POST")
    with pytest.raises(httpx.RemoteProtocolError):
        await sim.create(vm)
    assert len(vm.checkpoints) == 1
    await fault(sim, kind="lose_answer", method="POST", exception="ReadTimeout")
    with pytest.raises(httpx.ReadTimeout):
        await sim.create(vm, "nobody heard of it")
    assert [point.name for point in vm.checkpoints] == ["baseline", "nobody heard of it"]
    counters = (await sim.http.get("/_control/counters")).json()
    assert (counters["writes"], counters["writes_handled"]) == (2, 1)
    journal = (await sim.http.get("/_control/journal")).json()
    assert [(entry["status"], entry["fault"]) for entry in journal] == [(None, "lose_request"), (None, "lose_answer")]


async def test_answers_that_were_spoilt(sim: Sim) -> None:
    await fault(sim, kind="reset_body")
    with pytest.raises(httpx.RemoteProtocolError):
        await sim.spf("GET", LIST)
    await fault(sim, kind="truncate")
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        (await sim.spf("GET", LIST)).json()
    await fault(sim, kind="html", status=502)
    html = await sim.spf("GET", LIST)
    assert (html.status_code, html.headers["content-type"]) == (502, "text/html")
    await fault(sim, kind="replace", body={"value": [{"ID": 7}]})
    assert (await sim.spf("GET", LIST)).json() == {"value": [{"ID": 7}]}
    await fault(sim, kind="oversize", size=1_000_000)
    assert len((await sim.spf("GET", LIST)).content) > 1_000_000
    await fault(sim, kind="headers", headers={"Content-Type": "text/plain", "Server": ""})
    answer = await sim.spf("GET", LIST)
    assert answer.headers["content-type"] == "text/plain"
    assert "server" not in answer.headers
    await fault(sim, kind="redirect", location="https://elsewhere.example/x")
    redirected = await sim.spf("GET", LIST)
    assert (redirected.status_code, redirected.headers["location"]) == (307, "https://elsewhere.example/x")
    await fault(sim, kind="status_after", status=503)
    vm = sim.world.vm("web01")
    assert (await sim.create(vm)).status_code == 503
    assert len(vm.checkpoints) == 2


async def test_delay_is_simulated_time(sim: Sim) -> None:
    await fault(sim, kind="delay", seconds=90)
    assert (await sim.spf("GET", LIST)).status_code == 200
    assert trio.current_time() == 90


async def test_a_chooser_may_stand_in_for_the_script(sim: Sim) -> None:
    sim.world.faults.chooser = lambda call: Fault("status", status=418) if call.method == "DELETE" else None
    assert (await sim.spf("DELETE", LIST)).status_code == 418
    assert (await sim.spf("GET", LIST)).status_code == 200


async def test_faults_refuse_nonsense(sim: Sim) -> None:
    for given in ({"kind": "gremlin"}, {"kind": "status", "colour": "red"}, {}):
        assert (await sim.http.post("/_control/faults", json=given)).status_code == 400
    several = {"faults": [{"kind": kind, "path": "nowhere"} for kind in KINDS]}
    assert len((await sim.http.post("/_control/faults", json=several)).json()) == len(KINDS)
    assert len((await sim.http.get("/_control/faults")).json()) == len(KINDS)


async def test_the_journal_never_shows_a_secret(sim: Sim) -> None:
    known = sim.world.credentials
    form = {"grant_type": "client_credentials", "client_id": known.client_id, "client_secret": known.secret}
    scope = {"scope": "https://management.azure.com/.default"}
    token = (await sim.http.post(f"/{known.tenant}/oauth2/v2.0/token", data={**form, **scope})).json()["access_token"]
    sim.token = token
    accepted = await sim.act("createCheckpoint", {"name": "visible"})
    await sim.arm("GET", accepted.headers["location"])
    await sim.spf("GET", LIST)
    await sim.http.get(f"{sim.wap_root}/Clouds", headers={"Authorization": f"Bearer {known.spf_token}"})
    await sim.arm(
        "PUT", sim.instance(), json={"extendedLocation": {}, "properties": {"osProfile": {"productKey": "P-K"}}}
    )
    text = (await sim.http.get("/_control/journal")).text
    url = accepted.headers["location"]
    signature = url.partition("&s=")[2].partition("&")[0]
    certificate = url.partition("&c=")[2].partition("&")[0]
    basic = httpx.BasicAuth(known.spf_username, known.spf_password)._auth_header.partition(" ")[2]
    for secret in (known.secret, known.spf_password, known.spf_token, token, signature, certificate, basic, "P-K"):
        assert secret not in text
    assert "visible" in text
    assert "operationStatuses" in text
    hashes = {entry["headers"]["authorization"] for entry in sim.world.journal.as_list() if entry["service"] == "arm"}
    assert len(hashes) == 1
    assert hashes.pop().startswith("Bearer sha256:")


async def test_counters_tell_reads_from_writes(sim: Sim) -> None:
    await sim.spf("GET", LIST)
    await sim.created(sim.world.vm("web01"))
    await sim.finished(await sim.act("start", {}))
    counters = (await sim.http.get("/_control/counters")).json()
    assert counters["writes"] == counters["writes_handled"] == 2
    assert counters["requests"] == counters["reads"] + counters["writes"]
    assert counters["by_method"]["POST"] == 2
    assert set(counters["by_service"]) == {"spf", "arm"}
    await sim.http.delete("/_control/counters")
    assert (await sim.http.get("/_control/counters")).json()["requests"] == 0


@pytest.mark.parametrize("path", ["faults/held", "faults", "reset"])
async def test_a_held_request_waits_until_it_is_let_go(sim: Sim, path: str) -> None:
    await fault(sim, kind="hold", path="Clouds", count=2)
    answers: list[httpx.Response] = []

    async def ask() -> None:
        answers.append(await sim.spf("GET", "Clouds"))

    with trio.fail_after(3600):
        async with trio.open_nursery() as nursery:
            for _each in "12":
                nursery.start_soon(ask)
            await trio.sleep(1800)
            journal = (await sim.http.get("/_control/journal")).json()
            assert ([entry["fault"] for entry in journal], answers) == (["hold", "hold"], [])
            await sim.http.request("POST" if path == "reset" else "DELETE", f"/_control/{path}")
    assert [answer.status_code for answer in answers] == [200, 200]
    await fault(sim, kind="hold", path="VirtualMachines", nth=2)
    await sim.spf("GET", "VirtualMachines")
    assert (await sim.http.delete("/_control/faults/held")).status_code == 204  # nothing is held: nothing happens


async def test_reset_brings_back_the_start(sim: Sim) -> None:
    first = sim.world.dump()
    await sim.created(sim.world.vm("web01"))
    await fault(sim, kind="status")
    await sim.http.post("/_control/switches", json={"spf_paging": "relative"})
    await sim.http.post("/_control/reset")
    again = (await sim.http.get("/_control/world")).json()
    assert [vm["id"] for vm in again["spf"]["vms"]] == [vm["id"] for vm in first["spf"]["vms"]]
    assert again["credentials"] == first["credentials"]
    assert len(again["spf"]["vms"][0]["checkpoints"]) == 1
    assert sim.world.switches.spf_paging == "off"
    assert (await sim.http.get("/_control/counters")).json()["requests"] == 0


async def test_a_dump_can_be_loaded(sim: Sim) -> None:
    await sim.created(sim.world.vm("web01"), "second")
    await sim.http.put("/_control/guest/spf/web01", params={"path": "/etc/new"}, content="x")
    dump = (await sim.http.get("/_control/world")).json()
    other = World(lambda: START, seed="other", document=dump)
    assert other.dump() == dump
    assert (await sim.http.post("/_control/world", json=dump)).json() == dump


async def test_many_vms(sim: Sim) -> None:
    before = sim.world.credentials
    made = (await sim.http.post("/_control/world", json={"spf": 3, "scvmm": 2})).json()
    assert [vm["name"] for vm in made["spf"]["vms"]] == ["spf001", "spf002", "spf003"]
    assert [vm["name"] for vm in made["scvmm"]["vms"]] == ["arc001", "arc002"]
    assert sim.world.credentials == before
    assert (await sim.profile("arc002"))["checkpoints"][0]["name"] == "baseline"


async def test_a_world_without_credentials_keeps_the_old_ones_until_a_reset(sim: Sim) -> None:
    ready = facts(sim.world, "https://simulator.test", None)
    await sim.http.post("/_control/world", json={"spf": {"vms": [{"name": "only"}]}})
    same = facts(sim.world, "https://simulator.test", None)
    assert {**same, "vms": 0, "stored_vms": 0} == {**ready, "vms": 0, "stored_vms": 0}
    assert [vm["name"] for vm in same["vms"]] == ["only"]
    assert (await sim.arm("GET", f"/subscriptions/{sim.world.arc.subscription_id}")).status_code == 200
    await sim.http.post("/_control/world", json={"credentials": {"spf_password": "known"}, "scvmm": {"location": "x"}})
    assert (sim.world.credentials.spf_password, sim.world.arc.location) == ("known", "x")
    assert (await sim.http.post("/_control/world", json={"credentials": {"nonsense": 1}})).status_code == 400
    await sim.http.post("/_control/reset")
    assert facts(sim.world, "https://simulator.test", None) == ready


async def test_guest_files(sim: Sim) -> None:
    url = "/_control/guest/scvmm/app01"
    assert (await sim.http.put(url, params={"path": "/etc/motd"}, content="hello\n")).status_code == 204
    assert (await sim.http.get(url, params={"path": "/etc/motd"})).text == "hello\n"
    assert set((await sim.http.get(url)).json()) == {"/etc/app.conf", "/etc/motd"}
    assert (await sim.http.get(url, params={"path": "/absent"})).status_code == 404
    assert (await sim.http.get("/_control/guest/scvmm/web01")).status_code == 404
    assert (await sim.http.get("/_control/guest/vmware/web01")).status_code == 404
    assert (await sim.http.put(url, content="x")).status_code == 400


async def test_the_clock(sim: Sim) -> None:
    vm = sim.world.vm("web01")
    answer = await sim.create(vm)
    await sim.http.post("/_control/clock", json={"advance": 3600})
    assert (await sim.job(answer.headers["x-ms-request-id"]))["Status"] == "Completed"
    assert trio.current_time() == 0
    assert (await sim.spf("GET", "Clouds")).headers["date"] == "Mon, 21 Sep 2026 15:13:20 GMT"
    await sim.http.post("/_control/clock", json={"scale": 10})
    await sim.done(await sim.create(vm))
    assert trio.current_time() <= 1
    clock = (await sim.http.get("/_control/clock")).json()
    assert (clock["scale"], clock["now"] >= START + 3600) == (10, True)
    nonsense: list[Any] = [{"scale": 0}, {"back": 1}, {"advance": "much"}, []]
    for wrong in nonsense:
        assert (await sim.http.post("/_control/clock", json=wrong)).status_code == 400


async def test_a_vms_state_can_be_set(sim: Sim) -> None:
    change = {"power": "PowerOff", "status": "Missing", "checkpoint_type": "Disabled"}
    assert (await sim.http.post("/_control/vm/spf/web01", json=change)).json()["status"] == "Missing"
    vm = sim.world.vm("web01")
    shown = (await sim.spf("GET", sim.key(vm.id, "VirtualMachines"))).json()
    assert (shown["VirtualMachineState"], shown["Status"]) == ("PowerOff", "Missing")
    await sim.http.post("/_control/vm/spf/web01", json={"status": None})
    assert (await sim.done(await sim.create(vm)))["ErrorInfo"]["Code"] == "CheckpointsDisabled"
    assert (await sim.http.post("/_control/vm/spf/web01", json={"files": {}})).status_code == 400


async def test_a_second_vm_of_the_same_name(sim: Sim) -> None:
    twin = {"service": "spf", "name": "web01", "vm_id": sim.world.vm("web01").vm_id}
    assert (await sim.http.post("/_control/vm", json=twin)).status_code == 201
    listed = (await sim.spf("GET", "VirtualMachines?$filter=Name eq 'web01'")).json()["value"]
    assert len({vm["ID"] for vm in listed}) == 2
    assert len({vm["VMId"] for vm in listed}) == 1
    added = await sim.http.post("/_control/vm", json={"service": "scvmm", "name": "app03"})
    assert added.json()["resource_uri"].endswith("/machines/app03")
    assert (await sim.arm("GET", sim.instance("app03"))).status_code == 200


async def test_control_is_for_loopback_and_for_those_who_make_sense() -> None:
    async with open_sim() as sim:
        from simulator.app import create_app

        outside = httpx.ASGITransport(app=create_app(sim.world), client=("192.0.2.1", 1))
        async with httpx.AsyncClient(transport=outside, base_url="https://simulator.test") as http:
            assert (await http.get("/_control/world")).status_code == 403
        assert (await sim.http.post("/_control/switches", json={"nonsense": 1})).status_code == 400
        assert (await sim.http.post("/_control/rights", json={"service": "spf", "rights": "root"})).status_code == 400
        for service, actions in (("spf", ["Checkpoint"]), ("arm", ["Microsoft.Compute/*/read"])):
            for given in (actions, None):
                answer = await sim.http.post("/_control/rights", json={"service": service, "actions": given})
                assert answer.is_success
                held = sim.world.spf.vmm.rights if service == "spf" else sim.world.arm_actions
                assert held == (frozenset(actions) if given else {"spf": "all", "arm": None}[service])
        assert (await sim.http.post("/_control/failures", json={"service": "spf", "kind": "x"})).status_code == 400
        assert (await sim.http.post("/_control/failures", json={"kind": "create"})).status_code == 404
        plan = {"service": "spf", "kind": "create", "count": 3}
        assert (await sim.http.post("/_control/failures", json=plan)).json() == {"planned": 3}
        assert (await sim.http.delete("/_control/failures")).status_code == 204
        assert sim.world.spf.vmm.planned_failures == []
