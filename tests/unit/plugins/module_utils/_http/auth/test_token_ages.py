# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a token is asked for, to the second: renewed, kept where none comes, dropped where it is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Union

import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    CheckpointError,
    SignInRefused,
    Unavailable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import MASK, Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.token import Token, TokenAuth
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

Said = Union[float, CheckpointError]
"""The seconds for which a token is valid, or why there is none."""
BASE64 = "eyJuIjoxfQ"


class Source(TokenAuth):
    """Says as written, the last for ever; remembers when it was asked and with which claims."""

    def __init__(self, *said: Said) -> None:
        super().__init__(Redactor())
        self.said = said
        self.asked: list[float] = []
        self.claims: list[str | None] = []

    async def fetch(self, claims: str | None) -> Token:
        said = self.said[min(len(self.asked), len(self.said) - 1)]
        self.asked.append(trio.current_time())
        self.claims.append(claims)
        if isinstance(said, CheckpointError):
            raise said
        return Token(f"t{len(self.asked)}", said)

    async def at(self, moment: float) -> str:
        """What a request at that moment is signed with, or why it is not sent."""
        await trio.sleep_until(moment)
        try:
            await self.ready()
        except CheckpointError as error:
            return error.message
        return str(self._token)


def away() -> Unavailable:
    return Unavailable("away")


def ages(source: Source, *moments: float) -> list[str]:
    async def main() -> list[str]:
        return [await source.at(moment) for moment in moments]

    return virtual(main)


def play(do: Callable[[], Awaitable[None]]) -> None:
    virtual(do)


@pytest.mark.parametrize(
    ("said", "moments", "got", "asked"),
    [
        ((3600.0,), (0, 3480, 3481), ["t1", "t1", "t2"], [0, 3481]),
        ((480.0,), (0, 360, 360.5), ["t1", "t1", "t2"], [0, 360.5]),
        ((484.0,), (0, 364, 364.5), ["t1", "t1", "t2"], [0, 364.5]),
        ((476.0,), (0, 357, 357.5), ["t1", "t1", "t2"], [0, 357.5]),
        # A short life has a short end.
        ((100.0,), (0, 75, 75.5, 150.5, 151), ["t1", "t1", "t2", "t2", "t3"], [0, 75.5, 151]),
        ((1.0,), (0, 0.75, 0.8), ["t1", "t1", "t2"], [0, 0.8]),
        ((0.0,), (0, 0, 0.5), ["t1", "t1", "t2"], [0, 0.5]),
        ((-9.0,), (0, 0, 0.5), ["t1", "t1", "t2"], [0, 0.5]),
        # A failed renewal is tried again after 15 seconds, and the token used to its end.
        (
            (3600.0, away(), away(), 3600.0),
            (0, 3500, 3515, 3515.5, 3530.5, 3531),
            ["t1", "t1", "t1", "t1", "t1", "t4"],
            [0, 3500, 3515.5, 3531],
        ),
        (
            (3600.0, away()),
            (0, 3599, 3600, 3600.5, 3614, 3615),
            ["t1", "t1", "t1", *["away"] * 3],
            [
                0,
                3599,
                3614,
            ],
        ),
        ((3600.0, away()), (0, 3600), ["t1", "away"], [0, 3600]),
        ((3600.0, away()), (0, 3599.5), ["t1", "t1"], [0, 3599.5]),
        # A refusal lasts, and so does the failure of the very first try.
        ((3600.0, SignInRefused("no")), (0, 3500, 3600, 3600.5, 9999), ["t1", "t1", "t1", "no", "no"], [0, 3500]),
        ((SignInRefused("no"), 3600.0), (0, 100), ["no", "no"], [0]),
        ((away(), 3600.0), (0, 14, 16, 9999), ["away"] * 4, [0]),
    ],
)
def test_when_a_token_is_asked_for(
    said: tuple[Said, ...], moments: tuple[float, ...], got: list[str], asked: list[float]
) -> None:
    source = Source(*said)
    assert ages(source, *moments) == got
    assert source.asked == asked


