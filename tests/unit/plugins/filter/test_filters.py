# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each filter is its pure function, with Ansible's error, and is documented under its name."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import checksum

FILTERS = ("approved_tasks", "plan_file", "plan_table", "plan_tasks")
PACKAGE = "ansible_collections.hybridvm.checkpoints.plugins.filter"
PLAN = {"version": 1, "digest": "sha256:0", "checksum": checksum([]), "actions": []}
TASKS = [{"module": "vm_checkpoint", "options": {"vm": "web01", "name": "n"}}]


def the_filter(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.{name}").FilterModule().filters()[name]


def test_these_are_all() -> None:
    directory = Path(str(importlib.import_module(f"{PACKAGE}.plan_table").__file__)).parent
    assert sorted(path.stem for path in directory.glob("*.py") if path.stem != "__init__") == sorted(FILTERS)


@pytest.mark.parametrize("name", FILTERS)
def test_its_documentation_bears_its_name_and_can_be_read(name: str) -> None:
    module = importlib.import_module(f"{PACKAGE}.{name}")
    documented = yaml.safe_load(module.DOCUMENTATION)
    assert documented["name"] == name
    assert yaml.safe_load(module.EXAMPLES)
    assert yaml.safe_load(module.RETURN)["_value"]


@pytest.mark.parametrize("name", FILTERS)
def test_a_wrong_input_is_ansibles_error(name: str) -> None:
    given: tuple[Any, ...] = {"plan_file": ([], [], "now"), "approved_tasks": ("{",)}.get(name, (7,))
    with pytest.raises(AnsibleFilterError):
        the_filter(name)(*given)


def test_they_fit_together() -> None:
    checked = the_filter("plan_tasks")(TASKS)
    text = the_filter("plan_file")(checked, [{"plan": PLAN}], "2026-11-20T11:30:00Z")
    assert the_filter("approved_tasks")(text) == [{**checked[0], "plan": PLAN}]
    assert the_filter("plan_table")(text) == the_filter("plan_table")(PLAN)
