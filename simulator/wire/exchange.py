# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange without a framework: what a dialect is given (`Call`) and what it gives back (`Answer`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote


class Connection:
    """What lasts as long as a connection: who has signed in on it, and the handshake that is under way.

    `certificate` is the server's own, in DER; channel bindings are made from it.
    """

    def __init__(self, certificate: bytes = b"") -> None:
        self.certificate = certificate
        self.user: str | None = None
        self.handshake: Any = None


@dataclass(frozen=True)
class Call:
    """A request as it came in; header names are lower case."""

    method: str
    target: str  # raw path and query, byte for byte: status URLs are signed over it
    headers: Mapping[str, str]
    body: bytes = b""
    scheme: str = "https"
    connection: Connection = field(default_factory=Connection, compare=False)

    @property
    def raw_path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def raw_query(self) -> str:
        return self.target.partition("?")[2]

    @property
    def path(self) -> str:
        """The decoded path; ARM takes a double slash for one (recorded 2023-10-31)."""
        path = unquote(self.raw_path)
        while "//" in path:
            path = path.replace("//", "/")
        return path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    @property
    def origin(self) -> str:
        """Scheme and host as the client wrote them, so that links lead back to where it came from."""
        return f"{self.scheme}://{self.headers.get('host', 'localhost')}"

    def header(self, name: str) -> str | None:
        return self.headers.get(name.lower())

    def json(self) -> Any:
        """The body as JSON; ValueError when it is none."""
        return json.loads(self.body.decode("utf-8-sig"))


@dataclass
class Answer:
    """A response; headers are a list, because IIS behind a portal sends some of them twice (dn785087)."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def replaced(self, name: str, value: str) -> Answer:
        """The same answer with one header set to `value`."""
        kept = [(key, old) for key, old in self.headers if key.lower() != name.lower()]
        return Answer(self.status, [*kept, (name, value)], self.body)


def json_answer(
    status: int,
    document: object,
    headers: Iterable[tuple[str, str]] = (),
    content_type: str = "application/json; charset=utf-8",
) -> Answer:
    """A compact JSON answer, as both services write theirs."""
    body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return Answer(status, [("Content-Type", content_type), *headers], body)


def html_answer(status: int, title: str, headers: Iterable[tuple[str, str]] = ()) -> Answer:
    """What IIS itself answers with (errors.md 6: 401 and 403 are HTML)."""
    page = (
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">\r\n'
        f"<html><head><title>{title}</title></head><body><h2>{title}</h2></body></html>\r\n"
    )
    return Answer(status, [("Content-Type", "text/html"), *headers], page.encode())
