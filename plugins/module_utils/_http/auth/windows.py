# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Windows authentication as IIS has it: Kerberos with every request, NTLM once for each connection.

NTLM signs in a connection, so each request in flight has a client with a single connection to itself (a lane). The
first leg of a handshake is a GET without a body: a write is sent once, on the leg that finishes the handshake.
"""

from __future__ import annotations

import base64
import struct
import typing as t
from contextlib import AsyncExitStack, asynccontextmanager

from ..._core.errors import BadResponse, CheckpointError, InvalidInput, SignInRefused
from ..._core.formatting import one_line
from ..._core.missing import required
from ..._core.redaction import Redactor
from ..._deps import WINDOWS, httpx, spnego
from ..exchange import Exchanged, exchange
from . import challenges
from .bindings import end_point_bindings
from .kerberos import Tickets
from .kerberos_errors import Identity, NotPossible
from .password import Once

NewClient = t.Callable[[], httpx.AsyncClient]
"""Makes a client with one connection, which trusts what the task trusts and takes the task's proxies."""
Send = t.Callable[[httpx.AsyncClient, httpx.Request, httpx.Auth], t.Awaitable[Exchanged]]
"""`exchange`, or what counts how often a password leaves."""
TORN = (
    "the connection changes within the handshake, and NTLM signs in a connection: a proxy or balancer between shares "
    "connections or closes them."
)
CLOSES = (
    "the server closes the connection when NTLM begins: it does not speak NTLM over this connection, or a proxy or "
    "balancer between closes it."
)
APART = "Use spf_auth: kerberos or basic, or have the proxy keep connections apart."
MOST_CLOSED = 3
"""How often the first leg is sent into a connection that the server then closes."""
UNPROVEN = "the server did not prove its identity: it sent no Kerberos token back, or a wrong one"


BROKEN = (LookupError, TypeError, ValueError, struct.error)
"""What pyspnego raises besides its own errors where a server's token is nonsense."""


