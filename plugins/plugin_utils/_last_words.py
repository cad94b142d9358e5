# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an interrupted task leaves behind. Ansible throws its result away, so that it is reported another way.

Ansible reads no more from its workers once Ctrl-C has come. A pipe that is opened before they are forked reaches the
controller all the same; it is read when the controller ends, after its workers. A controller that is killed says
nothing: for that there is syslog.
"""

from __future__ import annotations

import atexit
import contextlib
import multiprocessing
import os
import select
import sys
import syslog
import typing as t


class LastWords:
    """The way from interrupted workers to the end of the controller that has forked them."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        for end in (self._reader, self._writer):
            os.set_blocking(end, False)
        self._controller = os.getpid()

    def say(self, text: str) -> None:
        """Leave a line. It is cut where one write would not be whole: lines of several workers must not mix."""
        with contextlib.suppress(BlockingIOError):
            os.write(self._writer, text.encode()[: select.PIPE_BUF - 1] + b"\n")

    def heard(self) -> str:
        """All that was left so far."""
        parts = []
        with contextlib.suppress(BlockingIOError):
            while part := os.read(self._reader, select.PIPE_BUF):
                parts.append(part)
        return b"".join(parts).decode(errors="replace")

    def show(self) -> None:
        """Show it, in the controller only."""
        if os.getpid() != self._controller:
            return
        try:
            for worker in multiprocessing.active_children():
                worker.join()  # as multiprocessing itself is about to do; another Ctrl-C ends the wait
        finally:
            sys.stderr.write(self.heard())


_opened: list[LastWords] = []


def last_words() -> LastWords:
    """The one way of this controller; the first call must come before the workers are forked."""
    if not _opened:
        _opened.append(LastWords())
        atexit.register(_opened[0].show)
    return _opened[0]


def endings(found: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """What became of each target of an interrupted task, but for those with which nothing had begun."""
    for each in found.get("vms") or [found]:
        error = each.get("error")
        if error and each.get("status") != "not_started":
            operation = error.get("operation") or {}
            yield error["message"] + (f" [{operation['kind']} {operation['id']}]" if operation.get("id") else "")


def to_syslog(action: str, text: str, facility: str) -> None:
    """One line in the system's log, as modules write theirs."""
    syslog.openlog(f"ansible-{action}", 0, getattr(syslog, facility, syslog.LOG_USER))
    syslog.syslog(syslog.LOG_WARNING, text)
    syslog.closelog()
