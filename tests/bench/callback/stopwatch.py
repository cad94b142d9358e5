# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The callback `stopwatch`: how long each task took, as a line of JSON in $STOPWATCH_FILE."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):  # type: ignore[misc]  # core is untyped
    """A line has `task` and `seconds`, from its start on the host to its result."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "stopwatch"
    CALLBACK_NEEDS_ENABLED = True

    def v2_runner_on_start(self, host: Any, task: Any) -> None:
        """A task begins."""
        self._begun = time.perf_counter()

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task went well; one that fails has no time, and ends the play."""
        seconds = time.perf_counter() - self._begun
        task = getattr(result, "task", None) or result._task  # until ansible-core 2.18 with an underscore
        with Path(os.environ["STOPWATCH_FILE"]).open("a") as stream:
            stream.write(json.dumps({"task": task.get_name(), "seconds": seconds}) + "\n")
