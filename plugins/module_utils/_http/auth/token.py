# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access tokens that are fetched: when first needed, shared by all requests, renewed before they end."""

from __future__ import annotations

import base64
import copy
import re
import typing as t

from ..._core.errors import BadResponse, CheckpointError, SignInRefused, Unavailable
from ..._core.formatting import format_value, one_line
from ..._core.operation import Deadline
from ..._core.redaction import LONGEST, Redactor
from ..._deps import anyio, httpx
from ..exchange import Auth
from ..response import Response

ATTEMPTS = 4
"""How often is asked while somebody says in a 4xx that he is only busy; 429 and 5xx are repeated below."""
EARLY = 120.0
"""A token is not used for new requests in its last seconds, unless none can be had in its place."""
SHARE = 0.25
"""Of a short life the last quarter: one of two minutes would else be fetched again for every request."""
AGAIN = 15.0
"""Seconds after a failed renewal until the next one."""
LATER = "Run the task again later."
_TRANSIENT = {"temporarily_unavailable", "server_error"}
Found = t.TypeVar("Found")
_CLAIMS = re.compile(r'\bclaims="([A-Za-z0-9+/_=-]{1,16000})"')


class Token(t.NamedTuple):
    """An access token and the seconds for which it is valid from now."""

    value: str
    seconds: float


class _Held(t.NamedTuple):
    """A token for new requests until `until`, and to its `end` where none can be had in its place."""

    value: str
    until: float
    end: float
    fetched: float


class _Failure(t.NamedTuple):
    """What is raised again until then, instead of asking."""

    error: CheckpointError
    until: float


class Cache(t.Protocol):
    """Where tokens outlive a task."""

    async def load(self) -> Token | None:
        """The token that was stored, if it is still valid for a while."""

    async def store(self, token: Token) -> None:
        """Keep a token for other tasks."""

    async def __aenter__(self) -> object:
        """Wait for the turn of this process: one of many fetches a token, the others find it."""

    async def __aexit__(self, *problem: object) -> None:
        """Let the next one have its turn."""


class TokenAuth(Auth):
    """Each way to get a token is a subclass with its own `fetch`.

    A failure is remembered, so that a task of a thousand VMs fails to sign in once; that of a renewal for a while,
    unless it is a refusal.
    """

    cache: Cache | None = None

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._lock = anyio.Lock()
        self._held: _Held | None = None
        self._failed: _Failure | None = None
        self._claims: str | None = None
        self._answered: str | None = None
        self._refused = False
        self._was_given = False

    async def fetch(self, claims: str | None) -> Token:
        """A new token. `claims` are what a service demanded of it (a claims challenge), as JSON."""
        raise NotImplementedError

    def auth_flow(self, request: httpx.Request) -> t.Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request

    @property
    def _token(self) -> str | None:
        return self._held.value if self._held is not None else None

    async def ready(self) -> None:
        """Fetch a token unless there is one that stays valid for a while; raise again what a try before has raised."""
        async with self._lock:
            held, failed = self._held, self._failed
            if held is not None and anyio.current_time() <= held.until:
                return
            if failed is not None and anyio.current_time() < failed.until:
                raise copy.deepcopy(failed.error)
            try:
                await self._get()
            except CheckpointError as error:
                self._remember(error)
                if held is None or anyio.current_time() >= held.end:
                    raise

    def _remember(self, error: CheckpointError) -> None:
        """Do not ask again for a while; never again after a refusal, or where there never was a token.

        A token that is still valid is used until then, or to its end.
        """
        lasts = isinstance(error, SignInRefused) or not self._was_given
        until = float("inf") if lasts else anyio.current_time() + AGAIN
        self._failed = _Failure(copy.deepcopy(error), until)
        if self._held is not None:
            self._held = self._held._replace(until=min(self._held.end, until))

    def challenged(self, challenge: str) -> None:
        """Take the claims of a 401 into the next token; the same ones a second time would not help."""
        claims = claims_of(challenge)
        if claims is not None and claims != self._answered:
            self._claims = claims

    async def renew(self, refused: str) -> bool:
        """Drop a token that the service no longer takes. Another one would not help where this one is seconds old."""
        async with self._lock:
            held = self._held
            if held is None or refused != f"Bearer {held.value}":
                return True
            if self._claims is None and anyio.current_time() - held.fetched < 5:
                return False
            self._held = None
            self._refused = True
            return True

    async def _get(self) -> None:
        cache = self.cache
        if cache is None:
            await self._take(await self.fetch(self._claims))
            return
        async with cache as _turn:  # pylint: disable=not-async-context-manager # it believes the class's own None
            stored = None if self._refused else await cache.load()
            if stored is not None:
                # When it was fetched is not known, so a refusal may be met by fetching another.
                await self._take(stored, fetched=float("-inf"))
                return
            token = await self.fetch(self._claims)
            await cache.store(token)
            await self._take(token)

    async def _take(self, token: Token, fetched: float | None = None) -> None:
        self._redactor.add(token.value)
        now = anyio.current_time()
        self._held = _Held(
            token.value,
            until=now + max(0.0, token.seconds - min(EARLY, token.seconds * SHARE)),
            end=now + token.seconds,
            fetched=now if fetched is None else fetched,
        )
        self._was_given = True
        self._answered, self._claims, self._refused = self._claims, None, False


