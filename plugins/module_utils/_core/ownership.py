# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mark that says a checkpoint is ours: the last line of its description.

    before patching
    [hybridvm.checkpoints 1 nonce=9f2c41d07ab3 at=2026-11-20T11:30:02Z]

It holds a nonce (to recognise the checkpoint after a lost response), the time of creation by the service's own clock
(the only one on Arc), and optionally `pin` (nothing removes it but a task that names its id), behind that `until=`
where the pin ends, `safety` (created before a restore), `power=` (the VM's power state then), `key=` (the hash of a
restore_key), `target=` (the hash of the id that the restore goes to) and `name=` (the hash of the name that was asked
for, because a service may store another one). A service may keep all of it in upper or in lower case, or write <br> for
the line's end before it. Anyone may forge a mark, so it gives nobody more rights. A checkpoint
whose mark is malformed or removed is unmanaged.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from .pins import Pin
from .times import format_time, is_never, parse_time

_MARK = re.compile(
    r"(?:^|\s|<br>)(?P<whole>\[hybridvm\.checkpoints 1 nonce=(?P<nonce>[0-9a-f]{12}) at=(?P<at>[0-9TZ:-]{20})"
    r"(?P<pin> pin(?: until=(?P<until>[0-9TZ:-]{20}))?)?(?P<safety> safety)?(?: power=(?P<power>on|off))?"
    r"(?: key=(?P<key>[0-9a-f]{16}))?(?: target=(?P<target>[0-9a-f]{8}))?(?: name=(?P<name>[0-9a-f]{8}))?\])\s*\Z"
)
_FOLDED = re.compile(_MARK.pattern, re.IGNORECASE)
"""The same as a service keeps it that changes the case of texts."""

_GENERATED = re.compile(r"(?P<series>.+)-(?P<at>\d{8}T\d{6}Z)-(?P<nonce>[0-9a-f]{12})")
GENERATED_LENGTH = 30
"""What generated() adds to a series' name."""


@dataclass(frozen=True)
class Mark:
    """The mark in a description.

    `target` is the id_hash() of the checkpoint that a safety checkpoint's restore was to go to, `name` the name_hash()
    of the name that was asked for.
    """

    nonce: str
    created: datetime
    pin: bool = False
    safety: bool = False
    power: str | None = None
    key: str | None = None
    target: str | None = None
    name: str | None = None
    until: datetime | None = None

    @property
    def pinned(self) -> Pin | None:
        """The pin that it holds, which may have ended."""
        return Pin(self.until) if self.pin else None

    def with_pin(self, pin: Pin | None) -> Mark:
        """The same with another pin, or without one."""
        return replace(self, pin=pin is not None, until=None if pin is None else pin.until)

    def __str__(self) -> str:
        parts = [f"hybridvm.checkpoints 1 nonce={self.nonce} at={format_time(self.created)}"]
        parts += [f"pin{self.pinned.ending()}"] if self.pinned is not None else []
        parts += ["safety"] if self.safety else []
        parts += [f"{name}={value}" for name, value in self._optional() if value]
        return f"[{' '.join(parts)}]"

    def _optional(self) -> tuple[tuple[str, str | None], ...]:
        return ("power", self.power), ("key", self.key), ("target", self.target), ("name", self.name)

    def to_result(self) -> dict[str, object]:
        """The `mark` key of a checkpoint in results. It leaves out `name`, and the pin, which has keys of its own."""
        return {
            "nonce": self.nonce,
            "created": format_time(self.created),
            "safety": self.safety,
            "power": self.power,
            "key": self.key,
            "target": self.target,
        }


class Ownership(t.NamedTuple):
    """Who made a checkpoint, read off its mark, or off its name and its collection's tag where there are no marks.

    `managed`: this collection; `nonce`: which run of it; `safety`: before a restore; `at`: when, by the service's Date
    header.
    """

    managed: bool = False
    nonce: str | None = None
    safety: bool = False
    at: datetime | None = None


def join(description: str, mark: Mark | None) -> str:
    """The description as it is sent: the user's text, then the mark on a line of its own."""
    if mark is None:
        return description
    return f"{description}\n{mark}" if description else str(mark)


def split(text: str | None) -> tuple[str, Mark | None]:
    """The user's text and the mark; (text, None) if there is no mark or it is malformed."""
    text = (text or "").replace("\r\n", "\n")  # some write line ends so, and users do not
    found = _MARK.search(text) or _folded(text)
    mark = None if found is None else _mark(found)
    return (text, None) if found is None or mark is None else (text[: found.start()], mark)


def _folded(text: str) -> re.Match[str] | None:
    """A mark that is all in upper or all in lower case. A mixture is nobody's: no service makes one of it."""
    found = _FOLDED.search(text)
    whole = "" if found is None else found["whole"]
    is_whole = whole.isascii() and whole in (whole.upper(), whole.lower())
    return found if is_whole else None


def _mark(found: re.Match[str]) -> Mark | None:
    """What it says, in one case; None if a time in it is none."""
    given = {name: value and value.lower() for name, value in found.groupdict().items()}
    if is_never(found["at"]):
        return None
    try:
        created, until = parse_time(found["at"]), parse_time(found["until"]) if found["until"] else None
    except ValueError:
        return None
    pin, safety = bool(found["pin"]), bool(found["safety"])
    parts = given["power"], given["key"], given["target"], given["name"]
    return Mark(given["nonce"], created, pin, safety, *parts, until=until)


def generated(series: str, now: datetime, nonce: str) -> str:
    """A unique name for a checkpoint of a series, where names are unique: the series, the time and the nonce."""
    return f"{series}-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}-{nonce}"


def read_generated(name: str) -> tuple[str, Ownership] | None:
    """The series of a generated name, and what it says of who made it; None for any other name."""
    found = _GENERATED.fullmatch(name)
    if found is None:
        return None
    try:
        at = datetime.strptime(found["at"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None
    return found["series"], Ownership(True, found["nonce"], at=at)


def name_hash(name: str) -> str:
    """The hash of a name that was asked for, as a mark holds it."""
    return hashlib.sha256(b"hybridvm.checkpoints name\0" + name.encode()).hexdigest()[:8]


def id_hash(checkpoint_id: str) -> str:
    """The hash of a checkpoint's id, as a mark holds it."""
    return hashlib.sha256(checkpoint_id.lower().encode()).hexdigest()[:8]


def key_hash(restore_key: str) -> str:
    """The hash of a restore_key, as a mark holds it: it identifies the run without showing the key."""
    return hashlib.sha256(b"hybridvm.checkpoints restore_key\0" + restore_key.encode()).hexdigest()[:16]
