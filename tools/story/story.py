# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Ansible callback that tells a play as a story: what is done, and what was proven."""

from __future__ import annotations

import sys
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: story
type: stdout
short_description: tells a play as a story
description: A line per step and host; asserts show what they proved.
"""


# Of a role's tasks the story has these alone; a role has many more.
TOLD = {"Have a checkpoint", "Break the file again, as a bad change does", "See whether it is good", "Restore the VM"}


class CallbackModule(CallbackBase):
    """One numbered line per step, one indented line per host."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "story"

    def __init__(self) -> None:
        super().__init__()
        self._step = 0
        self._colour = sys.stdout.isatty()

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        name = self._name(task)
        if name and (task.action != "ansible.builtin.assert" or name in TOLD):
            self._step += 1
            self._say(f"\n{self._step:2}. {name}", "1")

    def v2_runner_on_ok(self, result: Any) -> None:
        task, host, outcome = result.task, result.host.get_name(), result.result
        if not self._name(task):
            return
        if task.action == "ansible.builtin.assert":
            self._say(f"      {host}: proven: {task.get_name().strip()}", "32")
            self._say(f"        {' '.join(str(outcome.get('msg', '')).split())}", "2")
            return
        if "results" in outcome or task.action.endswith("_info") or outcome.get("content"):
            return
        changed = "would change" if task.check_mode else "changed"
        self._say(
            f"      {host}: {changed if outcome.get('changed') else 'unchanged'}", "33" if outcome["changed"] else ""
        )

    def v2_on_file_diff(self, result: Any) -> None:
        if result.task.diff or result.task.check_mode:
            for diff in [result.result.get("diff")] if isinstance(result.result.get("diff"), dict) else []:
                for line in self._get_diff(diff).strip("\n").splitlines():
                    self._say(f"        {line}")

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._say(f"      {result.host.get_name()}: {result.result['item']}: removed", "33")

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        host, name, msg = result.host.get_name(), self._name(result.task), result.result.get("msg")
        if name in TOLD:
            self._say(f"      {host}: it is not good: {msg}", "33")
        elif name or result.task._role is None:
            self._say(f"      {host}: FAILED: {msg}", "31")

    v2_runner_item_on_failed = v2_runner_on_failed

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self.v2_runner_on_failed(result)

    @staticmethod
    def _name(task: Any) -> str:
        """What the story calls a task; empty for one that it leaves out."""
        name = str(task.get_name()).rpartition(" : ")[2].strip()
        inside = "guarded_change : " in task.get_name() or task.action == "ansible.builtin.include_role"
        return "" if inside and name not in TOLD else name

    def _say(self, text: str, style: str = "") -> None:
        self._display.display(f"\033[{style}m{text}\033[0m" if self._colour and style else text)
