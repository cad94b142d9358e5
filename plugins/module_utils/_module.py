# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only file that knows Ansible: options in, result out, check mode and failure handed over."""

from __future__ import annotations

import os
import typing as t
from datetime import UTC, datetime

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values

from ._core.errors import InvalidInput, MissingLibrary
from ._deps import IMPORT_ERROR, anyio
from ._providers import RunContext
from ._tasks.result import failure
from ._tasks.run import TaskFunction, run_task


class _Module(AnsibleModule):  # type: ignore[misc] # Ansible has no types
    """An AnsibleModule whose own failures have our shape.

    It fails before our code runs where an option has a wrong type or a declared rule is broken. A pipeline that
    branches on `error.code` finds `invalid_input` there as well.
    """

    def fail_json(self, msg: str, **result: t.Any) -> None:
        """End the module with this failure."""
        if "error" not in result:
            # Masked first: the error's message may be cut, and a part of a secret is one too.
            refused = InvalidInput(remove_values(msg, self.no_log_values))
            result = {**failure(refused), **result}
        super().fail_json(**{**result, "msg": msg})


def run_module(task: TaskFunction, argument_spec: dict[str, t.Any], **rules: t.Any) -> None:
    """Run one module: `task` gets its options and whether only to check; its result ends the module.

    `rules` are Ansible's: mutually_exclusive, required_one_of, required_if, required_by.
    """
    module = _Module(argument_spec=argument_spec, supports_check_mode=True, **rules)
    if IMPORT_ERROR is not None:
        missing = MissingLibrary(
            "httpx, pydantic or anyio is not installed for the Python that runs this module.",
            remedy="Install the collection's requirements.txt there, or delegate_to: localhost where it is.",
        )
        module.fail_json(exception=IMPORT_ERROR, **failure(missing))
    context = RunContext(os.environ, lambda: datetime.now(UTC))
    result: dict[str, t.Any] = anyio.run(run_task, task, module.params, bool(module.check_mode), context)
    for text in result.pop("warnings", []):
        module.warn(text)
    if "error" in result:
        module.fail_json(**result)
    module.exit_json(**result)
