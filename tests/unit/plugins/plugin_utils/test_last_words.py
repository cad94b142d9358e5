# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What interrupted workers leave reaches the controller's end, whole and once."""

from __future__ import annotations

import os
import select
import syslog
from typing import Any

import pytest

from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils import _last_words
from ansible_collections.hybridvm.checkpoints.plugins.plugin_utils._last_words import LastWords, endings, to_syslog


def test_a_worker_is_heard_in_the_controller_and_only_there(capsys: pytest.CaptureFixture[str]) -> None:
    words = LastWords()
    worker = os.fork()
    if not worker:
        words.say("left by a worker")
        words.show()  # a worker that ends as programs do, instead of at once
        os._exit(0)
    assert os.waitpid(worker, 0)[1] == 0
    words.show()
    words.show()
    assert capsys.readouterr().err == "left by a worker\n"


def test_nothing_was_left(capsys: pytest.CaptureFixture[str]) -> None:
    LastWords().show()
    assert capsys.readouterr().err == ""


def test_a_line_is_cut_where_lines_would_mix_and_a_full_pipe_keeps_nobody() -> None:
    words = LastWords()
    for _each in range(40):
        words.say("x" * 5000)
    heard = words.heard().splitlines()
    assert 0 < len(heard) < 40
    assert {len(line) for line in heard} == {select.PIPE_BUF - 1}


def test_one_way_for_all_actions() -> None:
    assert _last_words.last_words() is _last_words.last_words()


ERROR = {"message": "vm a: create was accepted and goes on.", "operation": {"kind": "job", "id": "4711"}}


def test_each_vm_that_was_begun_is_named() -> None:
    told = endings(
        {
            "msg": "2 of 4 VMs failed",
            "vms": [
                {"status": "failed", "error": ERROR},
                {"status": "changed", "error": None},
                {"status": "not_started", "error": {"message": "vm c: nothing was started.", "operation": None}},
                {"status": "outcome_unknown", "error": {"message": "vm d: is open.", "operation": None}},
            ],
        }
    )
    assert list(told) == ["vm a: create was accepted and goes on. [job 4711]", "vm d: is open."]


def test_a_single_vm_and_a_result_without_an_error() -> None:
    assert list(endings({"error": ERROR})) == ["vm a: create was accepted and goes on. [job 4711]"]
    assert list(endings({"changed": True})) == []


@pytest.mark.parametrize(("facility", "number"), [("LOG_LOCAL3", syslog.LOG_LOCAL3), ("LOG_NONE", syslog.LOG_USER)])
def test_syslog_gets_a_line(monkeypatch: pytest.MonkeyPatch, facility: str, number: int) -> None:
    calls: list[Any] = []
    for name in ("openlog", "syslog", "closelog"):
        monkeypatch.setattr(syslog, name, lambda *given: calls.append(given))
    to_syslog("hybridvm.checkpoints.vm_checkpoint", "text", facility)
    assert calls == [("ansible-hybridvm.checkpoints.vm_checkpoint", 0, number), (syslog.LOG_WARNING, "text"), ()]
