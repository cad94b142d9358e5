# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a signed assertion may go, and what a token says of its own time."""

from __future__ import annotations

import urllib.parse
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    InvalidInput,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.clouds import Cloud
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import azure_sign_in
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.azure_credentials import Choice
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.azure_sign_in import (
    WAYS,
    SignIn,
    Surroundings,
    endpoints_of,
    sign_in,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    Reply,
    Script,
    reply,
    virtual,
)

NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.mark.parametrize(
    ("authority", "endpoint", "goes"),
    [
        ("https://login.test", "https://login.test/t/token", True),
        ("https://login.test", "https://evil.test/t/token", False),
        ("https://login.test", "https://login.microsoftonline.com/t/token", False),
        ("https://login.chinacloudapi.cn", "https://login.partner.microsoftonline.cn/t/token", True),
        ("https://login.chinacloudapi.cn", "https://login.chinacloudapi.cn.evil.test/t/token", False),
        ("https://login.microsoftonline.com", "http://login.microsoftonline.com/t/token", False),
    ],
)
def test_what_is_signed_goes_to_the_authority_and_among_microsoft_s_own_hosts(
    authority: str, endpoint: str, goes: bool
) -> None:
    server = Script(httpx.ReadError("never read"))

    async def main() -> None:
        async with httpx.AsyncClient(transport=server) as client:
            deadline = Deadline(1)
            world = Surroundings(
                {}, lambda: NOW, deadline, Redactor(), lambda url: Http(client, url, "x", deadline), _no
            )
            http = endpoints_of(world.http(authority), world)(endpoint)
            await http.read(endpoint, context="signing in")

    with pytest.raises(CheckpointError) as caught:
        virtual(main)
    assert bool(server.requests) is goes, caught.value


def test_only_https_is_a_scheme_of_microsoft_s_own_hosts() -> None:
    async def main() -> None:
        async with httpx.AsyncClient(transport=Script()) as client:
            own = Http(client, "https://login.microsoftonline.com", "x", Deadline(1))
            opened = endpoints_of(own, Surroundings({}, lambda: NOW, Deadline(1), Redactor(), _no, _no))
            for scheme in ("http", "httpsx"):
                assert opened(f"{scheme}://login.microsoftonline.com/t/token") is own

    virtual(main)


def _no(url: str) -> Http:
    raise AssertionError(url)


REQUEST = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://ci.test/token", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "e30"}
PIPELINES = {"SYSTEM_OIDCREQUESTURI": "https://ci.test/oidc", "SYSTEM_ACCESSTOKEN": "e31"}


def of_pipeline(server: Script, environ: dict[str, str], authority: str = "login.test", **arm: Any) -> str:
    async def main() -> str:
        async with httpx.AsyncClient(transport=server) as client:
            deadline = Deadline(60)
            world = Surroundings(
                environ, lambda: NOW, deadline, Redactor(), lambda url: Http(client, url, "ci", deadline), _no
            )
            return await azure_sign_in._pipeline(ArmSettings(**arm), authority, world)()

    return virtual(main)


@pytest.mark.parametrize(
    ("authority", "audience"),
    [
        ("login.microsoftonline.com", "api://AzureADTokenExchange"),
        ("login.microsoftonline.us", "api://AzureADTokenExchangeUSGov"),
        ("login.chinacloudapi.cn", "api://AzureADTokenExchangeChina"),
        ("adfs.contoso.com", "api://AzureADTokenExchange"),
    ],
)
@pytest.mark.parametrize(("url", "mark"), [("https://ci.test/token", "?"), ("https://ci.test/token?v=2", "&")])
def test_github_is_asked_for_the_cloud_s_own_audience(authority: str, audience: str, url: str, mark: str) -> None:
    server = Script(reply(200, {"value": "assertion"}))
    environ = {**REQUEST, **PIPELINES, "ACTIONS_ID_TOKEN_REQUEST_URL": url}
    assert of_pipeline(server, environ, authority) == "assertion"
    assert server.sent == [f"GET {url}{mark}audience={urllib.parse.quote(audience, safe='')}"]
    headers = server.requests[0].headers
    assert (headers["authorization"], headers["accept"]) == ("Bearer e30", "application/json; api-version=2.0")


@pytest.mark.parametrize(("url", "mark"), [("https://ci.test/oidc", "?"), ("https://ci.test/oidc?v=2", "&")])
def test_azure_pipelines_is_asked_for_the_connection(url: str, mark: str) -> None:
    server = Script(reply(200, {"oidcToken": "assertion"}))
    environ = {**PIPELINES, "SYSTEM_OIDCREQUESTURI": url}
    assert of_pipeline(server, environ, service_connection_id="a b") == "assertion"
    assert server.sent == [f"POST {url}{mark}api-version=7.1&serviceConnectionId=a+b"]
    headers = server.requests[0].headers
    assert (headers["authorization"], headers["content-type"]) == ("Bearer e31", "application/json")
    assert headers["x-tfs-fedauthredirect"] == "Suppress"


