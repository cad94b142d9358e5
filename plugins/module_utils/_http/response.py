# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A complete response of a service, what its headers say, and the models that its body is read into."""

from __future__ import annotations

import json
import math
import re
import typing as t
from dataclasses import dataclass
from datetime import datetime

from .._core.errors import BadResponse, CheckpointError
from .._core.formatting import one_line
from .._core.spec import explain
from .._core.times import parse_http_date
from .._deps import pydantic

MAX_PAGES = 2000
MAX_LISTING = 128 * 1024 * 1024
"""Bytes of all pages of one list: a hundred thousand checkpoints."""
MAX_PARTS = 2_000_000
"""Members and elements of one body: parsed, 32 MiB of `[],` would take a gigabyte."""
MAX_DEPTH = 64
"""The deepest published response has 15 levels."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
Problem = t.TypeVar("Problem", bound=CheckpointError)
Model = t.TypeVar("Model", bound="pydantic.BaseModel")


@dataclass(frozen=True)
class Response:
    """A complete response: its body is decompressed and at most MAX_BODY long; `unreadable` says why it is missing.

    `context` is what was being done: `reading vm web01`.
    """

    status: int
    headers: t.Any
    body: bytes
    label: str
    unreadable: str = ""
    context: str = ""

    @property
    def request_id(self) -> str | None:
        """The service's id for the request; ScVmm's all-zero id (recorded) is none."""
        for name in ("x-ms-request-id", "request-id"):
            value = self.headers.get(name)
            if value and value.strip("0-"):
                return one_line(str(value), 100)
        return None

    @property
    def correlation_id(self) -> str | None:
        """The id that this request shares with others of the same activity."""
        value = self.headers.get("x-ms-correlation-request-id") or self.headers.get("mise-correlation-id")
        return one_line(str(value), 100) if value else None

    @property
    def etag(self) -> str | None:
        """The version of the resource; BadResponse for one that could not be sent back."""
        value = self.headers.get("etag")
        if value is not None and not (value.isascii() and value.isprintable() and len(value) <= 1000):
            raise self.odd("the answer's ETag cannot be sent back.")
        return value or None

    @property
    def date(self) -> datetime | None:
        """When the service sent it, by its own clock."""
        return parse_http_date(self.headers.get("date"))

    @property
    def retry_after(self) -> float | None:
        """Retry-After in seconds, also where the header holds a date."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text[:9])
        date = parse_http_date(text)
        return max(0.0, (date - self.date).total_seconds()) if date and self.date else None

    def json(self) -> t.Any:
        """The body as JSON; BadResponse says what it is otherwise."""
        try:
            return _parse(self.body)
        except (ValueError, RecursionError):
            kind = one_line(str(self.headers.get("content-type", "no content type")), 60).partition(";")[0]
            raise self.odd(
                f"the answer ({self.status}, {kind}, {len(self.body)} bytes) is not readable JSON."
            ) from None

    def odd(self, message: str) -> BadResponse:
        """A BadResponse about this response that begins with what was being done."""
        return self.bad(f"{self.context}: {message}" if self.context else message)

    def bad(self, message: str) -> BadResponse:
        """A BadResponse about this response."""
        remedy = "Check that the URL leads to the service itself and not to a proxy or portal."
        return self.error(BadResponse, message, remedy)

    def error(self, kind: type[Problem], message: str, remedy: str, **more: t.Any) -> Problem:
        """An error of that kind about this response: it names the service and the request's ids."""
        return kind(
            message,
            subject=self.label,
            remedy=remedy,
            status=self.status,
            request_id=self.request_id,
            correlation_id=self.correlation_id,
            **more,
        )


def parse_entity(kind: type[Model], body: object, response: Response) -> Model:
    """`body`, a part of the response, as a `kind`; BadResponse that names the wrong fields."""
    try:
        return kind.model_validate(body)
    except pydantic.ValidationError as error:
        name = kind.__name__.strip("_").removesuffix("Entity")
        raise response.odd(f"the answer's {name} is malformed: {explain(error)}.") from None


class Pages:
    """Follows a list's pages: none twice, not too many, not too long in all. `context` begins the error's text."""

    def __init__(self, context: str) -> None:
        self._context = context
        self._seen: set[str] = set()
        self._bytes = 0

    def follow(self, response: Response, following: str) -> str:
        """`following`, the URL or token of the page after `response`; BadResponse where the pages do not end."""
        self._bytes += len(response.body)
        if following in self._seen or len(self._seen) >= MAX_PAGES - 1 or self._bytes > MAX_LISTING:
            raise response.bad(f"{self._context}: the pages do not end.")
        self._seen.add(following)
        return following


def _parse(body: bytes) -> t.Any:
    """JSON as RFC 8259 defines it, in any encoding of Unicode, of bounded size; ValueError for anything else.

    Python's parser also accepts NaN, infinite numbers and lone surrogates, which Ansible could not write as JSON again.
    """
    if sum(body.count(mark) for mark in (b"[", b"{", b",")) > MAX_PARTS:
        raise ValueError("too many parts")
    text = body.decode(json.detect_encoding(body))
    value = json.loads(text, parse_constant=_finite, parse_float=_finite)
    level = [value]
    for _depth in range(MAX_DEPTH):
        level = [part for holder in level for part in _parts(holder)]
    if level:
        raise ValueError("too deep")
    if _SURROGATE.search(text):
        json.dumps(value, ensure_ascii=False).encode()  # raises for a lone surrogate; pairs are characters
    return value


def _parts(holder: t.Any) -> t.Iterator[t.Any]:
    inside = holder.values() if isinstance(holder, dict) else holder if isinstance(holder, list) else ()
    return (part for part in inside if isinstance(part, (dict, list)))


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("no number")
    return number
