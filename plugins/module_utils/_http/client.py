# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP client for one origin: what is sent again and for how long, how much is read, and what is never shown.

A read is repeated on 408, 429, 5xx (not 501 and 505) and lost connections. A write is repeated only when it never
left or was refused with 429; any other loss is `ResponseLost`, and the caller finds out by reading what it did.
"""

from __future__ import annotations

import logging
import random
import typing as t
from collections import defaultdict
from dataclasses import replace

from .._core.errors import BadResponse, InvalidInput, ResponseLost, ServiceError, Unavailable, Unreachable
from .._core.operation import Deadline
from .._core.redaction import Redactor, redact
from .._core.times import show_seconds
from .._deps import anyio, httpx
from .body import ACCEPTED
from .error_mapping import server_failed
from .exchange import Auth
from .failures import Lost, NeverLeft, never_left, words
from .links import parsed_once
from .response import Response
from .throttle import Bucket, Pressure
from .tls import explain_certificate

# Both log complete URLs, signed ones too, at INFO and DEBUG; with ANSIBLE_LOG_PATH they would end up in a file.
for _name in ("httpx", "httpcore"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)
    logging.getLogger(_name).propagate = False

USER_AGENT = "hybridvm.checkpoints/0.1.0"
PATIENCE = {408: 60.0, 500: 15.0}
"""Seconds a read is repeated on each status. 500 is short: SPF also answers it to requests that never succeed."""
FAILED_PATIENCE = 60.0
"""The same for every other failure of a server, or of what stands before it (520 to 530 of a CDN among them)."""
LESS = "Try again later, raise wait_timeout, or lower concurrency."
CONNECT_PATIENCE = 15.0
LOST_PATIENCE = 60.0


class RetryPolicy(t.NamedTuple):
    """What is sent again. A 429 and a request that never left always are; everything else only where that is `safe`.

    `patience` multiplies how long, in the tables above; polls may go on to the deadline (inf).
    """

    safe: bool
    patience: float = 1.0

    def seconds(self, status: int) -> float:
        """How long after the first attempt a response of this status still leads to another one."""
        patience = PATIENCE.get(status, FAILED_PATIENCE if server_failed(status) else 0.0)
        return patience * self.patience if self.safe and patience else 0.0


class Troubles:
    """How long each kind of trouble has lasted: a service that answers with errors can be reached."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def spent(self, kind: str, now: float) -> float:
        """Seconds since this kind came first."""
        return now - self._since.setdefault(kind, now)

    def shift(self, seconds: float) -> None:
        """Seconds that were waited for another reason."""
        self._since = {kind: since + seconds for kind, since in self._since.items()}


Counted = t.Callable[[str, str, t.Optional[Response]], t.Optional[str]]
"""Names the bucket of a request; for a refused one None, where it was counted by itself alone."""