class Windows(Once):
    """Kerberos or NTLM over HTTP. `kerberos` and `ntlm` say what may be used, in that order.

    It moves on to NTLM only for a reason that is none of the credential's: no library, KDC, SPN or ticket.
    """

    def __init__(
        self,
        identity: Identity,
        new_client: NewClient,
        stack: AsyncExitStack,
        *,
        kerberos: bool,
        ntlm: bool,
        schemes: t.Sequence[str] = challenges.WINDOWS,
        send_bindings: bool = True,
        redactor: Redactor | None = None,
    ) -> None:
        super().__init__()
        load_spnego()
        self._who = identity
        self._new_client = new_client
        self._stack = stack
        self._tickets = Tickets(identity) if kerberos else None
        self._ntlm = ntlm
        self._schemes = schemes
        self._send_bindings = send_bindings
        self._redactor = redactor or Redactor()
        self._bindings: t.Any = None
        self._offers: tuple[str, ...] | None = None
        self._closed = 0
        self._idle: list[_Lane] = []
        self.signer = f"{identity.username or 'the Kerberos ticket'} with {'kerberos' if kerberos else 'ntlm'}"

    async def attempt(self, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        if self._tickets is None:
            return await self._by_ntlm(request)
        if self._offers is None:
            found = await exchange(client, challenges.harmless(request))
            if found.reply.status_code != 401:
                # Nobody is asked to sign in here.
                return found if request.method == "GET" else await exchange(client, request)
            self.learn(found)
        try:
            return await self._by_kerberos(self._tickets, client, request)
        except NotPossible as problem:
            if self._accepted or not self._ntlm or not (self._who.username and self._who.password):
                raise problem.error from None
            self._tickets = None
            why = one_line(problem.error.message.rstrip("."), 200)
            self.signer = f"{self._who.username} (Kerberos was not possible: {why}) with ntlm"
        return await self._by_ntlm(request)

    # Kerberos ---------------------------------------------------------------------------------------------------

    async def _by_kerberos(self, tickets: Tickets, client: httpx.AsyncClient, request: httpx.Request) -> Exchanged:
        try:
            scheme = self._choose(("negotiate", "kerberos"))
        except SignInRefused as problem:
            raise NotPossible(problem) from None
        context, token = await tickets.context(self._bindings)
        found = await self._signed(exchange, client, request, scheme, token)
        back = challenges.token(found.reply.headers, scheme)
        if found.reply.status_code == 401:
            tickets.check_refusal(context, back)
            return found
        self.way = "kerberos"
        if not _proven(context, back):
            return Exchanged(found.reply, b"", f"{UNPROVEN}.")
        return found

    # NTLM -------------------------------------------------------------------------------------------------------

    async def _by_ntlm(self, request: httpx.Request) -> Exchanged:
        async with self._lane() as lane:
            if lane.connection is not None:
                found = await exchange(lane.client, request)
                # A 401 changed nothing: the connection is another one by now, or was signed in for one request.
                if found.reply.status_code != 401:
                    lane.remember(found.reply)
                    return found
            return await self._handshake(lane, request)

    async def _handshake(self, lane: _Lane, request: httpx.Request) -> Exchanged:
        """Sign the lane's connection in. If it was closed between the legs, which is no refusal, once more."""
        for _attempt in range(2):
            lane.connection = None
            context = self._ntlm_context()
            first, scheme = await self._first_leg(lane, request, context)
            if first.reply.status_code != 401:
                return first if request.method == "GET" else await exchange(lane.client, request)
            challenge = challenges.token(first.reply.headers, scheme)
            if not challenge:
                return first
            self._bind(first.reply)
            found = await self._signed(self.present, lane.client, request, scheme, self._answer(context, challenge))
            if found.reply.status_code != 401:
                self.way = "ntlm"
                lane.remember(found.reply)
                return found
            if _connection(found.reply) is _connection(first.reply):
                return found
        raise SignInRefused(
            f"sign-in failed for {self.signer}: {TORN}",
            remedy=APART,
            status=401,
        )

    async def _first_leg(self, lane: _Lane, request: httpx.Request, context: t.Any) -> tuple[Exchanged, str]:
        """The server's challenge and its scheme; another status than 401 where nobody has to sign in."""
        try:
            if self._offers is None:
                found = await exchange(lane.client, challenges.harmless(request))
                if found.reply.status_code != 401:
                    return found, ""
                self.learn(found)
            scheme = self._choose(("ntlm", "negotiate"))
            found = await exchange(lane.client, challenges.harmless(request), _Signed(scheme, context.step()))
            self._closed = 0
            return found, scheme
        except httpx.TransportError as error:
            self._count_closed(error)
            # What counts has not been sent yet, whatever became of the leg before it.
            raise httpx.ConnectError(str(error)) from error

    def _count_closed(self, error: httpx.TransportError) -> None:
        """SignInRefused where the server asks for a sign-in, and closes again and again when NTLM begins."""
        if self._accepted or self._offers is None or not isinstance(error, (httpx.NetworkError, httpx.ProtocolError)):
            return
        self._closed += not isinstance(error, httpx.ConnectError)
        if self._closed >= MOST_CLOSED:
            message = f"sign-in failed for {self.signer}: {CLOSES}"
            raise SignInRefused(message, remedy=APART, changed_nothing=True) from None

    def _ntlm_context(self) -> t.Any:
        library, who = spnego(), self._who
        try:
            return library.client(who.username, who.password, hostname=who.host, service=who.service, protocol="ntlm")
        except library.exceptions.SpnegoError as error:
            raise _unspeakable(error, who) from None

    def _answer(self, context: t.Any, challenge: bytes) -> bytes:
        try:
            return t.cast(bytes, context.step(challenge, channel_bindings=self._bindings))
        except (spnego().exceptions.SpnegoError, *BROKEN) as error:
            raise BadResponse(
                f"the server's NTLM challenge makes no sense: {one_line(str(error), 200)}.",
                remedy="See what answers there: IIS, or a proxy or another program in its place.",
            ) from None

    @asynccontextmanager
    async def _lane(self) -> t.AsyncIterator[_Lane]:
        """A connection of its own, for as long as one request takes."""
        lane = self._idle.pop() if self._idle else None
        if lane is None:
            client = self._new_client()
            self._stack.push_async_callback(client.aclose)
            lane = _Lane(client)
        try:
            yield lane
        finally:
            self._idle.append(lane)

    async def _signed(
        self, send: Send, client: httpx.AsyncClient, request: httpx.Request, scheme: str, token: bytes
    ) -> Exchanged:
        """Send the leg that counts. What an error says may echo its token, which nobody should see."""
        found = await send(client, request, _Signed(scheme, token))
        if found.reply.status_code >= 400:
            self._redactor.add(base64.b64encode(token).decode())
        return found

    # Both -------------------------------------------------------------------------------------------------------

    def learn(self, refusal: Exchanged) -> None:
        """Take from a 401 what the server offers, and its certificate."""
        self._offers = challenges.offered(refusal.reply.headers)
        self._bind(refusal.reply)

    def _choose(self, order: t.Sequence[str]) -> str:
        """The header's scheme, of those that the server offers; SignInRefused where it offers none of them."""
        offers = self._offers or ()
        scheme = next((name for name in order if name in offers and name in self._schemes), None)
        if scheme is None:
            tried = "kerberos" if self._tickets is not None else "ntlm"
            if tried == "kerberos" and self._ntlm and "ntlm" in offers and "ntlm" in self._schemes:
                remedy = "Give spf_username and spf_password for NTLM, or have it offer Negotiate."
            else:
                remedy = "Enable Windows authentication there, or set spf_auth to auto or to what it offers."
            raise SignInRefused(
                f"the server does not take {tried}; it offers {one_line(', '.join(offers), 100) or 'nothing'}.",
                remedy=remedy,
                status=401,
                changed_nothing=True,
            )
        return scheme

    def _bind(self, reply: httpx.Response) -> None:
        stream = reply.extensions.get("network_stream")
        secured = stream.get_extra_info("ssl_object") if stream is not None and self._send_bindings else None
        certificate = secured.getpeercert(True) if secured is not None else None
        if certificate:
            self._bindings = end_point_bindings(certificate)


class _Lane:
    """A client with a single connection, and which connection is signed in."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client
        self.connection: object | None = None

    def remember(self, reply: httpx.Response) -> None:
        """The connection stays signed in, unless the server says otherwise."""
        persistent = str(reply.headers.get("persistent-auth", "true")).strip().lower() != "false"
        self.connection = _connection(reply) if persistent else None


class _Signed(httpx.Auth):
    """One request with a token of the handshake."""

    def __init__(self, scheme: str, token: bytes) -> None:
        name = {"ntlm": "NTLM"}.get(scheme, scheme.capitalize())
        self._header = f"{name} {base64.b64encode(token).decode()}"

    def auth_flow(self, request: httpx.Request) -> t.Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = self._header
        yield request


def load_spnego() -> None:
    """Import pyspnego; MissingLibrary says for which interpreter to install it."""
    what = "The server takes Windows authentication, which"
    required(spnego, what, WINDOWS, other="set spf_auth: basic where the server takes that too")


def _connection(reply: httpx.Response) -> object | None:
    return t.cast("object | None", reply.extensions.get("network_stream"))


def _proven(context: t.Any, token: bytes | None) -> bool:
    """Whether the server's answer proves that it has the key of its service."""
    if not token:
        return False
    try:
        context.step(token)
    except (spnego().exceptions.SpnegoError, *BROKEN):
        return False
    return bool(context.complete)


def _unspeakable(error: Exception, who: Identity) -> CheckpointError:
    return InvalidInput(
        f"spf_username, spf_password: NTLM cannot be spoken for {who.username}: {one_line(str(error), 200)}.",
        remedy="Write the user as DOMAIN\\user or user@REALM.",
    )
