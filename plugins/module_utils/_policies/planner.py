# Copyright: hybridvm.checkpoints contributors
# SPDX-License-Identifier: GPL-3.0-or-later
# pylint: disable=redundant-keyword-arg # it does not see the fields of a dataclass's base in another room
"""plan() for a policy: create first, then remove, oldest first; every other checkpoint is kept, with a reason. Pure."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .._checkpoints.actions import Delete
from .._checkpoints.clock_warnings import clock_warnings
from .._checkpoints.pinning import unlocking
from .._checkpoints.planner import refuse
from .._checkpoints.progress import CheckpointProgress
from .._core.capabilities import Capabilities
from .._core.errors import CheckpointError, InvalidInput, LimitReached, NoSlotYet, TooManyDeletes
from .._core.fields import MAX_NAME
from .._core.model import Checkpoint, ObservedVm
from .._core.plan import Action, Plan
from .._core.times import format_duration, format_time, show_seconds, show_time
from .actions import CreatePoint, KeepPoint, RemovePoint
from .retention import Point, Verdict, newest_first, retain
from .scope import governed, points_of
from .specs import PolicySpec

Limit: t.TypeAlias = t.Literal["max_deletes", "max_deletes_total"]


@dataclass(frozen=True)
class Decision:
    """What a policy decides about a VM: one verdict for each checkpoint, `newest` usable one, whether one is `due`.

    `is_full`: one is due, and the service holds as many as it can. `left` counts what would go and was left, because
    `limit` (the option's name and value) allows fewer.
    """

    verdicts: tuple[Verdict, ...]
    newest: Point | None
    due: bool = False
    is_full: bool = False
    left: int = 0
    limit: str = ""


def decide(
    spec: PolicySpec,
    observed: ObservedVm,
    capabilities: Capabilities,
    progress: CheckpointProgress | None = None,
    *,
    removed: int = 0,
    planned: t.Collection[str] = (),
    allotted: int | None = None,
) -> Decision:
    """The verdicts on what exists, with a new one counted where one is due.

    `removed` are those that this run has removed already, `planned` the ids of those that the plan removes which it has
    begun to carry out, and `allotted` how many max_deletes_total, which bounds the task as a whole, leaves to this VM.
    """
    progress = progress or CheckpointProgress()
    now = observed.now
    points = points_of(spec, observed, progress.failed)
    good = newest_first(points, now)
    due = is_due(spec, observed, progress)
    is_full = due and len(observed.checkpoints) >= capabilities.max_points
    new = [Point("", now)] if due and not is_full else []
    verdicts = retain([*new, *points], spec.policy, now)[len(new) :]
    by_id = {checkpoint.id: checkpoint for checkpoint in observed.checkpoints}
    verdicts = tuple(_locked(verdict, observed, by_id[verdict.point.id]) for verdict in verdicts)
    decision = Decision(verdicts, good[0] if good else None, due, is_full)
    goes = sum(not verdict.keep for verdict in verdicts)
    bound = _bound(spec, goes + removed, allotted)
    if bound is None:
        return decision
    return _leave_late(decision, *bound, planned) if removed or planned else _leave_all(decision, *bound, goes)


def is_due(spec: PolicySpec, observed: ObservedVm, progress: CheckpointProgress) -> bool:
    """Whether max_age asks for a new one. What this very run has made is fresh, however long it took since."""
    if spec.max_age is None or any(c.ownership.nonce in progress.made for c in governed(spec, observed)):
        return False
    good = newest_first(points_of(spec, observed, progress.failed), observed.now)
    return not good or observed.now - t.cast(datetime, good[0].at) > spec.max_age


def plan(
    decision: Decision, spec: PolicySpec, observed: ObservedVm, capabilities: Capabilities, *, patience: float
) -> Plan:
    """The steps for one VM. `patience` are the seconds within which the service must take a create."""
    by_id = {checkpoint.id: checkpoint for checkpoint in observed.checkpoints}
    create = decision.due and not decision.is_full
    kept = [verdict for verdict in decision.verdicts if verdict.keep]
    actions: list[Action] = [
        KeepPoint(observed.vm, v.reason, checkpoint=by_id[v.point.id], rule=v.rule, rules=v.rules) for v in kept
    ]
    if create:
        _require_slot(observed, patience)
        actions += [*observed.prelude, _new(spec, observed, capabilities, decision)]
    locked: list[Action] = []  # last, for who may not lift a lock gets no further
    for verdict in sorted((each for each in decision.verdicts if not each.keep), key=_age):
        checkpoint = by_id[verdict.point.id]
        first = unlocking(observed, checkpoint, verdict.reason)
        removal = RemovePoint(observed.vm, verdict.reason, checkpoint=checkpoint, rule=verdict.rule)
        (locked if first else actions).extend((*first, removal))
    actions += locked
    newest = None if decision.newest is None or create else by_id[decision.newest.id]
    left = shortfall(decision, observed, capabilities)
    warnings = tuple(clock_warnings(observed, governed(spec, observed)))
    made = Plan(observed.vm, tuple(actions), warnings, satisfied_by=newest, shortfall=left)
    refuse(made, observed, capabilities)
    verbs = {verb for action in made.writes for verb in action.kinds}
    cautions = tuple(text for verb, text in observed.cautions if verb in verbs)
    return replace(made, warnings=(*made.warnings, *cautions))


def shortfall(decision: Decision, observed: ObservedVm, capabilities: Capabilities) -> CheckpointError | None:
    """What a run that carries out its plan does not bring about all the same."""
    if decision.left:
        return TooManyDeletes(
            f"{decision.left} checkpoint{'' if decision.left == 1 else 's'} would go, and {decision.limit}: none was "
            "removed.",
            remedy="Look at the plan; if it is right, raise the limit for a run.",
        )
    if decision.is_full:
        return LimitReached(
            f"{len(observed.checkpoints)} checkpoints exist and {capabilities.title} allows {capabilities.max_points} "
            "per VM, so that no new one was made.",
            remedy="Run the task again once some have gone; else remove some (vm_checkpoint, state: absent).",
        )
    return None


def _age(verdict: Verdict) -> tuple[datetime, str]:
    """What goes is of known age."""
    return t.cast(datetime, verdict.point.at), verdict.point.id


def _bound(spec: PolicySpec, goes: int, allotted: int | None) -> tuple[Limit, str] | None:
    """The limit that allows fewer, by its name and in words."""
    if goes > spec.max_deletes:
        return "max_deletes", f"max_deletes is {spec.max_deletes}"
    if allotted is not None and goes > allotted:
        return "max_deletes_total", f"max_deletes_total is {spec.max_deletes_total}"
    return None


def _leave_all(decision: Decision, rule: Limit, limit: str, goes: int) -> Decision:
    """All that would go stays: what is too much is not cut off in the middle."""
    left = tuple(
        verdict
        if verdict.keep
        else replace(verdict, keep=True, rule=rule, reason=f"{verdict.reason}, but {goes} would go and {limit}")
        for verdict in decision.verdicts
    )
    return replace(decision, verdicts=left, left=goes, limit=limit)


def _leave_late(decision: Decision, rule: Limit, limit: str, planned: t.Container[str]) -> Decision:
    """The plan that was begun was within the limit: what has become due since waits for the next run."""
    verdicts = tuple(
        verdict
        if verdict.keep or verdict.point.id in planned
        else replace(verdict, keep=True, rule=rule, reason=f"{verdict.reason}, but only since this run began; {limit}")
        for verdict in decision.verdicts
    )
    return replace(decision, verdicts=verdicts)


def _locked(verdict: Verdict, observed: ObservedVm, checkpoint: Checkpoint) -> Verdict:
    """A lock on this very checkpoint keeps it; one that forbids every removal is refused as everywhere.

    That of a pin that has ended goes with it.
    """
    if verdict.keep:
        return verdict
    verb = f"delete {verdict.point.id}".lower()
    lifted = {kind for action in unlocking(observed, checkpoint, verdict.reason) for kind in action.kinds}
    for obstacle in observed.obstacles:
        if verb in obstacle.verbs and "delete" not in obstacle.verbs and obstacle.lifted_by not in lifted:
            return replace(verdict, keep=True, rule="locked", reason=obstacle.why.rstrip("."))
    return verdict


def _require_slot(observed: ObservedVm, patience: float) -> None:
    opens = observed.next_create
    if opens is not None and opens - observed.now > timedelta(seconds=patience):
        raise no_slot(opens, patience)


def no_slot(opens: datetime, patience: float) -> NoSlotYet:
    """The refusal of a create that the service takes only later than the task waits."""
    return NoSlotYet(
        f"a new checkpoint is due, and the service takes the next one at {format_time(opens)}, which the task does not "
        f"wait for (wait_timeout is {show_seconds(patience)}).",
        remedy="Run the task again then, or raise wait_timeout.",
        changed_nothing=True,
    )


def _new(spec: PolicySpec, observed: ObservedVm, capabilities: Capabilities, decision: Decision) -> CreatePoint:
    """A new one of the series. Where names are unique its time and a nonce stand behind the name."""
    generate = capabilities.names_unique
    naming = spec.name_template.before_stamp() if generate else spec.name_template
    name = naming.render(spec.prefix, observed.vm.name, observed.now, spec.timezone)
    longest = capabilities.longest_series if generate else MAX_NAME
    if len(name) > longest or not re.fullmatch(capabilities.name_pattern, name) or not _is_name(name):
        raise InvalidInput(
            f'prefix, name_template: "{name}" is no name that {capabilities.title} takes: {capabilities.name_rule}'
            f"{f', at most {longest} before the time and the nonce that are added' if generate else ''}."
        )
    why = _why_new(spec, observed, decision)
    if observed.next_create is not None and observed.next_create > observed.now:
        why += f"; the service takes the next one at {format_time(observed.next_create)}"
    return CreatePoint(
        observed.vm,
        why,
        name=name,
        generate=generate,
        require_usable=True,
        template=spec.name_template.text,
        prefix=spec.prefix,
    )


def _is_name(name: str) -> bool:
    return name == name.strip() and name.isprintable()


def _why_new(spec: PolicySpec, observed: ObservedVm, decision: Decision) -> str:
    limit = format_duration(t.cast(timedelta, spec.max_age))
    if decision.newest is None:
        return f"no usable checkpoint of the series {spec.prefix} exists; max_age {limit}"
    at = show_time(decision.newest.at)
    return f"no usable checkpoint of the series {spec.prefix} is younger than {limit}; the newest is of {at}"


def removed_by(actions: t.Iterable[Action]) -> int:
    """How many checkpoints these actions have removed."""
    return sum(isinstance(action, Delete) for action in actions)


def removals_of(planned: Plan | None) -> frozenset[str]:
    """The ids of the checkpoints that a plan removes."""
    actions = () if planned is None else planned.actions
    return frozenset(action.checkpoint.id for action in actions if isinstance(action, Delete))