def test_an_error_that_is_raised_again_is_each_caller_s_own() -> None:
    async def main() -> None:
        source, found = Source(away()), list[Unavailable]()
        for _vm in range(3):
            with pytest.raises(Unavailable) as caught:
                await source.ready()
            caught.value.notes.append("of somebody else")
            found.append(caught.value)
        assert [error.notes for error in found] == [["of somebody else"]] * 3
        assert len({id(error) for error in found}) == 3

    play(main)


def test_each_way_to_sign_in_has_to_say_how_it_gets_a_token() -> None:
    async def main() -> None:
        with pytest.raises(NotImplementedError):
            await TokenAuth(Redactor()).fetch(None)

    play(main)


@pytest.mark.parametrize(("age", "helps"), [(0.0, False), (4.5, False), (5.0, True), (60.0, True)])
def test_a_token_that_is_seconds_old_is_not_replaced_where_it_is_refused(age: float, helps: bool) -> None:
    async def main() -> None:
        source = Source(3600.0)
        await source.at(0)
        await trio.sleep_until(age)
        assert await source.renew("Bearer t1") is helps
        assert await source.at(age) == ("t2" if helps else "t1")

    play(main)


def test_a_request_that_was_refused_with_an_older_token_is_sent_again_with_the_newer() -> None:
    async def main() -> None:
        source = Source(3600.0)
        await source.at(0)
        assert await source.renew("Bearer t0") is True
        await trio.sleep_until(10)
        assert [await source.renew("Bearer t1") for _request in range(2)] == [True, True]
        assert [await source.at(10), source.asked] == ["t2", [0, 10]]

    play(main)


def test_a_dropped_token_is_not_used_where_no_other_comes_and_another_is_asked_for_later() -> None:
    async def main() -> None:
        source = Source(3600.0, away())
        await source.at(0)
        await trio.sleep_until(10)
        await source.renew("Bearer t1")
        assert source._token is None
        assert [await source.at(moment) for moment in (10, 24.5, 25, 39.5, 40)] == ["away"] * 5
        assert source.asked == [0, 10, 25, 40]

    play(main)


def test_claims_of_a_challenge_go_into_the_next_token_and_not_twice() -> None:
    async def main() -> None:
        source = Source(3600.0)
        await source.at(0)
        challenge = f'Bearer error="insufficient_claims", claims="{BASE64}"'
        source.challenged(challenge)
        source.challenged("Bearer")
        assert await source.renew("Bearer t1") is True
        assert await source.at(1) == "t2"
        source.challenged(challenge)
        assert await source.renew("Bearer t2") is False
        source.challenged('Bearer error="insufficient_claims", claims="e30="')
        source.challenged("Bearer")
        assert await source.renew("Bearer t2") is True
        assert await source.at(2) == "t3"
        await source.at(3600)
        assert source.claims == [None, '{"n":1}', "{}", None]

    play(main)


class Shelf:
    """Keeps what is stored; remembers what was done, in order."""

    def __init__(self) -> None:
        self.kept: Token | None = None
        self.done: list[str] = []

    async def load(self) -> Token | None:
        self.done.append("load")
        return self.kept

    async def store(self, token: Token) -> None:
        self.done.append(f"store {token.value}")
        self.kept = token

    async def __aenter__(self) -> object:
        self.done.append("turn")
        return self

    async def __aexit__(self, *problem: object) -> None:
        self.done.append("over")


def test_a_token_that_outlives_a_task_is_looked_for_first_and_never_after_a_refusal() -> None:
    async def main() -> None:
        source, shelf = Source(3600.0), Shelf()
        source.cache = shelf
        assert await source.at(0) == "t1"
        assert await source.at(3500) == "t1"  # another task has stored it
        assert await source.renew("Bearer t1") is True
        assert await source.at(3500) == "t2"
        assert await source.at(7000) == "t2"
        asks = ["turn", "load", "store t1", "over", "turn", "load", "over", "turn", "store t2", "over"]
        assert shelf.done == [*asks, "turn", "load", "over"]
        assert source.asked == [0, 3500]

    play(main)


def test_a_stored_token_is_hidden_too() -> None:
    async def main() -> None:
        source, shelf = Source(3600.0), Shelf()
        source.cache, shelf.kept = shelf, Token("stored-token", 600.0)
        assert await source.at(0) == "stored-token"
        assert source._redactor.redact_result("stored-token") == MASK

    play(main)
