# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the services are reached: roots, ways to change and to sign in, tokens that end, clouds that tell where."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import threading
from datetime import UTC, datetime
from functools import partial
from typing import Any
from unittest import mock

import anyio
import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.event_loop import new_event_loop
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import run_task
from tests.contract.checkpoints.scenarios import code, make_lab
from tests.support.lab import HOST, Lab
from tests.support.tasks import TASKS
from tests.support.waiting import HANG

SUBSCRIPTION = "{subscription_id}"
AUTHORITY = {"loginEndpoint": HOST, "audiences": [f"{HOST}/"]}
STRANGER = "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"
ROOTS = {
    "tenant": f"{HOST}/SC2012R2/VMM/{SUBSCRIPTION}/Microsoft.Management.Odata.svc",
    "admin": f"{HOST}/SC2012R2/VMM/Microsoft.Management.Odata.svc",
    "tenant last": f"{HOST}/SC2012R2/VMM/Microsoft.Management.Odata.svc/{SUBSCRIPTION}",
    "portal": f"{HOST}:30005/{SUBSCRIPTION}/services/systemcenter/vmm",
    "portal with a slash": f"{HOST}:30006/{SUBSCRIPTION}/services/systemcenter/vmm/",
    "lower case": f"{HOST}/sc2012r2/vmm/{SUBSCRIPTION}/microsoft.management.odata.svc",
}


@pytest.mark.parametrize("root", ROOTS)
def test_every_form_of_the_root(root: str) -> None:
    lab = make_lab("spf", spf_paging="relative", spf_page_size=1)
    url = ROOTS[root]
    result = lab.run("vm_checkpoint", vm="web01", name="new", spf_url=url)
    assert (code(result), result["changed"]) == (None, True)
    assert result["plan"]["actions"][0]["service"] == url.replace(SUBSCRIPTION, lab.world.spf.subscription_id).rstrip(
        "/"
    )
    written = url.replace(SUBSCRIPTION, lab.world.spf.subscription_id)
    assert lab.run("vm_checkpoint", vm="web01", name="new", spf_url=written)["changed"] is False
    assert code(lab.run("vm_checkpoint", vm="web01", name="new", state="absent", spf_url=url)) is None


def test_the_portals_own_errors() -> None:
    lab = make_lab("spf", spf_errors="wap")
    lab.world.spf.vmm.rights = "view"
    result = lab.run("vm_checkpoint", vm="web01", name="new", spf_url=ROOTS["portal"])
    assert code(result) == "forbidden"
    assert "You do not have permission" in result["msg"]
    assert "<" not in result["msg"]


@pytest.mark.parametrize("method", ["merge", "put", "patch", "post_tunnel"])
def test_every_way_to_change(method: str) -> None:
    """A restore leaves name and description alone, also where the service resets what a PUT leaves out."""
    lab = make_lab("spf", spf_put_resets=True)
    before = lab.state()["web01"]["checkpoints"]
    result = lab.run("vm_checkpoint_restore", vm="web01", name="baseline", spf_update_method=method, power_after="off")
    assert code(result) is None
    assert lab.state()["web01"]["checkpoints"] == before
    assert lab.state()["web01"]["power"] == "PowerOff"
    result = lab.run("vm_checkpoint", vm="web01", name="later", description="described", spf_update_method=method)
    assert (code(result), result["changed"]) == (None, True)
    assert [(point[1], point[2]) for point in lab.state()["web01"]["checkpoints"]] == [
        ("baseline", before[0][2]),
        ("later", "described"),
    ]
    verb = {"merge": "MERGE", "put": "PUT", "patch": "PATCH", "post_tunnel": "POST"}[method]
    assert {request.method for request in lab.sent()} == {verb}
    gone = lab.run("vm_checkpoint", vm="web01", name="later", state="absent", spf_update_method=method)
    assert (code(gone), gone["changed"]) == (None, True)
    assert lab.sent()[-1].method == ("POST" if method == "post_tunnel" else "DELETE")


