# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each way to sign in to Azure is given, and what comes of az login."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import InvalidInput, SignInRefused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.settings import ArmSettings
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import azure_cli, certificate_assertion
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.clouds import Cloud
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.azure_credentials import Choice
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers.azure_sign_in import (
    SignIn,
    Surroundings,
    sign_in,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    Script,
    reply,
    virtual,
)

NOW = datetime(2026, 11, 26, tzinfo=UTC)
CLOUD = Cloud("c", "https://arm.test", "https://login.test", "https://arm.test/.default")
SUBSCRIPTION, OTHER = (f"{letter}a1b2c3d-0000-4000-8000-00000000000a" for letter in "ab")
USER: dict[str, Any] = {"tenant": "t", "client_id": "me"}


class World:
    """The surroundings of a task, and which origins were opened in it."""

    def __init__(self, *written: Any, environ: dict[str, str] | None = None) -> None:
        self.server = Script(*written)
        self.environ = environ or {}
        self.redactor = Redactor()
        self.opened: list[str] = []

    def sign_in(self, kind: str, *tried: str, fetch: bool = False, **arm: Any) -> SignIn:
        """Sign in that way, and fetch the token at once where that is asked for."""

        async def main() -> SignIn:
            async with httpx.AsyncClient(transport=self.server) as client:
                deadline = Deadline(60)

                def opened(url: str) -> Http:
                    self.opened.append(url)
                    return Http(client, url, "login", deadline)

                def direct(url: str) -> Http:
                    return Http(client, url, "machine", deadline)

                around = Surroundings(self.environ, lambda: NOW, deadline, self.redactor, opened, direct)
                found = await sign_in(Choice(cast(Any, kind), ArmSettings(**arm), tried), CLOUD, around)
                if fetch:
                    await cast(Any, found.auth).fetch(None)
                return found

        return virtual(main)


def form(world: World) -> dict[str, str]:
    return dict(httpx.QueryParams(world.server.requests[-1].content.decode()))


GRANTED = reply(200, {"access_token": "e30.e31", "expires_in": 3600, "token_type": "Bearer"})
ASKED = {"client_id": "me", "grant_type": "client_credentials", "scope": "https://arm.test/.default"}


def test_a_secret_is_sent_to_the_cloud_s_authority() -> None:
    world = World(GRANTED)
    world.sign_in("secret", fetch=True, **USER, secret="s3cret")
    assert world.opened == ["https://login.test"]
    assert world.server.sent == ["POST https://login.test/t/oauth2/v2.0/token"]
    assert form(world) == {**ASKED, "client_secret": "s3cret"}


