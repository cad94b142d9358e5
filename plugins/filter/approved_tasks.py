# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ..module_utils._tasks.plan_file import approved_tasks
from ..plugin_utils._filters import as_filter

DOCUMENTATION = r"""
name: approved_tasks
author: hybridvm.checkpoints contributors (@hybridvm)
version_added: 0.1.0
short_description: Read a plan file
description:
  - Reads the text of a plan file that the playbook C(hybridvm.checkpoints.plan) has written.
  - Fails for a file that was edited, and for one with another checksum than the one that was approved.
positional: expected
options:
  _input:
    description: The text of the file.
    type: str
    required: true
  expected:
    description:
      - The checksum that was approved. An empty one and null are errors. Any file is taken when it is not given.
    type: str
"""

EXAMPLES = r"""
- name: Show what a plan file would do
  ansible.builtin.debug:
    msg: "{{ lookup('ansible.builtin.file', 'plan.json') | hybridvm.checkpoints.approved_tasks }}"
"""

RETURN = r"""
_value:
  description: The tasks, each with C(module), C(options) and C(plan).
  type: list
  elements: dict
"""


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """It, by its name."""
        return {"approved_tasks": as_filter(approved_tasks)}
