# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request and its answer, as they went over somebody's wire."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx


class Exchange(NamedTuple):
    """A request and its answer; the request's body is JSON or None, the answer's is text."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: Any
    status: int
    answer_headers: tuple[tuple[str, str], ...]
    answer_body: str

    @property
    def path(self) -> str:
        return urlsplit(self.url).path

    def header(self, name: str) -> str | None:
        """A request header, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def answered(self, name: str) -> str | None:
        """An answer's header, in any case."""
        return next((value for key, value in self.answer_headers if key.lower() == name.lower()), None)

    def response(self) -> httpx.Response:
        """The answer; its length is what the body here has."""
        kept = [(name, value) for name, value in self.answer_headers if name.lower() not in _FRAMING]
        return httpx.Response(self.status, headers=kept, content=self.answer_body.encode())


_FRAMING = {"content-length", "transfer-encoding", "content-encoding"}
