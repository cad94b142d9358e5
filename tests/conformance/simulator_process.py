# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as a process for outside clients, and where those are that are not always there."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "conformance"
CLIENTS = Path(__file__).resolve().parent / "clients"


class SimulatorProcess:
    """A running simulator."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.ready = ready
        verify = ssl.create_default_context(cafile=ready["ca_file"]) if ready["ca_file"] else False
        self.http = httpx.Client(verify=verify, trust_env=False, base_url=ready["control_url"])

    def vm(self, name: str) -> dict[str, Any]:
        """A VM as the ready file names it."""
        return next(vm for vm in self.ready["vms"] if vm["name"] == name)

    def file(self, service: str, vm: str, path: str, content: str | None = None) -> str:
        """What a guest's file holds, after writing it if told so."""
        if content is not None:
            self.http.put(f"/guest/{service}/{vm}", params={"path": path}, content=content).raise_for_status()
        return self.http.get(f"/guest/{service}/{vm}", params={"path": path}).text

    def settle(self) -> None:
        """Let all that runs come to its end; the tokens last longer."""
        self.http.post("/clock", json={"advance": 300}).raise_for_status()

    def sent(self, path: str = "") -> list[tuple[str, str, int]]:
        """Method, target and status of the requests so far."""
        entries = self.http.get("/journal").json()
        return [(each["method"], each["target"], each["status"]) for each in entries if path in each["target"]]


@contextmanager
def running_simulator(directory: Path, *options: str) -> Iterator[SimulatorProcess]:
    """A simulator that ends with the block, and with this process whatever happens."""
    ready_file, log = directory / "ready.json", directory / "log"
    command = [sys.executable, "-m", "simulator", "--tls-dir", str(directory), "--ready-file", str(ready_file)]
    command += ["--with-parent", str(os.getpid()), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        end = time.monotonic() + 30
        while not ready_file.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.02)
        running = SimulatorProcess(json.loads(ready_file.read_text()))
        try:
            yield running
        finally:
            running.http.close()
    finally:
        process.terminate()
        try:
            process.wait(10)
        finally:
            process.kill()
            process.wait()


def opted_in(name: str, there: Path) -> None:
    """Skip, saying how, unless this client was asked for; a client that was asked for and is missing is a failure."""
    if os.environ.get(name) != "1":
        pytest.skip(f"opt-in: make conformance {name}=1")
    assert there.exists(), f"{there} is missing: make conformance {name}=1 installs it"
