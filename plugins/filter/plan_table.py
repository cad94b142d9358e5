# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

from ..module_utils._core.plan_table import plan_table
from ..plugin_utils._filters import as_filter

DOCUMENTATION = r"""
name: plan_table
author: hybridvm.checkpoints contributors (@hybridvm)
version_added: 0.1.0
short_description: Render a plan as a Markdown table
description:
  - Renders the plan that a module of this collection has returned as Markdown, for a pull request or an approver.
  - The first column is C(+) for what is created, C(~) for what is changed, C(-) for what is removed, and C(=) for what
    is kept.
  - Names are shown so that nothing in them acts as Markdown or HTML. A plan that was edited is refused.
options:
  _input:
    description:
      - A plan, a whole registered result (of a loop, too), the text or content of a plan file, or a list of these.
    type: raw
    required: true
seealso:
  - module: hybridvm.checkpoints.vm_checkpoint
"""

EXAMPLES = r"""
- name: Plan
  hybridvm.checkpoints.vm_checkpoint:
    vms: [web01, db01]
    name: before-patching
  check_mode: true
  register: planned
  delegate_to: localhost

- name: Write the plan for the pull request
  ansible.builtin.copy:
    content: "{{ planned | hybridvm.checkpoints.plan_table }}"
    dest: plan.md
    mode: "0600"
  delegate_to: localhost
"""

RETURN = r"""
_value:
  description: The Markdown, with the number of actions and the digest of each plan.
  type: str
"""


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """It, by its name."""
        return {"plan_table": as_filter(plan_table)}