FILTER = "<!DOCTYPE html><title>404 - File or directory not found.</title><p>at C:\\inetpub"


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [(405, "", {"Allow": "GET, HEAD, POST"}), (501, "no", {}), (404, FILTER, {}), (404, "", {})],
)
@pytest.mark.parametrize(
    ("task", "verb", "remedy"),
    [
        ({"name": "later", "state": "absent"}, "DELETE", "post_tunnel, which covers DELETE too"),
        ({"name": "new"}, "POST", "Have POST let through"),
        ({"name": "later", "description": "described"}, "MERGE", "choose another spf_update_method"),
    ],
)
def test_a_verb_that_something_before_spf_filters_is_reported_as_such(
    status: int, body: str, headers: dict[str, str], task: dict[str, Any], verb: str, remedy: str
) -> None:
    """Neither is the checkpoint missing, nor does it help to choose what the verb has nothing to do with."""
    lab = make_lab("spf")
    before = lab.state()
    lab.world.faults.add(kind="status", body=body, status=status, headers=headers, method=verb, count=None)
    result = lab.run("vm_checkpoint", vm="web01", **task)
    assert (code(result), result["changed"], lab.state()) == ("refused", False, before)
    assert f"{verb} is not let through to SPF ({status}" in result["error"]["message"]
    assert ("it takes GET, HEAD, POST" in result["error"]["message"]) is bool(headers)
    assert remedy in result["error"]["remedy"]
    assert ("spf_update_method" in result["error"]["remedy"]) is True


def test_a_checkpoint_that_spf_itself_does_not_find_is_missing() -> None:
    lab = make_lab("spf")
    body = {"odata.error": {"code": "", "message": {"lang": "en-US", "value": "Resource not found."}}}
    lab.world.faults.add(kind="status", status=404, body=body, method="DELETE", count=None)
    result = lab.run("vm_checkpoint", vm="web01", name="later", state="absent")
    assert (code(result), result["changed"]) == ("not_found", False)


@pytest.mark.parametrize(
    "page", ["http://{host}/{path}", "http://inner.example:8090/{path}", "https://{host}:443/{path}"]
)
def test_next_links_that_tell_what_the_service_thinks_it_is_called(page: str) -> None:
    lab = make_lab("spf", spf_paging="absolute", spf_page_size=1)

    def changed(wire: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        return _Links(wire, page)

    lab.through = changed
    shown = lab.run("vm_checkpoint_info", vm="web01")
    assert (code(shown), [each["name"] for each in shown["checkpoints"]]) == (None, ["baseline", "later"])
    assert {request.url.host for request in lab.requests} == {"simulator.test"}


class _Links(httpx.AsyncBaseTransport):
    """Lets the service tell other names of itself in its next links."""

    def __init__(self, wire: httpx.AsyncBaseTransport, page: str) -> None:
        self._wire, self._page = wire, page

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._wire.handle_async_request(request)
        body = await response.aread()
        if b"odata.nextLink" in body:
            document = json.loads(body)
            path = document["odata.nextLink"].removeprefix(f"{HOST}/")
            document["odata.nextLink"] = self._page.format(host="simulator.test", path=path)
            body = json.dumps(document).encode()
        headers = [(n, v) for n, v in response.headers.raw if n.lower() != b"content-length"]
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)


def test_a_resolver_that_hangs_does_not_outlast_the_deadline() -> None:
    """Nobody can interrupt getaddrinfo(); the task ends all the same, on the loop that modules run on."""
    end = threading.Event()

    def hang(*_args: Any, **_kwargs: Any) -> Any:
        end.wait(HANG)
        raise socket.gaierror(socket.EAI_AGAIN, "later")

    options = {
        **make_lab("spf").connection,
        "spf_url": "https://hangs.example/x.svc",
        "vm": "web01",
        "wait_timeout": "1s",
    }
    world = RunContext({}, lambda: datetime.now(UTC))
    task = partial(run_task, TASKS["vm_checkpoint_info"], options, False, world)
    try:
        with mock.patch.object(socket, "getaddrinfo", hang):
            result = anyio.run(task, backend_options={"loop_factory": new_event_loop})
        assert not end.is_set()
    finally:
        end.set()
    assert code(result) in ("unreachable", "unavailable")
    assert "10s" not in result["msg"]


