# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes out on which leg of a handshake, and what is made of answers that no server should give."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeVar, cast

import httpx
import pytest
import spnego

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import (
    BadResponse,
    CheckpointError,
    ResponseLost,
    SignInRefused,
    Unavailable,
    Unreachable,
)
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth import challenges, windows
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.automatic import Automatic
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.basic import Basic
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.kerberos_errors import Identity
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.client import Http
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.exchange import Auth
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import (
    BASE,
    Reply,
    Script,
    Written,
    link_lost,
    reply,
    virtual,
)

WHO = Identity("SIM\\svc", "the password", host="service.test")
Result = TypeVar("Result")


class Connections(Script):
    """Each answer says on which connection it came: `torn` gives every request another one."""

    def __init__(self, *written: Written, torn: bool = False) -> None:
        super().__init__(*written)
        self._torn = torn
        self._stream = object()
        self.words: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.words.append(request.headers.get("authorization", "").partition(" ")[0])
        answer = await super().handle_async_request(request)
        if self._torn:
            self._stream = object()
        answer.extensions["network_stream"] = _Plain(self._stream)
        return answer


class _Plain:
    """A stream without TLS; equal by what it stands for is not asked, so each is kept once for a connection."""

    _made: dict[int, _Plain] = {}  # noqa: RUF012 - a cache of the class

    def __new__(cls, stream: object) -> _Plain:
        return cls._made.setdefault(id(stream), super().__new__(cls))

    def __init__(self, stream: object) -> None:
        self._keeps = stream

    def get_extra_info(self, _name: str) -> None:
        return None


def with_auth(server: Connections, act: Callable[[Http], Awaitable[Result]], make: Callable[..., Auth]) -> Result:
    """Do something with a client that signs in."""

    async def main() -> Result:
        async with AsyncExitStack() as stack:
            auth = make(lambda: httpx.AsyncClient(transport=server), stack)
            async with server.http(auth=auth) as http:
                return await act(http)

    return virtual(main)


def ntlm(new_client: Any, stack: AsyncExitStack) -> Auth:
    return windows.Windows(WHO, new_client, stack, kerberos=False, ntlm=True)


async def write(http: Http) -> Any:
    return await http.write("MERGE", f"{BASE}/thing", context="changing", headers={"If-Match": "*"}, body=b"{}")


async def read(http: Http) -> Any:
    return await http.read(f"{BASE}/thing", context="reading")


def wanted(*offers: str) -> Written:
    return reply(401, b"", www_authenticate=", ".join(offers or ("NTLM",)))


def challenge(request: httpx.Request) -> Any:
    """What a server says to the first leg; its handshake ends there."""
    token = base64.b64decode(request.headers["authorization"].split()[1])
    assert token[:8] == b"NTLMSSP\0"
    made = spnego._ntlm_raw.messages.Challenge(  # type: ignore[attr-defined]  # there is no other way to make one
        flags=0xE2898215, server_challenge=b"12345678", target_name="SIM", target_info=_info()
    ).pack()
    return reply(401, b"", www_authenticate=f"NTLM {base64.b64encode(made).decode()}")


def _info() -> Any:
    raw = spnego._ntlm_raw.messages  # type: ignore[attr-defined]  # as above
    found = raw.TargetInfo()
    found[raw.AvId.nb_domain_name] = "SIM"
    return found


def sent(server: Connections) -> list[tuple[str, str, bytes]]:
    """Method, first word of the Authorization and body of each request."""
    requests = zip(server.requests, server.words, strict=True)
    return [(request.method, word, request.content) for request, word in requests]


def test_a_write_goes_out_with_its_body_on_the_last_leg_alone() -> None:
    server = Connections(wanted(), challenge, reply(204))
    assert with_auth(server, write, ntlm).status == 204
    assert sent(server) == [("GET", "", b""), ("GET", "NTLM", b""), ("MERGE", "NTLM", b"{}")]
    assert all("if-match" not in request.headers for request in server.requests[:2])


def test_a_connection_that_is_signed_in_needs_no_more_legs_and_a_401_on_it_begins_anew() -> None:
    server = Connections(wanted(), challenge, reply(), reply(204), wanted(), challenge, reply(204))

    async def act(http: Http) -> list[int]:
        return [(await read(http)).status, (await write(http)).status, (await write(http)).status]

    assert with_auth(server, act, ntlm) == [200, 204, 204]
    assert [method for method, _word, _body in sent(server)] == ["GET", "GET", "GET", "MERGE", "MERGE", "GET", "MERGE"]


