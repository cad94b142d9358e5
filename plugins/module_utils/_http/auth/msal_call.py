# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""msal without its transport: it says what it wants to send, and our client sends it.

msal is synchronous and brings a second HTTP stack. So a call is replayed: where it asks for an answer that is not there
yet, the call ends, the request goes out with our certificate authorities, proxies, deadline and retries, and the call
begins anew with one answer more. Each request is sent once.
"""

from __future__ import annotations

import logging
import typing as t
import urllib.parse

from ..._core.errors import BadResponse
from ..._core.missing import required
from ..._core.redaction import Redactor
from ..._deps import MSAL, httpx
from ..._deps import msal as load_msal
from ..client import Http
from ..response import Response

MOST_REQUESTS = 6
NO_URL = "the address of its endpoint is no URL"
_SECRET_HEADERS = {"authorization", "x-identity-header", "secret"}
_TOKENS = ("access_token", "refresh_token", "id_token")
OpenHttp = t.Callable[[str], Http]
"""A client for the origin of a URL; BadResponse where nothing may be sent there."""


class _Wanted(Exception):
    """A request for which msal has no answer yet; one without a form is a read."""

    def __init__(self, url: str, headers: t.Mapping[str, str], form: t.Mapping[str, str] | None) -> None:
        super().__init__(url)
        self.url = url
        self.headers = headers
        self.form = form


class _Answer(t.NamedTuple):
    """A response in the shape that msal reads."""

    status_code: int
    text: str
    headers: t.Mapping[str, str]


class _Replay:
    """The answers so far, in order; msal's documented http_client."""

    def __init__(self, answers: t.Sequence[_Answer]) -> None:
        self._answers = iter(answers)

    def get(self, url: str, *, params: t.Any = None, headers: t.Any = None, **_others: t.Any) -> _Answer:
        return self._next(url, params, headers, None)

    def post(
        self, url: str, *, params: t.Any = None, data: t.Any = None, headers: t.Any = None, **_others: t.Any
    ) -> _Answer:
        return self._next(url, params, headers, data or {})

    def close(self) -> None:
        """There is nothing to close."""

    def _next(self, url: str, params: t.Any, headers: t.Any, form: t.Any) -> _Answer:
        answer = next(self._answers, None)
        if answer is None:
            try:
                parsed = httpx.URL(url)
            except httpx.InvalidURL:
                raise ValueError(NO_URL) from None
            if parsed.scheme not in ("http", "https") or not parsed.host:
                raise ValueError(NO_URL)
            target = str(parsed.copy_merge_params(params)) if params else url
            if form is not None:
                form = {name: _text(value) for name, value in form.items() if value is not None}
            raise _Wanted(target, headers or {}, form)
        return answer


def _text(value: t.Any) -> str:
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


class MsalCall:
    """One call of msal. `last` is the last response it got, also where the call ends in an error of msal's own."""

    def __init__(self, open_http: OpenHttp, redactor: Redactor, limit: float = 60.0) -> None:
        self._open_http = open_http
        self._redactor = redactor
        self._limit = limit
        self.last: Response | None = None

    async def run(self, function: t.Callable[[t.Any], t.Any]) -> t.Any:
        """What `function` returns when it is given msal's http_client; ValueError where an answer makes no sense."""
        answers: list[_Answer] = []
        while True:
            try:
                return function(_Replay(answers))
            except _Wanted as request:
                wanted = request
            except (AttributeError, IndexError, KeyError, TypeError) as error:
                if not answers:
                    raise
                # msal reads the members of an answer without asking whether they are there.
                raise ValueError(f"the answer is not what msal expects ({type(error).__name__})") from None
            if len(answers) >= MOST_REQUESTS:
                raise ValueError("msal asks without end")
            self.last = await self._send(wanted)
            self._hide_tokens(self.last)
            text = self.last.body.decode("utf-8", "replace")
            answers.append(_Answer(self.last.status, text, dict(self.last.headers)))

    def _hide_tokens(self, response: Response) -> None:
        """Have no token of an answer shown, also of one that msal refuses: it repeats whole bodies in its errors."""
        try:
            body = response.json()
        except BadResponse:
            return
        for name in _TOKENS:
            if isinstance(body, dict) and isinstance(body.get(name), str):
                self._redactor.add(body[name])

    async def _send(self, wanted: _Wanted) -> Response:
        for name, value in wanted.headers.items():
            if name.lower() in _SECRET_HEADERS:
                self._redactor.add(value.removeprefix("Basic "))
        http = self._open_http(wanted.url)
        headers = {name: str(value) for name, value in wanted.headers.items()}
        if wanted.form is None:
            return await http.read(wanted.url, headers=headers, context="signing in", limit=self._limit)
        self._redactor.add(wanted.form.get("client_assertion"))
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        content = urllib.parse.urlencode(wanted.form).encode()
        return await http.send_again("POST", wanted.url, headers, content, context="signing in")


def require_msal(option: str, other: str) -> t.Any:
    """msal; MissingLibrary names the option that needs it, what to install, and the other way."""
    msal = required(load_msal, option, MSAL, other=other)
    logging.getLogger("msal").setLevel(logging.CRITICAL + 1)
    return msal
