# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=redundant-keyword-arg # it does not see the fields of a dataclass's base in another room
"""plan(): the actions from what exists to what the spec asks for. Pure: no I/O, no clock, no service by name."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from .._core.capabilities import Capabilities
from .._core.errors import InvalidInput, LimitReached, Obstructed, VmState
from .._core.model import Checkpoint, ObservedVm
from .._core.plan import Action, Plan, refuse_obstructed
from .._core.spec import Absent, Present, Spec
from .._core.times import format_duration, show_seconds, show_time
from . import pinning
from .absent_planner import plan_absent
from .actions import Create, Delete, NoOp, Update
from .age_order import AgeOrder
from .clock_warnings import clock_warnings
from .identity import description_drift, keeps, stores
from .predecessors import of_this_vm, refuse_taken, warnings_of
from .progress import CheckpointProgress
from .restore_planner import plan_restore
from .selection import choose, matches, missing, oldest_first, unusable


def plan(
    spec: Spec,
    actual: ObservedVm,
    capabilities: Capabilities,
    progress: CheckpointProgress | None = None,
) -> Plan:
    """The steps for one VM: create, restore, then delete, oldest first; refused here, in check mode too, at a limit."""
    progress = progress or CheckpointProgress()
    if isinstance(spec, Present):
        made = _present(spec, actual, capabilities, progress)
    elif isinstance(spec, Absent):
        made = plan_absent(spec, actual, capabilities)
    else:
        power = progress.power or actual.power
        # What a create of this run has left behind that failed is no evidence of a restore.
        points = tuple(c for c in actual.checkpoints if c.ownership.nonce not in progress.failed)
        standing = replace(actual, checkpoints=points)
        made = plan_restore(
            spec, standing, capabilities, progress.made, power, progress.restored, progress.restore_run_id
        )
    if _compares_times(spec):
        warned = clock_warnings(actual, matches(actual, spec.name, spec.checkpoint_id))
        made = replace(made, warnings=(*made.warnings, *warned))
    made = replace(made, warnings=(*made.warnings, *warnings_of(spec, actual, made)))
    refuse(made, actual, capabilities)
    verbs = {verb for action in made.writes for verb in action.kinds}
    cautions = tuple(text for verb, text in actual.cautions if verb in verbs)
    return replace(made, warnings=(*made.warnings, *cautions))


def _compares_times(spec: Spec) -> bool:
    """Whether a time that the user gives, or an age, decides."""
    if isinstance(spec, Present):
        return spec.max_age is not None or spec.supersede
    return spec.select is not None and spec.select.by_time


def _present(spec: Present, actual: ObservedVm, capabilities: Capabilities, progress: CheckpointProgress) -> Plan:
    """Any usable match will do; with `max_age` the newest decides and a new one joins the series.

    What this very run has made is fresh, however long it took since: a task makes one.
    """
    found = of_this_vm(matches(actual, spec.name, spec.checkpoint_id), spec.checkpoint_id)
    if spec.checkpoint_id is not None and not found:
        raise missing(actual, spec.name, spec.checkpoint_id)
    series = [c for c in found if c.usability != "unusable" and c.ownership.nonce not in progress.failed]
    if spec.max_age is not None:
        series = [c for c in series if c.usable and _counts(c, actual, spec.max_age, progress)]
    if not series and spec.checkpoint_id is not None:
        raise unusable(found[0])
    if not series:
        return _new(spec, actual, capabilities, found)
    description = spec.description if capabilities.has_description else None
    targets = _targets(spec, actual, capabilities, series)
    kept = targets[-1]
    actions: list[Action] = [NoOp(actual.vm, _why_keep(spec, kept, actual), checkpoint=kept)]
    warnings = [
        f'nobody can say yet whether checkpoint "{c.name}" ({c.id}) is usable: the service does not show all of it.'
        for c in targets
        if c.is_open
    ]
    warnings += _no_descriptions(spec, capabilities)
    drift: list[dict[str, object]] = []
    for target in targets:
        warnings += pinning.warnings_of(spec, actual, target)
        pin = pinning.in_mark(spec, actual, capabilities, target)
        wanted = None if description is None or keeps(target, description) else description
        writes = wanted is not None and not stores(target, wanted) and capabilities.can_update_description
        text = wanted if writes else None
        if text is not None or pin is not None:
            why = [f'description is "{target.description}"'] if text is not None else []
            why += [] if pin is None else [pinning.why(pin.request)]
            actions.append(Update(actual.vm, " and ".join(why), checkpoint=target, description=text, pin=pin))
        actions += pinning.apart(spec, actual, capabilities, target)
        if wanted is not None and text is None:
            drift.append(description_drift(target, wanted))
            why_not = f"and {capabilities.title} has no way to change it"
            if capabilities.can_update_description:
                why_not = "in what a service may make of a text by itself, so that it is not written again"
            warnings.append(
                f'the description of checkpoint "{target.name}" ({target.id}) differs, {why_not}; see drift.'
            )
    actions += _supersede(spec, actual, found, kept)
    warnings += _not_superseded(spec, [c for c in found if c is not kept])
    return Plan(actual.vm, tuple(actions), tuple(warnings), tuple(drift), satisfied_by=kept)


def _new(spec: Present, actual: ObservedVm, capabilities: Capabilities, found: list[Checkpoint]) -> Plan:
    """A new checkpoint. Where names are unique a series generates them; what failed under a fixed one goes first."""
    generate = capabilities.names_unique and spec.max_age is not None
    name = spec.name or ""
    if not re.fullmatch(capabilities.name_pattern, name) or (generate and len(name) > capabilities.longest_series):
        longest = (
            f", at most {capabilities.longest_series} characters with max_age" if capabilities.names_unique else ""
        )
        raise InvalidInput(
            f'name: "{name}" is no name that {capabilities.title} takes: {capabilities.name_rule}{longest}.'
        )
    description = spec.description if capabilities.has_description else None
    create = Create(actual.vm, _why_create(spec, found), name=name, description=description, generate=generate)
    pin, pinned_after = pinning.of_new(name, spec, actual, capabilities)
    create = replace(create, require_usable=spec.max_age is not None, pin=pin)
    named = matches(actual, spec.name, spec.checkpoint_id) if capabilities.names_unique and not generate else []
    in_the_way = [c for c in named if c.name.lower() == name.lower()]
    refuse_taken(in_the_way)
    pinning.refuse_pinned(actual, in_the_way)
    first = pinning.removals(actual, "it failed, and its name is needed", in_the_way)
    later = _supersede(spec, actual, [c for c in found if c not in in_the_way], None)
    warnings = _not_superseded(spec, [c for c in found if c not in in_the_way])
    warnings += _no_descriptions(spec, capabilities) + pinning.warnings_of(spec, actual, None)
    return Plan(actual.vm, (*first, *actual.prelude, create, *pinned_after, *later), tuple(warnings))


def _no_descriptions(spec: Present, capabilities: Capabilities) -> list[str]:
    """The warning that a description was given to a service that keeps none; the same in every run."""
    if spec.description is None or capabilities.has_description:
        return []
    return [f"{capabilities.title} keeps no descriptions; this one is not stored."]


def _targets(
    spec: Present, actual: ObservedVm, capabilities: Capabilities, series: list[Checkpoint]
) -> list[Checkpoint]:
    """Whose description and pin the spec is about: with max_age or supersede the newest; one that has both will do.

    A pin is lifted from what is pinned, whatever else has the name.
    """
    description = spec.description if capabilities.has_description else None
    asks = description is not None or spec.pin is not None or spec.pin_lock is not None
    if not asks or spec.max_age is not None or spec.supersede:
        return [_newest(series)]
    if spec.pin is False:
        series = [c for c in series if actual.is_pinned(c)] or series
    fitting = [c for c in series if description is None or keeps(c, description) or stores(c, description)]
    fitting = [c for c in fitting if pinning.fits(spec, actual, capabilities, c)]
    if fitting and spec.on_ambiguous == "fail":
        return [_newest(fitting)]
    return choose(actual, series, spec.on_ambiguous, f'are named "{spec.name}"')


def _not_superseded(spec: Present, others: list[Checkpoint]) -> list[str]:
    """That others of the series stay although supersede is set: nothing says that they are ours."""
    foreign = sum(not c.ownership.managed for c in others)
    if not spec.supersede or not foreign:
        return []
    are = "1 other is" if foreign == 1 else f"{foreign} others are"
    return [f'{are} named "{spec.name}" and not marked as this collection\'s: supersede leaves them.']


def _supersede(spec: Present, actual: ObservedVm, found: list[Checkpoint], kept: Checkpoint | None) -> list[Action]:
    """Older checkpoints of the series go once a newer one hangs: our own only, and never a pinned one."""
    if not spec.supersede or (kept is not None and not kept.usable):
        return []
    ours = [c for c in found if c.ownership.managed and c.identified]
    old = [c for c in ours if not actual.is_pinned(c) and c is not kept]
    if kept is not None:
        order = AgeOrder(actual)
        old = [c for c in old if order.is_older(c, kept)]
    reason = f'superseded: supersede is set and a newer "{spec.name}" exists'
    if kept is None:
        reason = f'superseded: supersede is set and a new "{spec.name}" comes first'
    return pinning.removals(actual, reason, old)


def decisive_checkpoints(spec: Spec, actual: ObservedVm, progress: CheckpointProgress) -> list[Checkpoint]:
    """Newest first, those that the plan would rest on: because of them none is made, or older ones go.

    Without max_age and supersede any usable one will do, so that one in doubt decides only where there is none.
    """
    if not isinstance(spec, Present):
        return []
    found = of_this_vm(matches(actual, spec.name, spec.checkpoint_id), spec.checkpoint_id)
    found = [c for c in found if c.usability != "unusable"]
    if spec.max_age is None and not spec.supersede and any(c.usable for c in found):
        return []
    if spec.max_age is not None:
        found = [c for c in found if _counts(c, actual, spec.max_age, progress)]
    return oldest_first(actual, found)[::-1]


def _counts(checkpoint: Checkpoint, actual: ObservedVm, max_age: timedelta, progress: CheckpointProgress) -> bool:
    """Whether it is young enough for max_age; what this run has made is."""
    age = actual.age(checkpoint)
    return checkpoint.ownership.nonce in progress.made or (age is not None and age <= max_age.total_seconds())


def refuse(made: Plan, actual: ObservedVm, capabilities: Capabilities) -> None:
    """What the service would refuse is refused before anything is sent."""
    if not made.writes:
        return
    if actual.refuses:
        passes = actual.refuses_for_now
        raise (VmState if passes else Obstructed)(
            f"its state is {actual.refuses}, in which {capabilities.title} allows no checkpoint work.",
            remedy="Run the task again once that has ended." if passes else "Bring the VM into another state first.",
            changed_nothing=True,
        )
    refuse_obstructed(made.writes, actual.obstacles)
    creates = [position for position, action in enumerate(made.writes) if isinstance(action, Create)]
    if not creates:
        return
    gone = sum(isinstance(action, Delete) for action in made.writes[: creates[0]])
    if len(actual.checkpoints) - gone + len(creates) > capabilities.max_points:
        raise LimitReached(
            f"{len(actual.checkpoints)} checkpoints exist and {capabilities.title} allows {capabilities.max_points} "
            f"per VM; {len(creates)} more would be needed.",
            remedy="Remove some first (state: absent).",
            changed_nothing=True,
        )


def _newest(series: list[Checkpoint]) -> Checkpoint:
    """The newest usable one: by time, else the deepest; present needs any one, so an unknown order is no error."""
    series = [c for c in series if c.usable] or series
    dated = [c for c in series if c.created is not None]
    if dated:
        return max(dated, key=lambda c: (c.created, c.depth, c.id))
    return max(series, key=lambda c: c.depth)


def _why_create(spec: Present, found: list[Checkpoint]) -> str:
    if not found:
        age = f"; max_age {format_duration(spec.max_age)}" if spec.max_age is not None else ""
        return f'no checkpoint named "{spec.name}" exists{age}'
    if spec.max_age is None:
        return f'no usable checkpoint named "{spec.name}" exists'
    newest = max((c.created for c in found if c.created is not None), default=None)
    known = f"; the newest is of {show_time(newest)}" if newest else "; the time of those that exist is unknown"
    return f'no usable checkpoint named "{spec.name}" is younger than {format_duration(spec.max_age)}{known}'


def _why_keep(spec: Present, kept: Checkpoint, actual: ObservedVm) -> str:
    if spec.max_age is None:
        return "it exists"
    return f"it is {show_seconds(int(actual.age(kept) or 0))} old, max_age is {format_duration(spec.max_age)}"
