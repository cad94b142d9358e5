# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The set of checkpoints before and after, as `--diff` shows it."""

from __future__ import annotations

import json
import typing as t
from dataclasses import replace

from .._core.formatting import printable
from .._core.model import Checkpoint, ObservedVm
from .._core.plan import Action, Plan, Step
from .._core.redaction import redact
from .._core.times import show_time
from .actions import Create, Delete, Power, Restore, SetLock, SetPin, Update

_NAME = 60
_TEXT = 120
"""Characters of a description that does not change: enough to know it by."""


def planned(actual: ObservedVm, plan: Plan) -> dict[str, str]:
    """Ansible's diff of one VM in check mode: a line per checkpoint, steps that leave the set alone below it."""
    gone = {a.checkpoint.id for a in plan.actions if isinstance(a, Delete)}
    new = [a for a in plan.writes if isinstance(a, Create)]
    width = _width([c.name for c in actual.checkpoints] + [a.name for a in new])
    before, after = [], []
    for checkpoint in actual.checkpoints:
        changed = as_planned(checkpoint, plan.actions)
        was, will = _descriptions(checkpoint.description, changed.description)
        before.append(_line(actual, checkpoint, was, width))
        if checkpoint.id not in gone:
            after.append(_line(actual, changed, will, width))
    after += [_new(action, plan.actions, width) for action in new]
    return _shown(actual, before, [*after, *_steps(plan.writes)])


def as_planned(checkpoint: Checkpoint, actions: t.Iterable[Action]) -> Checkpoint:
    """A checkpoint that exists as it is when the actions are done."""
    for action in actions:
        if isinstance(action, Update) and action.checkpoint.id == checkpoint.id:
            if action.description is not None:
                checkpoint = replace(checkpoint, description=action.description)
            if action.pin is not None and checkpoint.mark is not None:
                checkpoint = replace(checkpoint, mark=checkpoint.mark.with_pin(action.pin.after))
        if isinstance(action, SetPin) and action.checkpoint.id == checkpoint.id:
            checkpoint = replace(checkpoint, kept=action.pin.after)
        if isinstance(action, SetLock) and action.checkpoint.id == checkpoint.id:
            checkpoint = replace(checkpoint, locked=action.on)
    return checkpoint


def carried_out(before: ObservedVm, now: ObservedVm, done: t.Sequence[Action]) -> dict[str, str]:
    """The same after a run: the set as it was and as it was last read, and the steps that were taken.

    A new checkpoint that no list shows yet (`wait: false`) stands there as it was planned.
    """
    # One that went and was made anew under its name may bear the same id.
    gone = {a.checkpoint.id.lower() for a in done if isinstance(a, Delete)}
    known = {c.id.lower() for c in before.checkpoints if c.identified} - gone
    others = [c for c in now.checkpoints if c.id.lower() not in known]
    new = [a for a in done if isinstance(a, Create) and not any(_made_by(a, c.name) for c in others)]
    width = _width([c.name for c in (*before.checkpoints, *now.checkpoints)] + [a.name for a in new])
    lines, after = [], []
    for checkpoint in before.checkpoints:
        found = None if checkpoint.id.lower() in gone else now.by_id(checkpoint.id)
        was, will = _descriptions(checkpoint.description, found.description if found else checkpoint.description)
        lines.append(_line(before, checkpoint, was, width))
        if found:
            after.append(_line(now, found, will, width))
    after += [_line(now, c, printable(c.description, _TEXT), width) for c in others]
    after += [_new(action, done, width) for action in new]
    return _shown(before, lines, [*after, *_steps(done)])


def _made_by(action: Create, name: str) -> bool:
    return name.startswith(action.name) if action.generate else name == action.name


def _shown(actual: ObservedVm, before: list[str], after: list[str]) -> dict[str, str]:
    header = f"checkpoints of {_name(actual.vm.name)} ({actual.vm.provider})"
    return {"before_header": header, "after_header": header, "before": _text(before), "after": _text(after)}


def _width(names: t.Iterable[str]) -> int:
    return min(_NAME, max((len(_name(name)) for name in names), default=_NAME))


def _descriptions(was: str, will: str) -> tuple[str, str]:
    """Both as they are shown: short where they are the same, and so that a difference is seen where there is one."""
    was, will = redact(was), redact(will)
    if was == will:
        return printable(was, _TEXT), printable(will, _TEXT)
    before, after = printable(was, _TEXT), printable(will, _TEXT)
    if before == after:
        # They differ in what one line does not show (blanks, line ends), or far behind.
        apart = next((i for i, (a, b) in enumerate(zip(was, will, strict=False)) if a != b), min(len(was), len(will)))
        before, after = _around(was, apart), _around(will, apart)
    return before, after


def _around(text: str, position: int) -> str:
    """What stands there, every character of it visible."""
    start = max(0, position - 40)
    return ("…" if start else "") + json.dumps(text[start : start + _TEXT])


def _line(actual: ObservedVm, checkpoint: Checkpoint, description: str, width: int) -> str:
    tail = f"  {description}" if description.strip() else ""
    pin = checkpoint.pin if actual.is_pinned(checkpoint) else None
    shown = "" if pin is None else f"  [{pin.shown()}{', locked' if checkpoint.locked else ''}]"
    return f"  {_name(checkpoint.name):{width}}  {show_time(checkpoint.created)}{shown}{tail}"


def _new(action: Create, actions: t.Iterable[Action], width: int) -> str:
    """A new one; of what is pinned once it is there, the end as it was asked for."""
    later = [each.pin.request for each in actions if isinstance(each, SetPin) and not each.checkpoint.id]
    pin = next(iter(later), action.pin)
    until = None if pin is None else pin.to_result().get("pin_until")
    shown = "" if pin is None else f"[pinned{f' until {until}' if until else ''}]   "
    return f"  {_name(action.name):{width}}  (new)   {shown}{action.reason}"


def _name(name: str) -> str:
    """What others have named may hold anything; a terminal must not obey it."""
    return printable(name, 255)


def _steps(actions: t.Iterable[Action]) -> list[str]:
    return [step for action in actions if (step := _step(action))]


def _step(action: Action) -> str:
    if isinstance(action, Restore):
        target = action.checkpoint
        which = f"{show_time(target.created)}, {printable(target.id, 400)}"
        return f"restore to {_name(target.name)} ({which}): {action.reason}"
    if isinstance(action, Power):
        return f"power {'on' if action.on else 'off'}: {action.reason}"
    if isinstance(action, Step):
        return f"{action.summary}: {action.reason}"
    return ""


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
