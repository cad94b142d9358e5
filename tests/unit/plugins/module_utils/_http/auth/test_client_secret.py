# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service principal's token: fetched when needed, shared, renewed in time, and a refusal remembered."""

from __future__ import annotations

import urllib.parse
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx
import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    SignInRefused,
    Unavailable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.authority import Authority
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.client_secret import ClientSecret
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    Written,
    link_lost,
    reply,
    slow,
    virtual,
)

Result = TypeVar("Result")
AUTHORITY = "https://login.test"
ANSWERS: dict[str, Any] = {"access_token": "token-1", "expires_in": 3600}


class SignInHarness:
    """A service and its sign-in authority; `valid` are the tokens that the service takes, all if None."""

    def __init__(self, *tokens: Written, valid: set[str] | None = None) -> None:
        self.authority = Script(*tokens) if tokens else Script(self._issue)
        self.valid = valid
        self.service = Script(self._serve)
        self.secrets = Redactor()
        self.issued = 0

    def _issue(self, request: httpx.Request) -> Reply:
        self.issued += 1
        return reply(200, {"access_token": f"token-{self.issued}", "expires_in": 3600})

    def _serve(self, request: httpx.Request) -> Reply:
        token = request.headers["authorization"].removeprefix("Bearer ")
        made = reply(200 if self.valid is None or token in self.valid else 401)
        return slow(2.0, made) if request.url.path == "/slow" else made

    @property
    def tokens(self) -> list[str]:
        return [request.headers["authorization"] for request in self.service.requests]

    def play(self, do: Callable[[Http], Awaitable[Result]], seconds: float = 9000.0) -> Result:
        async def main() -> Result:
            deadline = Deadline(seconds)
            async with (
                httpx.AsyncClient(transport=self.service) as client,
                httpx.AsyncClient(transport=self.authority) as door,
            ):
                auth = ClientSecret(
                    Http(door, AUTHORITY, "sign-in", deadline),
                    f"{AUTHORITY}/",
                    "tenant/1",
                    "client",
                    "s3cret&x",
                    "scope/.default",
                    self.secrets,
                )
                return await do(Http(client, BASE, "service", deadline, auth=auth))

        return virtual(main)


async def read(http: Http, path: str = "/thing") -> int:
    return (await http.read(BASE + path, context="reading")).status


async def gathered(http: Http, count: int) -> list[int | CheckpointError]:
    """What so many callers at once get."""
    got: list[int | CheckpointError] = []

    async def one() -> None:
        try:
            got.append(await read(http))
        except CheckpointError as error:
            got.append(error)

    async with trio.open_nursery() as nursery:
        for _caller in range(count):
            nursery.start_soon(one)
    return got


def test_the_request_is_entra_s_client_credentials_grant() -> None:
    harness = SignInHarness()
    assert harness.play(read) == 200
    (request,) = harness.authority.requests
    assert str(request.url) == f"{AUTHORITY}/tenant%2F1/oauth2/v2.0/token"
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert dict(urllib.parse.parse_qsl(request.content.decode())) == {
        "grant_type": "client_credentials",
        "client_id": "client",
        "client_secret": "s3cret&x",
        "scope": "scope/.default",
    }


def test_the_token_goes_to_its_own_origin_and_the_authority_gets_none() -> None:
    harness = SignInHarness()
    harness.play(read)
    assert harness.tokens == ["Bearer token-1"]
    assert "authorization" not in harness.authority.requests[0].headers
    assert harness.secrets.redact_result("x token-1") == f"x {MASK}"


def at_ages(*ages: float) -> Callable[[Http], Awaitable[list[int | str]]]:
    """What one request at each age of the first token gets."""

    async def act(http: Http) -> list[int | str]:
        got: list[int | str] = []
        for age in ages:
            await trio.sleep_until(age)
            try:
                got.append(await read(http))
            except CheckpointError as error:
                got.append(error.code)
        return got

    return act


def test_a_token_outlives_an_authority_that_is_away_for_a_while() -> None:
    harness = SignInHarness(reply(200, ANSWERS), reply(501, {}), reply(501, {}), reply(200, ANSWERS))
    assert harness.play(at_ages(0, 3500, 3510, 3516, 3540, 3570)) == [200] * 6
    assert [round(each) for each in harness.authority.times] == [0, 3500, 3516, 3540]


def test_a_token_that_has_ended_is_not_used_and_another_is_asked_for() -> None:
    harness = SignInHarness(reply(200, ANSWERS), reply(501, {}), reply(501, {}), reply(200, ANSWERS))
    got = harness.play(at_ages(0, 3590, 3602, 3606, 3622))
    assert [each if isinstance(each, int) else "failed" for each in got] == [200, 200, "failed", "failed", 200]


def test_a_refused_renewal_lets_the_token_end_and_is_not_asked_again() -> None:
    harness = SignInHarness(reply(200, ANSWERS), reply(401, REFUSAL))
    assert harness.play(at_ages(0, 3500, 3598, 3601, 5000)) == [200, 200, 200, "sign_in_refused", "sign_in_refused"]
    assert len(harness.authority.requests) == 2