def test_a_connection_that_later_says_it_is_no_longer_signed_in_is_signed_in_anew() -> None:
    server = Connections(wanted(), challenge, reply(), reply(200, persistent_auth=" False "), challenge, reply(204))

    async def act(http: Http) -> list[int]:
        return [(await read(http)).status, (await read(http)).status, (await write(http)).status]

    assert with_auth(server, act, ntlm) == [200, 200, 204]
    assert [word for _method, word, _body in sent(server)] == ["", "NTLM", "NTLM", "", "NTLM", "NTLM"]


def test_a_connection_whose_handshake_was_lost_is_not_taken_for_signed_in() -> None:
    server = Connections(wanted(), challenge, reply(), wanted(), challenge, link_lost(), challenge, reply(204))

    async def act(http: Http) -> int:
        await read(http)
        with pytest.raises(ResponseLost):
            await write(http)
        return int((await write(http)).status)

    assert with_auth(server, act, ntlm) == 204
    assert [f"{method} {word}" for method, word, _body in sent(server)][3:] == [
        "MERGE ",
        "GET NTLM",
        "MERGE NTLM",
        "GET NTLM",
        "MERGE NTLM",
    ]


def test_a_leg_that_is_lost_is_no_write_that_may_have_happened() -> None:
    server = Connections(wanted(), link_lost(), challenge, reply(204))
    assert with_auth(server, write, ntlm).status == 204
    assert [method for method, _word, _body in sent(server)] == ["GET", "GET", "GET", "MERGE"]


def test_a_write_whose_own_leg_is_lost_may_have_happened() -> None:
    server = Connections(wanted(), challenge, link_lost())
    with pytest.raises(ResponseLost):
        with_auth(server, write, ntlm)
    assert [method for method, _word, _body in sent(server)].count("MERGE") == 1


def test_a_server_that_is_gone_is_unreachable_and_not_a_wrong_password() -> None:
    server = Connections(httpx.ConnectError("refused"))
    with pytest.raises(Unreachable):
        with_auth(server, write, ntlm)


def test_a_proxy_that_shares_connections_is_named_after_two_tries() -> None:
    server = Connections(wanted(), challenge, wanted(), challenge, wanted(), torn=True)
    with pytest.raises(SignInRefused, match="a proxy or balancer between shares connections"):
        with_auth(server, write, ntlm)
    assert len(server.requests) == 5


def test_a_refused_password_is_not_tried_again() -> None:
    server = Connections(wanted(), challenge, wanted())

    async def act(http: Http) -> list[int]:
        return [(await read(http)).status, (await write(http)).status, (await read(http)).status]

    assert with_auth(server, act, ntlm) == [401, 401, 401]
    assert len(server.requests) == 3


@pytest.mark.parametrize("said", [link_lost(), reply(503, b"upstream gone")])
def test_a_password_that_gets_no_verdict_leaves_three_times_at_most(said: Reply | Exception) -> None:
    passwords: list[str] = []

    def serve(request: httpx.Request) -> Reply:
        token = base64.b64decode(request.headers.get("authorization", "NTLM AAAA").split()[1])
        if token[8:9] == b"\1":
            return cast(Reply, challenge(request))
        if token[8:9] != b"\3":
            return reply(401, b"", www_authenticate="NTLM")
        passwords.append(request.headers["authorization"])
        if isinstance(said, Exception):
            raise said
        return said

    server = Connections(serve)

    async def act(http: Http) -> list[str]:
        got = []
        for _vm in range(3):
            with pytest.raises(Unavailable) as caught:
                await read(http)
            got.append(caught.value.message)
        return got

    first, *others = with_auth(server, act, ntlm)
    assert "the server did not answer the password" in first
    assert "it was sent 3 times and is not tried again." in first
    assert others == [first, first]
    assert len(passwords) == 3


@pytest.mark.parametrize("offer", ["Basic", "Bearer realm=x", ""])
def test_a_server_without_windows_authentication_gets_no_token(offer: str) -> None:
    server = Connections(reply(401, b"", **({"www_authenticate": offer} if offer else {})))
    with pytest.raises(SignInRefused, match="does not take ntlm"):
        with_auth(server, read, ntlm)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("token", "told"),
    [
        ("", "401"),
        ("!!", "401"),
        (base64.b64encode(b"NTLMSSP\0nonsense").decode(), "BadResponse: the server's NTLM challenge makes no sense: "),
        ("AAAA", "BadResponse: the server's NTLM challenge makes no sense: "),
    ],
)
def test_a_challenge_that_is_nonsense_ends_in_an_error(token: str, told: str) -> None:
    server = Connections(wanted(), reply(401, b"", www_authenticate=f"NTLM {token}".strip()))

    async def act(http: Http) -> str:
        try:
            return str((await write(http)).status)
        except CheckpointError as error:
            return f"{type(error).__name__}: {error.message}"

    assert with_auth(server, act, ntlm).startswith(told)
    assert "MERGE" not in [method for method, _word, _body in sent(server)]


