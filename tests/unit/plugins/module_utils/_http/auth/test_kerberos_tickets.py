# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a ticket is asked for, by a KDC that is written here."""

from __future__ import annotations

import struct
from typing import Any

import pytest
import spnego
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import SignInRefused
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import kerberos, kerberos_errors
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

WHO = kerberos_errors.Identity("svc@SIM.TEST", "S3cret", host="spf.test")


def test_a_password_that_is_refused_after_the_ticket_has_expired_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def acquire(_self: kerberos.Tickets) -> str:
        asked.append("password")
        if len(asked) > 1:
            raise kerberos_errors.explain(-1765328360, "", WHO)
        return "MEMORY:first"

    def begin(_self: kerberos.Tickets, _cache: str, _bindings: object) -> tuple[Any, bytes]:
        raise kerberos_errors.explain(-1765328352, "Ticket expired", WHO)

    monkeypatch.setattr(kerberos.Tickets, "_acquire", acquire)
    monkeypatch.setattr(kerberos.Tickets, "_begin", begin)

    async def main() -> set[int]:
        tickets, errors = kerberos.Tickets(WHO), []
        for _request in range(3):
            with pytest.raises(SignInRefused, match="the password or key is wrong") as caught:
                await tickets.context(None)
            errors.append(caught.value)
        return {id(error) for error in errors}

    assert len(virtual(main)) == 3
    assert asked == ["password", "password"]


EXPIRED, SKEW, NO_TICKET = -1765328352, -1765328347, -1765328243


@pytest.mark.parametrize("keytab", ["", "/keytab"])
@pytest.mark.parametrize("password", ["", "S3cret"])
@pytest.mark.parametrize("minor", [EXPIRED, NO_TICKET])
def test_a_ticket_is_fetched_anew_where_it_has_expired_and_there_is_what_to_fetch_it_with(
    keytab: str, password: str, minor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    who = kerberos_errors.Identity("svc@SIM.TEST", password, keytab, host="spf.test")
    asked: list[str | None] = []

    def acquire(self: kerberos.Tickets) -> str:
        asked.append(self._cache)
        return f"MEMORY:{len(asked)}"

    def begin(_self: kerberos.Tickets, cache: str, bindings: object) -> tuple[Any, bytes]:
        if cache == "MEMORY:1":
            raise kerberos_errors.explain(minor, "", who)
        return cache, str(bindings).encode()

    monkeypatch.setattr(kerberos.Tickets, "_acquire", acquire)
    monkeypatch.setattr(kerberos.Tickets, "_begin", begin)

    async def main() -> object:
        tickets = kerberos.Tickets(who)
        try:
            return [await tickets.context("b") for _request in range(2)]
        except kerberos_errors.NotPossible as problem:
            return problem.expired

    if minor == EXPIRED and (keytab or password):
        assert virtual(main) == [("MEMORY:2", b"b")] * 2
        assert asked == [None, "MEMORY:1"]
    else:
        assert virtual(main) is (minor == EXPIRED)
        assert asked == [None]


def test_requests_that_meet_an_expired_ticket_one_after_the_other_share_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second one learns of it when the first one has the next ticket already."""
    asked: list[str | None] = []

    async def in_turn(function: Any, *given: Any) -> Any:
        await trio.sleep(float(given[1]) if given else 0.0)
        return function(*given)

    def acquire(self: kerberos.Tickets) -> str:
        asked.append(self._cache)
        return f"MEMORY:{len(asked)}"

    def begin(_self: kerberos.Tickets, cache: str, _bindings: object) -> tuple[Any, bytes]:
        if cache == "MEMORY:1":
            raise kerberos_errors.explain(EXPIRED, "", WHO)
        return cache, b""

    monkeypatch.setattr(kerberos, "_in_thread", in_turn)
    monkeypatch.setattr(kerberos.Tickets, "_acquire", acquire)
    monkeypatch.setattr(kerberos.Tickets, "_begin", begin)

    async def main() -> None:
        tickets = kerberos.Tickets(WHO)
        async with trio.open_nursery() as both:
            both.start_soon(tickets.context, 1)
            both.start_soon(tickets.context, 5)

    virtual(main)
    assert asked == [None, "MEMORY:1"]


class _Context:
    def __init__(self, problem: Exception | None) -> None:
        self.problem, self.steps = problem, 0

    def step(self, token: bytes) -> None:
        assert token == b"token"
        self.steps += 1
        if self.problem is not None:
            raise self.problem


def _spnego(minor: int) -> Exception:
    error: Exception = spnego.exceptions.SpnegoError(error_code=1, context_msg="x")
    error.base_error = type("Base", (Exception,), {"min_code": minor})()  # type: ignore[attr-defined]  # as gssapi and krb5 set it
    return error


@pytest.mark.parametrize(
    "problem", [None, LookupError(), TypeError(), ValueError(), struct.error(), _spnego(1), _spnego(NO_TICKET)]
)
def test_a_token_that_says_nothing_leaves_it_at_the_401(problem: Exception | None) -> None:
    context = _Context(problem)
    kerberos.Tickets.check_refusal(_tickets(), context, b"token")
    assert context.steps == 1


@pytest.mark.parametrize("minor", [SKEW, EXPIRED, -1765328343])
def test_a_token_that_says_why_the_ticket_was_refused_is_told(minor: int) -> None:
    with pytest.raises(SignInRefused) as caught:
        _tickets().check_refusal(_Context(_spnego(minor)), b"token")
    assert str(caught.value) == str(kerberos_errors.explain_refusal(minor, WHO))


@pytest.mark.parametrize("token", [None, b""])
def test_without_a_token_nothing_is_asked_of_it(token: bytes | None) -> None:
    context = _Context(_spnego(SKEW))
    _tickets().check_refusal(context, token)
    assert context.steps == 0


def _tickets() -> kerberos.Tickets:
    async def main() -> kerberos.Tickets:
        return kerberos.Tickets(WHO)

    return virtual(main)


class _Library:
    """krb5 as far as a principal needs it: SIM.TEST is the default realm."""

    @staticmethod
    def get_default_realm(_context: object) -> bytes:
        return b"SIM.TEST"

    @staticmethod
    def parse_name_flags(_context: object, name: bytes) -> bytes:
        return name


@pytest.mark.parametrize(
    ("user", "principal"),
    [
        ("svc@OTHER.TEST", b"svc@OTHER.TEST"),
        ("svc", b"svc"),
        ("SIM\\svc", b"svc@SIM.TEST"),
        ("sim.test\\svc", b"svc@SIM.TEST"),
        ("Sim\\svc", b"svc@SIM.TEST"),
        ("TEST\\svc", None),
        ("OTHER\\svc", None),
        ("\\svc", None),
    ],
)
def test_whose_ticket_is_asked_for(user: str, principal: bytes | None) -> None:
    async def main() -> kerberos.Tickets:
        return kerberos.Tickets(kerberos_errors.Identity(user))

    tickets = virtual(main)
    if principal is not None:
        assert tickets._principal(_Library(), None) == principal
        return
    with pytest.raises(kerberos_errors.NotPossible) as caught:
        tickets._principal(_Library(), None)
    assert str(caught.value.error) == (
        f"spf_username: {user.rpartition(chr(92))[0]}\\… names no Kerberos realm that krb5.conf has as its default. "
        "Write it as user@REALM for Kerberos."
    )
