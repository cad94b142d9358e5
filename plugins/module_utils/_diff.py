# Copyright: hybridvm.checkpoints contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The set of checkpoints before and after, as `--diff` shows it."""

from __future__ import annotations

import typing as t

from ._errors import flat
from ._model import Checkpoint, Inventory
from ._plan import Action, Create, Delete, Plan, Power, Restore, Step, Update
from ._times import show_time


def diff(actual: Inventory, plan: Plan) -> dict[str, str]:
    """Ansible's diff of one VM: a line per checkpoint with its time, steps that leave the set alone below it."""
    width = max((len(_name(name)) for name in _names(actual, plan)), default=0)
    gone = {a.checkpoint.id for a in plan.actions if isinstance(a, Delete)}
    told = {a.checkpoint.id: a.description for a in plan.actions if isinstance(a, Update)}
    before = [_line(c, c.description, width) for c in actual.checkpoints]
    after = [_line(c, told.get(c.id, c.description), width) for c in actual.checkpoints if c.id not in gone]
    for action in plan.writes:
        if isinstance(action, Create):
            after.append(f"  {_name(action.name):{width}}  (new)   {action.reason}")
    steps = [step for action in plan.writes if (step := _step(action))]
    header = f"checkpoints of {_name(actual.vm.name)} ({actual.vm.provider})"
    return {
        "before_header": header,
        "after_header": header,
        "before": _text(before),
        "after": _text([*after, *steps]),
    }


def _names(actual: Inventory, plan: Plan) -> t.Iterator[str]:
    yield from (c.name for c in actual.checkpoints)
    yield from (a.name for a in plan.actions if isinstance(a, Create))


def _line(checkpoint: Checkpoint, description: str, width: int) -> str:
    told = f"  {flat(description, 1500)}" if description.strip() else ""
    return f"  {_name(checkpoint.name):{width}}  {show_time(checkpoint.created)}{told}"


def _name(name: str) -> str:
    """What others have named may hold anything; a terminal must not obey it."""
    return flat(name, 255)


def _step(action: Action) -> str:
    if isinstance(action, Restore):
        target = action.checkpoint
        return f"restore to {_name(target.name)} ({show_time(target.created)}, {target.id}): {action.reason}"
    if isinstance(action, Power):
        return f"power {'on' if action.on else 'off'}: {action.reason}"
    if isinstance(action, Step):
        return f"{action.do}: {action.reason}"
    return ""


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
