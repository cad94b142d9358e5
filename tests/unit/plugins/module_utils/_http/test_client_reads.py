# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A read is repeated while that may help, at the service's pace, and never beyond the deadline."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    Unavailable,
    Unreachable,
)
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    Written,
    link_lost,
    never_left,
    reply,
    slow,
)


@pytest.mark.parametrize(
    "trouble",
    [
        reply(408),
        reply(429),
        reply(500),
        reply(502),
        reply(503),
        reply(504),
        reply(511),
        reply(520),
        reply(529),
        link_lost(),
        httpx.RemoteProtocolError("closed"),
        httpx.ReadTimeout("slow"),
        httpx.WriteError("broken"),
        never_left(),
        httpx.ConnectTimeout("slow"),
        httpx.PoolTimeout("full"),
        httpx.ProxyError("proxy"),
    ],
)
def test_it_is_repeated_on(trouble: Written) -> None:
    server = Script(trouble, trouble, reply(200, {"a": 1}))
    assert server.read().json() == {"a": 1}
    assert server.sent == [f"GET {BASE}/thing"] * 3


@pytest.mark.parametrize("status", [200, 204, 301, 302, 400, 401, 403, 404, 409, 412, 501, 505])
def test_it_is_not_repeated_on(status: int) -> None:
    server = Script(reply(status))
    assert server.read().status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "least", "most"),
    [
        (500, 15, 40),
        (408, 60, 90),
        (502, 60, 90),
        (503, 60, 90),
        (504, 60, 90),
        (507, 60, 90),
        (511, 60, 90),
        (520, 60, 90),
        (599, 60, 90),
    ],
)
def test_after_a_while_the_last_answer_is_the_answer_and_500_is_soon_believed(
    status: int, least: float, most: float
) -> None:
    server = Script(reply(status))
    assert server.read().status == status
    assert least <= server.times[-1] <= most


@pytest.mark.parametrize(
    ("trouble", "kind", "least", "most", "expected"),
    [
        (link_lost(), Unavailable, 60, 90, "the connection broke (ReadError) (tried for"),
        (never_left(), Unreachable, 15, 40, "cannot be reached: connection refused or no route (tried for"),
    ],
)
def test_after_a_while_a_broken_line_is_an_error(
    trouble: Exception, kind: type[CheckpointError], least: float, most: float, expected: str
) -> None:
    server = Script(trouble)
    with pytest.raises(kind) as caught:
        server.read()
    assert expected in caught.value.message
    assert caught.value.retry == "safe"
    assert least <= server.times[-1] <= most


def test_the_pauses_grow_and_stay_within_bounds() -> None:
    server = Script(reply(503))
    server.read(seconds=3600.0, patience=10.0)
    for pause, wanted in zip(server.pauses, (0.5, 1, 2, 4, 8, 15, 15, 15), strict=False):
        assert wanted <= pause <= wanted * 1.25


@pytest.mark.parametrize("status", [408, 429, 500, 503])
@pytest.mark.parametrize(
    ("headers", "least", "most"),
    [
        ({"retry_after": "7"}, 7.0, 8.75),
        (
            {"retry_after": "Fri, 20 Nov 2026 08:00:07 GMT", "date": "Fri, 20 Nov 2026 08:00:00 GMT"},
            7.0,
            8.75,
        ),
        ({"retry_after": "0"}, 0.5, 0.625),
    ],
)
def test_retry_after_wins_over_our_own_pause(status: int, headers: dict[str, str], least: float, most: float) -> None:
    server = Script(reply(status, **headers), reply())
    server.read()
    assert least <= server.pauses[0] <= most


def test_throttling_that_asks_for_more_than_is_left_is_an_error_at_once() -> None:
    server = Script(reply(429, retry_after="700", x_ms_request_id="r-1"))
    with pytest.raises(Unavailable) as caught:
        server.read()
    assert caught.value.message == "reading vm web01: throttled (429): asks to wait 11m40s, and 10m are left."
    assert (caught.value.status, caught.value.request_id, caught.value.retry) == (429, "r-1", "safe")
    assert len(server.requests) == 1


def test_throttling_without_an_end_ends_at_the_deadline() -> None:
    server = Script(reply(429))
    with pytest.raises(Unavailable):
        server.read(seconds=100.0)
    assert 60 <= server.times[-1] <= 100
    assert max(server.pauses) <= 30 * 1.25