class Http:
    """Requests to one origin. `label` names it in errors; a `limit` is how many seconds one request may take.

    `counted` says which requests the service counts together: where one is refused (429) all of them wait.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        base: str,
        label: str,
        deadline: Deadline,
        *,
        auth: Auth | None = None,
        redactor: Redactor | None = None,
        pressure: Pressure | None = None,
        counted: Counted = lambda _method, _url, _refused: "all",
    ) -> None:
        self.label = label
        self.deadline = deadline
        self.auth = auth
        self._redactor = redactor or Redactor()
        self._client = client
        self._origin = _origin(httpx.URL(base))
        self._pressure, self._counted = pressure, counted
        self._buckets: defaultdict[str, Bucket] = defaultdict(Bucket)

    def followable(self, url: str) -> str:
        """`url` unchanged, if it may be followed: this origin, and httpx would send the very same bytes."""
        if str(self._own(url)) != url:
            raise BadResponse("was asked to follow a URL that cannot be sent byte for byte.", subject=self.label)
        self._redactor.add_signed(url)
        return url

    def is_own(self, url: str) -> bool:
        """Whether `url` leads to this origin."""
        try:
            return _origin(httpx.URL(url)) == self._origin
        except (httpx.InvalidURL, TypeError, ValueError):
            return False

    def _own(self, url: str) -> httpx.URL:
        """`url` parsed, if it leads to this origin and holds no credentials."""
        try:
            parsed = parsed_once(url)
        except (httpx.InvalidURL, TypeError, ValueError):
            raise BadResponse("was asked to follow something that is no URL.", subject=self.label) from None
        if _origin(parsed) != self._origin or parsed.userinfo:
            # The host in ASCII: an internationalised name may look like the right one. A link that echoes a secret may
            # hold a part of it in the host, which no longer looks like the secret.
            host = parsed.raw_host.decode("ascii", "replace")
            where = f" ({parsed.scheme}://{host})" if redact(url) == url else ""
            raise BadResponse(
                f"was asked to follow an address on another origin{where}: refused; no credentials were sent there.",
                subject=self.label,
            )
        return parsed

    async def read(
        self,
        url: str,
        *,
        context: str,
        headers: t.Mapping[str, str] | None = None,
        limit: float = 100.0,
        patience: float = 1.0,
    ) -> Response:
        """GET, repeated while that may help. `context` begins the error's text: what was under way, the VM included."""
        return await self._send(RetryPolicy(True, patience), context, "GET", url, headers or {}, None, limit)

    async def send_again(
        self, method: str, url: str, headers: t.Mapping[str, str], body: bytes, *, context: str
    ) -> Response:
        """A request that changes nothing although its method says otherwise (a token request): repeated like a read."""
        return await self._send(RetryPolicy(True), context, method, url, headers, body, 60.0)

    async def write(
        self,
        method: str,
        url: str,
        *,
        context: str,
        headers: t.Mapping[str, str],
        body: bytes | None = None,
        limit: float = 300.0,
    ) -> Response:
        """One write: sent again only if it never left or was refused with 429; ResponseLost if nobody can know."""
        return await self._send(RetryPolicy(False), context, method, url, headers, body, limit)

    async def _send(self, retry: RetryPolicy, context: str, *request: t.Any) -> Response:
        try:
            response = replace(await self._repeat(retry, *request), context=context)
        except Unavailable as problem:
            problem.message = f"{context}: {problem.message}"
            raise
        if response.unreadable and retry.safe:
            raise response.odd(response.unreadable)
        return response

    async def _repeat(
        self,
        retry: RetryPolicy,
        method: str,
        url: str,
        headers: t.Mapping[str, str],
        body: bytes | None,
        limit: float,
    ) -> Response:
        troubles, pause = Troubles(), 0.5
        bucket = self._buckets[self._counted(method, url, None) or ""]
        while True:
            troubles.shift(await self._admitted(bucket))
            sent = anyio.current_time()
            try:
                response = await self._once(method, url, headers, body, limit)
            except NeverLeft as error:
                self._in_trouble()
                spent = troubles.spent("connecting", sent)
                if error.final or spent > CONNECT_PATIENCE * retry.patience or not await self._pause(pause):
                    raise self._unreachable(error, troubles.spent("connecting", anyio.current_time())) from None
            except Lost as error:
                self._in_trouble()
                if not retry.safe:
                    # Without a response there is no id of the service's; its logs also know the one that we sent.
                    own_id = headers.get("x-ms-client-request-id")
                    raise ResponseLost(f"{error}.", subject=self.label, request_id=own_id) from None
                spent = troubles.spent("answering", sent)
                if spent > LOST_PATIENCE * retry.patience or not await self._pause(pause):
                    raise self._unavailable(error, troubles.spent("answering", anyio.current_time())) from None
            else:
                wanted = pause if response.retry_after is None else max(response.retry_after, 0.5)
                if response.status == 429:
                    shared = bucket if self._counted(method, url, response) is not None else None
                    await self._throttled(response, wanted, shared, sent)
                    troubles = Troubles()  # it answers, so what comes after that is a trouble of its own
                else:
                    bucket.passed()
                    if server_failed(response.status):
                        self._in_trouble()
                    elif self._pressure is not None:
                        self._pressure.answered()
                    spent = troubles.spent("serving", sent)
                    patient = spent < retry.seconds(response.status) and wanted <= self.deadline.remaining()
                    if not patient or not await self._pause(wanted):
                        return response
            pause = min(pause * 2, 15.0)

    async def _pause(self, seconds: float) -> bool:
        """Wait; False at the deadline. Jitter keeps the VMs of one task from asking all at the same moment."""
        return await self.deadline.sleep(seconds + random.uniform(0.0, min(seconds * 0.25, 3.0)))

    def _too_late(self) -> Unavailable:
        return Unavailable(
            f"the task's deadline of {show_seconds(self.deadline.total)} came before the next request.",
            subject=self.label,
            remedy="Raise wait_timeout or try again.",
        )

    async def _admitted(self, bucket: Bucket) -> float:
        """Wait for the bucket's turn: the seconds that it took. Unavailable where the deadline comes first."""
        start = anyio.current_time()
        if not await bucket.admit(self.deadline):
            raise Unavailable(
                f"throttled (429): so many requests wait that this one's turn comes after the task's deadline of "
                f"{show_seconds(self.deadline.total)}.",
                subject=self.label,
                remedy=LESS,
            )
        return anyio.current_time() - start

    def _in_trouble(self) -> None:
        if self._pressure is not None:
            self._pressure.pressed()

    async def _throttled(self, response: Response, wanted: float, bucket: Bucket | None, sent: float) -> None:
        """Wait as the 429 asks, with all that the bucket counts; Unavailable where the deadline comes first."""
        left = self.deadline.remaining()
        if wanted > left:
            raise response.error(
                Unavailable,
                f"throttled (429): asks to wait {show_seconds(wanted)}, and {show_seconds(left)} are left.",
                LESS,
            )
        if bucket is not None:
            bucket.refused(sent, wanted)
            if self._pressure is not None:
                self._pressure.held(wanted)
            return
        if not await self._pause(wanted):
            raise self._too_late()

    async def _once(
        self, method: str, url: str, headers: t.Mapping[str, str], body: bytes | None, limit: float
    ) -> Response:
        """One request and its response; after a 401, which changed nothing, once more if the sign-in can be renewed."""
        response, signed = await self._exchange(method, url, headers, body, limit)
        if response.status == 401 and self.auth is not None:
            self.auth.challenged(str(response.headers.get("www-authenticate", "")))
            if await self.auth.renew(signed):
                response, signed = await self._exchange(method, url, headers, body, limit)
        return response

    async def _exchange(
        self, method: str, url: str, headers: t.Mapping[str, str], body: bytes | None, limit: float
    ) -> tuple[Response, str]:
        """The response, and the Authorization that was sent. The URL goes out byte for byte; no redirect is followed.

        The origin is checked here too: an id from a response that does not begin with a slash would change the host.
        """
        own = self._own(url)
        if self.auth is not None:
            await self.auth.ready()
        limit = min(limit, self.deadline.remaining())
        if limit <= 0:
            raise self._too_late()
        with anyio.move_on_after(limit):
            try:
                sent = {"User-Agent": USER_AGENT, "Accept-Encoding": ACCEPTED, **headers}
                request = self._request(method, own, headers=sent, content=body, timeout=_timeout(limit))
                found = await (self.auth or Auth()).exchange(self._client, request)
                reply = found.reply
                if self.auth is not None and reply.status_code != 401:
                    self.auth.accepted = True
                response = Response(reply.status_code, reply.headers, found.content, self.label, found.unreadable)
                return response, found.authorization
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
                raise never_left(error, own, _timeout(limit).connect, self.label) from None
            except (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.InvalidURL):
                # The library's words would show the header or URL, and so a secret.
                raise InvalidInput("an option holds characters that HTTP cannot carry.", subject=self.label) from None
            except httpx.TransportError as error:
                if (refused := explain_certificate(error, self.label)) is not None:
                    raise refused from None
                raise Lost(words(error)) from None
            except ServiceError as problem:  # of a sign-in, which does not know whose it is
                raise problem.default_subject(self.label) from None
        raise Lost(f"no answer within {show_seconds(limit)}")

    def _request(self, method: str, url: httpx.URL, **parts: t.Any) -> httpx.Request:
        """The request. Cookies that were answered and cannot be sent back are dropped: nobody here needs any."""
        try:
            return self._client.build_request(method, url, **parts)
        except UnicodeEncodeError:
            self._client.cookies.clear()
            return self._client.build_request(method, url, **parts)

    def _unreachable(self, error: NeverLeft, spent: float) -> Unreachable:
        return Unreachable(
            f"cannot be reached: {error}{_for(spent)}.",
            changed_nothing=True,
            subject=self.label,
            remedy=error.remedy,
        )

    def _unavailable(self, error: Exception, spent: float) -> Unavailable:
        return Unavailable(
            f"{error}{_for(spent)}.",
            subject=self.label,
            remedy="Try again later; if the service is only slow, raise wait_timeout.",
        )


def _for(seconds: float) -> str:
    return f" (tried for {show_seconds(seconds)})" if seconds >= 1 else ""


def _timeout(limit: float) -> httpx.Timeout:
    # Connecting gets less than the limit: then no connection and no response are two different errors.
    return httpx.Timeout(limit, connect=min(limit * 0.9, 10.0))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host.lower(), url.port