def test_bearer_for_spf() -> None:
    lab = make_lab("spf")
    token = lab.world.credentials.spf_token
    options: dict[str, Any] = {"spf_auth": "bearer", "spf_token": token, "spf_username": None, "spf_password": None}
    result = lab.run("vm_checkpoint", vm="web01", name="new", **options)
    assert (code(result), result["changed"]) == (None, True)
    assert {request.headers["Authorization"] for request in lab.requests} == {f"Bearer {token}"}
    wrong = lab.run("vm_checkpoint", vm="web01", name="new", **{**options, "spf_token": token[:-1] + "x"})
    assert code(wrong) == "sign_in_refused"
    assert token[:-1] not in str(wrong)


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "X", "message": {"a": ["b", None]}}},
        {"error": "invalid_tenant", "error_description": {"a": True}},
        {"odata.error": {"code": "", "message": {"lang": "en", "value": {"a": ["b"]}}}},
        {"Message": ["a", {"b": "c"}]},
    ],
    ids=str,
)
@pytest.mark.parametrize(("service", "path"), [("spf", "VirtualMachines"), ("scvmm", "machines"), ("scvmm", "oauth2")])
def test_what_a_service_says_in_objects_is_reported_in_words(service: str, path: str, body: Any) -> None:
    lab = make_lab(service)
    lab.world.faults.add(kind="status", status=400, path=path, body=body, count=None)
    result = lab.run("vm_checkpoint_info", vm="web01" if service == "spf" else lab.arm_vm)
    assert code(result) in ("refused", "sign_in_refused")
    assert not re.search(r"[{}\[\]]|None|True", result["msg"].partition(" [request")[0])


def test_basic_is_sent_at_once_and_in_utf_8() -> None:
    lab = make_lab("spf")
    lab.world.credentials.spf_password = "pässwörd:with:colons"
    result = lab.run("vm_checkpoint_info", vm="web01")
    assert code(result) is None
    sent = base64.b64decode(lab.requests[0].headers["Authorization"].partition(" ")[2]).decode()
    assert sent == "svc-ansible:pässwörd:with:colons"
    assert len(lab.requests) == 1


def test_the_principal() -> None:
    lab = make_lab("spf")
    lab.run("vm_checkpoint_info", vm="web01")
    assert {request.headers["x-ms-principal-id"] for request in lab.requests} == {"svc-ansible"}
    lab.requests.clear()
    lab.run("vm_checkpoint_info", vm="web01", spf_principal_id="ops@example.test")
    assert {request.headers["x-ms-principal-id"] for request in lab.requests} == {"ops@example.test"}


def test_a_ready_access_token() -> None:
    lab = make_lab("scvmm")
    token = lab.world.issue_token(f"{HOST}/")
    options: dict[str, Any] = {"access_token": token, "secret": None, "client_id": None, "tenant": None}
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new", **options)
    assert (code(result), result["changed"]) == (None, True)
    assert not [request for request in lab.requests if "/oauth2/" in request.url.path]
    lab.advance(4000)
    late = lab.run("vm_checkpoint", vm=lab.arm_vm, name="newer", **options)
    assert code(late) == "sign_in_refused"
    assert "expir" in late["msg"]
    assert token not in str(late)


@pytest.mark.parametrize("lifetime", [20, 60, 100, 130, 200, 400])
def test_a_token_that_ends_during_the_run(lifetime: int) -> None:
    """Another is fetched before the old one ends; the wait goes on."""
    lab = make_lab("scvmm", token_lifetime=lifetime, create_takes="500s")
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")
    assert (code(result), result["changed"]) == (None, True)
    tokens = [request for request in lab.requests if "/oauth2/" in request.url.path]
    assert 2 <= len(tokens) <= 500 / (0.75 * lifetime) + 2
    assert all(entry.status != 401 for entry in lab.world.journal.entries)


@pytest.mark.parametrize("lifetime", [60, 100, 119, 130])
def test_one_token_serves_a_task_that_ends_before_it(lifetime: int) -> None:
    lab = make_lab("scvmm", token_lifetime=lifetime)
    assert code(lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")) is None
    assert lab.seconds < lifetime / 2
    assert len([request for request in lab.requests if "/oauth2/" in request.url.path]) == 1


def test_a_token_that_is_withdrawn_during_the_run() -> None:
    """A 401 in the middle: signed in anew once, and the write is not lost or sent twice."""
    lab = make_lab("scvmm", create_takes="60s")

    def withdraw() -> None:
        lab.world.tokens.clear()

    lab.before_first(lambda _request: lab.clock() - lab.base > 20, withdraw)
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")
    assert (code(result), result["changed"]) == (None, True)
    assert lab.jobs("create") == 1
    assert sum("/oauth2/" in request.url.path for request in lab.requests) == 2


def test_tokens_go_to_their_own_origin_only() -> None:
    lab = make_lab("scvmm")
    lab.run("vm_checkpoint", vm=lab.arm_vm, name="new")
    for request in lab.requests:
        open_path = "/oauth2/" in request.url.path or "/metadata/" in request.url.path
        assert ("Authorization" in request.headers) is not open_path


def test_a_cloud_tells_of_itself() -> None:
    lab = make_lab("scvmm")
    result = lab.run("vm_checkpoint_info", vm=lab.arm_vm)
    assert code(result) is None
    assert lab.requests[0].url.path == "/metadata/endpoints"
    assert result["vms"][0]["provider"] == "scvmm"
    assert code(lab.run("vm_checkpoint_info", vm=lab.arm_vm, cloud_environment=HOST + "/")) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ([], 200),
        ([{"name": "x"}], 200),
        ([{"authentication": {"loginEndpoint": "http://plain.example", "audiences": ["x"]}}], 200),
        (
            [{"resourceManager": "https://other.example", "authentication": AUTHORITY}],
            200,
        ),
        ("<html>", 200),
        ({"error": {}}, 404),
    ],
    ids=str,
)
def test_a_cloud_that_does_not(body: Any, status: int) -> None:
    lab = make_lab("scvmm")
    lab.world.faults.add(kind="status", status=status, path="/metadata/endpoints", body=body, count=None)
    result = lab.run("vm_checkpoint_info", vm=lab.arm_vm)
    assert code(result) == "bad_answer"
    assert len(lab.requests) == 1


