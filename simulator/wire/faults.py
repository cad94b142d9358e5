# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripted trouble: which requests it meets, and what it does to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import anyio

from simulator.wire.exchange import Answer, Call, html_answer, json_answer

KINDS = (
    "status",  # answer `status` with `headers` and `body`, the service never hears of the request
    "status_after",  # the service does its work, then the same
    "lose_request",  # the connection closes, the service never hears of the request
    "lose_answer",  # the service does its work, then the connection closes
    "reset_body",  # the service does its work, the connection closes in the middle of the answer's body
    "delay",  # the request waits `seconds` of simulated time first
    "hold",  # the request waits until it is let go
    "html",  # a proxy's HTML page with `status` instead of an answer
    "truncate",  # the service's answer, its body cut in half, complete as far as HTTP can tell
    "replace",  # the service's answer with its body replaced by `body` (wrong types, `null`, ...)
    "headers",  # the service's answer with `headers` added or replaced (an empty value removes)
    "redirect",  # 307 to `location`
    "oversize",  # the service's answer followed by `size` bytes of white space
)
WAITING = frozenset({"delay", "hold"})  # the service hears of the request afterwards
HANDLED_FIRST = frozenset({"status_after", "lose_answer", "reset_body", "truncate", "replace", "headers", "oversize"})


class ConnectionLost(Exception):
    """The connection broke, where there is none to break; `httpx_name` is what httpx raises over a real one."""

    def __init__(self, httpx_name: str) -> None:
        super().__init__(f"the simulated connection was closed ({httpx_name})")
        self.httpx_name = httpx_name


@dataclass
class Fault:
    """One scripted fault: `kind` for the requests that match, from the `nth` on, `count` times."""

    kind: str
    method: str | None = None  # a regular expression for the whole method
    path: str | None = None  # a regular expression searched in path and query, case-insensitive
    nth: int = 1
    count: int | None = 1  # None: always
    status: int = 503
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None  # text as it is, anything else as JSON
    seconds: float = 0.0
    location: str = "https://elsewhere.example/"
    size: int = 10_000_000
    exception: str = "RemoteProtocolError"  # what httpx raises for a lost connection; chosen without sockets only
    seen: int = 0
    done: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"a fault's kind is one of {', '.join(KINDS)}, not {self.kind!r}")
        self.headers = {str(name): str(value) for name, value in self.headers.items()}

    def matches(self, call: Call) -> bool:
        """Whether it strikes this request; counts the ones it sees."""
        if self.method is not None and not re.fullmatch(self.method, call.method):
            return False
        if self.path is not None and not re.search(self.path, call.target, re.IGNORECASE):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.count is not None and self.done >= self.count):
            return False
        self.done += 1
        return True


class Faults:
    """The faults in force. A chooser may be put in front of the script: that is where random ones belong."""

    def __init__(self) -> None:
        self.script: list[Fault] = []
        self.chooser: Callable[[Call], Fault | None] | None = None
        self._held: list[anyio.Event] = []

    def add(self, **given: Any) -> Fault:
        """Add a fault from its members; ValueError for an unknown member or kind."""
        unknown = set(given) - {each.name for each in fields(Fault)} - {"seen", "done"}
        if unknown:
            raise ValueError(f"a fault has no member {', '.join(sorted(unknown))}")
        fault = Fault(**given)
        self.script.append(fault)
        return fault

    def clear(self) -> None:
        """Nothing strikes any more, and what is held goes on."""
        self.script.clear()
        self.chooser = None
        self.release()

    async def hold(self) -> None:
        """Wait until `release` or `clear`."""
        event = anyio.Event()
        self._held.append(event)
        await event.wait()

    def release(self) -> None:
        """Let go the requests that are held now."""
        for event in self._held:
            event.set()
        self._held.clear()

    def pick(self, call: Call) -> Fault | None:
        """The fault for this request; of several that match, the first."""
        if self.chooser is not None and (chosen := self.chooser(call)) is not None:
            return chosen
        picked: Fault | None = None
        for fault in self.script:
            if fault.matches(call) and picked is None:
                picked = fault
        return picked

    def as_list(self) -> list[dict[str, Any]]:
        return [asdict(fault) for fault in self.script]


def replacement(fault: Fault) -> Answer:
    """The answer that a fault gives in place of the service's."""
    headers = list(fault.headers.items())
    if fault.kind == "redirect":
        return Answer(307, [("Location", fault.location), *headers])
    if fault.kind == "html":
        return html_answer(fault.status, "502 - Web server received an invalid response", headers)
    if fault.body is None or isinstance(fault.body, str):
        content = (
            [] if any(name.lower() == "content-type" for name in fault.headers) else [("Content-Type", "text/plain")]
        )
        return Answer(fault.status, content + headers, (fault.body or "").encode())
    return json_answer(fault.status, fault.body, headers)


def distort(fault: Fault, answer: Answer) -> Answer:
    """The service's answer after the fault has been at it."""
    if fault.kind == "status_after":
        return replacement(fault)
    if fault.kind == "truncate":
        return Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
    if fault.kind == "oversize":
        return Answer(answer.status, answer.headers, answer.body + b" " * fault.size)
    if fault.kind == "replace":
        return Answer(answer.status, answer.headers, replacement(fault).body)
    if fault.kind == "headers":
        for name, value in fault.headers.items():
            answer = answer.replaced(name, value)
        return Answer(answer.status, [(name, value) for name, value in answer.headers if value], answer.body)
    return answer
