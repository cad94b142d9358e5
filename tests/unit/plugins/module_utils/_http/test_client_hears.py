# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who hears of a service's trouble and limits, what a sign-in is told, and what is remembered of a URL."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import ResponseLost, SignInRefused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Auth, Exchanged
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    Written,
    link_lost,
    never_left,
    reply,
    virtual,
)


class Ear:
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def pressed(self) -> None:
        self.heard.append("pressed")

    def answered(self) -> None:
        self.heard.append("answered")

    def held(self, seconds: float) -> None:
        self.heard.append(f"held {seconds:g}")


def using(server: Script, act: Callable[[Http], Awaitable[Any]], base: str = BASE, **more: Any) -> Any:
    async def main() -> Any:
        async with httpx.AsyncClient(transport=server) as client:
            return await act(Http(client, base, "service", Deadline(600), **more))

    return virtual(main)


async def read(http: Http) -> Any:
    return await http.read(f"{BASE}/thing", context="reading")


async def write(http: Http) -> Any:
    headers = {"x-ms-client-request-id": "own-id"}
    return await http.write("POST", f"{BASE}/thing", context="writing", headers=headers, body=b"{}")


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ([reply(200)], ["answered"]),
        ([reply(404)], ["answered"]),
        ([reply(501)], ["answered"]),
        ([reply(500), reply(200)], ["pressed", "answered"]),
        ([reply(599), reply(200)], ["pressed", "answered"]),
        ([link_lost(), reply(200)], ["pressed", "answered"]),
        ([never_left(), reply(200)], ["pressed", "answered"]),
        ([reply(429, retry_after="2"), reply(200)], ["held 2", "answered"]),
        ([reply(429), reply(200)], ["held 0.5", "answered"]),
        ([reply(429, retry_after="0"), reply(200)], ["held 0.5", "answered"]),
    ],
)
def test_who_wants_to_know_hears_of_each_trouble(written: list[Written], heard: list[str]) -> None:
    ear = Ear()
    using(Script(*written), read, pressure=ear)
    assert ear.heard == heard
    using(Script(*written), read)  # nobody need listen


def test_a_429_of_one_resource_holds_nobody_else_up() -> None:
    ear, server = Ear(), Script(reply(429, retry_after="2"), reply(200))
    using(server, read, pressure=ear, counted=lambda _method, _url, refused=None: None if refused else "all")
    assert ear.heard == ["answered"]
    assert 2.0 <= server.pauses[0] <= 2.5


def test_what_one_bucket_refuses_another_does_not_wait_for() -> None:
    server = Script(reply(429, retry_after="30"), reply(200))
    times: list[float] = []

    async def both(http: Http) -> None:
        await http.read(f"{BASE}/a", context="reading")
        times.extend(server.times)
        await http.write("POST", f"{BASE}/b", context="writing", headers={}, body=b"")

    using(server, both, counted=lambda method, _url, refused=None: method)
    assert server.pauses[1] == 0.0


def test_a_lost_write_is_pressure_too_and_is_named_by_our_own_id() -> None:
    ear = Ear()
    with pytest.raises(ResponseLost) as caught:
        using(Script(link_lost()), write, pressure=ear)
    assert (ear.heard, caught.value.request_id) == (["pressed"], "own-id")


class Door(Auth):
    """A way to sign in that writes down what it is told."""

    def __init__(self, *, renews: bool = False, refuses: bool = False) -> None:
        self.told: list[str] = []
        self.renews, self.refuses = renews, refuses

    async def ready(self) -> None:
        self.told.append("ready")

    def challenged(self, challenge: str) -> None:
        self.told.append(f"challenged {challenge}")

    async def renew(self, refused: str) -> bool:
        self.told.append(f"renew {refused}")
        return self.renews

    async def exchange(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        if self.refuses:
            raise SignInRefused("no.")
        request.headers["Authorization"] = "Door"
        return await super().exchange(client, request)


@pytest.mark.parametrize(
    ("status", "renews", "told", "accepted"),
    [
        (200, False, ["ready"], True),
        (403, False, ["ready"], True),
        (401, False, ["ready", "challenged Door x=y", "renew Door"], False),
        (401, True, ["ready", "challenged Door x=y", "renew Door", "ready"], False),
    ],
)
def test_a_sign_in_is_told_of_its_refusal_and_accepted_by_anything_else(
    status: int, renews: bool, told: list[str], accepted: bool
) -> None:
    door = Door(renews=renews)
    using(Script(reply(status, b"", www_authenticate="Door x=y")), read, auth=door)
    assert (door.told, door.accepted) == (told, accepted)


def test_a_sign_in_that_fails_names_the_service() -> None:
    with pytest.raises(SignInRefused) as caught:
        using(Script(reply()), read, auth=Door(refuses=True))
    assert str(caught.value) == "service: no."


def test_what_signs_a_url_that_is_followed_is_never_shown() -> None:
    redactor = Redactor()

    async def follow(http: Http) -> str:
        return http.followable(f"{BASE}/op?t=1&sig=abcdefghij")

    assert using(Script(), follow, redactor=redactor) == f"{BASE}/op?t=1&sig=abcdefghij"
    assert redactor.redact("said abcdefghij") == f"said {MASK}"


@pytest.mark.parametrize(
    ("url", "own"),
    [
        (BASE, True),
        (f"{BASE}/x", True),
        ("https://SERVICE.test/x", True),
        ("https://service.test:443/x", True),
        ("http://service.test/x", False),
        ("https://service.test:8443/x", False),
        ("https://other.test/x", False),
        ("https://[::1", False),
        ("https://service.test:port", False),
        (f"{BASE}/\ud800", False),
        (7, False),
        (None, False),
    ],
)
def test_which_urls_are_of_this_origin(url: Any, own: bool) -> None:
    async def is_own(http: Http) -> bool:
        return http.is_own(url)

    assert using(Script(), is_own) is own
    assert using(Script(), is_own, base="https://Service.TEST:443/root") is own


def test_an_address_of_ipv6_is_the_same_in_any_case() -> None:
    async def is_own(http: Http) -> bool:
        return http.is_own("https://[fd00::A]/x")

    assert using(Script(), is_own, base="https://[FD00::a]")