def test_a_cloud_by_one_entry() -> None:
    """The later form of the metadata answer is one object, not a list."""
    lab = make_lab("scvmm")
    body = {"name": "one", "resourceManager": HOST, "authentication": AUTHORITY}
    lab.world.faults.add(kind="status", status=200, path="/metadata/endpoints", body=body)
    assert code(lab.run("vm_checkpoint_info", vm=lab.arm_vm)) is None


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"secret": "wrong"}, "sign_in_refused"),
        ({"client_id": "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"}, "sign_in_refused"),
        ({"tenant": "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"}, "sign_in_refused"),
        ({"secret": None}, "invalid_input"),
        ({"cloud_environment": "AzureMoonCloud"}, "invalid_input"),
        ({"cloud_environment": "http://plain.example"}, "invalid_input"),
        ({"scvmm_api_version": "newest"}, "invalid_input"),
        ({"scvmm_api_version": "2019-01-01"}, "refused"),
    ],
    ids=str,
)
def test_wrong_ways_into_arm(options: dict[str, Any], wanted: str) -> None:
    lab = make_lab("scvmm")
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new", **options)
    assert code(result) == wanted
    assert lab.writes() == 0
    assert lab.world.credentials.secret not in str(result)


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"spf_password": "wrong"}, "sign_in_refused"),
        ({"spf_username": "nobody"}, "sign_in_refused"),
        ({"spf_password": None}, "invalid_input"),
        ({"spf_url": None}, "invalid_input"),
        ({"spf_url": "http://simulator.test/SC2012R2"}, "invalid_input"),
        ({"spf_url": f"{HOST}/elsewhere"}, "not_found"),
        ({"spf_subscription_id": "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"}, "not_found"),
        ({"spf_auth": "kerberos"}, "sign_in_refused"),
        ({"spf_stamp_id": "nonsense"}, "invalid_input"),
        ({"ca_path": "/nowhere/ca.pem"}, "invalid_input"),
    ],
    ids=str,
)
def test_wrong_ways_into_spf(options: dict[str, Any], wanted: str) -> None:
    lab = make_lab("spf")
    result = lab.run("vm_checkpoint", vm="web01", name="new", **options)
    assert code(result) in (wanted, "forbidden" if wanted == "not_found" else wanted)
    assert lab.writes() == 0
    assert lab.world.credentials.spf_password not in str(result)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"spf_url": f"{HOST}/elsewhere"}, ["Check spf_url: ", "/SC2012R2/VMM/{subscription_id}/Microsoft.Management"]),
        ({"spf_url": HOST}, ["not found (404)", "Check spf_url: "]),
        ({"spf_subscription_id": STRANGER}, ["Check spf_subscription_id and spf_url: "]),
        ({"spf_url": f"{HOST}/VMM/{{subscription}}/x.svc"}, ["spf_url: ", "{subscription_id} is the only placeholder"]),
        ({"spf_stamp_id": STRANGER}, ["spf_stamp_id"]),
    ],
    ids=str,
)
def test_a_wrong_root_is_reported_with_the_option_and_what_it_takes(options: dict[str, Any], says: list[str]) -> None:
    lab = make_lab("spf")
    targets: list[dict[str, Any]] = [{"vm": "web01"}, {"scope": "spf"}]
    for target in targets:
        result = lab.run("vm_checkpoint_info", **target, **options)
        assert code(result) in ("not_found", "invalid_input")
        for part in says:
            assert part in result["msg"]