def test_a_token_that_the_service_refused_is_not_used_where_no_other_comes() -> None:
    harness = SignInHarness(reply(200, ANSWERS), reply(501, {}), valid={"token-1"})

    async def act(http: Http) -> list[int | str]:
        first = await at_ages(0)(http)
        harness.valid = set()
        return [*first, *await at_ages(10, 20)(http)]

    assert [isinstance(each, str) for each in harness.play(act)] == [False, True, True]
    assert len(harness.service.requests) == 2


def test_many_callers_share_one_token() -> None:
    harness = SignInHarness()
    assert harness.play(lambda http: gathered(http, 50)) == [200] * 50
    assert len(harness.authority.requests) == 1


@pytest.mark.parametrize(("age", "fetched"), [(3400.0, 1), (3500.0, 2), (4000.0, 2)])
def test_a_token_is_replaced_before_it_ends(age: float, fetched: int) -> None:
    harness = SignInHarness()

    async def main(http: Http) -> None:
        await read(http)
        await trio.sleep(age)
        await read(http)

    harness.play(main)
    assert len(harness.authority.requests) == fetched


@pytest.mark.parametrize("lifetime", [60, "60", 0, -5])
def test_a_token_that_hardly_lives_is_used_while_it_is_fresh(lifetime: object) -> None:
    harness = SignInHarness(reply(200, {"access_token": "t", "expires_in": lifetime}))
    assert harness.play(read) == 200


def test_a_token_without_a_lifetime_lives_an_hour() -> None:
    harness = SignInHarness(reply(200, {"access_token": "t"}))

    async def main(http: Http) -> None:
        await read(http)
        await trio.sleep(3400)
        await read(http)

    harness.play(main)
    assert len(harness.authority.requests) == 1


def test_a_token_that_the_service_no_longer_takes_is_renewed_once() -> None:
    harness = SignInHarness(valid={"token-1"})

    async def main(http: Http) -> int:
        await read(http)
        await trio.sleep(60)
        harness.valid = {"token-2"}
        return await read(http)

    assert harness.play(main) == 200
    assert harness.tokens == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


def test_a_fresh_token_that_is_refused_would_not_get_better() -> None:
    harness = SignInHarness(valid=set())
    assert harness.play(read) == 401
    assert len(harness.authority.requests) == 1
    assert harness.tokens == ["Bearer token-1"]  # the same request with the same token is not sent again


def test_requests_in_flight_when_the_token_ends_all_get_the_new_one() -> None:
    harness = SignInHarness(valid={"token-1"})

    async def main(http: Http) -> dict[str, int]:
        await read(http)
        await trio.sleep(60)
        harness.valid = {"token-2"}
        got = {}

        async def one(path: str) -> None:
            got[path] = await read(http, path)

        async with trio.open_nursery() as nursery:
            for path in ("/quick", "/slow", "/other"):
                nursery.start_soon(one, path)
        return got

    assert harness.play(main) == {"/quick": 200, "/slow": 200, "/other": 200}
    assert len(harness.authority.requests) == 2


def test_a_write_refused_with_401_is_sent_once_more_for_it_changed_nothing() -> None:
    harness = SignInHarness(valid={"token-1"})

    async def main(http: Http) -> int:
        await read(http)
        await trio.sleep(60)
        harness.valid = {"token-2"}
        return (await http.write("POST", f"{BASE}/act", context="writing", headers={}, body=b"{}")).status

    assert harness.play(main) == 200


REFUSAL = {
    "error": "invalid_client",
    "error_description": "AADSTS7000215: Invalid client secret provided.\r\nTrace ID: t-1\r\nCorrelation ID: c-1",
    "trace_id": "t-1",
    "correlation_id": "c-1",
}


def test_a_refusal_says_why_without_the_secret() -> None:
    with pytest.raises(SignInRefused) as caught:
        SignInHarness(reply(401, REFUSAL)).play(read)
    error = caught.value
    assert error.message == "sign-in refused (401) for client client: AADSTS7000215: Invalid client secret provided."
    assert (error.subject, error.status, error.request_id, error.correlation_id) == ("sign-in", 401, "t-1", "c-1")
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"error": "invalid_request"}, "for client client: invalid_request."),
        ({}, "for client client: no reason given."),
    ],
)
def test_a_refusal_that_says_little(body: object, expected: str) -> None:
    with pytest.raises(SignInRefused) as caught:
        SignInHarness(reply(400, body)).play(read)
    assert expected in caught.value.message
    assert (caught.value.request_id, caught.value.correlation_id) == (None, None)


