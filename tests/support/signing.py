# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's core against the simulator over TLS: signing in to SPF belongs to connections."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._providers import RunContext
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import run_task
from tests.support.simulator_server import started
from tests.support.tasks import TASKS

Result = dict[str, Any]


class Site:
    """A simulator that runs, and tasks against its SPF."""

    def __init__(self, ready: Mapping[str, Any]) -> None:
        self.ready = ready
        self.password: str = ready["spf_password"]

    @property
    def user(self) -> str:
        name: str = self.ready["spf_username"]
        return name

    def run(self, module: str, **options: Any) -> Result:
        """The result of one module; the connection's options are filled in, None takes one out."""
        given = {
            "spf_url": self.ready["spf_url"],
            "spf_username": self.user,
            "spf_password": self.password,
            "ca_path": self.ready["ca_file"],
            "wait_timeout": "60s",
            "poll_interval": "200ms",
        }
        context = RunContext({}, lambda: datetime.now(UTC))
        return anyio.run(partial(run_task, TASKS[module], given | options, False, context))

    def journal(self) -> list[dict[str, Any]]:
        """What SPF was asked, in order."""
        answer = httpx.get(f"{self.ready['control_url']}/journal", verify=False)  # loopback: only this test's own
        found: list[dict[str, Any]] = [entry for entry in answer.json() if entry["service"] == "spf"]
        return found


@contextmanager
def site(directory: Path, *more: str, **switches: str) -> Iterator[Site]:
    """A simulator with these switches."""
    options = [part for name, value in switches.items() for part in ("--switch", f"{name}={value}")]
    with started(directory, "--time-scale", "20", *options, *more) as (_process, ready):
        yield Site(ready)
