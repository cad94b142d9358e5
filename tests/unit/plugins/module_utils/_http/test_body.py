# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of an answer is read, and how it may be packed."""

from __future__ import annotations

import gzip
import random
import zlib
from collections.abc import AsyncIterator

import httpx
import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import BadResponse
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http import body as _body
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.body import Body, Unreadable
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Script,
    reply,
    virtual,
)

# httpx nests generators that nobody outside can close; trio says so of each that is left before its end.
stops_reading = pytest.mark.filterwarnings("ignore:Async generator .* was garbage collected:ResourceWarning")
TEXT = b"0123456789" * 5000
PACKED = gzip.compress(TEXT, mtime=0)


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> int:
    """A limit that small bodies reach."""
    monkeypatch.setattr(_body, "MAX_BODY", 1000)
    return 1000


def taken(headers: dict[str, str], *chunks: bytes) -> bytes:
    body = Body(httpx.Headers(headers))
    for chunk in chunks:
        body.take(chunk)
    return body.content()


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip", " gzip ", "identity, gzip", ",gzip,"])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_what_we_asked_for_is_unfolded_in_pieces_of_any_size(coding: str, size: int) -> None:
    pieces = [PACKED[at : at + size] for at in range(0, len(PACKED), size)]
    assert taken({"content-encoding": coding}, *pieces) == TEXT


@pytest.mark.parametrize("coding", ["", "identity", "IDENTITY", " , "])
def test_what_is_not_packed_stays_as_it_is(coding: str) -> None:
    assert taken({"content-encoding": coding}, b"a", b"", b"b") == b"ab"
    assert taken({}) == b""


def test_nothing_is_nothing_whatever_the_header_says() -> None:
    assert taken({"content-encoding": "gzip"}) == b""


@pytest.mark.parametrize("coding", ["br", "zstd", "deflate", "compress", "gzip, gzip", "gzip, br", "x" * 9000])
def test_what_we_did_not_ask_for_is_refused_unread(coding: str) -> None:
    with pytest.raises(Unreadable) as caught:
        Body(httpx.Headers({"content-encoding": coding}))
    assert (
        str(caught.value) == f"the answer's compression ({coding if len(coding) < 40 else 'x' * 40}) was not asked for."
    )


@pytest.mark.parametrize(
    ("packed", "expected"),
    [
        (b"no gzip", "."),
        (zlib.compress(TEXT), "."),
        (PACKED[:-9], ": it has no end."),
        (PACKED + b"x", ": something follows its end."),
        (PACKED + PACKED, ": something follows its end."),
        (PACKED[:-8] + b"wrong sum", "."),
    ],
    ids=["no gzip", "zlib", "cut off", "one byte more", "twice", "wrong sum"],
)
def test_broken_packing_is_reported(packed: bytes, expected: str) -> None:
    with pytest.raises(Unreadable) as caught:
        taken({"content-encoding": "gzip"}, packed)
    assert str(caught.value) == f"the answer's compression is broken{expected}"


@pytest.mark.parametrize("length", ["1000", "", "-5", "x", "1001x", "²"])
def test_up_to_the_limit_is_read(short: int, length: str) -> None:
    raw = [(b"content-length", length.encode())]
    body = Body(httpx.Headers(raw))
    body.take(b"x" * short)
    assert len(body.content()) == short
    with pytest.raises(Unreadable, match="is longer than"):
        body.take(b"x")


@pytest.mark.parametrize("length", ["1001", "9" * 5000])
def test_a_length_beyond_the_limit_is_believed_at_once(short: int, length: str) -> None:
    with pytest.raises(Unreadable, match="is longer than"):
        Body(httpx.Headers({"content-length": length}))


@pytest.mark.parametrize("length", ["33554433", "0000000000000000001"])
def test_a_length_that_is_no_sensible_one_is_told_in_whole(length: str) -> None:
    with pytest.raises(Unreadable) as caught:
        Body(httpx.Headers({"content-length": length}))
    assert str(caught.value) == "the answer is longer than 32 MiB; reading stopped."


@pytest.mark.parametrize("length", ["33554432", "000000000000000001"])
def test_a_length_up_to_the_limit_is_begun(length: str) -> None:
    assert taken({"content-length": length}, b"x") == b"x"


def test_what_is_packed_with_the_largest_window_is_unfolded() -> None:
    far_apart = random.Random(1).randbytes(30_000) * 2
    packed = gzip.compress(far_apart, mtime=0)
    assert len(packed) < 40_000
    assert taken({"content-encoding": "gzip"}, packed) == far_apart


def test_a_packed_body_of_just_the_limit_is_unfolded_to_its_end(short: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_body, "_PIECE", short)
    assert taken({"content-encoding": "gzip"}, gzip.compress(b"x" * short, mtime=0)) == b"x" * short


@pytest.mark.usefixtures("short")
def test_packed_bodies_count_by_what_they_unfold_to_and_by_what_is_sent() -> None:
    packed = gzip.compress(b"x" * 1001, mtime=0)
    assert len(packed) < 100
    with pytest.raises(Unreadable, match="is longer than"):
        taken({"content-encoding": "gzip"}, packed)
    # A gzip header may hold a name without end, which unfolds to nothing.
    name = b"\x1f\x8b\x08\x08\0\0\0\0\0\0" + b"n" * 900
    with pytest.raises(Unreadable, match="is longer than"):
        taken({"content-encoding": "gzip"}, name, b"n" * 900)


@stops_reading
def test_an_endless_body_is_left_at_the_limit(short: int) -> None:
    taken = []

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            while True:
                taken.append(100)
                yield b"x" * 100

    class Flood(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(200, stream=Endless())

    async def main() -> None:
        async with httpx.AsyncClient(transport=Flood()) as client:
            await Http(client, BASE, "service", Deadline(60)).read(f"{BASE}/x", context="reading")

    with pytest.raises(BadResponse, match="the answer is longer than 0 MiB; reading stopped"):
        virtual(main)
    assert sum(taken) == short + 100


@stops_reading
@pytest.mark.parametrize("reading", ["read", "write"])
def test_a_read_says_so_and_a_write_goes_by_the_rest_of_the_answer(reading: str) -> None:
    """What was sent has been taken or refused, and status and headers say which: nothing is sent again."""
    server = Script(reply(202, b"no gzip", content_encoding="gzip", location=f"{BASE}/op"))
    if reading == "read":
        with pytest.raises(BadResponse, match="the answer's compression is broken") as caught:
            server.read()
        assert caught.value.status == 202
    else:
        answer = server.write()
        assert (answer.status, answer.body, answer.headers["location"]) == (202, b"", f"{BASE}/op")
    assert len(server.requests) == 1
    assert server.requests[0].headers["accept-encoding"] == "gzip"


@stops_reading
def test_a_write_that_was_throttled_is_sent_again_whatever_the_body() -> None:
    server = Script(reply(429, b"no gzip", content_encoding="gzip"), reply(201))
    assert server.write().status == 201
    assert len(server.requests) == 2
