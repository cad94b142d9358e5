# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to sign in to Azure runs vm_checkpoint against the simulator; what goes wrong is one line."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import msal
import pytest

from tests.contract.checkpoints.scenarios import code, make_lab
from tests.contract.sign_in.identities import PASSWORD, SUBJECT, elliptic_key, principal
from tests.support.lab import BARE_ENVIRONMENT, HOST, Lab, Result

pytestmark = pytest.mark.servers

ALONE: dict[str, Any] = {"secret": None}
NONE: dict[str, Any] = {"secret": None, "tenant": None, "client_id": None}
KINDS = ["pem", "certificate first", "encrypted pem", "pfx", "open pfx", "key alone"]


@pytest.fixture
def lab() -> Lab:
    return make_lab("scvmm")


def options_of(directory: Path, kind: str) -> dict[str, Any]:
    return dict(principal().written(directory, kind))


def checkpoint(lab: Lab, environ: dict[str, str] | None = None, **options: Any) -> Result:
    return lab.run("vm_checkpoint", vm=lab.arm_vm, name="new", environ=environ, **options)


def works(lab: Lab, environ: dict[str, str] | None = None, /, **options: Any) -> list[str]:
    """A checkpoint is made and removed; the paths of the requests that signed in."""
    made = checkpoint(lab, environ, **options)
    assert (code(made), made["changed"]) == (None, True), made["msg"]
    assert "new" in lab.names("app01")
    gone = checkpoint(lab, environ, state="absent", **options)
    assert (code(gone), gone["changed"]) == (None, True), gone["msg"]
    return [request.url.path for request in lab.requests if "Microsoft." not in request.url.path]


