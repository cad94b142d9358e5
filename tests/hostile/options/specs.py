# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every option of every module, as the modules declare them, and how Ansible reads values for them."""

from __future__ import annotations

import importlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.argument_specs import CONNECTION
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._tasks.run import TaskFunction

MODULES = Path(__file__).resolve().parents[3] / "plugins" / "modules"
PACKAGE = "ansible_collections.hybridvm.checkpoints.plugins.modules"


@dataclass(frozen=True)
class Module:
    """A module as it hands itself to Ansible."""

    name: str
    run: TaskFunction
    spec: dict[str, Any]
    rules: dict[str, Any]

    @property
    def own(self) -> list[str]:
        """Its options but for those of the connection, which all modules share."""
        return [option for option in self.spec if option not in CONNECTION]

    def read(self, params: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """The parameters as a module gets them: through JSON, coerced, defaulted; and what Ansible refuses."""
        given = json.loads(json.dumps(params))
        try:
            result = ArgumentSpecValidator(self.spec, **self.rules).validate(given)
        except (OverflowError, TypeError) as error:
            # Ansible's own: of an infinite number where an int belongs, and of a boolean where suboptions do.
            return given, [f"{', '.join(given)}: {error}"]
        return dict(result.validated_parameters), [str(message) for message in result.error_messages]


@cache
def modules() -> dict[str, Module]:
    """All modules there are."""
    return {path.stem: _load(path.stem) for path in sorted(MODULES.glob("[!_]*.py"))}


def _load(name: str) -> Module:
    module = importlib.import_module(f"{PACKAGE}.{name}")
    with mock.patch.object(module, "run_module") as run_module:
        module.main()
    run, declared = run_module.call_args.args[0]()
    rules = dict(declared)
    return Module(name, run, rules.pop("argument_spec"), rules)
