# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bearer token given by the user (a JWT for Windows Azure Pack, or an ARM access token), or a file that holds one.

The token itself is never renewed; a file is read again when it changes, so that another program can renew it.
"""

from __future__ import annotations

import os
import pathlib
import typing as t

from ..._core.errors import InvalidInput
from ..._core.redaction import LONGEST, Redactor
from ..._deps import httpx
from ..client import Auth


class Bearer(Auth):
    """The token with every request to the service's own origin."""

    way = "bearer"
    signer = "the bearer token"

    def __init__(self, token: str) -> None:
        self._token = token

    def auth_flow(self, request: httpx.Request) -> t.Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._token}"
        yield request


class TokenFile(Bearer):
    """The token that a file holds, for example one that an agent renews."""

    def __init__(self, path: str, redactor: Redactor) -> None:
        super().__init__("")
        self._path = pathlib.Path(path)
        self._redactor = redactor
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
            with self._path.open("rb") as stream:
                text = stream.read(LONGEST + 1).decode("ascii").strip()
        except (OSError, ValueError) as error:
            why = os.strerror(error.errno).lower() if isinstance(error, OSError) and error.errno else "no ASCII text"
            raise self._wrong(f"cannot be read ({why})") from None
        word, _blank, rest = text.partition(" ")
        token = rest.strip() if word.lower() == "bearer" else text
        self._redactor.add(token)
        if not token or not token.isprintable() or " " in token or len(text) > LONGEST:
            raise self._wrong("holds no token")
        self._token, self._seen = token, seen

    def _wrong(self, what: str) -> InvalidInput:
        return InvalidInput(
            f"spf_token_file: {self._path} {what}.",
            remedy="Give a file that this user may read and that holds a token.",
        )
