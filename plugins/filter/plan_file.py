# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ..module_utils._tasks.plan_file import to_text
from ..plugin_utils._filters import as_filter

DOCUMENTATION = r"""
name: plan_file
author: hybridvm.checkpoints contributors (@hybridvm)
version_added: 0.1.0
short_description: Make the text of a plan file
description:
  - Makes what the playbook C(hybridvm.checkpoints.plan) writes, and C(hybridvm.checkpoints.apply) carries out. That is
    JSON with a checksum and without secrets.
positional: results, created
options:
  _input:
    description: The tasks, as P(hybridvm.checkpoints.plan_tasks#filter) returns them.
    type: list
    elements: dict
    required: true
  results:
    description: The result of each task in check mode.
    type: list
    elements: dict
    required: true
  created:
    description: The time at which the plans were made.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Write a plan file
  ansible.builtin.copy:
    content: "{{ tasks | hybridvm.checkpoints.plan_file(results, '2026-11-20T11:30:00Z') }}"
    dest: plan.json
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The text of the file.
  type: str
"""


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """It, by its name."""
        return {"plan_file": as_filter(to_text)}