def test_a_server_that_closes_when_ntlm_begins_can_be_reached() -> None:
    server = Connections(wanted(), link_lost())
    with pytest.raises(SignInRefused, match="the server closes the connection when NTLM begins"):
        with_auth(server, read, ntlm)
    assert len(server.requests) == 1 + windows.MOST_CLOSED


def test_where_nobody_has_to_sign_in_the_write_is_sent_as_it_is() -> None:
    server = Connections(reply(200), reply(204))
    assert with_auth(server, write, ntlm).status == 204
    assert sent(server) == [("GET", "", b""), ("MERGE", "", b"{}")]


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_token_that_an_error_echoes_is_masked(status: int) -> None:
    redactor = Redactor()

    def make(new_client: Any, stack: AsyncExitStack) -> Auth:
        return windows.Windows(WHO, new_client, stack, kerberos=False, ntlm=True, redactor=redactor)

    server = Connections(wanted(), challenge, reply(status))
    with_auth(server, write, make)
    token = server.requests[2].headers["authorization"].partition(" ")[2]
    assert len(token) > 100
    assert redactor.redact(f"we got Authorization: NTLM {token}.") == "we got Authorization: NTLM ********."


class _Context:
    """A Kerberos context whose server proves itself with one token."""

    complete = False

    def step(self, token: bytes | None = None) -> bytes | None:
        if token is not None and token != b"proof":
            raise spnego.exceptions.InvalidTokenError(context_msg="no proof")
        self.complete = token is not None
        return None


@pytest.mark.parametrize("header", ["", "Negotiate", f"Negotiate {base64.b64encode(b'forged').decode()}"])
def test_a_server_that_does_not_prove_its_identity_is_not_believed(
    header: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"www_authenticate": header} if header else {}
    server = Connections(wanted("Negotiate"), reply(200, b"believe me", **given))
    with pytest.raises(BadResponse, match="did not prove its identity"):
        with_auth(server, read, _kerberos(monkeypatch))


def test_one_that_does_is(monkeypatch: pytest.MonkeyPatch) -> None:
    proof = f"Negotiate {base64.b64encode(b'proof').decode()}"
    server = Connections(wanted("Negotiate"), reply(200, b"", www_authenticate=proof))
    assert with_auth(server, write, _kerberos(monkeypatch)).status == 200
    assert sent(server) == [("GET", "", b""), ("MERGE", "Negotiate", b"{}")]


def test_what_the_server_offers_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    proof = f"Negotiate {base64.b64encode(b'proof').decode()}"
    proven = reply(200, b"", www_authenticate=proof)
    server = Connections(wanted("Negotiate"), proven, proven)

    async def twice(http: Http) -> Any:
        await write(http)
        return await write(http)

    assert with_auth(server, twice, _kerberos(monkeypatch)).status == 200
    assert [method for method, _signed, _body in sent(server)] == ["GET", "MERGE", "MERGE"]


def _kerberos(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Auth]:
    class Fake:
        def __init__(self, _who: Identity) -> None: ...

        async def context(self, _bindings: object) -> tuple[Any, bytes]:
            return _Context(), b"token"

        def check_refusal(self, *_given: object) -> None: ...

    monkeypatch.setattr(windows, "Tickets", Fake)
    return lambda new_client, stack: windows.Windows(WHO, new_client, stack, kerberos=True, ntlm=True)


def automatic(new_client: Any, stack: AsyncExitStack) -> Auth:
    def chosen(refusal: Any) -> Auth:
        made = windows.Windows(WHO, new_client, stack, kerberos=False, ntlm=True)
        made.learn(refusal)
        return made

    return Automatic(chosen, lambda: Basic("svc", "the password"))


def test_auto_asks_with_a_read_before_a_write_and_sends_no_password_unasked() -> None:
    server = Connections(wanted("Basic realm=x"), reply(204), reply(204))

    async def act(http: Http) -> list[int]:
        return [(await write(http)).status, (await write(http)).status]

    assert with_auth(server, act, automatic) == [204, 204]
    assert sent(server) == [("GET", "", b""), ("MERGE", "Basic", b"{}"), ("MERGE", "Basic", b"{}")]


