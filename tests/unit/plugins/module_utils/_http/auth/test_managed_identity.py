# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the endpoint of a managed identity answers, as a token or one whole line; msal itself is in tests/contract."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import managed_identity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.managed_identity import ManagedIdentity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.token import Token
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    Written,
    never_left,
    reply,
    slow,
    virtual,
)

MACHINE = "the managed identity of this machine"
ASSIGN = "Assign a managed identity to this machine, and check client_id where one of several is meant."
ELSEWHERE = (
    "auth_source msi works where a managed identity is: on an Azure VM, in App Service, on a machine of Azure Arc. Let "
    "the module run there, or sign in otherwise."
)
PORTAL = "Check that the URL leads to the service itself and not to a proxy or portal."
GRANTED = reply(200, {"access_token": "e30", "expires_in": 77})
Act = Callable[["Client", Any], Any]


class OfMsal(ValueError):
    """What msal raises itself."""


class Client:
    """msal's ManagedIdentityClient as far as it is used; `act` is what it does with the resource."""

    def __init__(self, library: Library, identity: Any, http_client: Any) -> None:
        self.library, self.identity, self.transport = library, identity, http_client

    def acquire_token_for_client(self, **asked: Any) -> Any:
        self.library.asked.append((self.identity, asked))
        return self.library.act(self, asked["resource"])


class Library:
    """msal as far as it is used."""

    ManagedIdentityError = OfMsal

    def __init__(self, act: Act) -> None:
        self.act = act
        self.asked: list[Any] = []

    def SystemAssignedManagedIdentity(self) -> dict[str, str]:
        return {"system": "assigned"}

    def UserAssignedManagedIdentity(self, **chosen: str) -> dict[str, str]:
        return chosen

    def ManagedIdentityClient(self, identity: Any, *, http_client: Any) -> Client:
        return Client(self, identity, http_client)


def from_imds(client: Client, resource: str) -> Any:
    return json.loads(client.transport.get(f"{BASE}/imds", params={"resource": resource}).text)


class Machine:
    """A machine whose endpoint answers as written."""

    def __init__(self, patch: pytest.MonkeyPatch, *said: Written, act: Act = from_imds) -> None:
        self.server, self.library = Script(*said), Library(act)
        self.needed: list[tuple[str, str]] = []

        def required(option: str, other: str) -> Library:
            self.needed.append((option, other))
            return self.library

        patch.setattr(managed_identity, "require_msal", required)

    def fetch(self, identity: str | None = None, claims: str | None = None, seconds: float = 600.0) -> Token:
        async def main() -> Token:
            async with self.server.http(seconds=seconds) as http:
                made = ManagedIdentity(lambda _url: http, identity, "https://arm.test", Redactor(), http.deadline)
                return await made.fetch(claims)

        return virtual(main)

    def refused(self, identity: str | None = None, seconds: float = 600.0) -> CheckpointError:
        with pytest.raises(CheckpointError) as caught:
            self.fetch(identity, seconds=seconds)
        return caught.value


@pytest.mark.parametrize(
    ("identity", "chosen"),
    [
        (None, {"system": "assigned"}),
        ("client-1", {"client_id": "client-1"}),
        ("/subscriptions/s/x", {"resource_id": "/subscriptions/s/x"}),
    ],
)
@pytest.mark.parametrize(("claims", "more"), [(None, {}), ("{}", {"claims_challenge": "{}"})])
def test_msal_is_asked_for_the_identity_and_the_resource(
    identity: str | None, chosen: Any, claims: str | None, more: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, GRANTED)
    assert machine.fetch(identity, claims) == ("e30", 77.0)
    assert machine.library.asked[-1] == (chosen, {"resource": "https://arm.test", **more})
    assert machine.needed == [("auth_source msi", "choose another auth_source")]
    assert machine.server.sent == [f"GET {BASE}/imds?resource=https%3A%2F%2Farm.test"]


