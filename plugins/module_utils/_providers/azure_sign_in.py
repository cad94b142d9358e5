# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the chosen Azure credentials to the `Auth` that signs requests with them; its file is loaded with it."""

from __future__ import annotations

import contextlib
import typing as t
from datetime import datetime

from .._core.errors import CheckpointError, InvalidInput
from .._core.operation import Deadline
from .._core.redaction import Redactor
from .._core.settings import ArmSettings, lacking
from .._deps import httpx, pydantic
from .._http.auth.clouds import MICROSOFT, Cloud
from .._http.client import Http
from .._http.exchange import Auth
from .azure_credentials import Choice

if t.TYPE_CHECKING:
    from .._http.auth import federation
    from .._http.auth.token import TokenAuth


WAYS = {
    "access_token": "token",
    "secret": "secret",
    "x509_certificate_path": "certificate",
    "federated_token_file": "federation",
    "pipeline": "federation",
    "msi": "msi",
    "cli": "cli",
}
"""What a result's `sign_in` calls each way."""


class SignIn(t.NamedTuple):
    """`name` says in errors who is signed in; `settings` may have got their subscription by signing in."""

    auth: Auth
    name: str
    settings: ArmSettings


class Surroundings(t.NamedTuple):
    """What signing in takes from the task. `http` opens a client of an origin, `direct` one without any proxy."""

    environ: t.Mapping[str, str]
    clock: t.Callable[[], datetime]
    deadline: Deadline
    redactor: Redactor
    http: t.Callable[[str], Http]
    direct: t.Callable[[str], Http]


async def sign_in(choice: Choice, cloud: Cloud, world: Surroundings) -> SignIn:
    """The way to sign in to `cloud`; only `az login` is asked at once, because it is the last that is tried."""
    arm = choice.settings
    if choice.kind == "access_token":
        from .._http.auth.bearer import Bearer, check_times

        token = choice.given("access_token")
        check_times("access_token:", token, world.clock())
        auth = Bearer(token, "access_token")
        return SignIn(auth, auth.signer, arm)
    if choice.kind == "cli":
        return await _cli(choice, cloud, world)
    if choice.kind == "msi":
        from .._http.auth.managed_identity import ManagedIdentity

        name = f"managed identity {arm.client_id}" if arm.client_id else "the managed identity of this machine"
        resource = cloud.scope.removesuffix("/.default")
        identity = ManagedIdentity(world.direct, arm.client_id, resource, world.redactor, world.deadline)
        return SignIn(identity, name, arm)
    tenant, client_id = choice.given("tenant"), choice.given("client_id")
    made = _client(choice, tenant, client_id, cloud, world)
    if arm.token_cache:
        from .._http.auth.disk_cache import DiskCache

        key = (cloud.authority, tenant, client_id, cloud.scope)
        made.cache = DiskCache(world.environ, key, world.deadline, world.clock)
    return SignIn(made, f"client {client_id}", arm)


def _client(choice: Choice, tenant: str, client_id: str, cloud: Cloud, world: Surroundings) -> TokenAuth:
    """A service principal at the cloud's authority."""
    arm, redactor = choice.settings, world.redactor
    http = world.http(cloud.authority)
    if choice.kind == "secret":
        from .._http.auth.client_secret import ClientSecret

        return ClientSecret(http, cloud.authority, tenant, client_id, choice.given("secret"), cloud.scope, redactor)
    from .._http.auth.authority import Authority

    authority = Authority(http, cloud.authority, tenant, cloud.scope, redactor)
    if choice.kind == "x509_certificate_path":
        from .._http.auth.certificate_assertion import CertificateAssertion, read_certificate

        credential = read_certificate(
            choice.given("x509_certificate_path"),
            arm.x509_certificate_password,
            arm.thumbprint,
            send_chain=arm.send_certificate_chain,
            redactor=redactor,
        )
        return CertificateAssertion(authority, endpoints_of(http, world), client_id, credential, redactor)
    from .._http.auth import federation

    if choice.kind == "federated_token_file":
        assertion = federation.of_file(choice.given("federated_token_file"))
    else:
        assertion = _pipeline(arm, httpx.URL(cloud.authority).host, world)
    return federation.Federation(authority, client_id, assertion, redactor)


def endpoints_of(http: Http, world: Surroundings) -> t.Callable[[str], Http]:
    """For the endpoints that an authority names: its own, and Microsoft's where it is Microsoft's."""

    def opened(url: str) -> Http:
        parsed = httpx.URL(url)
        microsoft = parsed.scheme == "https" and parsed.host in MICROSOFT
        # Any other one is refused by the authority's own client.
        return world.http(url) if microsoft and any(http.is_own(f"https://{each}") for each in MICROSOFT) else http

    return opened


def _pipeline(arm: ArmSettings, authority: str, world: Surroundings) -> federation.Assertion:
    """The token that GitHub Actions or Azure Pipelines issues; both say where in the job's environment."""
    from .._http.auth import federation

    if world.environ.get("ACTIONS_ID_TOKEN_REQUEST_URL"):
        remedy = "Give the job `permissions: id-token: write`."
        http, url, token = _request_url("ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", remedy, world)
        audience = federation.AUDIENCES.get(authority, federation.PUBLIC_AUDIENCE)
        return federation.of_github(http, url, token, audience)
    remedy = "Map it in the step's env: SYSTEM_ACCESSTOKEN: $(System.AccessToken)."
    http, url, token = _request_url("SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN", remedy, world)
    if not arm.service_connection_id:
        raise InvalidInput(f"{lacking('auth_source oidc in Azure Pipelines', ('service_connection_id',))}.")
    return federation.of_azure_pipelines(http, url, token, arm.service_connection_id)


def _request_url(url_variable: str, token_variable: str, remedy: str, world: Surroundings) -> tuple[Http, str, str]:
    """`remedy` is what to do where the pipeline gives no token."""
    url, token = world.environ[url_variable], world.environ.get(token_variable, "")
    world.redactor.add(token)
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        parsed = httpx.URL("")
    if parsed.scheme != "https" or not parsed.host or parsed.userinfo or str(parsed) != url:
        raise InvalidInput(f"{url_variable}: must be an https:// URL.", remedy="The pipeline itself sets it.")
    if not token or not token.isascii() or not token.isprintable():
        raise InvalidInput(f"{token_variable}: is not set, or no token; auth_source oidc needs it.", remedy=remedy)
    return world.http(url), url, token


async def _cli(choice: Choice, cloud: Cloud, world: Surroundings) -> SignIn:
    from .._http.auth.azure_cli import AzureCli

    arm = choice.settings
    # As in azure.azcollection the subscription chooses among az's accounts; az takes it or the tenant, not both.
    account = ["--tenant", arm.tenant] if arm.tenant else []
    if arm.subscription_id and not account:
        account = ["--subscription", arm.subscription_id]
    auth = AzureCli(world.environ, cloud.scope, account, world.deadline, world.clock, world.redactor)
    try:
        await auth.ready()
    except CheckpointError as error:
        if not choice.tried:
            raise
        tried = "; ".join([*choice.tried, f"az login: {error.message.rstrip('.')}"])
        raise InvalidInput(
            f"no credentials for Azure (auth_source auto): {tried}.",
            remedy="Give one of them; docs/sign-in-azure.md shows every way to sign in.",
        ) from None
    if arm.subscription_id is None:
        with contextlib.suppress(pydantic.ValidationError):  # an account without a subscription has no GUID there
            arm = ArmSettings.model_validate({**arm.model_dump(), "subscription_id": auth.subscription})
    return SignIn(auth, "the identity of az login", arm)
