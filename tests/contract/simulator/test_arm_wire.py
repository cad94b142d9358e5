# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARM's and ScVmm's wire: scopes, versions, errors, operations, sign-in."""

from __future__ import annotations

from typing import Any

import pytest
import trio

from .support import Sim

pytestmark = pytest.mark.anyio


async def test_missing_things_are_missed_in_arms_words(sim: Sim) -> None:
    uri = sim.world.vm("app01").resource_uri or ""
    absent = uri.replace("app01", "absent")
    for target, code in (
        (f"{absent}/providers/Microsoft.ScVmm/virtualMachineInstances/default", "ResourceNotFound"),
        (absent, "ResourceNotFound"),
        (uri.replace("rg-hybrid", "rg-absent"), "ResourceGroupNotFound"),
        (uri.replace(sim.world.arc.subscription_id, "00000000-0000-0000-0000-000000000001"), "SubscriptionNotFound"),
        (sim.instance().replace("app01", "bare01"), "ResourceNotFound"),
        (sim.instance().replace("default", "other"), "ResourceNotFound"),
    ):
        answer = await sim.arm("GET", target)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, code), target
        assert answer.headers["x-ms-failure-cause"] == "gateway"
        posted = await sim.arm("POST", f"{target}/createCheckpoint", json={})
        assert posted.status_code in {404, 405}
    message = (await sim.arm("GET", absent)).json()["error"]["message"]
    assert message.startswith("The Resource 'Microsoft.HybridCompute/machines/absent' under resource group 'rg-hybrid'")


async def test_ids_have_no_case_and_a_double_slash_is_one(sim: Sim) -> None:
    url = f"https://simulator.test/{sim.instance().upper()}?api-version=2023-10-07"
    assert "//SUBSCRIPTIONS/" in url
    assert (await sim.arm("GET", url)).status_code == 200


@pytest.mark.parametrize(
    ("version", "status", "code"),
    [
        ("2023-10-07", 200, None),
        ("2024-06-01", 200, None),
        ("2025-03-13", 200, None),
        ("2023-04-01-preview", 200, None),
        (None, 400, "MissingApiVersionParameter"),
        ("latest", 400, "InvalidApiVersionParameter"),
        ("2019-01-01", 400, "NoRegisteredProviderFound"),
    ],
)
async def test_versions(sim: Sim, version: str | None, status: int, code: str | None) -> None:
    answer = await sim.arm("GET", sim.instance(), version=version)
    assert answer.status_code == status
    assert code is None or answer.json()["error"]["code"] == code


async def test_a_status_url_is_taken_byte_for_byte(sim: Sim) -> None:
    url = (await sim.act("createCheckpoint", {})).headers["location"]
    assert "*" in url
    assert (await sim.arm("GET", url)).status_code == 202
    swapped = url.replace("&t=", "&T=")
    for spoilt in (url[:-1], url.replace("*", "%2A"), url + "&x=1", swapped, url.replace("2024-06-01", "2023-10-07")):
        answer = await sim.arm("GET", spoilt)
        assert answer.status_code == 403, spoilt
    anonymous = await sim.http.get(url)
    assert anonymous.status_code == 401


async def test_an_operations_life(sim: Sim) -> None:
    accepted = await sim.act("createCheckpoint", {"name": "new"})
    assert (accepted.status_code, accepted.content) == (202, b"null")
    assert accepted.headers["location"] == accepted.headers["azure-asyncoperation"]
    words = []
    for _second in range(5):
        words.append((await sim.arm("GET", accepted.headers["location"])).json()["status"])
        await trio.sleep(1)
    assert words == ["Accepted", "Accepted", "InProgress", "InProgress", "Succeeded"]
    assert (await sim.profile())["lastRestoredVMCheckpoint"]["name"] == "new"


async def test_a_machine_stays_when_its_instance_goes(sim: Sim) -> None:
    target, uri = sim.instance(), sim.world.vm("app01").resource_uri or ""
    accepted = await sim.arm("DELETE", f"{target}?deleteFromHost=true")
    assert (await sim.finished(accepted))["status"] == "Succeeded"
    assert (await sim.arm("GET", target)).status_code == 404
    assert (await sim.arm("GET", uri)).json()["kind"] == "SCVMM"
    assert (await sim.arm("DELETE", target)).status_code == 204
    created = await sim.arm("PUT", target, json={"extendedLocation": {}, "properties": {}})
    assert created.status_code == 201
    assert created.json()["properties"]["provisioningState"] == "Accepted"
    await sim.finished(created)
    shown = (await sim.arm("GET", target)).json()["properties"]
    assert (shown["provisioningState"], shown["infrastructureProfile"]["checkpoints"]) == ("Succeeded", [])
    assert shown["infrastructureProfile"]["lastRestoredVMCheckpoint"] == {}


