# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=redundant-keyword-arg # it does not see the fields of a dataclass's base in another room
"""The plan for state: absent: what goes by name, by id, or by `select`. Pure."""

from __future__ import annotations

import re

from .._core.capabilities import Capabilities
from .._core.errors import InvalidInput, VmState
from .._core.formatting import format_value
from .._core.model import Checkpoint, ObservedVm
from .._core.plan import Plan
from .._core.selector import Select
from .._core.spec import Absent
from .actions import NoOp
from .pinning import KEPT, refuse_pinned, removals
from .selection import choose, matches, missing, select


def plan_absent(spec: Absent, actual: ObservedVm, capabilities: Capabilities) -> Plan:
    """Every match that is meant goes, oldest first; by name, whoever made it. What is pinned goes by its id only.

    What has no id's form is refused: that nothing has such an id would be true, and not what was meant.
    """
    found = matches(actual, spec.name, spec.checkpoint_id)
    if spec.checkpoint_id is not None and spec.name is not None and not found and actual.by_id(spec.checkpoint_id):
        raise missing(actual, spec.name, spec.checkpoint_id)
    if spec.checkpoint_id and not found and not re.fullmatch(capabilities.id_pattern, spec.checkpoint_id, re.I):
        raise InvalidInput(
            f"checkpoint_id: {format_value(spec.checkpoint_id)} is no id of a checkpoint on {capabilities.title}.",
            remedy=f"It is {capabilities.id_rule}; vm_checkpoint_info shows it as id.",
        )
    if spec.select is not None:
        return _plan_select(spec, spec.select, actual, found)
    gone = choose(actual, found, spec.on_ambiguous, f'are named "{spec.name or spec.checkpoint_id}"')
    _refuse_without_id(gone)
    if not spec.ignore_pin:
        refuse_pinned(actual, gone)
    reason = "state is absent" + (" and ignore_pin is set" if any(actual.is_pinned(c) for c in gone) else "")
    return Plan(actual.vm, tuple(removals(actual, reason, gone, lift=spec.ignore_pin)), _renamed(spec, actual))


def _renamed(spec: Absent, actual: ObservedVm) -> tuple[str, ...]:
    """What was made under the name, and bears one that cannot have come of it, stays: a mark alone gives no name."""
    if spec.name is None or spec.checkpoint_id is not None:
        return ()
    made = [c for c in actual.checkpoints if c.bears_mark_of(spec.name) and not c.matches_name(spec.name)]
    return tuple(
        f'checkpoint "{c.name}" ({c.id}) was made as "{spec.name}", as its mark says, and has another name now: it '
        "stays. Remove it by checkpoint_id if it is meant."
        for c in made
    )


def _refuse_without_id(gone: list[Checkpoint]) -> None:
    """VmState where one of them is shown without an id: it can be neither removed nor called absent."""
    without = [c for c in gone if not c.identified]
    if without:
        raise VmState(
            f'checkpoint "{without[0].name}" is shown without an id, so that nothing can remove it yet.',
            remedy="Run the task again once vm_checkpoint_info shows its id.",
            changed_nothing=True,
        )


def _plan_select(spec: Absent, selector: Select, actual: ObservedVm, found: list[Checkpoint]) -> Plan:
    """All that `select` takes go, but not what is pinned; of what it would take if it knew its age, a warning tells."""
    chosen, unknown = select(actual, found, selector)
    kept = [NoOp(actual.vm, KEPT, checkpoint=c) for c in chosen if actual.is_pinned(c)]
    gone = [c for c in chosen if c.identified and not actual.is_pinned(c)]
    among = f' among those named "{spec.name}"' if spec.name else ""
    warnings = [
        f'checkpoint "{c.name}" is shown without an id, so that nothing can remove it yet; it stays.'
        for c in chosen
        if not c.identified
    ]
    if unknown:
        of, stay = ("1 checkpoint is", "stays") if len(unknown) == 1 else (f"{len(unknown)} checkpoints are", "stay")
        warnings.append(f"{of} of unknown age, and {stay} where select goes by age ({selector}).")
    deletes = removals(actual, f"state is absent, select: {selector}{among}", gone)
    return Plan(actual.vm, (*kept, *deletes), tuple(warnings))