@pytest.mark.parametrize("said", [reply(401, REFUSAL), reply(500, {}), reply(200, "<html>")])
def test_a_failure_is_remembered_for_all_and_each_gets_an_error_of_its_own(said: Reply) -> None:
    harness = SignInHarness(said)
    got = harness.play(lambda http: gathered(http, 20))
    asked = len(harness.authority.requests)
    assert len({str(error) for error in got}) == 1
    assert len({id(error) for error in got}) == 20
    assert asked == 1 if said.status != 500 else 1 < asked < 10  # a 500 is asked again, for one caller only
    assert harness.service.requests == []
    first, second = got[:2]
    assert isinstance(first, CheckpointError)
    assert isinstance(second, CheckpointError)
    first.operation = {"kind": "job", "id": "of somebody else"}
    first.notes.append("of somebody else")
    assert (second.operation, second.notes) == (None, [])


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (reply(200, []), "the sign-in answer is no JSON object"),
        (reply(200, "<html>"), "is not readable JSON"),
        (reply(403, "<html>"), "is not readable JSON"),
        (reply(200, {}), "holds no usable access_token"),
        (reply(200, {"access_token": ""}), "holds no usable access_token"),
        (reply(200, {"access_token": 7}), "holds no usable access_token"),
        (reply(200, {"access_token": "x" * 65537}), "holds no usable access_token"),
        (reply(200, {"access_token": "a\r\nb"}), "holds no usable access_token"),
        (reply(200, {"access_token": "tökén"}), "holds no usable access_token"),
        (reply(200, ANSWERS | {"expires_in": "soon"}), "expires_in is no number"),
        (reply(200, ANSWERS | {"expires_in": None}), "expires_in is no number"),
        (reply(200, ANSWERS | {"expires_in": []}), "expires_in is no number"),
        (reply(200, ANSWERS | {"expires_in": 10**400}), "expires_in is no number"),
    ],
)
def test_an_answer_that_makes_no_sense_is_reported(said: Reply, expected: str) -> None:
    with pytest.raises(BadResponse) as caught:
        SignInHarness(said).play(read)
    assert expected in caught.value.message


def test_an_authority_in_trouble_is_asked_again() -> None:
    harness = SignInHarness(link_lost(), reply(503), reply(429), reply(200, ANSWERS))
    assert harness.play(read) == 200


def test_a_sign_in_that_hangs_is_not_a_write_whose_answer_was_lost() -> None:
    harness = SignInHarness(slow(100_000.0))
    with pytest.raises(Unavailable):
        harness.play(lambda http: http.write("POST", f"{BASE}/act", context="writing", headers={}, limit=30.0))
    assert harness.service.requests == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_sign_in_that_is_sent_elsewhere_stays_here(status: int) -> None:
    harness = SignInHarness(reply(status, {"error": "moved"}, location="https://evil.test/token"))
    with pytest.raises(BadResponse, match=rf"answered with a redirect \({status}\), which is not followed"):
        harness.play(read)
    assert [request.url.host for request in harness.authority.requests] == ["login.test"]


def test_a_busy_authority_is_asked_four_times_with_growing_pauses() -> None:
    busy = reply(400, {"error": "temporarily_unavailable"})
    harness = SignInHarness(busy)
    with pytest.raises(Unavailable, match="the sign-in authority is busy") as caught:
        harness.play(read)
    assert harness.authority.times == [0.0, 2.0, 6.0, 14.0]
    assert caught.value.remedy == "Run the task again later."
    again = SignInHarness(busy, busy, busy, reply(200, ANSWERS))
    assert again.play(read) == 200


@pytest.mark.parametrize(("seconds", "asked"), [(1.5, 1), (3.0, 2), (7.0, 3), (20.0, 4)])
def test_it_is_not_asked_beyond_the_deadline(seconds: float, asked: int) -> None:
    harness = SignInHarness(reply(400, {"error": "server_error"}))
    with pytest.raises(Unavailable):
        harness.play(read, seconds)
    assert len(harness.authority.requests) == asked


def test_a_refusal_of_a_secret_is_told_in_whole() -> None:
    with pytest.raises(SignInRefused) as caught:
        SignInHarness(reply(401, {"error": "x"})).play(read)
    assert caught.value.remedy == "Check tenant, client_id and secret (its value, not its id; it may have expired)."


def authority_of(base: str, tenant: str) -> tuple[str, bool, str]:
    async def main() -> tuple[str, bool, str]:
        async with httpx.AsyncClient(transport=Script()) as client:
            http = Http(client, AUTHORITY, "sign-in", Deadline(60))
            made = Authority(http, base, tenant, "https://arm/.default", Redactor())
            return made.url, made.is_adfs, made.resource

    return virtual(main)


@pytest.mark.parametrize(
    ("base", "tenant", "url", "is_adfs"),
    [
        (f"{AUTHORITY}/", "t/1", f"{AUTHORITY}/t%2F1/oauth2/v2.0/token", False),
        (AUTHORITY, "ADFS", f"{AUTHORITY}/adfs/oauth2/token", True),
        (f"{AUTHORITY}/adfs", "t", f"{AUTHORITY}/adfs/oauth2/token", True),
        (f"{AUTHORITY}/adfs/", "adfs", f"{AUTHORITY}/adfs/oauth2/token", True),
        (AUTHORITY, "adfs.contoso.com", f"{AUTHORITY}/adfs.contoso.com/oauth2/v2.0/token", False),
    ],
)
def test_where_a_tenant_s_clients_sign_in(base: str, tenant: str, url: str, is_adfs: bool) -> None:
    assert authority_of(base, tenant) == (url, is_adfs, "https://arm")