async def test_secrets_of_a_put_never_come_back(sim: Sim) -> None:
    body = {"extendedLocation": {}, "properties": {"osProfile": {"adminPassword": "hunter2", "computerName": "c"}}}
    answer = await sim.arm("PUT", sim.instance("app01"), json=body)
    assert "hunter2" not in answer.text
    assert "hunter2" not in (await sim.http.get("/_control/journal")).text


async def test_power(sim: Sim) -> None:
    async def state() -> Any:
        return (await sim.arm("GET", sim.instance())).json()["properties"]["powerState"]

    for action, body, expected in (
        ("stop", {"skipShutdown": "true"}, "Stopped"),
        ("start", {}, "Running"),
        ("start", {}, "Running"),  # of a running VM: recorded to succeed
        ("restart", {}, "Running"),
        ("stop", {}, "Stopped"),
    ):
        assert (await sim.finished(await sim.act(action, body)))["status"] == "Succeeded"
        assert await state() == expected
    assert (await sim.act("stop", {"skipShutdown": True})).status_code == 400


async def test_bodies_that_are_none(sim: Sim) -> None:
    for action in ("createCheckpoint", "restoreCheckpoint", "deleteCheckpoint", "stop"):
        assert (await sim.arm("POST", f"{sim.instance()}/{action}")).status_code == 400
        assert (await sim.arm("POST", f"{sim.instance()}/{action}", content="[]")).status_code == 400
        assert (await sim.arm("POST", f"{sim.instance()}/{action}", content="{")).status_code == 400
    assert (await sim.arm("PUT", sim.instance(), json={})).status_code == 400
    assert (await sim.arm("POST", f"{sim.instance()}/start")).status_code == 202
    assert (await sim.arm("POST", f"{sim.instance()}/explode", json={})).status_code == 404
    assert (await sim.arm("GET", f"{sim.instance()}/start")).status_code == 405
    assert (await sim.arm("POST", sim.instance(), json={})).status_code == 405


async def test_etag_changes_with_every_write(sim: Sim) -> None:
    before = (await sim.arm("GET", sim.instance())).headers["etag"]
    assert (await sim.arm("GET", sim.instance())).headers["etag"] == before
    await sim.finished(await sim.act("createCheckpoint", {}))
    assert (await sim.arm("GET", sim.instance())).headers["etag"] != before


async def test_disks_become_differencing_and_are_renamed(sim: Sim) -> None:
    async def disk() -> dict[str, Any]:
        properties = (await sim.arm("GET", sim.instance())).json()["properties"]
        first: dict[str, Any] = properties["storageProfile"]["disks"][0]
        return first

    point = sim.world.vm("app01").checkpoints[0].checkpoint_id
    before = await disk()
    assert before["vhdType"] == "Differencing"
    await sim.finished(await sim.act("restoreCheckpoint", {"id": point}))
    restored = await disk()
    assert restored["diskId"] != before["diskId"]
    await sim.finished(await sim.act("deleteCheckpoint", {"id": point}))
    assert (await disk())["vhdType"] == "Dynamic"


async def test_correlation(sim: Sim) -> None:
    headers = {
        "x-ms-client-request-id": "c1",
        "x-ms-return-client-request-id": "true",
        "x-ms-correlation-request-id": "k1",
    }
    answer = await sim.arm("GET", sim.instance(), headers=headers)
    assert answer.headers["x-ms-client-request-id"] == "c1"
    assert answer.headers["x-ms-correlation-request-id"] == "k1"
    assert answer.headers["x-ms-request-id"] == "00000000-0000-0000-0000-000000000000"
    assert "x-ms-ratelimit-remaining-subscription-reads" in answer.headers


async def test_arm_wants_a_good_token(sim: Sim) -> None:
    for value in (None, "Bearer", "Bearer wrong", "Basic eDp5"):
        headers = {"Authorization": value} if value else {}
        answer = await sim.http.get(f"{sim.instance()}?api-version=2024-06-01", headers=headers)
        assert answer.status_code == 401
        assert "authorization_uri=" in answer.headers["www-authenticate"]
        assert answer.json()["error"]["code"]


async def test_rights_in_arm(sim: Sim) -> None:
    target = sim.instance()
    await sim.http.post("/_control/rights", json={"service": "scvmm", "rights": "view"})
    assert (await sim.arm("GET", target)).status_code == 200
    refused = await sim.act("createCheckpoint", {})
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")
    assert "createCheckpoint/action" in refused.json()["error"]["message"]
    await sim.http.post("/_control/rights", json={"service": "scvmm", "rights": "none"})
    assert (await sim.arm("GET", target)).status_code == 403
    machine = sim.world.vm("app01").resource_uri or ""
    assert (await sim.arm("GET", machine)).status_code == 403