def refused(lab: Lab, environ: dict[str, str] | None = None, /, **options: Any) -> str:
    """One line; nothing was changed, and no credential was shown to an authority twice."""
    before = lab.state()
    result = checkpoint(lab, environ, **options)
    assert "error" in result
    assert (result["changed"], lab.state()) == (False, before)
    assert not [request for request in lab.sent() if request.url.path != "/azure-pipelines/oidctoken"]
    assert sum("/oauth2/" in request.url.path and request.method == "POST" for request in lab.requests) <= 1
    assert result["msg"].isprintable()
    assert result["error"]["code"] in ("invalid_input", "sign_in_refused", "missing_library", "unreachable")
    return str(result["msg"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_certificate_signs_in(kind: str, lab: Lab, tmp_path: Path) -> None:
    principal().register(lab.world.identities)
    paths = works(lab, **ALONE, **options_of(tmp_path, kind))
    assert paths.count(f"/{lab.world.credentials.tenant}/oauth2/v2.0/token") == 2  # one for each task


def test_a_certificate_from_the_environment_signs_in(lab: Lab, tmp_path: Path) -> None:
    principal().register(lab.world.identities)
    given = principal().written(tmp_path, "pfx")
    environ = {
        "AZURE_CLIENT_CERTIFICATE_PATH": given["x509_certificate_path"],
        "AZURE_CLIENT_CERTIFICATE_PASSWORD": PASSWORD,
        "AZURE_TENANT_ID": lab.world.credentials.tenant,
        "AZURE_CLIENT_ID": lab.world.credentials.client_id,
    }
    works(lab, environ, **NONE, auth_source="env")


def test_a_certificate_that_is_trusted_by_subject_and_issuer_sends_its_chain(lab: Lab, tmp_path: Path) -> None:
    lab.world.identities.trusted_names.add(SUBJECT)
    given = options_of(tmp_path, "pem")
    assert "AADSTS700027" in refused(lab, **ALONE, **given)
    works(make_trusting(lab), **ALONE, **given, send_certificate_chain=True)


def make_trusting(lab: Lab) -> Lab:
    lab.requests.clear()
    return lab


@pytest.mark.parametrize(
    ("content", "more", "expected"),
    [
        (None, {}, "x509_certificate_path: {path} cannot be read (no such file or directory). Check the path"),
        (b"", {}, "x509_certificate_path: {path} cannot be read as PEM, nor as PFX without a password."),
        (b"certificate", {}, "x509_certificate_path: {path} holds no private key. Give a file with"),
        (b"key", {}, "x509_certificate_path: {path} holds a key and no certificate. Add the certificate"),
        (b"pfx", {"x509_certificate_password": "wr0ng"}, "x509_certificate_password: does not open {path}"),
        (b"encrypted", {"x509_certificate_password": "wr0ng"}, "x509_certificate_password: does not open {path}"),
        (b"encrypted", {}, "x509_certificate_password: the key in {path} is encrypted, and no password is given."),
        (b"pem", {"thumbprint": "ab" * 20}, "thumbprint: the certificate in {path} has the thumbprint "),
        (b"elliptic", {}, "x509_certificate_path: the key in {path} is none of RSA."),
        (b"strangers", {}, "x509_certificate_path: key and certificate in {path} do not belong together."),
        (b"key", {"thumbprint": "ab" * 20, "send_certificate_chain": True}, "send_certificate_chain: {path} holds no"),
        (
            b"keyless",
            {"x509_certificate_password": PASSWORD},
            "x509_certificate_path: {path} holds no private key. Exp",
        ),
        (b"pfx", {"x509_certificate_password": "wr0ng\0"}, "x509_certificate_password: holds a line break or NUL"),
        (b"x" * 1024 * 1025, {}, "x509_certificate_path: {path} is larger than 1048576 bytes."),
    ],
)
def test_a_file_that_is_no_certificate_with_its_key_is_reported(
    content: bytes | None, more: dict[str, Any], expected: str, lab: Lab, tmp_path: Path
) -> None:
    me = principal()
    known = {
        b"certificate": me.certificate_pem,
        b"keyless": me.pfx(PASSWORD, with_key=False),
        b"key": me.key_pem(),
        b"pfx": me.pfx(PASSWORD),
        b"encrypted": me.key_pem(PASSWORD) + me.certificate_pem,
        b"pem": me.key_pem() + me.certificate_pem,
        b"elliptic": elliptic_key(),
        b"strangers": me.key_pem() + principal("another.example").certificate_pem,
    }
    path = tmp_path / "file"
    if content is not None:
        path.write_bytes(known.get(content, content))
    text = refused(lab, **ALONE, x509_certificate_path=str(path), **more)
    assert expected.format(path=path) in text
    assert "wr0ng" not in text
    assert not [request for request in lab.requests if "/oauth2/" in request.url.path]


def test_a_certificate_that_is_not_registered_is_reported(lab: Lab, tmp_path: Path) -> None:
    principal("another.example").register(lab.world.identities)
    text = refused(lab, **ALONE, **options_of(tmp_path, "pem"))
    assert "AADSTS700027" in text
    assert "Upload the certificate of x509_certificate_path to the application client_id" in text


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, "what the sign-in authority says of itself, or its token, makes no sense."),
        ("<html>", "what the sign-in authority says of itself, or its token, makes no sense."),
        (
            {
                "token_endpoint": "https://evil.example/token",
                "authorization_endpoint": f"{HOST}/a",
                "issuer": f"{HOST}/i",
            },
            "was asked to follow an address on another origin (https://evil.example): refused; no credentials",
        ),
    ],
)
def test_an_authority_that_describes_itself_wrongly_gets_no_assertion(
    said: Any, expected: str, lab: Lab, tmp_path: Path
) -> None:
    lab.world.faults.add(kind="replace", path="/.well-known/", body=said, count=None)
    result = checkpoint(lab, **ALONE, **options_of(tmp_path, "pem"))
    assert (code(result), result["changed"]) == ("bad_answer", False)
    assert expected in result["msg"]
    assert not [request for request in lab.requests if request.method == "POST"]