def test_the_token_of_a_file_is_exchanged(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("e32.e33\n")
    world = World(GRANTED)
    world.sign_in("federated_token_file", fetch=True, **USER, federated_token_file=str(path))
    assert world.server.sent == ["POST https://login.test/t/oauth2/v2.0/token"]
    assert form(world) == {
        **ASKED,
        "client_assertion": "e32.e33",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    }
    assert world.redactor.redact("e32.e33") == MASK


def test_a_pipeline_s_token_is_asked_for_the_authority_s_cloud_and_exchanged() -> None:
    environ = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://ci.test/token", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "e34.e35"}
    world = World(reply(200, {"value": "e32.e33"}), GRANTED, environ=environ)
    world.sign_in("pipeline", fetch=True, **USER)
    assert world.opened == ["https://login.test", "https://ci.test/token"]
    assert form(world)["client_assertion"] == "e32.e33"
    assert world.redactor.redact("e34.e35") == MASK


def test_a_certificate_is_read_as_the_options_say(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def read(*positional: Any, **named: Any) -> dict[str, str]:
        given.extend((positional, named))
        return {"private_key": "k"}

    monkeypatch.setattr(certificate_assertion, "read_certificate", read)
    world = World()
    arm: dict[str, Any] = {
        "x509_certificate_path": "/c",
        "x509_certificate_password": "pw",
        "thumbprint": "0" * 40,
        "send_certificate_chain": True,
    }
    found: Any = world.sign_in("x509_certificate_path", **USER, **arm)
    assert given == [("/c", "pw", "0" * 40), {"send_chain": True, "redactor": world.redactor}]
    assert (type(found.auth).__name__, found.name) == ("CertificateAssertion", "client me")
    assert (found.auth._client_id, found.auth._credential) == ("me", {"private_key": "k"})
    assert found.auth._authority.base == "https://login.test/t"


@pytest.mark.parametrize("client_id", [None, "me"])
def test_a_machine_s_identity_is_asked_for_the_resource(client_id: str | None) -> None:
    found: Any = World().sign_in("msi", client_id=client_id)
    assert found.auth._resource == "https://arm.test"
    assert found.auth._identity.get("Id") == client_id


def token(**claims: int) -> str:
    coded = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{coded}.e30"


def test_a_token_that_is_no_longer_valid_is_not_sent() -> None:
    with pytest.raises(InvalidInput) as caught:
        World().sign_in("access_token", access_token=token(exp=1))
    assert str(caught.value) == (
        "access_token: expired at 1970-01-01 00:00Z. Get a new one, or use credentials that can be renewed."
    )
    kept: Any = World().sign_in("access_token", access_token=token(exp=int(NOW.timestamp()) + 9)).auth
    (sent,) = kept.auth_flow(httpx.Request("GET", "https://arm.test"))
    assert sent.headers["authorization"] == f"Bearer {token(exp=int(NOW.timestamp()) + 9)}"


class Az:
    """In place of az: what it was given, and how it answers."""

    given: tuple[Any, ...] = ()
    subscription: str | None = None
    problem: Exception | None = None

    def __init__(self, *given: Any) -> None:
        type(self).given = given

    async def ready(self) -> None:
        if self.problem is not None:
            raise self.problem


@pytest.fixture
def az(monkeypatch: pytest.MonkeyPatch) -> type[Az]:
    made = type("Made", (Az,), {})
    monkeypatch.setattr(azure_cli, "AzureCli", made)
    return made


@pytest.mark.parametrize(
    ("arm", "account"),
    [
        ({}, []),
        ({"tenant": "t"}, ["--tenant", "t"]),
        ({"subscription_id": OTHER}, ["--subscription", OTHER]),
        ({"tenant": "t", "subscription_id": OTHER}, ["--tenant", "t"]),
    ],
)
def test_az_is_asked_for_one_account(arm: dict[str, Any], account: Sequence[str], az: type[Az]) -> None:
    world = World(environ={"PATH": "/bin"})
    found = world.sign_in("cli", **arm)
    environ, scope, chosen, deadline, clock, redactor = az.given
    assert (environ, scope, chosen, clock()) == ({"PATH": "/bin"}, "https://arm.test/.default", account, NOW)
    assert (isinstance(deadline, Deadline), redactor is world.redactor) == (True, True)
    assert (found.name, found.settings) == ("the identity of az login", ArmSettings(**arm))
    assert isinstance(found.auth, az)


@pytest.mark.parametrize(
    ("own", "of_az", "used"),
    [
        (None, SUBSCRIPTION, SUBSCRIPTION),
        (OTHER, SUBSCRIPTION, OTHER),
        (None, None, None),
        (None, "N/A(tenant level account)", None),
    ],
)
def test_the_subscription_is_az_s_where_the_task_names_none(
    own: str | None, of_az: str | None, used: str | None, az: type[Az]
) -> None:
    az.subscription = of_az
    found = World().sign_in("cli", tenant="t", subscription_id=own)
    assert found.settings == ArmSettings(tenant="t", subscription_id=used)


def test_where_az_was_the_last_of_several_all_are_told(az: type[Az]) -> None:
    az.problem = SignInRefused("there is no az on PATH.")
    with pytest.raises(SignInRefused) as alone:
        World().sign_in("cli")
    assert alone.value is az.problem
    with pytest.raises(InvalidInput) as caught:
        World().sign_in("cli", "task: nothing", "credential file: nothing")
    assert str(caught.value) == (
        "no credentials for Azure (auth_source auto): task: nothing; credential file: nothing; az login: there is no "
        "az on PATH. Give one of them; docs/sign-in-azure.md shows every way to sign in."
    )