def test_a_portal_instead_of_the_service_is_reported_with_the_option() -> None:
    lab = make_lab("spf")
    lab.world.faults.add(kind="html", status=200, count=None)
    result = lab.run("vm_checkpoint_info", vm="web01")
    assert code(result) == "bad_answer"
    assert "Check spf_subscription_id and spf_url: " in result["msg"]


def test_a_scope_of_another_stamp_is_not_an_empty_one() -> None:
    lab = make_lab("spf")
    result = lab.run("vm_checkpoint_info", scope="spf", spf_stamp_id=STRANGER)
    assert code(result) == "not_found"
    assert lab.world.spf.stamp_id in result["msg"]


def test_everything_from_the_environment() -> None:
    lab = Lab()
    given = lab.connection
    environ = {
        "SPF_URL": given["spf_url"],
        "SPF_SUBSCRIPTION_ID": given["spf_subscription_id"],
        "SPF_USERNAME": given["spf_username"],
        "SPF_PASSWORD": given["spf_password"],
        "AZURE_CLOUD_ENVIRONMENT": given["cloud_environment"],
        "AZURE_TENANT": given["tenant"],
        "AZURE_CLIENT_ID": given["client_id"],
        "AZURE_CLIENT_SECRET": given["secret"],
        "HYBRIDVM_VALIDATE_CERTS": "false",
    }
    nothing: dict[str, Any] = dict.fromkeys(given)
    result = lab.run("vm_checkpoint_info", vms=["web01", lab.arm_vm], environ=environ, **nothing)
    assert code(result) is None
    twice = {**environ, "AZURE_SECRET": "another"}
    result = lab.run("vm_checkpoint_info", vms=["web01", lab.arm_vm], environ=twice, **nothing)
    assert code(result) == "invalid_input"
    assert "AZURE_SECRET" in result["msg"]
    assert "another" not in str(result)


def test_no_signed_url_and_no_secret_in_any_result() -> None:
    lab = make_lab("scvmm", create_takes="never")
    result = lab.run("vm_checkpoint", vm=lab.arm_vm, name="new", wait_timeout="1m")
    assert code(result) == "timed_out"
    signed = [request.url for request in lab.requests if "operationStatuses" in request.url.path]
    assert signed
    for secret in (lab.world.credentials.secret, dict(signed[0].params)["s"], signed[0].query.decode()):
        assert secret not in str(result)


@pytest.mark.parametrize(
    ("environ", "says"),
    [
        ({"HTTPS_PROXY": "foo://proxy"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "http://:hunter2@proxy:abc"}, "HTTPS_PROXY"),
        ({"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "[::1],localhost"}, "NO_PROXY without brackets"),
        ({"ALL_PROXY": "socks5://proxy:1080"}, "socksio"),
        ({"SSLKEYLOGFILE": "/nowhere/keys"}, "SSLKEYLOGFILE"),
    ],
)
def test_an_environment_that_cannot_be_used_is_named(environ: dict[str, str], says: str) -> None:
    """httpx and ssl read these by themselves, and would end in a traceback."""
    options = {"vm": "web01", "name": "new", "spf_url": "https://spf.example", "spf_username": "u", "spf_password": "p"}
    world = RunContext({}, lambda: datetime(2026, 11, 20, tzinfo=UTC))
    with mock.patch.dict(os.environ, environ, clear=True):
        result = anyio.run(run_task, TASKS["vm_checkpoint"], options, False, world)
    assert code(result) == "invalid_input"
    assert says in result["msg"]
    assert "hunter2" not in str(result)


@pytest.mark.parametrize("option", ["spf_url", "cloud_environment"])
def test_a_host_that_no_name_service_knows_how_to_spell(option: str) -> None:
    lab = make_lab("spf")
    vm = "web01" if option == "spf_url" else lab.arm_vm
    options: dict[str, Any] = {"vm": vm, "name": "new", option: "https://xn--/"}
    result = lab.run("vm_checkpoint", **options)
    assert (code(result), option in result["msg"]) == ("invalid_input", True)


def test_certificates_that_go_unchecked_are_warned_of() -> None:
    lab = make_lab("spf")
    assert not lab.run("vm_checkpoint_info", vm="web01").get("warnings")
    by_variable = lab.run("vm_checkpoint_info", vm="web01", environ={"HYBRIDVM_VALIDATE_CERTS": "no"})
    for result in (lab.run("vm_checkpoint_info", vm="web01", validate_certs=False), by_variable):
        (warning,) = result["warnings"]
        assert warning.startswith("validate_certs is false")
