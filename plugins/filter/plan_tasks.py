# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ..module_utils._tasks.plan_file import planned_tasks
from ..plugin_utils._filters import as_filter

DOCUMENTATION = r"""
name: plan_tasks
author: hybridvm.checkpoints contributors (@hybridvm)
version_added: 0.1.0
short_description: Check the tasks that are to be planned
description:
  - Checks the list that the playbook C(hybridvm.checkpoints.plan) takes, and gives it back with full module names.
  - Fails for a module that may not be in a plan file, for a secret among the options, and for a restore without
    C(restore_key).
options:
  _input:
    description: A list of dictionaries with C(module) and C(options).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Show what would be planned
  ansible.builtin.debug:
    msg: "{{ asked | hybridvm.checkpoints.plan_tasks }}"
  vars:
    asked:
      - module: vm_checkpoint
        options: {vm: web01, name: before-patching}
"""

RETURN = r"""
_value:
  description: The tasks, each with C(module) (its full name) and C(options).
  type: list
  elements: dict
"""


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """It, by its name."""
        return {"plan_tasks": as_filter(planned_tasks)}
