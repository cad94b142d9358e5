# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each filter is its pure function, with Ansible's error, and is documented under its name.

They run in a process of their own: where Ansible's controller is imported, a module's warnings go another way.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.hybridvm.checkpoints.plugins.module_utils import _deps
from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import checksum, digest_of

FILTERS = ("approved_tasks", "plan_file", "plan_table", "plan_tasks")
DIRECTORY = Path(str(_deps.__file__)).parents[1] / "filter"
PLAN = {"version": 1, "digest": digest_of([], None), "checksum": checksum([]), "actions": []}
TASKS = [{"module": "vm_checkpoint", "options": {"vm": "web01", "name": "n"}}]
SCRIPT = """
import importlib, json, sys
from ansible.errors import AnsibleFilterError
value, calls = json.load(sys.stdin)
for name, more in calls:
    module = importlib.import_module("ansible_collections.hybridvm.checkpoints.plugins.filter." + name)
    try:
        value = module.FilterModule().filters()[name](value, *more)
    except AnsibleFilterError as error:
        value = {"error": str(error)}
docs = {part: getattr(module, part) for part in ("DOCUMENTATION", "EXAMPLES", "RETURN")}
json.dump({"value": value, "docs": docs}, sys.stdout)
"""


def filtered(value: object, *calls: tuple[str, list[Any]]) -> Any:
    """The value after these filters, each with its further arguments, and the documentation of the last."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=json.dumps([value, calls]),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_these_are_all() -> None:
    assert sorted(path.stem for path in DIRECTORY.glob("*.py") if path.stem != "__init__") == sorted(FILTERS)


@pytest.mark.parametrize("name", FILTERS)
def test_it_is_documented_under_its_name_and_a_wrong_input_is_ansibles_error(name: str) -> None:
    wrong = "{" if name == "approved_tasks" else 7
    found = filtered(wrong, (name, [[], "now"] if name == "plan_file" else []))
    assert "plan" in found["value"]["error"]
    assert yaml.safe_load(found["docs"]["DOCUMENTATION"])["name"] == name
    assert yaml.safe_load(found["docs"]["EXAMPLES"])
    assert yaml.safe_load(found["docs"]["RETURN"])["_value"]


def test_they_fit_together() -> None:
    written: list[tuple[str, list[Any]]] = [
        ("plan_tasks", []),
        ("plan_file", [[{"plan": PLAN}], "2026-11-20T11:30:00Z"]),
    ]
    read = filtered(TASKS, *written, ("approved_tasks", []))["value"]
    assert read == [{"module": "hybridvm.checkpoints.vm_checkpoint", "options": TASKS[0]["options"], "plan": PLAN}]
    assert filtered(TASKS, *written, ("plan_table", []))["value"] == filtered(PLAN, ("plan_table", []))["value"]
