# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file between the playbooks plan.yml and apply.yml: tasks, their plans, a checksum, and no secret."""

from __future__ import annotations

import json
import re
import typing as t

from .._core.errors import InvalidInput
from .._core.plan import checksum
from .._core.plan_document import from_json, plain, plan_of
from .argument_specs import CONNECTION

COLLECTION = "hybridvm.checkpoints."
MODULES = (
    "leftover_disk",
    "restore_point",
    "restore_point_collection",
    "vm_checkpoint",
    "vm_checkpoint_policy",
    "vm_checkpoint_restore",
)
"""What a plan file may run, and nothing else."""
SECRETS = frozenset(name for name, option in CONNECTION.items() if option.get("no_log") is True)
RESERVED = {"expected_plan", "require_approval"}
FORMAT = "hybridvm.checkpoints plan file"
VERSION = 1
NOT_GIVEN = object()
_TEMPLATE = re.compile(r"(?<=\{)[{%#]")

Task = dict[str, t.Any]


def planned_tasks(value: object, where: str = "plan_tasks") -> list[Task]:
    """The tasks to plan, each as `module` (its full name) and `options`; InvalidInput names the one that is wrong."""
    if not isinstance(value, (list, tuple)) or not value:
        raise InvalidInput(f"{where}: is no list of tasks.", remedy="Give a list of {module: …, options: {…}}.")
    return [_task(plain(each), f"{where}[{position}]") for position, each in enumerate(value)]


def _task(task: object, where: str) -> Task:
    if not isinstance(task, dict) or set(task) != {"module", "options"} or not isinstance(task["options"], dict):
        raise InvalidInput(f"{where}: takes module and options, and nothing else.")
    name, options = str(task["module"]).removeprefix(COLLECTION), task["options"]
    if name not in MODULES:
        raise InvalidInput(f"{where}: module takes one of {', '.join(MODULES)}.")
    for option in sorted(options):
        if option in SECRETS:
            raise InvalidInput(
                f"{where}: {option} is a secret, and no secret goes into a plan file.",
                remedy="Give it in plan_connection, or as an environment variable of ansible-playbook.",
            )
        if option in RESERVED:
            raise InvalidInput(f"{where}: {option} is set by the playbooks.", remedy="Leave it out.")
    if name == "vm_checkpoint_restore" and not options.get("restore_key"):
        raise InvalidInput(
            f"{where}: a restore needs restore_key here, so that applying a plan twice restores once.",
            remedy="Give restore_key, such as the change's number; on SPF and Arc also safety_checkpoint: true.",
        )
    return {"module": COLLECTION + name, "options": options}


def to_text(tasks: object, results: object, created: str) -> str:
    """The file's text: each task with the plan of its run in check mode. Made of planned_tasks() and their results."""
    checked = planned_tasks(tasks)
    plans = [each.get("plan") for each in results] if isinstance(results, (list, tuple)) else []
    if len(plans) != len(checked) or not all(isinstance(plan, t.Mapping) for plan in plans):
        raise InvalidInput("plan_file: each task needs the result of its run in check mode.")
    planned = [{**task, "plan": plain(plan)} for task, plan in zip(checked, plans, strict=True)]
    content = {"format": FORMAT, "version": VERSION, "created": created, "tasks": planned}
    text = json.dumps({**content, "checksum": checksum(content)}, indent=2)
    # A name may look like a template, and files are read by templates.
    return _TEMPLATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def approved_tasks(text: str, expected: object = NOT_GIVEN, where: str = "plan_file") -> list[Task]:
    """The tasks of such a text, each with `plan`. If `expected` is given, only the file with that checksum passes: an
    empty one is a variable that was never set, and must not open the gate.
    """
    if expected is not NOT_GIVEN and not expected:
        raise InvalidInput(
            "plan_checksum: is empty, and no file has such a checksum.",
            remedy="Give the checksum that was approved, or leave plan_checksum out to take any file.",
        )
    content = _read(text, where)
    found = content.pop("checksum", None)
    if found != checksum(content):
        raise InvalidInput(f"{where}: was altered since it was written.", remedy="Plan again.")
    if expected not in (NOT_GIVEN, found):
        raise InvalidInput(
            f"{where}: is another file than the one that was approved: its checksum is {found}.",
            remedy="Give the file whose checksum was approved, or have this one approved.",
        )
    tasks = content.get("tasks")
    if not isinstance(tasks, list) or not all(isinstance(each, dict) for each in tasks):
        raise InvalidInput(f"{where}: holds no tasks.")
    plans = [each.pop("plan", None) for each in tasks]
    checked = planned_tasks(tasks, f"{where}: tasks")
    return [
        {**task, "plan": plan_of(plan, f"{where}: tasks[{position}].plan")}
        for position, (task, plan) in enumerate(zip(checked, plans, strict=True))
    ]


def _read(text: str, where: str) -> dict[str, t.Any]:
    content = from_json(text, where)
    if not isinstance(content, dict) or (content.get("format"), content.get("version")) != (FORMAT, VERSION):
        raise InvalidInput(
            f"{where}: is no plan file of version {VERSION}.", remedy="Write one with the playbook plan."
        )
    return content