@pytest.mark.parametrize("body", [{}, [], {"access_token": ""}, {"access_token": "a b\n"}, "<html>"])
@pytest.mark.parametrize("way", ["certificate", "file"])
def test_an_authority_that_grants_nothing_usable_is_reported(way: str, body: Any, lab: Lab, tmp_path: Path) -> None:
    lab.world.faults.add(kind="replace", path="/oauth2/v2.0/token", body=body, count=None)
    result = checkpoint(lab, **way_of(way, lab, tmp_path))
    assert (code(result), result["changed"]) == ("bad_answer", False)


def test_without_msal_a_certificate_says_what_to_install(lab: Lab, tmp_path: Path) -> None:
    with mock.patch.dict("sys.modules", {"msal": None}):
        text = refused(lab, **ALONE, **options_of(tmp_path, "pem"))
    assert "x509_certificate_path needs the Python package msal" in text
    assert "-m pip install 'msal>=1.29,<2'" in text


def test_without_msal_a_managed_identity_says_what_to_install(lab: Lab) -> None:
    with mock.patch.dict("sys.modules", {"msal": None}):
        text = refused(lab, **MSI)
    assert "auth_source msi needs the Python package msal for the Python that runs the module" in text
    assert "-m pip install 'msal>=1.29,<2'. Or choose another auth_source." in text


def test_a_tenant_that_a_certificate_s_authority_does_not_know(lab: Lab, tmp_path: Path) -> None:
    principal().register(lab.world.identities)
    options = {**ALONE, **options_of(tmp_path, "pem"), "tenant": "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"}
    assert "Check tenant and cloud_environment" in refused(lab, **options)


@pytest.mark.parametrize("way", ["secret", "certificate", "file"])
def test_an_authority_that_is_busy_is_asked_again(way: str, lab: Lab, tmp_path: Path) -> None:
    options = way_of(way, lab, tmp_path)
    for status, body in ((429, ""), (503, ""), (400, {"error": "temporarily_unavailable"})):
        lab.world.faults.add(kind="status", status=status, path="/oauth2/v2.0/token", body=body, count=1)
    works(lab, **options)


def way_of(way: str, lab: Lab, tmp_path: Path) -> dict[str, Any]:
    if way == "secret":
        return {}
    if way == "certificate":
        principal().register(lab.world.identities)
        return {**ALONE, **options_of(tmp_path, "pem")}
    token = tmp_path / "token"
    token.write_text(lab.world.identities.assert_identity(lab.clock() + 100_000))
    return {**ALONE, "federated_token_file": str(token)}


@pytest.mark.parametrize("way", ["secret", "certificate", "file"])
def test_a_claims_challenge_is_met_by_a_token_with_those_claims(way: str, lab: Lab, tmp_path: Path) -> None:
    challenge = (
        'Bearer realm="", error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnsibmJmIjp7InZhbHVlIjoiMSJ9fX0="'
    )
    lab.world.faults.add(
        kind="status", status=401, path="machines/app01/", headers={"WWW-Authenticate": challenge}, count=1
    )
    result = checkpoint(lab, **way_of(way, lab, tmp_path))
    assert (code(result), result["changed"]) == (None, True)
    assert lab.world.identities.seen_claims == ['{"access_token":{"nbf":{"value":"1"}}}']
    assert lab.jobs("create") == 1


def test_the_same_claims_a_second_time_end_the_task(lab: Lab) -> None:
    challenge = 'Bearer error="insufficient_claims", claims="e30="'
    lab.world.faults.add(
        kind="status", status=401, path="machines/app01/", headers={"WWW-Authenticate": challenge}, count=None
    )
    assert code(checkpoint(lab)) == "sign_in_refused"
    assert lab.world.identities.seen_claims == ["{}"]


@pytest.mark.parametrize("way", ["secret", "certificate", "federation"])
def test_the_result_says_how_the_task_signed_in(way: str, lab: Lab, tmp_path: Path) -> None:
    given = way_of(way, lab, tmp_path)
    assert checkpoint(lab, **given)["sign_in"] == {"azure": way}
    assert lab.run("vm_checkpoint_info", vm=lab.arm_vm, **given)["sign_in"] == {"azure": way}