def test_a_connection_that_fails_after_long_throttling_is_tried_again() -> None:
    server = Script(reply(429, retry_after="10"), reply(429, retry_after="10"), never_left(), reply())
    assert server.read().status == 200
    assert len(server.requests) == 4


def test_a_503_that_asks_for_more_than_is_left_is_the_answer() -> None:
    server = Script(reply(503, retry_after="700"))
    assert server.read().status == 503
    assert len(server.requests) == 1


@pytest.mark.parametrize("trouble", [reply(503), reply(429), link_lost(), never_left()])
def test_nothing_is_asked_beyond_the_deadline(trouble: Written) -> None:
    server = Script(trouble)
    with contextlib.suppress(Unavailable, Unreachable):
        server.read(seconds=3.0, patience=float("inf"))
    assert server.times[-1] <= 3.0


def test_with_endless_patience_it_goes_on_to_the_deadline() -> None:
    server = Script(reply(500))
    assert server.read(seconds=300.0, patience=float("inf")).status == 500
    assert server.times[-1] > 250


def test_an_answer_that_does_not_come_is_given_up_and_asked_for_again() -> None:
    server = Script(slow(1000.0), reply(200, {"a": 1}))
    assert server.read().json() == {"a": 1}
    assert 100 <= server.pauses[0] <= 102


def test_the_deadline_cuts_an_answer_short() -> None:
    server = Script(slow(1000.0))
    with pytest.raises(Unavailable, match="no answer within 20s"):
        server.read(seconds=20.0)
    assert len(server.requests) == 1


def test_when_no_time_is_left_nothing_is_sent() -> None:
    server = Script(reply())
    with pytest.raises(Unavailable, match="deadline of 0s came before the next request"):
        server.read(seconds=0.0)
    assert server.requests == []


def test_headers_go_out_as_given_with_our_own_name() -> None:
    server = Script(reply())
    server.read(headers={"Accept": "application/json"})
    sent: Any = server.requests[0].headers
    assert sent["accept"] == "application/json"
    assert sent["user-agent"].startswith("hybridvm.checkpoints/")
    assert "authorization" not in sent


@pytest.fixture
def chance(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Jitter as short as it may be, or as long."""
    longest = [False]
    monkeypatch.setattr(random, "uniform", lambda low, high: high if longest[0] else low)
    return longest


def test_how_much_chance_adds_to_a_pause(chance: list[bool]) -> None:
    server = Script(reply(503))
    server.read(seconds=3600.0, patience=10.0)
    assert server.pauses[:8] == pytest.approx([0.5, 1, 2, 4, 8, 15, 15, 15])
    chance[0] = True
    server = Script(reply(503))
    server.read(seconds=3600.0, patience=10.0)
    assert server.pauses[:8] == pytest.approx([0.625, 1.25, 2.5, 5, 10, 18, 18, 18])


@pytest.mark.usefixtures("chance")
@pytest.mark.parametrize(
    ("trouble", "once", "twice", "told"),
    [
        (reply(500), 6, 7, ""),
        (reply(408), 9, 13, ""),
        (reply(503), 9, 13, ""),
        (reply(599), 9, 13, ""),
        (
            link_lost(),
            9,
            13,
            "service: reading vm web01: the connection broke (ReadError) (tried for 1m). Try again later; if the "
            "service is only slow, raise wait_timeout.",
        ),
        (
            never_left(),
            6,
            7,
            "service: cannot be reached: connection refused or no route (tried for 16s). Nothing was "
            "sent. Check the URL, the network and the proxy settings.",
        ),
    ],
)
def test_how_often_each_trouble_is_met(trouble: Written, once: int, twice: int, told: str) -> None:
    for patience, count in ((1.0, once), (2.0, twice)):
        server = Script(trouble)
        if told:
            with pytest.raises((Unavailable, Unreachable)) as caught:
                server.read(patience=patience)
            assert patience == 2.0 or str(caught.value) == told
        else:
            server.read(patience=patience)
        assert len(server.requests) == count


def test_what_was_not_tried_for_a_second_does_not_say_for_how_long() -> None:
    with pytest.raises(Unreachable) as caught:
        Script(never_left()).read(seconds=0.4)
    assert "tried for" not in caught.value.message
