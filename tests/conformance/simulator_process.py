# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as a process for outside clients, and where those are that are not always there."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.simulator_server import ROOT, started
from tests.support.waiting import HANG

BUILD = ROOT / "build" / "conformance"
CLIENTS = Path(__file__).resolve().parent / "clients"


class SimulatorProcess:
    """A running simulator."""

    def __init__(self, ready: dict[str, Any]) -> None:
        self.ready = ready
        verify = ssl.create_default_context(cafile=ready["ca_file"]) if ready["ca_file"] else False
        self.http = httpx.Client(verify=verify, trust_env=False, base_url=ready["control_url"], timeout=HANG)

    def vm(self, name: str) -> dict[str, Any]:
        """A VM as the ready file names it."""
        return next(vm for vm in self.ready["vms"] if vm["name"] == name)

    def file(self, service: str, vm: str, path: str, content: str | None = None) -> str:
        """What a guest's file holds, after writing it if asked to."""
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
    with started(directory, *options) as (_process, ready):
        running = SimulatorProcess(ready)
        try:
            yield running
        finally:
            running.http.close()


def opted_in(name: str, there: Path) -> None:
    """Skip, saying how, unless this client was asked for; a client that was asked for and is missing is a failure."""
    if os.environ.get(name) != "1":
        pytest.skip(f"opt-in: make conformance {name}=1")
    assert there.exists(), f"{there} is missing: make conformance {name}=1 installs it"
