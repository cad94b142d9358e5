# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole plans: each action with its reason and all that it carries, warnings, drift, and what the plan ends on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable
from pathlib import Path

from ansible_collections.hybridvm.checkpoints.plugins.module_utils._core.plan import Action, Plan
from ansible_collections.hybridvm.checkpoints.tests.unit.plugins.module_utils.golden_files import hold as hold_text

_KNOWN = ("target", "reason", "checkpoint")


def hold(path: Path, plans: Iterable[Callable[[], Plan]]) -> None:
    """Each plan is what the file says."""
    hold_text(path, "\n".join(_shown(make()) for make in plans))


def _shown(plan: Plan) -> str:
    ends_on = plan.satisfied_by.id if plan.satisfied_by else "nothing"
    lines = [line for action in plan.actions for line in _action(action)]
    lines += [f"warning: {text}" for text in plan.warnings]
    lines += [f"drift: {json.dumps(each, sort_keys=True)}" for each in plan.drift]
    return "".join(f"{line}\n" for line in [*lines, f"ends on {ends_on}"])


def _action(action: Action) -> list[str]:
    carries = {field.name: getattr(action, field.name) for field in dataclasses.fields(action)}
    more = [f"  {name}: {value!r}" for name, value in carries.items() if name not in _KNOWN and value]
    return [f"{action.title()}: {action.reason}", f"  {json.dumps(action.details(), sort_keys=True)}", *more]
