# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clients that a task's services are asked with, what they may do, and that they end with the task."""

from __future__ import annotations

import os
import ssl
from collections.abc import Awaitable, Callable
from typing import Any
from unittest import mock

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils import _providers
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._arm.buckets import counted
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import clouds
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.clouds import Cloud
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client_certificate import ClientCertificate
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import Providers, RunContext, Scope
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.builders import NOW
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import Script, virtual

SPF = {"spf_url": "https://spf.test:8090/x.svc", "spf_auth": "basic", "spf_username": "svc", "spf_password": "pw"}
SHOWN = {
    "spf_url": "https://spf.test",
    "spf_client_cert": "/c",
    "spf_client_key": "/k",
    "spf_client_cert_password": "p",
}
VM = "/subscriptions/0a1b2c3d-0000-4000-8000-00000000000a/resourceGroups/rg/providers/Microsoft.{}/web01"


class Made:
    """What clients were made with, in place of httpx's; their contexts trust what they were told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clients: list[dict[str, Any]] = []
        self.contexts: list[tuple[Any, ...]] = []
        self.certificates: list[tuple[Any, ClientCertificate]] = []
        client = httpx.AsyncClient

        def made(**given: Any) -> httpx.AsyncClient:
            self.clients.append(given)
            return client(transport=given["transport"])

        def context(*given: Any) -> Any:
            self.contexts.append(given)
            return f"context {len(self.contexts)}"

        monkeypatch.setattr(httpx, "AsyncClient", made)
        monkeypatch.setattr(_providers, "tls_context", context)
        monkeypatch.setattr(_providers, "load_client_certificate", lambda *given: self.certificates.append(given))


def using(params: dict[str, Any], act: Callable[[Providers], Awaitable[Any]], redactor: Redactor | None = None) -> Any:
    async def main() -> Any:
        world = RunContext({}, lambda: NOW, Script(), redactor=redactor)
        async with Providers(params, world, Deadline(60)) as providers:
            return await act(providers)

    return virtual(main)


def client(verify: str, connections: int = 100, kept: int = 20, transport: Any = mock.ANY) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=kept)
    return {"verify": verify, "transport": transport, "limits": limits, "follow_redirects": False}


def test_one_client_serves_all_and_follows_no_redirects(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(monkeypatch)

    async def act(providers: Providers) -> tuple[Any, Any]:
        spf: Any = await providers.of("web01")
        arm = (await providers.arm())[0]
        return spf._http, arm

    params = {**SPF, "tenant": "t", "client_id": "c", "secret": "s3cret", "ca_path": "/ca", "validate_certs": True}
    redactor = Redactor()
    spf, arm = using(params, act, redactor)
    assert made.clients == [client("context 1")]
    assert made.contexts == [(True, "/ca")]
    assert (spf.auth.way, arm.http.auth.way) == ("basic", "secret")
    assert (spf.label, spf._client.is_closed) == ("spf https://spf.test:8090", True)
    assert (arm.http.label, arm.base) == ("arm https://management.azure.com", "https://management.azure.com")
    assert (arm.sign_in, arm.http._redactor is redactor, arm.http._counted is counted) == ("client c", True, True)


def test_a_certificate_is_shown_to_spf_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(monkeypatch)

    async def act(providers: Providers) -> Any:
        spf: Any = await providers.of("web01")
        before = spf._http._client
        assert providers._http() is not before
        assert providers._new_client(ClientCertificate("/c", "/k", "p"), single=True) is not before
        return before

    assert using({**SHOWN, "validate_certs": False}, act).is_closed
    assert made.clients == [client("context 1"), client("context 2"), client("context 1", 1, 1)]
    assert made.contexts == [(False, None)] * 2
    assert made.certificates == [("context 1", ClientCertificate("/c", "/k", "p"))]


def test_a_sign_in_that_belongs_to_its_connection_has_clients_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(monkeypatch)
    redactor = Redactor()

    async def act(providers: Providers) -> None:
        spf: Any = await providers.of("web01")
        spf._http.auth._new_client()

    using({**SPF, "spf_auth": "ntlm", "spf_password": "pass-word"}, act, redactor)
    assert made.clients == [client("context 1"), client("context 1", 1, 1)]
    assert redactor.redact("pass-word") == MASK


def test_arc_is_asked_as_the_options_say(monkeypatch: pytest.MonkeyPatch) -> None:
    Made(monkeypatch)
    params = {"access_token": "e30", "subscription_id": VM.split("/")[2], "scvmm_api_version": "2023-10-07"}
    made: Any = using(params, lambda providers: providers.of_scope(Scope("scvmm")))
    assert (type(made).__name__, made._version, made._subscription) == ("Scvmm", "2023-10-07", VM.split("/")[2])
    assert made._wall_clock() == NOW
    with pytest.raises(InvalidInput, match="is no VM that this release knows"):
        Providers.service_of(VM.format("HybridCompute/machinesOfOthers"))


def test_a_cloud_that_is_given_by_its_address_is_asked_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    Made(monkeypatch)
    asked: list[tuple[str, str]] = []

    async def discover(http: Any, url: str) -> Cloud:
        asked.append((http.label, url))
        return Cloud("own", "https://arm.test:30005", "https://login.test", "https://arm.test/.default")

    monkeypatch.setattr(clouds, "discover", discover)
    params = {"access_token": "e30", "cloud_environment": "https://cloud.test"}
    arm = using(params, lambda providers: providers.arm())[0]
    assert asked == [("arm https://cloud.test", "https://cloud.test")]
    assert (arm.http.label, arm.base) == ("arm https://arm.test:30005", "https://arm.test:30005")


def test_a_machine_s_own_endpoints_are_reached_past_any_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    made = Made(monkeypatch)

    async def act(providers: Providers) -> Any:
        direct = providers._direct()
        assert providers._direct() is direct
        return direct

    assert using({}, act).is_closed
    assert made.clients == [{"verify": False, "transport": mock.ANY, "trust_env": False, "follow_redirects": False}]


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (
            ImportError("socksio"),
            "ALL_PROXY, HTTPS_PROXY: a SOCKS proxy needs the Python package socksio. Install httpx[socks] where the "
            "module runs, or use an HTTP proxy.",
        ),
        *(
            (
                kind("pass-word"),
                "ALL_PROXY, HTTPS_PROXY, HTTP_PROXY, NO_PROXY: one of them is no address that can be used. Correct or "
                "unset it; write IPv6 addresses in NO_PROXY without brackets.",
            )
            for kind in (ValueError, httpx.InvalidURL)
        ),
    ],
)
def test_a_proxy_that_cannot_be_used_is_told_in_whole(
    raised: Exception, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    Made(monkeypatch)
    monkeypatch.setattr(httpx, "AsyncClient", mock.Mock(side_effect=raised))
    with pytest.raises(InvalidInput) as caught:
        using(SPF, lambda providers: providers.of("web01"))
    assert str(caught.value) == told


def test_azure_s_secrets_are_hidden_before_anybody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    Made(monkeypatch)
    for given in ({"tenant": "t", "client_id": "c", "secret": "s3cret-word"}, {"access_token": "e30.e31.e32"}):
        redactor = Redactor()
        using(given, lambda providers: providers.arm(), redactor)
        assert redactor.redact(list(given.values())[-1]) == MASK


def test_a_collection_that_is_empty_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    Made(monkeypatch)
    params = {"tenant": "t", "client_id": "c", "secret": "s"}
    machine = VM.format("Compute/virtualMachines")
    with pytest.raises(InvalidInput) as caught:
        using({**params, "collection": ""}, lambda providers: providers.of(machine))
    assert caught.value.message == "collection: is empty."
    made: Any = using({**params, "collection": "web01-points"}, lambda providers: providers.of(machine))
    assert made.capabilities.provider == "compute"


def test_a_context_trusts_the_authorities_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("SSL_CERT_FILE", os.devnull), ("SSL_CERT_DIR", os.devnull)):
        monkeypatch.setenv(name, value)

    async def act(providers: Providers) -> Any:
        providers._http()
        return providers._tls[None]

    assert using({}, act).verify_mode == ssl.CERT_REQUIRED
    assert using({"validate_certs": False}, act).verify_mode == ssl.CERT_NONE
