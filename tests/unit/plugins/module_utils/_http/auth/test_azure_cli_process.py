# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How az is started, read and ended, with a process that is written here."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
import trio

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.errors import CheckpointError
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.operation import Deadline
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.redaction import Redactor
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._http.auth.azure_cli import AzureCli
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.scripted_server import virtual

NOW = datetime(2026, 11, 26, tzinfo=UTC)
STARTED = {"stdin": subprocess.DEVNULL, "env": {"MINE": "1"}, "start_new_session": True}


class Process:
    """A process with an id that prints on both streams, of which one may never end."""

    pid = 54321

    def __init__(self, code: int = 0, *, endless: str = "") -> None:
        self.stdout = self._printed(b"a to", b"ken", endless=endless == "out")
        self.stderr = self._printed(b"ERROR: r\xe9d", b" alert\n", endless=endless == "err")
        self._code = code

    async def _printed(self, *chunks: bytes, endless: bool) -> AsyncIterator[bytes]:
        for chunk in chunks:
            await trio.sleep(0.1)
            yield chunk
        if endless:
            await trio.sleep_forever()

    async def wait(self) -> int:
        await trio.sleep(0.5)
        return self._code

    async def __aenter__(self) -> Process:
        return self

    async def __aexit__(self, *problem: object) -> None:
        """It has ended."""


class Machine:
    """Remembers what was started and which groups were killed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, process: Process, *, is_gone: bool = False) -> None:
        self.started: list[Any] = []
        self.killed: list[tuple[int, int]] = []

        async def started(command: object, **how: Any) -> Process:
            self.started.append((command, how))
            return process

        def killed(group: int, number: int) -> None:
            self.killed.append((group, number))
            if is_gone:
                raise ProcessLookupError

        monkeypatch.setattr(anyio, "open_process", started)
        monkeypatch.setattr(os, "killpg", killed)

    def output(self) -> bytes | None:
        """What az prints; None where it is waited for longer than five seconds."""

        async def main() -> bytes | None:
            az = AzureCli({}, "scope", [], Deadline(60), lambda: NOW, Redactor())
            with trio.move_on_after(5.0):
                return await az._output(["az", "x"], {"MINE": "1"})
            return None

        return virtual(main)


def test_az_is_started_apart_from_the_task_and_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, Process())
    assert machine.output() == b"a token"
    assert (machine.started, machine.killed) == ([(["az", "x"], STARTED)], [])


@pytest.mark.parametrize("code", [1, 3, -9])
def test_what_az_ends_with_is_told_in_whole(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, Process(code))
    with pytest.raises(CheckpointError) as caught:
        machine.output()
    assert (caught.value.code, str(caught.value)) == (
        "sign_in_refused",
        f"az login: az ended with {code}: r\ufffdd alert. Run az login as the user who runs the module; az account "
        "show tells whom it is for.",
    )
    assert machine.killed == []


@pytest.mark.parametrize("is_gone", [False, True])
@pytest.mark.parametrize("endless", ["out", "err"])
def test_all_that_az_has_started_ends_with_the_wait_for_it(
    endless: str, is_gone: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, Process(endless=endless), is_gone=is_gone)
    assert machine.output() is None
    assert machine.killed == [(54321, signal.SIGKILL)]
