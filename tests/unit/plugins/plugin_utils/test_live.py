# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows on a terminal: what is heard from workers, what is drawn, and that other output stays whole."""

from __future__ import annotations

import os
import pty
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import TextIO

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Waiting
from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils import _live
from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils._live import Channel, Live, Over, Rows, Screen, fit
from tests.support.terminals import seen


@pytest.fixture
def channel() -> Iterator[Channel]:
    opened = Channel()
    yield opened
    opened.close()


@pytest.fixture
def terminal() -> Iterator[tuple[int, TextIO]]:
    """What is seen of a terminal, and what is written to."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w", encoding="ascii") as stream:
        yield master, stream
    os.close(master)


def waiting(subject: str = "vm web01", percent: int = 40) -> Waiting:
    return Waiting(subject, 'creating checkpoint "n"', percent, 12.0)


def test_a_forked_worker_is_heard(channel: Channel) -> None:
    pid = os.fork()
    if not pid:
        channel.report(waiting())
        channel.end()
        os._exit(0)
    os.waitpid(pid, 0)
    text = 'vm web01: creating checkpoint "n": 40 %, 12 s'
    assert channel.heard(5) == [{"worker": pid, "subject": "vm web01", "text": text}, {"worker": pid}]


def test_what_is_over_has_no_text(channel: Channel) -> None:
    channel.report(replace(waiting(), over=True))
    assert channel.heard(5) == [{"worker": os.getpid(), "subject": "vm web01"}]


def test_a_full_pipe_keeps_no_task_waiting(channel: Channel) -> None:
    for _look in range(2000):
        channel.report(waiting("ü" * 1000))
    channel.wake()
    heard = channel.heard(5)
    assert 0 < len(heard) < 2000
    assert {len(each["text"]) for each in heard} == {_live.LONGEST}


def test_nothing_to_hear(channel: Channel) -> None:
    assert channel.heard(0) == []
    channel.wake()
    assert channel.heard(5) == []


def test_each_vm_of_each_worker_has_a_row_until_its_end_or_silence() -> None:
    rows = Rows()
    rows.note([{"worker": 1, "subject": "a", "text": "a 1"}, {"worker": 1, "subject": "b", "text": "b"}], 0)
    rows.note([{"worker": 2, "subject": "a", "text": "other"}, {"worker": 1, "subject": "a", "text": "a 2"}], 30)
    assert rows.texts(3) == ["a 2", "b", "other"]
    assert rows.texts(1) == ["a 2", "and 2 more"]
    rows.note([], _live.STALE)
    assert rows.texts(3) == ["a 2", "other"]
    rows.note([{"worker": 2, "subject": "b"}, {"worker": 1, "subject": "a"}], _live.STALE)
    assert rows.texts(3) == ["other"]
    rows.note([{"worker": 1, "subject": "a", "text": "a 3"}], _live.STALE)
    rows.note([{"worker": 1}], _live.STALE)
    assert rows.texts(3) == ["other"]


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("web01", 5, "web01"),
        ("web01", 4, "web0"),
        ("web\033[2J\r\n", 20, "web?[2J??"),
        ("機械", 3, "機"),  # each takes two columns
    ],
)
def test_a_row_fits_and_steers_nothing(text: str, columns: int, shown: str) -> None:
    assert fit(text, columns) == shown


def test_rows_give_way_to_other_output_and_to_questions(terminal: tuple[int, TextIO]) -> None:
    master, stream = terminal
    screen = Screen(stream, threading.RLock())
    over = Over(stream, screen)
    screen.draw(["one", "two é 2"])
    assert seen(master) == "one\r\ntwo ? 2"  # a terminal that knows ASCII only
    screen.draw(["one", "two é 2"])
    over.write("TASK\n")
    assert seen(master) == "\033[A\r\033[JTASK\r\n"
    screen.draw(["one"])
    over.writelines(["Sure", "? "])
    over.write("")
    screen.draw(["one"])
    assert seen(master) == "one\r\033[JSure? "
    over.write("\n")
    screen.draw(["one"])
    screen.draw([])
    assert seen(master) == "\r\none\r\033[J"
    assert over.isatty()


def test_a_worker_writes_as_if_there_were_no_rows(
    terminal: tuple[int, TextIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    master, stream = terminal
    screen = Screen(stream, threading.RLock())
    screen.draw(["row"])
    monkeypatch.setattr(os, "getpid", lambda: 0)
    Over(stream, screen).write("text\n")
    stream.flush()
    assert seen(master) == "rowtext\r\n"


def test_the_thread_draws_and_ends_without_a_trace(terminal: tuple[int, TextIO]) -> None:
    master, stream = terminal
    warnings: list[str] = []
    channel = Channel()
    live = Live(channel, Screen(stream, threading.RLock()), 8, warnings.append)
    channel.report(waiting())
    assert seen(master) == 'vm web01: creating checkpoint "n": 40 %, 12 s'
    live.close()
    assert seen(master) == "\r\033[J"
    assert warnings == []


def test_a_terminal_that_is_gone_is_told_once() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    warnings: list[str] = []
    with os.fdopen(writer, "w") as stream:
        live = Live(Channel(), Screen(stream, threading.RLock()), 8, warnings.append)
        live.close()
    assert len(warnings) == 1