def test_auto_takes_the_offers_of_the_first_401_for_the_handshake() -> None:
    server = Connections(wanted("Basic realm=x", "NTLM"), challenge, reply())
    assert with_auth(server, read, automatic).status == 200
    assert [word for _method, word, _body in sent(server)] == ["", "NTLM", "NTLM"]


def test_auto_asks_again_while_a_server_fails_or_asks_for_nothing() -> None:
    server = Connections(reply(503), reply(200), reply(200), reply(204))

    async def act(http: Http) -> list[int]:
        return [(await read(http)).status, (await write(http)).status]

    assert with_auth(server, act, automatic) == [200, 204]
    assert {word for _method, word, _body in sent(server)} == {""}


@pytest.mark.parametrize(
    ("headers", "offered"),
    [
        (["Negotiate", "NTLM", 'Basic realm="a, b"'], ("negotiate", "ntlm", "basic")),
        (['Basic realm="x", charset="UTF-8", Negotiate'], ("basic", "negotiate")),
        (["Negotiate YII=, NTLM"], ("negotiate", "ntlm")),
        (['Bearer authorization_uri="https://x", resource_id=y'], ("bearer",)),
        ([""], ()),
        ([], ()),
        ([", ,"], ()),
    ],
)
def test_every_spelling_of_offers_is_read(headers: list[str], offered: tuple[str, ...]) -> None:
    given = httpx.Headers([("WWW-Authenticate", text) for text in headers])
    assert challenges.offered(given) == offered