async def test_lists(sim: Sim) -> None:
    subscription, group = sim.world.arc.subscription_id, sim.world.arc.resource_group
    for scope in (f"/subscriptions/{subscription}", f"/subscriptions/{subscription}/resourceGroups/{group}"):
        listed = (await sim.arm("GET", f"{scope}/providers/Microsoft.HybridCompute/machines")).json()["value"]
        assert {machine["name"]: machine.get("kind") for machine in listed} == {
            "app01": "SCVMM",
            "app02": "SCVMM",
            "bare01": None,
            "vsphere01": "VMware",
        }
    instances = sim.instance().removesuffix("/default")
    assert len((await sim.arm("GET", instances)).json()["value"]) == 1
    assert (await sim.arm("GET", instances.replace("app01", "bare01"))).json() == {"value": []}
    assert (await sim.arm("GET", "/subscriptions")).json()["value"][0]["subscriptionId"] == subscription
    assert (await sim.arm("GET", f"/subscriptions/{subscription}")).json()["state"] == "Enabled"
    assert (await sim.arm("GET", "/tenants")).json()["value"][0]["tenantId"] == sim.world.credentials.tenant
    groups = (await sim.arm("GET", f"/subscriptions/{subscription}/resourcegroups")).json()["value"]
    assert {each["name"] for each in groups} == {group, sim.world.azure.resource_group}


async def test_tokens(sim: Sim) -> None:
    known = sim.world.credentials
    good = {
        "grant_type": "client_credentials",
        "client_id": known.client_id,
        "client_secret": known.secret,
        "scope": "https://management.azure.com/.default",
    }
    url = f"/{known.tenant}/oauth2/v2.0/token"
    answer = await sim.http.post(url, data=good)
    assert (answer.status_code, answer.json()["expires_in"]) == (200, 3599)
    sim.token = answer.json()["access_token"]
    assert (await sim.arm("GET", sim.instance())).status_code == 200
    for change, status, error, number in (
        ({"client_secret": "wrong"}, 401, "invalid_client", 7000215),
        ({"client_secret": None}, 401, "invalid_client", 7000218),
        ({"client_id": "nobody"}, 400, "unauthorized_client", 700016),
        ({"grant_type": "password"}, 400, "unsupported_grant_type", 70003),
        ({"scope": "https://management.azure.com/"}, 400, "invalid_scope", 1002012),
    ):
        form = {name: value for name, value in {**good, **change}.items() if value is not None}
        refused = await sim.http.post(url, data=form)
        assert (refused.status_code, refused.json()["error"]) == (status, error)
        assert refused.json()["error_codes"] == [number]
        assert refused.json()["error_description"].startswith(f"AADSTS{number}: ")
    absent = await sim.http.post("/00000000-0000-0000-0000-000000000001/oauth2/v2.0/token", data=good)
    assert absent.json()["error_codes"] == [90002]
    assert (await sim.http.get(url)).status_code == 400


async def test_discovery(sim: Sim) -> None:
    tenant = sim.world.credentials.tenant
    configuration = (await sim.http.get(f"/{tenant}/v2.0/.well-known/openid-configuration")).json()
    assert configuration["token_endpoint"] == f"https://simulator.test/{tenant}/oauth2/v2.0/token"
    clouds = (await sim.http.get("/metadata/endpoints?api-version=2019-05-01")).json()
    cloud = (await sim.http.get("/metadata/endpoints?api-version=2022-09-01")).json()
    assert clouds == [cloud]
    assert cloud["resourceManager"] == "https://simulator.test/"
    assert cloud["authentication"]["audiences"][0] == "https://simulator.test/"
    instance = (await sim.http.get("/common/discovery/instance?api-version=1.1")).json()
    assert instance["tenant_discovery_endpoint"].startswith("https://simulator.test/")
    assert (await sim.http.get("/nothing/here")).status_code == 404


@pytest.mark.parametrize("token", ["x", "-1", "1.5"])
async def test_a_page_that_nobody_was_sent_to(sim: Sim, token: str) -> None:
    path = f"/subscriptions/{sim.world.arc.subscription_id}/providers/Microsoft.HybridCompute/machines"
    answer = await sim.arm("GET", f"{path}?$skipToken={token}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "InvalidParameter")


async def test_the_answer_to_an_action_carries_the_etag(sim: Sim) -> None:
    for position in (True, False):
        sim.world.switches.set("arc_action_etag", position)
        answer = await sim.act("createCheckpoint", {"name": f"etag {position}"})
        assert ("etag" in answer.headers) is position
        await sim.finished(answer)