def claims_of(challenge: str) -> str | None:
    """The claims that a WWW-Authenticate header demands, as JSON (learn.microsoft.com, claims-challenge)."""
    found = _CLAIMS.search(challenge)
    if found is None or "insufficient_claims" not in challenge:
        return None
    text = found[1].replace("-", "+").replace("_", "/").rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4)).decode()
    except ValueError:  # or binascii.Error or UnicodeDecodeError, which are ones
        return None


def object_of(response: Response) -> dict[str, t.Any]:
    """The JSON object of an answer to a sign-in; Unavailable for a failure, which nobody has to put into JSON."""
    if response.status >= 500:
        raise response.error(Unavailable, f"the sign-in authority failed ({response.status}).", LATER)
    if 300 <= response.status < 400:
        raise response.bad(f"the sign-in was answered with a redirect ({response.status}), which is not followed.")
    body = response.json()
    if not isinstance(body, dict):
        raise response.bad("the sign-in answer is no JSON object.")
    return body


def token_of(body: t.Mapping[str, t.Any], response: Response) -> Token:
    """The token of an answer that grants one; BadResponse where there is none that can be used."""
    token = body.get("access_token")
    if not is_usable(token):
        raise response.bad("the sign-in answer holds no usable access_token.")
    try:
        seconds = float(body.get("expires_in", 3600))
    except (TypeError, ValueError, OverflowError):
        raise response.bad("the sign-in answer's expires_in is no number.") from None
    return Token(t.cast(str, token), seconds)


def token_of_text(token: object, seconds: float, label: str) -> Token:
    """A token that came by another way than HTTP."""
    if not is_usable(token):
        raise BadResponse("holds no usable access token.", subject=label)
    return Token(t.cast(str, token), seconds)


def is_usable(token: object) -> bool:
    """Whether a header can carry it."""
    return isinstance(token, str) and token.isascii() and token.isprintable() and 0 < len(token) <= LONGEST


async def until_ready(
    ask: t.Callable[[], t.Awaitable[Found]], is_busy: t.Callable[[Found], bool], deadline: Deadline
) -> Found:
    """What `ask` brings, asked again with longer pauses while it is busy; at the end of tries or time the last."""
    for attempt in range(1, ATTEMPTS):
        found = await ask()
        if not is_busy(found) or not await deadline.sleep(2.0**attempt):
            return found
    return await ask()


def is_busy(body: t.Mapping[str, t.Any]) -> bool:
    """Whether the same request may succeed in a moment, although the status says otherwise."""
    return str(body.get("error")) in _TRANSIENT


def refusal_of(response: Response, body: dict[str, t.Any], who: str, remedy: str) -> SignInRefused | Unavailable:
    """The error for an answer that grants no token. `who` names the client; Entra's own number may know better."""
    # Entra appends trace and correlation ids, which stand in the error anyway.
    reason = format_value(body.get("error_description") or body.get("error") or "no reason given")
    reason = one_line(reason.partition("Trace ID:")[0], 300).rstrip(".")
    number = re.match(r"AADSTS(\d+)", reason)
    refused: SignInRefused | Unavailable
    if is_busy(body):
        message = f"the sign-in authority is busy ({response.status}): {reason}."
        refused = response.error(Unavailable, message, LATER)
    else:
        message = f"sign-in refused ({response.status}) for {who}: {reason}."
        refused = response.error(SignInRefused, message, _REMEDIES.get(number[1] if number else "", remedy))
    refused.request_id = refused.request_id or one_line(str(body.get("trace_id") or ""), 100) or None
    refused.correlation_id = one_line(str(body.get("correlation_id") or ""), 100) or None
    return refused


_FEDERATION = (
    "Compare issuer, subject and audience of the federated credential of client_id with those of the token; they must "
    "be equal, in upper and lower case too."
)
_REMEDIES = {
    "90002": "Check tenant and cloud_environment: this authority does not know the tenant.",
    "500011": "Check tenant, subscription_id and cloud_environment: the tenant does not know that resource manager.",
    "700016": "Check client_id, and that the application is registered (or consented to) in this tenant.",
    "7000222": "The client secret has expired: make a new one and give it as secret.",
    "700027": "Upload the certificate of x509_certificate_path to the application client_id, or renew it there.",
    "700024": "The federated token is not valid at this time: have it issued anew, and check this machine's clock.",
    "70021": _FEDERATION,
    "700211": _FEDERATION,
    "700212": _FEDERATION,
    "700213": _FEDERATION,
    "53003": "A conditional access policy forbids it: ask for an exemption of the application client_id.",
}
"""By the number of Entra's error (learn.microsoft.com, reference-error-codes)."""