@pytest.mark.parametrize("act", [read, write])
@pytest.mark.parametrize("way", ["ntlm", "kerberos"])
def test_where_nobody_has_to_sign_in_each_request_is_sent_once(
    way: str, act: Callable[[Http], Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    make = ntlm if way == "ntlm" else _kerberos(monkeypatch)
    server = Connections(reply(200))
    assert with_auth(server, act, make).status == 200
    wanted = [("GET", "", b"")] if act is read else [("GET", "", b""), ("MERGE", "", b"{}")]
    assert sent(server) == wanted


TAKES = "Enable Windows authentication there, or set spf_auth to auto or to what it offers."


@pytest.mark.parametrize(
    ("kerberos", "also_ntlm", "schemes", "offers", "told"),
    [
        (False, True, None, "Basic", f"does not take ntlm; it offers basic. Nothing was changed. {TAKES}"),
        (False, True, None, "", f"does not take ntlm; it offers nothing. Nothing was changed. {TAKES}"),
        (True, False, None, "NTLM", f"does not take kerberos; it offers ntlm. Nothing was changed. {TAKES}"),
        (False, True, ("negotiate",), "NTLM", f"does not take ntlm; it offers ntlm. Nothing was changed. {TAKES}"),
    ],
)
def test_a_server_that_does_not_take_it_is_told_in_whole(
    kerberos: bool, also_ntlm: bool, schemes: tuple[str, ...] | None, offers: str, told: str
) -> None:
    def make(new_client: Any, stack: AsyncExitStack) -> Auth:
        more = {} if schemes is None else {"schemes": schemes}
        return windows.Windows(WHO, new_client, stack, kerberos=kerberos, ntlm=also_ntlm, **more)  # type: ignore[arg-type]  # a tuple of texts

    server = Connections(reply(401, b"", **({"www_authenticate": offers} if offers else {})))
    with pytest.raises(SignInRefused) as caught:
        with_auth(server, read, make)
    assert str(caught.value) == f"service: the server {told}"
    assert caught.value.status == 401


def test_without_a_user_ntlm_is_not_what_comes_after_kerberos() -> None:
    def make(new_client: Any, stack: AsyncExitStack) -> Auth:
        return windows.Windows(Identity(host="h"), new_client, stack, kerberos=True, ntlm=True)

    with pytest.raises(SignInRefused) as caught:
        with_auth(Connections(wanted("NTLM")), read, make)
    assert str(caught.value) == (
        "service: the server does not take kerberos; it offers ntlm. Nothing was changed. "
        "Give spf_username and spf_password for NTLM, or have it offer Negotiate."
    )


def test_what_stands_between_is_told_in_whole() -> None:
    apart = "Use spf_auth: kerberos or basic, or have the proxy keep connections apart."
    with pytest.raises(SignInRefused) as torn:
        with_auth(Connections(wanted(), challenge, wanted(), challenge, wanted(), torn=True), write, ntlm)
    assert str(torn.value) == (
        "service: sign-in failed for SIM\\svc with ntlm: the connection changes within the handshake, and NTLM signs "
        f"in a connection: a proxy or balancer between shares connections or closes them. {apart}"
    )
    with pytest.raises(SignInRefused) as closed:
        with_auth(Connections(wanted(), link_lost()), read, ntlm)
    assert str(closed.value) == (
        "service: sign-in failed for SIM\\svc with ntlm: the server closes the connection when NTLM begins: it does "
        "not speak NTLM over this connection, or a proxy or balancer between closes it. Nothing was changed. " + apart
    )


@pytest.mark.parametrize(
    ("header", "kept"), [("true", True), ("FALSE", False), (" false ", False), ("", True), (None, True)]
)
def test_a_connection_stays_signed_in_unless_the_server_says_otherwise(header: str | None, kept: bool) -> None:
    more = {} if header is None else {"persistent_auth": header}
    lane = windows._Lane(cast(Any, None))
    stream = object()
    made = httpx.Response(200, headers={name.replace("_", "-"): value for name, value in more.items()})
    made.extensions["network_stream"] = stream
    lane.remember(made)
    assert lane.connection is (stream if kept else None)


@pytest.mark.parametrize(("scheme", "word"), [("ntlm", "NTLM"), ("negotiate", "Negotiate"), ("kerberos", "Kerberos")])
def test_how_each_scheme_is_written(scheme: str, word: str) -> None:
    request = httpx.Request("GET", BASE)
    next(windows._Signed(scheme, b"token").auth_flow(request))
    assert request.headers["authorization"] == f"{word} {base64.b64encode(b'token').decode()}"


def test_who_signs_in_is_named() -> None:
    async def main() -> list[str]:
        async with AsyncExitStack() as stack:
            made = [(WHO, True, True), (WHO, False, True), (Identity(), True, False)]
            return [
                windows.Windows(who, cast(Any, None), stack, kerberos=kerberos, ntlm=ntlm_too).signer
                for who, kerberos, ntlm_too in made
            ]

    assert virtual(main) == ["SIM\\svc with kerberos", "SIM\\svc with ntlm", "the Kerberos ticket with kerberos"]


@pytest.mark.parametrize(
    ("headers", "scheme", "found"),
    [
        (["NTLM AAAA"], "ntlm", b"\0\0\0"),
        (["ntlm  AAAA "], "ntlm", b"\0\0\0"),
        (["Basic realm=x, NTLM AAAA"], "ntlm", b"\0\0\0"),
        (["Negotiate", "NTLM AAAA"], "ntlm", b"\0\0\0"),
        (["NTLM"], "ntlm", b""),
        (["NTLM !"], "ntlm", b""),
        (["NTLM AAA"], "ntlm", b""),
        (["Negotiate AAAA"], "ntlm", None),
        ([], "ntlm", None),
    ],
)
def test_the_token_of_a_scheme(headers: list[str], scheme: str, found: bytes | None) -> None:
    assert challenges.token(httpx.Headers([("WWW-Authenticate", text) for text in headers]), scheme) == found


def test_a_request_that_changes_nothing_keeps_who_asks_and_loses_what_it_would_do() -> None:
    lost = (
        "Authorization",
        "Content-Length",
        "Content-Type",
        "Transfer-Encoding",
        "X-HTTP-Method",
        "If-Match",
        "Prefer",
    )
    headers = {**dict.fromkeys(lost, "1"), "x-ms-principal-id": "me", "Accept": "a"}
    made = challenges.harmless(httpx.Request("POST", BASE, headers=headers, extensions={"timeout": {"read": 7}}))
    assert (made.method, str(made.url), made.content, made.extensions) == ("GET", BASE, b"", {"timeout": {"read": 7}})
    assert (made.headers["x-ms-principal-id"], made.headers["accept"]) == ("me", "a")
    assert not {name.lower() for name in lost} & set(made.headers)


@pytest.mark.parametrize(("status", "masked"), [(200, False), (399, False), (400, True)])
def test_only_an_error_s_answer_may_echo_the_token(status: int, masked: bool) -> None:
    redactor = Redactor()

    def make(new_client: Any, stack: AsyncExitStack) -> Auth:
        return windows.Windows(WHO, new_client, stack, kerberos=False, ntlm=True, redactor=redactor)

    server = Connections(wanted(), challenge, reply(status))
    with_auth(server, write, make)
    token = server.requests[2].headers["authorization"].partition(" ")[2]
    assert (redactor.redact(token) != token) is masked
