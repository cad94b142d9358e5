# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What went over the wire, with every secret replaced by a short hash."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode

from simulator.wire.exchange import Call

WRITES = frozenset({"POST", "PUT", "MERGE", "PATCH", "DELETE"})
KEPT = 5000
_SECRET = re.compile(r"password|secret|assertion|token|productkey|signature", re.IGNORECASE)
_SIGNED = frozenset({"c", "s", "h", "sig"})  # the signed members of an ARM status URL


def hashed(secret: str) -> str:
    """Enough to tell two secrets apart, nothing to sign in with."""
    return "sha256:" + hashlib.sha256(secret.encode()).hexdigest()[:12]


@dataclass
class Entry:
    """One request; `status` is None when no answer left."""

    number: int
    service: str  # spf, arm, entra
    method: str
    target: str
    headers: dict[str, str]
    body: Any
    time: float
    status: int | None = None
    fault: str | None = None


class Journal:
    """Entries and counters since the last clear."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.kept = KEPT
        self.clear()

    def clear(self) -> None:
        self.entries.clear()
        self.requests = self.reads = self.writes = self.writes_handled = 0
        self.methods: Counter[str] = Counter()
        self.services: Counter[str] = Counter()

    def open(self, service: str, call: Call, moment: float) -> Entry:
        """Count a request and start its entry."""
        self.requests += 1
        self.methods[call.method] += 1
        self.services[service] += 1
        if service != "entra":
            if call.method in WRITES:
                self.writes += 1
            else:
                self.reads += 1
        entry = Entry(
            number=self.requests,
            service=service,
            method=call.method,
            target=_shown_target(call.target),
            headers={name: _shown_header(name, value) for name, value in call.headers.items()},
            body=_shown_body(call),
            time=moment,
        )
        self.entries.append(entry)
        del self.entries[: -self.kept]
        return entry

    def handled(self, service: str, call: Call) -> None:
        """Count a write that reached its service."""
        if service != "entra" and call.method in WRITES:
            self.writes_handled += 1

    def counters(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "reads": self.reads,
            "writes": self.writes,
            "writes_handled": self.writes_handled,
            "by_method": dict(self.methods),
            "by_service": dict(self.services),
        }

    def as_list(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self.entries]


def _shown_header(name: str, value: str) -> str:
    if name in {"authorization", "proxy-authorization", "cookie"}:
        scheme, _unused, rest = value.partition(" ")
        return f"{scheme} {hashed(rest)}" if rest else hashed(value)
    return value


def _shown_target(target: str) -> str:
    path, mark, query = target.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    if not any(name in _SIGNED or _SECRET.search(name) for name, _unused in pairs):
        return target
    shown = [(name, hashed(value) if name in _SIGNED or _SECRET.search(name) else value) for name, value in pairs]
    return path + mark + urlencode(shown, safe=":$'(),*")


def _shown_body(call: Call) -> Any:
    if not call.body:
        return None
    text = call.body.decode("utf-8", "replace")
    if "x-www-form-urlencoded" in (call.header("content-type") or ""):
        return {name: hashed(value) if _SECRET.search(name) else value for name, value in parse_qsl(text)}
    try:
        return _redacted(json.loads(text))
    except ValueError:
        return text


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: hashed(str(each)) if _SECRET.search(key) and isinstance(each, str) else _redacted(each)
            for key, each in value.items()
        }
    return [_redacted(each) for each in value] if isinstance(value, list) else value
