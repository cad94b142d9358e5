# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback that shows progress: rows or lines, and nothing left at its end."""

from __future__ import annotations

import io
import os
import pty
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.callback import progress
from ansible_collections.hybridvm.checkpoints.plugins.callback.progress import CallbackModule
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Waiting
from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils._live import audience
from tests.support.terminals import seen

SAID = "hybridvm.checkpoints.progress shows lines instead of rows"


class Display:
    """What Ansible shows."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.verbosity = 0
        self.warnings: list[str] = []

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def callback(show: str = "auto", rows: int = 8) -> Any:
    """The callback of a controller that has read these options."""
    made = CallbackModule(display=Display())
    options = {"show": show, "rows": rows}
    made.get_option = options.__getitem__
    return made


@contextmanager
def on_terminal(monkeypatch: pytest.MonkeyPatch, term: str = "xterm") -> Iterator[int]:
    """All output goes to a terminal, whose other side this is. No fixture: pytest takes its output back."""
    master, slave = pty.openpty()
    with monkeypatch.context() as patch, os.fdopen(slave, "w") as stream:
        patch.setenv("TERM", term)
        patch.setattr(sys, "stdout", stream)
        patch.setattr(sys, "stderr", stream)
        yield master
    os.close(master)


def followed() -> tuple[bool, bool]:
    """Whether workers hand over rows, and whether they show lines."""
    return audience.channel is not None, audience.lines


def test_rows_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    with on_terminal(monkeypatch) as master:
        before = (sys.stdout, sys.stderr)
        tried = callback()
        tried.v2_playbook_on_start(None)
        tried.v2_playbook_on_start(None)
        assert audience.channel is not None
        audience.channel.report(Waiting("vm web01", "create", 5, 1.0))
        assert seen(master) == "vm web01: create: 5 %, 1 s"
        print("TASK", flush=True)
        assert "\r\033[JTASK\r\n" in seen(master)
        tried.v2_playbook_on_stats(None)
        tried.v2_playbook_on_stats(None)
        assert (sys.stdout, sys.stderr) == before
    assert followed() == (False, False)
    assert not [thread for thread in threading.enumerate() if thread.name == "progress"]
    assert tried._display.warnings == []


@pytest.mark.parametrize(("show", "term"), [("lines", "xterm"), ("auto", "dumb")])
def test_lines_where_rows_are_not_wanted(monkeypatch: pytest.MonkeyPatch, show: str, term: str) -> None:
    with on_terminal(monkeypatch, term):
        tried = callback(show)
        tried.v2_playbook_on_start(None)
        assert followed() == (False, True)
        tried.v2_playbook_on_stats(None)
    assert followed() == (False, False)


def test_a_log_beside_the_terminal_holds_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    with on_terminal(monkeypatch):
        log = sys.stderr = io.StringIO()
        tried = callback()
        tried.v2_playbook_on_start(None)
        assert sys.stderr is log
        tried.v2_playbook_on_stats(None)


def test_lines_where_no_pipe_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> Any:
        raise OSError("Too many open files")

    monkeypatch.setattr(progress, "Channel", refuse)
    with on_terminal(monkeypatch):
        tried = callback()
        tried.v2_playbook_on_start(None)
        assert followed() == (False, True)
        tried.v2_playbook_on_stats(None)
    assert tried._display.warnings == [f"{SAID}: Too many open files"]


def test_lines_after_a_terminal_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_file: int) -> Any:
        raise OSError("Input/output error")

    with on_terminal(monkeypatch):
        before = sys.stdout
        tried = callback()
        monkeypatch.setattr(os, "get_terminal_size", gone)
        tried.v2_playbook_on_start(None)
        tried._live._thread.join(5)
        assert followed() == (False, True)
        assert sys.stdout is before
        tried.v2_playbook_on_stats(None)
    assert tried._display.warnings == [f"{SAID}: Input/output error"]
