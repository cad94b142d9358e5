# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action `simulator`: starts the simulator, speaks to its control API, stops it; all in the controller, so fast."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

HANG = 900.0  # seconds in which it serves, answers, or is gone, however busy the machine is


class ActionModule(ActionBase):  # type: ignore[misc]  # core is untyped
    """`start: true`, `stop: true`, or `requests`: a list of [METHOD, path below /_control, body]."""

    TRANSFERS_FILES = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Do what is asked; `answers` has one element per request, `ready` is the ready file's content."""
        super().run(tmp, task_vars)
        given: dict[str, Any] = self._task.args
        if given.get("start"):
            return {"changed": True, "ready": _start(float(given.get("scale", 20)))}
        ready = (task_vars or {})["simulator"]
        if given.get("stop"):
            _stop(int(ready["pid"]))
            shutil.rmtree(Path(ready["ca_file"]).parent)
            return {"changed": True}
        trust = ssl.create_default_context(cafile=ready["ca_file"])
        answers = [_ask(ready["control_url"], trust, *each) for each in given["requests"]]
        return {"changed": any(each[0] != "GET" for each in given["requests"]), "answers": answers}


def _start(scale: float) -> dict[str, Any]:
    """A simulator from the collection under test, which ends with the playbook whatever becomes of that."""
    collection = importlib.import_module("ansible_collections.hybridvm.checkpoints")
    root = Path(next(iter(collection.__path__)))
    directory = Path(tempfile.mkdtemp(prefix="hybridvm-integration-"))
    ready_file, log = directory / "ready.json", directory / "log"
    playbook = os.getppid()  # an action runs in a worker, a child of ansible-playbook
    command = [sys.executable, "-m", "simulator", "--port", "0", "--tls-dir", str(directory)]
    command += ["--ready-file", str(ready_file), "--time-scale", str(scale), "--with-parent", str(playbook)]
    command += ["--switch", "compute_point_takes=5s"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=root, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    end = time.monotonic() + HANG
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > end:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            raise AnsibleActionFail(f"the simulator does not start: {log.read_text()}")
        time.sleep(0.02)
    content: dict[str, Any] = json.loads(ready_file.read_text())
    return content


def _stop(pid: int) -> None:
    """End it by its own pid, and see that it is gone."""
    end = time.monotonic() + HANG
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        while time.monotonic() < end:
            os.kill(pid, 0)
            time.sleep(0.02)
        raise AnsibleActionFail(f"the simulator (pid {pid}) does not stop")


def _ask(url: str, trust: ssl.SSLContext, method: str, path: str, body: Any = None) -> Any:
    """One request to the control API; its JSON, its text, or nothing."""
    content = body.encode() if isinstance(body, str) else None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=content, method=method)
    try:
        with urllib.request.urlopen(request, context=trust, timeout=HANG) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        raise AnsibleActionFail(f"{method} {path}: {error.code} {error.read().decode()}") from None
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
