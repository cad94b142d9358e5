# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback `record`: every task's result, as others would get it, as a line of JSON in $RECORD_FILE."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):  # type: ignore[misc]  # core is untyped
    """A line has `task`, `action`, `host` and `result`.

    An attempt that is repeated has `attempt at ` before the first two.
    """

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task that went well."""
        self._keep(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task that failed."""
        self._keep(result)

    def v2_runner_retry(self, result: Any) -> None:
        """One attempt of a task with `until` that was not the last."""
        self._keep(result, "attempt at ")

    def _keep(self, result: Any, kind: str = "") -> None:
        # Until ansible-core 2.18 both have an underscore.
        task, outcome, host = (
            getattr(result, name, None) or getattr(result, f"_{name}") for name in ("task", "result", "host")
        )
        line = {"task": f"{kind}{task.get_name()}", "action": f"{kind}{task.action}", "result": outcome}
        line["host"] = host.get_name()
        with Path(os.environ["RECORD_FILE"]).open("a") as stream:
            stream.write(json.dumps(line, default=str) + "\n")
