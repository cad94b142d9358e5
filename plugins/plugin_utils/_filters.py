# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a pure function a filter: its error is Ansible's, and nothing of its result is taken for a template."""

from __future__ import annotations

import typing as t
from functools import wraps

from ansible.errors import AnsibleFilterError

from ..module_utils._core.errors import CheckpointError

try:
    from ansible.utils.unsafe_proxy import wrap_var
except ImportError:  # since ansible-core 2.19 only what a playbook says itself is a template

    def wrap_var(v: t.Any) -> t.Any:
        """The value as it is."""
        return v


def as_filter(function: t.Callable[..., t.Any]) -> t.Callable[..., t.Any]:
    """The function as a filter: checkpoint names are chosen by others, and may look like templates."""

    @wraps(function)
    def filtered(*given: t.Any, **options: t.Any) -> t.Any:
        try:
            return wrap_var(function(*given, **options))
        except CheckpointError as problem:
            raise AnsibleFilterError(str(problem)) from None

    return filtered