@pytest.mark.parametrize("prefix", ["", "Bearer ", "bearer  "])
def test_a_ready_token(prefix: str, lab: Lab) -> None:
    token = prefix + lab.world.issue_token(f"{HOST}/")
    assert works(lab, **NONE, access_token=token, auth_source="token") == ["/metadata/endpoints"] * 2


@pytest.mark.parametrize(("name", "expected"), [("exp", "access_token: expired at"), ("nbf", "is not valid before")])
def test_a_token_out_of_its_time_is_reported_before_it_is_sent(name: str, expected: str, lab: Lab) -> None:
    moment = lab.clock() + (-4000 if name == "exp" else 4000)
    body = base64.urlsafe_b64encode(json.dumps({name: moment}).encode()).decode().rstrip("=")
    assert expected in refused(lab, **NONE, access_token=f"e30.{body}.sig")
    assert not [request for request in lab.requests if "Authorization" in request.headers]


def test_a_profile(lab: Lab, tmp_path: Path) -> None:
    known = lab.world.credentials
    (tmp_path / ".azure").mkdir()
    (tmp_path / ".azure" / "credentials").write_text(
        f"[ci]\nsubscription_id={lab.world.arc.subscription_id}\ntenant={known.tenant}\n"
        f"client_id={known.client_id}\nsecret={known.secret}\ncloud_environment={HOST}\n"
    )
    options = {**NONE, "cloud_environment": None, "subscription_id": None}
    works(lab, {"HOME": str(tmp_path)}, **options, profile="ci")
    works(lab, {"HOME": str(tmp_path), "AZURE_PROFILE": "ci"}, **options)


def test_a_federated_token_is_read_again_for_each_access_token(tmp_path: Path) -> None:
    """As AKS projects it: the variables, and a file that is replaced while the task runs."""
    lab = make_lab("scvmm", create_takes="500s", token_lifetime=200)
    file = tmp_path / "token"
    file.write_text(lab.world.identities.assert_identity(lab.clock() + 60) + "\n")

    def replaced() -> None:
        file.write_text(lab.world.identities.assert_identity(lab.clock() + 100_000))

    lab.before_first(lambda _request: lab.clock() - lab.base > 50, replaced)
    environ = {
        "AZURE_FEDERATED_TOKEN_FILE": str(file),
        "AZURE_TENANT_ID": lab.world.credentials.tenant,
        "AZURE_CLIENT_ID": lab.world.credentials.client_id,
        "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
    }
    result = checkpoint(lab, environ, **NONE)
    assert (code(result), result["changed"]) == (None, True)
    assert sum("/oauth2/" in request.url.path for request in lab.requests) > 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("expired", "AADSTS700024: Client assertion is not within its valid time range. The federated token is not"),
        ("e30.unknown.x", "AADSTS700213: No matching federated identity record found for presented assertion. Compare"),
        ("", "federated_token_file: {path} holds no token."),
        ("a b\nc", "federated_token_file: {path} holds no token."),
        ('"e30.e30.x"', "federated_token_file: {path} holds no token."),
        ('{{"value": "e30.e30.x"}}', "federated_token_file: {path} holds no token."),
        ("tökén", "federated_token_file: {path} holds no token."),
        (None, "federated_token_file: {path} cannot be read (no such file or directory)."),
    ],
)
def test_a_federated_token_that_does_not_do(content: str | None, expected: str, lab: Lab, tmp_path: Path) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(lab.world.identities.assert_identity(1.0) if content == "expired" else content)
    assert expected.format(path=path) in refused(lab, **ALONE, federated_token_file=str(path))


def github(lab: Lab) -> dict[str, str]:
    return {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{HOST}/github/id-token?api-version=2.0",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": lab.world.identities.request_token,
    }


def azure_pipelines(lab: Lab) -> dict[str, str]:
    return {
        "SYSTEM_OIDCREQUESTURI": f"{HOST}/azure-pipelines/oidctoken",
        "SYSTEM_ACCESSTOKEN": lab.world.identities.request_token,
        "AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": lab.world.identities.service_connection,
    }


