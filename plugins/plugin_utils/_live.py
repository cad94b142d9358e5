# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress on a terminal: a row for each VM that is waited for, below all other output, rewritten in place.

A task runs in a worker that the controller has forked, and reaches no callback. So the callback `progress` opens a pipe
before the first worker is forked: workers write into it, and a thread of the controller reads and draws.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import threading
import time
import typing as t
import unicodedata

from ._progress import line

if t.TYPE_CHECKING:
    from ..module_utils._core.operation import Waiting

STALE = 60.0
"""Seconds after which the row of a VM goes of which nothing more is heard: what says that it is over may be lost."""
LONGEST = 150
"""Characters of a row: a write of up to select.PIPE_BUF bytes is whole, and in JSON a character takes up to twelve."""


class Channel:
    """The way from the workers to the controller."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        self._rest = b""

    def report(self, waiting: Waiting) -> None:
        """Say in a worker what it waits for; dropped where nobody reads, for no task waits for a display."""
        text = {} if waiting.over else {"text": line(waiting)[:LONGEST]}
        self._send({"subject": waiting.subject[:LONGEST], **text})

    def end(self) -> None:
        """Say in a worker that its task has ended."""
        self._send({})

    def _send(self, message: dict[str, t.Any]) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, json.dumps({"worker": os.getpid(), **message}).encode() + b"\n")

    def wake(self) -> None:
        """Have `heard` return now."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, b"\n")

    def heard(self, patience: float) -> list[dict[str, t.Any]]:
        """What has arrived, after at most so many seconds."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._reader, selectors.EVENT_READ)
            selector.select(patience)
        with contextlib.suppress(BlockingIOError):
            self._rest += os.read(self._reader, 65536)
        *lines, self._rest = self._rest.split(b"\n")
        messages = []
        for each in lines:
            with contextlib.suppress(ValueError):  # empty, or not whole where PIPE_BUF is small
                messages.append(json.loads(each))
        return messages

    def close(self) -> None:
        """Give both ends back; workers have their own."""
        os.close(self._reader)
        os.close(self._writer)


class Rows:
    """What stands on the terminal: one row for each VM of each worker."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], tuple[float, str]] = {}

    def note(self, messages: t.Iterable[dict[str, t.Any]], now: float) -> None:
        """Take in what was heard, and forget what is over."""
        for message in messages:
            worker, subject = message["worker"], message.get("subject")
            if "text" in message:
                self._rows[worker, message["subject"]] = (now, message["text"])
            else:  # of that VM, or of the whole task
                over = [key for key in self._rows if key[0] == worker and subject in (None, key[1])]
                self._rows = {key: row for key, row in self._rows.items() if key not in over}
        self._rows = {key: row for key, row in self._rows.items() if now - row[0] < STALE}

    def texts(self, most: int) -> list[str]:
        """The rows, and how many more there are."""
        texts = [text for _heard, text in self._rows.values()]
        hidden = len(texts) - most
        return texts if hidden <= 0 else [*texts[:most], f"and {hidden} more"]


class Screen:
    """The last rows of a terminal. All other output goes through `write` of an `Over`, which takes them away first.

    `lock` must be the one under which Ansible writes: it holds it as well while it forks a worker.
    """

    def __init__(self, terminal: t.TextIO, lock: t.ContextManager[t.Any]) -> None:
        self._terminal, self._lock = terminal, lock
        self._controller = os.getpid()
        self._drawn: list[str] = []
        self._at_start = True

    def draw(self, rows: list[str]) -> None:
        """Show these rows instead of those that stand there; not behind an unfinished line, such as a question."""
        with self._lock:
            columns, lines = os.get_terminal_size(self._terminal.fileno())  # both 0 where nobody knows
            fitting = [fit(row, (columns or 80) - 1) for row in rows[: (lines or 24) - 1]]
            if self._at_start and fitting != self._drawn:
                self._put(self._erasing() + "\n".join(fitting))
                self._drawn = fitting

    def write(self, stream: t.Any, text: str) -> int:
        """Write other output. A worker has a copy of this screen and no rows."""
        if os.getpid() != self._controller:
            return int(stream.write(text))
        with self._lock:
            self._put(self._erasing())
            self._drawn = []
            if text:
                self._at_start = text.endswith("\n")
            written = int(stream.write(text))
            stream.flush()
            return written

    def _erasing(self) -> str:
        return "\033[A" * (len(self._drawn) - 1) + "\r\033[J" if self._drawn else ""

    def _put(self, text: str) -> None:
        """Past the stream, whose buffer may hold the half of somebody's line."""
        data = text.encode(self._terminal.encoding, "replace")
        while data:
            data = data[os.write(self._terminal.fileno(), data) :]


class Over:
    """A stream whose output goes over the rows of a screen; in everything else the stream itself."""

    def __init__(self, stream: t.Any, screen: Screen) -> None:
        self._stream, self._screen = stream, screen

    def write(self, text: str) -> int:
        """Write without the rows."""
        return self._screen.write(self._stream, text)

    def writelines(self, texts: t.Iterable[str]) -> None:
        """The same for several texts."""
        self.write("".join(texts))

    def __getattr__(self, name: str) -> t.Any:
        return getattr(self._stream, name)


class Live:
    """The thread that reads the channel and draws, from its start until `close`."""

    def __init__(self, channel: Channel, screen: Screen, most: int, broken: t.Callable[[str], None]) -> None:
        self._channel, self._screen, self._most, self._broken = channel, screen, most, broken
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        rows = Rows()
        try:
            while not self._ended.is_set():
                rows.note(self._channel.heard(1.0), time.monotonic())
                self._screen.draw(rows.texts(self._most))
            self._screen.draw([])
        except OSError as problem:  # the terminal is gone
            self._broken(str(problem))

    def close(self) -> None:
        """Take the rows away and end."""
        self._ended.set()
        self._channel.wake()
        self._thread.join()
        self._channel.close()


class Audience:
    """Who follows the tasks of this controller; the callback `progress` sets it, and workers inherit it."""

    def __init__(self) -> None:
        self.channel: t.Optional[Channel] = None
        self.lines = False


audience = Audience()


def fit(text: str, columns: int) -> str:
    """As much of a text as has room. Names come from others: what could steer the terminal becomes a question mark."""
    kept = ""
    for character in text:
        shown = character if character.isprintable() else "?"
        columns -= 2 if unicodedata.east_asian_width(shown) in "WF" else 1
        if columns < 0:
            break
        kept += shown
    return kept