@pytest.mark.parametrize(
    ("said", "code", "told"),
    [
        (
            reply(400, {"error": "invalid_request", "error_description": "Identity not\nfound."}),
            "sign_in_refused",
            f"service: sign-in refused (400) for {MACHINE}: Identity not found. {ASSIGN}",
        ),
        (
            reply(400, {"error": "invalid_request"}),
            "sign_in_refused",
            f"service: sign-in refused (400) for {MACHINE}: invalid_request. {ASSIGN}",
        ),
        (
            reply(400, {"other": 1}),
            "sign_in_refused",
            f"service: sign-in refused (400) for {MACHINE}: no reason. {ASSIGN}",
        ),
        (
            reply(400, {"error_description": "x" * 999}),
            "sign_in_refused",
            f"service: sign-in refused (400) for {MACHINE}: {'x' * 299}…. {ASSIGN}",
        ),
        (
            reply(499, {"error": "last of its kind"}),
            "sign_in_refused",
            f"service: sign-in refused (499) for {MACHINE}: last of its kind. {ASSIGN}",
        ),
        (
            reply(403, b"<html>"),
            "sign_in_refused",
            f"service: sign-in refused (403) for {MACHINE}, without a reason. {ELSEWHERE}",
        ),
        (
            reply(403, {}),
            "sign_in_refused",
            f"service: sign-in refused (403) for {MACHINE}, without a reason. {ELSEWHERE}",
        ),
        (
            reply(501, {"error": "e"}),
            "unavailable",
            "service: the managed identity's endpoint failed (501). Run the task again later.",
        ),
        (
            reply(500, b"<html>"),
            "unavailable",
            "service: the managed identity's endpoint failed (500). Run the task again later.",
        ),
        (reply(200, {}), "bad_answer", f"service: the answer for {MACHINE} holds no usable token. {PORTAL}"),
        (
            reply(200, {"error": "e30.secret"}),
            "bad_answer",
            f"service: the answer for {MACHINE} holds no usable token. {PORTAL}",
        ),
        (
            reply(200, b"<html>"),
            "bad_answer",
            f"service: the answer for {MACHINE} (200) cannot be used: Expecting value: line 1 column 1 (char 0). "
            f"{PORTAL}",
        ),
        (
            reply(200, {"access_token": "a b\n"}),
            "bad_answer",
            f"service: the sign-in answer holds no usable access_token. {PORTAL}",
        ),
        (
            reply(200, []),
            "unsupported",
            "auth_source msi: msal has asked nobody. Use another auth_source.",
        ),
    ],
)
def test_what_is_no_token_is_told_in_whole(
    said: Written, code: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = Machine(monkeypatch, said).refused()
    assert (error.code, str(error)) == (code, told)


def test_the_identity_that_is_meant_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, told in (
        (reply(400, {"error": "e"}), f"service: sign-in refused (400) for managed identity mine: e. {ASSIGN}"),
        (reply(200, {}), f"service: the answer for managed identity mine holds no usable token. {PORTAL}"),
    ):
        assert str(Machine(monkeypatch, said).refused("mine")) == told


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (404, f"service: sign-in refused (404) for {MACHINE}, without a reason. {ELSEWHERE}"),
        (
            410,
            "service: the managed identity's endpoint is being updated (410), still after 4 tries. Run the task again "
            "in some minutes.",
        ),
    ],
)
def test_an_endpoint_that_starts_is_asked_four_times(status: int, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, reply(status, b"<html>"))
    assert str(machine.refused()) == told
    assert machine.server.times == [0.0, 2.0, 6.0, 14.0]
    starting = reply(status, {"error": "starting"})
    assert Machine(monkeypatch, starting, starting, starting, GRANTED).fetch() == ("e30", 77.0)


@pytest.mark.parametrize(("seconds", "asked"), [(1.5, 1), (3.0, 2), (7.0, 3)])
def test_it_is_not_asked_beyond_the_deadline(seconds: float, asked: int, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, reply(410, b"<html>"))
    assert machine.refused(seconds=seconds).code == "unavailable"
    assert len(machine.server.requests) == asked


def test_an_endpoint_next_door_gets_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, slow(100_000.0), GRANTED)
    assert machine.fetch() == ("e30", 77.0)
    assert 10 < machine.server.times[1] < 12


def test_where_nobody_answers_it_is_said_where_msi_works(monkeypatch: pytest.MonkeyPatch) -> None:
    for said, code in ((never_left(), "unreachable"), (slow(100_000.0), "unavailable")):
        error = Machine(monkeypatch, said).refused()
        assert (error.code, error.remedy) == (code, ELSEWHERE)


def test_one_that_counts_its_requests_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    error = Machine(monkeypatch, reply(429, b"", retry_after="9999")).refused()
    assert (error.code, error.status) == ("unavailable", 429)
    assert error.remedy.startswith("Try again later, raise wait_timeout")


def raising(error: Exception, *, after: bool = False) -> Act:
    def act(client: Client, resource: str) -> Any:
        if after:
            from_imds(client, resource)
        raise error

    return act


READERS = "Add the user who runs the module to the group himds (Linux), or run it as administrator."


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            PermissionError(13, "Permission denied"),
            f"auth_source msi: the key file of Azure Arc cannot be read (permission denied). {READERS}",
        ),
        (OSError(), f"auth_source msi: the key file of Azure Arc cannot be read (failed). {READERS}"),
        (
            ValueError("the address of its endpoint is no URL"),
            f"auth_source msi: msal cannot ask for {MACHINE}: the address of its endpoint is no URL. Mend or unset "
            "IDENTITY_ENDPOINT.",
        ),
        (
            ValueError("the address of its endpoint is no URL of ours"),
            f"auth_source msi: msal cannot ask for {MACHINE}: the address of its endpoint is no URL of ours. Use "
            "another auth_source.",
        ),
        (OfMsal("odd"), f"auth_source msi: msal cannot ask for {MACHINE}: odd. Use another auth_source."),
    ],
)
def test_what_msal_cannot_ask_is_told_in_whole(error: Exception, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Machine(monkeypatch, act=raising(error)).refused()
    assert str(found) == told
    assert found.code == ("invalid_input" if isinstance(error, OSError) else "unsupported")


def test_what_msal_cannot_use_is_told_in_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    said = reply(401, {})
    found = Machine(monkeypatch, said, act=raising(OfMsal("y" * 999), after=True)).refused()
    assert (found.code, found.status) == ("bad_answer", 401)
    assert str(found) == f"service: the answer for {MACHINE} (401) cannot be used: {'y' * 199}…. {PORTAL}"
    # Any other fault is one of words that something else may have answered.
    found = Machine(monkeypatch, said, act=raising(ValueError("y"), after=True)).refused()
    assert str(found) == f"service: sign-in refused (401) for {MACHINE}, without a reason. {ELSEWHERE}"


def test_a_token_that_nobody_was_asked_for_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Machine(monkeypatch, act=lambda _client, _resource: {"access_token": "e30"}).refused()
    assert str(found) == "auth_source msi: msal has asked nobody. Use another auth_source."


def test_a_key_file_that_cannot_be_read_is_no_sign_of_another_place(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, reply(200, {}), act=raising(PermissionError(13, "Permission denied"), after=True))
    assert str(machine.refused()) == (
        f"auth_source msi: the key file of Azure Arc cannot be read (permission denied). {READERS}"
    )
