# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""To the second: how long a request is repeated, what a limiter makes of it, and what is said at the deadline."""

from __future__ import annotations

import math
import random
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import Unavailable, Unreachable
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http, RetryPolicy, _for
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Auth
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    Written,
    link_lost,
    never_left,
    reply,
    virtual,
)


@pytest.fixture(autouse=True)
def _no_chance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "uniform", lambda low, _high: low)


def using(
    server: Script, act: Callable[[Http], Awaitable[Any]], *, seconds: float = 600.0, late: float = 0.0, **more: Any
) -> Any:
    """What `act` makes of a client that was made so late."""

    async def main() -> Any:
        await trio.sleep(late)
        async with httpx.AsyncClient(transport=server) as client:
            return await act(Http(client, BASE, "service", Deadline(seconds), **more))

    return virtual(main)


async def read(http: Http) -> Any:
    return await http.read(f"{BASE}/thing", context="reading")


@pytest.mark.parametrize(
    ("first", "then", "status", "count"),
    [
        (reply(503, retry_after="60"), link_lost(), 200, 3),
        (reply(503, retry_after="15"), never_left(), 200, 3),
        (reply(503, retry_after="59"), reply(503), 200, 3),
        (reply(503, retry_after="60"), reply(503), 503, 2),
        (reply(408, retry_after="60"), reply(408), 408, 2),
        (reply(500, retry_after="14"), reply(500), 200, 3),
        (reply(500, retry_after="15"), reply(500), 500, 2),
    ],
)
def test_the_last_second_in_which_a_read_is_repeated(first: Written, then: Written, status: int, count: int) -> None:
    server = Script(first, then, reply(200))
    assert server.read().status == status
    assert len(server.requests) == count


@pytest.mark.parametrize(("seconds", "trouble"), [("61", link_lost()), ("16", never_left())])
def test_a_broken_line_behind_answers_is_a_trouble_of_its_own(seconds: str, trouble: Written) -> None:
    server = Script(reply(503, retry_after=seconds), trouble, reply(200))
    assert server.read().status == 200
    assert len(server.requests) == 3


def test_troubles_in_turn_end_each_by_itself() -> None:
    turn = (reply(500, retry_after="7"), never_left())
    server = Script(*turn, *turn, *turn, *turn)
    assert server.read().status == 500
    assert server.times == pytest.approx([0.0, 7.0, 8.0, 15.0, 19.0])


def test_a_write_that_never_left_is_tried_for_a_quarter_of_a_minute() -> None:
    server = Script(never_left())
    with pytest.raises(Unreachable) as caught:
        server.write()
    assert server.times == pytest.approx([0.0, 0.5, 1.5, 3.5, 7.5, 15.5])
    assert str(caught.value) == (
        "service: cannot be reached: connection refused or no route (tried for 16s). Nothing was sent. Check the URL, "
        "the network and the proxy settings."
    )


def test_what_was_spent_is_counted_from_the_request_s_own_beginning() -> None:
    server = Script(reply(500), link_lost(), never_left(), reply(200))
    assert using(server, read, late=1000.0).status == 200
    with pytest.raises(Unreachable) as caught:
        using(Script(never_left()), read, late=1000.0)
    assert caught.value.message == "cannot be reached: connection refused or no route (tried for 16s)."
    with pytest.raises(Unavailable) as broken:
        using(Script(link_lost()), read, late=1000.0)
    assert broken.value.message == "reading: the connection broke (ReadError) (tried for 1m)."


@pytest.mark.parametrize(("before", "tried"), [(2, " (tried for 2s)"), (1, "")])
def test_one_second_is_worth_a_word(before: int, tried: str) -> None:
    unknown = never_left()
    unknown.__cause__ = socket.gaierror(socket.EAI_NONAME, "x")
    with pytest.raises(Unreachable) as caught:
        Script(*[never_left()] * before, unknown).read()
    assert caught.value.message == f"cannot be reached: the host's name cannot be resolved{tried}."
    assert (_for(1.0), _for(0.99)) == (" (tried for 1s)", "")


@pytest.mark.parametrize(("wanted", "ended"), [("600", 600.0), ("601", 0.0)])
def test_an_answer_that_asks_for_more_than_is_left_is_not_waited_for(wanted: str, ended: float) -> None:
    async def main(http: Http) -> tuple[int, float]:
        return (await read(http)).status, trio.current_time()

    assert using(Script(reply(503, retry_after=wanted)), main) == (503, ended)


def test_what_is_throttled_to_the_deadline_is_told_in_whole() -> None:
    with pytest.raises(Unavailable) as caught:
        Script(reply(429, retry_after="11", x_ms_request_id="r-1")).read(seconds=10.0)
    assert str(caught.value) == (
        "service: reading vm web01: throttled (429): asks to wait 11s, and 10s are left. Try again later, raise "
        "wait_timeout, or lower concurrency. [request r-1]"
    )
    with pytest.raises(Unavailable) as queued:
        Script(reply(429, retry_after="10")).read(seconds=10.0)
    assert str(queued.value) == (
        "service: reading vm web01: throttled (429): so many requests wait that this one's turn comes after the task's "
        "deadline of 10s. Try again later, raise wait_timeout, or lower concurrency."
    )


def test_one_resource_that_is_refused_to_the_deadline_signs_in_no_more() -> None:
    class Door(Auth):
        asked = 0

        async def ready(self) -> None:
            self.asked += 1

    door, server = Door(), Script(reply(429, retry_after="2"))
    with pytest.raises(Unavailable) as caught:
        using(
            server, read, seconds=2.0, auth=door, counted=lambda _method, _url, refused=None: None if refused else "all"
        )
    assert str(caught.value) == (
        "service: reading: the task's deadline of 2s came before the next request. Raise wait_timeout or try again."
    )
    assert (door.asked, len(server.requests)) == (1, 1)


def test_what_passed_before_a_refusal_is_the_rate_after_it() -> None:
    server = Script(*[reply(200)] * 5, reply(429, retry_after="1"), reply(200))

    async def main(http: Http) -> None:
        for _each in range(8):
            await read(http)

    using(server, main)
    assert server.times == pytest.approx([*[0.0] * 6, 1.0, 1.0 + 1 / 5, 1.0 + 1 / 5 + 1 / 5.1], abs=0.02)


def test_a_token_request_may_take_a_minute() -> None:
    server = Script(reply(200))

    async def main(http: Http) -> Any:
        return await http.send_again("POST", f"{BASE}/token", {"X": "y"}, b"x=1", context="asking")

    assert using(server, main).context == "asking"
    sent = server.requests[0]
    assert (sent.content, sent.headers["x"], sent.extensions["timeout"]["read"]) == (b"x=1", "y", 60.0)


@pytest.mark.parametrize(
    ("policy", "seconds"),
    [
        (RetryPolicy(True), [60.0, 15.0, 60.0, 60.0, 0.0, 0.0, 0.0]),
        (RetryPolicy(True, 2.0), [120.0, 30.0, 120.0, 120.0, 0.0, 0.0, 0.0]),
        (RetryPolicy(True, math.inf), [math.inf, math.inf, math.inf, math.inf, 0.0, 0.0, 0.0]),
        (RetryPolicy(False), [0.0] * 7),
        (RetryPolicy(False, math.inf), [0.0] * 7),
    ],
)
def test_how_long_each_status_leads_to_another_request(policy: RetryPolicy, seconds: list[float]) -> None:
    assert [policy.seconds(status) for status in (408, 500, 503, 599, 404, 501, 200)] == seconds
