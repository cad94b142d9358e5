# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bearer token given by the user (a JWT for Windows Azure Pack, or an ARM access token), or a file that holds one.

The token itself is never renewed; a file is read again when it changes, so that another program can renew it. A token
that says of itself that it is not valid now is not sent.
"""

from __future__ import annotations

import base64
import codecs
import json
import pathlib
import typing as t
from datetime import UTC, datetime

from ..._core.errors import InvalidInput
from ..._core.option_texts import bearer_token
from ..._core.redaction import LONGEST, Redactor
from ..._core.times import show_time
from ..._deps import httpx
from ..exchange import Auth
from ..files import open_file

SKEW = 300.0
"""Seconds that a clock may be wrong before a token counts as expired or not yet valid."""


class Bearer(Auth):
    """The token with every request to the service's own origin. `option` names it in errors."""

    way = "bearer"

    def __init__(self, token: str, option: str) -> None:
        self._token = token
        self.signer = f"the token given as {option}"

    def auth_flow(self, request: httpx.Request) -> t.Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class TokenFile(Bearer):
    """The token that a file holds, for example one that an agent renews."""

    def __init__(self, path: str, redactor: Redactor, clock: t.Callable[[], datetime]) -> None:
        super().__init__("", "spf_token_file")
        self._path = pathlib.Path(path)
        self._redactor = redactor
        self._clock = clock
        self._seen: tuple[int, int, int] | None = None

    async def ready(self) -> None:
        """Read the file if it has changed."""
        self._read()

    async def renew(self, refused: str) -> bool:
        """Whether the file has another token by now than the one that was refused."""
        self._seen = None
        self._read()
        return refused != f"Bearer {self._token}"

    def _read(self) -> None:
        try:
            found = self._path.stat()
            seen = (found.st_mtime_ns, found.st_size, found.st_ino)
            if seen == self._seen:
                return
            with open_file(self._path) as stream:
                content = stream.read(LONGEST + 1)
            text = content.removeprefix(codecs.BOM_UTF8).decode("ascii").strip()
        except (OSError, ValueError) as error:
            why = (error.strerror or "no file").lower() if isinstance(error, OSError) else "no ASCII text"
            raise self._wrong(f"cannot be read ({why})") from None
        try:
            token = bearer_token(text)
        except ValueError:
            token = ""
        if not token or len(content) > LONGEST:
            raise self._wrong("holds no token")
        self._redactor.add(token)
        check_times(f"spf_token_file: the token in {self._path}", token, self._clock())
        self._token, self._seen = token, seen

    def _wrong(self, what: str) -> InvalidInput:
        return InvalidInput(
            f"spf_token_file: {self._path} {what}.",
            remedy="Give a file that this user may read and that holds a token.",
        )


def check_times(what: str, token: str, now: datetime) -> None:
    """InvalidInput for a token that is expired or not yet valid, as far as it says so itself. `what` names it."""
    part = token.split(".")[1] if token.count(".") == 2 else ""
    try:
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        end, start = (float(claims.get(name) or now.timestamp()) for name in ("exp", "nbf"))
        bounds = {
            name: show_time(datetime.fromtimestamp(moment, UTC)) for name, moment in (("exp", end), ("nbf", start))
        }
    except (ValueError, TypeError, AttributeError, OverflowError, OSError, RecursionError):
        return  # opaque to us: the service will tell
    if end < now.timestamp() - SKEW:
        raise InvalidInput(
            f"{what} expired at {bounds['exp']}.", remedy="Get a new one, or use credentials that can be renewed."
        )
    if start > now.timestamp() + SKEW:
        raise InvalidInput(
            f"{what} is not valid before {bounds['nbf']}; here it is {show_time(now)}.",
            remedy="Check this machine's clock.",
        )
