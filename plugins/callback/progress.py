# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: progress
type: aggregate
short_description: Shows what the tasks of hybridvm.checkpoints wait for
version_added: 0.1.0
author:
  - hybridvm.checkpoints contributors (@hybridvm)
description:
  - While a task of this collection waits, shows the VM, the step, the percentage if the service tells one, the time
    since the step began, and the service's id of the operation.
  - On a terminal, each VM has a row below all other output. The row is rewritten in place, and goes when its VM is
    done.
  - Elsewhere, as in the log of a pipeline, each step adds a line when it begins, with every ten percent, and every 30
    seconds. These are the lines that C(-v) adds without this plugin.
  - A task with C(no_log) shows nothing. Neither does a task that runs as a module, such as with C(become) or C(async).
requirements:
  - enabled by name in C(callbacks_enabled) or E(ANSIBLE_CALLBACKS_ENABLED)
options:
  show:
    description: With V(auto), rows on a terminal and lines elsewhere. With V(lines), lines everywhere.
    type: str
    choices: [auto, lines]
    default: auto
    env:
      - name: HYBRIDVM_CHECKPOINTS_PROGRESS_SHOW
    ini:
      - section: hybridvm_checkpoints_progress
        key: show
  rows:
    description: How many rows there are at most on a terminal. One more says how many VMs have none.
    type: int
    default: 8
    env:
      - name: HYBRIDVM_CHECKPOINTS_PROGRESS_ROWS
    ini:
      - section: hybridvm_checkpoints_progress
        key: rows
"""

EXAMPLES = r"""
ansible.cfg: |
  [defaults]
  callbacks_enabled = hybridvm.checkpoints.progress

  [hybridvm_checkpoints_progress]
  rows = 20
"""

import atexit
import os
import sys
import threading
import typing as t

from ansible.plugins.callback import CallbackBase

from ..plugin_utils._live import Channel, Live, Over, Screen, audience


class CallbackModule(CallbackBase):  # type: ignore[misc] # Ansible has no types
    """Opens the way from the workers before they are forked, and closes it after them."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "hybridvm.checkpoints.progress"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: t.Any, **more: t.Any) -> None:
        super().__init__(*args, **more)
        self._live: t.Optional[Live] = None
        self._streams = (sys.stdout, sys.stderr)

    def v2_playbook_on_start(self, playbook: t.Any) -> None:
        """Rows where they can be drawn, lines elsewhere."""
        if self._live is not None:
            return
        audience.lines = True
        if self.get_option("show") == "auto" and is_terminal(sys.stdout):
            try:
                self._open()
            except (OSError, RuntimeError) as problem:  # no pipe, no thread
                self._to_lines(str(problem))

    def _open(self) -> None:
        out, err = self._streams = (sys.stdout, sys.stderr)
        # Ansible's own, which it also holds while it forks: so no worker begins with it taken.
        screen = Screen(out, getattr(self._display, "_lock", None) or threading.RLock())
        channel = Channel()
        audience.channel = channel
        sys.stdout = t.cast("t.TextIO", Over(out, screen))
        if is_terminal(err):
            sys.stderr = t.cast("t.TextIO", Over(err, screen))
        self._live = Live(channel, screen, max(1, self.get_option("rows")), self._to_lines)
        atexit.register(self._close)  # after Ctrl-C there are no statistics

    def _to_lines(self, why: str) -> None:
        """Rows cannot be drawn, or no longer; the thread that draws them may be the one that says so."""
        audience.channel = None
        sys.stdout, sys.stderr = self._streams
        self._display.warning(f"{self.CALLBACK_NAME} shows lines instead of rows: {why}")

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        """The end of a playbook."""
        self._close()

    def _close(self) -> None:
        audience.channel, audience.lines = None, False
        live, self._live = self._live, None
        if live is not None:
            atexit.unregister(self._close)
            live.close()
            sys.stdout, sys.stderr = self._streams


def is_terminal(stream: t.Any) -> bool:
    """Whether rows can be rewritten there."""
    return bool(stream.isatty()) and os.environ.get("TERM", "dumb") != "dumb"