@pytest.mark.parametrize("pipeline", [github, azure_pipelines])
def test_a_pipeline_s_token(pipeline: Any, lab: Lab) -> None:
    paths = works(lab, pipeline(lab), auth_source="oidc")
    assert paths[1] in ("/github/id-token", "/azure-pipelines/oidctoken")


@pytest.mark.parametrize(
    ("pipeline", "change", "expected"),
    [
        (github, {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": "wr0ng"}, "the pipeline issued no token (401). Give the job"),
        (github, {"ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}, "ACTIONS_ID_TOKEN_REQUEST_TOKEN: is not set"),
        (github, {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://[x"}, "ACTIONS_ID_TOKEN_REQUEST_URL: must be an https://"),
        (github, {"ACTIONS_ID_TOKEN_REQUEST_URL": "http://x"}, "ACTIONS_ID_TOKEN_REQUEST_URL: must be an https://"),
        (azure_pipelines, {"SYSTEM_ACCESSTOKEN": ""}, "Map it in the step's env: SYSTEM_ACCESSTOKEN"),
        (azure_pipelines, {"SYSTEM_ACCESSTOKEN": "wr0ng"}, "issued no token (401). Check service_connection_id"),
        (azure_pipelines, {"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": ""}, "needs service_connection_id (AZURESUB"),
        (azure_pipelines, {"AZURESUBSCRIPTION_SERVICE_CONNECTION_ID": "x"}, "the pipeline issued no token (404)."),
    ],
)
def test_a_pipeline_that_issues_none(pipeline: Any, change: dict[str, str], expected: str, lab: Lab) -> None:
    text = refused(lab, pipeline(lab) | change, auth_source="oidc")
    assert expected in text
    assert "wr0ng" not in text


@pytest.mark.parametrize("body", [{}, [], {"value": 7, "oidcToken": ""}, "<html>"])
@pytest.mark.parametrize("pipeline", [github, azure_pipelines])
def test_a_pipeline_that_answers_nonsense(pipeline: Any, body: Any, lab: Lab) -> None:
    for path in ("/github/", "/azure-pipelines/"):
        lab.world.faults.add(kind="replace", path=path, body=body, count=None)
    result = checkpoint(lab, pipeline(lab), auth_source="oidc")
    assert (code(result), result["changed"]) == ("bad_answer", False)
    assert not [request for request in lab.requests if "/oauth2/" in request.url.path]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Lab:
    """A machine of today, since msal reads the system's clock; msal also reads the process's own environment."""
    lab = make_lab("scvmm")
    lab.base = time.time()
    set_variable(monkeypatch, "AZURE_POD_IDENTITY_AUTHORITY_HOST", HOST)
    return lab


def set_variable(patch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """In the environment of the process, which a lab makes bare."""
    patch.setitem(BARE_ENVIRONMENT, name, value)


MSI: dict[str, Any] = {**NONE, "auth_source": "msi"}
MINE = "5c1b5b0e-1111-4222-8333-944455556666"
RESOURCE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u"


def set_imds(_lab: Lab, _patch: pytest.MonkeyPatch, _directory: Path) -> None:
    """What the fixture has set already."""


def set_app_service(lab: Lab, patch: pytest.MonkeyPatch, _directory: Path) -> None:
    set_variable(patch, "IDENTITY_ENDPOINT", f"{HOST}/MSI/token")
    set_variable(patch, "IDENTITY_HEADER", lab.world.identities.identity_header)


def set_arc(lab: Lab, patch: pytest.MonkeyPatch, directory: Path) -> None:
    set_variable(patch, "IDENTITY_ENDPOINT", f"{HOST}/metadata/identity/oauth2/token")
    set_variable(patch, "IMDS_ENDPOINT", HOST)
    patch.setattr(msal.managed_identity, "_supported_arc_platforms_and_their_prefixes", {"linux": str(directory)})
    lab.world.identities.arc_keys = directory


@pytest.mark.parametrize("where", [set_imds, set_app_service, set_arc])
@pytest.mark.parametrize("client", [None, MINE, RESOURCE])
def test_a_managed_identity(
    where: Any, client: str | None, machine: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    where(machine, monkeypatch, tmp_path)
    machine.world.identities.system_assigned = client is None
    machine.world.identities.user_assigned |= {MINE, RESOURCE.lower()}
    paths = works(machine, **{**MSI, "client_id": client})
    assert not [path for path in paths if "/oauth2/v2.0/" in path]


@pytest.mark.parametrize("where", [set_app_service, set_arc])
def test_what_a_machine_proves_itself_with_never_comes_out(
    where: Any, machine: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Even where a service echoes it; Azure Arc's key is the content of a file."""
    where(machine, monkeypatch, tmp_path)
    shown: list[str] = []

    def echo(request: httpx.Request) -> None:
        proof = request.headers.get("x-identity-header") or request.headers.get("authorization", "")
        if request.url.path != "/metadata/endpoints" and proof and not shown:
            shown.append(proof.removeprefix("Basic "))
            body = {"error": {"code": "Echo", "message": f"no: {shown[0]}"}}
            machine.world.faults.add(kind="status", status=403, path="machines/app01/", body=body, count=None)

    machine.watch = echo
    result = checkpoint(machine, **MSI)
    assert code(result) == "forbidden"
    assert len(shown[0]) >= 40
    assert shown[0] not in str(result)
    assert "no: ********" in result["msg"]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (set_imds, "refused (400) for the managed identity of this machine: Identity not found. Assign a managed"),
        (set_app_service, "refused (400) for the managed identity of this machine: 400, No User Assigned or"),
    ],
)
def test_a_machine_without_that_identity(
    where: Any, expected: str, machine: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    where(machine, monkeypatch, tmp_path)
    machine.world.identities.system_assigned = False
    assert expected in refused(machine, **MSI)


def test_the_key_of_azure_arc_is_read_only_where_its_agent_leaves_keys(
    machine: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_arc(machine, monkeypatch, tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    machine.world.identities.arc_keys = elsewhere
    text = refused(machine, **MSI)
    assert "auth_source msi: the key file of Azure Arc cannot be read (no such file or directory)." in text
    assert "to the group himds" in text


def test_a_key_of_azure_arc_that_is_too_large_is_not_read(
    machine: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    set_arc(machine, monkeypatch, tmp_path)
    machine.world.identities.arc_key_bytes = 5000
    result = checkpoint(machine, **MSI)
    assert (code(result), result["changed"]) == ("bad_answer", False)
    assert "Local key file shall not be larger than 4KB" in result["msg"]


def test_a_machine_without_the_endpoint_is_reported_where_msi_works(machine: Lab) -> None:
    machine.world.faults.add(kind="lose_request", exception="ConnectError", path="/metadata/identity", count=None)
    result = checkpoint(machine, **MSI)
    assert code(result) in ("unreachable", "unavailable")
    assert "auth_source msi works where a managed identity is" in result["msg"]


@pytest.mark.parametrize("endpoint", ["http://[::1", "", "localhost", "http://"])
def test_an_endpoint_that_is_no_url_is_one_line(endpoint: str, machine: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    set_variable(monkeypatch, "IDENTITY_ENDPOINT", endpoint)
    set_variable(monkeypatch, "IDENTITY_HEADER", "header")
    result = checkpoint(machine, **MSI)
    assert code(result) in ("unsupported", "bad_answer")
    assert "the address of its endpoint is no URL. Mend or unset IDENTITY_ENDPOINT." in result["msg"]


@pytest.mark.parametrize(
    ("status", "remedy"), [(429, "Try again later, raise wait_timeout"), (410, "Run the task again in some minutes.")]
)
def test_an_endpoint_that_answers_is_not_said_to_be_elsewhere(status: int, remedy: str, machine: Lab) -> None:
    body = {"error": "try_later", "error_description": "IMDS is being updated."}
    machine.world.faults.add(kind="status", status=status, path="/metadata/identity", body=body, count=None)
    result = checkpoint(machine, **MSI)
    assert code(result) == "unavailable"
    assert "works where a managed identity is" not in result["msg"]
    assert "Assign a managed identity" not in result["msg"]
    assert remedy in result["msg"]


def test_the_endpoint_of_a_managed_identity_is_asked_without_any_proxy(machine: Lab) -> None:
    real, trusted = httpx.AsyncClient, []

    def made(**given: Any) -> httpx.AsyncClient:
        trusted.append(given.get("trust_env", True))
        return real(**given)

    with mock.patch.object(httpx, "AsyncClient", made):
        assert code(checkpoint(machine, **MSI)) is None
    assert trusted == [True, False]


@pytest.mark.parametrize("status", [404, 410, 429, 500, 503])
@pytest.mark.parametrize("body", [{"error": "try_later", "error_description": "IMDS is being updated."}, "<html>"])
def test_an_imds_that_is_being_updated_is_asked_again(status: int, body: Any, machine: Lab) -> None:
    machine.world.faults.add(kind="status", status=status, path="/metadata/identity", body=body, count=2)
    works(machine, **MSI)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (
            403,
            (
                "sign_in_refused",
                "(403) for the managed identity of this machine, without a reason. auth_source msi wor",
            ),
        ),
        (
            404,
            (
                "sign_in_refused",
                "(404) for the managed identity of this machine, without a reason. auth_source msi wor",
            ),
        ),
        (410, ("unavailable", "is being updated (410), still after 4 tries")),
        (501, ("unavailable", "the managed identity's endpoint failed (501).")),
    ],
)
def test_an_imds_that_answers_a_page_is_told_by_its_status(status: int, told: tuple[str, str], machine: Lab) -> None:
    machine.world.faults.add(kind="status", status=status, path="/metadata/identity", body="<html>", count=None)
    result = checkpoint(machine, **MSI)
    assert code(result) == told[0]
    assert told[1] in result["msg"]


def test_the_tries_of_a_managed_identity_end_with_the_task(machine: Lab) -> None:
    machine.world.faults.add(kind="status", status=410, path="/metadata/identity", body="<html>", count=None)
    assert code(checkpoint(machine, **MSI, wait_timeout="3s")) == "unavailable"
    assert len([each for each in machine.requests if each.url.path.startswith("/metadata/identity")]) == 2


def test_an_imds_that_stays_away_is_reported(machine: Lab) -> None:
    body = {"error": "not_found", "error_description": "No such path."}
    machine.world.faults.add(kind="status", status=404, path="/metadata/identity", body=body, count=None)
    assert "refused (404) for the managed identity of this machine: No such path." in refused(machine, **MSI)


@pytest.mark.parametrize("body", ["<html>", "[]", "{}", '{"access_token": "a b\\n", "expires_in": 10}'])
def test_an_imds_that_answers_nonsense(body: str, machine: Lab) -> None:
    machine.world.faults.add(kind="replace", path="/metadata/identity", body=body, count=None)
    result = checkpoint(machine, **MSI)
    assert code(result) in ("bad_answer", "sign_in_refused")
    assert result["changed"] is False
    assert result["msg"].isprintable()


@pytest.mark.parametrize("where", [set_imds, set_app_service, set_arc])
@pytest.mark.parametrize("status", [200, 400])
def test_a_token_without_its_end_is_not_shown(
    where: Any, status: int, machine: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    where(machine, monkeypatch, tmp_path)
    token = "opaque-token-that-is-still-valid"
    body = {"access_token": token, "refresh_token": "r" + token, "message": f"for {token}", "error_description": token}
    for path in ("/metadata/identity", "/MSI/token"):
        machine.world.faults.add(kind="status", status=status, path=path, body=body, count=None)
    result = checkpoint(machine, **MSI)
    assert token not in str(result)
    if status == 200 and where is not set_imds:  # whose token is taken for an hour
        assert code(result) == "bad_answer"
        assert "the answer for the managed identity of this machine holds no usable token." in result["msg"]


def test_service_fabric_is_reported(machine: Lab, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    set_app_service(machine, monkeypatch, tmp_path)
    set_variable(monkeypatch, "IDENTITY_SERVER_THUMBPRINT", "ab" * 20)
    result = checkpoint(machine, **MSI)
    assert (code(result), result["changed"]) == ("unsupported", False)


@pytest.mark.parametrize("way", ["secret", "file"])
def test_an_azure_stack_hub_signs_in_at_ad_fs(way: str, lab: Lab, tmp_path: Path) -> None:
    lab.world.identities.adfs = True
    paths = works(lab, **{**way_of(way, lab, tmp_path), "tenant": "adfs"})
    assert set(paths) == {"/metadata/endpoints", "/adfs/oauth2/token"}


def test_a_certificate_at_ad_fs(lab: Lab, tmp_path: Path) -> None:
    lab.world.identities.adfs = True
    works(lab, **{**way_of("certificate", lab, tmp_path), "tenant": "adfs"})


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tenant": "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"}, "Check tenant and cloud_environment"),
        ({"client_id": "0d3b6a1e-7c55-4a51-9f0e-5f1f3a2b4c5d"}, "Check client_id, and that the application"),
        (
            {"secret": "s3cret-of-mine"},
            "Check tenant, client_id and secret (its value, not its id; it may have expired).",
        ),
        ({"cloud_environment": "http://simulator.test"}, "cloud_environment: is plain http"),
    ],
)
def test_what_is_wrong_with_a_client_is_reported_with_its_option(
    change: dict[str, str], expected: str, lab: Lab
) -> None:
    text = refused(lab, **change)
    assert expected in text
    assert "s3cret" not in text


def test_an_authority_that_cannot_be_reached(lab: Lab) -> None:
    lab.world.faults.add(kind="lose_request", exception="ConnectError", path="/oauth2/", count=None)
    result = checkpoint(lab)
    assert (code(result), result["changed"]) == ("unreachable", False)
    assert "sign-in https://simulator.test: cannot be reached" in result["msg"]


@pytest.mark.parametrize("way", ["secret", "certificate", "file"])
def test_with_the_cache_the_next_task_does_not_sign_in_and_no_secret_is_on_disk(
    way: str, lab: Lab, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    options = way_of(way, lab, tmp_path)
    works(lab, {"HOME": str(home)}, **options, token_cache=True)
    assert sum("/oauth2/v2.0/token" in request.url.path for request in lab.requests) == 1
    kept = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    assert b"access_token" in kept
    assert lab.world.credentials.secret.encode() not in kept
    assert all(assertion.encode() not in kept for assertion in lab.world.identities.assertions)


def test_a_cache_that_others_may_read_is_reported(lab: Lab, tmp_path: Path) -> None:
    (tmp_path / ".cache" / "hybridvm.checkpoints").mkdir(parents=True)
    (tmp_path / ".cache" / "hybridvm.checkpoints").chmod(0o755)
    assert "is open to other users (mode 0755), so it is not used." in refused(
        lab, {"HOME": str(tmp_path)}, token_cache=True
    )


def test_auto_tells_all_that_was_tried(lab: Lab, tmp_path: Path) -> None:
    text = refused(lab, {"HOME": str(tmp_path), "PATH": str(tmp_path)}, **NONE)
    assert "no credentials for Azure (auth_source auto): task and environment: " in text
    assert "; credential file: there is no ~/.azure/credentials; az login: there is no az on PATH." in text


def test_a_client_secret_loads_no_msal() -> None:
    program = (
        "import sys\n"
        "from tests.contract.checkpoints.scenarios import code, make_lab\n"
        "lab = make_lab('scvmm')\n"
        "result = lab.run('vm_checkpoint', vm=lab.arm_vm, name='new')\n"
        "assert code(result) is None and result['changed'], result\n"
        "others = {'msal', 'requests', 'azure', 'jwt', 'cryptography', 'spnego', 'gssapi', 'krb5'}\n"
        "found = others & set(sys.modules)\n"
        "sys.exit(str(found) if found else 0)\n"
    )
    environ = {**os.environ, "PYTHONPATH": "build/links:."}
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", program], check=True, env=environ, cwd=root)