GIVE = "Give the job `permissions: id-token: write`."
MAP = "Map it in the step's env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)."
UNSET = "is not set, or no token; auth_source oidc needs it."
URL = "must be an https:// URL. The pipeline itself sets it."


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        *(
            ({**REQUEST, "ACTIONS_ID_TOKEN_REQUEST_URL": url}, f"ACTIONS_ID_TOKEN_REQUEST_URL: {URL}")
            for url in ("http://x", "https://", "https://u@x", "https://X/", "https://[::1", "https:x", "x")
        ),
        *(
            ({**REQUEST, "ACTIONS_ID_TOKEN_REQUEST_URL": url}, f"ACTIONS_ID_TOKEN_REQUEST_URL: {URL}")
            for url in ("https://[x", "https://x/a b", "https://x/\udcff")
        ),
        ({**PIPELINES, "SYSTEM_OIDCREQUESTURI": "http://x"}, f"SYSTEM_OIDCREQUESTURI: {URL}"),
        ({**REQUEST, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": ""}, f"ACTIONS_ID_TOKEN_REQUEST_TOKEN: {UNSET} {GIVE}"),
        *(
            ({**REQUEST, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": token}, f"ACTIONS_ID_TOKEN_REQUEST_TOKEN: {UNSET} {GIVE}")
            for token in ("tok\u00e9n", "to\nken")
        ),
        ({"SYSTEM_OIDCREQUESTURI": "https://x"}, f"SYSTEM_ACCESSTOKEN: {UNSET} {MAP}"),
        (
            PIPELINES,
            "auth_source oidc in Azure Pipelines needs service_connection_id "
            "(AZURESUBSCRIPTION_SERVICE_CONNECTION_ID).",
        ),
    ],
)
def test_what_a_pipeline_lacks_is_told_in_whole(environ: dict[str, str], told: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        of_pipeline(Script(), environ)
    assert str(caught.value) == told


CHECK = "Check service_connection_id, and that SYSTEM_ACCESSTOKEN is mapped."
LEADS = "Check that the URL leads to the service itself and not to a proxy or portal."


@pytest.mark.parametrize(
    ("environ", "said", "told"),
    [
        (REQUEST, reply(401), f"ci: the pipeline issued no token (401). {GIVE}"),
        (PIPELINES, reply(403), f"ci: the pipeline issued no token (403). {CHECK}"),
        (PIPELINES, reply(499), f"ci: the pipeline issued no token (499). {CHECK}"),
        (REQUEST, reply(501), "ci: the pipeline issued no token (501). Run the task again later."),
        (REQUEST, reply(200, {"oidcToken": "x"}), f"ci: the pipeline's answer holds no usable value. {LEADS}"),
        (PIPELINES, reply(200, {"value": "x"}), f"ci: the pipeline's answer holds no usable oidcToken. {LEADS}"),
        (PIPELINES, reply(200, []), f"ci: the pipeline's answer holds no usable oidcToken. {LEADS}"),
    ],
)
def test_what_a_pipeline_says_instead_of_a_token_is_told_in_whole(
    environ: dict[str, str], said: Reply, told: str
) -> None:
    with pytest.raises(CheckpointError) as caught:
        of_pipeline(Script(said), environ, service_connection_id="s")
    assert str(caught.value) == told


CLOUD = Cloud("c", "https://arm.test", "https://login.test", "https://arm.test/.default")


def signed_in(kind: str, environ: dict[str, str] | None = None, **arm: Any) -> SignIn:
    async def main() -> SignIn:
        async with httpx.AsyncClient(transport=Script()) as client:
            deadline = Deadline(60)

            def opened(url: str) -> Http:
                return Http(client, url, url, deadline)

            world = Surroundings(environ or {}, lambda: NOW, deadline, Redactor(), opened, opened)
            return await sign_in(Choice(cast(Any, kind), ArmSettings(**arm)), CLOUD, world)

    return virtual(main)


@pytest.mark.parametrize(
    ("kind", "arm", "made", "name"),
    [
        ("access_token", {"access_token": "e30"}, "Bearer", "the token given as access_token"),
        ("msi", {}, "ManagedIdentity", "the managed identity of this machine"),
        ("msi", {"client_id": "me"}, "ManagedIdentity", "managed identity me"),
        ("secret", {"client_id": "me", "tenant": "t", "secret": "s"}, "ClientSecret", "client me"),
        (
            "federated_token_file",
            {"tenant": "t", "client_id": "me", "federated_token_file": "/f"},
            "Federation",
            "client me",
        ),
        ("pipeline", {"tenant": "t", "client_id": "me"}, "Federation", "client me"),
    ],
)
def test_each_way_is_made_and_named(kind: str, arm: dict[str, Any], made: str, name: str) -> None:
    found = signed_in(kind, REQUEST, **arm)
    assert (type(found.auth).__name__, found.name, found.settings) == (made, name, ArmSettings(**arm))
    assert getattr(found.auth, "cache", None) is None


def test_tokens_outlive_a_task_where_that_is_asked_for(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    found = signed_in("secret", environ, client_id="me", tenant="t", secret="s", token_cache=True)
    cache: Any = found.auth
    assert cache.cache._key == ["https://login.test", "t", "me", "https://arm.test/.default"]


def test_what_a_result_calls_each_way() -> None:
    assert WAYS == {
        "access_token": "token",
        "secret": "secret",
        "x509_certificate_path": "certificate",
        "federated_token_file": "federation",
        "pipeline": "federation",
        "msi": "msi",
        "cli": "cli",
    }
